"""The doors: each takes an input and asks a running process over a socket, as whoever wrote the input would."""

from __future__ import annotations

import base64
import hmac
import http.client
import io
import json
import re
import socket
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from xml.sax.saxutils import escape

import jwt
import yaml

from hub.config import DEVELOPMENT_SECRET_KEY
from hub.formats.gettoni_firmati import derive_key
from tests.flows.plant import NS, SERVICE, field, until
from tests.ostili import comandi, firme
from tests.ostili.corpo import Ingresso
from tests.ostili.risposta import Risposta, read_answer
from tests.ostili.scena import HEADER, Scena
from tests.tracciati import make_campi, make_csv, make_zip

# No answer takes so long on any machine; an input that is never answered is red.
_WAIT_S = 60
UPLOAD = "/public/mybox/uploadFlusso"
RT = "/ws/fesp/PagamentiTelematiciRT"
_NODO = "http://ws.pagamenti.telematici.gov/"


def send(scena: Scena, ingresso: Ingresso) -> Risposta:
    """Send an input through its door."""
    return PORTE[ingresso.porta](scena, ingresso, scena.fill(ingresso.data))


def exchange(address: tuple[str, int], request: bytes) -> Risposta:
    """Send bytes and read all that comes until the other side closes; status 0: closed without a word.

    More than one answer to what should be one request is told by the code.
    """
    received = bytearray()
    with socket.create_connection(address, timeout=_WAIT_S) as connection:
        # Who refuses the first bytes need not wait for the rest.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        with suppress(ConnectionResetError):
            while block := connection.recv(65536):
                received += block
    if not received:
        return Risposta(0, "CHIUSA")
    first, rest = _read(bytes(received), request.partition(b" ")[0].decode("latin-1"))
    more = rest.count(b"HTTP/1.1 ")
    return Risposta(first.stato, f"RISPOSTE_{more + 1}", bytes(received)) if more else first


def _read(data: bytes, method: str) -> tuple[Risposta, bytes]:
    class Wire(io.BytesIO):
        def makefile(self, *_: Any, **__: Any) -> io.BytesIO:
            return self

        def close(self) -> None:
            pass  # what follows is looked at too

    wire = Wire(data)
    answer = http.client.HTTPResponse(wire, method=method)  # type: ignore[arg-type]
    answer.begin()
    body = answer.read()
    head = data[: data.find(b"\r\n\r\n")]
    read = read_answer(answer.status, body)
    return Risposta(read.stato, read.codice, head + b"\r\n\r\n" + body), wire.read()


def post(scena: Scena, path: str, body: bytes, content_type: str, **headers: str) -> Risposta:
    lines = {
        "Host": scena.word("HOST"), "Content-Type": content_type, "Content-Length": str(len(body)),
        "Connection": "close",
    }  # fmt: skip
    head = "".join(f"{name}: {text}\r\n" for name, text in (lines | headers).items())
    return exchange(scena.address, f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)


def busta(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are the whole body of a POST to a SOAP service."""
    con = ingresso.con
    headers = {name: scena.fill(str(text).encode()).decode() for name, text in con.get("intestazioni", {}).items()}
    content_type = headers.pop("Content-Type", "text/xml; charset=utf-8")
    return post(scena, con.get("percorso", SERVICE), data, content_type, **headers)


def interno(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a document inside a message: in base64, as it should be, unless `com_e` wants them as they are."""
    con = ingresso.con
    text = data if con.get("com_e") else base64.b64encode(data)
    operation, element = con.get("operazione", "paaSILInviaDovuti"), con.get("elemento", "dovuti")
    inner = f"<password>{scena.word('PASSWORD')}</password>".encode()
    body = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{HEADER}</s:Header><s:Body>'
        f'<e:{operation} xmlns:e="{NS}">'.encode()
        + inner + f"<{element}>".encode() + text + f"</{element}></e:{operation}></s:Body></s:Envelope>".encode()
    )  # fmt: skip
    return post(scena, SERVICE, body, "text/xml; charset=utf-8", SOAPAction=operation)


