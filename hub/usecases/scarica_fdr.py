"""Fetch a settlement flow that the node listed: its bytes into the archive first, what they say is read afterwards.

One bad flow stops no other: each has its state, its reason and the time of its next attempt. Source: node, 2.7, 2.12,
6.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, BinaryIO, cast

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.acquisizione_fdr import (
    FINESTRA,
    PAUSA_ASSENTE,
    PAUSA_FERMA,
    EsitoDomanda,
    FlussoElencato,
    Scarico,
    Trasporto,
    pausa_dopo,
)
from hub.domain.delivery import Delivery
from hub.domain.errors import Conflict
from hub.domain.stati import StatoRendicontazione
from hub.formats.fdr import LIMITS
from hub.formats.istanti import giorno_di
from hub.formats.segreti import Cassaforte
from hub.log import get_logger
from hub.ports import Archivio
from hub.store import acquisizioni_fdr, enti, rendicontazioni
from hub.store.database import Database
from hub.usecases import circuito_fdr
from hub.usecases.elenca_fdr import Porte, Ritmo
from hub.usecases.profilo_fdr import domanda_of

_SUFFIX = {Trasporto.SOAP: "xml", Trasporto.REST: "zip"}
_REASON_MAX = 500


class _NonScaricato(Exception):
    """The bytes count for nothing: nothing is kept of them."""

    def __init__(self, scarico: Scarico) -> None:
        super().__init__(scarico.codice)
        self.scarico = scarico


class _NonChiesto(Exception):
    """The circuit of the station is open: nothing was asked."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(delivery.detail)
        self.delivery = delivery


class _Copia:
    """What is written, counted and bounded on its way into the archive."""

    def __init__(self, target: BinaryIO) -> None:
        self._target, self._sha, self.size_bytes = target, sha256(), 0

    def write(self, data: bytes) -> int:
        self.size_bytes += len(data)
        if self.size_bytes > LIMITS.bytes_max:
            reason = f"flusso oltre il limite di {LIMITS.bytes_max} byte"
            raise _NonScaricato(Scarico(EsitoDomanda.RIPROVARE, "FLUSSO_TROPPO_GRANDE", reason))
        self._sha.update(data)
        self._target.write(data)
        return len(data)

    def flush(self) -> None:
        self._target.flush()

    @property
    def sha256(self) -> str:
        return self._sha.hexdigest()


def run_once(
    db: Database,
    porte: Porte,
    archivio: Archivio,
    cassaforte: Cassaforte,
    ritmo: Ritmo,
    clock: Callable[[], datetime],
    wait: Callable[[float], Any] = lambda _: None,
) -> bool:
    """Fetch one flow, then let the pause between two calls pass; True when there was one."""
    with db.reading() as session:
        if not rendicontazioni.has_claimable(session, clock(), is_stored=False):
            return False
    with db.transaction() as session:
        now = clock()
        row = rendicontazioni.claim(session, now, now + ritmo.lease, is_stored=False)
        if row is None:
            return False
        domanda = domanda_of(session, cassaforte, row.stazione_id, row.dominio)
        ente = enti.by_id(session, row.ente_id)
    flusso = FlussoElencato(row.iuf, row.elencato_at, row.psp, row.revisione, row.pubblicato_at)
    path = _path(ente.cod_ipa_ente, row)
    try:
        with archivio.write(path) as target:
            copia = _Copia(target)
            porta = porte[Trasporto(row.trasporto)]

            def exchange() -> Scarico:
                try:
                    return porta.scarica(domanda, flusso, cast(BinaryIO, copia))
                except _NonScaricato as refused:
                    return refused.scarico

            scarico = circuito_fdr.ask(db, row.stazione_id, exchange, clock, ritmo.lease)
            if isinstance(scarico, Delivery):
                raise _NonChiesto(scarico)
            if scarico.esito != EsitoDomanda.OK:
                raise _NonScaricato(scarico)
    except _NonChiesto as held:
        _put_off(db, row, held.delivery, clock())
        return True
    except _NonScaricato as refused:
        _note_failure(db, row, refused.scarico, clock())
    else:
        crash_point(Punto.FDR_SCARICATO)
        _store(db, archivio, row, path, copia, clock())
    wait(ritmo.pausa_s)
    return True


