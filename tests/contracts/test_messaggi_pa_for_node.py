"""What paForNode takes and refuses, message by message; and what it lets pass that a door must not.

Source: node, 3.0.1 (what the node does with an answer), 3.1 to 3.6.
"""

from __future__ import annotations

import pytest

from tests.contracts.messaggi import FAULT, errors

STAZIONE = "<idPA>01234567890</idPA><idBrokerPA>09876543210</idBrokerPA><idStation>09876543210_01</idStation>"
QR = "<qrCode><fiscalCode>01234567890</fiscalCode><noticeNumber>301000000000000042</noticeNumber></qrCode>"
DEBITORE = (
    "<debtor><uniqueIdentifier><entityUniqueIdentifierType>F</entityUniqueIdentifierType><entityUniqueIdentifierValue>"
    "RSSMRA80A01H501U</entityUniqueIdentifierValue></uniqueIdentifier><fullName>Mario Rossi</fullName></debtor>"
)
IBAN = "<IBAN>IT60X0542811101000000123456</IBAN>"
BOLLO = (
    "<richiestaMarcaDaBollo><hashDocumento>MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=</hashDocumento>"
    "<tipoBollo>01</tipoBollo><provinciaResidenza>RM</provinciaResidenza></richiestaMarcaDaBollo>"
)
MBD = "<MBDAttachment>PG1hcmNhLz4=</MBDAttachment>"
OPZIONE = (
    "<paymentList><paymentOptionDescription><amount>10.00</amount><options>EQ</options><dueDate>2026-12-31</dueDate>"
    "<allCCP>false</allCCP></paymentOptionDescription></paymentList><paymentDescription>TARI</paymentDescription>"
    "<fiscalCodePA>01234567890</fiscalCodePA><companyName>Comune di Prova</companyName>"
)


def transfer(number: int, paid: str = IBAN) -> str:
    return (
        f"<transfer><idTransfer>{number}</idTransfer><transferAmount>2.00</transferAmount><fiscalCodePA>01234567890"
        f"</fiscalCodePA>{paid}<remittanceInformation>/RFB/01000000000000042/2.00</remittanceInformation>"
        "<transferCategory>9/0201102IM/</transferCategory></transfer>"
    )


def payment(response: str, *transfers: str) -> str:
    """Return an OK answer to a get of either version."""
    return (
        f"<pfn:{response}><outcome>OK</outcome><data><creditorReferenceId>01000000000000042</creditorReferenceId>"
        "<paymentAmount>10.00</paymentAmount><dueDate>2026-12-31</dueDate><description>TARI</description>"
        f"<companyName>Comune di Prova</companyName>{DEBITORE}<transferList>{''.join(transfers)}</transferList>"
        f"</data></pfn:{response}>"
    )


def receipt(request: str, *transfers: str, extra: str = "") -> str:
    """Return a receipt of either version, with the least it may hold."""
    return (
        f"<pfn:{request}>{STAZIONE}<receipt><receiptId>token-1</receiptId><noticeNumber>301000000000000042</noticeNumber>"
        "<fiscalCode>01234567890</fiscalCode><outcome>OK</outcome><creditorReferenceId>01000000000000042"
        "</creditorReferenceId><paymentAmount>10.00</paymentAmount><description>TARI</description><companyName>Comune"
        f"</companyName>{DEBITORE}<transferList>{''.join(transfers)}</transferList><idPSP>PSP01</idPSP><PSPCompanyName>"
        "Banca</PSPCompanyName><idChannel>C1</idChannel><channelDescription>WISP</channelDescription>"
        f"{extra}</receipt></pfn:{request}>"
    )


