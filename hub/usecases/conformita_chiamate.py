"""The recorded calls of an integrator, read for a report of conformance. Source: pa-per-ente, 1.2 and 1.4."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.chiavi import keys_of
from hub.domain.chiamata_sandbox import CORPO_MAX_BYTES, Canale
from hub.domain.conformita.prove import Chiamata
from hub.formats.conformita_chiamate import Registrata, read_chiamata
from hub.formats.conformita_documenti import Lettura
from hub.formats.conformita_sonde import CORRELAZIONE
from hub.store import chiamate_sandbox
from hub.store.database import Database

# What is read from the archive at a time.
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Raccolta:
    """`escluse`: calls kept only in part. `impronte`: of each call that counts, for the digest of the evidence."""

    chiamate: tuple[Chiamata, ...]
    escluse: int
    impronte: tuple[str, ...]


def nuova_correlazione(secret_key: str) -> str:
    """Return a reference for our own questions: the hub knows them again, and nobody else can write one."""
    nonce = secrets.token_hex(8)
    return f"conformita-{nonce}-{_sigillo(keys_of(secret_key)[0], nonce)}"


def is_nostra(secret_key: str, correlazione: str) -> bool:
    """Say whether a call was a question of a report: it says nothing of the integrator."""
    match = CORRELAZIONE.fullmatch(correlazione)
    if match is None:
        return False
    return any(hmac.compare_digest(match[2], _sigillo(key, match[1])) for key in keys_of(secret_key))


def _sigillo(key: str, nonce: str) -> str:
    return hmac.digest(key.encode(), f"conformita:{nonce}".encode(), hashlib.sha256).hex()[:20]


def raccogli(
    db: Database,
    cod_ipa_ente: str,
    lettura: Lettura,
    secret_key: str,
    *,
    applicazione: str | None = None,
    da: datetime | None = None,
    are_anonime: bool = False,
    told: Callable[[int], None] = lambda number: None,
) -> Raccolta:
    """Return the calls of an ente, in the order in which they came.

    `applicazione`: those of nobody that was recognised count too, as far as they name the ente. `are_anonime`: calls
    that name no ente the hub knows count as well; right only where one integrator alone is at work. `told`: how many
    were read so far.
    """
    found: list[Chiamata] = []
    impronte: list[str] = []
    escluse = 0
    for row in _rows(db):
        if (
            row.canale != Canale.ENTE
            or is_nostra(secret_key, row.correlazione)
            or (da is not None and row.istante < da)
        ):
            continue
        if applicazione is not None and row.applicazione not in (None, applicazione):
            continue
        if row.cod_ipa_ente not in (None, cod_ipa_ente):
            continue
        if len(row.richiesta) >= CORPO_MAX_BYTES:
            escluse += row.cod_ipa_ente == cod_ipa_ente
            continue
        chiamata = read_chiamata(_registrata(row), lettura)
        if row.cod_ipa_ente is None and not are_anonime and not _names(chiamata, cod_ipa_ente):
            continue
        found.append(chiamata)
        impronte.append(f"{row.id} {row.istante.isoformat()} {_sha(row.richiesta)} {_sha(row.risposta)}")
        if len(found) % _BATCH == 0:
            told(len(found))
    return Raccolta(tuple(found), escluse, tuple(impronte))


def _rows(db: Database) -> Iterator[Row[Any]]:
    after = 0
    while True:
        with db.reading() as session:
            rows = chiamate_sandbox.read(session, after_id=after, limit=_BATCH)
        yield from rows
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def _registrata(row: Row[Any]) -> Registrata:
    return Registrata(
        numero=row.id,
        istante=row.istante,
        operazione=row.operazione,
        esito=row.esito,
        stato_http=row.stato_http or 0,
        durata_us=row.durata_us,
        richiesta=bytes(row.richiesta),
        risposta=bytes(row.risposta),
        intestazioni=_intestazioni(row.intestazioni),
    )


def _intestazioni(text: str | None) -> Mapping[str, str]:
    found = json.loads(text) if text else {}
    return {str(name): str(value) for name, value in found.items()}


def _names(chiamata: Chiamata, cod_ipa_ente: str) -> bool:
    """Whether a call names the ente, but for capitals and blanks: that it does so wrongly is what a rule says."""
    said = (chiamata.busta and chiamata.busta.header_ente) or chiamata.campi.get("codIpaEnte") or ""
    return said.strip().upper() == cod_ipa_ente.upper()


def _sha(data: bytes) -> str:
    return hashlib.sha256(bytes(data)).hexdigest()
