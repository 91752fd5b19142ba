"""The archive in a folder: the default, for one machine or for a shared disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from hub.domain.errors import NotFound, OutOfService
from hub.domain.percorso import parts_of

_UNFINISHED = ".parte-"


class CartellaArchivio:
    """Files under one root; no path leads out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        target = self._place(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Beside its place, so that the last step is a rename: whoever opens it finds all of it or nothing.
            descriptor, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=target.parent)
        except OSError as error:
            raise _absent(path) from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield cast(BinaryIO, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, target)
            self._sync(target.parent)
        except OSError as error:
            raise _absent(path) from error
        finally:
            Path(unfinished).unlink(missing_ok=True)

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
            self._place(path).unlink(missing_ok=True)
        except OSError as error:
            raise _absent(path) from error

    def _place(self, path: str) -> Path:
        return self._root.joinpath(*parts_of(path))

    def _sync(self, folder: Path) -> None:
        """Make the new name durable: a rename lives in its folder."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _absent(path: str) -> OutOfService:
    return OutOfService(f"l'archivio dei file non risponde o è pieno: {path}")
