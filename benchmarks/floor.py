"""The floor: paaSILInviaDovuti by hand, lxml and a driver, nothing between them and the bytes.

The same work as the hub's: hardened parse and XSD check of the envelope, strict base64, parse and XSD check of the
document, its values read, the password compared, IUDs looked up, one durable insert, one JSON log line. Nothing of what
makes a service: no refusals but by crash, no configuration, no metrics, no limits.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from lxml import etree

from benchmarks.messages import COD_IPA_ENTE, PASSWORD
from hub.formats.resources import resource

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_PAY_I = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_ANSWER = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<e:paaSILInviaDovutiRisposta xmlns:e="http://www.regione.veneto.it/pagamenti/ente/"><esito>OK</esito>'
    "<idSession>%s</idSession><redirect>1</redirect><url>http://127.0.0.1/paga/%s</url>"
    "</e:paaSILInviaDovutiRisposta></soapenv:Body></soapenv:Envelope>"
)
_TABLE = """CREATE TABLE IF NOT EXISTS {name} (id_session varchar(36) PRIMARY KEY, ente varchar(35) NOT NULL,
 stato varchar(40) NOT NULL, url_esito varchar(2048) NOT NULL, documento {blob} NOT NULL, created_at {instant} NOT NULL,
 expires_at {instant} NOT NULL, correlation_id varchar(64) NOT NULL)"""
_TAKEN = "CREATE TABLE IF NOT EXISTS {name} (ente varchar(35), iud varchar(35), PRIMARY KEY (ente, iud))"
Keep = Callable[[str, list[str], bytes, str], None]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Reader:
    """The two checks of a request; schemas are compiled once, a lock keeps each verdict with its own request."""

    def __init__(self) -> None:
        self._envelope = _envelope_schema()
        self._documento = etree.XMLSchema(etree.parse(str(resource("schemas", "PagInf_Dovuti_Pagati_6_2_0.xsd"))))
        self._lock = threading.Lock()
        self._local = threading.local()

    def read(self, body: bytes) -> tuple[list[str], bytes, str]:
        """Return IUDs, document and return address. Raises: ValueError (anything is wrong)."""
        envelope = etree.fromstring(body, self._parser())
        head = envelope.find(f"{_SOAP}Header")[0]
        request = envelope.find(f"{_SOAP}Body")[0]
        with self._lock:
            self._envelope.assertValid(request)
            self._envelope.assertValid(head)
        if head.findtext("codIpaEnte") != COD_IPA_ENTE or not hmac.compare_digest(
            request.findtext("password").encode(), PASSWORD.encode()
        ):
            raise ValueError("caller")
        data = base64.b64decode("".join(request.findtext("dovuti").split()), validate=True)
        documento = etree.fromstring(data, self._parser())
        with self._lock:
            self._documento.assertValid(documento)
        found = documento.iter(f"{_PAY_I}datiSingoloVersamento")
        singoli = [{child.tag: child.text for child in item} for item in found]
        {child.tag: child.text for child in documento.find(f"{_PAY_I}soggettoPagatore")}
        iud = [singolo[f"{_PAY_I}identificativoUnivocoDovuto"] for singolo in singoli]
        return iud, data, request.findtext("enteSILInviaRispostaPagamentoUrl") or ""

    def _parser(self) -> etree.XMLParser:
        # One parser for each thread: making one costs as much as a small parse.
        if not hasattr(self._local, "parser"):
            self._local.parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
        return self._local.parser


def _envelope_schema() -> etree.XMLSchema:
    """Return the schema inside the contract's WSDL, with the ones it imports."""
    path = resource("wsdl", "pa-per-ente.wsdl")
    tree = etree.parse(str(path))
    schemas = {item.get("targetNamespace"): item for item in tree.iter(f"{_XSD}schema")}

    class Inline(etree.Resolver):
        def resolve(self, url: str, public_id: str | None, context: Any) -> Any:
            namespace = url.removeprefix("inline:")
            if namespace in schemas:
                return self.resolve_string(etree.tostring(schemas[namespace]), context)
            return self.resolve_filename(str(resource("schemas", url.rpartition("/")[2])), context)

    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Inline())
    for schema in schemas.values():
        for one in schema.iter(f"{_XSD}import"):
            if one.get("schemaLocation") is None:
                one.set("schemaLocation", f"inline:{one.get('namespace')}")
    imports = "".join(f'<import namespace="{name}" schemaLocation="inline:{name}"/>' for name in schemas)
    return etree.XMLSchema(
        etree.fromstring(f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>', parser)
    )


def keep_nothing(id_session: str, iud: list[str], documento: bytes, url: str) -> None:
    """Write nothing: for measures without a database."""


def sqlite_keeper(path: str) -> Keep:
    """Return a durable write into SQLite: one connection, WAL, synchronous=FULL, a commit for each call."""
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    for statement in (
        *("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"),
        _TABLE.format(name="floor_sessioni", blob="blob", instant="text"),
        _TAKEN.format(name="floor_dovuti"),
    ):
        connection.execute(statement)
    lock = threading.Lock()

    def keep(id_session: str, iud: list[str], documento: bytes, url: str) -> None:
        values = _row(id_session, documento, url)
        values[5:7] = [values[5].isoformat(), values[6].isoformat()]
        with lock:
            marks = ",".join("?" * len(iud))
            taken = connection.execute(
                f"SELECT iud FROM floor_dovuti WHERE ente = ? AND iud IN ({marks})", [COD_IPA_ENTE, *iud]
            )
            if taken.fetchall():
                raise ValueError("iud")
            connection.execute("INSERT INTO floor_sessioni VALUES (?,?,?,?,?,?,?,?)", values)

    return keep


def postgresql_keeper(url: str) -> Keep:
    """Return a durable write into PostgreSQL: a connection for each thread, one look-up, one insert that commits."""
    address, local = _libpq(url), threading.local()

    def keep(id_session: str, iud: list[str], documento: bytes, url: str) -> None:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(address, autocommit=True)
        look = "SELECT iud FROM floor_dovuti WHERE ente = %s AND iud = ANY(%s)"
        if local.connection.execute(look, [COD_IPA_ENTE, iud]).fetchall():
            raise ValueError("iud")
        insert = "INSERT INTO floor_sessioni VALUES (%s,%s,%s,%s,%s,%s,%s,%s)"
        local.connection.execute(insert, _row(id_session, documento, url))

    return keep


def create_tables(url: str) -> None:
    """Make the floor's tables in PostgreSQL, before the processes that write."""
    with psycopg.connect(_libpq(url), autocommit=True) as connection:
        connection.execute(_TABLE.format(name="floor_sessioni", blob="bytea", instant="timestamptz"))
        connection.execute(_TAKEN.format(name="floor_dovuti"))


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _row(id_session: str, documento: bytes, url: str) -> list[Any]:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    return [id_session, COD_IPA_ENTE, "NUOVO_CARRELLO", url, documento, now, now + hour, uuid.uuid4().hex]


def build_floor(keep: Keep) -> Wsgi:
    """Return the floor as a WSGI callable."""
    reader = Reader()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            start_response("200 OK", [("Content-Length", "0")])
            return [b""]
        started = time.perf_counter()
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        iud, documento, url = reader.read(body)
        id_session = str(uuid.uuid4())
        keep(id_session, iud, documento, url)
        answer = (_ANSWER % (id_session, id_session)).encode()
        _note(id_session, len(body), len(answer), started)
        start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(answer)))])
        return [answer]

    return application


