"""The doors that are asked in this process: what the node sends or answers, the simulator, commands and their files.

No process is begun for an input. The hub is a `World` over SQLite; the node's answers and the simulator's questions go
over real sockets, a command runs as it does on a terminal.
"""

from __future__ import annotations

import base64
import re
import shutil
import socketserver
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import structlog
import yaml
from sqlalchemy import func, select

from adapters.nodo.fake import Simulator, SimulatorServer
from adapters.nodo.fake_node import StazioneNota
from adapters.nodo.fdr_http import Tempi
from adapters.nodo.fdr_prodotti import render_pagamenti
from adapters.nodo.fdr_rest import FdrRest
from adapters.nodo.fdr_soap import FdrSoap
from adapters.nodo.trasporto import Attese
from hub.domain.acquisizione_fdr import Trasporto
from hub.domain.iuv import build_iuv, numero_avviso
from hub.soap.nodo import pa_for_node, paa_invia_rt
from hub.store import schema
from hub.store.database import Database
from hub.store.iuv import lease
from tests.ostili.corpo import Ingresso
from tests.ostili.porte import exchange
from tests.ostili.risposta import Risposta, read_answer
from tests.ostili.scena import SBAGLIATA, TAVOLE
from tests.rendicontazioni import Rendicontazione, make_flusso
from tests.soap.hostile import SEGNO
from tests.soap.zeep_client import open_door
from tests.test_cli import DEMO, Shell
from tests.world import INTERMEDIARIO, PASSWORD_STAZIONE, STAZIONE, World, open_world

_NODO = "http://ws.pagamenti.telematici.gov/"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_WORD = re.compile(rb"\{\{([A-Z_0-9]+)\}\}")
_TEMPI = Tempi(Attese(2.0, 5.0, 5.0), 10.0)
_TABELLE = (*TAVOLE, schema.stazioni, schema.voci_tassonomia)
_DEI_FLUSSI = (schema.rendicontazioni_righe, schema.rendicontazioni, schema.acquisizioni_fdr, schema.circuiti)
_IUF = "2026-11-20ABI01234-S1"


class Dentro:
    """The scene: a hub, a simulated node, a node whose answers are given, a terminal over a database of its own."""

    def __init__(self, world: World, folder: Path, shell: Shell) -> None:
        self.world, self.folder, self.shell = world, folder, shell
        self.shell_db = Database.open(shell.url)
        self.door = open_door(world)
        stazione = StazioneNota(STAZIONE, INTERMEDIARIO, PASSWORD_STAZIONE, frozenset({INTERMEDIARIO}))
        self.simulatore = SimulatorServer("127.0.0.1", 0, Simulator("http://127.0.0.1:9", stazioni=(stazione,)))
        self.nodo = NodoDetto()
        self.log: list[dict[str, Any]] = []
        sealed = world.runtime.cassaforte.seal("chiave-del-servizio-fdr")
        with world.db.transaction() as session:
            # The notices that are laid here have numbers that the hub has given out.
            lease(session, INTERMEDIARIO, "01", 10_000)
        world.lay(schema.servizi_rest, stazione_id=STAZIONE, servizio="fdr", chiave_cifrata=sealed)
        self._words: dict[str, str] = {}
        self._number = 5000

    def counts(self) -> dict[str, int]:
        """How many rows each table has that a refused input must leave alone, here and under the terminal."""
        found: dict[str, int] = {}
        for where, db in (("hub", self.world.db), ("terminale", self.shell_db)):
            with db.reading() as session:
                numbers = [select(func.count()).select_from(table).scalar_subquery() for table in _TABELLE]
                row = session.execute(select(*numbers)).one()
            found |= {f"{where} {table.name}": count for table, count in zip(_TABELLE, row, strict=True)}
        return found

    def paid(self) -> int:
        query = select(func.count()).select_from(schema.dovuti).where(schema.dovuti.c.stato == "COMPLETATO")
        with self.world.db.reading() as session:
            return int(session.execute(query).scalar_one())

    def begin(self, ingresso: Ingresso) -> None:
        """A new input: what it needs is made for it alone, before the rows are counted."""
        self._words = {"SEGNO": SEGNO, "SBAGLIATA": SBAGLIATA, "TOKEN": uuid.uuid4().hex}
        if ingresso.porta == "rt":
            row = self.world.tentativo(self.world.begin())
            self.world.relay()
            self._words |= {"DOMINIO": row.dominio, "IUV": row.iuv, "CCP": row.ccp, "ID_RPT": row.id_messaggio}
        if ingresso.porta == "ricevuta":
            self._number += 1
            iuv = build_iuv(1, self._number)
            self.world.lay_avviso(iuv, id=uuid.uuid4().hex, iud=f"OSTILE-{self._number}")
            self._words |= {"IUV": iuv, "AVVISO": numero_avviso(iuv)}

    def fill(self, data: bytes) -> bytes:
        return _WORD.sub(lambda match: self._words[match[1].decode()].encode(), data)

    @contextmanager
    def standing(self) -> Iterator[Dentro]:
        """Open what listens, and listen to what is logged."""
        with ExitStack() as stack:
            stack.callback(self.shell_db.close)
            self.simulatore.start()
            stack.callback(self.simulatore.close)
            stack.enter_context(self.nodo.listening())
            self.log = stack.enter_context(structlog.testing.capture_logs())
            yield self


