"""How often applications may call: counted by application, given back in time, never the business of another."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest

from hub.app import build_wsgi_app
from hub.domain.conosciuti import Conosciuti
from hub.domain.errors import EnteNonValido, TroppeRichieste
from hub.store import schema
from hub.store.anagrafe import Anagrafe
from hub.usecases.authenticate import Callers
from hub.usecases.passo import Passo
from tests.soap import door
from tests.world import PASSWORD_REFEZIONE, SOURCE, World, chi


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def spend(passo: Passo, who: str, calls: int, **limits: int) -> int:
    """How many of so many calls in a row are let in."""
    done = 0
    for _ in range(calls):
        try:
            passo.enter(who, who, **limits)()
            done += 1
        except TroppeRichieste as refusal:
            assert refusal.retry_after_s == 1
    return done


def test_one_who_was_quiet_may_call_in_a_burst_and_then_at_the_pace(clock):
    passo = Passo(5, 10, clock)

    assert spend(passo, "mensa", 150) == 100
    clock.now_s += 1
    assert spend(passo, "mensa", 50) == 5
    clock.now_s += 3600
    assert spend(passo, "mensa", 150) == 100


def test_the_calls_of_one_are_not_those_of_another(clock):
    passo = Passo(5, 10, clock)
    spend(passo, "mensa", 150)

    assert spend(passo, "tributi", 10) == 10


def test_limits_of_its_own_count_instead_of_the_installations(clock):
    assert spend(Passo(5, 10, clock), "mensa", 150, al_secondo=1) == 20
    assert spend(Passo(5, 10, clock), "mensa", 150, al_secondo=7) == 140


def test_calls_at_work_are_counted_until_they_end(clock):
    passo = Passo(100, 2, clock)
    first, _second = passo.enter("mensa", "mensa"), passo.enter("mensa", "mensa")

    with pytest.raises(TroppeRichieste, match="mensa ha già 2 richieste al lavoro"):
        passo.enter("mensa", "mensa")
    first()
    passo.enter("mensa", "mensa")


def test_the_address_of_good_credentials_is_known_for_a_while(clock):
    conosciuti = Conosciuti(clock)
    conosciuti.add("a")
    clock.now_s += 301
    assert "a" in conosciuti and "b" not in conosciuti
    clock.now_s += 601
    assert "a" not in conosciuti


def paced(world: World, **limits: int) -> Callers:
    """The callers of a world, whose application has limits of its own."""
    if limits:
        world.change(schema.credenziali, "applicazione", "refezione", **limits)
    return Callers(Anagrafe(world.db), 20, Passo(5, 64))


def test_each_application_of_an_ente_has_a_count_of_its_own(small_world):
    callers = paced(small_world, chiamate_al_secondo=1, chiamate_insieme=1)
    shown = chi("C_VICINO", PASSWORD_REFEZIONE)
    now = small_world.clock()

    with ExitStack() as stack:
        callers.authenticate(replace(shown, at_end=stack), "paaSILInviaDovuti", now)
        with pytest.raises(TroppeRichieste, match="l'applicazione refezione di C_VICINO ha già 1 richieste al lavoro"):
            callers.authenticate(shown, "paaSILInviaDovuti", now)
        callers.authenticate(chi("C_VICINO"), "paaSILInviaDovuti", now)
    callers.authenticate(shown, "paaSILInviaDovuti", now)


def test_only_good_credentials_make_an_address_known_and_count(small_world):
    callers = paced(small_world)
    for _ in range(10):
        with pytest.raises(EnteNonValido):
            callers.authenticate(chi("C_PROVA", "Sbagliata123"), "paaSILInviaDovuti", small_world.clock())
    assert not callers.is_known(SOURCE, "C_PROVA")

    callers.authenticate(chi("C_PROVA"), "paaSILInviaDovuti", small_world.clock())

    assert callers.is_known(SOURCE, "C_PROVA") and not callers.is_known("198.51.100.7", "C_PROVA")


def test_a_soap_client_over_its_pace_reads_the_contracts_fault_and_when_to_come_back(small_world):
    runtime = replace(small_world.runtime, callers=paced(small_world, chiamate_al_secondo=1))
    wsgi = build_wsgi_app(runtime)
    secret = f"<password>{PASSWORD_REFEZIONE}</password>"
    header = door.HEADER.replace("C_PROVA", "C_VICINO")
    body = door.envelope(door.invia(f"{secret}<dovuti>QUJD</dovuti>"), header)

    answers = [door.call(wsgi, body, PATH_INFO=door.PATH, CONTENT_TYPE="text/xml") for _ in range(25)]

    assert [answer.status for answer in answers].count(429) in (4, 5)
    refused = answers[-1]
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert refused.payload.findtext("fault/faultCode") == "PAA_SYSTEM_ERROR"
    assert "l'applicazione refezione di C_VICINO supera le 1 richieste al secondo" in refused.payload.findtext(
        "fault/faultString"
    )
