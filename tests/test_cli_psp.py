"""`pontepa sportello`: what a person reads who pays a notice at the simulator's counter."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from tests.adapters import counter as stage
from tests.adapters.counter import DOMINIO, KO, NUMERO, Counter


@pytest.fixture
def counter() -> Iterator[Counter]:
    with stage.counter() as counter:
        yield counter


def run(counter: Counter, *arguments: str) -> Result:
    words = ["sportello", NUMERO, "--ente", DOMINIO, "--simulatore", counter.simulator.url, *arguments]
    return CliRunner().invoke(main, words)


def test_a_notice_is_paid(counter: Counter) -> None:
    result = run(counter)

    assert result.exit_code == 0, result.output
    assert "paVerifyPaymentNotice: OK (" in result.output
    assert "PAGATO, 12.34 euro, ricevuta " in result.output


def test_both_payments_of_a_notice_paid_twice_are_told(counter: Counter) -> None:
    assert run(counter, "--stranezza", "two_psps").output.count("PAGATO, 12.34 euro") == 2


def test_a_notice_is_only_asked_about(counter: Counter) -> None:
    result = run(counter, "--verifica", "--json")

    assert result.exit_code == 0
    assert json.loads(result.output)["stato"] == "VERIFICATO"


def test_a_refusal_is_told_and_ends_with_one(counter: Counter) -> None:
    counter.hub.say("paVerifyPaymentNotice", KO)

    result = run(counter)

    assert result.exit_code == 1
    assert "PPT_ERRORE_EMESSO_DA_PAA - PAA_PAGAMENTO_DUPLICATO - già pagato" in result.output


def test_what_the_counter_does_not_take_is_told(counter: Counter) -> None:
    result = run(counter, "--importo", "dodici")

    assert result.exit_code == 1
    assert "importo: attesi euro" in result.output


def test_a_simulator_that_is_off_is_told() -> None:
    words = ["sportello", NUMERO, "--ente", DOMINIO, "--simulatore", "http://127.0.0.1:1"]

    result = CliRunner().invoke(main, words)

    assert result.exit_code == 1
    assert "nessun simulatore a http://127.0.0.1:1" in result.output