class NodoDetto:
    """A node that answers whatever it is asked with what the input says: head and body, as they go over the wire."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.url = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        nodo = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 10

            def handle(self) -> None:
                request = self.rfile.readline()
                length = 0
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                asked = request + self.rfile.read(length)
                self.wfile.write(next(found for words, found in nodo.answers.items() if words.encode() in asked))

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            self.url = "http://127.0.0.1:{}".format(server.server_address[1])
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


@contextmanager
def open_dentro(folder: Path, template: Path) -> Iterator[Dentro]:
    """The scene over two copies of a migrated database: the hub's, and the one that commands work on."""
    for name in ("hub.db", "terminale.db"):
        shutil.copyfile(template, folder / name)
    shell = Shell(f"sqlite:///{folder / 'terminale.db'}")
    shell.env["PONTEPA_DATA_DIR"] = str(folder)
    shell.good("config", "apply", DEMO)
    with open_world(f"sqlite:///{folder / 'hub.db'}") as world, Dentro(world, folder, shell).standing() as scena:
        yield scena


# The doors.


def rt(scena: Dentro, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a receipt of an RPT that was sent, in base64 unless `com_e`; `intestazione` changes the header.

    `firma`: what tipoFirma says. The code is the fault's, or what became of the receipt that was kept.
    """
    con = ingresso.con
    fields = {
        "identificativoIntermediarioPA": INTERMEDIARIO, "identificativoStazioneIntermediarioPA": STAZIONE,
        "identificativoDominio": "{{DOMINIO}}", "identificativoUnivocoVersamento": "{{IUV}}",
        "codiceContestoPagamento": "{{CCP}}",
    } | con.get("intestazione", {})  # fmt: skip
    header = scena.fill("".join(f"<{name}>{text}</{name}>" for name, text in fields.items()).encode()).decode()
    text = data if con.get("com_e") else base64.b64encode(data)
    before = (
        f'<s:Envelope xmlns:s="{_SOAP}" xmlns:w="{_NODO}"><s:Header><h:intestazionePPT xmlns:h="{_NODO}ppthead">'
        f"{header}</h:intestazionePPT></s:Header><s:Body><w:paaInviaRT><tipoFirma>{con.get('firma', '')}</tipoFirma>"
    )
    body = before.encode() + b"<rt>" + text + b"</rt></w:paaInviaRT></s:Body></s:Envelope>"
    return _receipt(scena, paa_invia_rt.PATH, body)


def ricevuta(scena: Dentro, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a whole message of paSendRT or paSendRTV2 about a notice that may be paid."""
    return _receipt(scena, pa_for_node.PATH, data)


def _receipt(scena: Dentro, path: str, body: bytes) -> Risposta:
    before, paid = len(scena.world.ricevute()), scena.paid()
    told = scena.door.post(path, body, {"SOAPAction": ""})
    answer = read_answer(told.status, told.body)
    scena.world.apply()
    kept = scena.world.ricevute()[before:]
    if b"<esito>OK</esito>" not in told.body and b"<outcome>OK</outcome>" not in told.body:
        return answer
    # Thanked for, which is no acceptance: that is when something is paid.
    code = "" if scena.paid() > paid else " ".join(row.stato for row in kept) or "GIA_TENUTA"
    return Risposta(told.status, code, told.body + b" ".join(f" {row.segnalazioni}".encode() for row in kept))


def simulatore(scena: Dentro, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a request to the simulator as it is read by people: lines of the head, an empty one, the body."""
    head, _, body = data.partition(b"\n\n")
    lines = [*head.split(b"\n"), b"Host: simulatore", b"Content-Length: %d" % len(body), b"Connection: close"]
    host, _, port = scena.simulatore.url.rpartition("//")[2].partition(":")
    answer = exchange((host, int(port)), b"\r\n".join(lines) + b"\r\n\r\n" + body)
    if b"PPT_SINTASSI_EXTRAXSD" in answer.testo:
        # So the node answers an envelope that it cannot read: with Server, whoever wrote it.
        return Risposta(answer.stato, "Client", answer.testo)
    return answer


def fdr(scena: Dentro, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are what the node answers when it is asked for a list (`domanda: elenco`) or for a flow.

    `trasporto`: SOAP or REST; `testa`: other lines of the head; `stato_http`. The answer is what the jobs made of it.
    """
    con, nodo = ingresso.con, scena.nodo
    trasporto = Trasporto(con["trasporto"])
    head = {"Content-Type": "text/xml", "Content-Length": str(len(data)), "Connection": "close"} | con.get("testa", {})
    lines = "".join(f"{name}: {text}\r\n" for name, text in head.items() if text is not None)
    hostile = f"HTTP/1.1 {con.get('stato_http', '200 OK')}\r\n{lines}\r\n".encode() + data
    good = _listed(trasporto)
    elenco, flusso = (hostile, good) if con["domanda"] == "elenco" else (good, hostile)
    asked = ("ElencoFlussi", "ChiediFlusso") if trasporto is Trasporto.SOAP else ("fdrs?", "/revisions/")
    nodo.answers = {"/payments": _http(render_pagamenti(make_flusso(), 1, 1000))}
    nodo.answers |= dict(zip(asked, (elenco, flusso), strict=True))
    client: Any = FdrSoap(nodo.url, _TEMPI, pausa_s=0) if trasporto is Trasporto.SOAP else FdrRest(nodo.url, _TEMPI)
    with scena.world.db.transaction() as session:
        for table in _DEI_FLUSSI:
            session.execute(table.delete())
    jobs = Rendicontazione(scena.world, client)
    jobs.usa(trasporto)
    jobs.tutto()
    rows, turno = jobs.rows(), jobs.turno()
    codes = sorted({row.stato for row in rows} or {turno.codice or "NESSUN_FLUSSO"})
    told = " ".join(str(row.motivo) for row in (*rows, turno))
    is_taken = any(row.attiva and row.stato == "PARSED" for row in rows)
    return Risposta(int(not is_taken), "" if is_taken else " ".join(codes), told.encode(), is_http=False)


def _listed(trasporto: Trasporto) -> bytes:
    if trasporto is Trasporto.SOAP:
        body = (
            f'<e:Envelope xmlns:e="{_SOAP}"><e:Body><w:nodoChiediElencoFlussiRendicontazioneRisposta xmlns:w="{_NODO}">'
            "<elencoFlussiRendicontazione><totRestituiti>1</totRestituiti><idRendicontazione><identificativoFlusso>"
            f"{_IUF}</identificativoFlusso><dataOraFlusso>2026-11-20T08:00:00</dataOraFlusso></idRendicontazione>"
            "</elencoFlussiRendicontazione></w:nodoChiediElencoFlussiRendicontazioneRisposta></e:Body></e:Envelope>"
        )
    else:
        body = (
            '{"metadata":{"pageSize":1000,"pageNumber":1,"totPage":1},"count":1,"data":[{"pspId":"ABI01234","fdr":"'
            f'{_IUF}","flowDate":"2026-11-20T08:00:00Z","revision":1,"created":"2026-11-20T08:00:00Z","published":"2026-11-20T08:00:00Z"}}]}}'
        )
    return _http(body.encode())


def _http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


def config(scena: Dentro, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a configuration file."""
    return _of_file(scena, ["config", "apply"], "installazione.yaml", data)


def tassonomia(scena: Dentro, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a table of the taxonomy."""
    return _of_file(scena, ["tassonomia", "aggiorna", "--file"], "tavola", data)


def comando(scena: Dentro, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are the words of a command, a YAML list."""
    return _run(scena, [str(word) for word in yaml.safe_load(data)])


def _of_file(scena: Dentro, words: Sequence[str], name: str, data: bytes) -> Risposta:
    path = scena.folder / name
    path.write_bytes(data)
    return _run(scena, [*words, str(path)])


def _run(scena: Dentro, words: Sequence[str]) -> Risposta:
    result = scena.shell.run(*words)
    told = result.output.encode(errors="replace")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return Risposta(70, type(result.exception).__name__, told, is_http=False)
    return Risposta(result.exit_code, "", told, is_http=False)


Porta = Callable[[Dentro, Ingresso, bytes], Risposta]
PORTE: dict[str, Porta] = {
    "rt": rt, "ricevuta": ricevuta, "simulatore": simulatore, "fdr": fdr, "config": config, "tassonomia": tassonomia,
    "comando": comando,
}  # fmt: skip
