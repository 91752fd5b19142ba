"""Attempts whose receipt is overdue, and doubts that one way cannot clear: asked, followed, closed only with evidence.

Source: node, 2.0.5, 2.2 to 2.5, annex A.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.nodo.faults import azione_of, outcome_of_stato
from hub.domain.delivery import Delivery, Outcome, Stazione
from hub.domain.pagamento_online import TentativoCercato, Trovato
from hub.store import schema
from hub.usecases import recupero
from hub.usecases.tentativi_aperti import Tempi, list_aperti
from tests.copione import ACCEPTED, ScriptedNodo
from tests.factories import make_rt
from tests.world import INTERMEDIARIO, LIMITS, World

ATTESA, PROFILI = timedelta(minutes=30), ("rpt",)
GONE = Trovato(Delivery(Outcome.UNKNOWN, "HTTP_404"), is_gone=True)
SILENT = Trovato(Delivery(Outcome.UNKNOWN, "ReadTimeoutError", is_answered=False))
NO_STATE = Trovato(Delivery(Outcome.TRY_AGAIN, "PPT_RPT_SCONOSCIUTA"))
NOT_LISTED = Trovato(Delivery(Outcome.UNKNOWN, "NON_IN_LISTA"))
NO_RT = Trovato(Delivery(Outcome.UNKNOWN, "PPT_RT_SCONOSCIUTA"))
RT_LATER = Trovato(Delivery(Outcome.DELIVERED, "PPT_RT_NONDISPONIBILE"))
UNKNOWN = Delivery(Outcome.UNKNOWN, "ReadTimeoutError", is_answered=False)


def stato(name: str) -> Trovato:
    return Trovato(Delivery(outcome_of_stato(name), name), azione_of(name))


def copia(document: bytes) -> Trovato:
    return Trovato(Delivery(Outcome.DELIVERED, "RT"), documento=document)


@dataclass
class Via:
    """One way that answers what the test says, the last answer for ever."""

    nome: str
    answers: deque[Trovato]
    asked: int = 0

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        self.asked += 1
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


@dataclass
class NodoConVie(ScriptedNodo):
    """A node with ways of its own."""

    ways: tuple[Via, ...] = field(default=())

    @property
    def vie(self) -> tuple[Any, ...]:
        return self.ways


def ways(world: World, *answers: Trovato, nomi: tuple[str, ...] = ("stato", "pendenti", "copia")) -> tuple[Via, ...]:
    found = tuple(Via(nome, deque([answer])) for nome, answer in zip(nomi, answers, strict=False))
    world.nodo = NodoConVie(sends=world.nodo.sends, ways=found)
    return found


def accepted(world: World) -> str:
    """A payment that the node has taken and whose receipt is overdue."""
    id_session = world.begin()
    world.relay()
    world.clock.advance(ATTESA.total_seconds())
    return id_session


def pursue(world: World) -> bool:
    """One tick of the job, and one of its relay."""
    has_worked = recupero.run_once(world.db, PROFILI, ATTESA, world.clock())
    world.relay()
    return has_worked


def rt_of(world: World, id_session: str, esito: int = 0) -> bytes:
    return make_rt(bytes(world.tentativo(id_session).rpt), esito)


def search(world: World) -> Any:
    return world.one(schema.outbox, topic=recupero.TOPIC_RECUPERO)


# Overdue receipts.


def test_nobody_is_asked_before_the_receipt_is_overdue(world: World):
    (way, *_) = ways(world, stato("RPT_ACCETTATA_PSP"))
    world.begin()
    world.relay()
    world.clock.advance(ATTESA.total_seconds() - 1)

    pursue(world)

    assert (way.asked, world.rows(schema.outbox, topic=recupero.TOPIC_RECUPERO)) == (0, [])


def test_an_overdue_receipt_is_asked_about_once_by_any_number_of_workers(world: World):
    (way, *_) = ways(world, stato("RPT_ACCETTATA_PSP"))
    accepted(world)

    recupero.run_once(world.db, PROFILI, ATTESA, world.clock())
    recupero.run_once(world.db, PROFILI, ATTESA, world.clock())
    world.relay()

    assert way.asked == 1
    row = search(world)
    assert (row.stato, row.last_code, row.motivo) == (
        "SCONOSCIUTO", "RPT_ACCETTATA_PSP", "stato: RPT_ACCETTATA_PSP",
    )  # fmt: skip
    assert row.next_attempt_at == world.clock() + timedelta(minutes=10)


@pytest.mark.parametrize(
    "name",
    """RPT_RICEVUTA_NODO RPT_PARCHEGGIATA_NODO RPT_ACCETTATA_PSP RPT_ESITO_SCONOSCIUTO_PSP RT_RIFIUTATA_NODO
    RPT_RISOLTA_KO RT_INVIATA_PA STATO_MAI_VISTO""".split(),
)
def test_what_may_still_end_well_is_waited_for(world: World, name: str):
    ways(world, stato(name), NOT_LISTED, RT_LATER)
    id_session = accepted(world)

    for _ in range(40):
        pursue(world)
        world.clock.advance(6 * 3600)

    assert (world.tentativo(id_session).stato, world.carrello(id_session).stato) == ("ACCETTATO", "PAGAM_IN_CORSO")
    assert search(world).next_attempt_at > world.clock() - timedelta(hours=6)


@pytest.mark.parametrize(
    ("name", "carrello", "esito"),
    [
        ("RPT_RIFIUTATA_NODO", "NON_PAGATO", 1),
        ("RPT_RIFIUTATA_PSP", "NON_PAGATO", 1),
        ("RPT_ERRORE_INVIO_A_PSP", "NON_PAGATO", 1),
        ("RPT_DECORSI_TERMINI", "DECORR_TERM", 3),
    ],
)
def test_what_failed_at_the_node_frees_the_position(world: World, name: str, carrello: str, esito: int):
    ways(world, stato(name))
    id_session = accepted(world)

    pursue(world)

    assert (world.tentativo(id_session).stato, world.tentativo(id_session).fault_code) == ("RIFIUTATO", name)
    assert (world.carrello(id_session).stato, world.sessione(id_session).stato) == (carrello, "NON_PAGATO")
    assert {row.codice_esito for row in world.dovuti(id_session)} == {esito}
    assert search(world).stato == "RIFIUTATO"


@pytest.mark.parametrize("name", ["RT_ACCETTATA_NODO", "RT_ACCETTATA_PA", "RT_RIFIUTATA_PA", "RT_ESITO_SCONOSCIUTO_PA"])
def test_a_receipt_that_is_there_is_copied_and_has_the_effect_of_one_that_arrived(world: World, name: str):
    """EC-AUX-01."""
    _, _, copy = ways(world, stato(name), NOT_LISTED, NO_RT)
    id_session = accepted(world)
    copy.answers[0] = copia(rt_of(world, id_session))

    pursue(world)
    world.apply()

    assert (world.carrello(id_session).stato, world.tentativo(id_session).stato) == ("PAGATO", "CHIUSO")
    assert [row.stato for row in world.ricevute()] == ["ELABORATA"]
    assert search(world).stato == "CONSEGNATO"


def test_a_receipt_on_its_way_is_given_an_hour_before_a_copy_is_asked_for(world: World):
    _, _, copy = ways(world, stato("RT_INVIATA_PA"), NOT_LISTED, NO_RT)
    id_session = accepted(world)
    copy.answers[0] = copia(rt_of(world, id_session))

    pursue(world)
    assert copy.asked == 0
    world.clock.advance(1800)
    pursue(world)

    assert copy.asked == 1


def test_a_copy_that_came_by_itself_too_is_one_receipt(world: World):
    _, _, copy = ways(world, stato("RT_ACCETTATA_PA"), NOT_LISTED, NO_RT)
    id_session = accepted(world)
    raw = rt_of(world, id_session)
    copy.answers[0] = copia(raw)
    recupero.run_once(world.db, PROFILI, ATTESA, world.clock())
    world.receive(raw, world.tentativo(id_session))

    world.relay()
    world.apply()

    assert len(world.ricevute()) == 1
    assert world.carrello(id_session).stato == "PAGATO"


def test_a_receipt_that_came_meanwhile_ends_the_search(world: World):
    (way, *_) = ways(world, stato("RPT_ACCETTATA_PSP"))
    id_session = accepted(world)
    recupero.run_once(world.db, PROFILI, ATTESA, world.clock())
    world.conclude(id_session, 0)

    world.relay()

    assert (way.asked, search(world).stato) == (0, "CONSEGNATO")
    assert world.carrello(id_session).stato == "PAGATO"


def test_a_payer_who_gave_up_is_free_a_day_later(world: World):
    """Annex A: wait for the negative receipt; failed after 24 hours."""
    ways(world, stato("RPT_ANNULLATA_WISP"))
    id_session = accepted(world)
    pursue(world)
    assert world.carrello(id_session).stato == "PAGAM_IN_CORSO"

    world.clock.advance(24 * 3600)
    pursue(world)

    assert world.carrello(id_session).stato == "NON_PAGATO"


@pytest.mark.parametrize(
    "later", [(NO_STATE, NOT_LISTED, NO_RT), (GONE, NOT_LISTED, NO_RT), (GONE, GONE, GONE)],
    ids=["unknown", "state_gone", "all_gone"],
)  # fmt: skip
def test_a_payer_who_gave_up_is_free_though_the_node_has_forgotten_him(world: World, later: tuple[Trovato, ...]):
    """Asked about six hours later for the first time, and again when the node knows nothing any more."""
    ways(world, stato("RPT_ANNULLATA_WISP"))
    id_session = accepted(world)
    pursue(world)
    ways(world, *later)
    world.clock.advance(12 * 3600)
    pursue(world)
    assert world.carrello(id_session).stato == "PAGAM_IN_CORSO", "24 hours are not over"

    world.clock.advance(12 * 3600)
    pursue(world)

    tentativo = world.tentativo(id_session)
    assert (tentativo.stato, tentativo.fault_code) == ("RIFIUTATO", "RPT_ANNULLATA_WISP")
    assert (world.carrello(id_session).stato, world.sessione(id_session).stato) == ("NON_PAGATO", "NON_PAGATO")
    world.conclude(id_session, 0)
    assert world.carrello(id_session).stato == "PAGATO", "a late receipt wins all the same"


def test_a_node_that_does_not_answer_has_not_forgotten(world: World):
    ways(world, stato("RPT_ANNULLATA_WISP"))
    id_session = accepted(world)
    pursue(world)
    ways(world, SILENT, NOT_LISTED, NO_RT)

    for _ in range(6):
        world.clock.advance(12 * 3600)
        pursue(world)

    assert world.carrello(id_session).stato == "PAGAM_IN_CORSO"
    (one,) = list_aperti(world.db, Tempi(ATTESA, {}), world.clock())
    assert one.motivo.endswith("prima il nodo ha detto RPT_ANNULLATA_WISP") and one.prossimo_at is not None


def test_what_the_node_says_later_counts(world: World):
    (state, *_) = ways(world, stato("RPT_ANNULLATA_WISP"))
    id_session = accepted(world)
    pursue(world)
    state.answers = deque([stato("RPT_ACCETTATA_PSP"), NO_STATE])

    for _ in range(6):
        world.clock.advance(12 * 3600)
        pursue(world)

    assert state.asked > 2 and world.carrello(id_session).stato == "PAGAM_IN_CORSO"
    assert world.tentativo(id_session).fault_code is None


def test_a_positive_receipt_is_believed_after_the_position_was_freed(world: World):
    ways(world, stato("RPT_RIFIUTATA_PSP"))
    id_session = accepted(world)
    pursue(world)

    world.conclude(id_session, 0)

    assert world.carrello(id_session).stato == "PAGATO"


def test_an_accepted_payment_of_which_nobody_knows_is_not_closed(world: World):
    """Silence and ignorance are no evidence against an acceptance: it stays in the list, and is asked about."""
    ways(world, GONE, NOT_LISTED, NO_RT)
    id_session = accepted(world)

    for _ in range(50):
        pursue(world)
        world.clock.advance(6 * 3600)

    assert world.carrello(id_session).stato == "PAGAM_IN_CORSO"
    assert search(world).motivo == "stato: HTTP_404, pendenti: NON_IN_LISTA, copia: PPT_RT_SCONOSCIUTA"


# Doubts about a sending, whose state cannot be asked.


def doubt(world: World) -> str:
    world.nodo.sends.append(UNKNOWN)
    id_session = world.begin()
    world.relay()
    world.clock.advance(1)
    return id_session


@pytest.mark.parametrize(
    ("pendenti", "copy"), [(stato("RPT_ACCETTATA_PSP"), NO_RT), (NOT_LISTED, RT_LATER)], ids=["by_list", "by_copy"]
)
def test_another_way_proves_that_the_node_has_it(world: World, pendenti: Trovato, copy: Trovato):
    ways(world, GONE, pendenti, copy)
    id_session = doubt(world)

    world.relay()

    assert (world.tentativo(id_session).stato, world.messaggio(id_session).stato) == ("ACCETTATO", "CONSEGNATO")
    assert len(world.nodo.received) == 1


def test_a_receipt_ends_the_doubt(world: World):
    _, _, copy = ways(world, GONE, NOT_LISTED, NO_RT)
    id_session = doubt(world)
    copy.answers[0] = copia(rt_of(world, id_session))

    world.relay()
    world.apply()

    assert (world.carrello(id_session).stato, world.tentativo(id_session).stato) == ("PAGATO", "CHIUSO")


def test_what_no_way_knows_leaves_again_where_a_duplicate_would_be_refused(world: World):
    """A worker died before it sent: the key is unknown there (node, 2.1 and 2.4)."""
    ways(world, GONE, NOT_LISTED, NO_RT)
    id_session = doubt(world)

    world.relay()

    assert (world.tentativo(id_session).stato, world.messaggio(id_session).stato) == ("ACCETTATO", "CONSEGNATO")
    assert world.nodo.received[0] == world.nodo.received[1]


def test_what_no_way_knows_does_not_leave_any_more_when_the_lock_is_over(world: World):
    """Nobody waits for it then, and the notice may be paid elsewhere."""
    ways(world, GONE, NOT_LISTED, NO_RT)
    id_session = doubt(world)
    world.clock.advance(world.runtime.config.blocco_pagamento_s)

    world.relay()

    assert (world.carrello(id_session).stato, world.tentativo(id_session).fault_code) == ("NON_PAGATO", "SENZA_TRACCIA")
    assert len(world.nodo.received) == 1


def test_what_no_way_knows_is_free_when_the_lock_is_over(world: World):
    """Node, 2.2, converter era: 30 minutes are longer than every timer; then the position is closed."""
    world.change(schema.stazioni, "intermediario", INTERMEDIARIO, rileva_duplicati=False)
    ways(world, GONE, NOT_LISTED, NO_RT)
    id_session = doubt(world)
    world.relay()
    assert world.carrello(id_session).stato == "PAGAM_IN_CORSO"

    world.clock.advance(world.runtime.config.blocco_pagamento_s)
    world.relay()

    assert (world.carrello(id_session).stato, world.tentativo(id_session).fault_code) == ("NON_PAGATO", "SENZA_TRACCIA")
    assert len(world.nodo.received) == 1


@pytest.mark.parametrize(
    "answers",
    [
        (GONE, GONE, GONE),
        (GONE, NOT_LISTED, GONE),
        (SILENT, NOT_LISTED, NO_RT),
        (GONE, NOT_LISTED, SILENT),
        (GONE, SILENT, NO_RT),
    ],
    ids=["no_way_left", "list_only", "state_silent", "copy_silent", "list_silent"],
)
def test_silence_is_no_evidence(world: World, answers: tuple[Trovato, ...]):
    ways(world, *answers)
    id_session = doubt(world)

    for _ in range(20):
        world.relay()
        world.clock.advance(7200)

    assert world.carrello(id_session).stato == "PAGAM_IN_CORSO"
    assert world.messaggio(id_session).stato == "SCONOSCIUTO"
    assert len(world.nodo.received) == 1


def test_a_refusal_of_the_psp_counts_when_no_state_can_confirm_it(world: World):
    """PPT_CANALE_ERRORE is class N, confirmed by one question where there is one. Source: 2.0.4."""
    ways(world, GONE, NOT_LISTED, NO_RT)
    world.nodo.sends.append(Delivery(Outcome.UNKNOWN, "PPT_CANALE_ERRORE"))
    id_session = world.begin()
    world.relay()
    world.clock.advance(1)

    world.relay()

    assert (world.carrello(id_session).stato, world.tentativo(id_session).fault_code) == (
        "NON_PAGATO", "PPT_CANALE_ERRORE",
    )  # fmt: skip


def test_an_attempt_that_gave_way_to_another_frees_nothing(world: World):
    ways(world, stato("RPT_RIFIUTATA_PSP"))
    id_session = accepted(world)
    world.change(schema.tentativi, "id", world.tentativo(id_session).id, superato_at=world.clock())

    pursue(world)

    assert (world.tentativo(id_session).stato, world.carrello(id_session).stato) == ("RIFIUTATO", "PAGAM_IN_CORSO")


def test_a_search_that_loses_its_worker_goes_on_with_another(world: World):
    (way, *_) = ways(world, stato("RPT_RIFIUTATA_PSP"))
    id_session = accepted(world)
    recupero.run_once(world.db, PROFILI, ATTESA, world.clock())
    world.relay(replace(LIMITS, margin=timedelta(hours=1)))
    assert way.asked == 0
    world.clock.advance(61)

    world.relay()

    assert (way.asked, world.tentativo(id_session).stato) == (1, "RIFIUTATO")


def test_the_ways_of_the_scripted_node_are_asked_in_order(world: World):
    first, second, third = ways(world, GONE, stato("RPT_ACCETTATA_PSP"), NO_RT)
    assert ACCEPTED.outcome is Outcome.DELIVERED
    accepted(world)

    pursue(world)

    assert (first.asked, second.asked, third.asked) == (1, 1, 0)
