"""How the tests read a PDF: its text as a reader copies it, its page as a picture."""

from __future__ import annotations

import io

import pypdf
import pypdfium2
from PIL import Image


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF of one page, lines joined."""
    (page,) = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(page.extract_text().split())


def picture(pdf: bytes, dpi: int) -> Image.Image:
    """Return the only page in colours, as a printer of so many dots an inch sees it."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        (page,) = document
        return page.render(scale=dpi / 72).to_pil().convert("RGB")
    finally:
        document.close()
