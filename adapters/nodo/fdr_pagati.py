"""What was paid at the simulator, as the payments that PSPs settle: out of its own receipts.

A digital stamp is not settled. Source: node, 6.1 (rows), 6.3 rules 8, 10 and 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapters.nodo.fdr_prodotti import Pagamento
from hub.formats.importi import cent_from_text
from hub.formats.istanti import giorno_di, read_istante
from hub.formats.rt import read_rt
from hub.formats.xml import parse


def of_rt(documenti: Iterable[bytes]) -> Iterator[tuple[str, str, Pagamento]]:
    """Give dominio, PSP and payment of each paid line of classic receipts."""
    for documento in documenti:
        rt = read_rt(documento)
        for indice, line in enumerate(rt.pagamenti, 1):
            if line.importo_cent > 0 and line.allegato is None:
                one = Pagamento(rt.iuv, line.iur, line.importo_cent, line.data_esito, indice=indice)
                yield rt.dominio, rt.attestante.codice, one


def of_ricevute(corpi: Iterable[bytes]) -> Iterator[tuple[str, str, Pagamento]]:
    """Give the same of paSendRT and paSendRTV2: each transfer is settled to its own ente."""
    for corpo in corpi:
        receipt = parse(corpo).find(".//receipt")
        if receipt is None or receipt.findtext("outcome") != "OK":
            continue
        giorno = giorno_di(read_istante(receipt.findtext("paymentDateTime") or ""))
        for transfer in receipt.iterfind("transferList/transfer"):
            if transfer.find("MBDAttachment") is not None:
                continue
            one = Pagamento(
                receipt.findtext("creditorReferenceId") or "",
                receipt.findtext("receiptId") or "",
                cent_from_text(transfer.findtext("transferAmount") or ""),
                giorno,
                indice=int(transfer.findtext("idTransfer") or 1),
            )
            yield transfer.findtext("fiscalCodePA") or "", receipt.findtext("idPSP") or "", one
