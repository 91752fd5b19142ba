"""What docs/inoltro-esito.md tells a receiver is true: its examples run against what the hub really sends."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from adapters.ente.firma import sign
from hub.domain.attesa import before_ente
from hub.domain.configurazione import INOLTRO_TENTATIVI
from hub.domain.inoltro import InvioEsito
from hub.formats.configurazione_inoltro import CHIAVE_MIN, CHIAVE_RITORNO_MIN
from hub.formats.firma_ritorno import Ritorno, sign_ritorno
from tests.test_house import ROOT

PAGE = (ROOT / "docs/inoltro-esito.md").read_text(encoding="utf-8")
CHIAVE = "9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2
CORPO = b'{"rt": "", "esito": "PGEvPg=="}'


def example(name: str) -> Callable[..., Any]:
    """The function of that name in the page."""
    (code,) = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.S) if f"def {name}(" in code]
    scope: dict[str, Any] = {}
    exec(code, scope)  # the text under test is ours
    return scope[name]


def sent(at: datetime) -> dict[str, str]:
    invio = InvioEsito("https://e.example.org/", "e" * 32 + "-1", 1, CORPO, CHIAVE, "comune", "esiti@example.org")
    return {name.lower(): value for name, value in sign(invio, at).items()}


def test_the_example_accepts_what_the_hub_sends_and_nothing_else() -> None:
    verifica = example("verifica")
    header = sent(datetime.now(UTC))

    assert verifica(CHIAVE, header, CORPO)
    assert not verifica(CHIAVE, header, CORPO + b" ")
    assert not verifica(CHIAVE[::-1], header, CORPO)
    assert not verifica(CHIAVE, header | {"webhook-id": "e" * 32 + "-2"}, CORPO)
    assert not verifica(CHIAVE, header | {"webhook-timestamp": str(int(time.time()) + 1)}, CORPO)
    assert not verifica(CHIAVE, sent(datetime.now(UTC) - timedelta(minutes=6)), CORPO)


def test_the_example_is_as_short_as_it_says() -> None:
    (code,) = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "def verifica(" in code]

    assert len(code.splitlines()) <= 10


def test_every_header_that_is_sent_is_in_the_page() -> None:
    assert all(name in PAGE.lower() for name in sent(datetime.now(UTC)))


def test_the_return_is_checked_as_the_page_says() -> None:
    ritorno = example("ritorno")
    now = datetime.now(UTC)
    firma = sign_ritorno(CHIAVE, Ritorno("https://hub.example.org", "C_PROVA", "S1", "OK"), now)
    old = sign_ritorno(CHIAVE, Ritorno("https://hub.example.org", "C_PROVA", "S1", "OK"), now - timedelta(minutes=11))

    assert ritorno(CHIAVE, "C_PROVA", {"firma": firma}) == ("S1", "OK")
    with pytest.raises(jwt.ExpiredSignatureError):
        ritorno(CHIAVE, "C_PROVA", {"firma": old})


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    waits = [int(before_ente(k).total_seconds()) for k in range(1, INOLTRO_TENTATIVI)]

    assert f"({', '.join(map(str, waits[:4]))}..." in PAGE
    assert 2.75 < sum(waits) / 86_400 < 3
    assert f"tentativi_max: {INOLTRO_TENTATIVI}" in PAGE
    assert f"almeno {CHIAVE_MIN} caratteri" in PAGE and f"almeno {CHIAVE_RITORNO_MIN} caratteri" in PAGE
