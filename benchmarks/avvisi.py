"""Printed notices, one thread: each with its own texts, QR code, Data Matrix and a logo, against a page of one line.

The page of one line comes from the same compiler with the same fonts and tags: what no notice can do without. Then a
whole flow is printed, from its stored rows to one archive, and how much the process has grown is told. Times are CPU
seconds of the process, all its threads together: what else the machine does counts little.
Run: python -m benchmarks.avvisi [--notices N] [--pictures DIR]: pictures of three notices, to look at.
"""

from __future__ import annotations

import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from statistics import median

import typst
from PIL import Image, ImageDraw

from benchmarks import report
from benchmarks.avvisi_flusso import WARM, Misura, print_flow
from hub.domain.avviso import Avviso, ContoPostale, EnteCreditore
from hub.domain.documenti import Soggetto
from hub.domain.iuv import build_iuv, numero_avviso
from hub.formats import avviso as stampa
from hub.formats.avviso import render_avviso, zip_avviso
from hub.formats.loghi import prepare_logo
from tests.formats.pages import picture

GOAL_MS = 20
# After the warm-up, whatever the flow.
GROWTH_MAX_MIB = 16
_LINE = '#set document(title: "x")\n#set text(font: "Titillium Web", lang: "it")\n= Avviso #sys.inputs.numero\n'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds, print rows, ratio and growth; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=60, help="of each candidate in each round")
    parser.add_argument("--notices", type=int, default=5000, help="of the flow that is printed whole; 0: none")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="only write three notices there, as pictures")
    options = parser.parse_args(argv)
    if options.pictures:
        return _write_pictures(options.pictures)
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-") as name:
        candidates: dict[str, Callable[[int], bytes]] = {
            "with postal slip": lambda number: _print(number, ContoPostale("12345678", "Comune", "AUT. 1 DEL 1")),
            "without": lambda number: _print(number, None),
            "one line": _one_line(Path(name)),
        }
        rows, growth = _measure(candidates, options.rounds, options.calls)
        misura = print_flow(options.database, Path(name), options.notices, _logo()) if options.notices else None
    return max(_tell(rows, growth, options.check), _tell_flow(misura, options.check))


@cache
def _logo() -> bytes:
    """Return a coat of arms of nobody, as large as those of the enti: a shield with a tower."""
    image = Image.new("RGB", (250, 250), "white")
    draw = ImageDraw.Draw(image)
    draw.polygon([(25, 15), (225, 15), (225, 140), (125, 240), (25, 140)], "#2a4b8d", "black", 6)
    draw.rectangle((85, 85, 165, 185), "#e8d9a0", "black", 3)
    for left in (75, 115, 155):
        draw.rectangle((left, 60, left + 20, 90), "#e8d9a0", "black", 3)
    draw.ellipse((110, 140, 140, 170), "black")
    out = io.BytesIO()
    image.save(out, "PNG")
    return prepare_logo(out.getvalue())


def _print(number: int, conto: ContoPostale | None) -> bytes:
    avviso = _avviso(number, conto)
    return zip_avviso(avviso, render_avviso(avviso))


def _avviso(number: int, conto: ContoPostale | None) -> Avviso:
    return Avviso(
        ente=EnteCreditore("Comune di Prova", "12345678903", "AB123", "Ufficio Tributi", "Piazza Roma 1", _logo()),
        destinatario=Soggetto("F", "RSSMRA80A01H501U", f"Mario Rossi {number}", "Via Roma", "1", "00100", "Roma", "RM"),
        causale=f"TARI 2026, utenza {number}",
        importo_cent=12050 + number,
        scadenza=date(2026, 12, 31),
        iuv=build_iuv(1, number),
        numero_avviso=numero_avviso(build_iuv(1, number)),
        conto_postale=conto,
    )


def _write_pictures(folder: Path) -> int:
    """Write three notices as a printer sees them: plain, with a postal slip, with a second share and long texts."""
    conto = ContoPostale("12345678", "Comune di Prova - Tesoreria", "AUT. DB/SISB/P1 1234 DEL 01/01/2020")
    plain, slip = _avviso(1, None), _avviso(2, conto)
    # 100.00 of the ente and 5.00 of the province.
    long = replace(
        slip,
        ente=replace(slip.ente, nome="Unione dei Comuni della Bassa Valle del Fiume e delle Colline Meridionali"),
        destinatario=replace(slip.destinatario, anagrafica="Condominio Le Querce di Via della Repubblica, scala B"),
        causale="Tassa rifiuti 2026, saldo e tributo provinciale per le funzioni ambientali, utenza domestica 4711",
        importo_cent=10000 + 500,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, avviso in {"semplice": plain, "bollettino": slip, "secondo_beneficiario": long}.items():
        path = folder / f"avviso_{name}.png"
        picture(render_avviso(avviso), dpi=150).save(path)
        report.say(f"written {path}")
    return 0


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
            started = time.process_time()
            for _ in range(calls):
                candidates[name](next(numbers))
            seconds = time.process_time() - started
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


def _tell_flow(misura: Misura | None, check: bool) -> int:
    if misura is None:
        return 0
    each_ms, cpu_ms = (seconds / misura.notices * 1e3 for seconds in (misura.seconds, misura.cpu_seconds))
    report.say(
        f"a flow of {misura.notices}: {cpu_ms:.1f} ms of a processor a notice, {each_ms:.1f} by the clock, "
        f"{misura.zip_mib:.0f} MiB of archive"
    )
    report.say(
        f"process: {misura.rss_mib[0]:.0f} MiB at the start, {max(misura.rss_mib):.0f} at the most, grown by "
        f"{misura.growth_mib:.1f} after the first {WARM}"
    )
    is_met = cpu_ms <= GOAL_MS and misura.growth_mib <= GROWTH_MAX_MIB
    goal = f"the notices of a flow in at most {GOAL_MS} ms each, {GROWTH_MAX_MIB} MiB more at the most"
    return report.verdict(goal, is_met, check)


if __name__ == "__main__":
    sys.exit(main())