def rt(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a receipt of the RPT that was made for it; `intestazione` changes the header of paaInviaRT."""
    con = ingresso.con
    fields = {
        "identificativoIntermediarioPA": "12345678903",
        "identificativoStazioneIntermediarioPA": "12345678903_01",
        "identificativoDominio": scena.word("DOMINIO"),
        "identificativoUnivocoVersamento": scena.word("IUV_RPT"),
        "codiceContestoPagamento": scena.word("CCP"),
    } | con.get("intestazione", {})
    header = "".join(f"<{name}>{scena.fill(text.encode()).decode()}</{name}>" for name, text in fields.items())
    text = data if con.get("com_e") else base64.b64encode(data)
    body = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:w="{_NODO}"><s:Header>'
        f'<h:intestazionePPT xmlns:h="{_NODO}ppthead">{header}</h:intestazionePPT></s:Header><s:Body>'
        f"<w:paaInviaRT><tipoFirma></tipoFirma><rt>".encode()
        + text + b"</rt></w:paaInviaRT></s:Body></s:Envelope>"
    )  # fmt: skip
    return post(scena, RT, body, "text/xml; charset=utf-8", SOAPAction="paaInviaRT")


def http_(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a request as it is read by people: lines of the head, an empty one, the body.

    What is added: the ends of the lines, the length of the body, the wish that the connection be closed.
    """
    head, _, body = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if body or b"POST" in lines[0]:
        lines.append(b"Content-Length: %d" % len(body))
    lines.append(b"Connection: close")
    address = scena.address
    if ingresso.con.get("nodo"):
        host, _, port = scena.word("NODO").partition(":")
        address = (host, int(port))
    return exchange(address, b"\r\n".join(lines) + b"\r\n\r\n" + body)


def grezzo(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are all that goes over the connection."""
    return exchange(scena.address, data)


def modulo(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are the body of a form; its lines end as on the wire."""
    content_type = ingresso.con.get("tipo", "multipart/form-data; boundary=CONFINE")
    return post(scena, ingresso.con.get("percorso", UPLOAD), data.replace(b"\n", b"\r\n"), content_type)


def carico(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are the file of a flow, brought with a good token."""
    nome = ingresso.con.get("nome", "C_PROVA-OSTILE-1_3.zip")
    return post(
        scena, f"/flussi/import?nome={nome}", data, "application/zip", Authorization=f"Bearer {scena.word('TOKEN')}"
    )


def check(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are the file of a flow, tried over HTTP with the password of the ente."""
    con = ingresso.con
    return post(
        scena, f"/flussi/check?nome={con.get('nome', 'C_PROVA-OSTILE-1_3.csv')}", data, con.get("tipo", "text/csv"),
        Authorization=f"Basic {scena.word('BASIC')}",
    )  # fmt: skip


def gettone(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes say how a good token is changed; it then brings a flow that nothing is wrong with.

    `claims`: what is said otherwise, null takes it away; `chiave`: the use whose key signs, or `testo:` and a text;
    `alg`; `testo`: the token itself, `@` being the changed one.
    """
    words = yaml.safe_load(data)
    claims = jwt.decode(scena.word("TOKEN"), options={"verify_signature": False}) | words.get("claims", {})
    claims = {name: value for name, value in claims.items() if value is not None}
    chiave, alg = words.get("chiave", "flussi/upload"), words.get("alg", "HS512")
    key = chiave.removeprefix("testo:").encode() if chiave.startswith("testo:") else derive_key(
        DEVELOPMENT_SECRET_KEY, chiave, "sha512" if alg == "HS512" else "sha256"
    )  # fmt: skip
    head = words.get("testata", {})
    token = _jwt({"typ": "JWT", "alg": alg} | head, claims, key)
    token = words.get("testo", "@").replace("@", token)
    nome = f"C_PROVA-G{uuid.uuid4().hex[:8]}-1_3"
    file = make_zip([(f"{nome}.csv", make_csv(make_campi(IUD=scena.word("IUD"))))]).getvalue()
    path, bearer = f"/flussi/import?nome={nome}.zip", f"Bearer {token}"
    if ingresso.con.get("prima"):
        before = post(scena, path, file, "application/zip", Authorization=bearer)
        assert before.stato == 201, before
    answer = post(scena, path, file, "application/zip", Authorization=bearer)
    until(lambda: scena.waiting_flows() == 0 or None, _WAIT_S)
    return answer


def _jwt(head: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """A token that no library would write: any head, any key; without signature for what is no HMAC."""
    signed = b".".join(_url_safe(json.dumps(part).encode()) for part in (head, claims))
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}.get(head["alg"])
    signature = b"" if digest is None else hmac.new(key, signed, digest).digest()
    return (signed + b"." + _url_safe(signature)).decode()


def _url_safe(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def firma(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes say how a signed message is made and what happens to it on its way."""
    messages = firme.build(yaml.safe_load(data), scena.hub_url + SERVICE)
    for before in messages[:-1]:
        assert (first := post(scena, SERVICE, before, "text/xml; charset=utf-8")).is_accolto, first.testo
    return post(scena, SERVICE, messages[-1], "text/xml; charset=utf-8")


def ritorno(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are the address to which the payer returns; code IGNORATO: the hub keeps the payer on its own pages."""
    address = escape(data.decode(), {"\r": "&#13;"})
    inner = (
        f"<password>{scena.word('PASSWORD')}</password><dovuti>{scena.word('DOVUTI')}</dovuti>"
        f"<enteSILInviaRispostaPagamentoUrl>{address}</enteSILInviaRispostaPagamentoUrl>"
    )
    body = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{HEADER}</s:Header><s:Body>'
        f'<e:paaSILInviaDovuti xmlns:e="{NS}">{inner}</e:paaSILInviaDovuti></s:Body></s:Envelope>'
    )
    answer = post(scena, SERVICE, body.encode(), "text/xml; charset=utf-8")
    if not answer.is_accolto:
        return answer
    page = f"/paga/{field(answer.testo.decode(), 'idSession')}"
    request = f"GET {page}/torna HTTP/1.1\r\nHost: {scena.word('HOST')}\r\nConnection: close\r\n\r\n"
    back = exchange(scena.address, request.encode())
    location = re.search(rb"(?im)^location: (.*?)\r$", back.testo)
    is_own = location is not None and location[1].decode().removeprefix(scena.hub_url) == page
    return Risposta(back.stato, "IGNORATO" if is_own else "", back.testo)


Porta = Callable[[Scena, Ingresso, bytes], Risposta]
PORTE: dict[str, Porta] = {
    "busta": busta, "interno": interno, "rt": rt, "http": http_, "grezzo": grezzo, "modulo": modulo, "carico": carico,
    "check": check, "gettone": gettone, "firma": firma, "comando": comandi.comando, "flusso": comandi.flusso,
    "config": comandi.config, "tassonomia": comandi.tassonomia, "ritorno": ritorno,
}  # fmt: skip
