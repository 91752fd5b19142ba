"""What the node does with a request: its checks in their order, then taking in charge or refusing.

Source: node, order of the checks (2.0.3), fault classes (2.0.4), nodoInviaRPT (2.1), nodoInviaCarrelloRPT (2.2),
nodoChiediStatoRPT (2.3), RPT (4.1).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.nodo.fake_anagrafe import Anagrafe as Anagrafe
from adapters.nodo.fake_anagrafe import StazioneNota as StazioneNota
from adapters.nodo.fake_anagrafe import stazione_from_mapping as stazione_from_mapping
from adapters.nodo.fake_multi import check_multi
from adapters.nodo.fake_soap import ElementoRpt, Fault, Richiesta, Rifiuto, StatoRpt
from adapters.nodo.faults_script import INVIA_CARRELLO, INVIA_RPT
from adapters.nodo.ledger import ChiaveDuplicata, Ledger, RptRicevuta
from hub.domain.delivery import ChiaveRpt
from hub.domain.documenti import Rpt
from hub.formats.istanti import read_istante
from hub.formats.rpt import RptNonValida, importo_totale_cent, read_rpt

WISP = ("AGID_01", "97735020584", "97735020584_02")
_WISP_CODES = ("PPT_PSP_SCONOSCIUTO", "PPT_INTERMEDIARIO_PSP_SCONOSCIUTO", "PPT_CANALE_SCONOSCIUTO")
PARCHEGGIATA = "RPT_PARCHEGGIATA_NODO"
ACCETTATA_PSP = "RPT_ACCETTATA_PSP"
# Listed among the pending ones: a PSP has them, no receipt is there.
PENDENTI = (ACCETTATA_PSP, "RPT_INVIATA_A_PSP", "RPT_ESITO_SCONOSCIUTO_PSP")
# The receipt is on its way: no copy is given.
IN_CONSEGNA = ("RT_RICEVUTA_NODO", "RPT_ANNULLATA_WISP")
ROME = ZoneInfo("Europe/Rome")
DEFERRED_MAX = timedelta(days=30)

# A fault of the channel comes after the key was stored: the state that a later query finds. Source: 2.0.4, proof.
STATE_AFTER_FAULT: Mapping[str, str] = {
    "PPT_CANALE_ERRORE": "RPT_RIFIUTATA_PSP",
    "PPT_CANALE_TIMEOUT": "RPT_ESITO_SCONOSCIUTO_PSP",
    "PPT_CANALE_ERRORE_RESPONSE": "RPT_ESITO_SCONOSCIUTO_PSP",
    "PPT_CANALE_IRRAGGIUNGIBILE": "RPT_ERRORE_INVIO_A_PSP",
    "PPT_CANALE_INDISPONIBILE": "RPT_ERRORE_INVIO_A_PSP",
    "PPT_CANALE_NONRISOLVIBILE": "RPT_ERRORE_INVIO_A_PSP",
}


class Node:
    """The judge and the memory of the simulated node."""

    def __init__(self, ledger: Ledger, anagrafe: Anagrafe) -> None:
        self.ledger = ledger
        self.anagrafe = anagrafe

    def take(self, richiesta: Richiesta, correlation_id: str, now: datetime, code: str = "") -> str:
        """Take the RPTs of a sending in charge; return the session where the payer goes on, empty without a payer.

        `code`: a fault of the channel that follows the storing (2.0.4); the key is then spent.
        Raises: Rifiuto.
        """
        documenti = self._checked(richiesta)
        id_session = str(uuid.uuid4())
        parked = documenti[0].tipo_versamento != "PO"
        stato = STATE_AFTER_FAULT.get(code) or (PARCHEGGIATA if parked else ACCETTATA_PSP)
        righe = [
            RptRicevuta(
                elemento.chiave,
                id_session,
                richiesta.intermediario,
                richiesta.stazione,
                richiesta.id_carrello,
                stato,
                elemento.documento,
                correlation_id,
            )
            for elemento in richiesta.elementi
        ]
        try:
            self.ledger.add_carrello(righe, now)
        except ChiaveDuplicata as error:
            stazione = self.anagrafe.find(richiesta.stazione)
            again = self.ledger.find_rpt(righe[0].chiave)
            if stazione is not None and stazione.convertita and again is not None:
                return again.id_session
            if error.posizione is None:
                raise Rifiuto(Fault("PPT_ID_CARRELLO_DUPLICATO", "identificativoCarrello già ricevuto")) from error
            serial = error.posizione if richiesta.operazione == INVIA_CARRELLO else None
            raise Rifiuto(Fault("PPT_RPT_DUPLICATA", "dominio, IUV e CCP già ricevuti", serial)) from error
        if code:
            raise Rifiuto(Fault(code, "guasto richiesto al simulatore"))
        return id_session if parked else ""

    def stato(self, richiesta: Richiesta, public_url: str) -> StatoRpt:
        """Return what became of an attempt.

        Raises: Rifiuto.
        """
        self._check_envelope(richiesta)
        chiave = richiesta.elementi[0].chiave
        self.check_caller(richiesta, [chiave.dominio])
        rpt = self.ledger.find_rpt(chiave)
        if rpt is None or self._is_converted(richiesta):
            raise Rifiuto(Fault("PPT_RPT_SCONOSCIUTA", "dominio, IUV e CCP mai ricevuti"))
        url = pagamento_url(public_url, rpt.id_session) if rpt.stato == PARCHEGGIATA else ""
        return StatoRpt(rpt.stato, url, self.ledger.storico(chiave))

    def copia(self, richiesta: Richiesta) -> bytes:
        """Return the receipt of an attempt, unless it is still on its way. Source: node, 2.4.

        Raises: Rifiuto.
        """
        self._check_envelope(richiesta)
        chiave = richiesta.elementi[0].chiave
        self.check_caller(richiesta, [chiave.dominio])
        rpt = self.ledger.find_rpt(chiave)
        if rpt is None:
            raise Rifiuto(Fault("PPT_RT_SCONOSCIUTA", "dominio, IUV e CCP mai ricevuti"))
        documento = self.ledger.find_documento_rt(chiave)
        if documento is None or rpt.stato in IN_CONSEGNA:
            raise Rifiuto(Fault("PPT_RT_NONDISPONIBILE", "la ricevuta non c'è ancora"))
        return documento

    def pendenti(self, richiesta: Richiesta) -> list[tuple[ChiaveRpt, str]]:
        """Return the RPTs that a PSP has and that have no receipt, of the range asked for. Source: node, 2.5.

        Raises: Rifiuto.
        """
        self._check_envelope(richiesta)
        dominio = richiesta.elementi[0].chiave.dominio
        self.check_caller(richiesta, [dominio] if dominio else [])
        da, a = (read_istante(text) if text else None for text in (richiesta.range_da, richiesta.range_a))
        if da is not None and a is not None and da > a:
            raise Rifiuto(Fault("PPT_SEMANTICA", "rangeDa successivo a rangeA"))
        if self._is_converted(richiesta):
            return []
        found = self.ledger.pendenti(richiesta.stazione, dominio, PENDENTI, da, a)
        return found[: richiesta.dimensione]

    def _is_converted(self, richiesta: Richiesta) -> bool:
        stazione = self.anagrafe.find(richiesta.stazione)
        return stazione is not None and stazione.convertita

    def _checked(self, richiesta: Richiesta) -> list[Rpt]:
        self._check_envelope(richiesta)
        in_cart = richiesta.operazione == INVIA_CARRELLO
        documenti, faults = [], []
        for serial, elemento in enumerate(richiesta.elementi, start=1):
            try:
                documenti.append(read_rpt(elemento.documento))
            except RptNonValida as error:
                faults.append(Fault("PPT_SINTASSI_XSD", str(error), serial if in_cart else None))
        if faults:
            raise Rifiuto(*faults)
        stazione = self.check_caller(richiesta, [elemento.chiave.dominio for elemento in richiesta.elementi])
        if in_cart or documenti[0].tipo_versamento != "PO":
            for value, wanted, code in zip(richiesta.psp, WISP, _WISP_CODES, strict=True):
                if value != wanted:
                    raise Rifiuto(Fault(code, f"{value} sconosciuto: atteso {wanted}"))
        for serial, (elemento, rpt) in enumerate(zip(richiesta.elementi, documenti, strict=True), start=1):
            problem = _header_problem(richiesta, elemento, rpt) or _document_problem(richiesta, elemento, rpt, stazione)
            if problem:
                faults.append(replace(problem, serial=serial if in_cart else None))
        if faults:
            raise Rifiuto(*faults)
        if len({elemento.chiave for elemento in richiesta.elementi}) != len(richiesta.elementi):
            raise Rifiuto(Fault("PPT_SEMANTICA", "la stessa RPT due volte nel carrello"))
        if richiesta.multi_beneficiario:
            check_multi(richiesta, documenti, self.anagrafe.domini, 2 if stazione is None else stazione.versione)
            self._check_free(documenti[0])
        return documenti

    def _check_free(self, rpt: Rpt) -> None:
        """Refuse a multi-beneficiary cart whose position is being paid or was paid. Source: node, 2.2."""
        if self.ledger.has_paid(rpt.dominio, rpt.iuv):
            raise Rifiuto(Fault("PPT_PAGAMENTO_DUPLICATO", "posizione già pagata"))
        if self.ledger.has_open(rpt.dominio, rpt.iuv, rpt.ccp, (PARCHEGGIATA, *PENDENTI)):
            raise Rifiuto(Fault("PPT_PAGAMENTO_IN_CORSO", "posizione già in pagamento"))

    def _check_envelope(self, richiesta: Richiesta) -> None:
        if richiesta.problema:
            raise Rifiuto(Fault("PPT_SINTASSI_EXTRAXSD", richiesta.problema))

    def check_caller(self, richiesta: Richiesta, domini: Sequence[str]) -> StazioneNota | None:
        """Check domain, intermediary, station, password and their relation, in this order."""
        stazioni = self.anagrafe.stazioni
        if not stazioni:
            return None
        known = self.anagrafe.domini
        for dominio in domini:
            if known and dominio not in known:
                raise Rifiuto(Fault("PPT_DOMINIO_SCONOSCIUTO", f"dominio {dominio} sconosciuto"))
        if richiesta.intermediario not in {stazione.intermediario for stazione in stazioni}:
            raise Rifiuto(
                Fault("PPT_INTERMEDIARIO_PA_SCONOSCIUTO", f"intermediario {richiesta.intermediario} sconosciuto")
            )
        stazione = self.anagrafe.find(richiesta.stazione)
        if stazione is None:
            raise Rifiuto(Fault("PPT_STAZIONE_INT_PA_SCONOSCIUTA", f"stazione {richiesta.stazione} sconosciuta"))
        if not stazione.abilitata:
            raise Rifiuto(Fault("PPT_STAZIONE_INT_PA_DISABILITATA", f"stazione {richiesta.stazione} disabilitata"))
        if stazione.password != richiesta.password:
            raise Rifiuto(Fault("PPT_AUTENTICAZIONE", "password della stazione errata"))
        if stazione.intermediario != richiesta.intermediario or (
            stazione.domini and not stazione.domini.issuperset(domini)
        ):
            raise Rifiuto(Fault("PPT_AUTORIZZAZIONE", "intermediario, stazione e dominio non sono collegati"))
        return stazione


def pagamento_url(public_url: str, id_session: str) -> str:
    return f"{public_url}/pagamento?idSession={id_session}"


def _header_problem(richiesta: Richiesta, elemento: ElementoRpt, rpt: Rpt) -> Fault | None:
    pairs = (
        ("identificativoDominio", elemento.chiave.dominio, rpt.dominio),
        ("identificativoUnivocoVersamento", elemento.chiave.iuv, rpt.iuv),
        ("codiceContestoPagamento", elemento.chiave.ccp, rpt.ccp),
        ("identificativoStazioneRichiedente", richiesta.stazione, rpt.stazione or richiesta.stazione),
    )
    for name, said, written in pairs:
        if said != written:
            return Fault("PPT_SEMANTICA", f"{name}: la busta dice {said}, la RPT {written}")
    return None


def _document_problem(
    richiesta: Richiesta, elemento: ElementoRpt, rpt: Rpt, stazione: StazioneNota | None
) -> Fault | None:
    if importo_totale_cent(elemento.documento) != rpt.importo_cent:
        return Fault("PPT_SEMANTICA", "importoTotaleDaVersare diverso dalla somma dei versamenti")
    if richiesta.operazione == INVIA_CARRELLO and rpt.tipo_versamento != "BBT":
        return Fault("PPT_SEMANTICA", f"tipoVersamento {rpt.tipo_versamento}: nel carrello è atteso BBT")
    if rpt.tipo_versamento == "PO" and (len(rpt.versamenti) != 1 or rpt.versamenti[0].marca or rpt.ccp == "n/a"):
        return Fault("PPT_SEMANTICA", "tipoVersamento PO: un solo versamento, senza marca da bollo, con un CCP")
    requested = rpt.creata_at.astimezone(ROME).date()
    if not requested <= rpt.data_esecuzione <= requested + DEFERRED_MAX:
        return Fault("PPT_SEMANTICA", "dataEsecuzionePagamento fuori dai 30 giorni dalla richiesta")
    for versamento in rpt.versamenti:
        if (versamento.iban_accredito is None) == (versamento.marca is None):
            return Fault("PPT_SEMANTICA", "ogni versamento ha un IBAN di accredito oppure una marca da bollo")
        if stazione and stazione.iban and versamento.iban_accredito and versamento.iban_accredito not in stazione.iban:
            return Fault("PPT_IBAN_NON_CENSITO", "IBAN di accredito non censito per l'ente")
    return None


OPERAZIONI_INVIO = frozenset({INVIA_CARRELLO, INVIA_RPT})
