"""paaSILChiediPagati and paaSILChiediPagatiConRicevuta, tables 2.4.1 and 2.4.2."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lxml import etree

from hub.formats.xml import parse
from hub.store import schema
from tests.factories import Documento, Voce, make_rt
from tests.soap.stage import DOVUTI, OWN, Stage, code_of
from tests.soap.walk.frame import Defect, Row, Table, beside, defect, row, unreachable

ENTE = "PAA_ENTE_NON_VALIDO"
SISTEMA = "PAA_SYSTEM_ERROR"
SESSIONE = "PAA_ID_SESSION_NON_VALIDO"
NON_INIZIATO = "PAA_PAGAMENTO_NON_INIZIATO"
IN_CORSO = "PAA_PAGAMENTO_IN_CORSO"
ANNULLATO = "PAA_PAGAMENTO_ANNULLATO"
SCADUTO = "PAA_PAGAMENTO_SCADUTO"
NO_STATE = "the state does not exist in this hub: nothing can put a row into it"


@dataclass(frozen=True)
class Chiavi:
    """The three keys by which an outcome is asked."""

    id_session: str
    iuv: str
    iud: str


def paid(stage: Stage, esito: int = 0, carrello: str | None = None, dovuto: str | None = None, voci: int = 1) -> Chiavi:
    """A session with its receipt; then the states that it is to have instead."""
    world = stage.world
    id_session = world.begin(Documento(tuple(Voce(stage.iud()) for _ in range(voci))))
    tentativo = world.tentativo(id_session)
    world.receive(make_rt(bytes(tentativo.rpt), esito), tentativo)
    world.apply()
    row = world.carrello(id_session)
    if carrello is not None:
        world.change(schema.carrelli, "id_session", id_session, stato=carrello)
    if dovuto is not None:
        world.change(schema.dovuti, "carrello_id", row.id, stato=dovuto)
    found = world.dovuti(id_session) or world.rows(schema.dovuti, iuv=row.iuv)
    return Chiavi(id_session, row.iuv, found[0].iud)


def begun(stage: Stage, carrello: str, dovuto: str | None = None, voci: int = 1) -> Chiavi:
    """A session that the payer has taken on, without a receipt."""
    world = stage.world
    id_session = world.begin(Documento(tuple(Voce(stage.iud()) for _ in range(voci))))
    row = world.carrello(id_session)
    iud = world.dovuti(id_session)[0].iud
    world.change(schema.carrelli, "id_session", id_session, stato=carrello)
    if dovuto is not None:
        world.change(schema.dovuti, "carrello_id", row.id, stato=dovuto)
    return Chiavi(id_session, row.iuv, iud)


def waiting(stage: Stage, age_s: int) -> Chiavi:
    """A session that nobody has opened, `age_s` after it was made."""
    world = stage.world
    id_session = world.invia(Documento((Voce(stage.iud()),)))
    made = world.clock() - timedelta(seconds=age_s)
    times = {"created_at": made, "expires_at": made + timedelta(hours=1)}
    world.change(schema.sessioni, "id_session", id_session, **times)
    return Chiavi(id_session, "01999999999999999", "IGNOTO")


def unknown(stage: Stage) -> Chiavi:
    return Chiavi(str(uuid.uuid4()), "01999999999999999", "IGNOTO")


def stored(stage: Stage, stato: str, tipo: str = "TARI", days: int = 30, **values: Any) -> Chiavi:
    """A dovuto kept by import, due so many days from today."""
    number = next(stage.number)
    kept = stage.world.lay_avviso(
        f"0155{number:013d}",
        iud=f"PASSO-{number:06d}",
        stato=stato,
        tipo=tipo,
        scadenza=stage.world.clock().date() + timedelta(days=days),
        attuale=stato != "ANNULLATO",
        **values,
    )
    return Chiavi(str(uuid.uuid4()), kept.iuv, kept.iud)


def retried(stage: Stage, *esiti: int) -> Chiavi:
    """One stored dovuto with an attempt after the other, each with its outcome; the last is the newest."""
    world = stage.world
    attempts = [paid(stage, esito) for esito in esiti]
    last = attempts[-1]
    for age, chiavi in enumerate(reversed(attempts)):
        carrello = world.carrello(chiavi.id_session)
        made = world.clock() - timedelta(minutes=age)
        own = {} if chiavi == last else {"iud": last.iud, "iuv": last.iuv, "attuale": False}
        world.change(schema.dovuti, "carrello_id", carrello.id, created_at=made, updated_at=made, **own)
        world.change(schema.carrelli, "id", carrello.id, created_at=made)
    return last


SITUATIONS = {
    "pagato": paid,
    "mai vista": unknown,
    "in attesa": lambda stage: waiting(stage, 60),
    "scaduta": lambda stage: waiting(stage, 3901),
}


def situation(stage: Stage, name: Any) -> Chiavi:
    if isinstance(name, str):
        return SITUATIONS[name](stage)
    make, *arguments = name
    return make(stage, *arguments)


@dataclass
class PerSessione:
    ente: str = "C_PROVA"
    password: str = OWN
    situazione: Any = "pagato"
    operation = "paaSILChiediPagati"

    def ask(self, stage: Stage) -> str:
        chiavi = situation(stage, self.situazione)
        values = {"codIpaEnte": self.ente, "password": self.password, "idSession": chiavi.id_session}
        return outcome(stage.post(self.operation, values))


@dataclass
class SessioneConRicevuta(PerSessione):
    operation = "paaSILChiediPagatiConRicevuta"


@dataclass
class PerChiave:
    ente: str = "C_PROVA"
    password: str = OWN
    situazione: Any = "pagato"
    chiavi: str = "iuv"

    def ask(self, stage: Stage) -> str:
        found = situation(stage, self.situazione)
        keys = {
            "sessione": ("idSession", found.id_session),
            "iuv": ("identificativoUnivocoVersamento", found.iuv),
            "iud": ("identificativoUnivocoDovuto", found.iud),
        }
        values = {"codIpaEnte": self.ente, "password": self.password}
        values |= dict(keys[name] for name in self.chiavi.split())
        return outcome(stage.post("paaSILChiediPagatiConRicevuta", values))


def outcome(payload: etree._Element) -> str:
    """The fault's code, or codiceEsitoPagamento of the document that came; `voci` when it has several, `rt` with it."""
    if payload.find("pagati") is None:
        return code_of(payload)
    root = parse(base64.b64decode(base64.b64decode(payload.findtext("pagati"))))
    told = f"documento {root.findtext(f'.//{{{DOVUTI}}}codiceEsitoPagamento')}"
    voci = len(root.findall(f".//{{{DOVUTI}}}datiSingoloPagamento"))
    return told + (f" voci {voci}" if voci > 1 else "") + (" rt" if payload.findtext("rt") else "")


