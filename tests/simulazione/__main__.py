"""Play stories: python -m tests.simulazione [--semi N] [--da SEED] [--seme SEED] [--database …] [--minuti M]."""

from __future__ import annotations

import sys

from tests.simulazione.corsa import main

sys.exit(main(sys.argv[1:]))
