"""The archive of many small files, read back by the standard library and, where there is one, by another reader."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from hub.formats.zip_avvisi import ScrittoreZip, pack_entry, read_entries


def make_zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with ScrittoreZip(out) as archive:
        for nome, data in files.items():
            archive.add(pack_entry(nome, data))
    return out.getvalue()


def test_what_is_written_is_read_back_in_order() -> None:
    files = {"b.pdf": b"%PDF" * 1000, "a.pdf": b"", "c.pdf": bytes(range(256))}

    with zipfile.ZipFile(io.BytesIO(make_zip(files))) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == files
        assert archive.namelist() == list(files)
        looks = {(info.date_time, info.external_attr >> 16, info.compress_type) for info in archive.infolist()}
        assert looks == {((1980, 1, 1, 0, 0, 0), 0o100644, zipfile.ZIP_DEFLATED)}


def test_equal_files_give_equal_bytes() -> None:
    files = {"a.pdf": b"x" * 5000, "b.pdf": b"y"}

    assert make_zip(files) == make_zip(files)


def test_entries_are_copied_as_they_are() -> None:
    entries = [pack_entry(f"{number}.pdf", b"x" * number) for number in range(50)]

    assert list(read_entries(io.BytesIO(b"".join(entries)))) == entries


@pytest.mark.parametrize("cut", [1, 29, 31, 60])
def test_a_cut_part_is_told(cut: int) -> None:
    part = io.BytesIO((pack_entry("a.pdf", b"x" * 500) * 2)[:-cut])

    with pytest.raises(ValueError, match="cut|sequence"):
        list(read_entries(part))


def test_more_files_than_the_old_format_counts() -> None:
    entry = b"x"
    out = io.BytesIO()
    with ScrittoreZip(out) as archive:
        for number in range(70_000):
            archive.add(pack_entry(f"avviso_{number:017d}.pdf", entry))

    with zipfile.ZipFile(out) as archive_read:
        names = archive_read.namelist()
        assert (len(names), names[0], names[-1]) == (70_000, f"avviso_{0:017d}.pdf", f"avviso_{69_999:017d}.pdf")
        assert archive_read.read(names[-1]) == b"x"


class _Sparse(io.RawIOBase):
    """A file of which the first bytes are holes: it takes what is written after them."""

    def __init__(self, path: Path, hole: int) -> None:
        self._file = path.open("wb")
        self._file.seek(hole)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()


def test_entries_beyond_four_gigabytes_are_found(tmp_path: Path) -> None:
    path = tmp_path / "grande.zip"
    out = _Sparse(path, 4 * 1024**3 + 10)
    with ScrittoreZip(out) as archive:  # type: ignore[arg-type]
        archive._offset = 4 * 1024**3 + 10
        archive.add(pack_entry("lontano.pdf", b"lontano"))
        archive.add(pack_entry("oltre.pdf", b"oltre"))
    out.close()

    with zipfile.ZipFile(path) as archive_read:
        assert archive_read.testzip() is None
        assert [archive_read.read(name) for name in archive_read.namelist()] == [b"lontano", b"oltre"]


def test_a_block_that_ends_badly_leaves_no_directory() -> None:
    out = io.BytesIO()
    with pytest.raises(RuntimeError), ScrittoreZip(out) as archive:
        archive.add(pack_entry("a.pdf", b"x"))
        raise RuntimeError

    assert not zipfile.is_zipfile(out)


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_another_reader_finds_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "avvisi.zip"
    path.write_bytes(make_zip({f"avviso_{number}.pdf": b"%PDF" * number for number in range(20)}))

    run = subprocess.run(["unzip", "-t", path], capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stdout + run.stderr
