"""The documents Versamento and DovutiEntiSecondari: golden files, what they refuse and how they say so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hub.domain.errors import XmlDovutiNonValido
from hub.formats.dovuti import read_dovuti
from hub.formats.enti_secondari import read_enti_secondari
from hub.formats.versamento import read_versamento

DATA = Path(__file__).parents[1] / "data"
HOSTILE = sorted((DATA / "crashers" / "dovuti").glob("*"))
READERS = {"versamento": read_versamento, "enti_secondari": read_enti_secondari}
GOOD = [(read, path) for name, read in READERS.items() for path in sorted((DATA / name).glob("*.xml"))]
VERSAMENTO = (DATA / "versamento" / "completo.xml").read_text(encoding="utf-8")
SECONDARI = (DATA / "enti_secondari" / "completo.xml").read_text(encoding="utf-8")


def refusal(read, text: str | bytes) -> str:
    with pytest.raises(XmlDovutiNonValido) as caught:
        read(text.encode() if isinstance(text, str) else text)
    assert caught.value.code == "PAA_XML_NON_VALIDO"
    return caught.value.description


@pytest.mark.parametrize(("read", "path"), GOOD, ids=lambda value: getattr(value, "stem", ""))
def test_a_document_reads_as_its_golden_file_says(read, path):
    expected = json.loads(path.with_name(path.name + ".expected.json").read_text(encoding="utf-8"))

    document = read(path.read_bytes())

    assert json.loads(json.dumps(dataclasses.asdict(document), default=str)) == expected


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_hostile_document_is_refused_in_italian_without_its_content(read, path):
    description = refusal(read, path.read_bytes())

    assert "passwd" not in description and "RSSMRA80A01H501U" not in description


@pytest.mark.parametrize(
    ("read", "text", "old", "new", "words"),
    [
        (read_versamento, VERSAMENTO, ">100.00<", ">100.0<", ["importoSingoloVersamento", "'100.0'", "10.50"]),
        (read_versamento, VERSAMENTO, ">100.00<", f">{'0' * 16}1.00<", ["importoSingoloVersamento"]),
        (read_versamento, VERSAMENTO, ">60.00<", ">60<", ["importo", "'60'"]),
        (read_versamento, VERSAMENTO, ">60.00<", f">{'0' * 16}1.00<", ["importo"]),
        (read_versamento, VERSAMENTO, ">I<", ">IM<", ["azione", "'IM'", "1 caratteri"]),
        (read_versamento, VERSAMENTO, ">2026-12-31+01:00<", ">31/12/2026<", ["dataEsecuzionePagamento"]),
        (read_versamento, VERSAMENTO, ">2026-12-31+01:00<", ">12026-12-31<", ["dataEsecuzionePagamento", "9999"]),
        (read_versamento, VERSAMENTO, "<pay_i:azione>I</pay_i:azione>", "", ["azione"]),
        (read_versamento, VERSAMENTO, "2012/Pagamenti/Ente/", "2012/Altro/", ["namespace"]),
        (read_enti_secondari, SECONDARI, ">9/0201101IM/<", ">2/0201101IM/<", ["datiSpecificiRiscossione", "sette"]),
        (read_enti_secondari, SECONDARI, ">5.00<", ">0.00<", ["importoSingoloVersamento", "'0.00'"]),
        (read_enti_secondari, SECONDARI, ">Provincia di Prova<", f">{'x' * 36}<", ["denominazioneBeneficiario", "35"]),
    ],
)
def test_a_refusal_names_element_value_and_rule(read, text, old, new, words):
    description = refusal(read, text.replace(old, new, 1))

    assert all(word in description for word in words), description


def test_leading_zeros_beyond_reason_are_refused_in_dovuti_too():
    text = (DATA / "dovuti" / "minimo.xml").read_text(encoding="utf-8").replace(">12.34<", f">{'0' * 16}12.34<")

    assert "importoSingoloVersamento" in refusal(read_dovuti, text)


@pytest.mark.parametrize(
    ("read", "text", "other"), [(read_versamento, VERSAMENTO, SECONDARI), (read_enti_secondari, SECONDARI, VERSAMENTO)]
)
def test_a_document_is_known_by_its_type_not_by_its_root(read, text, other):
    root = "pay_i:Versamento" if read is read_versamento else "DovutiEntiSecondari"

    assert read(text.replace(root, root.replace("Versamento", "x").replace("Dovuti", "y")).encode())
    assert refusal(read, other)
