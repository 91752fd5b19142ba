"""The files of a folder of flows, tried for a report of conformance without storing anything.

Source: flows, 1.3, 2.1 to 2.6: the rules are those of the import.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from hub.domain.conformita.prove import Flusso, Scartata
from hub.domain.errors import FlussoRifiutato
from hub.domain.flussi import NomeFlusso, read_nome
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import read_righe, split
from hub.formats.zip_flusso import open_flusso
from hub.store.database import Database
from hub.usecases.check_flusso import CheckFlusso

# A folder of samples, not an archive; the first rejected rows of a file tell what is wrong with it.
FILE_MAX = 200
_SCARTATE_MAX = 1000
_IUD_MAX = 200_000
_FINE = (".csv", ".zip")
_SEPARATORI = (",", "\t", "|")
_BOM = "\ufeff"


def prova_flussi(
    cartella: Path,
    cod_ipa_ente: str,
    now: datetime,
    iuv_quindici_fino_al: date,
    db: Database,
    told: Callable[[str], None] = lambda name: None,
) -> Iterator[tuple[Flusso, str]]:
    """Give what each file of a folder looks like, by name, and the SHA-256 of its bytes.

    Only those that end as flows do are looked at. Raises: OSError.
    """
    files = sorted(one for one in cartella.iterdir() if one.is_file() and one.suffix.lower() in _FINE)
    for file in files[:FILE_MAX]:
        told(file.name)
        with file.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
        yield _prova(file, cod_ipa_ente, now, iuv_quindici_fino_al, db), digest


def _prova(file: Path, cod_ipa_ente: str, now: datetime, limit: date, db: Database) -> Flusso:
    flusso = Flusso(file.name[:200], file.stat().st_size)
    try:
        nome = read_nome(file.name)
    except FlussoRifiutato as error:
        return replace(flusso, problema_nome=error.stato)
    flusso = replace(flusso, cod_ipa_ente=nome.cod_ipa_ente, iuf=nome.iuf, versione=nome.versione)
    is_own = nome.cod_ipa_ente == cod_ipa_ente
    prova = CheckFlusso(nome, now, limit, db if is_own else None, cod_ipa_ente if is_own else "", is_new=True)
    try:
        return _check(file, nome, _look(file, nome, flusso), prova)
    except FlussoRifiutato as error:
        return replace(flusso, problema=(error.stato, error.testo))


def _look(file: Path, nome: NomeFlusso, flusso: Flusso) -> Flusso:
    """Return what the bytes show: encoding, separator, header, IUD. Raises: FlussoRifiutato."""
    expected = tuple(colonna.nome for colonna in VERSIONI[nome.versione].colonne)
    with file.open("rb") as raw, open_flusso(raw, file.name, nome) as (csv, _):
        rows = read_righe(csv)
        header = next(rows).testo
        is_utf8 = not _has_strangers(header)
        iud: list[str] = []
        for riga in rows:
            is_utf8 = is_utf8 and not _has_strangers(riga.testo)
            if not riga.difetto and len(iud) < _IUD_MAX:
                iud += _iud(riga.testo)
    separatore = next((one for one in _SEPARATORI if ";" not in header and one in header), ";")
    return replace(
        flusso,
        is_utf8=is_utf8,
        has_bom=header.startswith(_BOM) or _begins_with_bom(file, nome),
        intestazione=tuple(name.strip().strip('"') for name in header.removeprefix(_BOM).split(separatore))[:60],
        intestazione_attesa=expected,
        separatore=separatore,
        iud=tuple(iud),
    )


def _begins_with_bom(file: Path, nome: NomeFlusso) -> bool:
    with file.open("rb") as raw, open_flusso(raw, file.name, nome) as (csv, _):
        return csv.read(3) == b"\xef\xbb\xbf"


def _has_strangers(text: str) -> bool:
    """Whether bytes that are not UTF-8 stand in it, as Python's surrogates."""
    return any("\udc80" <= char <= "\udcff" for char in text)


def _iud(text: str) -> list[str]:
    """The IUD that a row inserts; none when the row cannot be read, or does something else."""
    try:
        fields = split(text)
    except ValueError:
        return []
    return [fields[0].strip()] if fields[-1].strip() == "I" and fields[0].strip() else []


def _check(file: Path, nome: NomeFlusso, flusso: Flusso, prova: CheckFlusso) -> Flusso:
    with file.open("rb") as raw, open_flusso(raw, file.name, nome) as (csv, _):
        rejected = (
            Scartata(riga.linea, scarto.campo, scarto.codice, scarto.messaggio)
            for riga, scarti in prova.scarti(csv)
            for scarto in scarti
        )
        found = tuple(islice(rejected, _SCARTATE_MAX))
        for _ in rejected:
            pass  # to the end, so that the rows are counted
    return replace(flusso, righe=prova.riepilogo.righe, scartate=found)
