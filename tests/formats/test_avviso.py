"""The printed notice, read back: its text, its two codes, its tags, its fonts, its look."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pypdf
import pypdfium2
import pytest
import zxingcpp

from hub.domain.avviso import Avviso, ContoPostale, data_matrix_text, qr_text
from hub.formats.avviso import render_avviso, zip_avviso
from tests.factories import make_avviso

HOSTILE = r"""#panic("x") #read("/etc/passwd") $x^2$ *b* _i_ `r` \u{41} \" ' <a>&amp; @l // c /* d */ [e] {f} = g"""


def _text(pdf: bytes) -> str:
    """Return the text of the page as a reader would copy it, lines joined."""
    (page,) = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(page.extract_text().replace("\N{ZERO WIDTH SPACE}", "").split())


def _codes(pdf: bytes, dpi: int = 200) -> dict[str, str]:
    page = pypdfium2.PdfDocument(pdf)[0]
    picture = page.render(scale=dpi / 72).to_pil()
    return {code.format.name: code.text for code in zxingcpp.read_barcodes(picture)}


def _avviso_di(nome: str) -> Avviso:
    avviso = make_avviso()
    return replace(avviso, destinatario=replace(avviso.destinatario, anagrafica=nome))


def test_the_notice_says_who_how_much_by_when_and_to_whom() -> None:
    text = _text(render_avviso(make_avviso(importo_cent=123_456)))

    for words in (
        "AVVISO DI PAGAMENTO",
        "TARI 2024 saldo",
        "Comune di Prova",
        "Ufficio Tributi",
        "Cod. Fiscale 12345678903",
        "Mario Rossi Via Roma 1 00100 Roma (RM)",
        "RSSMRA80A01H501U",
        "1.234,56 Euro",
        "entro il 31/12/2026",
        "AB123",
        "3010 0000 0000 0001 44",
    ):
        assert words in text


def test_the_postal_slip_stands_where_there_is_a_postal_account_only() -> None:
    with_slip = _text(render_avviso(make_avviso()))
    without = _text(render_avviso(make_avviso(conto_postale=None)))

    assert "BOLLETTINO POSTALE PA" in with_slip
    assert "C/C n. 12345678" in with_slip
    assert "Comune di Prova - Tesoreria" in with_slip
    assert "AUT. DB/SISB/P1 1234 DEL 01/01/2020" in with_slip
    assert "18301000000000000144120000123456781000000120503896" in with_slip
    assert "BOLLETTINO" not in without


@pytest.mark.parametrize("importo_cent", [1, 12050, 123_456, 9_999_999_999])
def test_both_codes_are_read_back_from_the_page(importo_cent: int) -> None:
    avviso = make_avviso(importo_cent=importo_cent)

    codes = _codes(render_avviso(avviso))

    assert codes == {"QRCode": qr_text(avviso), "DataMatrix": data_matrix_text(avviso)}


def test_the_amount_too_large_for_the_slip_leaves_the_qr_code_alone() -> None:
    avviso = make_avviso(importo_cent=99_999_999_999)

    pdf = render_avviso(avviso)

    assert _codes(pdf) == {"QRCode": qr_text(avviso)}
    assert "999.999.999,99 Euro" in _text(pdf)


def test_words_of_others_are_printed_as_they_are_and_never_run() -> None:
    avviso = _avviso_di(HOSTILE[40:110])

    text = _text(render_avviso(replace(avviso, causale=HOSTILE[:90])))

    assert HOSTILE[:90] in text
    assert HOSTILE[40:110].strip() in text


def test_equal_notices_give_equal_bytes() -> None:
    avviso = make_avviso()

    assert render_avviso(avviso) == render_avviso(make_avviso())
    assert zip_avviso(avviso, b"pdf") == zip_avviso(avviso, b"pdf")


def test_the_zip_holds_one_pdf_named_after_ente_and_iuv() -> None:
    archive = zipfile.ZipFile(io.BytesIO(zip_avviso(make_avviso(), b"%PDF-1.7 ...")))

    assert archive.namelist() == ["avviso_12345678903_01000000000000144.pdf"]
    assert archive.read("avviso_12345678903_01000000000000144.pdf") == b"%PDF-1.7 ..."
    assert archive.testzip() is None


@pytest.mark.parametrize("text", ["", "AUT. 1234", "del 1 gennaio", "AUT. 1 DEL 2 DEL 3"])
def test_an_authorisation_of_another_shape_does_not_break_the_print(text: str) -> None:
    pdf = render_avviso(make_avviso(conto_postale=ContoPostale("1", "Comune di Prova", text)))

    assert text in _text(pdf)
