"""A payable position as the node asks about it: what is owed, by whom, and to which accounts it goes.

Source: node, paGetPayment (3.2) and V2 (3.3), from a position to an RPT (4.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from hub.domain.avviso import conto_from_iban
from hub.domain.documenti import MarcaBollo, Soggetto

# The most that any answer and any RPT carry. Source: node, 3.2 and 4.1.
TRASFERIMENTI_MAX = 5
METADATI_MAX = 15


@dataclass(frozen=True, slots=True)
class Trasferimento:
    """One line of a position: what goes to one account, or one stamp. `numero` is stable, from 1.

    `iban_postale`: the same beneficiary's account at the post, if it has one.
    """

    numero: int
    importo_cent: int
    beneficiario: str
    nome: str
    causale: str
    tassonomia: str
    iban: str | None = None
    iban_postale: str | None = None
    marca: MarcaBollo | None = None


@dataclass(frozen=True, slots=True)
class Posizione:
    """What a notice is worth now. `scadenza` None: the notice has no due date; `ufficio` may be empty.

    `metadati`: key and value, as the ente has agreed them with PSPs.
    """

    dominio: str
    iuv: str
    causale: str
    scadenza: date | None
    nome_ente: str
    ufficio: str
    debitore: Soggetto
    trasferimenti: tuple[Trasferimento, ...]
    metadati: tuple[tuple[str, str], ...] = ()

    @property
    def importo_cent(self) -> int:
        return sum(one.importo_cent for one in self.trasferimenti)

    @property
    def is_tutta_postale(self) -> bool:
        """Whether every line goes to a postal account."""
        return all(one.iban is not None and conto_from_iban(one.iban) is not None for one in self.trasferimenti)

    @property
    def has_marche(self) -> bool:
        return any(one.marca is not None for one in self.trasferimenti)

    def alla_posta(self) -> Posizione:
        """Return it with postal accounts where every line has one, as it is otherwise. Source: node, 3.2, POSTAL."""
        if any(one.iban_postale is None for one in self.trasferimenti):
            return self
        return replace(self, trasferimenti=tuple(replace(one, iban=one.iban_postale) for one in self.trasferimenti))
