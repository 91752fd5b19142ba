"""Take the screenshots of docs/immagini again: `make site`, then `python -m docs.schermate` where there is Chromium."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

SITE = Path(__file__).parent / "_sito"
FOLDER = Path(__file__).parent / "immagini"
# Name of the picture: page of the site, and the heading at its top.
PAGES = {
    "operazioni": ("operazioni/index.html", "h1"),
    "esempio": ("operazioni/paaSILInviaDovuti.html", "#esempio-rifiuto-un-importo-con-un-solo-decimale"),
    "rifiuti": ("operazioni/paaSILImportaDovuto.html", "#i-rifiuti-nellordine-dei-controlli"),
}
WINDOW: ViewportSize = {"width": 1280, "height": 900}
# What a page of text needs; with more the files are several times as large.
COLOURS = 64


def take(browser: str) -> None:
    """Write every picture as a desktop shows the page."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = opened.new_page(viewport=WINDOW, locale="it-IT", reduced_motion="reduce")
        for name, (address, heading) in PAGES.items():
            page.goto(f"file://{SITE / address}")
            page.add_style_tag(content="html { scroll-behavior: auto }")
            page.locator(heading).first.evaluate("node => node.scrollIntoView()")
            with Image.open(io.BytesIO(page.screenshot())) as image:
                image.convert("RGB").quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)
            print(FOLDER / f"{name}.png")  # noqa: T201 - a command
        opened.close()


if __name__ == "__main__":
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None or not SITE.is_dir():
        raise SystemExit("servono Chromium e il sito: make site")
    FOLDER.mkdir(exist_ok=True)
    take(found)
