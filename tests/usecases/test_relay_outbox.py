"""The relay: four outcomes and what each means for message, attempt, carrello and session; crashes at each step.

Source: node, fault classes (2.0.4), retry protocol of model 1 (2.2), write-ahead rule (2.0.5).
"""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.domain.delivery import Delivery, Outcome
from hub.domain.stati import StatoCarrello, StatoMessaggio, StatoSessione, StatoTentativo
from hub.formats.nodo_messaggi import fill_password
from hub.formats.rt import check_rt, read_rt
from hub.store import outbox, schema
from hub.usecases import relay_outbox
from tests.copione import URL_NODO
from tests.factories import make_documento, make_rt, make_voce
from tests.world import INTERMEDIARIO, LIMITS, PASSWORD_STAZIONE, World

UNKNOWN = Delivery(Outcome.UNKNOWN, "ReadTimeoutError")
TRY_AGAIN = Delivery(Outcome.TRY_AGAIN, "NewConnectionError")
REFUSED = Delivery(Outcome.REFUSED, "PPT_SEMANTICA", "RPT incoerente")
TAKEN = Delivery(Outcome.DELIVERED, "RPT_ACCETTATA_NODO", response={"url": URL_NODO})
UNSEEN = Delivery(Outcome.TRY_AGAIN, "PPT_RPT_SCONOSCIUTA")
FAILED_THERE = Delivery(Outcome.REFUSED, "RPT_RIFIUTATA_PSP")


def states(world: World, id_session: str) -> tuple[str, str, str, str]:
    """Message, attempt, carrello, session."""
    return (
        world.messaggio(id_session).stato,
        world.tentativo(id_session).stato,
        world.carrello(id_session).stato,
        world.sessione(id_session).stato,
    )


IN_CORSO = ("PAGAM_IN_CORSO", "PAGAM_IN_CORSO")
SENT = ("CONSEGNATO", "ACCETTATO", *IN_CORSO)
FREED = ("RIFIUTATO", "RIFIUTATO", "NON_PAGATO", "IMPOSSIBILE_INVIARE_CARRELLO_RP")
IN_DOUBT = ("SCONOSCIUTO", "SCONOSCIUTO", *IN_CORSO)
WAITING = ("DA_INVIARE", "DA_INVIARE", *IN_CORSO)


def test_nothing_to_do_is_no_work(world):
    assert world.relay() is False


def test_an_accepted_message_gives_the_payer_his_address(world):
    id_session = world.begin()

    assert world.relay() is True

    assert states(world, id_session) == SENT
    sessione = world.sessione(id_session)
    assert (sessione.url_nodo, sessione.id_sessione_nodo) == (URL_NODO, "nodo-1")


def test_what_leaves_are_the_stored_bytes_with_the_password_filled_in(world):
    id_session = world.begin()
    stored = bytes(world.messaggio(id_session).payload)

    world.relay()

    assert world.nodo.received == [fill_password(stored, PASSWORD_STAZIONE)]
    assert bytes(world.messaggio(id_session).payload) == stored


def test_a_delivered_message_does_not_leave_again(world):
    world.begin()
    world.relay()
    world.clock.advance(86_400)

    assert world.relay() is False
    assert len(world.nodo.received) == 1


def test_a_refused_message_frees_the_position(world):
    id_session = world.begin()
    world.nodo.sends.append(REFUSED)

    world.relay()

    assert states(world, id_session) == FREED
    messaggio = world.messaggio(id_session)
    assert (messaggio.last_code, messaggio.motivo) == ("PPT_SEMANTICA", "RPT incoerente")
    assert world.tentativo(id_session).fault_code == "PPT_SEMANTICA"


