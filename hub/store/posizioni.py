"""The hot write of a payment that starts: carrelli, dovuti, attempts, outbox and session, all or nothing.

One statement on PostgreSQL for the common case, one carrello of new dovuti (one round trip, data-modifying CTEs); the
same rows one by one otherwise. Both take the session only from NUOVO_CARRELLO, so that two clicks start one payment.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, text, update
from sqlalchemy.exc import IntegrityError

from hub.domain.errors import DovutoNonPagabile, IudDuplicato
from hub.domain.stati import StatoCarrello, StatoDovuto, StatoSessione, check_transition
from hub.store import dovuti as dovuti_store
from hub.store import outbox as outbox_store
from hub.store.database import Session
from hub.store.schema import carrelli, dovuti, sessioni, tentativi


@dataclass(frozen=True, slots=True)
class Avvio:
    """One carrello that starts. The dicts carry the columns of their tables.

    `voci`: new dovuti with what only they have; `comuni`: what all of them share. `dovuto`: a stored one instead.
    """

    carrello: dict[str, Any]
    tentativo: dict[str, Any]
    voci: Sequence[dict[str, Any]] = ()
    comuni: dict[str, Any] | None = None
    dovuto: Row[Any] | None = None


@dataclass(frozen=True, slots=True)
class Messaggio:
    """What leaves for the node; `chiave` is the id of the first attempt."""

    topic: str
    chiave: str
    payload: bytes


_START = text(
    f"""
