"""The process of a trial, as the server sees it: started with little, read without waiting long, ended in any case."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

from hub.domain.errors import OutOfService
from hub.formats.prova_a_parte import RIFIUTO, Cornici, Domanda, read_rifiuto, render_domanda
from hub.formats.prova_flusso import is_last, render_interrotta
from hub.log import get_logger

# Named, not imported: it is an assembly of its own, of which nothing is loaded here.
_COMMAND = (sys.executable, "-m", "hub.app_prova")
# Five million rows, the most that a flow may have, on a busy machine.
SECONDS_MAX = 1200.0
# A thread waits no longer than this for the next piece: others have long answers too.
_WAIT_S = 0.5
# Of a process that has said all: its connection to the database is closed in order.
_END_S = 2.0
_READ_BYTES = 256 * 1024
# What an interpreter and the libraries of the databases read. No setting of ours: the question says what is needed.
_ENVIRONMENT = frozenset({"PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV"})
_ENVIRONMENT_PREFIXES = ("LC_", "PG", "PYTHON")
_INTERROTTA = "la prova si è interrotta: riprovare fra poco"


class ProvaAParte:
    """One trial in a process of its own. A context manager: at its end the process is gone, whatever it was doing."""

    def __init__(self, domanda: Domanda, seconds_max: float = SECONDS_MAX) -> None:
        """Raises: OutOfService (there is no room for a process)."""
        self._deadline = monotonic() + seconds_max
        self._seconds_max = seconds_max
        self._is_late = self._is_whole = False
        self._cornici = Cornici()
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                pass_fds=(domanda.file,), env=_environment(),
            )  # fmt: skip
        except OSError as error:
            raise OutOfService(_INTERROTTA) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._answer = self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._answer, select.POLLIN)
        # A process that is dead already is noticed where its answer is read.
        with suppress(BrokenPipeError):
            self._process.stdin.write(render_domanda(domanda))

    def __enter__(self) -> ProvaAParte:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process and wait for its end."""
        with self._process:
            if self._is_whole:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_END_S)
            self._process.kill()

    def begin(self) -> bytes:
        """Return the first piece. Raises: FlussoRifiutato, OutOfService (what the process, or its death, says)."""
        while (frame := self._cornici.take()) is None:
            if not self._read():
                raise OutOfService(self._why())
        kind, text = frame
        if kind == RIFIUTO:
            self._is_whole = True
            raise read_rifiuto(text)
        return text

    def rest(self) -> Iterator[bytes]:
        """Give the other pieces; of a process that died or was late, an end that says so.

        While there is none a space, which means nothing between two pieces: one who is gone is noticed by it.
        """
        while not self._is_whole:
            frame = self._cornici.take()
            if frame is not None:
                self._is_whole = is_last(frame[1])
                yield frame[1]
            elif self._read():
                yield b" "
            else:
                return (yield render_interrotta("SERVIZIO_NON_DISPONIBILE", self._why()).encode())

    def _read(self) -> bool:
        """Take what the process has written, or wait a moment for it. False: no more will come."""
        left_s = self._deadline - monotonic()
        if left_s <= 0:
            self._is_late = True
            return False
        if not self._poll.poll(min(left_s, _WAIT_S) * 1000):
            return True
        data = os.read(self._answer, _READ_BYTES)
        self._cornici.add(data)
        return bool(data)

    def _why(self) -> str:
        """Log why there is no more, and return it as the caller is told."""
        if not self._is_late:
            # Its end of the pipe is closed by its end alone.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
        get_logger().error("prova_ended_early", code=self._process.poll())
        if self._is_late:
            return f"la prova supera i {self._seconds_max:.0f} secondi: dividere il flusso"
        return _INTERROTTA


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT or name.startswith(_ENVIRONMENT_PREFIXES)
    }
    # One heap for the few threads of the process: several keep what each has freed.
    return kept | {"MALLOC_ARENA_MAX": "1"}
