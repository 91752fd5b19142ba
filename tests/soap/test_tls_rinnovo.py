"""The certificate of the server is replaced while it serves: the next handshake shows the new one."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from hub.web.tls import TlsSettings, build_context
from tests.certificates import Identity, make_identity

OLD, NEW = make_identity("localhost", "ec"), make_identity("localhost rinnovato", "ec")
CLIENT, LATER = make_identity("mensa", "ec"), make_identity("tributi", "ec")


def shown(context: ssl.SSLContext, client: Identity | None = None, folder: Path | None = None) -> str:
    """Have one handshake, over a real pair of sockets, and return the certificate that the server showed."""
    ours, theirs = socket.socketpair()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)

    def serve() -> None:
        is_done = False
        while not is_done:
            try:
                server.do_handshake()
                is_done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                is_done = True
            theirs.sendall(outgoing.read())
            if not is_done:
                data = theirs.recv(65536)
                if not data:
                    return
                incoming.write(data)
        theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    # A client certificate that is refused is told within the handshake.
    asking.maximum_version = ssl.TLSVersion.TLSv1_2
    if client is not None and folder is not None:
        asking.load_cert_chain(*client.write(folder, "client"))
    try:
        with asking.wrap_socket(ours) as connection:
            return ssl.DER_cert_to_PEM_cert(connection.getpeercert(True) or b"")
    finally:
        ours.close()
        thread.join()


def make_settings(folder: Path) -> TlsSettings:
    cert, key = OLD.write(folder, "server")
    ca = folder / "ca.pem"
    ca.write_text(CLIENT.pem)
    return TlsSettings("localhost", 0, Path(cert), Path(key), ca, is_required=True)


def test_the_next_handshake_shows_the_certificate_that_was_put_in_place(tmp_path: Path) -> None:
    context = build_context(make_settings(tmp_path))
    before = shown(context, CLIENT, tmp_path)

    NEW.write(tmp_path, "server")

    assert before.split() == OLD.pem.split()
    assert shown(context, CLIENT, tmp_path).split() == NEW.pem.split()


def test_a_certificate_whose_key_is_not_there_yet_is_not_taken(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    context = build_context(settings)

    settings.cert.write_text(NEW.pem)
    half = shown(context, CLIENT, tmp_path)
    NEW.write(tmp_path, "server")

    assert half.split() == OLD.pem.split()
    assert shown(context, CLIENT, tmp_path).split() == NEW.pem.split()


def test_an_authority_that_was_added_lets_its_clients_in(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    context = build_context(settings)
    try:
        shown(context, LATER, tmp_path)
        was_let_in = True
    except ssl.SSLError:
        was_let_in = False

    assert settings.client_ca is not None
    settings.client_ca.write_text(CLIENT.pem + LATER.pem)

    assert not was_let_in
    assert shown(context, LATER, tmp_path).split() == OLD.pem.split()
