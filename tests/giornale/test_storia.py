"""Whole stories told to real processes: every call is in the journal with its ente and end, and no person is."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import Client

from adapters.ente.chiamata import Limiti
from adapters.ente.client import EnteClient
from adapters.ente.fake import EnteFinto
from adapters.nodo.fdr_http import Tempi
from adapters.nodo.fdr_soap import FdrSoap
from adapters.nodo.trasporto import Attese
from adapters.posizioni.client import PosizioniClient
from adapters.rest import LimitiRest
from adapters.ricevute.client import RicevuteClient
from hub.domain.delivery import Outcome
from hub.domain.giornale import codice_mostrabile
from hub.domain.guasti import CATALOGO
from hub.formats.firma_giornale import FirmaGiornale
from hub.formats.posizione_aca import render_posizione
from hub.formats.senza_password import senza_password
from hub.store import outbox, schema
from hub.store.database import Database
from hub.usecases import annota_chiamate as annota
from hub.usecases import inoltro_esito
from hub.usecases.firma_giornale import sign_heads
from hub.usecases.giornale import Giornale
from hub.web import create_front
from tests.adapters.stub_node import CERCATO, STAZIONE, client, payload, reply, stub
from tests.adapters.test_fdr_nodo import DAL, DOMANDA
from tests.carrelli import CHIAVI
from tests.factories import CODICE_FISCALE
from tests.flows.plant import PASSWORD, Plant, until
from tests.formats.test_posizione_aca import POSIZIONE
from tests.giornale.mondo import look, rows
from tests.inoltro import CHIAVE, configure_inoltro, pay
from tests.soap.zeep_client import open_door
from tests.web.flussi.door import UPLOAD, authorize, make_flusso, part
from tests.world import World

AUTORIZZA = "paaSILAutorizzaImportFlusso"
SEGRETI = (PASSWORD, "password01")
# Of the debtors of the stories, and of what they pay for.
PERSONALI = (CODICE_FISCALE, "Mario", "Rossi", "mario@", "Tassa", "Mensa", "Via Roma", *SEGRETI)


def everything(db: Database) -> str:
    """All that the tables of the journal hold, as text."""
    with db.reading() as session:
        tables = (schema.giornale, schema.giornale_catene, schema.giornale_firme)
        return "\n".join(str(row._mapping) for table in tables for row in session.execute(select(table)))


def seen(db: Database, nome: str = "C_PROVA") -> Counter[tuple[str, str, str, str]]:
    return Counter((row.verso, row.operazione, row.esito, row.codice) for row in rows(db, nome))


@pytest.fixture
def plant(database_url: str, tmp_path: Path) -> Iterator[Plant]:
    with Plant(tmp_path, database_url) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")
        yield plant


def test_a_whole_story_of_real_processes_is_in_the_journal_without_its_people(plant: Plant) -> None:
    plant.tell()
    id_session, iud = plant.send()
    plant.open(id_session)
    plant.pay(plant.url_of_node(id_session), "rifiuta")
    plant.read_back(id_session, iud)
    inner = f"<codIpaEnte>C_PROVA</codIpaEnte><password>{CODICE_FISCALE}</password><idSession>{id_session}</idSession>"
    plant.call("paaSILChiediPagati", inner)
    plant.stop()

    database = Database.open(plant.database_url)
    try:
        found, text = seen(database), everything(database)
        story = [row for row in rows(database) if row.operazione in ("paaSILInviaDovuti", "nodoInviaCarrelloRPT")]
        unsigned = look(database, (FirmaGiornale("x" * 32).pubblica,))
        wrong = [one.dettaglio for one in unsigned if "PONTEPA_GIORNALE_CHIAVI" not in one.dettaglio]
    finally:
        database.close()
    assert found["ENTRATA", "paaSILInviaDovuti", "OK", ""] == 2
    assert found["USCITA", "nodoInviaCarrelloRPT", "OK", ""] == 2
    assert found["ENTRATA", "paaInviaRT", "OK", ""] == 2
    assert found["ENTRATA", "paaSILChiediPagati", "KO", "PAA_ENTE_NON_VALIDO"] == 1
    assert found["ENTRATA", "paaSILChiediPagatiConRicevuta", "OK", ""] == 2
    assert all(len(row.ricevuto) == len(row.inviato) == 32 for row in story)
    assert [word for word in PERSONALI if word.lower() in text.lower()] == []
    assert wrong == []


def test_with_the_journal_off_nothing_is_written(sqlite_url: str, tmp_path: Path) -> None:
    with Plant(tmp_path, sqlite_url, {"PONTEPA_GIORNALE": "false"}) as plant:
        plant.prepare()
        plant.up("serve")
        plant.send()
        plant.stop()

    database = Database.open(sqlite_url)
    assert rows(database) == rows(database, "-") == []
    database.close()


def test_what_was_answered_ok_to_the_node_is_in_the_journal_after_kill_9(sqlite_url: str, tmp_path: Path) -> None:
    """The answer to a receipt leaves when its event is durable: also one that is killed at that very moment."""
    with Plant(tmp_path, sqlite_url) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")
        id_session, _ = plant.send()
        plant.open(id_session)
        plant.pay(plant.url_of_node(id_session))
        until(lambda: [rt for rt in plant.ledger()["rt"] if rt["consegne"]] or None, 30)
        plant.kill("serve")
        plant.stop()

    database = Database.open(sqlite_url)
    assert seen(database)["ENTRATA", "paaInviaRT", "OK", ""] == 1
    database.close()


# Doors and ports, each with its event.


class Annotato:
    """A world with a journal."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.giornale = Giornale(world.db, 1000, world.clock)
        world.runtime = replace(world.runtime, giornale=self.giornale)
        self.testimone = annota.Testimone(self.giornale)

    def events(self, nome: str = "C_PROVA") -> list[Any]:
        self.giornale.close()
        return rows(self.world.db, nome)


