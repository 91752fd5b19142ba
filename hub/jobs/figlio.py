"""A process of the worker's own, started again when it dies; it ends when the worker does, whatever the way."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Sequence

from hub import misure
from hub.log import get_logger
from hub.misure import FIGLI_MORTI

_AGAIN_AFTER_S = 1.0
# A piece of work is a second or two; who needs longer is taken up again where it stood. Less than the worker has.
_STOP_S = 8.0
# One heap for all threads of the process, which take turns anyway: several keep what each has freed.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}


class Figlio(threading.Thread):
    """Keeps `command` running until `stop`. The process reads its standard input: the end of it is the worker's end."""

    def __init__(self, command: Sequence[str], stop: threading.Event) -> None:
        super().__init__(name="figlio")
        self._command = command
        self._stop_asked = stop

    def run(self) -> None:
        while not self._stop_asked.is_set():
            with subprocess.Popen(self._command, stdin=subprocess.PIPE, env=os.environ | _ENVIRONMENT) as process:
                while process.poll() is None and not self._stop_asked.wait(_AGAIN_AFTER_S):
                    pass
                if self._stop_asked.is_set():
                    self._end(process)
                else:
                    misure.count(FIGLI_MORTI)
                    get_logger().error("child_died", code=process.returncode)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            get_logger().warning("child_killed")
            process.kill()


def when_parent_ends(act: Callable[[], object]) -> None:
    """In the process: call `act`, in a thread, when whoever started it is gone."""

    def watch() -> None:
        # The descriptor itself: a lock of Python's file would be held when the interpreter ends.
        while os.read(0, 4096):
            pass
        act()

    threading.Thread(target=watch, name="parent", daemon=True).start()
