"""Signed calls that are accepted: from zeep, and in every way the token profile names a certificate."""

from __future__ import annotations

from pathlib import Path

import pytest
import xmlsec
from zeep.wsa import WsAddressingPlugin

from examples.firma_modi import FirmaModI
from hub.formats.ws_security import SOAP, WSA
from hub.soap import ente
from hub.store import schema
from hub.usecases import forget_messaggi
from tests.certificates import make_identity, pin
from tests.factories import make_documento
from tests.soap.signing import ALL, SIGNER, Message, part, signed, to_bytes
from tests.soap.zeep_client import ente_client, intestazione, open_door
from tests.world import World

EC = make_identity("Firma EC", "ec")


def ask(world: World, envelope, **more) -> str | None:
    """Post an envelope; return the fault code of the answer, None when it is OK."""
    answer = open_door(world, **more).post(ente.PATH, to_bytes(envelope), {})
    assert answer.status == 200, answer.body
    if b"<faultCode>" in answer.body:
        return answer.body.partition(b"<faultCode>")[2].partition(b"<")[0].decode()
    assert b"<esito>OK</esito>" in answer.body
    return None


@pytest.mark.parametrize("kind", ["rsa2048", "ec"])
def test_a_call_signed_by_zeep_is_accepted(world, tmp_path: Path, kind: str):
    identity = make_identity(f"zeep {kind}", kind)
    pin(world, identity, applicazione="mensa", tipi=["TARI"])
    world.change(schema.enti, "id", 1, autenticazione=["firma"])
    certificate, key = identity.write(tmp_path, "mensa")
    method = xmlsec.Transform.ECDSA_SHA256 if kind == "ec" else xmlsec.Transform.RSA_SHA256
    door = open_door(world)
    client = ente_client(
        door, "https://hub.example.org", wsse=FirmaModI(key, certificate, metodo=method), plugins=[WsAddressingPlugin()]
    )

    answers = [
        client.paaSILInviaDovuti(password="", dovuti=make_documento().xml, _soapheaders=intestazione("C_PROVA")),
        client.paaSILInviaDovuti(password="", dovuti=make_documento().xml, _soapheaders=intestazione("C_PROVA")),
    ]
    read = client.paaSILChiediPagati(codIpaEnte="C_PROVA", password="", idSession=answers[0].idSession)

    assert [answer.fault for answer in answers] == [None, None]
    assert read.fault.faultCode == "PAA_PAGAMENTO_NON_INIZIATO"
    assert world.sessione(answers[0].idSession).applicazione == "mensa"
    assert len(world.rows(schema.messaggi_visti, impronta=identity.read.impronta)) == 3


@pytest.mark.parametrize("named_by", ["token", "thumbprint", "issuer"])
def test_a_pinned_certificate_may_be_named_in_any_way_of_the_profile(small_world, named_by):
    pin(small_world, SIGNER)

    assert ask(small_world, signed(small_world.clock(), named_by=named_by)) is None


@pytest.mark.parametrize(
    "values",
    [
        {"method": xmlsec.Transform.RSA_SHA512, "digest": xmlsec.Transform.SHA512},
        {"prefixes": "s wsu"},
        {"password": "Segreto12345"},
        {"message_id": "x" * 256},
        {"to": "\n " + "https://hub.example.org" + ente.PATH + " "},
    ],
)
def test_what_an_honest_client_may_do_otherwise_is_accepted(small_world, values):
    pin(small_world, SIGNER)

    assert ask(small_world, signed(small_world.clock(), **values)) is None


def test_more_may_be_signed_than_must(small_world):
    pin(small_world, SIGNER)
    message = Message(small_world.clock(), parts=(*ALL, "Action"))
    envelope = message.build()
    action = part(envelope, "MessageID").makeelement(WSA + "Action")
    action.set(SOAP + "mustUnderstand", "1")
    action.text = "paaSILInviaDovuti"
    part(envelope, "Header").append(action)

    assert ask(small_world, message.sign(envelope)) is None


@pytest.mark.parametrize("seconds", [-59, 0, 299, 359])
def test_clocks_may_be_a_little_apart(small_world, seconds):
    pin(small_world, SIGNER)
    envelope = signed(small_world.clock())
    small_world.clock.advance(seconds)

    assert ask(small_world, envelope) is None


def test_a_signature_stands_beside_a_password_of_the_same_caller(small_world):
    pin(small_world, SIGNER)

    assert ask(small_world, signed(small_world.clock(), password="Segreto12345")) is None


def test_old_and_new_certificate_sign_together_until_the_overlap_ends(small_world):
    pin(small_world, SIGNER, expires_at=small_world.clock().replace(microsecond=0))
    pin(small_world, EC)
    new = {"identity": EC, "method": xmlsec.Transform.ECDSA_SHA256}
    small_world.clock.advance(-1)
    assert ask(small_world, signed(small_world.clock())) is None
    small_world.clock.advance(1)

    assert ask(small_world, signed(small_world.clock())) == "PAA_ENTE_NON_VALIDO"
    assert ask(small_world, signed(small_world.clock(), **new)) is None


def test_an_application_that_signs_does_what_it_was_granted_and_no_more(small_world):
    pin(small_world, SIGNER, applicazione="mensa", operazioni=["paaSILChiediPagati"])

    assert ask(small_world, signed(small_world.clock())) == "PAA_ENTE_NON_VALIDO"


def test_old_ids_are_forgotten_and_young_ones_are_not(world):
    pin(world, SIGNER)
    assert ask(world, signed(world.clock(), message_id="urn:vecchio")) is None
    world.clock.advance(1800)
    assert ask(world, signed(world.clock(), message_id="urn:giovane")) is None
    world.clock.advance(1801)

    assert forget_messaggi.run_once(world.db, world.clock()) is False
    assert [row.message_id for row in world.rows(schema.messaggi_visti)] == ["urn:giovane"]


def test_unsigned_addressing_headers_are_ignored_as_ever(small_world):
    message = Message(small_world.clock(), password="Segreto12345")
    envelope = message.build()
    part(envelope, "Header").remove(part(envelope, "Security"))

    assert ask(small_world, envelope) is None
