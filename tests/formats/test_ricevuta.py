"""Receipts of the new model: read whatever they look like. Source: node, 3.4, 3.5, tolerance (3.0.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hub.domain.errors_nodo import RicevutaNonLeggibile
from hub.formats.marca import read_impronta
from hub.formats.ricevuta import content_of, payload_of, read_ricevuta
from tests.ricevute import VICINO, make_marca, make_ricevuta, make_transfer

INTERMEDIARIO = "12345678903"


def test_a_receipt_is_read_whole() -> None:
    marca = make_marca()
    transfers = (make_transfer(1, "34.00"), make_transfer(2, "16.00", VICINO, marca=marca))

    ricevuta = read_ricevuta(make_ricevuta(receipt_id="token-1", stand_in="true", transfers=transfers))

    testata = ricevuta.testata
    assert (testata.receipt_id, testata.iuv, testata.numero_avviso) == (
        "token-1", "01000000000000144", "301000000000000144",
    )  # fmt: skip
    assert (ricevuta.importo_cent, ricevuta.commissione_cent, ricevuta.is_stand_in) == (5000, 150, True)
    assert ricevuta.pagato_at == datetime(2026, 11, 20, 9, 11, 12, tzinfo=UTC)
    assert ricevuta.data_applicazione == date(2026, 11, 21)
    assert [(each.indice, each.importo_cent, each.marca) for each in ricevuta.trasferimenti] == [
        (1, 3400, None), (2, 1600, marca),
    ]  # fmt: skip
    assert ricevuta.propri(VICINO)[0].iban is None
    assert (ricevuta.debitore.tipo, ricevuta.debitore.anagrafica, ricevuta.ignoti) == ("F", "Mario Rossi", ())


@pytest.mark.parametrize(
    ("written", "cent"), [("50.00", 5000), ("50", 5000), ("50.5", 5050), ("0.01", 1), ("999999999.99", 99999999999)]
)
def test_amounts_are_exact_cents(written: str, cent: int) -> None:
    assert read_ricevuta(make_ricevuta(importo=written, transfers=())).importo_cent == cent


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-07-01T10:00:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-07-01T10:00:00.123+01:00", datetime(2026, 7, 1, 9, 0, 0, 123000, tzinfo=UTC)),
        ("2026-07-01T10:00:00Z", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("", None),
        ("ieri", None),
    ],
)
def test_an_instant_without_offset_is_local_and_one_that_cannot_be_read_is_none(
    written: str, instant: datetime | None
) -> None:
    assert read_ricevuta(make_ricevuta(pagato_at=written)).pagato_at == instant


def test_the_iuv_is_that_of_the_notice_when_the_receipt_does_not_say_it() -> None:
    raw = make_ricevuta(iuv="", avviso="301000000000000144")

    assert read_ricevuta(raw).testata.iuv == "01000000000000144"


def test_every_unknown_element_is_named_once_and_none_of_its_insides() -> None:
    transfers = tuple(make_transfer(number, "10.00", extra="<nuovo><a/></nuovo>") for number in range(1, 6))

    raw = make_ricevuta(transfers=transfers, extra="<novita><b/></novita><novita/>")

    assert read_ricevuta(raw).ignoti == ("receipt/novita", "transfer/nuovo")


def test_no_more_unknown_names_are_told_than_fit() -> None:
    extra = "".join(f"<n{number}{'x' * 200}/>" for number in range(500))

    ignoti = read_ricevuta(make_ricevuta(extra=extra)).ignoti

    assert len(ignoti) == 20 and max(map(len, ignoti)) <= 80


@pytest.mark.parametrize(
    ("values", "element"),
    [
        ({"receipt_id": ""}, "receiptId"),
        ({"iuv": "", "avviso": "1"}, "creditorReferenceId"),
        ({"importo": "-5.00"}, "paymentAmount"),
        ({"importo": "5.001"}, "paymentAmount"),
        ({"transfers": (make_transfer(1, "x"),)}, "transferAmount"),
        ({"transfers": tuple(make_transfer() for _ in range(101))}, "transferList"),
    ],
)
def test_without_what_makes_it_a_receipt_it_is_refused_by_name(values: dict[str, object], element: str) -> None:
    with pytest.raises(RicevutaNonLeggibile) as caught:
        read_ricevuta(make_ricevuta(**values))

    assert caught.value.description.startswith(f"Elemento {element}:")


@pytest.mark.parametrize("raw", [b"", b"x", b"<a/>", b"<paSendRTReq><idPA/></paSendRTReq>"])
def test_what_carries_no_receipt_is_refused(raw: bytes) -> None:
    with pytest.raises(RicevutaNonLeggibile):
        read_ricevuta(raw)


def test_two_deliveries_have_the_same_content_whatever_carries_them() -> None:
    raw = make_ricevuta(receipt_id="token-1")
    other = make_ricevuta(receipt_id="token-1", stazione="12345678903_02").replace(b"<s:Body>", b"<s:Body>\n ")

    assert content_of(payload_of(raw)) == content_of(payload_of(other))
    assert content_of(payload_of(raw)) != content_of(payload_of(make_ricevuta(receipt_id="token-2")))


@pytest.mark.parametrize("data", [b"", b"non xml", b"<marcaDaBollo/>"])
def test_a_stamp_that_cannot_be_read_has_no_digest(data: bytes) -> None:
    assert read_impronta(data) is None
