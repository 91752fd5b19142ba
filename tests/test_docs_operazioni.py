"""docs/operazioni: the pages are what their generator makes now; what they show is what the hub takes and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from docs.pagine import campi, modello
from docs.pagine.contratto import campi as fields_of
from docs.pagine.contratto import operazioni
from hub.domain.guasti import CATALOGO, OPERAZIONI_ENTE
from hub.formats import schemi
from hub.formats.resources import resource
from hub.formats.xml import parse
from hub.soap.contract import SOAP_ENV, load_contract
from hub.soap.ente import RELAXED
from tests.racconto import Racconto, play
from tests.soap.walk.tables import TABLES

DOCUMENTI = ("ctDovuti", "ctDovutiEntiSecondari", "ctVersamento", "ctPagati", "ctPagatiConRicevuta")
# The page shows a request that is refused for its document.
RIFIUTATO = "importoSingoloVersamento"


@pytest.fixture(scope="module")
def racconto(tmp_path_factory: pytest.TempPathFactory) -> Racconto:
    return play(tmp_path_factory.mktemp("racconto"))


@pytest.fixture(scope="module")
def schema() -> Any:
    return load_contract(resource("wsdl", "pa-per-ente.wsdl"), RELAXED).schema


def page(name: str) -> str:
    return (modello.FOLDER / name).read_text(encoding="utf-8")


def xml_of(name: str) -> Iterator[etree._Element]:
    """Every message and document of a page."""
    for block in re.findall(r"^```xml\n(.*?)^```", page(f"{name}.md"), re.MULTILINE | re.DOTALL):
        yield parse(block.encode())


def test_the_pages_are_what_the_generator_makes_now(racconto: Racconto) -> None:
    made = modello.pages(racconto, TABLES)

    assert {path.name for path in modello.FOLDER.iterdir()} == set(made)
    stale = [name for name, text in made.items() if page(name) != text]
    assert stale == [], "make docs writes them again"


def test_the_same_story_gives_the_same_bytes(racconto: Racconto, tmp_path: Path) -> None:
    again = play(tmp_path)

    assert (again.chiamate, again.http) == (racconto.chiamate, racconto.http)


def test_every_operation_of_the_contract_has_a_page_and_an_example(racconto: Racconto) -> None:
    assert set(modello.TESTI) == set(operazioni()) == set(OPERAZIONI_ENTE)
    assert {name for name in operazioni() if racconto.di(name)} == set(operazioni())


@pytest.mark.parametrize("name", OPERAZIONI_ENTE)
def test_what_a_page_shows_is_valid_and_as_the_hub_answered(name: str, racconto: Racconto, schema: Any) -> None:
    bodies, documents = [], []
    for root in xml_of(name):
        (bodies if root.tag == f"{{{SOAP_ENV}}}Envelope" else documents).append(root)

    for call in racconto.di(name):
        text = modello.indented(call.risposta)
        assert text in page(f"{name}.md")
        assert re.sub("\n *", "", text).encode() == call.risposta.replace(b"\n", b"")
    assert len(bodies) == 2 * len(racconto.di(name))
    for body in bodies:
        (payload,) = body.find(f"{{{SOAP_ENV}}}Body")
        errors = [str(error) for error in schema.check(payload)]
        is_fault_alone = [child.tag for child in payload] == ["fault"]
        assert [error for error in errors if not (is_fault_alone and "incompleto" in error)] == []
    wrong = [error for one in documents for error in schemi.schema(_schema_of(one)).check(one)]
    refused = [call for call in racconto.di(name) if call.esito.findtext("fault/faultCode") == "PAA_XML_NON_VALIDO"]
    assert len(wrong) >= len(refused) and bool(wrong) == bool(refused)
    assert all(RIFIUTATO in str(error) for error in wrong)


def _schema_of(document: etree._Element) -> str:
    return schemi.RPT_RT if document.tag.endswith("}RT") else schemi.DOVUTI_PAGATI


@pytest.mark.parametrize("name", OPERAZIONI_ENTE)
def test_a_page_tells_every_fault_of_its_operation(name: str) -> None:
    told = re.findall(r"^\|.*? \| `((?:CODE_)?PAA_\w+)` \|", page(f"{name}.md"), re.MULTILINE)

    assert sorted(told) == sorted(guasto.code for guasto in CATALOGO if name in guasto.operazioni)


def test_every_field_has_its_sentence_and_no_sentence_is_left() -> None:
    messages = [tipo for name in operazioni() for tipo in (name, f"{name}Risposta")]
    kinds = {campi.OPERAZIONI: messages, campi.GUASTO: ["faultBean"], campi.DOCUMENTI: DOCUMENTI}
    for genere, tipi in kinds.items():
        fields = [campo for tipo in tipi for campo in fields_of(tipo) if not campo.path.startswith("fault/")]

        assert {campi.chiave(campo, genere) for campo in fields} == set(campi.frasi(genere))