def test_a_refused_message_leaves_a_negative_outcome_that_the_ente_can_read(world):
    id_session = world.begin(make_documento(make_voce(), make_voce()))
    world.nodo.sends.append(REFUSED)

    world.relay()

    esito = world.esito(id_session)
    xml = base64.b64decode(base64.b64decode(esito.pagati))
    assert b"codiceEsitoPagamento>1<" in xml and b"importoTotalePagato>0.00<" in xml
    assert world.ricevuta(id_session=id_session).rt is None
    assert {(row.stato, row.codice_esito) for row in world.dovuti(id_session)} == {("COMPLETATO", 1)}


def test_the_hubs_own_negative_outcome_has_the_shape_of_a_receipt(small_world):
    id_session = small_world.begin()
    small_world.nodo.sends.append(REFUSED)

    small_world.relay()

    raw = bytes(small_world.carrello(id_session).esito_locale)
    rt = read_rt(raw)
    assert check_rt(raw) == []
    assert (rt.codice_esito, rt.importo_cent, rt.pagamenti) == (1, 0, ())
    assert rt.ccp == small_world.tentativo(id_session).ccp


def test_a_refused_message_does_not_leave_again(world):
    world.begin()
    world.nodo.sends.append(REFUSED)
    world.relay()
    world.clock.advance(86_400)

    world.relay()

    assert len(world.nodo.received) == 1


def test_what_was_surely_not_processed_is_sent_again_as_it_is(world):
    id_session = world.begin()
    world.nodo.sends.append(TRY_AGAIN)

    world.relay()

    assert states(world, id_session) == WAITING
    world.clock.advance(1)
    world.relay()
    assert states(world, id_session) == SENT
    assert world.nodo.received[0] == world.nodo.received[1]
    assert world.nodo.asked == []


def test_a_message_is_not_sent_again_before_its_pause(world):
    world.begin()
    world.nodo.sends.append(TRY_AGAIN)
    world.relay()
    world.clock.advance(0.9)

    assert world.relay() is False


def test_a_longer_pause_asked_by_the_node_is_kept(world):
    world.begin()
    world.nodo.sends.append(replace(TRY_AGAIN, code="HTTP_429", retry_after_s=120.0))
    world.relay()
    world.clock.advance(119)

    assert world.relay() is False

    world.clock.advance(1)
    assert world.relay() is True


def test_attempts_that_never_reached_the_node_end_as_refused(world):
    id_session = world.begin()
    world.nodo.sends.extend([TRY_AGAIN] * LIMITS.attempts_max)

    for _ in range(LIMITS.attempts_max):
        world.relay()
        world.clock.advance(600)

    assert states(world, id_session) == FREED
    assert len(world.nodo.received) == LIMITS.attempts_max


def test_an_unknown_outcome_keeps_the_position_locked(world):
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)

    world.relay()

    assert states(world, id_session) == IN_DOUBT


def test_an_unknown_outcome_is_asked_about_and_never_resent_blindly(world):
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)
    world.relay()
    world.clock.advance(1)
    world.nodo.states.append(TAKEN)

    world.relay()

    tentativo = world.tentativo(id_session)
    assert states(world, id_session) == SENT
    assert len(world.nodo.received) == 1
    assert [(key.dominio, key.iuv, key.ccp) for key in world.nodo.asked] == [
        (tentativo.dominio, tentativo.iuv, tentativo.ccp)
    ]
    assert world.sessione(id_session).url_nodo == URL_NODO


def test_a_question_without_an_answer_is_asked_again(world):
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)
    world.nodo.states.extend([UNKNOWN, TAKEN])

    for _ in range(3):
        world.relay()
        world.clock.advance(10)

    assert states(world, id_session) == SENT
    assert (len(world.nodo.received), len(world.nodo.asked)) == (1, 2)


def test_what_failed_at_the_node_frees_the_position(world):
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)
    world.relay()
    world.clock.advance(1)
    world.nodo.states.append(FAILED_THERE)

    world.relay()

    assert states(world, id_session) == FREED
    assert len(world.nodo.received) == 1


