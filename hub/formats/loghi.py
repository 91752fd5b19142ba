"""The ente's logo, made ready for paper: greys, small, in a frame that the page's template takes.

Source: pa-per-ente configuration, `de_logo_ente`: a PNG of about 250 by 250 points.
"""

from __future__ import annotations

import base64
import io
import warnings
from functools import lru_cache

from PIL import Image, UnidentifiedImageError

from hub.log import get_logger

# A quarter of an inch of paper more than fills 300 dots an inch with this.
_LATO_PX = 300
# A picture of a few kilobytes can unfold to gigabytes: beyond this it is not looked at.
_PIXELS_MAX = 16_000_000
_FORMATI = ("PNG", "JPEG", "GIF")
# Of the picture as the ente gives it: one of a few hundred points a side is a tenth of this.
LOGO_SIZE_MAX_BYTES = 1024 * 1024
# A worker prints for many enti in turn; a logo ready for print is some tens of kilobytes.
_LOGHI_MAX = 64
# What Pillow may raise for bytes that are no picture, or too much of one.
_ILLEGGIBILI = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


@lru_cache(maxsize=_LOGHI_MAX)
def logo_svg(picture: bytes) -> str | None:
    """Return an SVG around the picture in greys, on white, at most 300 points a side; None when it cannot be read.

    A notice without its logo is as good to pay with, so a broken one does not stop the print: it is logged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            grey = _grey(picture)
    except _ILLEGGIBILI as error:
        get_logger().warning("logo_unreadable", error=type(error).__name__, size_bytes=len(picture))
        return None
    data = base64.b64encode(_png(grey)).decode()
    size = f'width="{grey.width}" height="{grey.height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><image {size} href="data:image/png;base64,{data}"/></svg>'


def prepare_logo(picture: bytes) -> bytes:
    """Return a PNG in greys, on white, at most 300 points a side: what is kept of an ente's logo.

    What it returns comes out of it again as it is. Raises: ValueError, its text an Italian sentence.
    """
    if len(picture) > LOGO_SIZE_MAX_BYTES:
        raise ValueError(f"immagine troppo grande: oltre {LOGO_SIZE_MAX_BYTES // 1024} KiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture), formats=("PNG",)) as image:
                is_ready = image.mode == "L" and max(image.size) <= _LATO_PX and "transparency" not in image.info
                if is_ready:
                    image.load()
            grey = None if is_ready else _grey(picture)
    except _ILLEGGIBILI as error:
        raise ValueError("non è un PNG leggibile, o ha più di 16 milioni di punti") from error
    return picture if grey is None else _png(grey)


def _grey(picture: bytes) -> Image.Image:
    """Raises: what Pillow raises for bytes that are no picture; ValueError (too many points)."""
    with Image.open(io.BytesIO(picture), formats=_FORMATI) as image:
        if image.width * image.height > _PIXELS_MAX:
            raise ValueError("picture too large")
        coloured = image.convert("RGBA")
    coloured.thumbnail((_LATO_PX, _LATO_PX))
    paper = Image.new("RGBA", coloured.size, "white")
    paper.alpha_composite(coloured)
    return paper.convert("L")


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
