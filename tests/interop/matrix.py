"""Print the interoperability matrix: python -m tests.interop.matrix [--json] [TOOLKIT...] (`make interop`).

A hub of its own, and every toolkit of this machine telling the story to it. Exit code 1 when a step is not green;
a toolkit that is not on the machine is said to be missing, which is neither green nor a failure.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.interop.hub import RunningHub, start_hub
from tests.interop.story import STEPS, Result, Story
from tests.interop.toolkits import TOOLKITS, Assente, Guasto, Toolkit


@dataclass(frozen=True)
class Row:
    """One toolkit: its versions and how each step went, or why it is not here."""

    toolkit: str
    version: str = ""
    runtime: str = ""
    missing: str = ""
    results: list[Result] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        return not self.missing and all(result.is_green for result in self.results)

    @property
    def outcome(self) -> str:
        return "manca" if self.missing else "verde" if self.is_green else "KO"

    def cell(self, step: str) -> str:
        for result in self.results:
            if result.step == step:
                return "ok" if result.is_green else "KO"
        return "-"


def play(toolkit: Toolkit, hub: RunningHub, folder: Path) -> Row:
    """Make the client of a toolkit from the served WSDL and run it through the story."""
    client, documents = folder / "cliente", folder / "storia"
    client.mkdir(parents=True)
    documents.mkdir()
    try:
        ready = toolkit.prepare(client, hub.wsdl)
    except Assente as reason:
        return Row(toolkit.name, missing=str(reason))
    except Guasto as reason:
        return Row(toolkit.name, results=[Result("contratto", str(reason))])
    return Row(toolkit.name, ready.version, ready.runtime, results=Story(hub, documents).tell(ready.command, client))


def text(rows: Sequence[Row]) -> str:
    """Return the matrix: a column for each toolkit, a line for each step, then the reasons of what is not green."""
    lines = [
        ["", *(row.toolkit for row in rows)],
        ["versione", *(row.version or "-" for row in rows)],
        ["ambiente", *(row.runtime or "-" for row in rows)],
        *([f"{step} {STEPS[step]}".strip(), *(row.cell(step) for row in rows)] for step in STEPS),
        ["", *(row.outcome for row in rows)],
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    reasons = [f"{row.toolkit}: {row.missing}" for row in rows if row.missing]
    reasons += [f"{row.toolkit}, {each.step}: {each.problem}" for row in rows for each in row.results if each.problem]
    return "\n".join([*table, *([""] if reasons else []), *reasons])


def main(argv: list[str] | None = None) -> int:
    names = {toolkit.name: toolkit for toolkit in TOOLKITS}
    parser = argparse.ArgumentParser(description="Stampa la matrice di interoperabilità dei toolkit SOAP.")
    parser.add_argument("--json", action="store_true", help="stampa la matrice in JSON")
    parser.add_argument("toolkit", nargs="*", help=f"solo questi ({', '.join(names)})")
    options = parser.parse_args(argv)
    if unknown := [name for name in options.toolkit if name not in names]:
        parser.error(f"toolkit sconosciuto: {', '.join(unknown)}")
    rows = []
    with tempfile.TemporaryDirectory(prefix="pontepa-interop-") as folder, start_hub(Path(folder)) as hub:
        for number, toolkit in enumerate(names[name] for name in options.toolkit or names):
            print(f"{toolkit.name}...", end=" ", file=sys.stderr, flush=True)
            rows.append(play(toolkit, hub, Path(folder, str(number))))
            print(rows[-1].outcome, file=sys.stderr)
    print(json.dumps([asdict(row) | {"esito": row.outcome} for row in rows], indent=2) if options.json else text(rows))
    return 0 if all(row.is_green or row.missing for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