def test_what_the_node_never_saw_leaves_again_as_it_is(world):
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)
    world.relay()
    world.clock.advance(1)
    world.nodo.states.append(UNSEEN)

    world.relay()

    assert states(world, id_session) == SENT
    assert world.nodo.received[0] == world.nodo.received[1]


def test_a_node_that_does_not_notice_duplicates_is_not_sent_the_same_again(world):
    """A converter knows no states: what it does not know may have arrived. Nobody pays it once the lock is over."""
    world.change(schema.stazioni, "intermediario", INTERMEDIARIO, rileva_duplicati=False)
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)
    world.relay()
    world.clock.advance(1)
    world.nodo.states.extend([UNSEEN, UNSEEN])

    world.relay()

    assert states(world, id_session) == IN_DOUBT
    world.clock.advance(world.runtime.config.blocco_pagamento_s)
    world.relay()
    assert states(world, id_session) == FREED
    assert (len(world.nodo.received), world.tentativo(id_session).fault_code) == (1, "SENZA_TRACCIA")


def test_a_doubt_without_end_is_asked_about_for_ever_and_stays_locked(world):
    """It never waits for a person, and silence is no evidence."""
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)

    for _ in range(LIMITS.attempts_max + 3):
        world.relay()
        world.clock.advance(7200)

    assert states(world, id_session) == IN_DOUBT
    assert (len(world.nodo.received), len(world.nodo.asked)) == (1, LIMITS.attempts_max + 2)
    assert world.messaggio(id_session).motivo == "stato: SENZA_RISPOSTA"


def test_a_message_that_was_set_aside_and_is_brought_forward_keeps_its_question(world):
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)
    world.relay()
    with world.db.transaction() as session:
        outbox.park(session, world.messaggio(id_session).id, "prova", world.clock())
        outbox.retry(session, world.messaggio(id_session).id, world.clock())
    world.nodo.states.append(TAKEN)

    world.relay()

    assert states(world, id_session) == SENT
    assert len(world.nodo.received) == 1


def test_one_message_in_doubt_does_not_stop_the_others(world):
    first, second = world.begin(), world.begin()
    world.nodo.sends.append(UNKNOWN)

    world.relay(replace(LIMITS, slots=1))

    assert states(world, first) == IN_DOUBT
    assert states(world, second) == SENT


def test_more_messages_than_slots_all_leave_in_one_tick(world):
    sessions = [world.begin() for _ in range(7)]

    world.relay(replace(LIMITS, slots=2))

    assert {states(world, id_session) for id_session in sessions} == {SENT}
    assert len(world.nodo.received) == 7


# Crashes: rows as they are after a step, then one tick.


def claim(world: World) -> outbox.Claimed:
    with world.db.transaction() as session:
        (message,) = outbox.claim(session, world.clock(), LIMITS.lease, 1)
    return message


def after_the_lease(world: World) -> None:
    world.clock.advance(LIMITS.lease.total_seconds() + 1)


def test_a_crash_after_the_commit_of_the_fact_loses_nothing(world):
    """Step 1: the payment has started, no worker has seen it; the next one to come sends it."""
    id_session = world.begin()
    world.clock.advance(3600)

    world.relay()

    assert states(world, id_session) == SENT
    assert len(world.nodo.received) == 1


def test_a_claimed_message_is_left_alone_while_its_lease_lasts(world):
    id_session = world.begin()
    claim(world)
    world.clock.advance(LIMITS.lease.total_seconds())

    assert world.relay() is False
    assert world.messaggio(id_session).stato == StatoMessaggio.IN_INVIO


@pytest.mark.parametrize(
    ("answer", "sent"), [(TAKEN, 0), (UNSEEN, 1)], ids=["sent_before_crash", "crashed_before_send"]
)
def test_a_crash_between_claim_and_settle_ends_with_exactly_one_sending(world, answer, sent):
    """Step 2: nobody knows whether the request left. The node is asked; only what it never saw leaves."""
    id_session = world.begin()
    claim(world)
    after_the_lease(world)
    world.nodo.states.append(answer)

    world.relay()

    assert states(world, id_session) == SENT
    assert (len(world.nodo.asked), len(world.nodo.received)) == (1, sent)


