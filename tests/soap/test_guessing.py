"""Who guesses passwords is told to wait, by every operation alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.domain.guasti import OPERAZIONI_ENTE
from tests.soap.requests_of_all import IN_BODY, values_of
from tests.soap.stage import Stage, code_of

GUESSER = "203.0.113.66"


@pytest.fixture(scope="module")
def guessed(small_stage: Stage) -> Iterator[Stage]:
    """A stage where one address has shown twenty wrong passwords."""
    wrong = small_stage.envelope(
        "paaSILChiediPagati", values_of("paaSILChiediPagati") | {"password": "Sbagliata123"}
    )
    for _ in range(20):
        small_stage.send(wrong, source=GUESSER)
    yield small_stage


@pytest.mark.parametrize("operation", OPERAZIONI_ENTE)
def test_the_right_password_comes_too_late(guessed: Stage, operation: str) -> None:
    envelope = guessed.envelope(operation, values_of(operation), None if operation in IN_BODY else "C_PROVA")

    payload = guessed.send(envelope, source=GUESSER)

    assert code_of(payload) == "PAA_SYSTEM_ERROR"
    assert guessed.last is not None and guessed.last.status == 429
    assert 1 <= int(guessed.last.headers["Retry-After"]) <= 61
