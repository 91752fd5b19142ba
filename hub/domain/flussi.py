"""Flows of an ente, in words: how one is named, what may be booked.

Source: flows, 1.3, 3.1 and 3.4; pa-per-ente, 2.8 and 2.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub.domain.errors import FlussoRifiutato

# Layouts of the import, as the name of a file spells them (with underscores).
VERSIONI_IMPORT = ("1_0", "1_1", "1_2", "1_3", "1_4")
IUF_LENGTH_MAX = 50
# `origine` of a dovuto that a flow brought.
ORIGINE_FLUSSO = "FLUSSO"

# Layouts of the export of paid items, as the contract spells them (with dots).
VERSIONI_EXPORT = ("1.0", "1.1", "1.2", "1.3")
VERSIONE_DEFAULT = "1.0"
# In place of a tipo: the items of which the ente is the second beneficiary.
TIPO_ENTE_SECONDARIO = "EXPORT_ENTE_SECONDARIO"


class GenereExport(StrEnum):
    """Which registry a booking belongs to; each has a status operation of its own."""

    PAGATI = "PAGATI"
    SCADUTI = "SCADUTI"


class TipoFlusso(StrEnum):
    """`type` of a download address: the folder that a token opens one file of."""

    FLUSSI_IMPORT = "FLUSSI_IMPORT"
    FLUSSI_EXPORT = "FLUSSI_EXPORT"
    FLUSSI_EXPORT_SCADUTI = "FLUSSI_EXPORT_SCADUTI"


@dataclass(frozen=True, slots=True)
class NomeFlusso:
    """The three parts of a file's name; `base` is the name without its ending."""

    cod_ipa_ente: str
    iuf: str
    versione: str

    @property
    def base(self) -> str:
        return f"{self.cod_ipa_ente}-{self.iuf}-{self.versione}"


def read_nome(nome: str) -> NomeFlusso:
    """Return the parts of the name of a flow, `<codIpaEnte>-<iuf>-<versione>` and `.zip` or `.csv`.

    Neither the ente's code nor the iuf may have a hyphen: the parts could not be told apart.
    Raises: FlussoRifiutato.

    >>> read_nome("C_H501-F1-1_3.zip")
    NomeFlusso(cod_ipa_ente='C_H501', iuf='F1', versione='1_3')
    """
    shown = nome[:120]
    base, _, ending = nome.rpartition(".")
    parts = base.split("-")
    is_plain = nome.isprintable() and not set(nome) & set("/\\:")
    if ending.lower() not in ("zip", "csv") or len(parts) != 3 or not all(parts) or not is_plain:
        raise FlussoRifiutato(
            f"PAA_IMPORT_NOME_FILE_ERR({shown})",
            f"nome del file {shown!r} non valido: atteso <codIpaEnte>-<iuf>-<versione>.zip, senza trattini nelle parti",
        )
    if len(parts[1]) > IUF_LENGTH_MAX:
        raise FlussoRifiutato(
            f"PAA_IMPORT_NOME_FILE_ERR({shown})",
            f"nome del file {shown!r} non valido: lo iuf supera i {IUF_LENGTH_MAX} caratteri",
        )
    if parts[2] not in VERSIONI_IMPORT:
        raise FlussoRifiutato(
            f"PAA_IMPORT_FILE_VERSIONE_ERR({parts[2][:20]})",
            f"versione del tracciato {parts[2][:20]!r} non gestita: ammesse {', '.join(VERSIONI_IMPORT)}",
        )
    return NomeFlusso(*parts)
