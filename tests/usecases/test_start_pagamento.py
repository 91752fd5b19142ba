"""The payer goes on: one payment for a session, an IUD taken for ever, an RPT ready to leave.

Source: pa-per-ente, life-cycle (5.2) and uniqueness (6).
"""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from hub.domain import iuv as numeri
from hub.domain.errors import AnagraficaNonValida, IudDuplicato, NotFound, PagamentoScaduto
from hub.domain.stati import StatoCarrello, StatoDovuto, StatoMessaggio, StatoSessione, StatoTentativo
from hub.formats import schemi
from hub.formats.istanti import giorno_di
from hub.formats.rpt import read_rpt
from hub.formats.xml import parse
from hub.store import schema
from hub.usecases import expire_sessioni
from tests.factories import make_documento, make_voce
from tests.tassonomie import changed, lay
from tests.world import GRACE, INTERMEDIARIO, PASSWORD_STAZIONE, TTL, World


def test_a_started_payment_is_whole(world):
    documento = make_documento(make_voce(importo="12.50"), make_voce(importo="0.01"))

    id_session = world.begin(documento)

    assert world.sessione(id_session).stato == StatoSessione.PAGAM_IN_CORSO
    carrello = world.carrello(id_session)
    assert (carrello.stato, carrello.importo_cent, carrello.dominio) == ("PAGAM_IN_CORSO", 1251, INTERMEDIARIO)
    assert numeri.is_valid(carrello.iuv)
    dovuti = world.dovuti(id_session)
    assert [row.iud for row in dovuti] == [voce.iud for voce in documento.voci]
    assert {(row.stato, row.iuv) for row in dovuti} == {(StatoDovuto.PAGAMENTO_INIZIATO, carrello.iuv)}
    assert world.tentativo(id_session).stato == StatoTentativo.DA_INVIARE


def test_the_rpt_says_what_the_ente_asked_and_fits_its_schema(world):
    documento = make_documento(make_voce(importo="12.50"), make_voce(importo="0.01"))

    id_session = world.begin(documento)

    tentativo = world.tentativo(id_session)
    raw = bytes(tentativo.rpt)
    rpt = read_rpt(raw)
    assert schemi.schema(schemi.RPT_RT).check(parse(raw)) == []
    assert tentativo.rpt_sha256 == hashlib.sha256(raw).hexdigest()
    assert (rpt.iuv, rpt.ccp, rpt.importo_cent) == (tentativo.iuv, tentativo.ccp, 1251)
    assert rpt.pagatore.codice == documento.codice_pagatore


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("9/0101101IM/saldo", "9/0101101IM/saldo"),
        ("9/0101100IM/", "9/0101100IM/"),
        ("2/1234", "9/0101101IM/Tari"),
        ("9/0115119AP/", "9/0101101IM/Tari"),  # it ended in 2021
        ("9/0201102IM/", "9/0101101IM/Tari"),  # of a province
    ],
)
def test_the_rpt_carries_a_code_of_the_taxonomy(small_world, given, said):
    world = small_world

    id_session = world.begin(make_documento(make_voce(dati_specifici=given)))

    (versamento,) = read_rpt(bytes(world.tentativo(id_session).rpt)).versamenti
    assert versamento.dati_specifici == said
    assert world.dovuti(id_session)[0].dati_specifici == given


@pytest.mark.parametrize("digit", "678")
def test_the_rpt_writes_the_new_categories_as_its_schema_admits(small_world, digit):
    world = small_world
    stored = world.lay_avviso(dati_specifici=f"{digit}/0101101IM/rata")

    world.attempt()

    (tentativo,) = world.rows(schema.tentativi)
    (versamento,) = read_rpt(bytes(tentativo.rpt)).versamenti
    assert versamento.dati_specifici == "9/0101101IM/rata"
    assert world.one(schema.dovuti, id=stored.id).dati_specifici == f"{digit}/0101101IM/rata"


def test_a_stored_dovuto_keeps_a_code_that_has_ended_since(small_world):
    world = small_world
    ended = {"valido_al": giorno_di(world.clock()) - timedelta(days=1)}
    lay(world.db, changed(_0101100IM=ended))
    world.lay_avviso(dati_specifici="9/0101100IM/", created_at=world.clock() - timedelta(days=9))

    world.attempt()

    (tentativo,) = world.rows(schema.tentativi)
    (versamento,) = read_rpt(bytes(tentativo.rpt)).versamenti
    assert versamento.dati_specifici == "9/0101100IM/"


def test_a_table_that_was_fetched_counts_for_the_rpt(world):
    lay(world.db, changed("0101100IM"))

    id_session = world.begin(make_documento(make_voce(dati_specifici="9/0101100IM/")))

    (versamento,) = read_rpt(bytes(world.tentativo(id_session).rpt)).versamenti
    assert versamento.dati_specifici == "9/0101101IM/Tari"


def test_the_message_waits_in_the_outbox_without_the_station_password(world):
    id_session = world.begin()

    messaggio = world.messaggio(id_session)
    assert (messaggio.stato, messaggio.attempts) == (StatoMessaggio.DA_INVIARE, 0)
    assert messaggio.correlation_id == world.sessione(id_session).correlation_id
    assert PASSWORD_STAZIONE.encode() not in bytes(messaggio.payload)


