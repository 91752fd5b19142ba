"""The installation that hostile inputs are sent to: real processes, what an input needs beside itself, what is watched.

Words in double braces in an input are filled in here (`{{TOKEN}}`: an upload token that is good), each once an input.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from sqlalchemy import func, select

from hub.config import DEVELOPMENT_SECRET_KEY
from hub.domain.iuv import numero_avviso
from hub.domain.stati import IMPORT_APERTI
from hub.formats.resources import resource
from hub.store import schema
from hub.store.database import Database
from tests.certificates import Identity, make_identity
from tests.factories import CODICE_FISCALE, encode, make_documento, make_iud
from tests.flows.plant import NS, PASSWORD, Plant, field
from tests.soap.hostile import SEGNO
from tests.soap.signing import SIGNER
from tests.versamenti import Versamento

HEADER = f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
# Whoever tries this one is nobody; it may be told nowhere.
SBAGLIATA = "Sbagliata98765"
# Neither in a log nor in the answer to who does not know them.
SEGRETI = (PASSWORD, "TributiSegr1", "password01", SBAGLIATA, DEVELOPMENT_SECRET_KEY, "VicinoSegr12", "Operatore12345")
PERSONALI = (CODICE_FISCALE, "Mario Rossi", "mario.rossi@example.org")
# What a refused input adds nothing to.
TAVOLE = (
    schema.dovuti, schema.sessioni, schema.carrelli, schema.tentativi, schema.outbox, schema.eventi_esito,
    schema.flussi_righe, schema.prenotazioni_export, schema.enti, schema.tipi, schema.credenziali, schema.operatori,
    schema.attivazioni, schema.avvisi_richiesti,
)  # fmt: skip

_WORD = re.compile(rb"\{\{([A-Z_0-9]+)\}\}")
MACCHINA = make_identity("Gestionale dei tributi")


class Scena(Plant):
    """The plant of the hostile inputs: Comune di Prova, Comune Vicino, and an ente that wants its messages signed."""

    def __init__(self, folder: Path, database_url: str) -> None:
        more = {
            # Guesses are what is sent here; that guessing is slowed down has a test of its own.
            "PONTEPA_AUTH_FAILURES_MAX": "1000000",
            "PONTEPA_TRUSTED_PROXIES": "127.0.0.1",
            "PONTEPA_PROXY_CERT_HEADER": "Client-Cert",
            "PONTEPA_LOG_FORMAT": "json",
            "PONTEPA_LOG_LEVEL": "debug",
        }
        super().__init__(folder, database_url, more)
        self.db = Database.open(database_url)
        self.ascolto = socket.create_server(("127.0.0.1", 0))
        self.ascolto.setblocking(False)
        self.used: set[str] = set()
        self._filled: dict[str, str] = {}

    def stop(self) -> None:
        super().stop()
        self.ascolto.close()
        self.db.close()

    def prepare(self) -> None:
        self.run("db", "upgrade")
        path = self.folder / "installazione.yaml"
        # JSON is YAML without anchors, which the hub does not take.
        path.write_text(json.dumps(configurazione()))
        self.run("config", "apply", str(path))
        self.run("operatore", "add", "anna", "--password", "Operatore12345")

    def begin(self) -> None:
        """A new input: what it needs is made for it alone."""
        self._filled.clear()

    def fill(self, data: bytes) -> bytes:
        return _WORD.sub(lambda match: self.word(match[1].decode()).encode(), data)

    def word(self, name: str) -> str:
        if name not in self._filled:
            self._filled[name] = WORDS[name](self)
        return self._filled[name]

    def counts(self) -> dict[str, int]:
        """How many rows each table has that a refused input must leave alone."""
        with self.db.reading() as session:
            numbers = [select(func.count()).select_from(table).scalar_subquery() for table in TAVOLE]
            found = session.execute(select(*numbers)).one()
        return {table.name: count for table, count in zip(TAVOLE, found, strict=True)}

    def paid(self) -> int:
        """How many dovuti are paid."""
        with self.db.reading() as session:
            query = select(func.count()).select_from(schema.dovuti).where(schema.dovuti.c.stato.like("%PAGATO%"))
            return int(session.execute(query).scalar_one())

    def waiting_receipts(self) -> int:
        """How many receipts the worker has not looked at."""
        with self.db.reading() as session:
            query = select(func.count()).select_from(schema.rt_ricevute).where(schema.rt_ricevute.c.stato == "RICEVUTA")
            return int(session.execute(query).scalar_one())

    def waiting_flows(self) -> int:
        """How many flows were brought and are not loaded."""
        with self.db.reading() as session:
            query = select(func.count()).select_from(schema.flussi_import)
            return int(session.execute(query.where(schema.flussi_import.c.stato.in_(IMPORT_APERTI))).scalar_one())

    def has_been_called(self) -> bool:
        """Whether somebody has followed an address that a document named."""
        try:
            self.ascolto.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    @cached_property
    def address(self) -> tuple[str, int]:
        host, _, port = self.hub_url.rpartition("//")[2].partition(":")
        return host, int(port)

    def dovuto(self) -> str:
        """Make a dovuto that may be paid at a counter; return its IUV."""
        inner = encode(Versamento(make_iud(), importo="50.00").xml)
        body = f"<password>{PASSWORD}</password><dovuto>{inner}</dovuto><flagGeneraIuv>true</flagGeneraIuv>"
        return field(self.call("paaSILImportaDovuto", body, HEADER), "identificativoUnivocoVersamento")

    def tentativo(self) -> Any:
        """Begin a payment and return its attempt's row."""
        id_session, _ = self.send(make_documento())
        self.open(id_session)
        with self.db.reading() as session:
            query = (
                select(schema.tentativi)
                .join(schema.carrelli, schema.carrelli.c.id == schema.tentativi.c.carrello_id)
                .where(schema.carrelli.c.id_session == id_session)
            )
            return session.execute(query).one()

    def authorize(self) -> str:
        answer = self.call("paaSILAutorizzaImportFlusso", f"<password>{PASSWORD}</password>", HEADER)
        token = field(answer, "authorizationToken")
        self.used.add(token)
        return token

    def of_tentativo(self, name: str) -> str:
        """One text of an attempt that is made for the input at its first use."""
        row = self.tentativo()
        found = {"DOMINIO": row.dominio, "IUV_RPT": row.iuv, "CCP": row.ccp, "ID_RPT": row.id_messaggio}
        self._filled |= found
        return found[name]

    def of_dovuto(self, name: str) -> str:
        iuv = self.dovuto()
        found = {"IUV": iuv, "AVVISO": numero_avviso(iuv)}
        self._filled |= found
        return found[name]


