"""What the node does with a request: its checks in their order, then taking in charge or refusing.

Source: node, order of the checks (2.0.3), fault classes (2.0.4), nodoInviaRPT (2.1), nodoInviaCarrelloRPT (2.2),
nodoChiediStatoRPT (2.3), RPT (4.1).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.nodo.fake_soap import ElementoRpt, Fault, Richiesta, Rifiuto, StatoRpt
from adapters.nodo.faults_script import CHIEDI_STATO, INVIA_CARRELLO, INVIA_RPT
from adapters.nodo.ledger import ChiaveDuplicata, Ledger, RptRicevuta
from hub.domain.documenti import Rpt
from hub.formats.rpt import RptNonValida, importo_totale_cent, read_rpt

WISP = ("AGID_01", "97735020584", "97735020584_02")
_WISP_CODES = ("PPT_PSP_SCONOSCIUTO", "PPT_INTERMEDIARIO_PSP_SCONOSCIUTO", "PPT_CANALE_SCONOSCIUTO")
PARCHEGGIATA = "RPT_PARCHEGGIATA_NODO"
ACCETTATA_PSP = "RPT_ACCETTATA_PSP"
ROME = ZoneInfo("Europe/Rome")
# How a notice may be paid at a counter. The first is what most stations have.
PRIMITIVE = ("V2", "V1", "classico")
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


@dataclass(frozen=True, slots=True)
class StazioneNota:
    """A station the node knows. Empty `domini`, `iban` or `segregazione`: any.

    `primitive` is how a notice of it is paid: V1 and V2 (paForNode), or classico (PagamentiTelematiciCCP).
    """

    id: str
    intermediario: str
    password: str
    domini: frozenset[str] = frozenset()
    iban: frozenset[str] = frozenset()
    abilitata: bool = True
    segregazione: frozenset[str] = frozenset()
    primitive: str = PRIMITIVE[0]


@dataclass(frozen=True, slots=True)
class Anagrafe:
    """Whom the node knows. No station at all: everybody of a legal shape is let in."""

    stazioni: tuple[StazioneNota, ...] = field(default=())

    def with_stazione(self, stazione: StazioneNota) -> Anagrafe:
        return Anagrafe((*(other for other in self.stazioni if other.id != stazione.id), stazione))

    def of_avviso(self, dominio: str, numero: str) -> StazioneNota | None:
        """Return the station that answers for a notice: that of the ente, and with aux digit 3 of its segregation."""
        for stazione in self.stazioni:
            is_own = not stazione.segregazione or not numero.startswith("3") or numero[1:3] in stazione.segregazione
            if is_own and (not stazione.domini or dominio in stazione.domini):
                return stazione
        return None


def stazione_from_mapping(words: Mapping[str, Any]) -> StazioneNota:
    """Read a station of `POST /config`.

    Raises: ValueError (a sentence in Italian).
    """
    missing = [name for name in ("id", "intermediario", "password") if not isinstance(words.get(name), str)]
    if missing:
        raise ValueError(f"stazione senza {', '.join(missing)}")
    lists = {name: words.get(name, []) for name in ("domini", "iban", "segregazione")}
    for name, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{name} dev'essere una lista di testi")
    primitive = words.get("primitive", PRIMITIVE[0])
    if primitive not in PRIMITIVE:
        raise ValueError(f"primitive dev'essere una di {', '.join(PRIMITIVE)}")
    return StazioneNota(
        words["id"],
        words["intermediario"],
        words["password"],
        frozenset(lists["domini"]),
        frozenset(lists["iban"]),
        bool(words.get("abilitata", True)),
        frozenset(lists["segregazione"]),
        primitive,
    )


class Node:
    """The judge and the memory of the simulated node."""

    def __init__(self, ledger: Ledger, anagrafe: Anagrafe = Anagrafe()) -> None:
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
        if rpt is None:
            raise Rifiuto(Fault("PPT_RPT_SCONOSCIUTA", "dominio, IUV e CCP mai ricevuti"))
        url = pagamento_url(public_url, rpt.id_session) if rpt.stato == PARCHEGGIATA else ""
        return StatoRpt(rpt.stato, url, self.ledger.storico(chiave))

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
            _check_multi(richiesta, documenti)
        return documenti

    def _check_envelope(self, richiesta: Richiesta) -> None:
        if richiesta.problema:
            raise Rifiuto(Fault("PPT_SINTASSI_EXTRAXSD", richiesta.problema))

    def check_caller(self, richiesta: Richiesta, domini: Sequence[str]) -> StazioneNota | None:
        """Check domain, intermediary, station, password and their relation, in this order."""
        stazioni = self.anagrafe.stazioni
        if not stazioni:
            return None
        known = frozenset[str]().union(*(stazione.domini for stazione in stazioni))
        for dominio in domini:
            if known and dominio not in known:
                raise Rifiuto(Fault("PPT_DOMINIO_SCONOSCIUTO", f"dominio {dominio} sconosciuto"))
        if richiesta.intermediario not in {stazione.intermediario for stazione in stazioni}:
            raise Rifiuto(
                Fault("PPT_INTERMEDIARIO_PA_SCONOSCIUTO", f"intermediario {richiesta.intermediario} sconosciuto")
            )
        stazione = next((one for one in stazioni if one.id == richiesta.stazione), None)
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


def _check_multi(richiesta: Richiesta, documenti: Sequence[Rpt]) -> None:
    """Check the rules of a cart with more beneficiaries. Source: node, 2.2."""
    is_good = (
        len(documenti) == 2
        and documenti[0].dominio != documenti[1].dominio
        and documenti[0].iuv == documenti[1].iuv
        and all(rpt.ccp == richiesta.id_carrello for rpt in documenti)
        and len(documenti[1].versamenti) == 1
        and sum(len(rpt.versamenti) for rpt in documenti) <= 5
        and documenti[0].data_esecuzione == documenti[1].data_esecuzione
        and not any(versamento.marca for rpt in documenti for versamento in rpt.versamenti)
        and richiesta.id_carrello.startswith(documenti[0].dominio)
    )
    if not is_good:
        raise Rifiuto(Fault("PPT_MULTI_BENEFICIARIO", "il carrello non rispetta le regole del multibeneficiario"))


OPERAZIONI_INVIO = frozenset({INVIA_CARRELLO, INVIA_RPT})
OPERAZIONI = OPERAZIONI_INVIO | {CHIEDI_STATO}
