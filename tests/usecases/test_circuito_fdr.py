"""A service of settlement flows that is down is left alone, whatever the transport, and stops nothing else.

Source: node, class C (2.0.4), rate limits (2.0.5), reporting flows (2.6, 2.12).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.domain.acquisizione_fdr import Elenco, EsitoDomanda, Scarico, Trasporto
from hub.store import acquisizioni_fdr, circuiti, schema
from hub.usecases import elenca_fdr, scarica_fdr
from hub.usecases.circuito import CODE, GUASTI_MAX
from tests.rendicontazioni import OGGI, RITMO, NodoInMemoria, Rendicontazione, make_flusso
from tests.world import STAZIONE, World

SILENCE = Elenco(EsitoDomanda.RIPROVARE, codice="ReadTimeoutError", is_answered=False)
NOT_GIVEN = Scarico(EsitoDomanda.RIPROVARE, codice="HTTP_503", is_answered=False)
HOURS = 4 * 3600


@pytest.fixture
def fdr(world: World) -> Rendicontazione:
    world.clock.now = OGGI
    return Rendicontazione(world, NodoInMemoria())


def circuito(fdr: Rendicontazione) -> Any:
    return fdr.world.one(schema.circuiti, stazione_id=STAZIONE, servizio="fdr")


def silence(fdr: Rendicontazione) -> None:
    """Ask until the circuit opens: the two enti in turn, whose pauses are over each time."""
    fdr.nodo.elenchi = [SILENCE] * GUASTI_MAX
    while fdr.nodo.elenchi:
        fdr.tutto()
        fdr.world.clock.advance(HOURS)
    # The circuit opened before the clock went on.
    fdr.world.change(schema.circuiti, "servizio", "fdr", riprova_at=fdr.world.clock() + timedelta(seconds=5))


@pytest.mark.parametrize("trasporto", [Trasporto.SOAP, Trasporto.REST], ids=str)
def test_a_service_that_is_down_is_asked_no_more_by_any_ente(fdr: Rendicontazione, trasporto: Trasporto):
    fdr.usa(trasporto)
    silence(fdr)
    asked = len(fdr.nodo.domande)

    fdr.tutto()

    assert asked == GUASTI_MAX and len(fdr.nodo.domande) == asked
    assert (circuito(fdr).aperto_at is not None, circuito(fdr).ultimo_codice) == (True, "ReadTimeoutError")
    with fdr.world.db.reading() as session:
        turni = acquisizioni_fdr.all_rows(session)
    assert {turno.circuito_fino_a for turno in turni} == {circuito(fdr).riprova_at}


def test_payments_of_the_station_go_on(fdr: Rendicontazione):
    silence(fdr)

    id_session = fdr.world.begin()
    fdr.world.relay()

    assert fdr.world.tentativo(id_session).stato == "ACCETTATO"


def test_its_first_answer_lets_everybody_ask_again(fdr: Rendicontazione):
    silence(fdr)
    fdr.nodo.flussi = [make_flusso()]

    fdr.world.clock.advance(5)
    fdr.tutto()

    assert (circuito(fdr).aperto_at, circuito(fdr).guasti) == (None, 0)
    assert len(fdr.nodo.domande) == GUASTI_MAX + 2 and [row.stato for row in fdr.rows()] == ["PARSED"]


def test_flows_that_are_not_given_open_it_too_and_wait(fdr: Rendicontazione):
    fdr.nodo.flussi = [make_flusso(iuf=f"2026-11-20ABI01234-S{n}") for n in range(GUASTI_MAX + 3)]
    fdr.nodo.scarichi = [NOT_GIVEN] * GUASTI_MAX

    fdr.tutto()

    assert len(fdr.nodo.chiesti) == GUASTI_MAX and circuito(fdr).aperto_at is not None
    waiting = fdr.rows(stato="LISTED")
    assert [row.attempts for row in waiting] == [0] * 3
    fdr.world.clock.advance(60)
    fdr.tutto()
    assert {row.stato for row in fdr.rows()} == {"PARSED"}


@pytest.mark.parametrize(
    "scarico",
    [
        Scarico(EsitoDomanda.ASSENTE, "PPT_ID_FLUSSO_SCONOSCIUTO"),
        Scarico(EsitoDomanda.SENZA_DOCUMENTO, "SENZA_DOCUMENTO"),
        Scarico(EsitoDomanda.RIPROVARE, "RISPOSTA_NON_LEGGIBILE"),
    ],
    ids=lambda scarico: scarico.codice,
)
def test_bad_flows_are_no_fault_of_the_service(fdr: Rendicontazione, scarico: Scarico):
    fdr.nodo.flussi = [make_flusso(iuf=f"2026-11-20ABI01234-S{n}") for n in range(GUASTI_MAX + 3)]
    fdr.nodo.scarichi = [scarico] * len(fdr.nodo.flussi)

    fdr.tutto()

    assert len(fdr.nodo.chiesti) == GUASTI_MAX + 3 and fdr.world.rows(schema.circuiti) == []


def test_a_flow_over_the_limit_is_no_fault_of_the_service(fdr: Rendicontazione, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scarica_fdr, "LIMITS", scarica_fdr.LIMITS.__class__(bytes_max=100))
    fdr.nodo.flussi = [make_flusso()]

    fdr.tutto()

    assert fdr.one().motivo.startswith("FLUSSO_TROPPO_GRANDE") and fdr.world.rows(schema.circuiti) == []


@pytest.mark.parametrize("code", ["HTTP_401", "HTTP_403"])
def test_a_key_that_is_refused_stops_the_whole_station(fdr: Rendicontazione, code: str):
    fdr.nodo.elenchi = [Elenco(EsitoDomanda.RIFIUTATA, codice=code)]

    fdr.tutto()

    assert len(fdr.nodo.domande) == 1 and circuito(fdr).aperto_at is not None


def test_a_station_without_a_key_has_no_circuit(fdr: Rendicontazione):
    fdr.nodo.elenchi = [Elenco(EsitoDomanda.RIFIUTATA, codice="SENZA_CHIAVE")] * 2

    fdr.tutto()

    assert len(fdr.nodo.domande) == 2 and fdr.world.rows(schema.circuiti) == []


def test_a_pause_that_is_asked_for_holds_lists_and_flows_of_the_station(fdr: Rendicontazione):
    fdr.nodo.flussi = [make_flusso()]
    fdr.elenca()
    fdr.nodo.elenchi = [Elenco(EsitoDomanda.RIPROVARE, codice="HTTP_429", retry_after_s=90, is_answered=False)]

    fdr.tutto()

    assert (len(fdr.nodo.domande), fdr.nodo.chiesti) == (2, [])
    fdr.world.clock.advance(89)
    fdr.tutto()
    assert (len(fdr.nodo.domande), fdr.nodo.chiesti) == (2, [])
    fdr.world.clock.advance(1)
    fdr.tutto()
    assert len(fdr.nodo.domande) == 3 and [row.stato for row in fdr.rows()] == ["PARSED"]


def opening(fdr: Rendicontazione, at_look: int) -> Callable[[], datetime]:
    """The clock of a worker: another one finds the service down when it is looked at for the n-th time."""
    looks = 0

    def now() -> datetime:
        nonlocal looks
        looks += 1
        if looks == at_look:
            with fdr.world.db.transaction() as session:
                row = circuiti.note_failure(session, STAZIONE, "fdr", "HTTP_503", fdr.world.clock())
                circuiti.open(session, row, 1, fdr.world.clock(), fdr.world.clock() + timedelta(seconds=30))
        return fdr.world.clock()

    return now


def test_a_turn_that_was_taken_when_it_opened_is_put_off_and_has_not_failed(fdr: Rendicontazione):
    fdr.tutto()
    fdr.world.clock.advance(HOURS)
    asked = len(fdr.nodo.domande)

    cassaforte = fdr.world.runtime.cassaforte
    assert elenca_fdr.run_once(fdr.world.db, fdr.porte, cassaforte, RITMO, opening(fdr, at_look=3))

    assert len(fdr.nodo.domande) == asked
    put_off = [row for row in fdr.world.rows(schema.acquisizioni_fdr) if row.next_attempt_at > fdr.world.clock()]
    assert [(row.errori, row.codice, row.lease_until) for row in put_off] == [(0, None, None)]
    assert put_off[0].next_attempt_at == fdr.world.clock() + timedelta(seconds=30)


def test_a_flow_that_was_taken_when_it_opened_is_put_off_and_was_no_attempt(fdr: Rendicontazione):
    fdr.nodo.flussi = [make_flusso()]
    fdr.elenca()
    runtime = fdr.world.runtime

    clock = opening(fdr, at_look=3)
    assert scarica_fdr.run_once(fdr.world.db, fdr.porte, runtime.archivio, runtime.cassaforte, RITMO, clock)

    row = fdr.one()
    assert (row.stato, row.attempts, fdr.nodo.chiesti) == ("DOWNLOAD_ERROR", 0, [])
    assert "circuito della stazione aperto" in row.motivo and CODE not in row.motivo
    assert row.next_attempt_at == fdr.world.clock() + timedelta(seconds=30)
    fdr.world.clock.advance(30)
    fdr.tutto()
    assert fdr.one().stato == "PARSED"