def _path(cod_ipa_ente: str, row: Row[Any]) -> str:
    """Where the bytes go: of each attempt its own place, so that a worker given up for dead disturbs nobody."""
    name = re.sub(r"[^A-Za-z0-9-]", "-", row.iuf)[:64]
    suffix = _SUFFIX[Trasporto(row.trasporto)]
    giorno = giorno_di(row.elencato_at)
    return f"{cod_ipa_ente}/RENDICONTAZIONE/{giorno:%Y_%m}/{name}_{row.id}_{row.fence}.{suffix}"


def _store(db: Database, archivio: Archivio, row: Row[Any], path: str, copia: _Copia, now: datetime) -> None:
    try:
        with db.transaction() as session:
            rendicontazioni.move(
                session, row, to=StatoRendicontazione.STORED, at=now, file=path, sha256=copia.sha256,
                size_bytes=copia.size_bytes, stored_at=now, next_attempt_at=now, righe_lette=0, motivo=None,
            )  # fmt: skip
    except Conflict:
        # Another worker has taken it since: its bytes count.
        archivio.delete(path)
        get_logger().warning("fdr_ceded", rendicontazione=row.id)
        return
    crash_point(Punto.FDR_TENUTO)
    if row.file is not None and row.file != path:
        archivio.delete(row.file)
    get_logger().info("fdr_stored", rendicontazione=row.id, iuf=row.iuf, size_bytes=copia.size_bytes)


def _put_off(db: Database, row: Row[Any], held: Delivery, now: datetime) -> None:
    """Leave a flow for when the circuit lets it: it is no attempt."""
    with db.transaction() as session:
        rendicontazioni.move(
            session, row, to=StatoRendicontazione.DOWNLOAD_ERROR, at=now, motivo=held.detail[:_REASON_MAX],
            next_attempt_at=now + timedelta(seconds=held.retry_after_s or 1), attempts=row.attempts - 1,
        )  # fmt: skip


def _note_failure(db: Database, row: Row[Any], scarico: Scarico, now: datetime) -> None:
    """Keep why a flow did not come and when it is asked for again; after the node's memory is over, a person is."""
    if scarico.esito == EsitoDomanda.ASSENTE:
        pausa = PAUSA_ASSENTE
    elif scarico.esito in (EsitoDomanda.RIFIUTATA, EsitoDomanda.SENZA_DOCUMENTO):
        pausa = PAUSA_FERMA
    else:
        pausa = pausa_dopo(row.attempts, scarico.retry_after_s)
    next_at = now + pausa
    is_over = next_at - row.listed_at > FINESTRA
    motivo = f"{scarico.codice}: {scarico.dettaglio}" if scarico.dettaglio else scarico.codice
    with db.transaction() as session:
        if scarico.esito == EsitoDomanda.RIFIUTATA:
            acquisizioni_fdr.stop(session, row.dominio, row.stazione_id, scarico.codice[:64], motivo, next_at)
        rendicontazioni.move(
            session, row, to=StatoRendicontazione.DOWNLOAD_ERROR, at=now, motivo=motivo[:_REASON_MAX],
            next_attempt_at=None if is_over else next_at,
        )  # fmt: skip
    is_alarm = scarico.esito in (EsitoDomanda.RIFIUTATA, EsitoDomanda.SENZA_DOCUMENTO)
    tell = get_logger().error if is_alarm else get_logger().warning
    tell(
        "fdr_not_stored", rendicontazione=row.id, iuf=row.iuf, outcome=str(scarico.esito), code=scarico.codice,
        attempt=row.attempts, is_parked=is_over,
    )  # fmt: skip
