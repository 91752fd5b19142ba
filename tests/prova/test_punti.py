"""The named points: each is declared, stands somewhere and is told of in a story; nothing is honoured in production."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hub.crash import FLAG, Punto, arm
from tests.prova.storie import STORIE
from tests.prova.storie_flussi import STORIE as IN_MASSA

HUB = Path(__file__).parents[2] / "hub"
# What a process does that is told in which environment it is, and gets to the point twice.
_TWICE = """
import os, sys
from hub.crash import Punto, arm, crash_point
print(arm(os.environ, is_production=sys.argv[1] == "produzione"), flush=True)
for _ in range(2):
    crash_point(Punto.RELAY_INVIATO)
    print("vivo", flush=True)
"""


def _reached() -> Counter[str]:
    """Where each point stands: names of the members that `crash_point` is called with."""
    found: Counter[str] = Counter()
    for path in HUB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "crash_point":
                (punto,) = node.args
                assert isinstance(punto, ast.Attribute) and ast.unparse(punto.value) == "Punto", path
                found[punto.attr] += 1
    return found


def _run(ambiente: str, flag: str) -> tuple[int, list[str]]:
    run = subprocess.run(
        [sys.executable, "-c", _TWICE, ambiente], env={FLAG: flag, "PYTHONPATH": str(HUB.parent)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return run.returncode, run.stdout.split()


def test_every_point_that_is_declared_stands_somewhere_and_no_other() -> None:
    assert set(_reached()) == {punto.name for punto in Punto}


def test_every_point_says_what_it_stands_between() -> None:
    assert all(len(punto.between.split(" | ")) == 2 for punto in Punto)


def test_a_process_is_killed_at_every_point_in_some_story() -> None:
    assert frozenset().union(*(storia.punti for storia in (*STORIE, *IN_MASSA))) == frozenset(Punto)


def test_a_process_dies_at_its_point_the_first_time_or_the_one_that_is_asked_for() -> None:
    assert _run("sviluppo", "relay.inviato") == (-signal.SIGKILL, ["True"])
    assert _run("sviluppo", "relay.inviato:2") == (-signal.SIGKILL, ["True", "vivo"])


def test_in_production_and_at_other_points_nobody_dies() -> None:
    assert _run("produzione", "relay.inviato") == (0, ["False", "vivo", "vivo"])
    assert _run("sviluppo", "relay.chiuso") == (0, ["True", "vivo", "vivo"])
    assert _run("sviluppo", "") == (0, ["False", "vivo", "vivo"])


def test_a_process_freezes_at_its_point_until_it_is_thawed() -> None:
    command = [sys.executable, "-c", _TWICE, "sviluppo"]
    environment = {FLAG: "relay.inviato:2:gela", "PYTHONPATH": str(HUB.parent)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        stopped_by = os.WSTOPSIG(status)
        process.send_signal(signal.SIGCONT)
        told, _ = process.communicate(timeout=60)

    assert (stopped_by, told.split(), process.returncode) == (signal.SIGSTOP, ["True", "vivo", "vivo"], 0)


@pytest.mark.parametrize(
    "flag",
    [
        "relay.inventato", "relay.inviato:0", "relay.inviato:x", "relay.inviato:-1", "relay.inviato:1:muore",
        "relay.inviato:1:gela:2",
    ],
)  # fmt: skip
def test_a_point_that_is_not_declared_and_a_number_that_is_none_are_errors(flag: str) -> None:
    with pytest.raises(ValueError, match="relay"):
        arm({FLAG: flag}, is_production=False)
    assert arm({FLAG: flag}, is_production=True) is False
