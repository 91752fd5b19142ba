"""paaSILInviaCarrelloDovuti (2.2), paaSILVerificaAvviso (2.3), paaSILChiediEsitoCarrelloDovuti (2.4.3)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hub.store import schema
from tests.factories import make_rt
from tests.soap.stage import DOVUTI, GOOD, OWN, Stage, code_of, element, encoded
from tests.soap.walk.chiedi_pagati import stored
from tests.soap.walk.frame import Table, beside, defect, row, unreachable
from tests.soap.walk.invia_dovuti import INDIRIZZO, IUD_ERRATO, IUD_NOTO, TESTATA, VOCI, DocumentoDovuti, register
from tests.world import INTERMEDIARIO, PASSWORD_STAZIONE

ENTE = "PAA_ENTE_NON_VALIDO"
SECONDARIO = "PAA_ENTE_SECONDARIO_NON_VALIDO"
SESSIONE = "PAA_ID_SESSION_NON_VALIDO"
IUV = "PAA_IUV_NON_VALIDO"
CODICI_FISCALI = {"C_PROVA": INTERMEDIARIO, "C_VICINO": "98765432103", "C_SPENTO": "11111111115"}


def hash_of(ente: str) -> str:
    """The hash of an element. Source: pa-per-ente, 1.4."""
    text = f"paaSILInviaCarrelloDovuti-{PASSWORD_STAZIONE}-{CODICI_FISCALI.get(ente, '00000000000')}"
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Carrello(DocumentoDovuti):
    """A cart of one dovuto of Comune di Prova with a second beneficiary; `multi` adds an element of Comune Vicino."""

    ente: str = "C_PROVA"
    password: str = OWN
    ente_elemento: str = "C_PROVA"
    hash: str | None = None
    hash_secondo: str | None = None
    registrato: str | None = None
    ripetuto: bool = False
    multi: bool = False
    due_voci: bool = False
    secondari: int = 1
    cf_secondario: str = "98765432103"
    iban: str = "IT60X0542811101000000123456"
    via: str | None = "Via Roma"
    numero: str | None = "1"
    nazione_secondario: str | None = "IT"
    cap_secondario: str | None = "00100"
    provincia: str | None = "RM"
    localita: str | None = "Roma"
    tassonomia: str = "9/0101101IM/"
    importo_secondario: str = "0.50"
    coda_secondario: str = ""
    base64_secondario: str | None = None
    url: str = "https://sportello.example.org/esito"

    def ask(self, stage: Stage) -> str:
        iud = stage.iud()
        if self.registrato is not None:
            register(stage, iud, self.registrato)
        elementi = [self._elemento(self.ente_elemento, self.hash, self._dovuti(stage, iud))]
        if self.multi:
            elementi.append(self._elemento("C_VICINO", self.hash_secondo, DocumentoDovuti().xml(stage.iud())))
        values: dict[str, Any] = {"password": self.password, "listaDovuti": {"elementoListaDovuti": elementi}}
        values["enteSILInviaRispostaPagamentoUrl"] = self.url
        if self.secondari >= 0:
            secondo = {"dovutiEntiSecondari": self.base64_secondario or encoded(self.secondario())}
            lista = {"elementoListaDovutiEntiSecondari": [secondo] * self.secondari}
            values["listaDovutiEntiSecondari"] = lista
        return stage.ask("paaSILInviaCarrelloDovuti", values, self.ente)

    def _dovuti(self, stage: Stage, iud: str) -> str:
        """The document; where a second item stands it is the one that is spoiled, the first is good."""
        xml = self.xml(iud)
        if not (self.ripetuto or self.due_voci):
            return xml
        first = DocumentoDovuti().xml(iud if self.ripetuto else stage.iud())
        start, end = (first.index(f"<{slash}datiSingoloVersamento>") for slash in ("", "/"))
        voce = first[start : end + len("</datiSingoloVersamento>")]
        return xml.replace("<datiSingoloVersamento>", voce + "<datiSingoloVersamento>", 1)

    def _elemento(self, ente: str, hash: str | None, xml: str) -> dict[str, str]:
        return {"codIpaEnte": ente, "password": hash or hash_of(ente), "dovuti": encoded(xml)}

    def secondario(self) -> str:
        inside = [
            ("codiceFiscaleBeneficiario", self.cf_secondario),
            ("denominazioneBeneficiario", "Provincia di Prova"),
            ("ibanAccreditoBeneficiario", self.iban),
            ("indirizzoBeneficiario", self.via),
            ("civicoBeneficiario", self.numero),
            ("capBeneficiario", self.cap_secondario),
            ("localitaBeneficiario", self.localita),
            ("provinciaBeneficiario", self.provincia),
            ("nazioneBeneficiario", self.nazione_secondario),
            ("causaleVersamento", "TEFA"),
            ("datiSpecificiRiscossione", self.tassonomia),
            ("importoSingoloVersamento", self.importo_secondario),
        ]
        document = [("versioneOggetto", "6.2.0"), ("datiVersamentoEntiSecondari", inside)]
        return element("DovutiEntiSecondari", document, DOVUTI) + self.coda_secondario


@dataclass
class Avviso:
    """VerificaAvviso of a stored dovuto."""

    ente: str = "C_PROVA"
    password: str = OWN
    stato: str = "INSERIMENTO_DOVUTO"
    tipo: str = "TARI"
    giorni: int = 30
    volatile: bool = False
    ignoto: bool = False
    url: str = "https://sportello.example.org/esito"

    def ask(self, stage: Stage) -> str:
        iuv = stored(stage, self.stato, self.tipo, self.giorni, iuv_volatile=self.volatile).iuv
        values = {"password": self.password, "identificativoUnivocoVersamento": "01999999999999999"}
        values["enteSILInviaRispostaPagamentoUrl"] = self.url
        return stage.ask("paaSILVerificaAvviso", values if self.ignoto else values | _iuv(iuv), self.ente)


def _iuv(iuv: str) -> dict[str, str]:
    return {"identificativoUnivocoVersamento": iuv}


@dataclass
class Esito:
    """The outcome of a cart over two enti; what is answered: the states of its entries."""

    ente: str = "C_PROVA"
    password: str = OWN
    eta_s: int = 60
    mai_vista: bool = False
    aperto: bool = True
    carrelli: str | None = None
    esito: int | None = None

    def ask(self, stage: Stage) -> str:
        id_session = str(uuid.uuid4()) if self.mai_vista else self._session(stage)
        values = {"codIpaEnte": self.ente, "password": self.password, "idSessionCarrello": id_session}
        payload = stage.post("paaSILChiediEsitoCarrelloDovuti", values)
        code = code_of(payload)
        if code == SESSIONE:
            assert payload.findtext("fault/id") == "n/a"
        if code != GOOD:
            return code
        entries = payload.findall("listaCarrelli/rispostaCarrello")
        assert all(entry.findtext("codIdentificativoUnivocoCarrello") for entry in entries)
        return " ".join(
            f"{entry.findtext('codIpaEnte')}={entry.findtext('esito')}" + " pagati" * (entry.find("pagati") is not None)
            for entry in entries
        )

    def _session(self, stage: Stage) -> str:
        world = stage.world
        elementi = [
            {"codIpaEnte": ente, "password": hash_of(ente), "dovuti": encoded(DocumentoDovuti().xml(stage.iud()))}
            for ente in ("C_PROVA", "C_VICINO")
        ]
        values = {"password": OWN, "listaDovuti": {"elementoListaDovuti": elementi}}
        id_session = stage.post("paaSILInviaCarrelloDovuti", values, "C_PROVA").findtext("idSessionCarrello")
        if not self.aperto:
            made = world.clock() - timedelta(seconds=self.eta_s)
            times = {"created_at": made, "expires_at": made + timedelta(hours=1)}
            world.change(schema.sessioni, "id_session", id_session, **times)
            return id_session
        world.start(id_session)
        if self.esito is not None:
            for carrello in world.rows(schema.carrelli, id_session=id_session):
                tentativo = world.one(schema.tentativi, carrello_id=carrello.id)
                world.receive(make_rt(bytes(tentativo.rpt), self.esito), tentativo)
                world.apply()
        if self.carrelli is not None:
            world.change(schema.carrelli, "id_session", id_session, stato=self.carrelli)
        return id_session


def of_two(stato: str, more: str = "") -> str:
    return f"C_PROVA={stato}{more} C_VICINO={stato}{more}"


SECONDARI = (
    row(
        "5",
        "more than one element, or more than one dovuto in it, with a secondary ente",
        defect("PAA_LIMITE_MASSIMO_DOVUTI_MULTIBENEFICIARI", multi=True, keeps="secondari"),
        defect("PAA_LIMITE_MASSIMO_DOVUTI_MULTIBENEFICIARI", due_voci=True),
    ),
    row("6", "more than one secondary element", defect("PAA_LIMITE_MASSIMO_DOVUTI_ENTI_SECONDARI", secondari=2)),
    row(
        "7",
        "secondary XML invalid",
        defect("PAA_XML_NON_VALIDO", coda_secondario="<"),
        defect("PAA_XML_NON_VALIDO", importo_secondario="0.00"),
    ),
    row(
        "8",
        "tax code, IBAN, address, nazione, CAP, provincia, comune or taxonomy of the secondary ente",
        defect(SECONDARIO, cf_secondario="98765432100"),
        defect(SECONDARIO, iban="IT60X05428111010000001234567"),
        defect(SECONDARIO, via="Via \u2603"),
        defect(SECONDARIO, numero="\u2603"),
        defect(SECONDARIO, nazione_secondario="XX"),
        defect(SECONDARIO, cap_secondario="1234"),
        defect(SECONDARIO, provincia="XX"),
        defect(SECONDARIO, localita="Atlantide"),
        defect(SECONDARIO, tassonomia="9/9999999ZZ/"),
    ),
    row(
        "9",
        "any exception while reading them",
        defect(
            "PAA_ERRORE_RECUPERO_DOVUTI_ENTI_SECONDARI",
            base64_secondario="@@@@",
            keeps="coda_secondario importo_secondario cf_secondario iban via numero nazione_secondario cap_secondario "
            "provincia localita tassonomia",
        ),
    ),
    row("10", "the list present but empty: treated as absent", defect(GOOD, secondari=0, keeps="*")),
)
TABLES = (
    Table(
        "2.2",
        "paaSILInviaCarrelloDovuti",
        Carrello,
        (
            row("(1)", "header ente unknown", defect(ENTE, ente="C_IGNOTO")),
            row("(2)", "its password", defect(ENTE, password="Sbagliata123")),
            beside("(2) stato", "INSERITO is not checked", defect(GOOD, ente="C_SPENTO", keeps="*")),
            row(
                "(3)",
                "of every element, ente unknown or hash wrong",
                defect(ENTE, ente_elemento="C_IGNOTO"),
                defect(ENTE, hash="0" * 64),
                defect(ENTE, multi=True, hash_secondo=hash_of("C_PROVA"), needs={"secondari": -1}),
            ),
            *TESTATA,
            IUD_ERRATO,
            row(
                "10 bis",
                "the same (ente, IUD) twice in the request",
                defect("PAA_IUD_DUPLICATO", ripetuto=True, keeps="iud senza_voci", needs={"secondari": -1}),
            ),
            IUD_NOTO,
            *VOCI,
            *SECONDARI,
            INDIRIZZO,
        ),
    ),
    Table(
        "2.3",
        "paaSILVerificaAvviso",
        Avviso,
        (
            row(
                "1",
                "verificaEnte with state",
                defect(ENTE, ente="C_IGNOTO"),
                defect(ENTE, password="Sbagliata123"),
                defect(ENTE, ente="C_SPENTO"),
            ),
            row(
                "2",
                "a dovuto of that IUV is not INSERIMENTO_DOVUTO",
                defect(IUV, stato="PREDISPOSTO"),
                defect(IUV, stato="PAGAMENTO_INIZIATO"),
                defect(IUV, stato="COMPLETATO"),
            ),
            row("3", "due date mandatory and before today", defect("PAA_IUV_SCADUTO", tipo="SANZIONE", giorni=-1)),
            row(
                "4",
                "no dovuto, or only ones with a volatile IUV or an inactive or unknown tipo",
                defect(IUV, ignoto=True, keeps="stato tipo giorni volatile"),
                defect(IUV, volatile=True),
                defect(IUV, tipo="CHIUSO"),
                defect(IUV, tipo="IGNOTO"),
                defect(IUV, stato="ANNULLATO", keeps="tipo giorni volatile"),
            ),
            INDIRIZZO,
        ),
    ),
    Table(
        "2.4.3",
        "paaSILChiediEsitoCarrelloDovuti",
        Esito,
        (
            row(
                "1",
                "verificaEnte with state",
                defect(ENTE, ente="C_IGNOTO"),
                defect(ENTE, password="Sbagliata123"),
                defect(ENTE, ente="C_SPENTO"),
            ),
            row("2", "not gone on: an entry per item", defect(of_two("PREDISPOSTO"), aperto=False, keeps="eta_s")),
            row("3", "older than 3900 s: one entry", defect("C_PROVA=CARRELLO SCADUTO", aperto=False, eta_s=3901)),
            row("4", "unknown, id n/a", defect(SESSIONE, mai_vista=True, keeps="aperto eta_s carrelli esito")),
            unreachable("5", "multi-cart without carrello, modello unico", "this hub does not hand carts to Checkout"),
            unreachable("6", "multi-cart without carrello", "session and carrelli are written in one transaction"),
            row(
                "7",
                "carrello found: an entry per carrello, its state described, the document when it is final",
                defect(of_two("PAGAMENTO IN CORSO"), carrelli="PAGAM_IN_CORSO"),
                defect(of_two("PREDISPOSTO"), carrelli="PREDISPOSTO"),
                defect(of_two("ABORT"), carrelli="ABORT"),
                defect(of_two("CARRELLO SCADUTO"), carrelli="SCADUTO"),
                defect(of_two("SCADUTO_ELABORATO"), carrelli="SCADUTO_ELABORATO"),
                defect(of_two("PAGATO", " pagati"), esito=0),
                defect(of_two("NON PAGATO", " pagati"), esito=1),
                defect(of_two("PARZIALMENTE PAGATO", " pagati"), esito=2),
                defect(of_two("DECORRENZA TERMINI", " pagati"), esito=3),
                defect(of_two("DECORRENZA TERMINI PARZIALE", " pagati"), esito=4),
            ),
        ),
        good=of_two("PAGAMENTO IN CORSO"),
    ),
)
