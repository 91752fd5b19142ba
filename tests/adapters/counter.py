"""A hub that the counter of the simulated PSP asks: it answers every operation as the contract wants, or as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from adapters.nodo.fake import SimulatorServer, create_simulator
from adapters.nodo.fake_busta import ENVELOPE_NS
from adapters.nodo.fake_pfn import ELEMENTS, NS
from adapters.nodo.fake_soap import WS_NS
from hub.formats.xml import parse
from tests.adapters.answering import answering
from tests.adapters.simulated import HTTP, post_json

DOMINIO = "12345678903"
SECONDO = "98765432103"
NUMERO = "301000000000000144"
IUV = "01000000000000144"
IBAN = "<IBAN>IT60X0542811101000000123456</IBAN>"
HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
BOLLO = (
    f"<richiestaMarcaDaBollo><hashDocumento>{HASH}</hashDocumento><tipoBollo>01</tipoBollo>"
    "<provinciaResidenza>RM</provinciaResidenza></richiestaMarcaDaBollo>"
)
FAULT = (
    "<fault><faultCode>PAA_PAGAMENTO_DUPLICATO</faultCode><faultString>Pagato</faultString><id>12345678903</id>"
    "<description>già pagato</description></fault>"
)
KO = f"<outcome>KO</outcome>{FAULT}"
VERIFIED = (
    "<outcome>OK</outcome><paymentList><paymentOptionDescription><amount>12.34</amount><options>EQ</options>"
    "<allCCP>false</allCCP></paymentOptionDescription></paymentList><paymentDescription>TARI</paymentDescription>"
    f"<fiscalCodePA>{DOMINIO}</fiscalCodePA><companyName>Comune di Prova</companyName>"
)
DEBTOR = (
    "<debtor><uniqueIdentifier><entityUniqueIdentifierType>F</entityUniqueIdentifierType><entityUniqueIdentifierValue>"
    "RSSMRA80A01H501U</entityUniqueIdentifierValue></uniqueIdentifier><fullName>Rossi &amp; figli</fullName></debtor>"
)
CLASSIC = (
    "<esito>OK</esito><datiPagamentoPA><importoSingoloVersamento>12.34</importoSingoloVersamento><ibanAccredito>"
    "IT60X0542811101000000123456</ibanAccredito><causaleVersamento>TARI</causaleVersamento></datiPagamentoPA>"
)


def transfer(number: int, amount: str, dominio: str = DOMINIO, paid: str = IBAN) -> str:
    return (
        f"<transfer><idTransfer>{number}</idTransfer><transferAmount>{amount}</transferAmount><fiscalCodePA>{dominio}"
        f"</fiscalCodePA>{paid}<remittanceInformation>/RFB/{IUV}/{amount}</remittanceInformation><transferCategory>"
        "9/0101101IM/</transferCategory></transfer>"
    )


def payment(*transfers: str, amount: str = "12.34", iuv: str = IUV) -> str:
    """Return the content of a positive answer to a get."""
    return (
        f"<outcome>OK</outcome><data><creditorReferenceId>{iuv}</creditorReferenceId><paymentAmount>{amount}"
        "</paymentAmount><dueDate>2026-12-31</dueDate><description>TARI</description><companyName>Comune di Prova"
        f"</companyName>{DEBTOR}<transferList>{''.join(transfers) or transfer(1, amount)}</transferList></data>"
    )


GOOD = {
    "paVerifyPaymentNotice": VERIFIED,
    "paGetPayment": payment(),
    "paGetPaymentV2": payment(),
    "paSendRT": "<outcome>OK</outcome>",
    "paSendRTV2": "<outcome>OK</outcome>",
    "paaVerificaRPT": CLASSIC,
    "paaAttivaRPT": CLASSIC,
    "paaInviaRT": "<esito>OK</esito>",
}


def answer(operation: str, content: str) -> bytes:
    if operation in ELEMENTS:
        name = ELEMENTS[operation][1]
        inner = f'<p:{name} xmlns:p="{NS}">{content}</p:{name}>'
    else:
        name = f"{operation}Risposta"
        inner = f'<w:{name} xmlns:w="{WS_NS}"><{name}>{content}</{name}></w:{name}>'
    return f'<s:Envelope xmlns:s="{ENVELOPE_NS}"><s:Body>{inner}</s:Body></s:Envelope>'.encode()


@dataclass
class Hub:
    """`told`: contents of the next answers by operation, or a status with a body; with none left, the good one."""

    url: str = ""
    told: dict[str, list[str | tuple[int, bytes]]] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    silent_s: float = 0.0

    def say(self, operation: str, *answers: str | tuple[int, bytes]) -> None:
        self.told.setdefault(operation, []).extend(answers)

    def bodies(self, operation: str) -> list[bytes]:
        return [body for name, body in self.asked if name == operation]

    def receipts(self) -> list[Any]:
        """Return the element `receipt` of every receipt that came and could be read."""
        return [parse(body).find(".//receipt") for name, body in self.asked if name.startswith("paSendRT")]


@contextmanager
def listening(hub: Hub) -> Iterator[Hub]:
    wait = threading.Event()

    def reply(headers: Message, body: bytes) -> tuple[int, bytes]:
        operation = headers["SOAPAction"].strip('"')
        hub.asked.append((operation, body))
        told = hub.told.get(operation)
        said = told.pop(0) if told else GOOD[operation]
        wait.wait(hub.silent_s)
        return (200, answer(operation, said)) if isinstance(said, str) else said

    with answering(reply) as hub.url:
        yield hub
        wait.set()


@dataclass
class Counter:
    """The simulator's counter before a hub."""

    hub: Hub
    simulator: SimulatorServer

    def __call__(self, **words: Any) -> dict[str, Any]:
        """Stand at the counter with the notice of the tests; return what happened."""
        given = {"codice_fiscale": DOMINIO, "numero_avviso": NUMERO} | words
        response = post_json(self.simulator, "/api/sportello", given)
        assert response.status == 200, response.data
        found: dict[str, Any] = response.json()
        return found

    def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = HTTP.request("GET", self.simulator.url + "/ledger").json()["sportello"]
        return found

    def is_quiet(self) -> bool:
        """Whether no receipt is on its way any more."""
        return bool(self.ledger()["conteggi"]["ricevute_in_attesa"] == 0)


@contextmanager
def counter() -> Iterator[Counter]:
    with listening(Hub()) as hub:
        server = SimulatorServer("127.0.0.1", 0, create_simulator(hub.url, seed=7))
        server.start()
        yield Counter(hub, server)
        server.close()
