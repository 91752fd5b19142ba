"""`Dovuti` as the hub writes it: valid for its schema, and read back the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.documenti import DocumentoDovuti, MarcaBollo, SingoloDovuto, Soggetto
from hub.formats import schemi
from hub.formats.dovuti import read_dovuti, render_dovuti
from hub.formats.xml import parse
from tests.factories import HASH_MARCA

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "dovuti").glob("*.xml"))
BILANCIO = (
    "<bilancio><capitolo><codCapitolo>C&amp;1</codCapitolo><accertamento><codAccertamento>A</codAccertamento>"
    "<importo>12.50</importo></accertamento></capitolo></bilancio>"
)
DOVUTO = SingoloDovuto("IUD-1", 1250, "TARI", "Tassa rifiuti", "9/0101101IM/")
DOCUMENTO = DocumentoDovuti(
    "6.2.0", Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi"), "ALL", (DOVUTO,), iuv="01000000000000144"
)


def check(data: bytes) -> None:
    assert schemi.schema(schemi.DOVUTI_PAGATI).check(parse(data)) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_was_read_is_written_and_read_the_same(path: Path) -> None:
    documento = read_dovuti(path.read_bytes())

    data = render_dovuti(documento)

    check(data)
    assert read_dovuti(data) == documento


def test_the_form_is_that_of_the_other_documents() -> None:
    data = render_dovuti(DOCUMENTO)

    check(data)
    assert data.startswith(b"<pay_i:Dovuti ")
    assert b"<pay_i:importoSingoloVersamento>12.50</pay_i:importoSingoloVersamento>" in data
    assert b"<pay_i:identificativoUnivocoVersamento>01000000000000144</pay_i:" in data


def test_a_stamp_has_its_province_and_not_its_hash_in_it() -> None:
    """The original writes the hash there."""
    marca = MarcaBollo("01", HASH_MARCA, "VE")

    data = render_dovuti(replace(DOCUMENTO, dovuti=(replace(DOVUTO, marca=marca),)))

    check(data)
    assert b"<pay_i:provinciaResidenza>VE</pay_i:provinciaResidenza>" in data
    assert read_dovuti(data).dovuti[0].marca == marca


def test_bilancio_and_commissione_come_back() -> None:
    dovuto = replace(DOVUTO, bilancio_xml=BILANCIO, commissione_cent=130)

    data = render_dovuti(replace(DOCUMENTO, dovuti=(dovuto,)))

    check(data)
    read = read_dovuti(data).dovuti[0]
    assert (read.bilancio_xml, read.bilancio_cent, read.commissione_cent) == (BILANCIO, 1250, 130)


def test_a_document_without_dovuti_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError):
        render_dovuti(replace(DOCUMENTO, dovuti=()))


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=1100), blank=st.sampled_from(["", " ", None]))
def test_any_text_that_was_kept_makes_a_valid_document(text: str, blank: str | None) -> None:
    pagatore = Soggetto("F", "X", text, indirizzo=text, civico=text, cap=blank, provincia=text[:2], nazione=text[:2],
                        email=text)  # fmt: skip

    check(render_dovuti(replace(DOCUMENTO, pagatore=pagatore, dovuti=(replace(DOVUTO, causale=text),))))
