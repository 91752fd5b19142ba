"""Signed calls that are refused: wrapped, moved, replayed, out of time, by others, weaker, or not signed at all.

Each case changes one thing of a call that is accepted as it is; nothing may be written for it, and the reason stands in
the log line alone.
"""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from hub.domain.credenziali import Genere
from hub.formats.ws_security import DS, SOAP, WSA, WSU, WSU_ID
from hub.soap import ente
from hub.store import schema
from tests.certificates import make_identity, pin
from tests.soap import attacks
from tests.soap.signing import ADDRESS, ALL, SIGNER, Message, part, post, signed, to_bytes
from tests.soap.zeep_client import open_door
from tests.world import World

OTHER_APP = make_identity("Firma di un'altra applicazione")


def check_refused(world: World, envelope: Any, reason: str) -> None:
    answer, line = post(world, envelope)

    assert (answer.status, line["outcome"]) == (200, "PAA_ENTE_NON_VALIDO"), answer.body
    assert reason in line["reason"]
    assert reason.encode() not in answer.body
    assert world.rows(schema.sessioni) == []


@pytest.fixture
def signing_world(small_world: World) -> World:
    """An ente that requires signatures, whose application has a password too."""
    pin(small_world, SIGNER)
    pin(small_world, OTHER_APP, applicazione="mensa")
    pin(small_world, make_identity("Firma di un altro ente"), ente_id=2)
    small_world.change(schema.enti, "id", 1, autenticazione=["firma"])
    return small_world


def test_what_every_case_starts_from_is_accepted(signing_world):
    answer, line = post(signing_world, signed(signing_world.clock()))

    assert (answer.status, line["outcome"]) == (200, "ok")


# What the signer does otherwise: values of `Message`.
SIGNED_OTHERWISE: list[tuple[str, dict[str, Any], str]] = [
    ("no signature on the Body", {"parts": ALL[:-1]}, "Body non è firmato"),
    ("no signature on codIpaEnte", {"parts": ("Timestamp", "To", "MessageID", "Body")}, "intestazionePPT non è"),
    ("no signature on To", {"parts": ("Timestamp", "MessageID", "intestazionePPT", "Body")}, "To non è firmato"),
    ("no signature on MessageID", {"parts": ("Timestamp", "To", "intestazionePPT", "Body")}, "MessageID non è"),
    ("no signature on Timestamp", {"parts": ("To", "MessageID", "intestazionePPT", "Body")}, "Timestamp non è"),
    ("To of another service", {"to": "https://altro.example.org/ws"}, "To non è l'indirizzo"),
    ("To of another service of ours", {"to": ADDRESS + "/"}, "To non è l'indirizzo"),
    ("no To", {"to": None, "parts": ("Timestamp", "MessageID", "intestazionePPT", "Body")}, "0 elementi To"),
    ("no MessageID", {"message_id": None, "parts": ("Timestamp", "To", "intestazionePPT", "Body")}, "0 elementi Mes"),
    ("empty MessageID", {"message_id": " "}, "MessageID vuoto"),
    ("endless MessageID", {"message_id": "x" * 257}, "MessageID vuoto"),
    ("life that ends before it begins", {"life": timedelta(0)}, "Timestamp scaduto"),
    ("certificate of nobody", {"identity": attacks.STRANGER}, "certificato sconosciuto"),
    ("certificate of another ente", {"identity": make_identity("Firma di un altro ente")}, "certificato sconosciuto"),
    ("ente of somebody else", {"ente": "C_VICINO"}, "certificato sconosciuto"),
    ("unknown ente", {"ente": "C_NESSUNO"}, "ente sconosciuto"),
    ("wrong password beside it", {"password": "Sbagliata123"}, "password di nessuno"),
    ("password of another ente", {"password": "Vicino123456"}, "password di nessuno"),
    ("application, password of the ente", {"identity": OTHER_APP, "password": "Segreto12345"}, "password di nessuno"),
    ("SHA-1 signature", {"method": xmlsec.Transform.RSA_SHA1}, "algoritmo di firma"),
    ("SHA-1 digests", {"digest": xmlsec.Transform.SHA1}, "algoritmo di impronta"),
    ("inclusive canonicalization of the signature", {"c14n": xmlsec.Transform.C14N}, "trasformazione"),
    ("inclusive canonicalization of the parts", {"transforms": (xmlsec.Transform.C14N,)}, "trasformazione"),
    ("comments kept", {"transforms": (xmlsec.constants.TransformExclC14NWithComments,)}, "trasformazione"),
    ("no canonicalization", {"transforms": ()}, "non ha la forma"),
    ("two transforms", {"transforms": (xmlsec.Transform.EXCL_C14N,) * 2}, "non ha la forma"),
    ("raw key in KeyInfo", {"named_by": "key"}, "KeyInfo non ha la forma"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "reason"), [case[1:] for case in SIGNED_OTHERWISE],
                         ids=[case[0] for case in SIGNED_OTHERWISE])  # fmt: skip