FIVE = [transfer(number) for number in range(1, 6)]
GET = f"{STAZIONE}{QR}<amount>10.00</amount><paymentNote>cart</paymentNote><transferType>POSTAL</transferType>"
DEMAND = (
    f"{STAZIONE}<idServizio>00001</idServizio><idSoggettoServizio>00002</idSoggettoServizio>"
    "<datiSpecificiServizioRequest>PGEvPg==</datiSpecificiServizioRequest>"
)
PA_FOR_NODE = {
    "verify": f"<pfn:paVerifyPaymentNoticeReq>{STAZIONE}{QR}</pfn:paVerifyPaymentNoticeReq>",
    "verify answered": f"<pfn:paVerifyPaymentNoticeRes><outcome>OK</outcome>{OPZIONE}</pfn:paVerifyPaymentNoticeRes>",
    "verify refused": f"<pfn:paVerifyPaymentNoticeRes><outcome>KO</outcome>{FAULT}</pfn:paVerifyPaymentNoticeRes>",
    "get": f"<pfn:paGetPaymentReq>{GET}</pfn:paGetPaymentReq>",
    "get answered": payment("paGetPaymentRes", *FIVE),
    "get V2": f"<pfn:paGetPaymentV2Request>{GET}</pfn:paGetPaymentV2Request>",
    "get V2 answered": payment("paGetPaymentV2Response", transfer(1), transfer(2, BOLLO)),
    "five stamps": payment("paGetPaymentV2Response", *(transfer(number, BOLLO) for number in range(1, 6))),
    "receipt": receipt("paSendRTReq", *FIVE, extra="<standIn>true</standIn>"),
    "receipt V2": receipt("paSendRTV2Request", transfer(1, MBD), extra="<paymentNote>cart</paymentNote>"),
    "receipt taken": "<pfn:paSendRTRes><outcome>OK</outcome></pfn:paSendRTRes>",
    "receipt V2 taken": "<pfn:paSendRTV2Response><outcome>OK</outcome></pfn:paSendRTV2Response>",
    "demand": f"<pfn:paDemandPaymentNoticeRequest>{DEMAND}</pfn:paDemandPaymentNoticeRequest>",
    "demand answered": (
        f"<pfn:paDemandPaymentNoticeResponse><outcome>OK</outcome>{QR}{OPZIONE}</pfn:paDemandPaymentNoticeResponse>"
    ),
}
PA_FOR_NODE_REFUSED = {
    "a sixth transfer": payment("paGetPaymentRes", *FIVE, transfer(5)),
    "transfer number six": payment("paGetPaymentRes", transfer(6)),
    "no transfer": payment("paGetPaymentRes"),
    "a stamp in V1": payment("paGetPaymentRes", transfer(1, BOLLO)),
    "IBAN and stamp": payment("paGetPaymentV2Response", transfer(1, IBAN + BOLLO)),
    "neither IBAN nor stamp": payment("paGetPaymentV2Response", transfer(1, "")),
    "a stamp's bytes in a V1 receipt": receipt("paSendRTReq", transfer(1, MBD)),
    "a note in a V1 receipt": receipt("paSendRTReq", transfer(1), extra="<paymentNote>cart</paymentNote>"),
    "an unknown element": receipt("paSendRTV2Request", transfer(1), extra="<novita>1</novita>"),
    "V2 without companyName": PA_FOR_NODE["get V2 answered"].replace("<companyName>Comune di Prova</companyName>", ""),
    "one decimal": PA_FOR_NODE["verify answered"].replace("10.00", "10.0"),
    "an amount of zero": PA_FOR_NODE["verify answered"].replace("10.00", "0.00"),
    "an empty optional element": PA_FOR_NODE["demand answered"].replace(
        "</companyName>", "</companyName><officeName/>"
    ),
    "a qualified child": PA_FOR_NODE["receipt taken"].replace("outcome>", "pfn:outcome>"),
    "a notice of 17 digits": PA_FOR_NODE["verify"].replace("301000000000000042", "30100000000000004"),
    "a domain of 10 digits": PA_FOR_NODE["verify"].replace("<fiscalCode>01234567890", "<fiscalCode>0123456789"),
    "the name of the operation": PA_FOR_NODE["verify"].replace("paVerifyPaymentNoticeReq", "paVerifyPaymentNotice"),
}


@pytest.mark.parametrize("case", PA_FOR_NODE)
def test_paForNode_takes(case: str) -> None:
    assert errors("paForNode", PA_FOR_NODE[case]) == []


@pytest.mark.parametrize("case", PA_FOR_NODE_REFUSED)
def test_paForNode_refuses(case: str) -> None:
    assert errors("paForNode", PA_FOR_NODE_REFUSED[case]) != []


@pytest.mark.parametrize(
    "message",
    [
        "<pfn:paVerifyPaymentNoticeRes><outcome>KO</outcome></pfn:paVerifyPaymentNoticeRes>",
        "<pfn:paVerifyPaymentNoticeRes><outcome>OK</outcome></pfn:paVerifyPaymentNoticeRes>",
        "<pfn:paGetPaymentRes><outcome>OK</outcome></pfn:paGetPaymentRes>",
        payment("paGetPaymentRes", transfer(1), transfer(1)),
        PA_FOR_NODE["verify"].replace("<fiscalCode>01234567890", "<fiscalCode>99999999999"),
    ],
    ids=["KO without fault", "OK without amount", "OK without data", "a number twice", "fiscalCode is not idPA"],
)
def test_the_schema_of_paForNode_lets_through_what_the_node_or_a_door_refuses(message: str) -> None:
    """The bytes of an answer need more than the schema: node, 3.0.1; those of a request too: node, 3.0.4."""
    assert errors("paForNode", message) == []
