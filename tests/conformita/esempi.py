"""The canteen client against a hub of real processes, and the report about it: the one that ships, or the broken one.

Run: python -m tests.conformita.esempi [LANGUAGE]... [--uscita FOLDER]   the client that ships, in every language here
     python -m tests.conformita.esempi rotto [--uscita FOLDER]           the one that does everything wrong

The folder has conformita.html, conformita.json and conformita.xml afterwards. Exit code 1 when a client that ships does
not end well or violates a rule, or when the report of the broken one does not name each of its mistakes, and no other.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import Installation
from hub.domain.conformita import Esito
from tests.conformita.mensa_rotto import SBAGLI, MensaRotta
from tests.interop.conftest import play_story
from tests.interop.hub import RunningHub, start_hub
from tests.interop.lingue import LINGUE, MENSA, LinguaAssente, command
from tests.world import PASSWORDS

ROTTO = "rotto"
# The hub itself is not asked: the last mistake is a series of wrong passwords, and it refuses to answer after them.
_COME_ROTTO = ("--anche-anonime", "--senza-hub")


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


def report(hub: RunningHub, place: Path, uscita: Path, more: Sequence[str]) -> int:
    """Write the report of the calls that an installation kept, print it, and return how `pontepa conformance` ended."""
    installation = Sandbox(place, f"sqlite:///{place / 'pontepa.db'}")
    environment = installation.environment | {"PONTEPA_PUBLIC_URL": hub.url}
    program = str(Path(sys.executable).with_name("pontepa"))
    arguments = ["conformance", "--ente", "C_PROVA", "--uscita", str(uscita), *more]
    return subprocess.run([program, *arguments], env=environment).returncode


def judge_shipped(lingue: Sequence[str], hub: RunningHub, place: Path, uscita: Path) -> int:
    if not play(lingue, hub, place.parent):
        return 1
    password = place / "password.txt"
    password.write_text(PASSWORDS["C_PROVA"])
    return report(hub, place, uscita, ["--password-ente", str(password)])


def judge_broken(hub: RunningHub, place: Path, uscita: Path) -> int:
    client = MensaRotta(hub.url)
    for mistake, _ in SBAGLI:
        mistake(client)
    report(hub, place, uscita, _COME_ROTTO)
    told = json.loads((uscita / "conformita.json").read_text(encoding="utf-8"))["regole"]
    named = {rule["codice"] for rule in told if rule["esito"] in (Esito.VIOLATA, Esito.AVVERTENZA)}
    for mistake, codes in SBAGLI:
        print(f"{mistake.__name__}: {' '.join(sorted(codes))}{'' if codes <= named else ' NON NOMINATO'}")
    expected = {code for _, codes in SBAGLI for code in codes}
    print(f"errori: {len(SBAGLI)}; non nominati: {sorted(expected - named)}; in più: {sorted(named - expected)}")
    return int(named != expected)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformita.esempi")
    parser.add_argument("chi", nargs="*", metavar="CHI", help=f"{ROTTO}, o fra {', '.join(LINGUE)} (tutte)")
    parser.add_argument("--uscita", type=Path, metavar="CARTELLA", help="dove scrivere il rapporto (lo si butta)")
    options = parser.parse_args(argv)
    if options.chi != [ROTTO] and not set(options.chi) <= set(LINGUE):
        parser.error(f"{ROTTO}, da solo, oppure delle lingue fra {', '.join(LINGUE)}")
    with tempfile.TemporaryDirectory(prefix="pontepa-conformita-") as name:
        place = Path(name) / "hub"
        place.mkdir()
        uscita = (options.uscita or Path(name) / "rapporto").absolute()
        with start_hub(place, Sandbox) as hub:
            if options.chi == [ROTTO]:
                return judge_broken(hub, place, uscita)
            return judge_shipped(options.chi or list(LINGUE), hub, place, uscita)


if __name__ == "__main__":
    sys.exit(main())
