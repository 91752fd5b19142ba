"""The catalogue of faults says all that the errors can, and nothing that no error says."""

from __future__ import annotations

from collections import Counter

import pytest

from hub.domain.errors import HubError
from hub.domain.guasti import CATALOGO, OPERAZIONI_ENTE, OPERAZIONI_NODO, Guasto, is_known
from hub.formats.resources import resource
from hub.soap.contract import load_contract
from hub.soap.nodo import PORTE


def _codes(error: type[HubError]) -> set[str]:
    return {error.code}.union(*(_codes(child) for child in error.__subclasses__()))


def test_every_code_of_an_error_is_in_the_catalogue() -> None:
    assert _codes(HubError) - {guasto.code for guasto in CATALOGO} == set()


def test_every_entry_is_the_code_of_an_error() -> None:
    assert {guasto.code for guasto in CATALOGO} - _codes(HubError) == set()


def test_a_code_has_one_condition_for_an_operation() -> None:
    told = Counter((guasto.code, name) for guasto in CATALOGO for name in guasto.operazioni)

    assert {pair for pair, times in told.items() if times > 1} == set()


@pytest.mark.parametrize(
    ("wsdl", "operations"),
    [
        (("pa-per-ente.wsdl",), OPERAZIONI_ENTE),
        (tuple(porta.wsdl for porta in PORTE), OPERAZIONI_NODO),
    ],
    ids=["enti", "nodo"],
)
def test_the_operations_are_those_of_the_contracts(wsdl: tuple[str, ...], operations: tuple[str, ...]) -> None:
    contracts = [load_contract(resource("wsdl", name)) for name in wsdl]

    assert sorted(operations) == sorted(
        verb.name for contract in contracts for verb in contract.by_request.values()
    )


@pytest.mark.parametrize("operation", OPERAZIONI_ENTE)
def test_whoever_is_not_known_is_told_so_by_every_operation(operation: str) -> None:
    assert is_known(operation, "PAA_ENTE_NON_VALIDO") and is_known(operation, "PAA_SYSTEM_ERROR")
    assert not is_known(operation, "PAA_SEMANTICA")


@pytest.mark.parametrize("guasto", CATALOGO, ids=lambda guasto: f"{guasto.code}-{guasto.operazioni[0]}")
def test_an_entry_says_when_and_what_to_do(guasto: Guasto) -> None:
    assert guasto.condizione.strip() and guasto.rimedio.strip() and guasto.operazioni
    for text in (guasto.condizione, guasto.rimedio):
        assert not text.endswith(".") and "\n" not in text and "|" not in text
