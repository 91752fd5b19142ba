"""The printed notice, read back: its words, its two codes, the ZIP around it. How it looks: test_avviso_page.py."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFilter

from hub.domain.avviso import Avviso, ContoPostale, EnteCreditore, data_matrix_text, qr_text
from hub.domain.documenti import Soggetto
from hub.formats.avviso import render_avviso, zip_avviso
from tests.factories import CODICE_FISCALE, PARTITA_IVA, make_avviso
from tests.formats.pages import picture, text_of

HOSTILE = r"""#panic("x") #read("/etc/passwd") $x^2$ *b* _i_ `r` \u{41} \" ' <a>&amp; @l // c /* d */ [e] {f} = g"""
# A worker prints by the thousand: what it may keep after three hundred, once it is warm.
GROWTH_MAX_BYTES = 40 * 1024 * 1024


def _codes(pdf: bytes) -> dict[str, str]:
    return {code.format.name: code.text for code in zxingcpp.read_barcodes(picture(pdf, dpi=200))}


def _to(nome: str, **changes: object) -> Avviso:
    return make_avviso(destinatario=replace(make_avviso().destinatario, anagrafica=nome), **changes)


def test_the_notice_says_who_how_much_by_when_and_to_whom() -> None:
    text = text_of(render_avviso(make_avviso(importo_cent=123_456)))

    for words in (
        "AVVISO DI PAGAMENTO TARI 2024 saldo",
        "ENTE CREDITORE Cod. Fiscale 12345678903 Comune di Prova Ufficio Tributi",
        "DESTINATARIO Cod. Fiscale RSSMRA80A01H501U Mario Rossi Via Roma 1 00100 Roma (RM)",
        "1.234,56 Euro entro il 31/12/2026",
        "Rata unica entro il 31/12/2026",
        "Codice CBILL AB123",
        "Codice avviso 3010 0000 0000 0001 44",
    ):
        assert words in text


def test_the_postal_slip_stands_where_there_is_a_postal_account_only() -> None:
    with_slip = text_of(render_avviso(make_avviso()))
    without = text_of(render_avviso(make_avviso(conto_postale=None)))

    slip = with_slip[with_slip.index("BOLLETTINO POSTALE PA") :]
    for words in (
        "C/C n. 12345678",
        "120,50 Euro",
        "Intestato a Comune di Prova - Tesoreria",
        "Destinatario Mario Rossi",
        "Codice avviso 3010 0000 0000 0001 44",
        "Tipo P1",
        "AUT. DB/SISB/P1 1234 DEL 01/01/2020",
        "18301000000000000144120000123456781000000120503896",
    ):
        assert words in slip
    assert "BOLLETTINO" not in without and "P1" not in without


def test_without_a_due_date_none_is_printed() -> None:
    text = text_of(render_avviso(make_avviso(scadenza=None)))

    assert "entro il" not in text
    assert "Rata unica" in text


def test_what_is_missing_leaves_no_trace() -> None:
    avviso = make_avviso(
        ente=EnteCreditore("Comune di Prova", PARTITA_IVA),
        destinatario=Soggetto("F", "ANONIMO", "ANONIMO"),
        scadenza=None,
    )

    text = text_of(render_avviso(avviso))

    assert "Codice CBILL -" in text
    assert "DESTINATARIO Cod. Fiscale ANONIMO ANONIMO QUANTO" in text
    assert "None" not in text and "null" not in text and "()" not in text


@pytest.mark.parametrize("importo_cent", [1, 12050, 123_456, 9_999_999_999])
def test_both_codes_are_read_back_from_the_page(importo_cent: int) -> None:
    avviso = make_avviso(importo_cent=importo_cent)

    codes = _codes(render_avviso(avviso))

    assert codes == {"QRCode": qr_text(avviso), "DataMatrix": data_matrix_text(avviso)}


def test_both_codes_survive_a_bad_photocopy() -> None:
    avviso = make_avviso()
    page = picture(render_avviso(avviso), dpi=150).convert("L")

    copy = page.filter(ImageFilter.GaussianBlur(0.6)).rotate(1.5, fillcolor=255).point(lambda grey: (grey > 140) * 255)

    read = {code.format.name: code.text for code in zxingcpp.read_barcodes(copy)}
    assert read == {"QRCode": qr_text(avviso), "DataMatrix": data_matrix_text(avviso)}


def test_the_fullest_data_matrix_is_read_back() -> None:
    avviso = _to("Ax7" * 20, causale="Verbale 1a2B3c/4d5E6f, TARGA ZZ999ZZ: pagare! " * 5)

    assert _codes(render_avviso(avviso))["DataMatrix"] == data_matrix_text(avviso)


def test_an_amount_too_large_for_the_slip_leaves_the_qr_code_alone() -> None:
    avviso = make_avviso(importo_cent=99_999_999_999)

    pdf = render_avviso(avviso)

    assert _codes(pdf) == {"QRCode": qr_text(avviso)}
    assert "999.999.999,99 Euro" in text_of(pdf)