def callers(state_checked: bool) -> tuple[Defect, ...]:
    wrong = (defect(ENTE, ente="C_IGNOTO"), defect(ENTE, password="Sbagliata123"))
    return (*wrong, defect(ENTE, ente="C_SPENTO")) if state_checked else wrong


def by_session(rt: str) -> tuple[Row, ...]:
    """Rows 2 to 10 of 2.4.1; `rt` is what ConRicevuta adds to a document."""
    return (
        row("2", "no carrello; session still alive", defect(NON_INIZIATO, situazione="in attesa")),
        row("3", "no carrello; older than 3600 + 300 s", defect(SCADUTO, situazione="scaduta")),
        row("4", "no carrello; neither", defect(SESSIONE, situazione="mai vista")),
        row("5", "carrello NUOVO_CARRELLO or PREDISPOSTO", defect(NON_INIZIATO, situazione=(begun, "PREDISPOSTO"))),
        row("6", "PAGAM_IN_CORSO", defect(IN_CORSO, situazione=(begun, "PAGAM_IN_CORSO"))),
        row("7", "ABORT", defect(ANNULLATO, situazione=(begun, "ABORT"))),
        row(
            "8",
            "SCADUTO, SCADUTO_ELABORATO",
            defect(SCADUTO, situazione=(begun, "SCADUTO")),
            defect(SCADUTO, situazione=(begun, "SCADUTO_ELABORATO")),
        ),
        row(
            "9",
            "PAGATO, NON_PAGATO, DECORR_TERM, DECORR_TERM_PARZ: the document",
            defect(f"documento 0{rt}", situazione=(paid, 0)),
            defect(f"documento 1{rt}", situazione=(paid, 1)),
            defect(f"documento 3{rt}", situazione=(paid, 3)),
            defect(f"documento 4{rt}", situazione=(paid, 4)),
        ),
        row(
            "10",
            "anything else: PARZ_PAGATO is read as a document (8, defect 4)",
            defect(f"documento 2{rt}", situazione=(paid, 2)),
        ),
    )


def by_key(code: str, situazione: Any) -> tuple[Defect, Defect]:
    return tuple(defect(code, situazione=situazione, chiavi=chiavi) for chiavi in ("iuv", "iud"))


