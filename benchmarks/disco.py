"""The floor of what must be durable: how long the disk alone takes for a page, while something else is measured."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAGE = b"\0" * 8192
# Pages of the file, written in turn.
_PAGES = 128
_EVERY_S = 0.2


class Disco:
    """Pages written and made durable, one every fifth of a second; `waits_ms`: how long each took."""

    def __init__(self, folder: Path) -> None:
        self.waits_ms: list[float] = []
        self._path = folder / "disco.tmp"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    @property
    def words(self) -> str:
        ordered = sorted(self.waits_ms)
        p50, p98, most = (ordered[min(len(ordered) - 1, int(len(ordered) * at))] for at in (0.5, 0.98, 1))
        return f"il disco da solo, una pagina: p50 {p50:.1f} ms, p98 {p98:.0f} ms, max {most:.0f} ms"

    @contextmanager
    def watched(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _write(self) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT)
        try:
            os.pwrite(file, _PAGE * _PAGES, 0)
            os.fsync(file)
            while not self._stop.wait(_EVERY_S):
                started = time.perf_counter()
                os.pwrite(file, _PAGE, len(self.waits_ms) % _PAGES * len(_PAGE))
                os.fdatasync(file)
                self.waits_ms.append((time.perf_counter() - started) * 1000)
        finally:
            os.close(file)
            self._path.unlink()
