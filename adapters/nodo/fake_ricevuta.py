"""The receipts of payments at the counter, made from what the hub answered to the get.

Source: node, paSendRT (3.4), paSendRTV2 (3.5), digital stamp (4.7).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.nodo.fake_busta import fields, markup
from adapters.nodo.fake_node import ROME
from adapters.nodo.fake_pfn import Avviso, envelope, recipient
from adapters.nodo.fake_psp import Psp
from adapters.nodo.fake_rt import make_stamp
from adapters.nodo.faults_script import SEND_RT, SEND_RT_V2
from hub.formats.importi import cent_from_text, text_from_cent

_NOTHING: frozenset[str] = frozenset()
# Of a get V2, what a receipt V1 cannot say.
_ONLY_V2 = frozenset({"companyName"})
# A station that was never asked (stand-in, unknown notice) leaves the platform to its own words.
_DESCRIZIONE = "Avviso pagato allo sportello del simulatore"
_DEBITORE = (
    "<debtor><uniqueIdentifier><entityUniqueIdentifierType>F</entityUniqueIdentifierType><entityUniqueIdentifierValue>"
    "RSSMRA80A01H501U</entityUniqueIdentifierValue></uniqueIdentifier><fullName>Mario Rossi</fullName></debtor>"
)


@dataclass(frozen=True, slots=True)
class Pagato:
    """What the platform knows of a payment. `parti`: the markup of debtor and transfers; `enti`: who gets money."""

    token: str
    importo_cent: int
    descrizione: str
    ente: str
    ufficio: str | None
    debitore: str
    transfers: str
    enti: tuple[str, ...]
    stand_in: bool = False
    nota: str = ""


def from_get(data: Any, token: str, pagato_cent: int, versione: int, now: datetime, nota: str = "") -> Pagato:
    """Return the payment of a notice whose `data` the hub gave. `pagato_cent` may differ from what it asked.

    A difference is in the first transfer, as long as that stays above zero.
    """
    transfers = data.findall("transferList/transfer")
    asked = [cent_from_text(transfer.findtext("transferAmount")) for transfer in transfers]
    first = asked[0] + pagato_cent - sum(asked)
    paid = [first if first > 0 else asked[0], *asked[1:]]
    return Pagato(
        token=token,
        importo_cent=pagato_cent,
        descrizione=data.findtext("description"),
        ente=data.findtext("companyName") or "Ente senza nome",
        ufficio=data.findtext("officeName"),
        debitore=markup(data.find("debtor")),
        transfers="".join(
            _transfer(transfer, cent, versione, now) for transfer, cent in zip(transfers, paid, strict=True)
        ),
        enti=_once(transfer.findtext("fiscalCodePA") for transfer in transfers),
        nota=nota,
    )


def without_get(avviso: Avviso, token: str, pagato_cent: int, iban: str, *, stand_in: bool) -> Pagato:
    """Return a payment of which the hub was never asked: one transfer, to the ente of the notice."""
    transfer = fields(
        idTransfer="1",
        transferAmount=text_from_cent(pagato_cent),
        fiscalCodePA=avviso.dominio,
        IBAN=iban,
        remittanceInformation=f"/RFB/{avviso.iuv}/{text_from_cent(pagato_cent)}",
        transferCategory="9/0101101IM/",
    )
    return Pagato(
        token, pagato_cent, _DESCRIZIONE, "Ente dell'avviso", None, _DEBITORE, f"<transfer>{transfer}</transfer>",
        (avviso.dominio,), stand_in,
    )  # fmt: skip


def _transfer(transfer: Any, cent: int, versione: int, now: datetime) -> str:
    left_out = _NOTHING if versione == 2 else _ONLY_V2
    inner = []
    for child in transfer.iterchildren("*"):
        if child.tag == "transferAmount":
            inner.append(fields(transferAmount=text_from_cent(cent)))
        elif child.tag == "richiestaMarcaDaBollo":
            stamp = make_stamp(cent, child.findtext("hashDocumento"), now)
            inner.append(fields(MBDAttachment=base64.b64encode(stamp).decode()))
        elif child.tag not in left_out:
            inner.append(markup(child))
    return f"<transfer>{''.join(inner)}</transfer>"


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def operation_of(versione: int) -> str:
    return SEND_RT_V2 if versione == 2 else SEND_RT


def build_receipt(
    pagato: Pagato, avviso: Avviso, destinatario: tuple[str, str, str], psp: Psp, versione: int, now: datetime
) -> bytes:
    """Return paSendRT (`versione` 1) or paSendRTV2 (2) for a recipient: domain, intermediary, station.

    A copy for another ente of the transfers names the same notice and the same owner. Source: node, 3.5.1.
    """
    local = now.astimezone(ROME)
    head = fields(
        receiptId=pagato.token,
        noticeNumber=avviso.numero,
        fiscalCode=avviso.dominio,
        outcome="OK",
        creditorReferenceId=avviso.iuv,
        paymentAmount=text_from_cent(pagato.importo_cent),
        description=pagato.descrizione,
        companyName=pagato.ente,
        officeName=pagato.ufficio,
    )
    of_psp = fields(
        idPSP=psp.id,
        pspFiscalCode=psp.codice_fiscale,
        PSPCompanyName=psp.nome,
        idChannel=psp.canale,
        channelDescription=psp.descrizione_canale,
        paymentMethod="CP",
        paymentNote=(pagato.nota or None) if versione == 2 else None,
        fee=text_from_cent(psp.commissione_cent),
        paymentDateTime=local.replace(tzinfo=None).isoformat(timespec="seconds"),
        applicationDate=local.date().isoformat(),
        transferDate=local.date().isoformat(),
        standIn="true" if pagato.stand_in else None,
    )
    inner = f"{head}{pagato.debitore}<transferList>{pagato.transfers}</transferList>{of_psp}"
    return envelope(operation_of(versione), recipient(*destinatario) + f"<receipt>{inner}</receipt>")


def with_extra(body: bytes) -> bytes:
    """Return a receipt with elements that no contract knows: what the platform adds one day without notice."""
    body = body.replace(b"</transfer>", b"<novita>prova</novita></transfer>", 1)
    return body.replace(b"</receipt>", b"<estensione><valore>prova</valore></estensione></receipt>")


def with_codes(body: bytes) -> bytes:
    """Return a receipt with codes that no contract knows, where it knows some."""
    for letter in (b"F", b"G"):
        tag = b"<entityUniqueIdentifierType>%s</entityUniqueIdentifierType>"
        body = body.replace(tag % letter, tag % b"X")
    return body.replace(b"<paymentMethod>CP</", b"<paymentMethod>METODO_NUOVO</")