def test_a_crash_while_asking_asks_again(world):
    """Step 3: claimed as a question, then death: still a question."""
    id_session = world.begin()
    world.nodo.sends.append(UNKNOWN)
    world.relay()
    world.clock.advance(1)
    assert claim(world).must_ask
    after_the_lease(world)
    world.nodo.states.append(TAKEN)

    world.relay()

    assert states(world, id_session) == SENT
    assert len(world.nodo.received) == 1


def test_a_crash_after_the_receipt_ends_without_a_second_payment(world):
    """Step 4: sent, paid, applied; only the settling of the message was lost."""
    id_session = world.begin()
    claim(world)
    tentativo = world.tentativo(id_session)
    world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
    world.apply()
    after_the_lease(world)
    world.nodo.states.append(Delivery(Outcome.DELIVERED, "RT_ACCETTATA_PA"))

    world.relay()

    assert states(world, id_session) == ("CONSEGNATO", "CHIUSO", "PAGATO", "PAGATO")
    assert world.nodo.received == []


# Two workers.


def test_the_outcome_of_a_frozen_worker_is_dropped(world):
    """It froze while sending; the message was taken by another, who knows better by now."""
    id_session = world.begin()

    with world.frozen_worker(REFUSED):
        after_the_lease(world)
        world.nodo.states.append(TAKEN)
        world.relay()

    assert states(world, id_session) == SENT


def test_a_frozen_worker_does_not_settle_what_another_is_sending(world):
    id_session = world.begin()

    with world.frozen_worker(REFUSED):
        after_the_lease(world)
        claim(world)

    assert states(world, id_session) == ("IN_INVIO", "DA_INVIARE", *IN_CORSO)


def test_a_message_whose_lease_would_end_during_the_call_does_not_leave(world):
    """A worker that woke late must not send what another may be taking over."""
    id_session = world.begin()

    world.relay(replace(LIMITS, margin=LIMITS.lease + timedelta(seconds=1)))

    assert world.nodo.received == []
    assert world.messaggio(id_session).stato == StatoMessaggio.IN_INVIO


def test_after_stop_nothing_more_is_claimed(world):
    id_session = world.begin()
    stop = threading.Event()
    stop.set()
    topics: dict[str, Any] = {}

    with ThreadPoolExecutor(1) as pool:
        has_worked = relay_outbox.run_once(world.db, topics, pool, LIMITS, world.clock, stop)

    assert has_worked is False
    assert states(world, id_session) == WAITING


# The receipt is stronger than the send.


@pytest.mark.parametrize("late", [REFUSED, UNKNOWN, TRY_AGAIN, TAKEN], ids=lambda delivery: str(delivery.outcome))
def test_a_late_outcome_of_the_send_does_not_touch_what_the_receipt_decided(world, late):
    id_session = world.begin()
    tentativo = world.tentativo(id_session)

    with world.frozen_worker(late):
        world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
        world.apply()

    assert states(world, id_session)[1:] == (StatoTentativo.CHIUSO, StatoCarrello.PAGATO, StatoSessione.PAGATO)


@pytest.mark.parametrize(("first", "freed"), [(UNKNOWN, IN_DOUBT), (REFUSED, FREED)], ids=["in_doubt", "refused"])
def test_a_positive_receipt_is_believed_after_a_send_that_ended_badly(world, first, freed):
    id_session = world.begin()
    world.nodo.sends.append(first)
    world.relay()
    assert states(world, id_session) == freed
    tentativo = world.tentativo(id_session)

    world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
    world.apply()

    assert states(world, id_session)[1:] == ("CHIUSO", "PAGATO", "PAGATO")
    assert {(row.stato, row.codice_esito) for row in world.dovuti(id_session)} == {("COMPLETATO", 0)}
    assert world.ricevuta(id_session=id_session).rt is not None