def configurazione() -> dict[str, Any]:
    """The demo's, a neighbour on the same station's broker, and an ente that takes signed messages only."""
    words: dict[str, Any] = yaml.safe_load(resource("examples", "demo.yaml").read_text())
    (prova,) = words["enti"]
    prova["applicazioni"].append({"nome": "macchina", "certificati": [MACCHINA.pem]})
    vicino = prova | {
        "codIpaEnte": "C_VICINO", "codice_fiscale": "98765432103", "nome": "Comune Vicino",
        "codice_segregazione": "02", "password": "VicinoSegr12", "applicazioni": [],
    }  # fmt: skip
    firmato = prova | {
        "codIpaEnte": "C_FIRMA", "codice_fiscale": "00000000190", "nome": "Comune che firma",
        "codice_segregazione": "03", "password": "VicinoSegr12", "autenticazione": ["firma"],
        "applicazioni": [{"nome": "tributi", "firme": [SIGNER.pem]}],
    }  # fmt: skip
    return words | {"enti": [prova, vicino, firmato]}


def client_cert(identity: Identity) -> str:
    """The header that a proxy writes. Source: RFC 9440."""
    return f":{encode(identity.der)}:"


WORDS: dict[str, Callable[[Scena], str]] = {
    "HOST": lambda scena: scena.hub_url.rpartition("//")[2],
    "NODO": lambda scena: scena.node_url.rpartition("//")[2],
    "HUB": lambda scena: scena.hub_url,
    "ASCOLTO": lambda scena: "http://127.0.0.1:{}".format(scena.ascolto.getsockname()[1]),
    "SEGNO": lambda _: SEGNO,
    "PASSWORD": lambda _: PASSWORD,
    "SBAGLIATA": lambda _: SBAGLIATA,
    "BASIC": lambda _: encode(f"C_PROVA:{PASSWORD}".encode()),
    "IUD": lambda _: make_iud(),
    "DOVUTI": lambda _: encode(make_documento().xml),
    "VERSAMENTO": lambda _: encode(Versamento(make_iud()).xml),
    "TOKEN": lambda scena: scena.authorize(),
    "SESSIONE": lambda scena: scena.send(make_documento())[0],
    "DOMINIO": lambda scena: scena.of_tentativo("DOMINIO"),
    "IUV_RPT": lambda scena: scena.of_tentativo("IUV_RPT"),
    "CCP": lambda scena: scena.of_tentativo("CCP"),
    "ID_RPT": lambda scena: scena.of_tentativo("ID_RPT"),
    "IUV": lambda scena: scena.of_dovuto("IUV"),
    "AVVISO": lambda scena: scena.of_dovuto("AVVISO"),
    "CERTIFICATO": lambda _: client_cert(MACCHINA),
    "CERTIFICATO_PEM": lambda _: quote(MACCHINA.pem),
    "CERTIFICATO_ESTRANEO": lambda _: client_cert(make_identity("Uno sconosciuto")),
}
