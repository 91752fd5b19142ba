"""Firma dei messaggi per zeep, come la chiede ModI (ID_AUTH_SOAP_02 e INTEGRITY_SOAP_01): si può copiare.

    client = zeep.Client(wsdl, wsse=FirmaModI("mensa.key", "mensa.pem"), plugins=[WsAddressingPlugin()])

Si firmano Timestamp, To, MessageID, Action, l'intestazione con codIpaEnte e il Body, con RSA o ECDSA e SHA-256.
Il certificato viaggia nel messaggio (BinarySecurityToken); si registra con `pontepa credenziale add --genere firma`.
Serve `pip install zeep xmlsec`.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import xmlsec
from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSA = "http://www.w3.org/2005/08/addressing"
PROFILO = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
CODIFICA = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"


class FirmaModI:
    """Firma ogni messaggio di un client zeep; il messaggio vale `durata_s` secondi e una volta sola.

    `metodo`: con una chiave EC, xmlsec.Transform.ECDSA_SHA256.
    """

    def __init__(
        self,
        chiave: str | Path,
        certificato: str | Path,
        durata_s: int = 300,
        metodo: Any = xmlsec.Transform.RSA_SHA256,
    ) -> None:
        self._chiave = Path(chiave).read_bytes()
        self._certificato = Path(certificato).read_bytes()
        self._durata = timedelta(seconds=durata_s)
        self._metodo = metodo

    def apply(self, envelope: Any, headers: Any) -> tuple[Any, Any]:
        """Chiamato da zeep quando il messaggio è pronto."""
        header = envelope.find(f"{{{SOAP}}}Header")
        security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
        security.set(f"{{{SOAP}}}mustUnderstand", "1")
        token = etree.SubElement(security, f"{{{WSSE}}}BinarySecurityToken", ValueType=PROFILO, EncodingType=CODIFICA)
        token.text = "".join(line for line in self._certificato.decode().splitlines() if not line.startswith("-----"))
        timestamp = etree.SubElement(security, f"{{{WSU}}}Timestamp")
        adesso = datetime.now(UTC)
        for nome, istante in (("Created", adesso), ("Expires", adesso + self._durata)):
            etree.SubElement(timestamp, f"{{{WSU}}}{nome}").text = istante.strftime("%Y-%m-%dT%H:%M:%SZ")
        intestazioni = [parte for parte in header if parte is not security]
        self._firma(security, token, [timestamp, *intestazioni, envelope.find(f"{{{SOAP}}}Body")])
        return envelope, headers

    def verify(self, envelope: Any) -> Any:
        """Le risposte non sono firmate: le protegge TLS."""
        return envelope

    def _firma(self, security: Any, token: Any, parti: list[Any]) -> None:
        firma = xmlsec.template.create(security, xmlsec.Transform.EXCL_C14N, self._metodo, ns="ds")
        security.append(firma)
        contesto = xmlsec.SignatureContext()
        contesto.key = xmlsec.Key.from_memory(self._chiave, xmlsec.KeyFormat.PEM, None)
        for parte in parti:
            uri = "#" + _identifica(parte)
            contesto.register_id(parte, "Id", WSU)
            riferimento = xmlsec.template.add_reference(firma, xmlsec.Transform.SHA256, uri=uri)
            xmlsec.template.add_transform(riferimento, xmlsec.Transform.EXCL_C14N)
        info = xmlsec.template.ensure_key_info(firma)
        indicazione = etree.SubElement(info, f"{{{WSSE}}}SecurityTokenReference")
        etree.SubElement(indicazione, f"{{{WSSE}}}Reference", URI="#" + _identifica(token), ValueType=PROFILO)
        contesto.sign(firma)


def _identifica(parte: Any) -> str:
    """Dà all'elemento un wsu:Id, se non l'ha, e lo restituisce."""
    nome = f"{{{WSU}}}Id"
    if parte.get(nome) is None:
        parte.set(nome, f"id-{uuid.uuid4()}")
    return str(parte.get(nome))
