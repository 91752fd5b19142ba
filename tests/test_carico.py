"""The great load: what it asks is what it says it asks, and what it is answered is judged as it is."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from benchmarks.carico_enti import Misura, Sorteggio, build_enti, configurazione
from benchmarks.nodo_generatore import Esito, Giro, _judge
from benchmarks.nodo_piano import GET, GET_V2, OK, RT, RT_V2, VERIFY, Chiamata, build_piano
from hub.domain.iuv import is_valid
from hub.formats.configurazione import read_configurazione

MISURA = Misura(1000, enti=20, tipi=200, credenziali=50)


def piano() -> list[Chiamata]:
    return build_piano(Sorteggio(build_enti(MISURA), 1), per_second=20, seconds=30, seed=1, importo="100.00")


def notice(chiamata: Chiamata) -> tuple[str, str]:
    found = re.search(rb"<fiscalCode>(\d+)</fiscalCode><noticeNumber>(\d+)<", chiamata.request) or re.search(
        rb"<noticeNumber>(\d+)</noticeNumber><fiscalCode>(\d+)<", chiamata.request
    )
    assert found is not None
    return tuple(sorted((found[1].decode(), found[2].decode()), key=len))  # type: ignore[return-value]


def test_the_enti_have_all_dovuti_but_the_two_that_the_hub_makes() -> None:
    enti = build_enti(MISURA)

    assert sum(ente.dovuti for ente in enti) == MISURA.dovuti - 2
    assert len({ente.codice_fiscale for ente in enti}) == len(enti) == MISURA.enti
    assert all(is_valid(ente.iuv(1)) for ente in enti)


def test_the_configuration_is_one_that_the_hub_takes_with_the_numbers_that_were_asked_for() -> None:
    read = read_configurazione(configurazione(MISURA).encode())

    assert len(read.enti) == 20
    assert sum(len(ente.tipi or ()) for ente in read.enti) == 200
    assert sum(1 + len(ente.applicazioni or ()) for ente in read.enti) == 50


def test_calls_are_in_order_within_the_play_and_mixed_as_they_are_told() -> None:
    calls = piano()
    kinds = Counter(call.operation for call in calls)

    assert [call.at_s for call in calls] == sorted(call.at_s for call in calls)
    assert 0 <= calls[0].at_s and calls[-1].at_s < 30
    assert kinds[VERIFY] == 2 * (kinds[GET] + kinds[GET_V2]) == 2 * (kinds[RT] + kinds[RT_V2])


def test_a_notice_is_drawn_once_and_who_asks_for_more_than_there_are_is_told() -> None:
    sorteggio, drawn = Sorteggio(build_enti(MISURA), 1), list[str]()

    with pytest.raises(LookupError, match="more dovuti are wanted"):
        while True:
            ente, iuv = sorteggio.libero()
            drawn.append(ente.codice_fiscale + iuv)

    assert len(set(drawn)) == len(drawn) > MISURA.dovuti // 2


def test_nothing_is_asked_of_a_notice_after_its_receipt() -> None:
    paid: set[tuple[str, str]] = set()
    for call in piano():
        if call.good == OK:
            assert notice(call) not in paid
        if call.operation in (RT, RT_V2):
            paid.add(notice(call))

    assert paid


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n<outcome>OK</outcome>", ""),
        (b"HTTP/1.1 503 x\r\nretry-after: 2\r\n\r\nx", "503 dichiarato"),
        (b"HTTP/1.1 503 x\r\n\r\nx", "503 senza Retry-After"),
        (b"HTTP/1.1 429 x\r\nRetry-After: 2\r\n\r\nx", "429 dichiarato"),
        (b"HTTP/1.1 200 OK\r\n\r\n<faultCode>PAA_SYSTEM_ERROR</faultCode>", "KO PAA_SYSTEM_ERROR"),
        (b"HTTP/1.1 500 x\r\n\r\nx", "HTTP 500"),
    ],
)
def test_an_answer_is_good_or_told_by_its_kind(answer: bytes, error: str) -> None:
    assert _judge(answer, OK) == error


def test_percentiles_are_of_good_answers_and_errors_are_counted_apart() -> None:
    giro = Giro([Esito(0, VERIFY, 0.1, ""), Esito(1, VERIFY, 0.3, ""), Esito(2, RT, 9.0, "HTTP 500")])

    assert (giro.percentile_ms(0.98), giro.errors()) == (300.0, Counter({"HTTP 500": 1}))
    assert giro.between(0, 1).latencies_ms() == [100.0]
