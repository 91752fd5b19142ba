"""The receipts of the simulated node: made from the RPT and brought to the hub until it answers.

Source: node, paaInviaRT (3.9), RT (4.2), outcome of an RT (4.5), digital stamp (4.7), what a KO means (3.0.7).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import urllib3

from adapters.nodo.fake_node import ROME
from adapters.nodo.fake_soap import build_invia_rt, read_invia_rt_risposta
from adapters.nodo.faults_script import INVIA_RT, FaultRule, FaultScript, Kind
from adapters.nodo.ledger import Ledger, RtDaInviare
from adapters.nodo.scadenzario import Scadenzario
from hub.domain.documenti import Organizzazione, Rpt, Rt, SingoloRpt, SingoloRt
from hub.formats.importi import text_from_cent
from hub.formats.rt import render_rt
from hub.log import get_logger

log = get_logger()

RT_PATH = "/ws/fesp/PagamentiTelematiciRT"
PSP = Organizzazione("B", "PROVAITRXXX", "PSP di prova del simulatore", nazione="IT")
PAGATA = 0
NON_PAGATA = 1
ACCETTATA = "RT_ACCETTATA_PA"
RIFIUTATA = "RT_RIFIUTATA_PA"
ERRORE_INVIO = "RT_ERRORE_INVIO_A_PA"
# Pauses between the sendings of one receipt. The real node waits minutes: here the shape is kept, not the length.
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0) + (10.0,) * 55
# The hub must answer within what the node waits for: 30 s in the service levels.
HUB_TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
WORKERS = 16


def make_rt(rpt: Rpt, codice_esito: int, now: datetime) -> bytes:
    """Return the receipt of an RPT: code 0 with the amounts of the RPT, any other with every line at 0.00."""
    local = now.astimezone(ROME)
    is_paid = codice_esito == PAGATA
    return render_rt(
        Rt(
            versione="6.2.0",
            dominio=rpt.dominio,
            stazione=rpt.stazione or None,
            id_messaggio=uuid.uuid4().hex,
            messaggio_at=local.replace(tzinfo=None).isoformat(timespec="seconds"),
            riferimento_messaggio=rpt.id_messaggio,
            riferimento_data=rpt.creata_at.astimezone(ROME).date(),
            attestante=PSP,
            ente=rpt.ente,
            pagatore=rpt.pagatore,
            codice_esito=codice_esito,
            importo_cent=rpt.importo_cent if is_paid else 0,
            iuv=rpt.iuv,
            ccp=rpt.ccp,
            pagamenti=tuple(_line(line, is_paid, now) for line in rpt.versamenti),
        )
    )


def _line(line: SingoloRpt, is_paid: bool, now: datetime) -> SingoloRt:
    stamp = line.marca if is_paid else None
    return SingoloRt(
        importo_cent=line.importo_cent if is_paid else 0,
        esito="PAGATO" if is_paid else "NON PAGATO",
        data_esito=now.astimezone(ROME).date(),
        # A negative receipt has IUR 0, as the WISP converter writes it.
        iur=uuid.uuid4().hex if is_paid else "0",
        causale=line.causale,
        dati_specifici=line.dati_specifici,
        allegato_tipo="BD" if stamp else None,
        allegato=make_stamp(line.importo_cent, stamp.hash_documento, now) if stamp else None,
    )


def make_stamp(importo_cent: int, digest: str, now: datetime) -> bytes:
    """Return a stamp of the right shape; unsigned, so that nobody takes it for a real one."""
    local = now.astimezone(ROME).replace(tzinfo=None).isoformat(timespec="seconds")
    importo = text_from_cent(importo_cent)
    return (
        '<marcaDaBollo xmlns="http://www.agenziaentrate.gov.it/2014/MarcaDaBollo">'
        f"<PSP><CodiceFiscale>00000000000</CodiceFiscale><Denominazione>{PSP.denominazione}</Denominazione></PSP>"
        f"<IUBD>{uuid.uuid4().int % 10**14:014d}</IUBD><OraAcquisto>{local}</OraAcquisto><Importo>{importo}</Importo>"
        "<TipoBollo>01</TipoBollo><ImprontaDocumento>"
        '<DigestMethod xmlns="http://www.w3.org/2000/09/xmldsig#" Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f'<DigestValue xmlns="http://www.w3.org/2000/09/xmldsig#">{digest}</DigestValue>'
        "</ImprontaDocumento></marcaDaBollo>"
    ).encode()


class Courier:
    """Brings receipts to the hub in the background, each until the hub gives a readable answer.

    OK: RT_ACCETTATA_PA. A well-formed KO: RT_RIFIUTATA_PA, never sent again. No answer, HTTP error, unreadable answer:
    again after a pause; after the last one RT_ERRORE_INVIO_A_PA.
    """

    def __init__(self, hub_url: str, ledger: Ledger, faults: FaultScript, clock: Callable[[], datetime]) -> None:
        self._url = hub_url.rstrip("/") + RT_PATH
        self._ledger = ledger
        self._faults = faults
        self._clock = clock
        self._http = urllib3.PoolManager(maxsize=WORKERS, retries=False, timeout=HUB_TIMEOUT)
        self._scadenzario = Scadenzario("rt", WORKERS, clock)
        for rt in ledger.pending_rt():
            self.post(rt.id, rt.due_at)

    def post(self, rt_id: int, due_at: datetime, attempt: int = 0, is_late: bool = False) -> None:
        """Have the receipt sent at `due_at`; `is_late`: its misfortune was the delay, no other is drawn."""
        self._scadenzario.at(due_at, partial(self._deliver, rt_id, attempt, is_late))

    def close(self) -> None:
        """Stop sending; what is owed stays in the ledger."""
        self._scadenzario.close()
        self._http.clear()

    def _deliver(self, rt_id: int, attempt: int, is_late: bool) -> None:
        rt = self._ledger.find_rt(rt_id)
        if rt is None:
            return
        fault = None if is_late else self._faults.next(INVIA_RT)
        kind = fault.kind if fault else None
        if fault is not None and kind in (Kind.RT_DELAY, Kind.LATE):
            self._ledger.note_consegna(rt_id, "RIMANDATA", f"{fault.seconds:g} s", fault.label, self._clock())
            self.post(rt.id, self._clock() + timedelta(seconds=fault.seconds), attempt, is_late=True)
            return
        if fault is not None and kind is Kind.RT_LOST:
            self._ledger.note_consegna(rt_id, "PERSA", "non è stata mandata", fault.label, self._clock())
            self._ledger.close_rt(rt, ERRORE_INVIO, self._clock())
            return
        esito, dettaglio = self._send(rt, fault)
        self._ledger.note_consegna(rt_id, esito, dettaglio, fault.label if fault else "", self._clock())
        if esito == "OK" and kind in (Kind.RT_DUPLICATE, Kind.TWICE):
            second, dettaglio = self._send(rt, None)
            self._ledger.note_consegna(rt_id, second, dettaglio, str(kind), self._clock())
        log.info("rt_sent", iuv=rt.rpt.chiave.iuv, outcome=esito, detail=dettaglio, attempt=attempt + 1)
        if esito in ("OK", "KO"):
            self._ledger.close_rt(rt, ACCETTATA if esito == "OK" else RIFIUTATA, self._clock())
        elif attempt < len(PAUSES_S):
            self.post(rt.id, self._clock() + timedelta(seconds=PAUSES_S[attempt]), attempt + 1)
        else:
            self._ledger.close_rt(rt, ERRORE_INVIO, self._clock())

    def _send(self, rt: RtDaInviare, fault: FaultRule | None) -> tuple[str, str]:
        """Send once; return OK, KO (with the fault code) or INCERTO (with the reason)."""
        kind = fault.kind if fault else None
        if kind is Kind.REFUSE_CONNECTION:
            return "INCERTO", "connessione non aperta"
        documento = rt.documento
        if kind is Kind.RT_EXTRA:
            # What the platform adds one day without notice: a reader must let it pass.
            documento = documento.replace(b"</datiPagamento>", b"<estensione>prova</estensione></datiPagamento>")
        body = build_invia_rt(rt.rpt.intermediario, rt.rpt.stazione, rt.rpt.chiave, documento)
        if kind in (Kind.GARBAGE, Kind.CLOSE):
            body = body[: len(body) // 2]
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '"paaInviaRT"'}
        if rt.rpt.correlation_id:
            headers["X-Correlation-Id"] = rt.rpt.correlation_id
        try:
            response = self._http.request("POST", self._url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            return "INCERTO", type(error).__name__
        if kind in (Kind.LOST_AFTER, Kind.GARBAGE, Kind.CLOSE):
            return "INCERTO", "risposta non letta"
        if response.status != 200:
            return "INCERTO", f"HTTP {response.status}"
        answer = read_invia_rt_risposta(response.data)
        return (answer.esito, answer.code) if answer else ("INCERTO", "risposta non leggibile")
