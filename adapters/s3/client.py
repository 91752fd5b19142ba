"""The archive in a bucket of an S3-compatible store, for several machines.

What is written is laid down on this machine first and sent when it is whole: an object appears at once or not at all.
What is read is fetched in pieces onto this machine before the first byte is given, so that a line that breaks is told
when a file is opened, and seeking costs nothing. Memory holds a few pieces, whatever the file.
Source: Amazon S3, API reference (PutObject, multipart upload, GetObject with Range and If-Match).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, cast

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from hub.domain.archiviato import FileArchiviato
from hub.domain.errors import NotFound, OutOfService
from hub.domain.percorso import parts_of

# The library raises the first; its own name for it was the second.
_GONE = (FileNotFoundError, NotFoundError)
_FAILED = (BaseError, OSError)
# The smallest that the store takes as a part of a bigger object; ten thousand of them are 50 GB.
_PART_BYTES = 5 * 1024 * 1024
_PARTS_AT_ONCE = 3
_IN_MEMORY_BYTES = 1024 * 1024
_CONNECT = timedelta(seconds=5)
# Written to learn what time it is in the store.
_CLOCK = ".orologio"
# The most that the store gives at once.
_PAGE = 1000
# For one piece to go or come.
_TRANSFER = timedelta(seconds=60)
# Whoever waits for a file is a caller or a job that comes again.
_RETRIES = 3
_RETRY_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class S3Settings:
    """`endpoint` None: Amazon's own of the region; otherwise the store's address, with the bucket in the path."""

    bucket: str
    endpoint: str | None
    region: str
    access_key: str
    secret_key: str = field(repr=False)


class S3Archivio:
    """Files as objects of one bucket, their paths as keys. Safe to share between threads."""

    def __init__(self, settings: S3Settings, folder: Path | None = None) -> None:
        """`folder`: for files on their way, a disk rather than memory; None: the system's own. Nothing is connected."""
        self._folder = None if folder is None else str(folder)
        endpoint = {} if settings.endpoint is None else {"endpoint": settings.endpoint}
        self._store = S3Store(
            settings.bucket,
            region=settings.region,
            access_key_id=settings.access_key,
            secret_access_key=settings.secret_key,
            # Not every store has the call that deletes many.
            disable_bulk_delete=True,
            client_options={
                "connect_timeout": _CONNECT,
                "timeout": _TRANSFER,
                "allow_http": (settings.endpoint or "").startswith("http://"),
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR},
            **endpoint,  # type: ignore[arg-type]
        )

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        key = _key(path)
        try:
            with self._room() as file:
                yield file
                file.seek(0)
                obstore.put(self._store, key, file, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)
        except _FAILED as error:
            raise _absent(path) from error

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        key = _key(path)
        try:
            file = self._fetch(key)
        except _GONE as error:
            raise NotFound(f"file {path} assente dall'archivio") from error
        except _FAILED as error:
            raise _absent(path) from error
        with file:
            yield file

    def size_bytes(self, path: str) -> int | None:
        try:
            return int(obstore.head(self._store, _key(path))["size"])
        except _GONE:
            return None
        except _FAILED as error:
            raise _absent(path) from error

    def delete(self, path: str) -> None:
        try:
            obstore.delete(self._store, _key(path))
        except _GONE:
            pass
        except _FAILED as error:
            raise _absent(path) from error

    def pages(self, folder: str = "") -> Iterator[Sequence[FileArchiviato]]:
        try:
            obstore.put(self._store, _CLOCK, b"")
            now = obstore.head(self._store, _CLOCK)["last_modified"]
            for page in obstore.list(self._store, _key(folder) if folder else None, chunk_size=_PAGE):
                yield [
                    FileArchiviato(one["path"], int(one["size"]), now - one["last_modified"])
                    for one in page
                    if one["path"] != _CLOCK
                ]
        except _FAILED as error:
            raise _absent(folder) from error

    def _fetch(self, key: str) -> BinaryIO:
        """Return a copy of an object, from its first byte.

        Raises: FileNotFoundError, BaseError (also when another took its place meanwhile), OSError (no room here).
        """
        about = obstore.head(self._store, key)
        size, tag = int(about["size"]), about.get("e_tag")
        file = self._room()
        try:
            for start in range(0, size, _PART_BYTES):
                span = (start, min(start + _PART_BYTES, size))
                # Of one and the same object: pieces of two would make a third.
                piece = obstore.get(self._store, key, options={"range": span, "if_match": tag}).bytes()
                file.write(memoryview(piece))
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _room(self) -> BinaryIO:
        return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=self._folder))


def _key(path: str) -> str:
    return "/".join(parts_of(path))


def _absent(path: str) -> OutOfService:
    return OutOfService(f"l'archivio dei file non risponde o è pieno: {path}")