def told(row: Any) -> tuple[str, str, str, str]:
    return row.verso, row.operazione, row.esito, row.codice


@pytest.fixture
def annotato(world: World) -> Annotato:
    return Annotato(world)


@pytest.fixture
def piccolo(small_world: World) -> Annotato:
    return Annotato(small_world)


def test_a_soap_request_that_nobody_can_read_leaves_an_event_too(piccolo: Annotato) -> None:
    body = b"<non & xml>"

    open_door(piccolo.world).post("/ws/pa/PagamentiTelematiciDovutiPagati", body, {})

    (row,) = piccolo.events("-")
    assert told(row) == ("ENTRATA", "sconosciuta", "ERRORE", "Client")
    assert bytes(row.ricevuto) == sha256(body).digest()


def test_the_digest_is_that_of_the_bytes_with_a_blank_password(piccolo: Annotato) -> None:
    """So that the ente can prove what it sent, and nobody can guess at its password."""
    door = open_door(piccolo.world)
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><e:paaSILChiediPagati '
        'xmlns:e="http://www.regione.veneto.it/pagamenti/ente/"><codIpaEnte>C_PROVA</codIpaEnte><password>'
        f"{PASSWORD}</password><idSession>x</idSession></e:paaSILChiediPagati></s:Body></s:Envelope>"
    ).encode()

    answer = door.post("/ws/pa/PagamentiTelematiciDovutiPagati", body, {})

    (row,) = piccolo.events()
    blank = body.replace(PASSWORD.encode(), b"***")
    assert (senza_password(body)[0], bytes(row.ricevuto)) == (blank, sha256(blank).digest())
    assert bytes(row.inviato) == sha256(answer.body).digest()
    assert row.correlation_id == answer.headers["X-Correlation-Id"]


def test_an_upload_and_its_refusal_are_in_the_journal(piccolo: Annotato) -> None:
    token, front = authorize(piccolo.world).authorizationToken, Client(create_front(piccolo.world.runtime, {}))

    answers = [front.post(UPLOAD, data={"file": part(make_flusso()), "authorizationToken": one})
               for one in (token, token, "falso")]  # fmt: skip
    answers += [front.get(path) for path in ("/public/mybox/download/C_PROVA?securityToken=falso", "/flussi/niente")]
    for answer in answers:
        answer.close()

    found = [row for nome in ("C_PROVA", "-") for row in piccolo.events(nome) if row.operazione != AUTORIZZA]
    assert [told(row)[1:] for row in found] == [
        ("upload_flusso", "OK", ""), ("upload_flusso", "KO", "TOKEN_GIA_USATO"),
        ("upload_flusso", "KO", "TOKEN_NON_VALIDO"), ("download_flusso", "KO", "TOKEN_NON_VALIDO"),
        ("http", "KO", "HTTP_404"),
    ]  # fmt: skip
    assert [bool(row.ricevuto) for row in found] == [True, True, True, False, False]
    assert bytes(found[0].inviato) == sha256(answers[0].data).digest()