def test_a_call_that_is_signed_otherwise_is_refused(signing_world, values, reason):
    check_refused(signing_world, signed(signing_world.clock(), **values), reason)


def _hmac(identity: Any) -> Any:
    public = identity.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, public)


def test_a_hmac_keyed_with_the_public_key_is_refused(signing_world):
    envelope = signed(signing_world.clock(), method=xmlsec.Transform.HMAC_SHA256, key=_hmac)

    check_refused(signing_world, envelope, "algoritmo di firma")


def test_a_signature_by_another_key_under_the_pinned_certificate_is_refused(signing_world):
    envelope = signed(
        signing_world.clock(),
        key=lambda _: xmlsec.Key.from_memory(attacks.STRANGER.key_pem, xmlsec.KeyFormat.PEM, None),
    )

    check_refused(signing_world, envelope, "firma che non corrisponde")


@pytest.mark.parametrize(("change", "reason"), [case[1:] for case in attacks.CHANGED],
                         ids=[case[0] for case in attacks.CHANGED])  # fmt: skip
def test_a_signed_call_that_was_changed_is_refused(signing_world, change, reason):
    check_refused(signing_world, change(signed(signing_world.clock())), reason)


def test_a_right_password_is_no_way_round_the_signature(signing_world):
    envelope = signed(signing_world.clock(), password="Segreto12345")

    check_refused(signing_world, attacks.unsigned(copy.deepcopy(envelope)), "l'ente chiede firma")
    check_refused(signing_world, attacks.set_text("SignatureValue", "QUJD")(envelope), "firma che non corrisponde")


def test_a_wrong_signature_is_binding_where_none_is_asked_for(signing_world):
    signing_world.change(schema.enti, "id", 1, autenticazione=None)
    envelope = signed(signing_world.clock(), password="Segreto12345")

    check_refused(signing_world, attacks.set_text("SignatureValue", "QUJD")(envelope), "firma che non corrisponde")


@pytest.mark.parametrize(("seconds", "reason"), [(360, "scaduto"), (86_400, "scaduto"), (-61, "futuro")])
def test_a_call_out_of_time_is_refused(signing_world, seconds, reason):
    envelope = signed(signing_world.clock())
    signing_world.clock.advance(seconds)

    check_refused(signing_world, envelope, reason)


@pytest.mark.parametrize(
    "envelope",
    [
        lambda now: attacks.wrap_in_new_body(signed(now)),
        lambda now: signed(now, parts=(*ALL[:-1], "paaSILInviaDovuti")),
        lambda now: attacks.set_attribute("dovuti", WSU_ID, "x")(signed(now)),
    ],
    ids=["Body in the payload of the new", "payload signed instead of Body", "id in the payload"],
)
def test_what_the_contract_does_not_know_is_refused_by_the_contract(signing_world, envelope):
    answer, line = post(signing_world, envelope(signing_world.clock()))

    assert (answer.status, line["outcome"]) == (500, "Client")
    assert signing_world.rows(schema.sessioni) == signing_world.rows(schema.messaggi_visti) == []


def test_a_long_life_does_not_keep_a_call_alive(signing_world):
    envelope = signed(signing_world.clock(), life=timedelta(days=1))
    signing_world.clock.advance(360)

    check_refused(signing_world, envelope, "scaduto")


