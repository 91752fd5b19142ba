"""One bounded SSH connection to a judged address, whose server shows the one key that is configured.

paramiko: it is given a socket that we have connected, so that the address is the one that was judged; its parts are
plain blocking calls, for threads that have nothing else to do; and its server side plays the ente in tests.
Source: RFC 4253 (8, host key), RFC 4252.
"""

from __future__ import annotations

import io
import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any

import paramiko

from adapters.indirizzi import judge
from adapters.sftp.client import Limiti
from hub.domain.delivery import Delivery, Outcome
from hub.domain.export_giornaliero import Recapito
from hub.domain.traccia import inviato
from hub.formats.chiavi_ssh import openssh_di
from hub.formats.testi import clean

_DETAIL_MAX = 300
# What a server may call the signature of an RSA key; the key is the same. SHA-1 is not among them.
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
_KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


# What paramiko and the socket below it raise when a server refuses, hangs up, stops answering or talks nonsense.
FAILED = (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError, ValueError, struct.error)


class ChiaveDiversa(Exception):
    """The server shows another key than the one configured; the message is an Italian sentence."""


class NonEntrata(Exception):
    """We could not get in; the message is an Italian sentence."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Visita:
    """A connection for the length of a `with`; `sftp` is the library's client.

    Raises (on entering): IndirizzoNonAmmesso, NomeNonRisolto, ChiaveDiversa, NonEntrata.
    """

    sftp: Any

    def __init__(self, recapito: Recapito, limiti: Limiti, deadline: float, *, is_open: bool) -> None:
        self._recapito, self._limiti, self._deadline, self._is_open = recapito, limiti, deadline, is_open
        self._cut = threading.Event()
        self._socket: socket.socket | None = None
        self._transport: Any = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Visita:
        recapito = self._recapito
        addresses = judge(
            recapito.host, recapito.porta, is_open=self._is_open, timeout_s=self._limiti.connect_s
        )
        inviato(b"")
        self._socket = self._connect(addresses)
        # A time-out on a socket starts again at every byte: whoever drips is cut off by this.
        self._timer = threading.Timer(max(0.0, self._deadline - time.monotonic()), self._end)
        self._timer.daemon = True
        self._timer.start()
        try:
            self._open()
        except FAILED as error:
            failed = self.failed(error, "il server SFTP non lascia entrare")
            self._close()
            raise NonEntrata(failed.code, failed.detail) from error
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def is_alive(self) -> bool:
        return not self._cut.is_set() and bool(self._transport.is_active())

    def failed(self, error: Exception, words: str) -> Delivery:
        """Something went wrong before anything had the file's name: it can be tried again."""
        code = "TEMPO_SCADUTO" if self._cut.is_set() or isinstance(error, TimeoutError) else type(error).__name__
        detail = f"{words}: {error}" if str(error) else words
        return Delivery(Outcome.TRY_AGAIN, code, clean(detail, _DETAIL_MAX))

    def _connect(self, addresses: tuple[str, ...]) -> socket.socket:
        code = "TEMPO_SCADUTO"
        for address in addresses:
            timeout_s = min(self._limiti.connect_s, self._deadline - time.monotonic())
            if timeout_s <= 0:
                break
            try:
                return socket.create_connection((address, self._recapito.porta), timeout=timeout_s)
            except OSError as error:
                code = type(error).__name__
        raise NonEntrata(code, "il server SFTP non accetta la connessione")

    def _open(self) -> None:
        assert self._socket is not None
        transport = self._transport = paramiko.Transport(self._socket)
        transport.banner_timeout = transport.handshake_timeout = self._limiti.connect_s
        transport.auth_timeout = self._limiti.answer_s
        kind, _, wanted = self._recapito.chiave_host.partition(" ")
        # Of the keys that the server has, the one that is pinned.
        transport.get_security_options().key_types = _SIGNATURES.get(kind, (kind,))
        transport.start_client(timeout=self._limiti.answer_s)
        shown = transport.get_remote_server_key()
        if shown.get_base64() != wanted:
            raise ChiaveDiversa(f"il server {self._recapito.host} mostra un'altra chiave {kind}: non si consegna nulla")
        if self._recapito.chiave_privata is not None:
            transport.auth_publickey(self._recapito.utente, _private_key(self._recapito.chiave_privata))
        else:
            transport.auth_password(self._recapito.utente, self._recapito.password or "", fallback=False)
        self.sftp = paramiko.SFTPClient.from_transport(transport)
        self.sftp.get_channel().settimeout(self._limiti.answer_s)

    def _end(self) -> None:
        self._cut.set()
        self._shut()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._shut()
        if self._transport is not None:
            self._transport.close()
        if self._socket is not None:
            self._socket.close()

    def _shut(self) -> None:
        """End the conversation below the library, which would wait for the other side's farewell."""
        if self._socket is not None:
            with suppress(OSError):  # it may have ended by itself
                self._socket.shutdown(socket.SHUT_RDWR)


def _private_key(text: str) -> Any:
    try:
        known = openssh_di(text)
        for kind in _KINDS:
            with suppress(paramiko.SSHException):
                return kind.from_private_key(io.StringIO(known))
    except ValueError:
        pass  # told below: of a secret nothing is repeated
    raise NonEntrata("CHIAVE_ILLEGGIBILE", "la chiave privata configurata non si legge")
