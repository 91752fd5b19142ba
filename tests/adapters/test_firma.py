"""Promises of the port `Firme`, kept by xmlsec: what verifies comes back as the bytes that were signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import xmlsec

from adapters.firma.xmlsec_verifier import XmlsecFirme
from hub.formats.ws_security import WSU_ID
from hub.formats.xml import canonical
from hub.soap import ente
from hub.store import schema
from tests.certificates import make_identity, pin
from tests.soap.signing import ALL, SIGNER, part, signed, to_bytes
from tests.soap.zeep_client import open_door
from tests.world import World, open_world

NOW = datetime.now(UTC)


def test_the_signed_parts_come_back_as_they_were_signed():
    envelope = signed(NOW)

    parts = XmlsecFirme().verify(to_bytes(envelope), SIGNER.der)

    assert parts == {part(envelope, name).get(WSU_ID): canonical(part(envelope, name)) for name in ALL}


@pytest.mark.parametrize("name", ["dovuti", "codIpaEnte", "Created", "To", "MessageID", "DigestValue"])
def test_nothing_comes_back_of_a_message_that_was_changed(name):
    envelope = signed(NOW)
    part(envelope, name).text = "QUJD"

    assert XmlsecFirme().verify(to_bytes(envelope), SIGNER.der) is None


@pytest.mark.parametrize("identity", [make_identity("Uno sconosciuto"), make_identity("Firma EC", "ec")])
def test_nothing_comes_back_with_the_certificate_of_another(identity):
    assert XmlsecFirme().verify(to_bytes(signed(NOW)), identity.der) is None


@pytest.mark.parametrize("document", [b"", b"<a/>", b"<a", b"<!DOCTYPE a><a/>"])
def test_nothing_comes_back_of_what_is_not_signed(document):
    assert XmlsecFirme().verify(document, SIGNER.der) is None


def test_a_broken_certificate_verifies_nothing():
    assert XmlsecFirme().verify(to_bytes(signed(NOW)), b"nulla") is None


@pytest.mark.parametrize("values", [{"digest": xmlsec.Transform.SHA1}, {"transforms": (xmlsec.Transform.C14N,)}])
def test_what_the_form_would_refuse_does_not_run_here_either(values):
    assert XmlsecFirme().verify(to_bytes(signed(NOW, **values)), SIGNER.der) is None


class _Rewriting(XmlsecFirme):
    """A verifier that found other bytes to be the signed ones."""

    def verify(self, document: bytes, certificate: bytes) -> dict[str, bytes] | None:
        parts = super().verify(document, certificate)
        return parts and {id: text.replace(b"C_PROVA", b"C_VICINO") for id, text in parts.items()}


def test_the_hub_processes_what_the_verifier_returns_and_not_the_message(sqlite_url: str):
    with open_world(sqlite_url) as world:
        pin(world, SIGNER)
        pin(world, SIGNER, ente_id=2)
        rewriting = World(replace(world.runtime, firme=_Rewriting()), world.clock, world.nodo, world.cartella)

        answer = open_door(rewriting).post(ente.PATH, to_bytes(signed(world.clock())), {})

        assert b"<esito>OK</esito>" in answer.body
        assert [row.ente_id for row in world.rows(schema.sessioni)] == [2]
