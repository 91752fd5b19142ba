"""Take the screenshots of docs/immagini again, where there is Chromium.

Run: `make site`, then `python -m docs.schermate`; for the head of a report of conformance,
`python -m tests.conformita.esempi rotto --uscita FOLDER`, then `python -m docs.schermate FOLDER/conformita.html`.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

SITE = Path(__file__).parent / "_sito"
FOLDER = Path(__file__).parent / "immagini"
# Name of the picture: the page, and the heading at its top.
PAGES = {
    "operazioni": (SITE / "operazioni/index.html", "h1"),
    "esempio": (SITE / "operazioni/paaSILInviaDovuti.html", "#esempio-rifiuto-un-importo-con-un-solo-decimale"),
    "rifiuti": (SITE / "operazioni/paaSILImportaDovuto.html", "#i-rifiuti-nellordine-dei-controlli"),
}
WINDOW: ViewportSize = {"width": 1280, "height": 900}
# What a page of text needs; with more the files are several times as large.
COLOURS = 64


def take(browser: str, pages: Mapping[str, tuple[Path, str]]) -> None:
    """Write every picture as a desktop shows the page."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = opened.new_page(viewport=WINDOW, locale="it-IT", reduced_motion="reduce")
        for name, (path, heading) in pages.items():
            page.goto(path.absolute().as_uri())
            page.add_style_tag(content="html { scroll-behavior: auto }")
            page.locator(heading).first.evaluate("node => node.scrollIntoView()")
            with Image.open(io.BytesIO(page.screenshot())) as image:
                image.convert("RGB").quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)
            print(FOLDER / f"{name}.png")  # noqa: T201 - a command
        opened.close()


if __name__ == "__main__":
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    wanted = {"conformita": (Path(sys.argv[1]), "header")} if len(sys.argv) > 1 else PAGES
    if found is None or not all(path.is_file() for path, _ in wanted.values()):
        raise SystemExit("servono Chromium e le pagine: make site, o il rapporto")
    FOLDER.mkdir(exist_ok=True)
    take(found, wanted)
