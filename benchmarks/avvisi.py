"""Printed notices, one thread: each with its own texts, QR code, Data Matrix and a logo, against a page of one line.

The page of one line comes from the same compiler with the same fonts and tags: what no notice can do without. It also
says how much the process has grown. Run: python -m benchmarks.avvisi
"""

from __future__ import annotations

import base64
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import count
from pathlib import Path
from statistics import median

import typst

from benchmarks import report
from hub.domain.avviso import Avviso, ContoPostale, EnteCreditore
from hub.domain.documenti import Soggetto
from hub.formats import avviso as stampa
from hub.formats.avviso import render_avviso, zip_avviso

GOAL_MS = 20
_LOGO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
_LINE = '#set document(title: "x")\n#set text(font: "Titillium Web", lang: "it")\n= Avviso #sys.inputs.numero\n'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds, print rows, ratio and growth; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=60, help="of each candidate in each round")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-") as name:
        candidates: dict[str, Callable[[int], bytes]] = {
            "with postal slip": lambda number: _print(number, ContoPostale("12345678", "Comune", "AUT. 1 DEL 1")),
            "without": lambda number: _print(number, None),
            "one line": _one_line(Path(name)),
        }
        rows, growth = _measure(candidates, options.rounds, options.calls)
    return _tell(rows, growth, options.check)


def _print(number: int, conto: ContoPostale | None) -> bytes:
    avviso = Avviso(
        ente=EnteCreditore("Comune di Prova", "12345678903", "AB123", "Ufficio Tributi", "Piazza Roma 1", _LOGO),
        destinatario=Soggetto("F", "RSSMRA80A01H501U", f"Mario Rossi {number}", "Via Roma", "1", "00100", "Roma", "RM"),
        causale=f"TARI 2026, utenza {number}",
        importo_cent=12050 + number,
        scadenza=date(2026, 12, 31),
        iuv=f"{number:017d}",
        numero_avviso=f"3{number:017d}",
        conto_postale=conto,
    )
    return zip_avviso(avviso, render_avviso(avviso))


def _one_line(folder: Path) -> Callable[[int], bytes]:
    (folder / "riga.typ").write_text(_LINE, encoding="utf-8")
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[Path(stampa.__file__).with_name("stampa") / "fonts"])
    compiler = typst.Compiler(folder / "riga.typ", root=folder, font_paths=fonts)

    def compile_line(number: int) -> bytes:
        pdf = compiler.compile(format="pdf", sys_inputs={"numero": str(number)}, pdf_standards=["ua-1"], timestamp=0)
        assert isinstance(pdf, bytes)
        return pdf

    return compile_line


def _measure(
    candidates: dict[str, Callable[[int], bytes]], rounds: int, calls: int
) -> tuple[dict[str, list[float]], float]:
    """Return seconds for each page, round by round, and how many MiB the process grew after the warm-up."""
    rows: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    numbers: Iterator[int] = count(1)
    warm_kib = 0
    for turn in range(-1, rounds):
        for name in names if turn % 2 else reversed(names):
            started = time.perf_counter()
            for _ in range(calls):
                candidates[name](next(numbers))
            seconds = time.perf_counter() - started
            if turn >= 0:
                rows[name].append(seconds / calls)
        warm_kib = warm_kib or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - warm_kib) / 1024


def _tell(rows: dict[str, list[float]], growth_mib: float, check: bool) -> int:
    report.say(f"printed notices, one thread, {report.machine()}")
    for name, each in rows.items():
        report.say(f"{name:>18}{median(each) * 1e3:>7.1f} ms a PDF  ({min(each) * 1e3:.1f} - {max(each) * 1e3:.1f})")
    report.say(report.ratio_line("with postal slip / one line", rows["with postal slip"], rows["one line"]))
    report.say(f"process grown by {growth_mib:.1f} MiB after the first round")
    is_met = median(rows["with postal slip"]) * 1e3 <= GOAL_MS
    return report.verdict(f"a notice with postal slip in at most {GOAL_MS} ms", is_met, check)


if __name__ == "__main__":
    sys.exit(main())
