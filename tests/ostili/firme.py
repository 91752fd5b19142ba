"""Signed messages, built from words: how one is signed and what happens to it on its way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import xmlsec

from tests.certificates import make_identity
from tests.soap import attacks
from tests.soap.signing import ALL, SIGNER, Message, to_bytes

_METODI = {
    "rsa-sha256": xmlsec.Transform.RSA_SHA256, "rsa-sha1": xmlsec.Transform.RSA_SHA1,
    "rsa-md5": xmlsec.Transform.RSA_MD5,
}  # fmt: skip
_IMPRONTE = {"sha256": xmlsec.Transform.SHA256, "sha1": xmlsec.Transform.SHA1}
_TRASFORMAZIONI = {"exc-c14n": xmlsec.Transform.EXCL_C14N, "c14n": xmlsec.Transform.C14N}
# What happens on the way, by the first word of a step; the others are its arguments.
PASSI: dict[str, Callable[..., attacks.Change]] = {
    "testo": attacks.set_text,
    "attributo": attacks.set_attribute,
    "doppio": attacks.double,
    "figlio": attacks.child,
    "involucro": attacks.wrap_header,
    "trasforma": attacks.transform,
    "solo_trasforma": attacks.only_transform,
    "stesso_id": attacks.same_id,
    "corpo_nell_intestazione": lambda new_id: lambda envelope: attacks.wrap_in_header(envelope, new_id),
    "corpo_in_security": lambda: attacks.second_body,
    "corpo_in_object": lambda: attacks.wrap_in_object,
    "corpo_nel_corpo": lambda: attacks.wrap_in_new_body,
    "sposta_security": lambda: attacks.move_security,
    "sposta_firma": lambda: attacks.move_signature,
    "altra_security": lambda: attacks.second_security,
    "altro_timestamp": lambda: attacks.second_timestamp,
    "altro_attore": lambda: attacks.another_actor,
    "senza_riferimenti": lambda: attacks.no_references,
    "riferimento_ripetuto": lambda: attacks.repeated_reference,
    "id_semplice": lambda: attacks.plain_id,
    "senza_security": lambda: attacks.unsigned,
    "senza_firma": lambda: attacks.no_signature,
    "puntatore": lambda: attacks.pointer,
}


def build(words: dict[str, Any], address: str) -> list[bytes]:
    """Return the messages to send: the last one is the hostile one, those before it are taken."""
    values: dict[str, Any] = {"ente": words.get("ente", "C_FIRMA"), "to": words.get("to", address)}
    if "parti" in words:
        values["parts"] = tuple(part for part in ALL if part not in words["parti"]["senza"])
    if "metodo" in words:
        values["method"] = _METODI[words["metodo"]]
    if "impronta" in words:
        values["digest"] = _IMPRONTE[words["impronta"]]
    if "c14n" in words:
        values["c14n"] = _TRASFORMAZIONI[words["c14n"]]
    if "trasformazioni" in words:
        values["transforms"] = tuple(_TRASFORMAZIONI[name] for name in words["trasformazioni"])
    for italian, name in (("password", "password"), ("message_id", "message_id"), ("chiave_da", "named_by")):
        if italian in words:
            values[name] = words[italian]
    if words.get("firma_un_altro"):
        values["identity"] = make_identity("Uno sconosciuto")
    if words.get("chiave_di_un_altro"):
        stranger = make_identity("Uno sconosciuto").key_pem
        values["key"] = lambda _: xmlsec.Key.from_memory(stranger, xmlsec.KeyFormat.PEM, None)
    values["life"] = timedelta(seconds=words.get("vita_s", 300))
    created = datetime.now(UTC) + timedelta(seconds=words.get("creato_fra_s", 0))
    message = Message(created, identity=values.pop("identity", SIGNER), **values)
    envelope = message.sign(message.build())
    before = [to_bytes(envelope)] if words.get("due_volte") else []
    for verb, *arguments in words.get("passi", []):
        envelope = PASSI[verb](*arguments)(envelope)
    return [*before, to_bytes(envelope)]
