"""What a process tells systemd of itself: that it is ready, that it still works, that it stops.

Without NOTIFY_SOCKET in the environment nothing is told. Source: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping

from hub.log import get_logger

# Told so many times in the time after which silence is taken for death.
_TIMES = 3
# Where nobody counts the time, and before the process is ready.
_LOOK_S = 1.0


class Notifica:
    """Speaks to systemd, or to nobody."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._path = env.get("NOTIFY_SOCKET", "")
        # The time may be meant for another process of the same environment.
        is_ours = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = env.get("WATCHDOG_USEC", "") if is_ours else ""
        self._every_s = int(usec) / 1_000_000 / _TIMES if usec.isdigit() and int(usec) else None

    def tell(self, state: str) -> None:
        """Send a state: READY=1, WATCHDOG=1, STOPPING=1. What cannot be sent stops nobody."""
        if not self._path:
            return
        # A name that begins with @ is in the abstract namespace.
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(state.encode(), address)
        except OSError as error:
            get_logger().warning("systemd_not_told", state=state, error=type(error).__name__)

    def follow(self, works: Callable[[], bool], stop: threading.Event) -> None:
        """Tell READY=1 when the process works, then WATCHDOG=1 as long as it does; return when it is to stop.

        `works`: asked a few times in the time that systemd waits; while it says no, nothing is told.
        """
        is_ready = False
        while not stop.wait(_LOOK_S if not is_ready else self._every_s):
            if not works():
                continue
            self.tell("WATCHDOG=1" if is_ready else "READY=1")
            is_ready = True

    def follow_aside(self, works: Callable[[], bool], stop: threading.Event) -> None:
        """Do so in a thread of its own; where there is no systemd there is none."""
        if self._path:
            threading.Thread(target=self.follow, args=(works, stop), name="systemd", daemon=True).start()

