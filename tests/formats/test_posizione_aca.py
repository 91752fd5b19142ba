"""paCreatePosition: what is written is read back, and each limit of the contract is kept.

Source: node, ACA and debt positions (2.13); OpenAPI of paCreatePosition.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.domain.posizione_aca import PosizioneAca
from hub.formats.posizione_aca import PosizioneNonValida, read_posizione, read_posizione_letta, render_posizione

POSIZIONE = PosizioneAca(
    dominio="12345678903",
    iuv="01000000000000144",
    numero_avviso="301000000000000144",
    debitore_tipo="F",
    debitore_codice="RSSMRA80A01H501U",
    debitore_nome="Mario Rossi",
    importo_cent=5000,
    causale="Tassa rifiuti 2026",
    scade_at=datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
    iban="IT60X0542811101000000123456",
)


def make_posizione(**changes: Any) -> PosizioneAca:
    return replace(POSIZIONE, **changes)


def test_what_is_written_is_read_back() -> None:
    assert read_posizione(render_posizione(POSIZIONE)) == POSIZIONE


def test_the_body_has_the_names_of_the_contract() -> None:
    body = json.loads(render_posizione(make_posizione(iban_postale="IT30N0760101000000000123456", is_perentoria=True)))

    assert body == {
        "paFiscalCode": "12345678903",
        "entityType": "F",
        "entityFiscalCode": "RSSMRA80A01H501U",
        "entityFullName": "Mario Rossi",
        "iuv": "01000000000000144",
        "nav": "301000000000000144",
        "amount": 5000,
        "description": "Tassa rifiuti 2026",
        "expirationDate": "2026-12-31T22:59:59Z",
        "switchToExpired": True,
        "payStandIn": True,
        "iban": "IT60X0542811101000000123456",
        "postalIban": "IT30N0760101000000000123456",
    }


def test_a_foreign_account_is_left_out() -> None:
    assert "iban" not in json.loads(render_posizione(make_posizione(iban="DE89370400440532013000")))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"dominio": "1234567890"}, "paFiscalCode"),
        ({"debitore_tipo": "X"}, "entityType"),
        ({"debitore_codice": "1"}, "entityFiscalCode"),
        ({"debitore_nome": ""}, "entityFullName"),
        ({"iuv": ""}, "iuv"),
        ({"causale": " "}, "description"),
        ({"importo_cent": -1}, "amount"),
        ({"importo_cent": 100_000_000_000}, "amount"),
    ],
)
def test_what_breaks_a_limit_is_not_written(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(PosizioneNonValida) as refusal:
        render_posizione(make_posizione(**changes))

    assert [where for where, _ in refusal.value.problems] == [path]


@pytest.mark.parametrize("value", ["2026-12-31", "domani", 7, None, "2026-12-31T10:00:00"])
def test_the_day_of_expiry_is_an_instant(value: Any) -> None:
    words = json.loads(render_posizione(POSIZIONE)) | {"expirationDate": value}

    with pytest.raises(PosizioneNonValida) as refusal:
        read_posizione(json.dumps(words).encode())

    assert [where for where, _ in refusal.value.problems] == ["expirationDate"]


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 60_000])
def test_what_is_no_position_is_refused(data: bytes) -> None:
    with pytest.raises(PosizioneNonValida):
        read_posizione(data)
    assert read_posizione_letta(data) is None