@pytest.mark.parametrize("start", range(0, len(HOSTILE), 35))
def test_words_of_others_are_printed_as_they_are_and_never_run(start: int) -> None:
    words = " ".join(HOSTILE[start : start + 35].split())
    ente = EnteCreditore(words, PARTITA_IVA, settore=words, contatti=words)
    payer = Soggetto("F", CODICE_FISCALE, words, words, None, None, words)
    conto = ContoPostale("1", words, words)

    text = text_of(render_avviso(Avviso(ente, payer, words, 1, None, "0" * 17, "3" + "0" * 17, conto)))

    # Ente, office and contacts; payer, street and town; subject; then the parts for banks and for the post office.
    assert text.count(words) == 14


def test_a_text_that_is_too_long_is_cut_with_dots() -> None:
    text = text_of(render_avviso(make_avviso(causale="Violazione del codice della strada " * 30)))

    oggetto = text[text.index("PAGAMENTO ") + len("PAGAMENTO ") : text.index(" ENTE CREDITORE")]
    assert oggetto == ("Violazione del codice della strada " * 30)[:89].rstrip() + "…"


def test_a_long_address_of_mail_can_be_copied_from_the_page() -> None:
    address = "ufficio.tributi.associati@unione.example"

    assert address in text_of(render_avviso(make_avviso(ente=EnteCreditore("Comune", PARTITA_IVA, contatti=address))))


@pytest.mark.parametrize(
    ("nome", "printed"),
    [
        ("Niccolò D’Aquì Özgür Łukasz Ștefan", "Niccolò D’Aquì Özgür Łukasz Ștefan"),
        ("Nicolo\u0300", "Nicolò"),
        ("Иванов", "Иванов"),
        ("李小龙 D’Aquì", "??? D’Aquì"),
        ("Ẁ🎉 Rossi", "W? Rossi"),
        ("Rossi \u202egnilrats\u202c\x00\x07 Mario", "Rossi gnilrats Mario"),
    ],
)
def test_every_letter_is_drawn_or_replaced(nome: str, printed: str) -> None:
    assert f"{printed} Via Roma" in text_of(render_avviso(_to(nome)))


def test_all_the_letters_of_the_latin_blocks_are_drawn_when_others_cannot_be() -> None:
    letters = "".join(c for c in map(chr, range(0xA1, 0x180)) if c.isprintable()) + "–—‘’‚“”„†‡•…‹›€™"
    for start in range(0, len(letters), 30):
        avviso = _to("李" + letters[start : start + 30])

        assert text_of(render_avviso(avviso)).partition("QUANTO")[0].count("?") == 1


@settings(max_examples=60, deadline=None)
@given(nome=st.text(max_size=70), causale=st.text(max_size=120), indirizzo=st.text(max_size=90))
def test_there_is_no_text_that_cannot_be_printed(nome: str, causale: str, indirizzo: str) -> None:
    payer = Soggetto("F", CODICE_FISCALE, nome, indirizzo, localita=causale)
    ente = EnteCreditore(nome, PARTITA_IVA, nome[:5], indirizzo, causale)

    pdf = render_avviso(make_avviso(ente=ente, destinatario=payer, causale=causale))

    assert "120,50 Euro" in text_of(pdf)


@pytest.mark.parametrize("text", ["", "AUT. 1234", "del 1 gennaio", "AUT. 1 DEL 2 DEL 3"])
def test_an_authorisation_of_another_shape_does_not_break_the_print(text: str) -> None:
    pdf = render_avviso(make_avviso(conto_postale=ContoPostale("1", "Comune di Prova", text)))

    assert text in text_of(pdf)


def test_equal_notices_give_equal_bytes_whoever_else_is_printing() -> None:
    notices = [_to(f"Mario Rossi {number}") for number in range(24)]
    alone = [render_avviso(avviso) for avviso in notices]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(render_avviso, notices))

    assert together == alone
    assert len(set(alone)) == len(alone)


def test_three_hundred_notices_in_a_row_do_not_grow_the_process() -> None:
    def print_from(number: int, count: int) -> None:
        for one in range(number, number + count):
            render_avviso(
                _to(f"Contribuente {one}", causale=f"Cartella {one}", iuv=f"{one:017}", numero_avviso=f"3{one:017}")
            )

    process = psutil.Process()
    print_from(0, 50)
    warm = process.memory_info().rss

    print_from(50, 300)

    assert process.memory_info().rss - warm < GROWTH_MAX_BYTES


def test_the_zip_holds_one_pdf_named_after_ente_and_iuv() -> None:
    avviso = make_avviso()
    zipped = zip_avviso(avviso, b"%PDF-1.7 ...")

    archive = zipfile.ZipFile(io.BytesIO(zipped))

    assert archive.testzip() is None
    assert archive.namelist() == ["avviso_12345678903_01000000000000144.pdf"]
    assert archive.read("avviso_12345678903_01000000000000144.pdf") == b"%PDF-1.7 ..."
    assert zip_avviso(avviso, b"%PDF-1.7 ...") == zipped