LIVE = (
    row(
        "vivo 1",
        "INSERIMENTO_DOVUTO or PREDISPOSTO, due date mandatory and before today",
        *by_key(SISTEMA, (stored, "INSERIMENTO_DOVUTO", "SANZIONE", -1)),
        *by_key(SISTEMA, (stored, "PREDISPOSTO", "SANZIONE", -1)),
    ),
    row(
        "vivo 2",
        "INSERIMENTO_DOVUTO or PREDISPOSTO otherwise",
        *by_key(NON_INIZIATO, (stored, "INSERIMENTO_DOVUTO", "SANZIONE", 0)),
        *by_key(NON_INIZIATO, (stored, "INSERIMENTO_DOVUTO", "TARI", -1)),
        *by_key(NON_INIZIATO, (stored, "PREDISPOSTO")),
    ),
    row("vivo 3", "SCADUTO", *by_key(SCADUTO, (stored, "SCADUTO"))),
    row("vivo 4", "PAGAMENTO_INIZIATO", *by_key(IN_CORSO, (begun, "PAGAM_IN_CORSO"))),
    unreachable("vivo 5", "other", NO_STATE),
)
PROCESSED = (
    row(
        "elaborato 1",
        "none",
        defect("PAA_IUV_NON_VALIDO", situazione="mai vista", chiavi="iuv"),
        defect("PAA_IUD_NON_VALIDO", situazione="mai vista", chiavi="iud"),
    ),
    row(
        "elaborato 2",
        "one: SCADUTO_ELABORATO",
        *by_key(SCADUTO, (begun, "SCADUTO_ELABORATO", "SCADUTO_ELABORATO")),
        *by_key(SCADUTO, (stored, "SCADUTO_ELABORATO")),
    ),
    row("elaborato 3", "one: ABORT", *by_key(ANNULLATO, (begun, "ABORT", "ABORT"))),
    row("elaborato 4", "one: its carrello final: document and rt", *by_key("documento 0 rt", (paid, 0))),
    row("elaborato 5", "one: cancelled, no carrello", *by_key(ANNULLATO, (stored, "ANNULLATO"))),
    row(
        "elaborato 6",
        "IUV, 2 to 5 rows of one carrello: its state",
        defect(SCADUTO, situazione=(begun, "SCADUTO_ELABORATO", "SCADUTO_ELABORATO", 2), chiavi="iuv"),
        defect(ANNULLATO, situazione=(begun, "ABORT", "ABORT", 2), chiavi="iuv"),
        defect("documento 0 voci 5 rt", situazione=(paid, 0, None, None, 5), chiavi="iuv"),
    ),
    row(
        "elaborato 7",
        "several rows in different carrelli: the positive one, else the latest",
        *by_key("documento 0 rt", (retried, 1, 0)),
        *by_key("documento 0 rt", (retried, 0, 1)),
        *by_key("documento 3 rt", (retried, 1, 3)),
    ),
    row("elaborato 8", "anything else: PARZ_PAGATO is read (8, defect 4)", *by_key("documento 2 rt", (paid, 2))),
)

TABLES = (
    Table(
        "2.4.1",
        "paaSILChiediPagati",
        PerSessione,
        (row("1", "verificaEnte with state fails", *callers(True)), *by_session("")),
        good="documento 0",
    ),
    Table(
        "2.4.2",
        "paaSILChiediPagatiConRicevuta",
        PerChiave,
        (
            row("1", "ente unknown", defect(ENTE, ente="C_IGNOTO")),
            row("2", "password", defect(ENTE, password="Sbagliata123")),
            row(
                "3",
                "more than one key",
                defect(SISTEMA, chiavi="iuv iud"),
                defect(SISTEMA, chiavi="sessione iuv"),
                defect(SISTEMA, chiavi="sessione iuv iud"),
            ),
            *LIVE,
            *PROCESSED,
            row("5", "no key at all", defect(SISTEMA, chiavi="")),
            beside(
                "stato",
                "the ente's state is not checked",
                defect("PAA_IUV_NON_VALIDO", ente="C_SPENTO", keeps="situazione chiavi password"),
            ),
        ),
        good="documento 0 rt",
    ),
    Table(
        "2.4.2 idSession",
        "paaSILChiediPagatiConRicevuta",
        SessioneConRicevuta,
        (row("1", "ente unknown, password", *callers(False)), *by_session(" rt")),
        good="documento 0 rt",
    ),
)
