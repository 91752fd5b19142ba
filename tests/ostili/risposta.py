"""What a door answers, in two words: a status and a code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_FAULT_CODE = re.compile(rb"<(?:\w+:)?faultcode>(?:\w+:)?(\w+)</")
_BUSINESS_CODE = re.compile(rb"<faultCode>([^<]*)</faultCode>")
ACCOLTO = ("", "OK")
# SOAP 1.1 over HTTP answers a Fault with 500, whoever is to blame. Source: SOAP 1.1, 6.2.
_OF_THE_CALLER = ("Client", "VersionMismatch", "MustUnderstand")


@dataclass(frozen=True)
class Risposta:
    """`is_http` is False for a command, whose `stato` is its exit code."""

    stato: int
    codice: str
    testo: bytes = field(default=b"", repr=False)
    is_http: bool = True

    @property
    def is_accolto(self) -> bool:
        """Whether it is no refusal."""
        if not self.is_http:
            return self.stato == 0
        return self.stato < 400 and self.codice in ACCOLTO

    @property
    def is_crash(self) -> bool:
        """Whether the server says that the mistake is its own; 503 with its hint to come back is none."""
        if not self.is_http:
            return self.stato not in (0, 1, 2) or b"Traceback (most recent call last)" in self.testo
        return self.stato >= 500 and self.stato != 503 and self.codice not in _OF_THE_CALLER


def read_answer(stato: int, body: bytes) -> Risposta:
    """Return what an HTTP answer says: SOAP, JSON, or a page."""
    return Risposta(stato, _code(body), body)


def _code(body: bytes) -> str:
    if found := _FAULT_CODE.search(body):
        return found[1].decode()
    if found := _BUSINESS_CODE.search(body):
        return found[1].decode()
    if b"Envelope" in body[:400]:
        return "OK"
    if body[:1] not in b"{[":
        return ""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    said = said[0] if isinstance(said, list) and said else said
    if not isinstance(said, dict):
        return ""
    if "scarti" in said:
        return code_of_trial(said)
    return str(said.get("codice") or said.get("status") or "")


def code_of_trial(said: dict[str, Any]) -> str:
    """Return the first code in the trial of a flow; empty when nothing is wrong."""
    if "rifiuto" in said:
        return str(said["rifiuto"]["codice"])
    return str(said["scarti"][0]["codice"]) if said["scarti"] else ""
