"""The canteen client in every language of this machine against a hub of real processes, and the report about it.

Run: python -m tests.conformita.esempi [LANGUAGE]... Exit code 1 when a client does not end well or a rule is violated.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import Installation
from tests.interop.conftest import play_story
from tests.interop.hub import RunningHub, start_hub
from tests.interop.lingue import LINGUE, MENSA, LinguaAssente, command
from tests.world import PASSWORDS


class Sandbox(Installation):
    """An installation that keeps its calls."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PONTEPA_SANDBOX": "true", "PONTEPA_PUBLIC_URL": self.hub_url}


def play(lingue: Sequence[str], hub: RunningHub, folder: Path) -> int:
    """Let each language tell its story; return how many are here. Raises: AssertionError (one did not end well)."""
    played = 0
    for lingua in lingue:
        try:
            words = command(lingua, folder, MENSA, hub, {"attesa": "60"})
        except LinguaAssente as reason:
            print(f"{lingua}: {reason}")
            continue
        play_story(hub, [*words, "--json"], folder)
        print(f"{lingua}: pagato", flush=True)
        played += 1
    return played


def main(lingue: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="pontepa-conformita-") as name:
        folder = Path(name)
        place = folder / "hub"
        place.mkdir()
        with start_hub(place, Sandbox) as hub:
            if not play(lingue or list(LINGUE), hub, folder):
                return 1
            return _report(hub, place, folder)


def _report(hub: RunningHub, place: Path, folder: Path) -> int:
    password = folder / "password.txt"
    password.write_text(PASSWORDS["C_PROVA"])
    installation = Sandbox(place, f"sqlite:///{place / 'pontepa.db'}")
    environment = installation.environment | {"PONTEPA_PUBLIC_URL": hub.url}
    program = str(Path(sys.executable).with_name("pontepa"))
    arguments = ["--ente", "C_PROVA", "--uscita", str(folder / "rapporto"), "--password-ente", str(password)]
    return subprocess.run([program, "conformance", *arguments], env=environment, cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
