"""The service of the taxonomy over a real socket: what it may answer, and what it may cost."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.tassonomia.client import Limiti, TassonomiaClient
from hub.domain.prelievo import EsitoPrelievo, Prelievo
from tests import tls

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
QUICK = Limiti(connect_s=2.0, read_s=0.5, total_s=1.0, answer_max_bytes=1000)


def reply(body: bytes = b"", status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    announced = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {announced}\r\n{headers}\r\n".encode() + body


@contextmanager
def serving(answer: Callable[[socket.socket], None] | bytes, *, head: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """One connection answered, with the head of what was asked; gives the address and what came."""
    heads: list[bytes] = []

    def run() -> None:
        with listener.accept()[0] as connection:
            connection.settimeout(10)
            if head:
                heads.append(connection.recv(65536))
            if isinstance(answer, bytes):
                connection.sendall(answer)
            else:
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/taxonomy?extension=csv", heads
        finally:
            thread.join(10)


def ask(answer: Callable[[socket.socket], None] | bytes, etag: str | None = None) -> Prelievo:
    with serving(answer) as (url, _heads):
        return TassonomiaClient(url, QUICK).fetch(etag)


def test_the_bytes_and_their_tag_come_whole() -> None:
    with serving(reply(b"x" * 1000, headers='ETag: "v34"\r\n')) as (url, heads):
        found = TassonomiaClient(url, QUICK).fetch(None)

    assert found == Prelievo(EsitoPrelievo.NUOVO, b"x" * 1000, '"v34"')
    assert heads[0].startswith(b"GET /taxonomy?extension=csv HTTP/1.1\r\n")
    assert b"If-None-Match" not in heads[0]


def test_the_tag_that_we_have_is_shown_and_the_same_table_does_not_come_again() -> None:
    with serving(reply(status="304 Not Modified")) as (url, heads):
        found = TassonomiaClient(url, QUICK).fetch('"v34"')

    assert found == Prelievo(EsitoPrelievo.INVARIATO)
    assert b'If-None-Match: "v34"' in heads[0]


@pytest.mark.parametrize(
    ("answer", "codice"),
    [
        (reply(b"no", "404 Not Found"), "HTTP_404"),
        (reply(b"no", "500 Internal Server Error"), "HTTP_500"),
        (reply(b"", "302 Found", "Location: http://127.0.0.1/altro\r\n"), "HTTP_302"),
        # Without a tag of ours nothing can be unchanged.
        (reply(b"", "304 Not Modified"), "HTTP_304"),
        (reply(b"x" * 1001), "RISPOSTA_TROPPO_GRANDE"),
        (CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n", "RISPOSTA_TROPPO_GRANDE"),
        (reply(b"corto", length=500), "ProtocolError"),
        (b"SSH-2.0-OpenSSH\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told_by_a_code(answer: bytes, codice: str) -> None:
    found = ask(answer)

    assert (found.esito, found.corpo, found.codice) == (EsitoPrelievo.NON_RIUSCITO, b"", codice)


def test_who_answers_nothing_is_given_up() -> None:
    done = threading.Event()

    found = ask(lambda _connection: None if done.wait(1.5) else None)

    assert (found.esito, found.codice) == (EsitoPrelievo.NON_RIUSCITO, "TimeoutError")


def test_who_sends_a_byte_now_and_then_is_cut_off() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(reply(length=500))
        try:
            for _ in range(60):
                connection.sendall(b"x")
                time.sleep(0.1)
        except OSError:
            return
        raise AssertionError("nobody hung up")

    found = ask(drip)

    assert (found.esito, found.codice) == (EsitoPrelievo.NON_RIUSCITO, "TEMPO_SCADUTO")


def test_a_door_that_is_shut_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    found = TassonomiaClient(f"http://127.0.0.1:{port}/", QUICK).fetch(None)

    assert (found.esito, found.codice) == (EsitoPrelievo.NON_RIUSCITO, "NewConnectionError")


def test_a_server_that_is_not_who_it_says_is_not_believed(tmp_path: Path) -> None:
    """Its authority is nobody's that the machine trusts."""
    context = tls.serving(tmp_path, "127.0.0.1")

    def answer(connection: socket.socket) -> None:
        with pytest.raises(ssl.SSLError), context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(65536)

    with serving(answer, head=False) as (url, _heads):
        found = TassonomiaClient(url.replace("http:", "https:"), QUICK).fetch(None)

    assert (found.esito, found.codice) == (EsitoPrelievo.NON_RIUSCITO, "SSLCertVerificationError")


def test_a_tag_too_long_to_be_kept_is_let_go() -> None:
    assert ask(reply(b"x", headers=f"ETag: {'e' * 257}\r\n")).etag is None
