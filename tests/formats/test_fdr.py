"""FlussoRiversamento: golden files, what is refused and in which words, and flows longer than the memory."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.rendicontazione import Riga, Riversamento, Somma, Totali
from hub.formats import schemi
from hub.formats.fdr import LIMITS, OSSERVAZIONI_MAX, RendicontazioneNonLeggibile, read_flusso
from hub.formats.xml import parse

DATA = Path(__file__).parents[1] / "data"
GOOD = sorted((DATA / "fdr").glob("*.xml"))
BAD = sorted((DATA / "crashers" / "fdr").glob("*"))
CORRENTE = (DATA / "fdr" / "corrente.xml").read_bytes()


def read(data: bytes) -> tuple[Riversamento, list[Riga]]:
    riversamento, righe = read_flusso(io.BytesIO(data))
    return riversamento, list(righe)


def refusal(data: bytes) -> str:
    with pytest.raises(RendicontazioneNonLeggibile) as caught:
        read(data)
    return caught.value.reason


class Long(io.RawIOBase):
    """A document made while it is read: a head, rows without end or up to a number, a tail."""

    def __init__(self, head: bytes, rows: Iterator[bytes], tail: bytes = b"") -> None:
        self._parts = itertools.chain((head,), rows, (tail,))
        self._left = b""
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size:
            part = next(self._parts, b"")
            if not part:
                break
            self._left += part
        data, self._left = self._left[:size], self._left[size:]
        self.given += len(data)
        return data


def pieces(count: int, total: str) -> tuple[bytes, bytes, bytes]:
    """Return head, one row and tail of a flow that declares so many rows and such a total."""
    text = CORRENTE.replace(b"Pagamenti>3<", f"Pagamenti>{count}<".encode()).replace(b">40.01<", f">{total}<".encode())
    opening, closing = b"<pay_i:datiSingoliPagamenti>", b"</pay_i:datiSingoliPagamenti>"
    head, _, rest = text.partition(opening)
    row, _, _ = rest.partition(closing)
    return head, opening + row.replace(b">30.00<", b">0.07<") + closing, b"</pay_i:FlussoRiversamento>"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_flow_reads_as_its_golden_file_says(path):
    expected = json.loads(path.with_name(path.name + ".expected.json").read_text(encoding="utf-8"))

    riversamento, righe = read(path.read_bytes())

    totali = Totali().plus(righe)
    said = {
        "riversamento": dataclasses.asdict(riversamento),
        "psp": riversamento.psp,
        "righe": [dataclasses.asdict(riga) for riga in righe],
        "totali": dataclasses.asdict(totali),
        "somma": totali.somma(riversamento),
        "quadra": totali.quadra(riversamento),
    }
    assert json.loads(json.dumps(said, default=str)) == expected


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_of_a_flow_that_the_contract_accepts_nothing_is_told(path):
    is_valid = not schemi.schema(schemi.FDR).check(parse(path.read_bytes()))

    riversamento, righe = read(path.read_bytes())

    told = [*riversamento.osservazioni, *(sentence for riga in righe for sentence in riga.osservazioni)]
    assert is_valid is not bool(told)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_flow_that_is_not_certain_is_refused_in_italian_without_its_content(path):
    reason = refusal(path.read_bytes())

    assert reason
    assert "passwd" not in reason and "root:" not in reason


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b">30.00<", b">30,00<", "pagamento 1: singoloImportoPagato: importo non leggibile"),
        (b">0.01<", b">0.001<", "pagamento 2: singoloImportoPagato: importo non leggibile"),
        (b">iur-2<", b"><", "pagamento 3: identificativoUnivocoRiscossione: manca o è vuoto"),
        (b">9<", b">x<", "pagamento 3: codiceEsitoSingoloPagamento: attesa una cifra"),
        (b">2026-11-21T10:00:00<", b">ieri<", "testata: dataOraFlusso: data e ora non leggibili"),
        (b"importoTotalePagamenti>", b"importoTotale>", "testata: importoTotalePagamenti: manca o è vuoto"),
        (
            b">G<",
            b">A<",
            "testata, istitutoRicevente, identificativoUnivocoRicevente: tipoIdentificativoUnivoco: atteso G",
        ),
    ],
)
def test_a_refusal_names_row_element_and_rule(old, new, reason):
    assert refusal(CORRENTE.replace(old, new)) == reason


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T10:00:00", "2026-11-21T09:00:00+00:00"),
        ("2026-07-01T10:00:00", "2026-07-01T08:00:00+00:00"),
        ("2026-11-21T10:00:00.5Z", "2026-11-21T10:00:00.500000+00:00"),
        ("2026-11-21T10:00:00-05:00", "2026-11-21T15:00:00+00:00"),
    ],
)
def test_the_instant_of_a_flow_without_an_offset_is_that_of_rome(text, instant):
    riversamento, _ = read(CORRENTE.replace(b"2026-11-21T10:00:00", text.encode()))

    assert riversamento.generato_at.isoformat() == instant


def test_a_flow_in_utf_16_reads_the_same():
    text = CORRENTE.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')

    assert read(text.encode("utf-16")) == read(CORRENTE)


class Drop(io.BytesIO):
    """A source that gives a byte at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


