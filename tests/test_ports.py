"""The ports that tests and benchmarks give to their servers: nobody else has them when the server comes to bind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.processes import free_port

_ASKS = "from benchmarks.processes import free_port; print(*(free_port() for _ in range(50)))"


def test_two_processes_are_never_given_the_same_port() -> None:
    own = {free_port() for _ in range(50)}
    told = subprocess.run(
        [sys.executable, "-c", _ASKS], cwd=Path(__file__).parents[1], capture_output=True, check=True, text=True
    )
    other = {int(number) for number in told.stdout.split()}

    assert len(own) == len(other) == 50
    assert not own & other


def test_no_connection_takes_such_a_port_for_its_own_end() -> None:
    first = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]
    assert free_port() < int(first)
