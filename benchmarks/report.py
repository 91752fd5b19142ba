"""What the benchmarks print, and what they are asked on the command line."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from statistics import median


def arguments(description: str, argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Return a parser with the options that all of them have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--database",
        default=os.environ.get("PONTEPA_DATABASE_URL") or "sqlite",
        help="sqlite, postgresql (a server is started), or the address of a PostgreSQL server where a database may be "
        "created (default: PONTEPA_DATABASE_URL, else sqlite)",
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    return parser


def machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"


def kind_of(database: str) -> str:
    return "sqlite" if database.startswith("sqlite") else "postgresql"


def ratio_line(name: str, above: Sequence[float], below: Sequence[float]) -> str:
    """Return the ratios of two series taken round by round: median, and the range."""
    ratios = [one / other for one, other in zip(above, below, strict=True)]
    return f"{name}: {median(ratios):.2f}x  (rounds {min(ratios):.2f} - {max(ratios):.2f})"


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return median(one / other for one, other in zip(above, below, strict=True))


def say(line: str = "") -> None:
    print(line, flush=True)


def verdict(goal: str, is_met: bool, check: bool) -> int:
    """Print whether a goal is met; return the exit code."""
    say(f"goal: {goal}: {'met' if is_met else 'MISSED'}")
    if check and not is_met:
        print(f"missed: {goal}", file=sys.stderr)
        return 1
    return 0
