"""Recorded bytes of a call -> what the rules of conformance look at. Hostile bytes are a finding, never an error.

Source: pa-per-ente, 1.1 to 1.6. Messages enter through `formats.xml` like every other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from lxml import etree

from hub.domain.conformita.operazioni import IMPORTA, INVIA, INVIA_CARRELLO, NAMESPACE, SOAP_11
from hub.domain.conformita.prove import Busta, Chiamata, Documento, ErroreSchema, Risposta
from hub.formats.base64_campi import decode_document
from hub.formats.conformita_documenti import Lettura, read_documento
from hub.formats.conformita_xml import encoding_of, has_doctype, is_struttura, local, namespace, read_root
from hub.formats.contratti import compile_wsdl
from hub.formats.resources import resource
from hub.formats.xml import Limits, Schema, XmlNonValido, parse

# What the door itself takes.
_LIMITS = Limits(bytes_max=8 * 1024 * 1024)
_PPTHEAD = NAMESPACE + "ppthead"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
# What is kept instead of a body whose characters are not UTF-8: the passwords in it could not be found.
_NASCOSTA = re.compile(rb"\[[0-9]+ byte che non si mostrano: [^\]]*\]")
# A leaf longer than this is a document, not a value.
_CAMPO_MAX = 4096
_CON_DOCUMENTI = {
    INVIA: {"dovuti": "Dovuti"},
    INVIA_CARRELLO: {"dovuti": "Dovuti", "dovutiEntiSecondari": "DovutiEntiSecondari"},
    IMPORTA: {"dovuto": "Versamento", "dovutiEntiSecondari": "DovutiEntiSecondari"},
}
# The recording hides passwords; the schema of showMyPay admits four letters, one less than its own default.
_NON_GIUDICATI = frozenset({"password", "passwordMypivot", "showMyPay"})


@dataclass(frozen=True, slots=True)
class Registrata:
    """A call as recorded: who answered what, when, and the bytes of both sides."""

    numero: int
    istante: datetime
    operazione: str
    esito: str
    stato_http: int
    durata_us: int
    richiesta: bytes
    risposta: bytes
    intestazioni: Mapping[str, str]


def read_chiamata(registrata: Registrata, lettura: Lettura) -> Chiamata:
    """Return what a recorded call says, as far as it can be read."""
    data = registrata.richiesta
    seen = Chiamata(
        numero=registrata.numero,
        istante=registrata.istante,
        operazione=registrata.operazione,
        esito=registrata.esito or "OK",
        stato_http=registrata.stato_http,
        durata_us=registrata.durata_us,
        intestazioni={name.lower(): value for name, value in registrata.intestazioni.items()},
        has_doctype=has_doctype(data),
        impronta=hashlib.sha256(data).hexdigest(),
    )
    try:
        root, is_codifica = read_root(data, _LIMITS)
    except XmlNonValido as error:
        # Of a call that was refused by its headers alone nothing was read.
        is_unread = not data and 400 <= registrata.stato_http < 500
        is_hidden = _NASCOSTA.fullmatch(data) is not None
        return replace(seen, problema="" if is_unread else error.reason, is_codifica=not is_hidden)
    body = next((child for child in root if local(child) == "Body"), None)
    inside = [] if body is None else list(body)
    verb = inside[0] if inside else None
    operazione = "" if verb is None else local(verb)
    return replace(
        seen,
        operazione=operazione,
        is_codifica=is_codifica,
        busta=_busta(root, inside, encoding_of(data)),
        campi={} if verb is None else _campi(verb),
        documenti=() if verb is None else tuple(_documenti(verb, operazione, lettura)),
        risposta=read_risposta(registrata.risposta),
    )


def _busta(root: Any, inside: list[Any], codifica: str) -> Busta:
    header = next((child for child in root if local(child) == "Header"), None)
    parts = [] if header is None else list(header)
    head = next((part for part in parts if local(part) == "intestazionePPT"), None)
    code = None if head is None else next((child for child in head if local(child) == "codIpaEnte"), None)
    verb = inside[0] if inside else None
    return Busta(
        codifica=codifica,
        soap=namespace(root),
        elementi_nel_body=len(inside),
        namespace="" if verb is None else namespace(verb),
        qualificati=() if verb is None else tuple(local(child)[:60] for child in verb if namespace(child)),
        has_intestazione=head is not None,
        is_intestazione_namespace=head is None or namespace(head) == _PPTHEAD,
        header_ente=None if code is None else (code.text or "")[:64] or None,
        is_header_ente_qualificato=code is not None and bool(namespace(code)),
        obblighi_estranei=tuple(
            local(part)[:60] for part in parts if part is not head and part.get(f"{{{SOAP_11}}}mustUnderstand") == "1"
        ),
        tipi_scritti=tuple(_written_types(root)),
        errori=() if verb is None or namespace(verb) != NAMESPACE else tuple(_errori(verb)),
    )


def _written_types(root: Any) -> Iterator[str]:
    for element in root.iter():
        if element.get(_XSI_TYPE) is not None or element.get(f"{{{SOAP_11}}}encodingStyle") is not None:
            yield local(element)[:60]


@cache
def _contract() -> Schema:
    return compile_wsdl(resource("wsdl", "pa-per-ente.wsdl"))


def _errori(verb: Any) -> Iterator[ErroreSchema]:
    # Alone, as the schema knows it: what the envelope declares comes along.
    for error in _contract().check(etree.fromstring(etree.tostring(verb))):
        if error.element not in _NON_GIUDICATI:
            yield ErroreSchema(error.element[:64], error.rule[:200], is_struttura(error))


def _campi(verb: Any) -> dict[str, str]:
    return {
        local(leaf): text.strip()
        for leaf in verb.iter()
        if not len(leaf) and len(text := leaf.text or "") <= _CAMPO_MAX
    }  # fmt: skip


def _documenti(verb: Any, operazione: str, lettura: Lettura) -> Iterator[Documento]:
    known = _CON_DOCUMENTI.get(operazione, {})
    is_generated = next((leaf.text or "" for leaf in verb.iter() if local(leaf) == "flagGeneraIuv"), "")
    for leaf in verb.iter():
        name = local(leaf)
        if name in known and not len(leaf):
            is_free = is_generated.strip().lower() in ("true", "1")
            yield read_documento(name, known[name], leaf.text or "", lettura, is_iuv_free=is_free)


def read_risposta(data: bytes) -> Risposta:
    """Return what the hub answered; of an answer that cannot be read, nothing."""
    try:
        root = parse(data, _LIMITS)
    except XmlNonValido:
        return Risposta()
    texts: dict[str, str] = {}
    has_fault = False
    for element in root.iter():
        has_fault = has_fault or element.tag == f"{{{SOAP_11}}}Fault"
        if not len(element) and (text := (element.text or "").strip()):
            texts.setdefault(local(element), text)
    return Risposta(
        is_soap_fault=has_fault,
        id_session=texts.get("idSession") or texts.get("idSessionCarrello", ""),
        codice_esito=_codice_esito(texts.get("pagati", "")),
        has_pagati="pagati" in texts,
        has_rt="rt" in texts,
        stato=texts.get("stato", "")[:64],
        request_token=texts.get("requestToken", ""),
        date_to=texts.get("dateTo", ""),
        iuv=texts.get("identificativoUnivocoVersamento", ""),
    )


def _codice_esito(pagati: str) -> str:
    try:
        root = parse(decode_document(pagati), _LIMITS)
    except (ValueError, XmlNonValido):
        return ""
    return next((leaf.text or "" for leaf in root.iter() if local(leaf) == "codiceEsitoPagamento"), "").strip()