def test_a_double_click_starts_one_payment(world):
    id_session = world.begin()

    world.start(id_session)

    assert [len(world.rows(table)) for table in (schema.carrelli, schema.tentativi, schema.outbox)] == [1, 1, 1]


def test_eight_clicks_at_once_start_one_payment(world):
    id_session = world.invia()
    together = threading.Barrier(8)

    def click() -> None:
        together.wait()
        world.start(id_session)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(click) for _ in range(8)]:
            future.result()

    assert [len(world.rows(table)) for table in (schema.carrelli, schema.dovuti, schema.outbox)] == [1, 1, 1]


def test_the_second_session_with_the_same_iud_is_refused_at_checkout(world):
    documento = make_documento()
    first, second = world.invia(documento), world.invia(documento)
    world.start(first)

    with pytest.raises(IudDuplicato):
        world.start(second)

    assert world.sessione(second).stato == StatoSessione.NUOVO_CARRELLO
    assert len(world.rows(schema.outbox)) == 1


def test_one_taken_iud_of_two_starts_nothing(world):
    shared = make_voce()
    world.begin(make_documento(shared))
    id_session = _session_opened_before(world, make_documento(make_voce(), shared))

    with pytest.raises(IudDuplicato):
        world.start(id_session)

    assert world.rows(schema.carrelli, id_session=id_session) == []
    assert len(world.rows(schema.dovuti)) == 1


def _session_opened_before(world: World, documento) -> str:
    """A session whose document carries an IUD that is taken by now: as if both had been opened together."""
    id_session = world.invia()
    world.change(schema.sessioni, "id_session", id_session, documento=documento.xml)
    return id_session


def test_two_sessions_with_one_iud_at_once_start_one_payment(world):
    documento = make_documento()
    sessions = [world.invia(documento) for _ in range(6)]
    together = threading.Barrier(len(sessions))

    def click(id_session: str) -> bool:
        together.wait()
        try:
            world.start(id_session)
        except IudDuplicato:
            return False
        return True

    with ThreadPoolExecutor(len(sessions)) as pool:
        started = list(pool.map(click, sessions))

    assert sorted(started) == [False] * 5 + [True]
    assert len(world.rows(schema.outbox)) == 1


def test_an_iud_is_burnt_by_a_payment_that_failed(world):
    voce = make_voce()
    id_session = world.begin(make_documento(voce))
    tentativo = world.tentativo(id_session)
    world.change(schema.tentativi, "id", tentativo.id, stato="RIFIUTATO")
    world.change(schema.dovuti, "iud", voce.iud, stato="COMPLETATO", codice_esito=1)

    with pytest.raises(IudDuplicato):
        world.invia(make_documento(voce))


def test_a_session_that_nobody_opened_does_not_burn_its_iud(world):
    documento = make_documento()
    world.invia(documento)
    world.clock.advance(TTL.total_seconds() + GRACE.total_seconds() + 1)
    expire_sessioni.run_once(world.db, GRACE, world.clock())

    id_session = world.begin(documento)

    assert world.carrello(id_session).stato == StatoCarrello.PAGAM_IN_CORSO


@pytest.mark.parametrize(("seconds", "starts"), [(-1, True), (0, False)])
def test_a_session_can_be_paid_within_its_hour(small_world, seconds, starts):
    id_session = small_world.invia()
    small_world.clock.advance(TTL.total_seconds() + seconds)

    if starts:
        small_world.start(id_session)
    else:
        with pytest.raises(PagamentoScaduto):
            small_world.start(id_session)

    assert bool(small_world.rows(schema.carrelli)) is starts


def test_an_unknown_session_cannot_be_paid(small_world):
    with pytest.raises(NotFound):
        small_world.start("00000000-0000-4000-8000-000000000000")


def test_what_the_payer_confirms_goes_into_the_rpt(small_world):
    id_session = small_world.invia(make_documento(email=None))

    small_world.start(id_session, "Maria Bianchi", "maria@example.org")

    pagatore = read_rpt(bytes(small_world.tentativo(id_session).rpt)).pagatore
    assert (pagatore.anagrafica, pagatore.email) == ("Maria Bianchi", "maria@example.org")


def test_a_payer_without_an_email_cannot_go_on(small_world):
    id_session = small_world.invia(make_documento(email=None))

    with pytest.raises(AnagraficaNonValida):
        small_world.start(id_session)


def test_a_station_may_send_the_single_rpt(small_world):
    small_world.change(schema.stazioni, "intermediario", INTERMEDIARIO, primitiva_rpt="nodoInviaRPT")

    id_session = small_world.begin()

    assert b":nodoInviaRPT " in bytes(small_world.messaggio(id_session).payload)


def test_a_session_past_its_term_and_grace_expires(world):
    old = world.invia()
    world.clock.advance(TTL.total_seconds() + GRACE.total_seconds() + 1)
    young = world.invia()

    has_more = expire_sessioni.run_once(world.db, GRACE, world.clock())

    assert has_more is False
    assert [world.sessione(id_session).stato for id_session in (old, young)] == ["SCADUTO", "NUOVO_CARRELLO"]


def test_a_payment_under_way_does_not_expire(world):
    id_session = world.begin()
    world.clock.advance(TTL.total_seconds() * 24)

    expire_sessioni.run_once(world.db, GRACE, world.clock())

    assert world.sessione(id_session).stato == StatoSessione.PAGAM_IN_CORSO
