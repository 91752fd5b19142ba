"""The archive in a folder: the default, for one machine or for a shared disk."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from hub.domain.archiviato import FileArchiviato
from hub.domain.errors import NotFound, OutOfService, SpazioEsaurito
from hub.domain.percorso import parts_of

_UNFINISHED = ".parte-"
# Written to learn what time it is where the files are: a shared disk has a clock of its own.
_CLOCK = ".orologio"
_PAGE = 500
# Times that a folder may be removed as empty between its making and the first file in it.
_ATTEMPTS = 50


class CartellaArchivio:
    """Files under one root; no path leads out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        target = self._place(path)
        try:
            # Beside its place, so that the last step is a rename: whoever opens it finds all of it or nothing.
            descriptor, unfinished = self._begin(target.parent)
        except OSError as error:
            raise _absent(path, error) from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield cast(BinaryIO, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, target)
            self._sync(target.parent)
        except OSError as error:
            raise _absent(path, error) from error
        finally:
            Path(unfinished).unlink(missing_ok=True)
            self._prune(target.parent)

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        try:
            file = self._place(path).open("rb")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"file {path} assente dall'archivio") from error
        except OSError as error:
            raise _absent(path) from error
        with file:
            yield file

    def size_bytes(self, path: str) -> int | None:
        try:
            return self._place(path).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _absent(path) from error

    def delete(self, path: str) -> None:
        try:
            target = self._place(path)
            target.unlink(missing_ok=True)
            self._prune(target.parent)
        except OSError as error:
            raise _absent(path) from error

    def pages(self, folder: str = "") -> Iterator[Sequence[FileArchiviato]]:
        top = self._place(folder) if folder else self._root
        try:
            now_ns = self._now_ns()
            told = (self._file(entry, now_ns) for entry in _walk(top))
            found = (file for file in told if file is not None)
            while page := list(islice(found, _PAGE)):
                yield page
        except OSError as error:
            raise _absent(folder) from error

    def _now_ns(self) -> int:
        self._root.mkdir(parents=True, exist_ok=True)
        clock = self._root / _CLOCK
        clock.touch()
        return clock.stat().st_mtime_ns

    def _file(self, entry: os.DirEntry[str], now_ns: int) -> FileArchiviato | None:
        """Return what is told of a file; None when it went meanwhile."""
        try:
            stat = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        path = Path(entry.path).relative_to(self._root).as_posix()
        age = timedelta(microseconds=(now_ns - stat.st_mtime_ns) // 1000)
        return FileArchiviato(path, stat.st_size, age, is_incompiuto=entry.name.startswith(_UNFINISHED))

    def _begin(self, folder: Path) -> tuple[int, str]:
        """Open an unfinished file in a folder. Raises: OSError."""
        for attempt in range(_ATTEMPTS):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                return tempfile.mkstemp(prefix=_UNFINISHED, dir=folder)
            except (FileNotFoundError, FileExistsError):
                # Empty, it was removed with the last file in it; or while it was found to be there already.
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    def _prune(self, folder: Path) -> None:
        """Remove a folder that has become empty, and those above it."""
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:
                return  # something is in it, or another removed it
            folder = folder.parent

    def _place(self, path: str) -> Path:
        return self._root.joinpath(*parts_of(path))

    def _sync(self, folder: Path) -> None:
        """Make the new name durable: a rename lives in its folder."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _walk(top: Path) -> Iterator[os.DirEntry[str]]:
    """Give the files under a folder; open are only the folders on the way to the one that is read."""
    try:
        entries = os.scandir(top)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and entry.name != _CLOCK:
                yield entry


def _absent(path: str, error: OSError | None = None) -> OutOfService:
    if error is not None and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SpazioEsaurito(f"l'archivio dei file non ha più spazio: {path}")
    return OutOfService(f"l'archivio dei file non risponde o è pieno: {path}")
