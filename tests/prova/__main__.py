"""The whole proof: python -m tests.prova [--lunga] [--database sqlite|postgresql]."""

from __future__ import annotations

import sys

from tests.prova.tutto import main

if __name__ == "__main__":
    sys.exit(main())
