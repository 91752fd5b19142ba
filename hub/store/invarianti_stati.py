"""What must hold of states: each is one that exists, and no two of them contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from sqlalchemy import Column, and_, case, exists, func, or_, select

from hub.domain.ricevuta import Primitiva
from hub.domain.stati import (
    CARRELLI_CON_ESITO,
    ESITI_POSITIVI,
    StatoCarrello,
    StatoConsegna,
    StatoDovuto,
    StatoEnte,
    StatoExport,
    StatoFlusso,
    StatoImport,
    StatoMessaggio,
    StatoRendicontazione,
    StatoRt,
    StatoSessione,
    StatoTentativo,
    TipoSessione,
)
from hub.domain.verifica import Rilievo, mostrabile
from hub.store import schema
from hub.store.lettura import Lettura, rilievo
from hub.store.schema import carrelli, dovuti, outbox, rt_ricevute, sessioni, tentativi

_C, _D, _S, _T, _M = StatoCarrello, StatoDovuto, StatoSessione, StatoTentativo, StatoMessaggio
_APERTI = [str(_C.PREDISPOSTO), str(_C.PAGAM_IN_CORSO)]
_PAGATI = [str(one) for one in (_C.PAGATO, _C.PARZ_PAGATO, _C.DECORR_TERM_PARZ)]
_CON_ESITO = sorted(map(str, CARRELLI_CON_ESITO))

STATI: Mapping[Column[str], type[StrEnum]] = {
    schema.enti.c.stato: StatoEnte,
    sessioni.c.stato: StatoSessione,
    sessioni.c.tipo: TipoSessione,
    carrelli.c.stato: StatoCarrello,
    dovuti.c.stato: StatoDovuto,
    tentativi.c.stato: StatoTentativo,
    rt_ricevute.c.stato: StatoRt,
    rt_ricevute.c.primitiva: Primitiva,
    outbox.c.stato: StatoMessaggio,
    schema.flussi_import.c.stato: StatoImport,
    schema.flussi_import.c.stato_flusso: StatoFlusso,
    schema.prenotazioni_export.c.stato: StatoExport,
    schema.consegne_export.c.stato: StatoConsegna,
    schema.rendicontazioni.c.stato: StatoRendicontazione,
}


def stato_esistente(lettura: Lettura) -> Iterator[Rilievo]:
    """A state is one of those that the state machines have: from another nothing would ever go on.

    Source: hub.domain.stati; pa-per-ente, life-cycle (2.7, 2.8); node, 6.4.
    """
    for column, states in STATI.items():
        (key,) = column.table.primary_key
        query = select(key.label("id"), column.label("stato")).where(column.not_in([str(one) for one in states]))
        for row in lettura.rows(query, key):
            words = f"{column.name} {mostrabile(row.stato)}: non è uno stato di questa versione"
            yield rilievo(row, column.table.name, words)


def dovuto_in_pagamento(lettura: Lettura) -> Iterator[Rilievo]:
    """A dovuto in payment is in a carrello that is open, of its own IUV: else nobody can pay it or change it any more.

    Source: pa-per-ente, life-cycle of a session (5.2).
    """
    d, c = dovuti, carrelli
    is_open = and_(c.c.stato.in_(_APERTI), c.c.iuv == d.c.iuv, c.c.ente_id == d.c.ente_id)
    query = (
        select(d.c.id, d.c.ente_id, d.c.iuv, c.c.stato.label("carrello"))
        .outerjoin(c, c.c.id == d.c.carrello_id)
        .where(d.c.stato == str(_D.PAGAMENTO_INIZIATO), or_(c.c.id.is_(None), ~is_open))
    )
    for row in lettura.rows(query, d.c.id):
        words = f"in pagamento, ma il suo carrello è {mostrabile(row.carrello)}"
        yield rilievo(row, "dovuti", "in pagamento nel carrello di un altro" if row.carrello in _APERTI else words)


def dovuto_concluso(lettura: Lettura) -> Iterator[Rilievo]:
    """A dovuto with an outcome is in a carrello that has one; a paid one in one that was paid, with the same IUV.

    Source: pa-per-ente, effect of a receipt (5.3).
    """
    d, c = dovuti, carrelli
    is_paid = d.c.codice_esito.in_(sorted(ESITI_POSITIVI))
    query = (
        select(d.c.id, d.c.ente_id, d.c.iuv, d.c.codice_esito, c.c.stato.label("carrello"))
        .outerjoin(c, c.c.id == d.c.carrello_id)
        .where(
            d.c.stato == str(_D.COMPLETATO),
            or_(
                c.c.id.is_(None),
                d.c.codice_esito.is_(None),
                c.c.stato.not_in(_CON_ESITO),
                and_(is_paid, c.c.stato.not_in(_PAGATI)),
                and_(is_paid, or_(c.c.iuv != d.c.iuv, c.c.dominio != d.c.dominio, c.c.ente_id != d.c.ente_id)),
            ),
        )
    )
    for row in lettura.rows(query, d.c.id):
        words = f"concluso con esito {mostrabile(row.codice_esito)}, ma il suo carrello è {mostrabile(row.carrello)}"
        has_same_state = row.carrello in _PAGATI and row.codice_esito is not None
        yield rilievo(row, "dovuti", "pagato in un carrello di un altro IUV" if has_same_state else words)


def dovuto_da_pagare(lettura: Lettura) -> Iterator[Rilievo]:
    """A dovuto that waits to be paid is in no carrello and has no outcome, and is the version that counts.

    Source: pa-per-ente, life-cycle of a stored dovuto (5.4).
    """
    d = dovuti
    has_end = or_(d.c.carrello_id.is_not(None), d.c.codice_esito.is_not(None), d.c.iur.is_not(None), ~d.c.attuale)
    query = select(d.c.id, d.c.ente_id, d.c.iuv).where(d.c.stato == str(_D.INSERIMENTO_DOVUTO), has_end)
    for row in lettura.rows(query, d.c.id):
        yield rilievo(row, "dovuti", "da pagare, ma ha già un carrello o un esito, o non è la versione attuale")


def sessione_e_carrelli(lettura: Lettura) -> Iterator[Rilievo]:
    """A session says what its carrelli say: open while one of them is, paid when all are, in part when some are.

    Source: pa-per-ente, states (5.1); hub.domain.stati.sessione_of_carrelli.
    """
    s, c = sessioni, carrelli
    total = func.count(c.c.id)
    opened = func.sum(case((c.c.stato.in_(_APERTI), 1), else_=0))
    positive = func.sum(case((c.c.stato.in_(_PAGATI), 1), else_=0))
    paid = func.sum(case((c.c.stato == str(_C.PAGATO), 1), else_=0))
    untouched = [str(_S.NUOVO_CARRELLO), str(_S.PREDISPOSTO)]
    ended_ill = [
        str(one)
        for one in (_S.NON_PAGATO, _S.ABORT, _S.SCADUTO, _S.SCADUTO_ELABORATO, _S.IMPOSSIBILE_INVIARE_CARRELLO_RP)
    ]
    agrees = case(
        (s.c.stato.in_(untouched), total == 0),
        (s.c.stato == str(_S.PAGAM_IN_CORSO), opened > 0),
        (s.c.stato == str(_S.PAGATO), and_(total > 0, paid == total)),
        (s.c.stato == str(_S.PARZ_PAGATO), and_(opened == 0, positive > 0, paid < total)),
        (s.c.stato.in_(ended_ill), and_(opened == 0, positive == 0)),
        else_=True,
    )
    query = (
        select(s.c.id_session.label("id"), s.c.ente_id, s.c.stato, total.label("n"), opened.label("aperti"),
               positive.label("positivi"))
        .outerjoin(c, c.c.id_session == s.c.id_session)
        .group_by(s.c.id_session)
        .having(~agrees)
    )  # fmt: skip
    for row in lettura.rows(query, s.c.id_session):
        words = f"{mostrabile(row.stato)} con {row.n} carrelli, {row.aperti} in pagamento e {row.positivi} pagati"
        yield rilievo(row, "sessioni", words)


def tentativo_con_passo(lettura: Lettura) -> Iterator[Rilievo]:
    """An attempt without an outcome has a next automatic step: its message leaves, or asks; its receipt is searched.

    Source: node, 2.0.5 (state query), 4.5 (no receipt arrives); `pontepa tentativo list`.
    """
    t, m = tentativi, outbox
    same_cart = tentativi.alias("stesso")
    pursuing = [str(_M.DA_INVIARE), str(_M.IN_INVIO), str(_M.SCONOSCIUTO)]
    sends = exists().where(m.c.topic.startswith("nodo."), m.c.chiave == t.c.id, m.c.stato.in_(pursuing))
    sends_cart = exists().where(
        same_cart.c.id_carrello_nodo == t.c.id_carrello_nodo,
        same_cart.c.stazione_id == t.c.stazione_id,
        m.c.topic.startswith("nodo."),
        m.c.chiave == same_cart.c.id,
        m.c.stato.in_(pursuing),
    )
    unsent = and_(t.c.stato.in_([str(_T.DA_INVIARE), str(_T.SCONOSCIUTO)]), ~sends, ~sends_cart)
    set_aside = exists().where(
        m.c.topic == "recupero", m.c.chiave == t.c.id, m.c.stato == str(_M.PARCHEGGIATO)
    )
    query = (
        select(t.c.id, t.c.iuv, t.c.stato, carrelli.c.ente_id)
        .join(carrelli, carrelli.c.id == t.c.carrello_id)
        .where(or_(unsent, and_(t.c.stato == str(_T.ACCETTATO), set_aside)))
    )
    for row in lettura.rows(query, t.c.id):
        yield rilievo(row, "tentativi", f"{mostrabile(row.stato)} e nessun messaggio che lo porti avanti da solo")


def carrello_con_tentativo(lettura: Lettura) -> Iterator[Rilievo]:
    """A carrello in payment has an attempt whose outcome is not known: else nothing will ever close it.

    Source: node, retry protocol of model 1 (2.2), 4.5.
    """
    c, t = carrelli, tentativi
    without_end = [str(_T.DA_INVIARE), str(_T.SCONOSCIUTO), str(_T.ACCETTATO)]
    is_tried = exists().where(t.c.carrello_id == c.c.id, t.c.stato.in_(without_end))
    query = select(c.c.id, c.c.ente_id, c.c.iuv).where(c.c.stato.in_(_APERTI), ~is_tried)
    for row in lettura.rows(query, c.c.id):
        yield rilievo(row, "carrelli", "in pagamento, ma nessun suo tentativo è ancora senza esito")


def ricevuta_applicata(lettura: Lettura) -> Iterator[Rilievo]:
    """A receipt that had its effect has closed the attempt that it is about.

    Source: node, 3.9 steps 6-8, outcome of an RT (4.5).
    """
    r, t = rt_ricevute, tentativi
    applied = [str(StatoRt.ELABORATA), str(StatoRt.ECCEDENZA)]
    query = (
        select(r.c.id, r.c.iuv, r.c.stato)
        .join(t, and_(t.c.dominio == r.c.dominio, t.c.iuv == r.c.iuv, t.c.ccp == r.c.ccp))
        .where(r.c.primitiva == str(Primitiva.INVIA_RT), r.c.stato.in_(applied), t.c.stato != str(_T.CHIUSO))
    )
    for row in lettura.rows(query, r.c.id):
        yield rilievo(row, "rt_ricevute", f"{mostrabile(row.stato)}, ma il suo tentativo non è chiuso")