WITH s AS (
  UPDATE sessioni SET stato = 'PAGAM_IN_CORSO', updated_at = :now, nome_pagatore = :nome, email_pagatore = :email
  WHERE id_session = :id_session AND stato = 'NUOVO_CARRELLO' RETURNING id_session, correlation_id
), c AS (
  INSERT INTO carrelli (id, id_session, posizione, ente_id, dominio, iuv, stato, importo_cent, created_at, updated_at)
  SELECT :carrello_id, s.id_session, 1, :ente_id, :dominio, :iuv, 'PAGAM_IN_CORSO', :importo_cent, :now, :now FROM s
  RETURNING id
), d AS (
  INSERT INTO dovuti (id, ente_id, dominio, carrello_id, posizione, iud, iuv, tipo, importo_cent, commissione_cent,
                      causale, dati_specifici, bilancio_xml, marca, scadenza, tipo_versamento, pagatore_tipo,
                      pagatore_codice, pagatore, origine, stato, created_at, updated_at)
  SELECT x.id, :ente_id, :dominio, c.id, x.posizione, x.iud, :iuv, x.tipo, x.importo_cent, x.commissione_cent,
         x.causale, x.dati_specifici, x.bilancio_xml, x.marca, x.scadenza, :tipo_versamento, :pagatore_tipo,
         :pagatore_codice, CAST(:pagatore AS json), :origine, 'PAGAMENTO_INIZIATO', :now, :now
  FROM c, json_to_recordset(CAST(:voci AS json)) AS x(id varchar, posizione int, iud varchar, tipo varchar,
       importo_cent bigint, commissione_cent bigint, causale varchar, dati_specifici varchar, bilancio_xml text,
       marca json, scadenza date)
), t AS (
  INSERT INTO tentativi (id, carrello_id, stazione_id, dominio, iuv, ccp, id_messaggio, id_carrello_nodo, rpt,
                         rpt_sha256, profilo, stato, created_at, updated_at)
  SELECT :tentativo_id, c.id, :stazione_id, :dominio, :iuv, :ccp, :id_messaggio, :id_carrello_nodo, :rpt,
         :rpt_sha256, :profilo, 'DA_INVIARE', :now, :now FROM c
), o AS (
  INSERT INTO outbox (topic, ente_id, chiave, payload, stato, next_attempt_at, correlation_id, created_at)
  SELECT :topic, :ente_id, :tentativo_id, :payload, 'DA_INVIARE', :now, s.correlation_id, :now FROM s, c
  RETURNING id
)
SELECT count(*), pg_notify('{outbox_store.CHANNEL}', '') FROM o
"""
)


def start(
    session: Session, sessione: dict[str, Any], avvii: Sequence[Avvio], messaggio: Messaggio, now: datetime
) -> bool:
    """Write a payment that starts; False when somebody else started it first.

    `sessione`: id_session, correlation_id, nome, email.
    Raises: IudDuplicato (an IUD was taken meanwhile), DovutoNonPagabile (a stored dovuto is not free any more).
    """
    check_transition(StatoSessione.NUOVO_CARRELLO, StatoSessione.PAGAM_IN_CORSO)
    is_common = len(avvii) == 1 and avvii[0].comuni is not None and "secondario" not in avvii[0].comuni
    try:
        if session.dialect.name == "postgresql" and is_common:
            return _start_at_once(session, sessione, avvii[0], messaggio, now)
        return _start_row_by_row(session, sessione, avvii, messaggio, now)
    except IntegrityError as error:
        if "iud" in str(error.orig):
            raise IudDuplicato(
                "uno degli IUD di questa richiesta è già stato usato",
                "identificativoUnivocoDovuto: ogni IUD si usa una volta sola, anche da due sessioni aperte insieme",
            ) from error
        if "uq_carrelli" in str(error.orig) or "carrelli.iuv" in str(error.orig):
            raise DovutoNonPagabile("il pagamento di questo avviso è già in corso") from error
        raise


def _start_at_once(
    session: Session, sessione: dict[str, Any], avvio: Avvio, messaggio: Messaggio, now: datetime
) -> bool:
    comuni = dict(avvio.comuni or {})
    comuni["pagatore"] = json.dumps(comuni["pagatore"])
    values = {f"carrello_{key}" if key == "id" else key: value for key, value in avvio.carrello.items()}
    values |= {f"tentativo_{key}" if key == "id" else key: value for key, value in avvio.tentativo.items()}
    values |= sessione | comuni
    voci = json.dumps(avvio.voci, default=str)
    values |= {"voci": voci, "topic": messaggio.topic, "payload": messaggio.payload, "now": now}
    return session.execute(_START, values).one()[0] == 1


def _start_row_by_row(
    session: Session, sessione: dict[str, Any], avvii: Sequence[Avvio], messaggio: Messaggio, now: datetime
) -> bool:
    taken = session.execute(
        update(sessioni)
        .where(sessioni.c.id_session == sessione["id_session"], sessioni.c.stato == StatoSessione.NUOVO_CARRELLO)
        .values(
            stato=str(StatoSessione.PAGAM_IN_CORSO),
            updated_at=now,
            nome_pagatore=sessione["nome"],
            email_pagatore=sessione["email"],
        )
    )
    if taken.rowcount != 1:
        return False
    stamped = {"created_at": now, "updated_at": now}
    for posizione, avvio in enumerate(avvii, 1):
        head = {**stamped, "id_session": sessione["id_session"], "posizione": posizione}
        session.execute(insert(carrelli), {**avvio.carrello, **head, "stato": str(StatoCarrello.PAGAM_IN_CORSO)})
        if avvio.dovuto is not None:
            _take(session, avvio.dovuto, avvio.carrello, now)
        else:
            session.execute(insert(dovuti), [_row(voce, avvio, stamped) for voce in avvio.voci])
        attempt = {**avvio.tentativo, **stamped, "carrello_id": avvio.carrello["id"], "stato": "DA_INVIARE"}
        session.execute(insert(tentativi), attempt)
    outbox_store.put(
        session,
        messaggio.topic,
        messaggio.chiave,
        messaggio.payload,
        sessione["correlation_id"],
        now,
        ente_id=avvii[0].carrello["ente_id"],
    )
    return True


def _row(voce: dict[str, Any], avvio: Avvio, stamped: dict[str, Any]) -> dict[str, Any]:
    carrello = avvio.carrello
    return {
        **voce,
        **(avvio.comuni or {}),
        **stamped,
        "ente_id": carrello["ente_id"],
        "dominio": carrello["dominio"],
        "carrello_id": carrello["id"],
        "iuv": carrello["iuv"],
        "stato": str(StatoDovuto.PAGAMENTO_INIZIATO),
    }


def _take(session: Session, dovuto: Row[Any], carrello: dict[str, Any], now: datetime) -> None:
    """Put a stored dovuto into its carrello. Raises: DovutoNonPagabile (it was changed, cancelled, paid, or taken)."""
    check_transition(StatoDovuto.INSERIMENTO_DOVUTO, StatoDovuto.PAGAMENTO_INIZIATO)
    values: dict[str, Any] = {"carrello_id": carrello["id"]}
    if dovuto.iuv is None:
        values |= {"iuv": carrello["iuv"], "iuv_volatile": True}
    if not dovuti_store.take(session, dovuto.id, at=now, **values):
        raise DovutoNonPagabile("il dovuto non è più pagabile: è stato modificato, annullato o è già in pagamento")
