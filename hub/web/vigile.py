"""Ends the connections that hold a place and do nothing: the kernel is asked about each, the server is told nothing.

The server of the first port (granian 2) waits without end for the first byte of a connection, and for a client to take
its answer; and it does not know whose its connections are. What is found here is shut, and the server sees a client
that went away. Linux only. Source: tcp(7), TCP_INFO; RFC 9112, 9.8 and 12.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from hub.log import get_logger

# Between two looks; of a thousand connections one takes some ten milliseconds, and looks are a twentieth of the time.
_LOOK_EVERY_S = 1.0
_LOOK_PART = 20
# For the first byte to arrive; the rest of the head has its own time in the server.
_FIRST_BYTE_MS = 10_000
# For a client to take the next bytes of its answer; as long as a block of a file is waited for.
_TAKE_MS = 60_000
# From so many quarters of all the places on, one address has at most one of them.
_CROWDED_QUARTERS = 3
_PLACES = 4

_OUTQ = 0x5411  # TIOCOUTQ: bytes that were sent and not yet taken
_INFO_BYTES = 136
_LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Collegamento:
    """What the kernel says of one connection; times in milliseconds, since the last byte of each direction."""

    source: str
    number: int
    sent_ms: int
    received_ms: int
    received_bytes: int
    waiting_bytes: int

    def problem(self) -> str | None:
        """Return why this connection is to be ended, whatever else is going on; None: it is not."""
        if self.received_bytes == 0 and self.received_ms > _FIRST_BYTE_MS:
            return "muta"
        if self.waiting_bytes and self.sent_ms > _TAKE_MS:
            return "ferma"
        return None


def too_many(found: Iterable[Collegamento], places: int, exempt: Collection[str]) -> list[Collegamento]:
    """Return the connections of addresses that have more than their part, those first that were quiet the longest.

    Only when nearly all places are taken; `exempt`: proxies, which are many callers in one.
    """
    everyone = list(found)
    if len(everyone) * _PLACES < places * _CROWDED_QUARTERS:
        return []
    by_source: defaultdict[str, list[Collegamento]] = defaultdict(list)
    for one in everyone:
        by_source[one.source].append(one)
    part = places // _PLACES
    return [
        one
        for source, of_source in by_source.items()
        if source not in exempt and len(of_source) > part
        for one in sorted(of_source, key=lambda one: -one.received_ms)[: len(of_source) - part]
    ]


class Vigile:
    """Looks at the connections that came in at some ports of this process, until it is told to stop."""

    def __init__(self, ports: Collection[int], places: int, exempt: Collection[str]) -> None:
        self._ports, self._places, self._exempt = frozenset(ports), places, exempt
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vigile", daemon=True)

    def start(self) -> None:
        if sys.platform == "linux":
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        pause_s = _LOOK_EVERY_S
        while not self._stop.wait(pause_s):
            started = time.monotonic()
            self.look()
            pause_s = max(_LOOK_EVERY_S, (time.monotonic() - started) * _LOOK_PART)

    def look(self) -> dict[str, int]:
        """End what is to be ended and return how many, by reason."""
        found: list[Collegamento] = []
        ended: defaultdict[str, int] = defaultdict(int)
        for number in _numbers():
            with suppress(OSError):
                one = self._end_if(number, None)
                if one is None:
                    continue
                problem = one.problem()
                if problem is None:
                    found.append(one)
                elif self._end_if(number, one):
                    ended[problem] += 1
        for one in too_many(found, self._places, self._exempt):
            with suppress(OSError):
                ended["troppe"] += self._end_if(one.number, one) is not None
        for reason, count in ended.items():
            get_logger().warning("connections_ended", reason=reason, count=count)
        return dict(ended)

    def _end_if(self, number: int, known: Collegamento | None) -> Collegamento | None:
        """Return what a file of this process is, if it is a connection that came in; end it if it is the known one.

        Raises: OSError (it is no socket, or no more).
        """
        with _copied(number) as opened:
            if opened.type != socket.SOCK_STREAM or opened.family not in (socket.AF_INET, socket.AF_INET6):
                return None
            if opened.getsockname()[1] not in self._ports:
                return None
            one = _ask(opened, number)
            if known is None or (one.source == known.source and one.received_ms >= known.received_ms):
                if known is not None:
                    # What waits to be sent is not sent any more.
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
                    opened.shutdown(socket.SHUT_RDWR)
                return one
            return None


def _copied(number: int) -> socket.socket:
    """Return a copy of a file as a socket: its number may be another file's the next moment, which must not be shut.

    A file that is no socket is neither copied nor closed: whoever closes any copy of SQLite's file gives back all the
    locks of the process on it, and the next one to end deletes its log under us. Source: SQLite, "How To Corrupt", 2.2.
    Raises: OSError (it is none).
    """
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    copy = os.dup(number)
    if not stat.S_ISSOCK(os.fstat(copy).st_mode):
        # It became another file in between: its copy stays open, for the reason above.
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _numbers() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc/self/fd"))


def _ask(opened: socket.socket, number: int) -> Collegamento:
    import fcntl

    # Raises where nobody is at the other end: a port that is listened on.
    host, port = opened.getpeername()[:2]
    info = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    words = struct.unpack_from("13I", info, 8)
    (received_bytes,) = struct.unpack_from("Q", info, 128)
    (waiting_bytes,) = struct.unpack("i", fcntl.ioctl(opened.fileno(), _OUTQ, b"\0\0\0\0"))
    source = host.removeprefix("::ffff:")
    return Collegamento(source, number, words[9], words[11], received_bytes, waiting_bytes)
