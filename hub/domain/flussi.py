"""Flows of an ente, in words: what may be booked. Source: flows, 3.1 and 3.4; pa-per-ente, 2.8 and 2.9."""

from __future__ import annotations

from enum import StrEnum

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
