"""The ZIP of a flow: what is read out of it, and every archive that is refused before a byte is used.

Source: flows, 1.2; issue 4, bad input.
"""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from hub.domain.errors import FlussoRifiutato
from hub.domain.flussi import NomeFlusso
from hub.formats.zip_flusso import LimitiZip, open_csv
from tests.tracciati import make_campi, make_csv, make_zip

NOME = NomeFlusso("C_PROVA", "F1", "1_3")
CSV = "C_PROVA-F1-1_3.csv"
DATA = make_csv(make_campi())


def read(archivio: io.BytesIO, limiti: LimitiZip | None = None) -> bytes:
    with open_csv(archivio, NOME, limiti or LimitiZip()) as csv:
        return b"".join(iter(lambda: csv.read(1000), b""))


def refusal(archivio: io.BytesIO, limiti: LimitiZip | None = None) -> tuple[str, str]:
    with pytest.raises(FlussoRifiutato) as caught:
        read(archivio, limiti)
    return caught.value.stato, str(caught.value)


def patched(archivio: io.BytesIO, offset: int, value: bytes, signature: bytes = b"PK\x01\x02") -> io.BytesIO:
    """The archive with bytes of its first header of that kind changed."""
    data = bytearray(archivio.getvalue())
    start = data.index(signature) + offset
    data[start : start + len(value)] = value
    return io.BytesIO(bytes(data))


def test_the_csv_is_read_with_or_without_what_older_clients_left_beside_it() -> None:
    assert read(make_zip([(CSV, DATA)])) == DATA
    assert read(make_zip([("C_PROVA-F1-1_3.md5", b"x"), ("C_PROVA-F1-1_3.CSV", DATA)])) == DATA


@pytest.mark.parametrize("name", ["altro.csv", "C_PROVA-F1-1_3.zip", "C_PROVA-F1-1_3.exe", "C_PROVA-F1-1_31.csv"])
def test_another_name_is_refused(name: str) -> None:
    stato, message = refusal(make_zip([(name, DATA)]))

    assert stato == "PAA_IMPORT_NO_CSV" and name in message


def test_an_archive_without_csv_is_refused() -> None:
    assert refusal(make_zip([("C_PROVA-F1-1_3.md5", b"x")]))[0] == "PAA_IMPORT_NO_CSV"
    assert refusal(make_zip([]))[0] == "PAA_IMPORT_NO_CSV"


@pytest.mark.parametrize(
    "name", [f"../{CSV}", f"/tmp/{CSV}", f"a/{CSV}", f"..\\{CSV}", f"C:{CSV}", "C_PROVA-F1-1_3.a\n.csv"]
)
def test_a_path_is_refused(name: str) -> None:
    stato, message = refusal(make_zip([(name, DATA)]))

    assert stato == "PAA_IMPORT_ERROR" and "percorso" in message


def test_a_name_cut_by_a_null_character_is_refused() -> None:
    hidden = CSV.replace(".csv", "\0csv")
    data = make_zip([(CSV, DATA)]).getvalue().replace(CSV.encode(), hidden.encode())

    assert "percorso" in refusal(io.BytesIO(data))[1]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused_in_any_case_of_its_letters() -> None:
    assert "due volte" in refusal(make_zip([(CSV, DATA), (CSV, DATA)]))[1]
    assert "due volte" in refusal(make_zip([(CSV, DATA), (CSV.lower(), DATA)]))[1]


def test_too_many_entries_are_refused_before_the_directory_is_read() -> None:
    many = make_zip([(f"C_PROVA-F1-1_3.{number}.csv", b"") for number in range(5)])

    assert "più di 4 file" in refusal(many)[1]


@pytest.mark.parametrize("flag", [b"\x01\x00", b"\x40\x00", b"\x00\x20"])
def test_an_encrypted_archive_is_refused(flag: bytes) -> None:
    assert "cifrato" in refusal(patched(make_zip([(CSV, DATA)]), 8, flag))[1]


def test_another_compression_is_refused() -> None:
    archivio = io.BytesIO()
    with zipfile.ZipFile(archivio, "w", zipfile.ZIP_LZMA) as opened:
        opened.writestr(CSV, DATA)

    assert "compressione" in refusal(archivio)[1]


def test_a_bomb_is_refused_by_its_ratio_and_by_its_size() -> None:
    bomb = make_zip([(CSV, b"\0" * 2_000_000)])

    assert "verosimile" in refusal(bomb)[1]
    assert "troppo grande" in refusal(make_zip([(CSV, DATA * 10)]), LimitiZip(expanded_bytes_max=1000))[1]
    assert "supera 100 byte" in refusal(make_zip([(CSV, DATA)]), LimitiZip(bytes_max=100))[1]


@pytest.mark.parametrize("size", [10, len(DATA) * 20])
def test_a_size_that_lies_is_refused(size: int) -> None:
    """A bomb that calls itself small is cut at the size it gave and its checksum does not fit."""
    assert "mente sulla dimensione" in refusal(patched(make_zip([(CSV, DATA)]), 24, struct.pack("<I", size)))[1]


def test_a_broken_archive_is_refused() -> None:
    good = make_zip([(CSV, DATA)]).getvalue()

    assert "non è uno zip" in refusal(io.BytesIO(b""))[1]
    assert "non è uno zip" in refusal(io.BytesIO(good[:-30]))[1]
    assert "rovinato" in refusal(patched(io.BytesIO(good), 0, b"XX"))[1]
    assert "rovinato" in refusal(patched(io.BytesIO(good), 60, b"\xff" * 20, b"PK\x03\x04"))[1]
    assert "rovinato" in refusal(patched(io.BytesIO(good), 26, b"\xff\xff", b"PK\x03\x04"))[1]


def test_zip64_which_can_say_other_sizes_is_refused() -> None:
    good = make_zip([(CSV, DATA)]).getvalue()
    end = good.rindex(b"PK\x05\x06")
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1)

    assert "zip64" in refusal(io.BytesIO(good[:end] + locator + good[end:]))[1]
