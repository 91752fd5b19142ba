"""The ZIP of a flow: checked whole before a byte of it is used, read as a stream.

Source: flows, 1.2 and 1.3; defect 8 (12). The directory is looked at before the library reads it: it may say anything.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO

from hub.domain.errors import FlussoRifiutato
from hub.domain.flussi import NomeFlusso
from hub.formats.tracciati.righe import LIMITI as RIGHE
from hub.formats.tracciati.righe import Leggibile

_END = b"PK\x05\x06"
_END_LENGTH = 22
_ZIP64_LOCATOR = b"PK\x06\x07"
_COMMENT_MAX = 65_535
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCAL = b"PK\x03\x04"
_BLOCK = 1024 * 1024
# What the library says of an archive whose directory points where nothing is, or whose heads are no heads.
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error)
_BROKEN = "lo zip è rovinato: ricrearlo e mandarlo di nuovo"
_TOO_LARGE = "il csv dentro lo zip è troppo grande, o compresso oltre il verosimile: dividere il flusso"
_LIES = "lo zip è rovinato, o mente sulla dimensione del csv: ricrearlo"
# What the older clients left beside the csv: taken, not looked at.
_SIDE_CARS = (".md5", ".auth")


@dataclass(frozen=True, slots=True)
class LimitiZip:
    """What an archive may be. Deflate cannot pass 1032 to 1; rows that repeat themselves come to 60 or so."""

    bytes_max: int = 1024**3  # an ente's own limit is the door's to judge, before
    expanded_bytes_max: int = 4 * 1024**3
    ratio_max: int = 250
    entries_max: int = 4
    directory_bytes_max: int = 4096


LIMITI = LimitiZip()


@contextmanager
def open_csv(archivio: BinaryIO, nome: NomeFlusso, limiti: LimitiZip = LIMITI) -> Iterator[CsvNelloZip]:
    """Give the csv of the flow as a stream that never gives more bytes than the directory promised.

    Raises: FlussoRifiutato: `PAA_IMPORT_NO_CSV` when it is not there, `PAA_IMPORT_ERROR` for all the rest.
    """
    with _opened(archivio, limiti) as opened:
        entry = _find_csv(opened.infolist(), nome)
        with _entry(opened, entry) as csv:
            yield csv


@contextmanager
def open_flusso(file: BinaryIO, nome_file: str, nome: NomeFlusso) -> Iterator[tuple[Leggibile, int]]:
    """Give the csv of a flow that comes bare or in its zip, and how many bytes it has. Raises: FlussoRifiutato."""
    if nome_file.lower().endswith(".csv"):
        size_bytes = file.seek(0, 2)
        file.seek(0)
        yield file, size_bytes
        return
    with open_csv(file, nome) as csv:
        yield csv, csv.size_bytes


def check_upload(archivio: BinaryIO, base: str, limiti: LimitiZip = LIMITI) -> None:
    """Look at the whole of an archive that somebody brings, every byte of it expanded, bytes and lines counted.

    `base`: the archive's name without its ending, with which each entry's begins; whether they are the three parts of a
    flow's name, and whether the csv is there, is not asked. Raises: FlussoRifiutato (`PAA_IMPORT_ERROR`).
    Source: flows, 1.2, check 2.
    """
    with _opened(archivio, limiti) as opened:
        for entry in opened.infolist():
            name = entry.filename
            if not name.startswith(f"{base}."):
                raise _refused(f"lo zip contiene {name[:120]!r}: i nomi dentro devono iniziare con {base[:120]}.")
            with _entry(opened, entry) as content:
                # What begins like an archive is one, whatever its name.
                if content.read(len(_LOCAL)) == _LOCAL or name.lower().endswith(".zip"):
                    raise _refused(f"lo zip contiene un altro zip, {name[:120]!r}: mettere il csv così com'è")
                lines = 0
                while block := content.read(_BLOCK):
                    lines += max(block.count(b"\n"), block.count(b"\r"))
                    if lines > RIGHE.rows_max:
                        raise _refused(f"il file ha più di {RIGHE.rows_max} righe: dividerlo in più flussi")


@contextmanager
def _opened(archivio: BinaryIO, limiti: LimitiZip) -> Iterator[zipfile.ZipFile]:
    """Give an archive whose directory can be trusted as far as it goes."""
    _check_directory(archivio, limiti)
    try:
        opened = zipfile.ZipFile(archivio)
    except _UNREADABLE as error:
        raise _refused(_BROKEN) from error
    with opened:
        _check_entries(opened.infolist(), limiti)
        yield opened


@contextmanager
def _entry(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[CsvNelloZip]:
    try:
        content = opened.open(entry)
    except _UNREADABLE as error:
        raise _refused(_BROKEN) from error
    with content:
        yield CsvNelloZip(content, entry.file_size)


class CsvNelloZip:
    """The csv: what the library says of a broken archive becomes a refusal, at the read where it shows."""

    def __init__(self, csv: IO[bytes], size_bytes: int) -> None:
        self._csv = csv
        self.size_bytes = self._left_bytes = size_bytes

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._csv.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise _refused(_LIES) from error
        self._left_bytes -= len(data)
        if size and not data and self._left_bytes:
            raise _refused(_LIES)
        return data


def _check_directory(archivio: BinaryIO, limiti: LimitiZip) -> None:
    size = archivio.seek(0, 2)
    if size > limiti.bytes_max:
        raise _refused(f"lo zip supera {limiti.bytes_max} byte: dividere il flusso")
    archivio.seek(max(0, size - _COMMENT_MAX - _END_LENGTH - 20))
    tail = archivio.read()
    archivio.seek(0)
    start = tail.rfind(_END)
    if start < 0 or len(tail) - start < _END_LENGTH:
        raise _refused("il file non è uno zip")
    entries = int.from_bytes(tail[start + 10 : start + 12], "little")
    directory_bytes = int.from_bytes(tail[start + 12 : start + 16], "little")
    if tail[max(0, start - 20) : start].startswith(_ZIP64_LOCATOR):
        raise _refused("lo zip è nel formato zip64, che a un flusso non serve: ricrearlo")
    if entries > limiti.entries_max or directory_bytes > limiti.directory_bytes_max:
        raise _refused(f"lo zip ha più di {limiti.entries_max} file: deve contenere un solo csv")


def _check_entries(entries: list[zipfile.ZipInfo], limiti: LimitiZip) -> None:
    names = [entry.orig_filename for entry in entries]
    if len(entries) > limiti.entries_max or len({name.lower() for name in names}) < len(names):
        raise _refused("lo zip contiene due volte lo stesso nome, o troppi file: deve contenere un solo csv")
    for entry, name in zip(entries, names, strict=True):
        if name != entry.filename or set(name) & set("/\\:\0") or not name.isprintable():
            raise _refused("lo zip contiene un nome con un percorso: i file devono stare in cima, senza cartelle")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _refused(f"lo zip contiene {name[:120]!r} che non è un file: un collegamento, o altro")
        if entry.flag_bits & _ENCRYPTED:
            raise _refused("lo zip è cifrato: crearlo senza password")
        if entry.compress_type not in _METHODS:
            raise _refused("lo zip usa una compressione non gestita: ammesse deflate e nessuna")
        if entry.file_size // max(entry.compress_size, 1) > limiti.ratio_max:
            raise _refused(_TOO_LARGE)
    if sum(entry.file_size for entry in entries) > limiti.expanded_bytes_max:
        raise _refused(_TOO_LARGE)


def _find_csv(entries: list[zipfile.ZipInfo], nome: NomeFlusso) -> zipfile.ZipInfo:
    for entry in entries:
        name = entry.filename
        if not name.startswith(f"{nome.base}.") or not name.lower().endswith((".csv", *_SIDE_CARS)):
            raise FlussoRifiutato(
                "PAA_IMPORT_NO_CSV", f"lo zip contiene {name[:120]!r}: atteso soltanto {nome.base}.csv"
            )
    found = [entry for entry in entries if entry.filename.lower() == f"{nome.base}.csv".lower()]
    if not found:
        raise FlussoRifiutato("PAA_IMPORT_NO_CSV", f"nello zip manca {nome.base}.csv")
    return found[0]


def _refused(message: str) -> FlussoRifiutato:
    return FlussoRifiutato("PAA_IMPORT_ERROR", message)
