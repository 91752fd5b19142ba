"""Every SOAP toolkit of this machine, from the served WSDL to the receipt and to the words of a refusal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hub.formats.resources import resource
from hub.soap.contract import load_contract
from tests.interop.hub import RunningHub
from tests.interop.matrix import Row, play, text
from tests.interop.story import OPERATIONS, STEPS, Story
from tests.interop.toolkits import TOOLKITS, Toolkit

NOWHERE = RunningHub("http://127.0.0.1:9", "http://127.0.0.1:9")


@pytest.mark.parametrize("toolkit", TOOLKITS, ids=lambda toolkit: toolkit.name.replace(" ", "-"))
def test_a_toolkit_tells_the_whole_story(toolkit: Toolkit, running_hub: RunningHub, tmp_path: Path) -> None:
    row = play(toolkit, running_hub, tmp_path)

    if row.missing:
        pytest.skip(row.missing)
    assert {result.step: result.problem for result in row.results if not result.is_green} == {}
    assert [result.step for result in row.results] == list(STEPS)
    assert row.version and row.runtime


def test_the_story_has_every_operation_of_the_contract() -> None:
    contract = load_contract(resource("wsdl", "pa-per-ente.wsdl"))

    told = {operation.partition(" ")[0] for operation in STEPS.values() if operation}

    assert told == {verb.name for verb in contract.by_request.values()}
    assert len(told) == int(OPERATIONS)


def test_a_toolkit_that_is_not_here_is_missing_and_not_green(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    php = next(toolkit for toolkit in TOOLKITS if toolkit.name.startswith("PHP"))

    row = play(php, NOWHERE, tmp_path)

    assert (row.outcome, row.is_green) == ("manca", False)
    assert "php-soap" in text([row])


def test_a_client_that_reads_less_of_the_contract_is_not_green(tmp_path: Path) -> None:
    seventeen = 'print(\'{"passo": "contratto", "operazioni": 17}\')'

    results = Story(NOWHERE, tmp_path).tell([sys.executable, "-c", seventeen], tmp_path)

    row = Row("prova", "1", "1", results=results)
    assert row.outcome == "KO"
    assert "17" in text([row])
    assert [row.cell(step) for step in STEPS] == ["KO"] * len(STEPS)


def test_a_client_that_dies_says_with_what_words(tmp_path: Path) -> None:
    results = Story(NOWHERE, tmp_path).tell([sys.executable, "-c", "raise SystemExit('WSDL illeggibile')"], tmp_path)

    assert results[0].step == "contratto"
    assert "WSDL illeggibile" in (results[0].problem or "")
