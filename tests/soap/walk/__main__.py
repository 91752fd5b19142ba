"""Say how far the walk goes, then walk: `python -m tests.soap.walk` (arguments go to pytest)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soap.walk import summary

if __name__ == "__main__":
    print("\n".join(summary.pages()))  # noqa: T201 - a command
    sys.exit(pytest.main(["-q", str(Path(__file__).parent), *sys.argv[1:]]))
