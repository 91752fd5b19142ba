"""The file of a flow arrives: all that can be judged at once is judged before a byte of it is kept.

Source: flows, 1.2 and 1.3; defects 8, 9 and 16 (12).
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.arrivo import FileArrivato
from hub.domain.errors import (
    Conflict,
    FileTroppoGrande,
    FlussoGiaRicevuto,
    FlussoRifiutato,
    GettoneNonValido,
    OutOfService,
)
from hub.domain.flussi import read_nome
from hub.domain.stati import IMPORT_APERTI
from hub.formats.istanti import giorno_di
from hub.formats.zip_flusso import check_upload, open_csv
from hub.ports import Archivio
from hub.store import enti, flussi_import
from hub.store.database import Database, Session
from hub.usecases.autorizza_import_flusso import accept_flusso, find_autorizzato

# A component of a path has 255 bytes at most on any file system; the row holds 256 characters.
_NOME_BYTES_MAX = 200
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LimitiCarico:
    """Bytes of a flow: of an ente that has no limit of its own, and of any ente at all."""

    bytes_max: int
    bytes_ceiling: int

    def of_ente(self, ente: Row[Any]) -> int:
        return min(ente.flusso_bytes_max or self.bytes_max, self.bytes_ceiling)


@dataclass(frozen=True, slots=True)
class FlussoRicevuto:
    request_token: str
    cod_ipa_ente: str
    nome_file: str


def receive_flusso(
    db: Database,
    archivio: Archivio,
    secret: str,
    limiti: LimitiCarico,
    token: str,
    arrivato: FileArrivato,
    now: datetime,
    *,
    is_strict: bool,
) -> FlussoRicevuto:
    """Keep the file that a token may bring, and use up the token; an import waits for it when this returns.

    `is_strict`: what the import would abort the whole file for is refused at once: parts and version of the name, a
    missing csv. First the file, then the row: a crash between the two leaves a file that nobody knows, and the token
    good. Each attempt has a place of its own, so that of two at once the loser cannot touch the file of the winner.
    Raises: GettoneNonValido, GettoneUsato, FileTroppoGrande, FlussoRifiutato, FlussoGiaRicevuto, OutOfService.
    """
    with db.reading() as session:
        row = find_autorizzato(session, secret, token, now)
        ente = enti.by_id(session, row.ente_id)
    bytes_max = limiti.of_ente(ente)
    if arrivato.size_bytes > bytes_max:
        size_bytes = arrivato.size_bytes
        raise FileTroppoGrande(f"il file ha {size_bytes} byte, più dei {bytes_max} ammessi: dividere il flusso")
    base = _check_nome(arrivato.nome, ente.cod_ipa_ente)
    if is_strict:
        with open_csv(arrivato.contenuto, read_nome(arrivato.nome)):
            pass
    check_upload(arrivato.contenuto, base)
    nome_file = f"{base}.zip"
    with db.reading() as session:
        _check_free(session, ente, nome_file, arrivato.sha256)
    month = f"{giorno_di(now):%Y_%m}"
    file = f"{ente.cod_ipa_ente}/IMPORT/{month}/{row.request_token}/{uuid.uuid4().hex[:8]}/{nome_file}"
    arrivato.contenuto.seek(0)
    with archivio.write(file) as kept:
        shutil.copyfileobj(arrivato.contenuto, kept, _BLOCK)
    crash_point(Punto.CARICO_SCRITTO)
    try:
        with db.transaction() as session:
            # Two requests may bring one name at once: one after the other.
            enti.lock(session, ente.id)
            find_autorizzato(session, secret, token, now)
            _check_free(session, ente, nome_file, arrivato.sha256)
            accept_flusso(
                session, secret, token, nome_file=nome_file, size_bytes=arrivato.size_bytes, sha256=arrivato.sha256,
                md5=arrivato.md5, file=file, now=now,
            )  # fmt: skip
    except (Conflict, GettoneNonValido):
        # Of these it is certain that no row names the file; of a database that went away it is not.
        with suppress(OutOfService):
            archivio.delete(file)
        raise
    crash_point(Punto.CARICO_TENUTO)
    return FlussoRicevuto(row.request_token, ente.cod_ipa_ente, nome_file)


def _check_nome(nome: str, cod_ipa_ente: str) -> str:
    """Return a file's name without its ending. Whether its parts are three is not asked. Source: flows, 1.2.

    Raises: FlussoRifiutato.
    """
    shown = nome[:120]
    base, _, ending = nome.rpartition(".")
    rule = None
    if ending.lower() != "zip" or not base:
        rule = "deve finire in .zip"
    elif set(nome) & set("/\\:") or not nome.isprintable():
        rule = "senza percorso e senza caratteri di controllo"
    elif len(nome.encode()) > _NOME_BYTES_MAX:
        rule = f"al massimo {_NOME_BYTES_MAX} byte"
    if rule is not None:
        raise FlussoRifiutato(f"PAA_IMPORT_NOME_FILE_ERR({shown})", f"nome del file {shown!r} non valido: {rule}")
    if not nome.startswith(f"{cod_ipa_ente}-"):
        raise FlussoRifiutato(
            f"PAA_IMPORT_ENTE_ERR({shown.partition('-')[0]},{cod_ipa_ente})",
            f"il file {shown!r} non è dell'ente che lo carica: il nome deve iniziare con {cod_ipa_ente}-",
        )
    return base


def _check_free(session: Session, ente: Row[Any], nome_file: str, sha256: str) -> None:
    """Raises: FlussoGiaRicevuto (a flow of this name is here)."""
    row = flussi_import.find_by_nome(session, ente.id, nome_file)
    if row is None:
        return
    stato = "PAA_IMPORT_FLUSSO_IN_CARICAMENTO" if row.stato in IMPORT_APERTI else "PAA_IMPORT_FLUSSO_DUPLICATO"
    how = "lo stesso contenuto" if row.sha256 == sha256 else "un altro contenuto"
    cure = "non serve rimandarlo" if row.sha256 == sha256 else "per un altro contenuto serve uno iuf nuovo"
    raise FlussoGiaRicevuto(
        stato, f"il flusso {nome_file} è già stato ricevuto con {how} (richiesta {row.request_token}): {cure}"
    )
