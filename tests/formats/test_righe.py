"""Rows of a file: line ends, marks, quotes, and files made to hurt. A bad row costs no other row.

Source: flows, 2.1; issue 4, bad input.
"""

from __future__ import annotations

import io
import tracemalloc

import pytest

from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.errors import FlussoRifiutato
from hub.domain.scarto import ILLEGGIBILE, SINTASSI
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import LimitiRighe, Riga, read_righe, split
from tests.tracciati import make_campi, make_csv, rows

SMALL = LimitiRighe(bytes_max=4096, rows_max=3, line_bytes_max=100)


class Drops(io.RawIOBase):
    """A stream that gives a few bytes at a time, wherever that cuts."""

    def __init__(self, data: bytes, step: int) -> None:
        self._rest, self._step = data, step

    def read(self, size: int = -1, /) -> bytes:
        step = min(size, self._step)
        found, self._rest = self._rest[:step], self._rest[step:]
        return found


def texts(data: bytes, step: int = 1 << 20) -> list[tuple[int, int, str]]:
    return [(riga.numero, riga.linea, riga.testo) for riga in read_righe(Drops(data, step))]


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_one_wherever_the_stream_is_cut(end: str, step: int) -> None:
    data = end.join(["testa", "", "a;é", "  ", "b", "c"]).encode()
    wanted = [(0, 1, "testa"), (1, 3, "a;é"), (2, 5, "b"), (3, 6, "c")]

    assert texts(data, step) == wanted
    assert texts(data + end.encode(), step) == wanted


def test_letters_that_other_readers_take_for_line_ends_are_letters() -> None:
    assert texts("testa\na\x0bb\x0cc\x85d\u2028e\n".encode())[1] == (1, 2, "a\x0bb\x0cc\x85d\u2028e")


def test_a_byte_order_mark_is_dropped() -> None:
    assert texts(b"\xef\xbb\xbftesta\na\n") == [(0, 1, "testa"), (1, 2, "a")]


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf16_is_refused_with_what_to_do(mark: bytes) -> None:
    with pytest.raises(FlussoRifiutato, match="UTF-16: salvarlo in UTF-8"):
        texts(mark + "testa\n".encode("utf-16-le"))


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n  \n"])
def test_a_file_without_even_a_header_is_refused(data: bytes) -> None:
    with pytest.raises(FlussoRifiutato, match="vuoto"):
        texts(data)


@pytest.mark.parametrize("step", [7, 1 << 20])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_wrong_byte_is_named_and_costs_its_row_only(bom: bytes, step: int) -> None:
    data = bom + b"testa\nbuona\ncitt\xe0 di\nbuona\n"

    righe = list(read_righe(Drops(data, step)))

    assert [riga.numero for riga in righe if riga.difetto] == [2]
    assert f"il byte {data.index(0xE0) + 1} del file (linea 3, valore 0xe0) non è UTF-8" in righe[2].difetto
    assert righe[3] == Riga(3, 4, "buona")


def test_a_null_character_is_named_and_costs_its_row_only() -> None:
    righe = list(read_righe(io.BytesIO(b"testa\na\nb\0c\nd\n")))

    assert "linea 3 contiene il carattere nullo (byte 10 del file)" in righe[2].difetto
    assert [(riga.testo, riga.difetto) for riga in (righe[1], righe[3])] == [("a", ""), ("d", "")]


def test_a_header_that_cannot_be_read_costs_nothing() -> None:
    assert list(read_righe(io.BytesIO(b"\xe0\0\nbuona\n")))[0].difetto == ""


def test_a_field_of_8_mib_costs_its_row_only_and_no_memory() -> None:
    long = make_campi(causaleVersamento="x" * 8 * 1024 * 1024)
    stream = io.BytesIO(make_csv(make_campi(), long, make_campi(IUD="dopo")))
    tracemalloc.start()

    found = [VERSIONI["1_3"].read_riga(riga) for riga in read_righe(stream)][1:]
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert isinstance(found[0], DovutoImportato) and isinstance(found[2], DovutoImportato)
    assert not isinstance(found[1], DovutoImportato)
    assert (found[1][0].codice, found[1][0].messaggio) == (SINTASSI, ILLEGGIBILE)
    assert "linea 3 supera 65536 byte" in found[1][0].rimedio
    assert peak < 1024 * 1024


def test_after_a_line_too_long_bytes_are_still_counted_right() -> None:
    data = b"testa\n" + b"x" * 300_000 + b"\nciao\xe0\n"

    righe = list(read_righe(io.BytesIO(data)))

    assert f"il byte {len(data) - 1} del file (linea 3" in righe[2].difetto


def test_a_file_beyond_its_limits_is_refused() -> None:
    with pytest.raises(FlussoRifiutato, match="più di 3 righe"):
        list(read_righe(io.BytesIO(b"testa\n" + b"a\n" * 4), SMALL))
    with pytest.raises(FlussoRifiutato, match="supera 4096 byte"):
        list(read_righe(io.BytesIO(b"testa\n" + b"a" * 5000), SMALL))


def test_a_long_file_is_read_in_constant_memory() -> None:
    line = (next(rows(1)) + "\n").encode()

    class Endless(io.RawIOBase):
        left = 20_000

        def read(self, size: int = -1, /) -> bytes:
            self.left -= 200
            return line * 200 if self.left >= 0 else b""

    tracemalloc.start()
    count = sum(isinstance(VERSIONI["1_3"].read_riga(riga), DovutoImportato) for riga in read_righe(Endless()))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 20_000 and peak < 1024 * 1024


@pytest.mark.parametrize(
    ("testo", "fields"),
    [
        ("a;b", ["a", "b"]),
        ('"a;b";c', ["a;b", "c"]),
        ('"a ""b"" c";d', ['a "b" c', "d"]),
        ('"a \\"b\\" c";d', ['a "b" c', "d"]),
        ('Ditta "X" srl;d', ['Ditta "X" srl', "d"]),
        (' "a;b" ;"c" ', ["a;b", "c"]),
        ('"";"a"', ["", "a"]),
        ('"via roma\\";"x"', ["via roma\\", "x"]),
        ('"a\\""/;b";c', ['a\\"/;b', "c"]),
        ('"a\\"";b";c', ['a\\";b', "c"]),
        ('"a \\"b\\";c";d', ['a "b";c', "d"]),
        ('"a";', ["a", ""]),
        (';"a"', ["", "a"]),
        ('"=cmd|calc"', ["=cmd|calc"]),
    ],
)
def test_fields_are_taken_out_of_their_quotes(testo: str, fields: list[str]) -> None:
    assert split(testo) == fields


@pytest.mark.parametrize(("testo", "column"), [('"a;b', 1), ('a;"b', 2), ('a;"b"c;d', 2), ('"', 1), ('a;"""', 2)])
def test_quotes_left_open_are_refused_by_column(testo: str, column: int) -> None:
    with pytest.raises(ValueError, match=f"nella colonna {column}"):
        split(testo)


def test_a_row_of_nothing_but_quotes_is_refused_quickly() -> None:
    with pytest.raises(ValueError, match="colonna 1"):
        split('"' * 65_535)


def test_quotes_left_open_do_not_reach_the_next_row() -> None:
    data = make_csv(make_campi(), '"' + ";".join(make_campi()), make_campi(IUD="dopo"))

    found = [VERSIONI["1_3"].read_riga(riga) for riga in read_righe(io.BytesIO(data))][1:]

    assert [isinstance(one, DovutoImportato) for one in found] == [True, False, True]