def test_a_source_may_give_a_byte_at_a_time():
    riversamento, righe = read_flusso(Drop(CORRENTE))

    assert (riversamento, list(righe)) == read(CORRENTE)
    with pytest.raises(RendicontazioneNonLeggibile, match="codifica"):
        read_flusso(Drop(CORRENTE.replace(b"UTF-8", b"UTF-7")))


def test_a_revocation_is_taken_away_or_added_and_which_is_recorded():
    net, _ = read((DATA / "fdr" / "revoca.xml").read_bytes())
    gross, righe = read((DATA / "fdr" / "revoca_sommata.xml").read_bytes())

    totali = Totali().plus(righe)

    assert (totali.somma(net), totali.somma(gross)) == (Somma.NETTA, Somma.LORDA)
    assert totali.somma(dataclasses.replace(net, importo_cent=1)) is Somma.NESSUNA


def test_a_count_that_is_not_that_of_the_rows_does_not_agree():
    riversamento, righe = read(CORRENTE)

    assert Totali().plus(righe).quadra(riversamento)
    assert not Totali().plus(righe).quadra(dataclasses.replace(riversamento, righe=4))


def test_totals_are_the_same_in_any_chunks():
    _, righe = read(CORRENTE)

    assert Totali().plus(righe[:1]).plus([]).plus(righe[1:]) == Totali().plus(righe)


def test_a_long_flow_is_exact_to_the_cent_and_its_rows_are_numbered():
    count = 20_000
    head, row, tail = pieces(count, "1400.00")
    riversamento, righe = read_flusso(Long(head, itertools.repeat(row, count), tail))

    totali, last = Totali(), None
    for riga in righe:
        totali, last = totali.plus((riga,)), riga

    assert last is not None and last.numero == count
    assert totali == Totali(count, 140_000, 140_000)
    assert totali.quadra(riversamento)


def test_rows_are_given_before_the_document_has_been_read_and_it_may_still_be_wrong():
    head, row, _ = pieces(20_000, "1400.00")
    source = Long(head, itertools.repeat(row, 20_000))
    _, righe = read_flusso(source)

    next(righe)

    assert source.given < 10 * len(row) + 100_000
    with pytest.raises(RendicontazioneNonLeggibile, match="malformato"):
        list(righe)


@pytest.mark.parametrize(
    "endless",
    [b"<pay_i:datiSingoliPagamenti>", b"<a/>", b"x" * 100, b" " * 100, b"<!-- " + b"x" * 100 + b" -->"],
    ids=["nested rows", "children", "text", "blanks", "comments"],
)
def test_what_never_ends_is_refused_before_it_fills_the_memory(endless):
    head, row, _ = pieces(1, "0.07")
    source = Long(head + row + b"<pay_i:datiSingoliPagamenti>", itertools.repeat(endless))
    _, righe = read_flusso(source)

    with pytest.raises(RendicontazioneNonLeggibile, match="limite|livelli"):
        list(righe)

    assert source.given < LIMITS.child_bytes_max * 3


def test_a_flow_beyond_the_limit_is_refused_though_every_row_is_small():
    head, row, _ = pieces(1, "0.07")
    limits = dataclasses.replace(LIMITS, bytes_max=1_000_000)
    source = Long(head, itertools.repeat(row))
    _, righe = read_flusso(source, limits)

    with pytest.raises(RendicontazioneNonLeggibile, match="1000000 byte"):
        list(righe)

    assert source.given < 1_100_000


def test_strangers_are_told_up_to_a_number():
    strangers = "".join(f"<nuovo{number}/>" for number in range(50)).encode()
    riversamento, _ = read(CORRENTE.replace(b"<pay_i:dataRegolamento>", strangers + b"<pay_i:dataRegolamento>"))

    assert len(riversamento.osservazioni) == OSSERVAZIONI_MAX
    assert riversamento.osservazioni[0] == "elemento nuovo0: non previsto"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    assert refusal(data)


@given(st.integers(0, len(CORRENTE) - 1), st.integers(0, 255))
def test_one_changed_byte_is_read_or_refused(position, byte):
    data = bytearray(CORRENTE)
    data[position] = byte
    try:
        riversamento, righe = read(bytes(data))
    except RendicontazioneNonLeggibile as error:
        assert error.reason
    else:
        assert riversamento.iuf
        assert all(riga.iuv and riga.iur for riga in righe)
