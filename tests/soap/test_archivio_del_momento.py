"""The amount of the moment, asked of the ente's own archive while the node waits.

Source: node, internal budget (3.0.1), cases 17 and 18 (8.1); pa-per-ente, ente as archive (4.3).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import date

import pytest
import zeep.exceptions

from adapters.ente.fake import Comportamento, Guasto
from adapters.ente.fake_archivio import ArchivioFinto
from hub.domain.archivio import PosizioneEsterna
from hub.runtime import ARRIVED
from hub.store import schema
from tests.soap.avvisi import AVVISO, IUV, SECONDARIO, Nodo
from tests.soap.test_paaAttivaRPT import Classico, code
from tests.world import World

VERIFY, GET = "paVerifyPaymentNotice", "paGetPayment"
# A byte at a time, until the budget is over.
SLOW = Comportamento(Guasto.GOCCIA)


@pytest.fixture
def archivio() -> Iterator[ArchivioFinto]:
    with ArchivioFinto() as archivio:
        archivio.posizioni[AVVISO] = PosizioneEsterna(
            6250, "TARI", scadenza=date(2027, 1, 31), codice_fiscale="12345678903", nome_ente="Comune"
        )
        yield archivio


def asks(world: World, archivio: ArchivioFinto, ripiego: str = "errore") -> Nodo:
    """The node before a world whose ente answers by itself."""
    world.change(schema.enti, "id", 1, url_archivio_esterno=archivio.url, ripiego_archivio=ripiego)
    world.lay_avviso()
    return Nodo(world)


def told(nodo: Nodo) -> tuple[str, date]:
    option = nodo.verify().paymentList.paymentOptionDescription
    return str(option.amount), option.dueDate


def test_what_the_archive_says_counts(world, archivio):
    nodo = asks(world, archivio)

    assert told(nodo) == ("62.50", date(2027, 1, 31))
    answer = nodo.ask(GET)

    (line,) = answer.data.transferList.transfer
    assert (str(answer.data.paymentAmount), str(line.transferAmount)) == ("62.50", "62.50")
    assert line.remittanceInformation.startswith(f"/RFB/{IUV}/62.50/")
    assert archivio.received == [("paExternalVerifyPaymentNotice", AVVISO)] * 2 and archivio.violations == []


def test_only_the_share_of_the_ente_itself_follows_the_archive(small_world, archivio):
    nodo = asks(small_world, archivio)
    small_world.change(schema.dovuti, "iuv", IUV, secondario=SECONDARIO)

    lines = nodo.ask(GET).data.transferList.transfer

    assert [str(line.transferAmount) for line in lines] == ["60.00", "2.50"]


def test_an_amount_that_the_lines_cannot_make_is_refused(small_world, archivio):
    nodo = asks(small_world, archivio)
    small_world.change(schema.dovuti, "iuv", IUV, secondario={**SECONDARIO, "importo_cent": 6250})

    assert nodo.code(VERIFY) == "PAA_SEMANTICA"


def test_the_classic_model_asks_the_old_question(small_world, archivio):
    archivio.posizioni[IUV] = PosizioneEsterna(importo_cent=7000, causale="TARI", iban="IT60X0542811101000000123456")
    asks(small_world, archivio)
    node = Classico(small_world)

    answer = node.verifica()

    assert (code(answer), str(answer.datiPagamentoPA.importoSingoloVersamento)) == ("OK", "70.00")
    assert code(node.attiva("50.00")) == "PAA_ATTIVA_RPT_IMPORTO_NON_VALIDO"
    assert code(node.attiva("70.00")) == "OK"


def test_the_archives_own_word_on_a_notice_is_told(small_world, archivio):
    nodo = asks(small_world, archivio, "memorizzato")
    archivio.posizioni.clear()

    assert nodo.code(VERIFY) == "PAA_PAGAMENTO_SCONOSCIUTO"


@pytest.mark.parametrize("behaviour", [SLOW, Comportamento(Guasto.STATO, status=503)], ids=["slow", "HTTP 503"])
@pytest.mark.parametrize(("ripiego", "expected"), [("errore", "PAA_SYSTEM_ERROR"), ("memorizzato", "OK")])
def test_a_silent_archive_leaves_the_declared_fallback(world, archivio, behaviour, ripiego, expected):
    nodo = asks(world, archivio, ripiego)
    archivio.script.extend([behaviour] * 2)

    assert [nodo.code(operation) for operation in (VERIFY, GET)] == [expected] * 2


def test_an_archive_that_is_off_is_no_different(world, archivio):
    nodo = asks(world, archivio, "memorizzato")
    world.change(schema.enti, "id", 1, url_archivio_esterno="http://127.0.0.1:9/archivio")

    assert told(nodo)[0] == "50.00"


def test_after_three_failures_the_archive_is_left_alone_and_then_tried_once(small_world, archivio):
    nodo = asks(small_world, archivio, "memorizzato")
    archivio.script.extend([Comportamento(Guasto.STATO, status=503)] * 4)

    for _ in range(5):
        assert told(nodo)[0] == "50.00"
    small_world.clock.advance(31)
    told(nodo)
    small_world.clock.advance(31)

    assert told(nodo)[0] == "62.50"
    assert len(archivio.script) == 0 and len(archivio.received) == 1


def test_a_slow_archive_keeps_two_questions_waiting_and_no_more(small_world, archivio):
    """The others are answered by the fallback at once; other entes are not concerned."""
    nodo = asks(small_world, archivio, "memorizzato")
    archivio.script.extend([SLOW] * 8)
    amounts: list[str] = []
    nodes = [nodo, *(Nodo(small_world) for _ in range(7))]

    threads = [threading.Thread(target=lambda one=one: amounts.append(told(one)[0])) for one in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    # Three at most: two at once, and after the third failure nobody asks.
    assert amounts == ["50.00"] * 8 and len(archivio.script) >= 5


def test_a_question_that_waited_too_long_is_not_worked_on(small_world, archivio):
    """Nothing is looked up, so that the queue empties faster than it fills; it is told as where the queue is full."""
    nodo = asks(small_world, archivio)
    nodo.door.more = {ARRIVED: time.monotonic() - 2.5}

    with pytest.raises(zeep.exceptions.Fault, match="troppo a lungo"):
        nodo.verify()

    assert (nodo.door.last.status, nodo.door.last.headers["Retry-After"]) == (503, "5")
    assert b"PAA_" not in nodo.door.last.body
    assert archivio.received == []
