"""All of them, one after the other. Run: python -m benchmarks [--database ...] [--check]."""

from __future__ import annotations

import sys

from benchmarks import (
    avvisi,
    export,
    giornale,
    import_flusso,
    in_process,
    intake,
    relay_latency,
    report,
    ricevute,
    sportello,
    tracciati,
    verifica,
)


def main() -> int:
    """Run every benchmark with the common options; return 1 when one of them missed its goal under --check."""
    options = report.arguments(__doc__ or "").parse_args()
    argv = ["--database", options.database] + (["--check"] if options.check else [])
    codes = []
    everyone = (
        *(in_process, intake, giornale, relay_latency, verifica, sportello, avvisi, tracciati, export, import_flusso),
        ricevute,
    )
    for one in everyone:
        codes.append(one.main(argv))
        report.say()
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