def test_a_call_to_the_node_is_told_with_its_digest_whatever_comes_of_it(annotato: Annotato) -> None:
    with stub(reply(b"<nessuna busta/>")) as url:
        nodo = annota.NodoAnnotato(client(url), "rpt", annotato.testimone)
        sent = nodo.send(STAZIONE, payload(), "c" * 32)
    nobody = annota.NodoAnnotato(client(url, 0.5), "rpt", annotato.testimone)
    asked = nobody.vie[0].ask(STAZIONE, CERCATO, "d" * 32).delivery

    (of_ente,), (without,) = annotato.events(), annotato.events("-")
    assert (sent.outcome, asked.outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN)
    assert told(without) == ("USCITA", "nodoInviaCarrelloRPT", "IGNOTO", "RISPOSTA_NON_LEGGIBILE")
    assert bytes(without.ricevuto) == sha256(b"<nessuna busta/>").digest()
    assert told(of_ente)[:3] == ("USCITA", "nodoChiediStatoRPT", "IGNOTO")
    assert (of_ente.ricevuto, len(of_ente.inviato), of_ente.correlation_id) == (None, 32, "d" * 32)


def too_many(connection: socket.socket) -> None:
    """The answer to a question that has no body."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")


def test_calls_to_the_platform_are_told(piccolo: Annotato) -> None:
    limiti = LimitiRest(connect_s=1.0, read_s=5.0)
    with stub(reply(b'{"status": "VALID"}')) as url:
        posizioni = annota.PosizioniAnnotate(PosizioniClient(url, limiti), piccolo.testimone)
        posizioni.publish(render_posizione(POSIZIONE), CHIAVI, "a" * 32)
    with stub(too_many) as url:
        ricevute = annota.RicevuteAnnotate(RicevuteClient(url, limiti), piccolo.testimone)
        ricevute.ask("12345678903", "iur", "", CHIAVI, "b" * 32)
    with stub(reply(b"", "503 Service Unavailable")) as url:
        fdr = annota.FdrAnnotato(FdrSoap(url, Tempi(Attese(1.0, 5.0, 5.0), 20.0)), piccolo.testimone)
        fdr.elenca(DOMANDA, DAL)

    assert [told(row) for row in piccolo.events()] == [
        ("USCITA", "BizEvents getReceipt", "RIPROVARE", "HTTP_429"),
        ("USCITA", "FdR elenco", "RIPROVARE", "HTTP_503"),
    ]
    (position,) = rows(piccolo.world.db, "-")
    assert bytes(position.inviato) == sha256(render_posizione(POSIZIONE)).digest()


def test_a_push_to_an_ente_is_told_in_its_chain(piccolo: Annotato) -> None:
    world = piccolo.world
    with EnteFinto(CHIAVE) as ente:
        configure_inoltro(world, "TARI", url=ente.url)
        id_session = world.begin()
        pay(world, id_session)
        enti = annota.SistemaEnteAnnotato(EnteClient(is_open=True, limiti=Limiti(1.0, 5.0, 5.0)), piccolo.testimone)
        topic = annota.annotato(inoltro_esito.build_topic(world.db, enti, world.runtime.cassaforte))
        with world.db.transaction() as session:
            lasts = timedelta(seconds=60)
            (message,) = outbox.claim(session, world.clock(), lasts, 5, [inoltro_esito.TOPIC_ESITO], [])
        topic.deliver(message)

    (row,) = piccolo.events()
    assert told(row) == ("USCITA", "ente.esito", "OK", "")
    assert row.correlation_id == message.correlation_id and row.inviato and row.ricevuto


def test_a_call_that_never_left_is_no_event(piccolo: Annotato) -> None:
    """Nothing was asked of anybody: an address that may not be called, a service without a key."""
    ricevute = annota.RicevuteAnnotate(RicevuteClient("http://127.0.0.1:9"), piccolo.testimone)

    ricevute.ask("12345678903", "iur", "", replace(CHIAVI, chiavi=()), "b" * 32)

    assert piccolo.events() == piccolo.events("-") == []


def test_every_code_that_the_hub_answers_may_be_shown() -> None:
    assert [guasto.code for guasto in CATALOGO if codice_mostrabile(guasto.code) != guasto.code] == []


def test_heads_of_a_hub_at_work_are_signed(piccolo: Annotato) -> None:
    open_door(piccolo.world).post("/ws/pa/PagamentiTelematiciDovutiPagati", b"x", {})
    piccolo.events()

    firma = FirmaGiornale(piccolo.world.runtime.config.secret_key)
    sign_heads(piccolo.world.db, firma, piccolo.world.clock())

    assert look(piccolo.world.db, (firma.pubblica,)) == []
