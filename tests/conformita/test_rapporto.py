"""The report: signed, whole or not, and a page in which hostile words stay words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree, html

from adapters.firma.xmlsec_rapporto import sign, verify
from hub.domain.conformita import REGOLE, Esito, giudica
from hub.domain.conformita.prove import Prove
from hub.domain.conformita.rapporto import Rapporto
from hub.domain.errors import InvalidRequest
from hub.formats.identita_rapporto import Identita, crea_identita, firmatario_of, read_identita
from hub.formats.rapporto_conformita import read_xml, render_json, render_xml
from hub.formats.rapporto_conformita_html import render_html
from hub.formats.xml import XmlNonValido
from tests.conformita.casi import CONTENUTO, TRASPORTO, chiamata, prove

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
IDENTITA = crea_identita(NOW)
OSTILE = '<script>alert("x")</script>&\x00\u202e'


def make_rapporto(evidence: Prove | None = None, **values: Any) -> Rapporto:
    said = {"id": "r-1", "istante": NOW, "versione": "0.1.0", "cod_ipa_ente": "C_PROVA", "nome_ente": "Comune"} | values
    return Rapporto(verdetti=giudica(evidence or TRASPORTO["TRA-12"][1]), **said)


def signed(rapporto: Rapporto, identita: Identita = IDENTITA) -> bytes:
    return sign(render_xml(rapporto, {"conformita.json": b"{}"}), identita.chiave, identita.certificato)


def ec_identity() -> Identita:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Regione di prova")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return read_identita(pem, certificate.public_bytes(Encoding.PEM))


@pytest.mark.parametrize("identita", [IDENTITA, ec_identity()], ids=["rsa", "ec"])
def test_a_signed_report_proves_what_it_says_and_who_signed(identita: Identita) -> None:
    found = verify(signed(make_rapporto(), identita))

    assert found is not None
    letto = read_xml(found[0])
    assert (letto.id, letto.ente, letto.conforme) == ("r-1", "C_PROVA", False)
    assert letto.conto["VIOLATA"] == 1 and sum(letto.conto.values()) == len(REGOLE)
    assert firmatario_of(found[1]) == replace(identita.firmatario, is_autofirmato=True)


@pytest.mark.parametrize(
    ("what", "instead"),
    [(b"VIOLATA", b"RISPETTATA"), (b"C_PROVA", b"C_ALTRO"), (b"<rapporto>", b"<!-- --><rapporto>1"), (b"r-1", b"r-2")],
)
def test_a_report_that_was_changed_proves_nothing(what: bytes, instead: bytes) -> None:
    document = signed(make_rapporto())
    assert what in document

    assert verify(document.replace(what, instead)) is None


def test_a_signature_over_a_part_or_moved_elsewhere_proves_nothing() -> None:
    document = signed(make_rapporto())
    wrapped = b"<a>" + document.partition(b"?>\n")[2] + b"</a>"
    root = etree.fromstring(document)
    root.append(etree.fromstring(etree.tostring(root[-1])))

    assert verify(wrapped) is None and verify(etree.tostring(root)) is None
    assert verify(document.replace(b'URI=""', b'URI="#x"')) is None
    assert verify(b"<a/>") is None and verify(b"no") is None
    assert verify(b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>") is None


def test_what_is_signed_but_is_no_report_is_refused() -> None:
    found = verify(sign(b"<altro/>", IDENTITA.chiave, IDENTITA.certificato))

    assert found is not None
    with pytest.raises(XmlNonValido):
        read_xml(found[0])


def test_a_key_that_is_not_of_the_certificate_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="non è quella"):
        read_identita(IDENTITA.chiave, ec_identity().certificato)
    with pytest.raises(InvalidRequest, match="non si leggono"):
        read_identita(b"no", b"no")


def test_the_page_shows_hostile_words_as_words_and_takes_nothing_from_elsewhere() -> None:
    busta = replace(TRASPORTO["TRA-12"][1].chiamate[0].busta, qualificati=(OSTILE,), header_ente=OSTILE)
    hostile = prove(chiamata(operazione="paaSILInviaDovuti", busta=busta))
    page = render_html(make_rapporto(hostile, nome_ente=OSTILE, callback=OSTILE), IDENTITA.firmatario)

    tree = html.fromstring(page.decode())
    assert not tree.xpath("//script|//img|//link|//iframe|//@onclick|//a/@href")
    assert '<script>alert("x")</script>&' in tree.text_content()
    assert "\x00" not in page.decode()


def test_the_page_and_the_json_tell_every_rule_with_its_outcome_and_mend() -> None:
    rapporto = make_rapporto(CONTENUTO["CON-11"][1])

    tree = html.fromstring(render_html(rapporto, IDENTITA.firmatario).decode())
    said = json.loads(render_json(rapporto))

    assert [row.get("id") for row in tree.iter("tr") if row.get("id")] == [regola.codice for regola in REGOLE]
    (row,) = tree.xpath("//tr[@id='CON-11']")
    assert "VIOLATA" in row.text_content() and "12.5" in row.text_content() and "10.50" in row.text_content()
    assert tree.get("lang") == "it" and "autofirmato" in tree.text_content()
    (rule,) = (one for one in said["regole"] if one["codice"] == "CON-11")
    assert (rule["esito"], rule["casi"], rule["contrari"]) == ("VIOLATA", 1, 1)
    assert rule["rimedio"] and said["conforme"] is False and said["conto"]["VIOLATA"] == 1


def test_what_was_not_seen_is_neither_praise_nor_blame() -> None:
    rapporto = make_rapporto(Prove("C_PROVA", NOW))

    assert rapporto.is_conforme and rapporto.conto[Esito.NON_VISTA] == len(REGOLE)
    assert b"fra le 0" in render_html(rapporto, IDENTITA.firmatario)
