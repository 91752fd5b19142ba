"""The signature of a message at the door: what is processed is what was signed, and nothing else of the message.

A signature that proves nothing is no fault of its own: the operation is called as if nothing were signed, and refuses
its caller for it (`Call.signature`). Source: ModI, ID_AUTH_SOAP_02 and INTEGRITY_SOAP_01.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from lxml import etree

from hub.formats.certificati import DECOY, impronta
from hub.formats.ws_security import LET_IN, FirmaNonValida, MessaggioFirmato, read_signed
from hub.formats.xml import parse
from hub.ports import Firme
from hub.soap.operation import Call
from hub.usecases.authenticate import Callers, Firma

# How long a message may travel, and how far two honest clocks may be apart.
LIFE = timedelta(minutes=5)
SKEW = timedelta(seconds=60)


class Signatures:
    """Checks the signatures of the messages of one service. `address`: its public address, which wsa:To must name."""

    def __init__(self, firme: Firme, callers: Callers, address: str, clock: Callable[[], datetime]) -> None:
        self._firme = firme
        self._callers = callers
        self._address = address
        self._clock = clock

    def open(
        self, call: Call, envelope: etree._Element, payload: etree._Element, contract_headers: Collection[str]
    ) -> tuple[list[etree._Element], etree._Element] | None:
        """Return the contract's headers and the payload as they were signed, None when nothing proves that they were.

        Notes on the call which certificate signed, or why it counts for nothing.
        """
        now = self._clock()
        try:
            document = etree.tostring(envelope)
            message = read_signed(envelope, document, contract_headers)
            self._judge(message, now)
            der, parts = self._verified(message, document, _named_ente(envelope, payload, contract_headers), now)
            body = parse(parts[message.corpo], LET_IN)
            if len(body) != 1:
                raise FirmaNonValida("il Body firmato non contiene un solo elemento")
        except FirmaNonValida as error:
            call.signature = Firma(problema=str(error))
            return None
        call.signature = Firma(impronta(der), message.message_id)
        return [parse(parts[id], LET_IN) for id in message.intestazioni], body[0]

    def _judge(self, message: MessaggioFirmato, now: datetime) -> None:
        """Raises: FirmaNonValida (not for us, or not of now)."""
        if message.destinatario != self._address:
            raise FirmaNonValida("To non è l'indirizzo di questo servizio")
        if message.creato > now + SKEW:
            raise FirmaNonValida("Timestamp nel futuro")
        if message.scade <= message.creato or message.scade <= now - SKEW or message.creato <= now - LIFE - SKEW:
            raise FirmaNonValida("Timestamp scaduto")

    def _verified(
        self, message: MessaggioFirmato, document: bytes, cod_ipa_ente: str, now: datetime
    ) -> tuple[bytes, dict[str, bytes]]:
        """Return the certificate that signed and the signed parts.

        Only keys that were configured for the named ente meet the cryptography; where the message names none of them,
        a key of nobody's does, so that the answer takes as long.
        Raises: FirmaNonValida.
        """
        candidates = [
            der for der in self._callers.signing_certificates(cod_ipa_ente, now) if message.is_signed_with(der)
        ]
        for der in candidates or [DECOY]:
            parts = self._firme.verify(document, der)
            if parts is not None and candidates:
                return der, dict(parts)
        raise FirmaNonValida("firma che non corrisponde" if candidates else "certificato sconosciuto")


def _named_ente(envelope: etree._Element, payload: etree._Element, contract_headers: Collection[str]) -> str:
    """Return the codIpaEnte whose certificates are to be tried; the verified parts say again who is calling."""
    places = [child for tag in contract_headers for child in envelope.iterfind(f"{{*}}Header/{tag}")]
    found = [place.findtext("{*}codIpaEnte") for place in (*places, payload)]
    return next((text.strip() for text in found if text), "")
