"""A payment as an export tells it: one paid dovuto and the line of the receipt that says so."""

from __future__ import annotations

from dataclasses import dataclass

from hub.domain.documenti import Rt, SingoloRt, Soggetto

_NESSUNO = Soggetto("", "", "")


@dataclass(frozen=True, slots=True)
class EntePrimario:
    """The ente that collected, where the one that reads is the second beneficiary. `codice_tassonomico`: its own."""

    codice_fiscale: str
    nome: str
    codice_tassonomico: str


NESSUN_PRIMARIO = EntePrimario("", "", "")


@dataclass(frozen=True, slots=True)
class Pagato:
    """`riga`: of the flow `iuf`, None in the built-in ones; `indice`: of the line in its receipt, from 1.

    `raw`: the receipt as it came, None when the item was settled outside the hub.
    """

    iuf: str
    riga: int | None
    iud: str
    iuv: str
    tipo: str
    rt: Rt
    singolo: SingoloRt
    indice: int
    raw: bytes | None = None
    bilancio_xml: str | None = None
    primario: EntePrimario = NESSUN_PRIMARIO
    tipo_firma: str = ""  # of the receipt; the hub takes receipts without one

    @property
    def versante(self) -> Soggetto:
        """Who paid on behalf of the debtor; without texts when nobody did."""
        return self.rt.versante or _NESSUNO
