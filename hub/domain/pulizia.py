"""Why a file of the archive goes, and what its path says of the row that may name it.

Shapes, under the codIpaEnte: `IMPORT/<yyyy_MM>/<requestToken>/<attempt>/<name>.zip`; `<base>_<kind>.zip`, and beside it
`avvisi-<flow>-<n>.parte` while they print, in `IMPORT_ELABORATI/<yyyy_MM>/<base>/`; `EXPORT/<yyyy_MM>/<name>.zip`;
`EXPORT_DOVUTI_SCADUTI/<yyyy-MM>/EXP_SCADUTI_<requestToken>.zip`. Source: flows, 1.2, 1.5 and 3.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from hub.domain.archiviato import FileArchiviato

# What nobody finished, and the parts of notices that are joined: a day is more than any of them takes.
_MEZZI_FATTI = timedelta(days=1)
# Whole files: between a file and its row there are seconds; the rest is for who looks into what went wrong.
_INTERI = timedelta(days=2)


class Motivo(StrEnum):
    """Why a file goes."""

    INCOMPIUTO = "INCOMPIUTO"
    SCONOSCIUTO = "SCONOSCIUTO"
    PARTE = "PARTE"
    EXPORT_SCADUTO = "EXPORT_SCADUTO"
    FLUSSO_SCADUTO = "FLUSSO_SCADUTO"


@dataclass(frozen=True, slots=True)
class Rimovibile:
    """A file to be removed; `eta`: None when it is not its own age that counts."""

    path: str
    size_bytes: int
    eta: timedelta | None
    motivo: Motivo


@dataclass(frozen=True, slots=True)
class Conservazione:
    """How long files of finished exports and flows are kept; None: for ever."""

    export: timedelta | None = None
    flussi: timedelta | None = None

    @classmethod
    def of_giorni(cls, export: int | None, flussi: int | None) -> Conservazione:
        """Return what so many days mean."""
        return cls(*(None if giorni is None else timedelta(days=giorni) for giorni in (export, flussi)))


class Genere(StrEnum):
    """What kind of row may name a file, and by which key it is found."""

    RICEVUTO = "RICEVUTO"  # an import, by its requestToken
    RISULTATO = "RISULTATO"  # an import, by the name of its file
    PARTE = "PARTE"  # an import, by its id
    EXPORT = "EXPORT"  # an export, by its id
    SCADUTI = "SCADUTI"  # an export, by its requestToken


@dataclass(frozen=True, slots=True)
class Origine:
    """What a path says of the row that may name it; `chiave` as its `genere` says."""

    cod_ipa_ente: str
    genere: Genere
    chiave: str


_SHAPES = (
    (Genere.RICEVUTO, re.compile(r"IMPORT/\d{4}_\d\d/([^/]+)/(?:[^/]+/)?[^/]+\.zip")),
    (Genere.PARTE, re.compile(r"IMPORT_ELABORATI/\d{4}_\d\d/[^/]+/avvisi-(\d{1,18})-\d+\.parte")),
    (Genere.RISULTATO, re.compile(r"IMPORT_ELABORATI/\d{4}_\d\d/([^/]+)/\1_[A-Z_]+\.zip")),
    (Genere.EXPORT, re.compile(r"EXPORT/\d{4}_\d\d/(?:[^/]+-)?(\d{1,18})_ESTRAZIONE_DOVUTI_[^/]+\.zip")),
    (Genere.SCADUTI, re.compile(r"EXPORT_DOVUTI_SCADUTI/\d{4}-\d\d/EXP_SCADUTI_([^/]+)\.zip")),
)


def origine_di(path: str) -> Origine | None:
    """Return what a path says of its row; None: not a file of ours, to be left alone.

    >>> origine_di("C_PROVA/IMPORT/2026_11/0a1b/77/C_PROVA-F1-1_3.zip").chiave
    '0a1b'
    >>> origine_di("C_PROVA/IMPORT_ELABORATI/2026_11/C_PROVA-F1-1_3/C_PROVA-F1-1_3_AVVISI_PDF.zip").chiave
    'C_PROVA-F1-1_3'
    >>> origine_di("C_PROVA/IMPORT_ELABORATI/2026_11/C_PROVA-F1-1_3/avvisi-12-00001.parte").chiave
    '12'
    >>> origine_di("C_PROVA/EXPORT/2026_11/C_PROVA-7_ESTRAZIONE_DOVUTI_20261121203000-1_3.zip").chiave
    '7'
    >>> origine_di("C_PROVA/EXPORT_DOVUTI_SCADUTI/2026-11/EXP_SCADUTI_0a1b.zip").genere
    <Genere.SCADUTI: 'SCADUTI'>
    >>> origine_di("copie/IMPORT/pippo.zip") is None
    True
    """
    cod_ipa_ente, _, rest = path.partition("/")
    for genere, shape in _SHAPES:
        if found := shape.fullmatch(rest):
            return Origine(cod_ipa_ente, genere, found[1])
    return None


def motivo_di(file: FileArchiviato, origine: Origine | None) -> Motivo | None:
    """Return why a file may go if no row wants it; None: it is too young, or not ours.

    >>> motivo_di(FileArchiviato("C_PROVA/x", 1, timedelta(days=9)), None) is None
    True
    >>> motivo_di(FileArchiviato("C_PROVA/.parte-x", 1, timedelta(days=2), is_incompiuto=True), None)
    <Motivo.INCOMPIUTO: 'INCOMPIUTO'>
    """
    if file.is_incompiuto:
        return Motivo.INCOMPIUTO if file.eta > _MEZZI_FATTI else None
    if origine is None:
        return None
    if origine.genere == Genere.PARTE:
        return Motivo.PARTE if file.eta > _MEZZI_FATTI else None
    return Motivo.SCONOSCIUTO if file.eta > _INTERI else None
