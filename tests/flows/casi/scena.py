"""Where the cases of the public suites are played: a served hub asked over HTTP, its database beside.

The worker's ticks are done by hand, so that a case knows what has been applied. Source: node, 8.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from sqlalchemy import Row

from hub.domain.iuv import build_iuv, numero_avviso
from hub.store import schema
from tests.factories import encode
from tests.flows.plant import HTTP, Plant
from tests.ricevute import NS, make_ricevuta, make_token
from tests.world import INTERMEDIARIO, STAZIONE, World

PA_FOR_NODE, RT = "/ws/fesp/paForNode", "/ws/fesp/PagamentiTelematiciRT"
WS = "http://ws.pagamenti.telematici.gov/"
# Its receipts come from the WISP converter.
STAZIONE_CONVERTITA = "12345678903_03"
ALTRA_STAZIONE = "12345678903_02"


@dataclass(frozen=True, slots=True)
class Risposta:
    status: int
    body: bytes

    @property
    def said(self) -> str:
        """`OK`, the code of the fault, or the HTTP status of what is no answer."""
        if b">OK</outcome>" in self.body or b">OK</esito>" in self.body:
            return "OK"
        _, found, rest = self.body.partition(b"<faultCode>")
        return rest.partition(b"<")[0].decode() if found else str(self.status)


class Scena:
    """One case: its notices and tokens are nobody else's."""

    _numbers = itertools.count(7_000_001)

    def __init__(self, world: World, plant: Plant) -> None:
        self.world, self.plant = world, plant
        self.iuv = build_iuv(1, next(self._numbers))
        self.token = make_token()

    def new_iuv(self) -> str:
        return build_iuv(1, next(self._numbers))

    # What the node sends.

    def post(self, path: str, body: bytes, timeout_s: float = 30) -> Risposta:
        """Raises: urllib3.exceptions.HTTPError (the node gave up)."""
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        answer = HTTP.request("POST", self.plant.hub_url + path, body=body, headers=headers, timeout=timeout_s)
        return Risposta(answer.status, answer.data)

    def post_and_leave(self, path: str, body: bytes) -> None:
        """Send a request whole and go without its answer, once the hub has begun to write it."""
        parts = urlsplit(self.plant.hub_url)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30) as connection:
            connection.sendall(head.encode() + body)
            connection.recv(1)

    def message(self, primitiva: str = "paSendRTV2", **values: Any) -> bytes:
        return make_ricevuta(primitiva, **({"iuv": self.iuv, "receipt_id": self.token} | values))

    def receipt(self, primitiva: str = "paSendRTV2", **values: Any) -> str:
        """Send a receipt, apply what waits, return what was answered."""
        said = self.post(PA_FOR_NODE, self.message(primitiva, **values)).said
        self.world.apply()
        return said

    def verify(self) -> str:
        return self._ask("paVerifyPaymentNoticeReq", "")

    def get(self) -> str:
        return self._ask("paGetPaymentReq", "<amount>50.00</amount>")

    def _ask(self, request: str, more: str) -> str:
        content = (
            f"<idPA>{INTERMEDIARIO}</idPA><idBrokerPA>{INTERMEDIARIO}</idBrokerPA><idStation>{STAZIONE}</idStation><qrCode>"
            f"<fiscalCode>{INTERMEDIARIO}</fiscalCode><noticeNumber>{numero_avviso(self.iuv)}</noticeNumber></qrCode>{more}"
        )
        body = _envelope("", f'<p:{request} xmlns:p="{NS}">{content}</p:{request}>')
        return self.post(PA_FOR_NODE, body).said

    def rt(self, tentativo: Row[Any], raw: bytes, **header: str) -> bytes:
        """A paaInviaRT for an attempt; `header` replaces what its header says."""
        fields = {
            "identificativoIntermediarioPA": INTERMEDIARIO,
            "identificativoStazioneIntermediarioPA": STAZIONE,
            "identificativoDominio": tentativo.dominio,
            "identificativoUnivocoVersamento": tentativo.iuv,
            "codiceContestoPagamento": tentativo.ccp,
        } | header
        head = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
        return _envelope(
            f'<h:intestazionePPT xmlns:h="{WS}ppthead">{head}</h:intestazionePPT>',
            f'<w:paaInviaRT xmlns:w="{WS}"><tipoFirma>0</tipoFirma><rt>{encode(raw)}</rt></w:paaInviaRT>',
        )

    def send_rt_only(self, tentativo: Row[Any], raw: bytes, **header: str) -> str:
        return self.post(RT, self.rt(tentativo, raw, **header)).said

    def send_rt(self, tentativo: Row[Any], raw: bytes, **header: str) -> str:
        """Send an RT, apply what waits, return what was answered."""
        said = self.send_rt_only(tentativo, raw, **header)
        self.world.apply()
        return said

    # What is in the database.

    def notice(self, **values: Any) -> Row[Any]:
        """A dovuto whose notice this case pays."""
        return self.world.lay_avviso(self.iuv, **values)

    def dovuto(self) -> Row[Any]:
        return self.world.one(schema.dovuti, iuv=self.iuv, attuale=True)

    def receipts(self, **where: Any) -> list[Row[Any]]:
        return self.world.rows(schema.rt_ricevute, **(where or {"iuv": self.iuv}))

    def stati(self) -> list[str]:
        return [row.stato for row in self.receipts()]

    def carrelli(self) -> list[str]:
        return [row.stato for row in self.world.rows(schema.carrelli, iuv=self.iuv)]

    @contextmanager
    def closed_table(self) -> Iterator[None]:
        """Nothing can be kept while the block runs."""
        for old, new in (("rt_ricevute", "altrove"), ("altrove", "rt_ricevute")):
            if old == "altrove":
                yield
            with self.world.db.transaction() as session:
                session.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")

    @contextmanager
    def slow_table(self) -> Iterator[None]:
        """Whoever writes a receipt waits until the block ends."""
        with self.world.db.transaction() as session:
            if self.world.db.is_postgresql:
                session.exec_driver_sql("LOCK TABLE rt_ricevute IN EXCLUSIVE MODE")
            yield


def gave_up(send: Callable[[], Any]) -> bool:
    """Whether the node ends its call without an answer."""
    try:
        send()
    except urllib3.exceptions.HTTPError:
        return True
    return False


def _envelope(head: str, body: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{head}</s:Header><s:Body>{body}'
        "</s:Body></s:Envelope>"
    ).encode()
