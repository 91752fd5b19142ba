"""The document Dovuti: golden files, what it refuses and how it says so."""

from __future__ import annotations

import base64
import dataclasses
import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.errors import XmlDovutiNonValido
from hub.formats.documenti_ente import decode_base64_field
from hub.formats.dovuti import read_dovuti

DATA = Path(__file__).parents[1] / "data"
GOOD = sorted((DATA / "dovuti").glob("*.xml"))
BAD = sorted((DATA / "crashers" / "dovuti").glob("*"))
MINIMO = (DATA / "dovuti" / "minimo.xml").read_text(encoding="utf-8")
PERSONAL = ("RSSMRA80A01H501U", "Mario Rossi", "mario@example.org", "Via Segreta")


def refusal(text: str | bytes) -> str:
    with pytest.raises(XmlDovutiNonValido) as caught:
        read_dovuti(text.encode() if isinstance(text, str) else text)
    assert caught.value.code == "PAA_XML_NON_VALIDO"
    return caught.value.description


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_document_reads_as_its_golden_file_says(path):
    expected = json.loads(path.with_name(path.name + ".expected.json").read_text(encoding="utf-8"))

    document = read_dovuti(path.read_bytes())

    assert json.loads(json.dumps(dataclasses.asdict(document))) == expected


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_hostile_document_is_refused_in_italian_without_its_content(path):
    description = refusal(path.read_bytes())

    assert description
    assert "passwd" not in description
    assert not any(word in description for word in PERSONAL)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (">12.34<", ">12.3<", ["importoSingoloVersamento", "'12.3'", "10.50"]),
        (">12.34<", ">12,34<", ["importoSingoloVersamento", "'12,34'"]),
        (">12.34<", ">+12.34<", ["importoSingoloVersamento"]),
        (">12.34<", ">0.00<", ["importoSingoloVersamento", "'0.00'"]),
        (">12.34<", ">1000000000.00<", ["importoSingoloVersamento"]),
        (">12.34<", ">1<!-- -->2.3<", ["importoSingoloVersamento", "'12.3'"]),
        (">TARI-2026-1<", f">{'x' * 36}<", ["identificativoUnivocoDovuto", "35"]),
        (">9/0101101IM/<", ">7/0101101IM/<", ["datiSpecificiRiscossione", "'7/0101101IM/'"]),
        ("<pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>", "", ["tipoVersamento"]),
        (
            "</pay_i:anagraficaPagatore>",
            "</pay_i:anagraficaPagatore><pay_i:civicoPagatore/>",
            ["civicoPagatore", "vuoto", "omesso"],
        ),
    ],
)
def test_a_refusal_names_element_value_and_rule(old, new, words):
    description = refusal(MINIMO.replace(old, new, 1))

    assert all(word in description for word in words), description


@pytest.mark.parametrize(
    ("old", "new", "element", "value"),
    [
        ("RSSMRA80A01H501U", "RSSMRA80A01H501U" * 3, "codiceIdentificativoUnivoco", "RSSMRA"),
        ("Mario Rossi", "Mario Rossi" * 9, "anagraficaPagatore", "Rossi"),
        (
            "</pay_i:anagraficaPagatore>",
            "</pay_i:anagraficaPagatore><pay_i:e-mailPagatore>mario at example</pay_i:e-mailPagatore>",
            "e-mailPagatore",
            "mario at",
        ),
        ("Tassa rifiuti 2026", "multa di Mario " * 100, "causaleVersamento", "multa"),
    ],
)
def test_what_belongs_to_a_person_is_never_quoted(old, new, element, value):
    description = refusal(MINIMO.replace(old, new, 1))

    assert element in description
    assert value not in description


def test_the_wrong_dovuto_among_several_is_pointed_at():
    start = MINIMO.index("    <pay_i:datiSingoloVersamento>")
    end = MINIMO.index("  </pay_i:datiVersamento>")
    block = MINIMO[start:end]
    wrong = MINIMO[:end] + block.replace("12.34", "5") + MINIMO[end:]

    assert "(dovuto 2 di 2), valore '5'" in refusal(wrong)


def test_six_dovuti_are_refused():
    start = MINIMO.index("    <pay_i:datiSingoloVersamento>")
    end = MINIMO.index("  </pay_i:datiVersamento>")

    assert "datiSingoloVersamento" in refusal(MINIMO[:end] + MINIMO[start:end] * 5 + MINIMO[end:])


def test_a_comment_inside_a_value_does_not_cut_it():
    document = read_dovuti(MINIMO.replace("TARI-2026-1", "TARI-<!-- -->2026-<?x y?>1").encode())

    assert document.dovuti[0].iud == "TARI-2026-1"


def test_wrong_utf8_is_told_from_malformed_xml():
    assert "UTF-8" in refusal(MINIMO.replace("rifiuti", "città").encode("latin-1"))


@pytest.mark.parametrize("levels", [1, 2])
def test_one_or_two_levels_of_base64_are_read_with_line_breaks(levels):
    data = MINIMO.encode()
    for _ in range(levels):
        data = base64.encodebytes(data)

    assert decode_base64_field(data.decode()) == MINIMO.encode()


@pytest.mark.parametrize("text", ["", "  ", "@@@", "PD94*", "PD9", "è", "PD94=====", "PGEvPg==@"])
def test_what_is_not_base64_is_refused(text):
    with pytest.raises(XmlDovutiNonValido) as caught:
        decode_base64_field(text)

    assert "base64" in caught.value.description


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    with pytest.raises(XmlDovutiNonValido):
        read_dovuti(data)


@given(st.integers(0, len(MINIMO.encode()) - 1), st.integers(0, 255))
def test_one_changed_byte_is_read_or_refused(position, byte):
    data = bytearray(MINIMO.encode())
    data[position] = byte
    try:
        read_dovuti(bytes(data))
    except XmlDovutiNonValido as error:
        assert error.description  # either outcome is right, a third is not


def test_refusals_do_not_cross_between_threads():
    """libxml2 keeps a validation's errors on the schema: without a lock one caller reads another's values."""
    seen: list[str] = []

    def work(name: str) -> None:
        bad = MINIMO.replace(">12.34<", f">{name}<").encode()
        for _ in range(150):
            try:
                read_dovuti(bad)
            except XmlDovutiNonValido as error:
                if f"'{name}'" not in error.description:
                    seen.append(error.description)

    threads = [threading.Thread(target=work, args=(f"caller{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == []
