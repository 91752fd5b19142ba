"""The live questions: to the hub, which keeps its contract, and to endpoints that do and do not."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from hub.config import Ambiente
from hub.domain.conformita import Esito, Gruppo
from hub.domain.conformita.del_hub import CON_PASSWORD
from hub.domain.conformita.rapporto import Rapporto
from hub.formats import schemi
from hub.formats.conformita_callback import corpo_esito
from hub.formats.conformita_sonde import domande_hub
from hub.formats.istanti import giorno_di
from hub.formats.xml import parse
from hub.store import schema
from hub.usecases.conformita_chiamate import is_nostra, nuova_correlazione
from tests.conformita.casi import NOW
from tests.conformita.stage import Ascoltatore, Banco, ascolta, codici, serve
from tests.inoltro import CHIAVE, configure_inoltro
from tests.world import PASSWORDS, World, small_world

__all__ = ["small_world"]


def of(rapporto: Rapporto, gruppo: Gruppo, esito: Esito) -> set[str]:
    return {
        code
        for code in codici(rapporto, esito)
        if any(one.regola.codice == code and one.regola.gruppo is gruppo for one in rapporto.verdetti)
    }


def test_the_hub_keeps_its_contract_and_nothing_is_left_behind(small_world: World) -> None:
    with serve(small_world) as banco:
        rapporto = banco.rapporto(hub=banco.url, password=PASSWORDS["C_PROVA"])
        again = banco.rapporto(hub=banco.url)

    assert of(rapporto, Gruppo.HUB, Esito.VIOLATA) == set(), [one.visti for one in rapporto.verdetti if one.contrari]
    # http on this machine has no certificate.
    assert of(rapporto, Gruppo.HUB, Esito.NON_VISTA) == {"HUB-06"}
    assert len(of(rapporto, Gruppo.HUB, Esito.RISPETTATA)) == 30
    # Without the ente's password what needs it is not asked.
    assert len(of(again, Gruppo.HUB, Esito.NON_VISTA)) == 2 + len(CON_PASSWORD)
    assert small_world.rows(schema.sessioni) == [] and small_world.rows(schema.dovuti) == []
    # Our own questions are not the integrator's calls.
    assert small_world.rows(schema.chiamate_sandbox) and again.chiamate == 0


def test_only_this_hub_can_mark_a_call_as_a_question_of_a_report() -> None:
    mark = nuova_correlazione("segreto")

    assert is_nostra("segreto", mark) and not is_nostra("altro", mark)
    assert not is_nostra("segreto", mark[:-1] + ("0" if mark[-1] != "0" else "1")) and not is_nostra(
        "segreto", "x" * 32
    )


def test_a_hub_that_does_not_answer_is_told_by_every_rule_that_asked_it(small_world: World) -> None:
    with serve(small_world) as banco:
        gone = banco.url
    rapporto = replace(banco).rapporto(hub=gone)

    assert {"HUB-01", "HUB-05", "HUB-07", "HUB-11"} <= of(rapporto, Gruppo.HUB, Esito.VIOLATA)


def ask(banco: Banco, *mistakes: str, chiave: str = CHIAVE) -> Rapporto:
    with ascolta(Ascoltatore(banco.world.clock, frozenset(mistakes))) as ascoltatore:
        return banco.rapporto(callback=ascoltatore.url, chiave=chiave)


@pytest.fixture
def banco(small_world: World) -> Banco:
    return Banco(small_world, "")


def test_an_endpoint_that_does_as_the_contract_says_respects_every_rule_but_https(banco: Banco) -> None:
    rapporto = ask(banco)

    assert of(rapporto, Gruppo.INOLTRO, Esito.VIOLATA) == {"INO-01"}
    assert of(rapporto, Gruppo.INOLTRO, Esito.AVVERTENZA) == set()
    # Its answers have no body.
    assert of(rapporto, Gruppo.INOLTRO, Esito.NON_VISTA) == {"INO-20"}


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        ("non controlla", {"INO-13", "INO-14", "INO-15"}),
        ("doppio", {"INO-05", "INO-06"}),
        ("prolisso", {"INO-02", "INO-03", "INO-05", "INO-19"}),
        ("get", {"INO-17"}),
        ("rompe", {"INO-03", "INO-05", "INO-07", "INO-11", "INO-13", "INO-16"}),
    ],
)
def test_what_an_endpoint_does_wrong_is_named(banco: Banco, mistake: str, named: set[str]) -> None:
    rapporto = ask(banco, mistake)

    assert named <= of(rapporto, Gruppo.INOLTRO, Esito.VIOLATA) | of(rapporto, Gruppo.INOLTRO, Esito.AVVERTENZA)


def test_without_a_key_nothing_is_said_of_signatures(banco: Banco) -> None:
    rapporto = ask(banco, "non controlla", chiave="")

    assert {"INO-13", "INO-14", "INO-15"} <= of(rapporto, Gruppo.INOLTRO, Esito.NON_VISTA)


def test_the_key_is_the_one_configured_for_the_address(banco: Banco) -> None:
    with ascolta(Ascoltatore(banco.world.clock)) as ascoltatore:
        configure_inoltro(banco.world, "TARI", url=ascoltatore.url)
        rapporto = banco.rapporto(callback=ascoltatore.url)

    assert {"INO-03", "INO-13"} <= of(rapporto, Gruppo.INOLTRO, Esito.RISPETTATA)


def test_in_production_a_private_address_is_not_called(banco: Banco) -> None:
    runtime = banco.world.runtime
    production = runtime.config.model_copy(update={"ambiente": Ambiente.PRODUZIONE})
    banco.world.runtime = replace(runtime, config=production)

    with ascolta(Ascoltatore(banco.world.clock)) as ascoltatore:
        rapporto = banco.rapporto(callback=ascoltatore.url.replace("http://", "https://"), chiave=CHIAVE)

    (answers,) = (one for one in rapporto.verdetti if one.regola.codice == "INO-02")
    assert answers.esito is Esito.VIOLATA and "INDIRIZZO_NON_AMMESSO" in answers.visti[0].problema
    assert ascoltatore.seen == []


@pytest.mark.parametrize("codice_esito", ["0", "1"])
def test_the_outcomes_of_a_trial_are_documents_of_the_contract(codice_esito: str) -> None:
    body = corpo_esito("12345678903", "A1", "01X", giorno_di(NOW), NOW, codice_esito=codice_esito, rt=None)
    document = parse(base64.b64decode(json.loads(body)["esito"]))

    assert [str(error) for error in schemi.schema(schemi.DOVUTI_PAGATI).check(document)] == []


def test_the_password_is_escaped_where_it_is_written() -> None:
    questions = domande_hub("http://h", "C_PROVA", "a<b&c", "TARI", lambda: "x" * 8)

    assert all(b"a<b" not in one.corpo for one in questions.values())