def test_comments_between_the_parts_change_nothing_and_hide_nothing(signing_world):
    envelope = signed(signing_world.clock(), password="Segreto12345")
    commented = to_bytes(envelope).replace(b"Segreto12345", b"Segreto<!-- -->12345")
    commented = commented.replace(b"C_PROVA", b"C_<!--x-->PROVA")

    answer = open_door(signing_world).post(ente.PATH, commented, {})

    assert b"<esito>OK</esito>" in answer.body


@pytest.mark.parametrize(
    "values",
    [
        {"revoked_at": timedelta(seconds=-1)},
        {"expires_at": timedelta(seconds=-1)},
        {"valido_fino": timedelta(seconds=-1)},
        {"valido_dal": timedelta(seconds=1)},
    ],
    ids=str,
)
def test_a_certificate_that_is_over_signs_nothing(signing_world, values):
    gone = make_identity("Firma di ieri")
    pin(signing_world, gone, **{name: signing_world.clock() + offset for name, offset in values.items()})

    check_refused(signing_world, signed(signing_world.clock(), identity=gone), "certificato sconosciuto")


def test_a_certificate_of_connections_signs_nothing(signing_world):
    tls = make_identity("Certificato TLS")
    pin(signing_world, tls, Genere.CERTIFICATO)

    check_refused(signing_world, signed(signing_world.clock(), identity=tls), "certificato sconosciuto")


def test_a_header_that_must_be_understood_and_is_not_is_a_fault_also_when_signed(signing_world):
    message = Message(signing_world.clock(), parts=(*ALL, "ReplyTo"))
    envelope = message.build()
    reply_to = etree.SubElement(part(envelope, "Header"), WSA + "ReplyTo")
    reply_to.set(SOAP + "mustUnderstand", "1")

    answer, line = post(signing_world, message.sign(envelope))

    assert (answer.status, line["outcome"]) == (500, "MustUnderstand")


def test_what_is_processed_is_what_was_signed(signing_world):
    """The attributes and children that nobody signed are not there any more when the operation is called."""
    envelope = signed(signing_world.clock())
    etree.SubElement(part(envelope, "Header"), "{urn:x}intestazionePPT").text = "C_VICINO"
    envelope.append(etree.Element("estraneo"))

    assert post(signing_world, envelope)[1]["ente"] == "C_PROVA"


def test_thousands_of_ids_are_refused_before_any_cryptography(signing_world):
    envelope = signed(signing_world.clock())
    security = part(envelope, "Security")
    for number in range(20_000):
        etree.SubElement(security, "x").set(WSU + "Id", f"i{number}")

    check_refused(signing_world, envelope, "troppi identificatori")


def _crowded(envelope: Any) -> None:
    for number in range(20_000):
        part(envelope, "Security").set(f"a{number}", "")


def _many_namespaces(envelope: Any) -> None:
    names = {f"p{number}": f"urn:{number}" for number in range(5000)}
    envelope.append(envelope.makeelement("involucro", nsmap=names))


@pytest.mark.parametrize("crowd", [_crowded, _many_namespaces])
def test_what_is_costly_in_canonical_form_is_refused_before_it(signing_world, crowd, monkeypatch):
    canonical = []
    tostring = etree.tostring

    def counted(element: Any, **how: Any) -> Any:
        if how.get("method") == "c14n":
            canonical.append(element)
        return tostring(element, **how)

    monkeypatch.setattr(etree, "tostring", counted)
    assert post(signing_world, signed(signing_world.clock()))[1]["outcome"] == "ok" and canonical
    envelope = signed(signing_world.clock())
    crowd(envelope)
    canonical.clear()

    answer, line = post(signing_world, envelope)

    assert (line["outcome"], answer.status) == ("PAA_ENTE_NON_VALIDO", 200) and canonical == []
    assert "troppi attributi o namespace" in line["reason"]


def test_thousands_of_references_are_refused_before_any_cryptography(signing_world):
    envelope = signed(signing_world.clock())
    reference = part(envelope, "SignedInfo").find(DS + "Reference")
    for _ in range(5000):
        reference.addnext(copy.deepcopy(reference))

    check_refused(signing_world, envelope, "nessun riferimento, o troppi")


