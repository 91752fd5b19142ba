"""The page of the printed notice: one sheet, in its place, accessible, the same on every machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from hub.domain.avviso import Avviso, ContoPostale, EnteCreditore
from hub.domain.documenti import Soggetto
from hub.formats.avviso import render_avviso
from hub.formats.loghi import logo_svg
from tests.factories import PARTITA_IVA, make_avviso
from tests.formats.pages import picture

RIFERIMENTI = Path(__file__).parents[1] / "data" / "avvisi"
# Points of A4 that must stay white: what home printers do not reach.
MARGINE_PT = 20
# Of 255, after a blur of about a letter's width: drawing libraries smooth edges differently, a moved line shows as 100.
DIFFERENZA_MAX = 24


def _logo(colour: str = "#0050b0", size: tuple[int, int] = (250, 250)) -> bytes:
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((10, 10, size[0] - 10, size[1] - 10), fill=colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _with_logo(logo: bytes | None) -> Avviso:
    avviso = make_avviso()
    return replace(avviso, ente=replace(avviso.ente, logo=logo))


def _longest(letters: str) -> Avviso:
    """Return a notice whose every text is as long as the contracts admit, made of the letters over and over."""

    def text(length: int) -> str:
        return (letters * length)[:length].strip()

    return make_avviso(
        ente=EnteCreditore(text(100), PARTITA_IVA, text(5), text(50), text(256), logo=_logo()),
        destinatario=Soggetto("G", "W" * 16, text(70), text(70), text(16), text(16), text(35), text(35)),
        causale=text(1024),
        importo_cent=9_999_999_999,
        conto_postale=ContoPostale("123456789012", text(50), f"AUT. {text(20)} DEL {text(20)}"),
    )


EXAMPLES = {
    "con_bollettino": lambda: _with_logo(_logo()),
    "senza_bollettino": lambda: make_avviso(conto_postale=None),
    "senza_scadenza": lambda: make_avviso(scadenza=None, conto_postale=None, importo_cent=99_999_999_999),
    "testi_lunghi": lambda: _longest("Unione dei Comuni della Bassa Valle "),
}
LONGEST = {
    "wide": "W",
    "wide_words": "W" * 23 + " ",
    "one_word": "precipitevolissimevolmente",
    "words": "Unione dei Comuni della Bassa Valle ",
    "capitals": "COMUNITÀ MONTANA DEI MONTI WALMMARMI ",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_looks_like_its_picture(name: str) -> None:
    """After a wanted change: python -m tests.formats.test_avviso_page, then look at the pictures."""
    page = _reference_picture(EXAMPLES[name]())

    assert _difference(page, Image.open(RIFERIMENTI / f"{name}.png")) <= DIFFERENZA_MAX


def test_another_page_does_not_look_like_the_picture() -> None:
    picture_of_it = Image.open(RIFERIMENTI / "con_bollettino.png")

    for avviso in (
        _with_logo(None),
        replace(_with_logo(_logo()), scadenza=date(2026, 11, 30)),
        replace(_with_logo(_logo()), iuv="01000000000000245", numero_avviso="301000000000000245"),
    ):
        assert _difference(_reference_picture(avviso), picture_of_it) > DIFFERENZA_MAX


@pytest.mark.parametrize("letters", LONGEST.values(), ids=list(LONGEST))
def test_the_longest_texts_stay_on_the_page_and_off_each_other(letters: str) -> None:
    pdf = render_avviso(_longest(letters))

    width, height, boxes = _boxes(pdf)
    assert len(boxes) > 1000
    for left, bottom, right, top in boxes:
        assert (
            MARGINE_PT <= left and right <= width - MARGINE_PT and MARGINE_PT <= bottom and top <= height - MARGINE_PT
        )
    assert not [(one, other) for one, other in _pairs(boxes) if _overlap(one, other) > 0.2]


def test_the_page_is_all_black_white_and_grey() -> None:
    page = picture(render_avviso(_with_logo(_logo("#ff0000"))), dpi=100)

    red, green, blue = page.split()
    assert ImageChops.difference(red, green).getextrema() == (0, 0)
    assert ImageChops.difference(green, blue).getextrema() == (0, 0)


def test_the_file_is_a_tagged_pdf_ua_in_italian() -> None:
    root = pypdf.PdfReader(io.BytesIO(render_avviso(_with_logo(_logo())))).root_object

    elements = list(_elements(root["/StructTreeRoot"]))
    kinds = [element["/S"] for element in elements]
    pictures = [element for element in elements if element["/S"] == "/Figure"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    assert root["/MarkInfo"]["/Marked"] and root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/Lang"] == "it-IT"
    assert kinds.count("/H1") == 1 and kinds.count("/H2") == 6 and kinds.count("/H3") == 2
    assert [element["/Alt"] for element in pictures] == [
        "Logo: Comune di Prova",
        "Codice QR dell'avviso 3010 0000 0000 0001 44, importo 120,50 euro",
        "Data Matrix del bollettino postale, avviso 3010 0000 0000 0001 44",
    ]


def test_the_file_says_what_it_is_and_not_when_it_was_made() -> None:
    metadata = pypdf.PdfReader(io.BytesIO(render_avviso(make_avviso()))).metadata

    assert metadata is not None
    assert metadata.title == "Avviso di pagamento 3010 0000 0000 0001 44"
    assert metadata.author == "Comune di Prova"
    assert metadata.creation_date is None


def test_every_font_travels_in_the_file() -> None:
    page = pypdf.PdfReader(io.BytesIO(render_avviso(make_avviso()))).pages[0]

    fonts = [font.get_object()["/DescendantFonts"][0] for font in page["/Resources"]["/Font"].values()]
    families = {font["/BaseFont"].partition("+")[2].partition("-")[0] for font in fonts}
    assert families == {"TitilliumWeb", "RobotoMono"}
    for font in fonts:
        assert {"/FontFile2", "/FontFile3"} & set(font["/FontDescriptor"])


@pytest.mark.parametrize(
    "logo",
    [
        b"",
        b"not a picture",
        _logo()[:60],
        _logo()[:400],
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        _logo().replace(b"\x00\x00\x00\xfa\x00\x00\x00\xfa", b"\x00\x00\xff\xff\x00\x00\xff\xff"),
    ],
    ids=["empty", "text", "header", "truncated", "svg", "lying_size"],
)
def test_a_logo_that_cannot_be_read_is_left_out(logo: bytes) -> None:
    assert render_avviso(_with_logo(logo)) == render_avviso(_with_logo(None))


@pytest.mark.parametrize("size", [(60, 60), (250, 250), (3000, 200), (20, 900)])
def test_a_logo_of_any_shape_keeps_to_its_corner(size: tuple[int, int]) -> None:
    with_logo = picture(render_avviso(_with_logo(_logo(size=size))), dpi=72)
    without = picture(render_avviso(_with_logo(None)), dpi=72)

    corner = ImageChops.difference(with_logo, without).crop((0, 0, with_logo.width, 90)).getbbox()
    assert corner is not None and corner[0] > 480


def test_a_picture_of_too_many_points_is_not_unfolded() -> None:
    assert logo_svg(_logo(size=(4100, 4100))) is None


def _reference_picture(avviso: Avviso) -> Image.Image:
    return picture(render_avviso(avviso), dpi=72).convert("L")


def _difference(page: Image.Image, reference: Image.Image) -> int:
    """Return how far, of 255, two pages are apart where they are farthest, edges smoothed away."""
    if page.size != reference.size:
        return 255
    blurred = ImageChops.difference(page, reference).filter(ImageFilter.BoxBlur(2))
    return int(blurred.getextrema()[1])  # type: ignore[arg-type]


Box = tuple[float, float, float, float]


def _boxes(pdf: bytes) -> tuple[float, float, list[Box]]:
    """Return width, height and the boxes of all visible characters of the only page, in points from the bottom left."""
    document = pypdfium2.PdfDocument(pdf)
    (page,) = document
    text = page.get_textpage()
    visible = [
        index for index, character in enumerate(_characters(text)) if character.isprintable() and character != " "
    ]
    boxes = [text.get_charbox(index) for index in visible]
    return *page.get_size(), [box for box in boxes if box[2] > box[0] and box[3] > box[1]]


def _characters(text: Any) -> list[str]:
    return [chr(pypdfium2.raw.FPDFText_GetUnicode(text, index)) for index in range(text.count_chars())]


def _pairs(boxes: list[Box]) -> Iterator[tuple[Box, Box]]:
    """Give the pairs of boxes that share a stretch of the horizontal."""
    ordered = sorted(boxes)
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if other[0] >= one[2]:
                break
            yield one, other


def _overlap(one: Box, other: Box) -> float:
    """Return the part of the smaller box that lies under the other."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0
    return width * height / min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))


def _elements(node: Any) -> Iterator[Any]:
    """Give the elements of the structure tree in reading order."""
    node = node.get_object()
    if isinstance(node, list):
        for child in node:
            yield from _elements(child)
    elif isinstance(node, dict):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from _elements(node["/K"])


if __name__ == "__main__":
    for name, example in EXAMPLES.items():
        _reference_picture(example()).save(RIFERIMENTI / f"{name}.png", optimize=True)
