"""Race: python -m tests.gare [--database sqlite|postgresql] [--breve]. Exit code 1: something is lost or doubled."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.gare.corsa import BREVE, LUNGA, corri
from tests.prova import tabella


def main(argv: Sequence[str] | None = None) -> int:
    """Run the races, print the table, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.gare", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    parser.add_argument("--breve", action="store_true", help="la misura della prova breve")
    options = parser.parse_args(argv)
    started, rows = time.monotonic(), []
    for kind in [options.database] if options.database else ("sqlite", "postgresql"):
        rows += list(corri(kind, BREVE if options.breve else LUNGA))
    for line in tabella.lines(rows):
        print(line)
    print(f"{time.monotonic() - started:.0f} s")
    return tabella.exit_code(rows)


if __name__ == "__main__":
    sys.exit(main())
