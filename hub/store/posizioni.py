"""The hot write of a payment that starts: carrello, dovuti, attempt, outbox and session, all or nothing.

One statement on PostgreSQL (one round trip, data-modifying CTEs); on SQLite the same rows inside the caller's grouped
transaction. Both take the session only from NUOVO_CARRELLO, so that two clicks start one payment.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError

from hub.domain.errors import IudDuplicato
from hub.domain.stati import StatoSessione, check_transition
from hub.store import outbox as outbox_store
from hub.store.database import Session
from hub.store.schema import carrelli, dovuti, sessioni, tentativi

_START = text(
    f"""
WITH s AS (
  UPDATE sessioni SET stato = 'PAGAM_IN_CORSO', updated_at = :now, nome_pagatore = :nome, email_pagatore = :email
  WHERE id_session = :id_session AND stato = 'NUOVO_CARRELLO' RETURNING id_session, correlation_id
), c AS (
  INSERT INTO carrelli (id, id_session, ente_id, dominio, iuv, stato, importo_cent, created_at, updated_at)
  SELECT :carrello_id, s.id_session, :ente_id, :dominio, :iuv, 'PAGAM_IN_CORSO', :importo_cent, :now, :now FROM s
  RETURNING id
), d AS (
  INSERT INTO dovuti (id, ente_id, carrello_id, posizione, iud, iuv, tipo, importo_cent, causale, dati_specifici,
                      bilancio_xml, scadenza, stato, created_at, updated_at)
  SELECT x.id, :ente_id, c.id, x.posizione, x.iud, :iuv, x.tipo, x.importo_cent, x.causale, x.dati_specifici,
         x.bilancio_xml, x.scadenza, 'PAGAMENTO_INIZIATO', :now, :now
  FROM c, json_to_recordset(CAST(:voci AS json)) AS x(id varchar, posizione int, iud varchar, tipo varchar,
       importo_cent bigint, causale varchar, dati_specifici varchar, bilancio_xml text, scadenza date)
), t AS (
  INSERT INTO tentativi (id, carrello_id, stazione_id, dominio, iuv, ccp, id_messaggio, id_carrello_nodo, rpt,
                         rpt_sha256, stato, created_at, updated_at)
  SELECT :tentativo_id, c.id, :stazione_id, :dominio, :iuv, :ccp, :id_messaggio, :id_carrello_nodo, :rpt,
         :rpt_sha256, 'DA_INVIARE', :now, :now FROM c
), o AS (
  INSERT INTO outbox (topic, ente_id, chiave, payload, stato, next_attempt_at, correlation_id, created_at)
  SELECT :topic, :ente_id, :tentativo_id, :payload, 'DA_INVIARE', :now, s.correlation_id, :now FROM s, c
  RETURNING id
)
SELECT count(*), pg_notify('{outbox_store.CHANNEL}', '') FROM o
"""
)


def start(
    session: Session,
    *,
    sessione: dict[str, Any],
    carrello: dict[str, Any],
    voci: list[dict[str, Any]],
    tentativo: dict[str, Any],
    topic: str,
    payload: bytes,
    now: datetime,
) -> bool:
    """Write a payment that starts; False when somebody else started it first.

    `sessione`: id_session, correlation_id, nome, email. The rows carry the columns of their tables.
    Raises: IudDuplicato (an IUD was taken meanwhile).
    """
    check_transition(StatoSessione.NUOVO_CARRELLO, StatoSessione.PAGAM_IN_CORSO)
    try:
        if session.dialect.name == "postgresql":
            return _start_postgresql(session, sessione, carrello, voci, tentativo, topic, payload, now)
        return _start_sqlite(session, sessione, carrello, voci, tentativo, topic, payload, now)
    except IntegrityError as error:
        if "iud" not in str(error.orig):
            raise
        raise IudDuplicato(
            "uno degli IUD di questa richiesta è già stato usato",
            "identificativoUnivocoDovuto: ogni IUD si usa una volta sola, anche da due sessioni aperte insieme",
        ) from error


def _start_postgresql(
    session: Session,
    sessione: dict[str, Any],
    carrello: dict[str, Any],
    voci: list[dict[str, Any]],
    tentativo: dict[str, Any],
    topic: str,
    payload: bytes,
    now: datetime,
) -> bool:
    values = {f"carrello_{key}" if key == "id" else key: value for key, value in carrello.items()}
    values |= {f"tentativo_{key}" if key == "id" else key: value for key, value in tentativo.items()}
    values |= sessione
    values |= {"voci": json.dumps(voci, default=str), "topic": topic, "payload": payload, "now": now}
    return session.execute(_START, values).one()[0] == 1


def _start_sqlite(
    session: Session,
    sessione: dict[str, Any],
    carrello: dict[str, Any],
    voci: list[dict[str, Any]],
    tentativo: dict[str, Any],
    topic: str,
    payload: bytes,
    now: datetime,
) -> bool:
    taken = session.execute(
        update(sessioni)
        .where(sessioni.c.id_session == sessione["id_session"], sessioni.c.stato == StatoSessione.NUOVO_CARRELLO)
        .values(
            stato="PAGAM_IN_CORSO", updated_at=now, nome_pagatore=sessione["nome"], email_pagatore=sessione["email"]
        )
    )
    if taken.rowcount != 1:
        return False
    stamped = {"created_at": now, "updated_at": now}
    session.execute(
        insert(carrelli),
        {**carrello, **stamped, "id_session": sessione["id_session"], "stato": "PAGAM_IN_CORSO"},
    )
    session.execute(
        insert(dovuti),
        [
            {
                **voce,
                **stamped,
                "ente_id": carrello["ente_id"],
                "carrello_id": carrello["id"],
                "iuv": carrello["iuv"],
                "stato": "PAGAMENTO_INIZIATO",
            }
            for voce in voci
        ],
    )
    session.execute(insert(tentativi), {**tentativo, **stamped, "carrello_id": carrello["id"], "stato": "DA_INVIARE"})
    outbox_store.put(
        session, topic, tentativo["id"], payload, sessione["correlation_id"], now, ente_id=carrello["ente_id"]
    )
    return True