def _note(id_session: str, bytes_in: int, bytes_out: int, started: float) -> None:
    """Write one JSON line on stderr, with what the hub's line has."""
    line = {
        "event": "soap_request",
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat(),
        "operation": "paaSILInviaDovuti",
        "outcome": "ok",
        "http_status": 200,
        "ente": COD_IPA_ENTE,
        "id_session": id_session,
        "duration_ms": round((time.perf_counter() - started) * 1000, 1),
        "correlation_id": uuid.uuid4().hex,
        "bytes_in": bytes_in,
        "bytes_out": bytes_out,
        "source_ip": "127.0.0.1",
    }
    sys.stderr.write(json.dumps(line) + "\n")


def create_wsgi() -> Wsgi:
    """The factory for the server: BENCH_DATABASE says where to write, a SQLite file or a PostgreSQL address."""
    target = os.environ["BENCH_DATABASE"]
    if target.startswith("postgresql"):
        return build_floor(postgresql_keeper(target))
    return build_floor(sqlite_keeper(target))


def serve(port: int, threads: int, processes: int) -> None:
    """Serve the floor with the hub's own server and settings."""
    from granian.constants import Interfaces
    from granian.server import Server

    if os.environ["BENCH_DATABASE"].startswith("postgresql"):
        create_tables(os.environ["BENCH_DATABASE"])
    Server(
        "benchmarks.floor:create_wsgi",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=processes,
        blocking_threads=threads,
        log_enabled=False,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    serve(*(int(os.environ[f"BENCH_{name}"]) for name in ("PORT", "THREADS", "PROCESSES")))
