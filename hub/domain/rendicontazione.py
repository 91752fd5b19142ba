"""The settlement flow of a PSP (FdR) as the hub says it: one credit transfer and the payments that it is made of.

Amounts are integer cents. Source: FlussoRiversamento 1.0.4; node, 6.1 to 6.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

REVOCATO = "3"
# 0 paid, 3 revoked, 4 stand-in, 8 stand-in without RPT, 9 without RPT. The published schema lacks 4 and 8.
ESITI = ("0", REVOCATO, "4", "8", "9")

_IUF = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([^-]{1,35})-")


@dataclass(frozen=True, slots=True)
class Istituto:
    """Who sends or receives the transfer. `tipo`: G (tax code), A (ABI), B (BIC)."""

    tipo: str
    codice: str
    denominazione: str | None = None


@dataclass(frozen=True, slots=True)
class Riversamento:
    """What a flow says of itself, before its rows.

    `iuf` as written: it is not unique by itself, (ente, PSP, iuf, `generato_at`) is. `generato_at`: aware UTC.
    `trn`: the reference of the transfer. `osservazioni`: Italian sentences on what differs from the contract.
    `calcolati`: rows and cents as the node has counted them, where it says so (REST).
    """

    versione: str
    iuf: str
    generato_at: datetime
    trn: str
    regolato: date
    mittente: Istituto
    ricevente: Istituto
    righe: int
    importo_cent: int
    bic_riversamento: str | None = None
    osservazioni: tuple[str, ...] = ()
    calcolati: tuple[int, int] | None = None

    @property
    def psp(self) -> str | None:
        """The PSP's code inside the name, None when the name has not the usual form. Source: node, 2.7 and 6.3 rule 4.

        "2026-11-20ABI01234-S0001" names ABI01234.
        """
        return psp_of(self.iuf)


def psp_of(iuf: str) -> str | None:
    """Return the PSP's code inside the name of a flow, None when the name has not the usual form.

    >>> psp_of("2026-11-20ABI01234-S0001"), psp_of("giro-7")
    ('ABI01234', None)
    """
    match = _IUF.match(iuf)
    return match[1] if match else None


@dataclass(frozen=True, slots=True)
class Riga:
    """One payment of a flow. `numero` is 1-based, in file order.

    `indice` is the transfer of the receipt or the line of the RPT; older flows lack it. `importo_cent` is positive in
    the current form, also when `esito` says revoked; archives of 2018 may hold a sign.
    """

    numero: int
    iuv: str
    iur: str
    importo_cent: int
    esito: str
    data_esito: date
    indice: int | None = None
    osservazioni: tuple[str, ...] = ()

    @property
    def netto_cent(self) -> int:
        """What the row adds to the transfer: a revocation takes away."""
        return -self.importo_cent if self.esito == REVOCATO else self.importo_cent


class Somma(StrEnum):
    """Which sum of the rows the declared total is."""

    NETTA = "NETTA"
    LORDA = "LORDA"
    NESSUNA = "NESSUNA"


@dataclass(frozen=True, slots=True)
class Totali:
    """How many rows, and their sums with and without the sign of the revocations."""

    righe: int = 0
    netto_cent: int = 0
    lordo_cent: int = 0

    def plus(self, righe: Iterable[Riga]) -> Totali:
        """Return the totals with more rows: to be called chunk by chunk."""
        count, net, gross = self.righe, self.netto_cent, self.lordo_cent
        for riga in righe:
            count, net, gross = count + 1, net + riga.netto_cent, gross + riga.importo_cent
        return Totali(count, net, gross)

    def somma(self, riversamento: Riversamento) -> Somma:
        """Tell which sum the declared total is; the net one is asked first.

        Source: node, 6.3 rule 6; annex E.5 (the sign of the revocations inside the total is an open doubt).
        """
        if riversamento.importo_cent == self.netto_cent:
            return Somma.NETTA
        return Somma.LORDA if riversamento.importo_cent == self.lordo_cent else Somma.NESSUNA

    def quadra(self, riversamento: Riversamento) -> bool:
        """Tell whether the flow holds what it declares. One that does not is stored and shown, never dropped."""
        return riversamento.righe == self.righe and self.somma(riversamento) is not Somma.NESSUNA
