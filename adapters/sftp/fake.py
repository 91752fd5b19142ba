"""An ente's SFTP server, for tests: on a real socket, in memory, misbehaving on demand."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import paramiko


class Guasto(StrEnum):
    """How a visit goes wrong."""

    MUTO = "muto"  # takes the connection and says nothing
    ALTRO = "altro"  # is not an SSH server
    IMMONDIZIA = "immondizia"  # is one, and talks nonsense in place of files
    RIFIUTA_SCRITTURA = "rifiuta_scrittura"  # no right to write
    DISCO_PIENO = "disco_pieno"  # takes half of the bytes and says that all is well
    LENTO = "lento"  # half a second for each write
    CADE_SCRIVENDO = "cade_scrivendo"  # hangs up in the middle of the file
    CADE_PRIMA_DI_RINOMINARE = "cade_prima_di_rinominare"  # hangs up when asked to rename, without doing it
    CADE_DOPO_RINOMINATO = "cade_dopo_rinominato"  # renames, and hangs up without a word
    RIFIUTA_RINOMINA = "rifiuta_rinomina"


@dataclass
class SftpFinto:
    """A server on a port of its own; `files` is all that it holds, `guasto` spoils the visits while it is set."""

    utente: str = "pontepa"
    password: str | None = "SegretoSftp"
    chiave_utente: Any = None  # public key that may enter
    chiave: Any = field(default_factory=lambda: paramiko.ECDSAKey.generate())
    cartelle: set[str] = field(default_factory=lambda: {"", "in", "in/pagati"})
    files: dict[str, bytes] = field(default_factory=dict)
    guasto: Guasto | None = None
    visits: int = 0
    commands: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._transports: list[Any] = []
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def chiave_host(self) -> str:
        return f"{self.chiave.get_name()} {self.chiave.get_base64()}"

    def __enter__(self) -> SftpFinto:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A socket that is only closed leaves who waits on it waiting.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for transport in self._transports:
            transport.close()
        for connection in self._connections:
            connection.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._connections.append(connection)
            self.visits += 1
            if self.guasto == Guasto.ALTRO:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 200)
            elif self.guasto != Guasto.MUTO:
                transport = paramiko.Transport(connection)
                transport.add_server_key(self.chiave)
                if self.guasto == Guasto.IMMONDIZIA:
                    transport.set_subsystem_handler("sftp", _Immondizia)
                else:
                    transport.set_subsystem_handler(
                        "sftp", paramiko.SFTPServer, _Cartella, finto=self, hang_up=connection
                    )
                self._transports.append(transport)
                transport.start_server(event=threading.Event(), server=_Porta(self))


class _Immondizia(paramiko.SubsystemHandler):
    def start_subsystem(self, name: str, transport: Any, channel: Any) -> None:
        channel.sendall(b"\xff" * 65_536)


class _Porta(paramiko.ServerInterface):
    def __init__(self, finto: SftpFinto) -> None:
        self._finto = finto

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        is_good = username == self._finto.utente and password == self._finto.password
        return paramiko.AUTH_SUCCESSFUL if is_good else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: Any) -> int:
        is_good = username == self._finto.utente and key == self._finto.chiave_utente
        return paramiko.AUTH_SUCCESSFUL if is_good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Cartella(paramiko.SFTPServerInterface):
    """Files by name; a name that is taken is not renamed onto (version 3 of the protocol)."""

    def __init__(self, server: Any, *, finto: SftpFinto, hang_up: socket.socket) -> None:
        super().__init__(server)
        self._finto = finto
        self._hang_up: Callable[[int], None] = hang_up.shutdown

    def stat(self, path: str) -> Any:
        name = "" if path in (".", "/.", "/") else path.strip("/")
        data = self._finto.files.get(name)
        if data is None and name not in self._finto.cartelle:
            return paramiko.SFTP_NO_SUCH_FILE
        found = paramiko.SFTPAttributes()
        found.st_size = 4096 if data is None else len(data)
        return found

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        if self._finto.guasto == Guasto.RIFIUTA_SCRITTURA:
            return paramiko.SFTP_PERMISSION_DENIED
        if path.lstrip("/").rpartition("/")[0] not in self._finto.cartelle:
            return paramiko.SFTP_NO_SUCH_FILE
        return _File(self, self._finto, path.lstrip("/"), flags)

    def remove(self, path: str) -> int:
        with self._finto._lock:
            found = self._finto.files.pop(path.lstrip("/"), None)
        return paramiko.SFTP_NO_SUCH_FILE if found is None else paramiko.SFTP_OK

    def rename(self, oldpath: str, newpath: str) -> int:
        old, new = oldpath.lstrip("/"), newpath.lstrip("/")
        self._finto.commands.append(f"rename {old} {new}")
        if self._finto.guasto == Guasto.CADE_PRIMA_DI_RINOMINARE:
            self._hang_up(socket.SHUT_RDWR)
            return paramiko.SFTP_FAILURE
        with self._finto._lock:
            if new in self._finto.files or self._finto.guasto == Guasto.RIFIUTA_RINOMINA:
                return paramiko.SFTP_FAILURE
            self._finto.files[new] = self._finto.files.pop(old)
        if self._finto.guasto == Guasto.CADE_DOPO_RINOMINATO:
            self._hang_up(socket.SHUT_RDWR)
        return paramiko.SFTP_OK

    def hang_up(self) -> None:
        self._hang_up(socket.SHUT_RDWR)


class _File(paramiko.SFTPHandle):
    def __init__(self, cartella: _Cartella, finto: SftpFinto, name: str, flags: int) -> None:
        super().__init__(flags)
        self._cartella, self._finto, self._name, self._data = cartella, finto, name, io.BytesIO()
        finto.files[name] = b""

    def stat(self) -> Any:
        return self._cartella.stat(self._name)

    def write(self, offset: int, data: bytes) -> int:
        guasto = self._finto.guasto
        if guasto == Guasto.LENTO:
            time.sleep(0.5)
        if guasto == Guasto.CADE_SCRIVENDO and offset:
            self._cartella.hang_up()
        if guasto == Guasto.DISCO_PIENO:
            data = data[: len(data) // 2]
        self._data.seek(offset)
        self._data.write(data)
        self._finto.files[self._name] = self._data.getvalue()
        return int(paramiko.SFTP_OK)
