"""The daily export of an ente, and the server where its files are left. Source: flows, 3.5."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time

from hub.domain.flussi import VERSIONE_DEFAULT

ORA_DEFAULT = time(2)
PORTA_SFTP = 22


@dataclass(frozen=True, slots=True)
class Recapito:
    """An SFTP server. `chiave_host`: the one key that it may show, as `<kind> <base64>`; `cartella` empty: the user's.

    Exactly one of `password` and `chiave_privata` (text in OpenSSH or PEM form, without passphrase). As configured they
    may be INVARIATO; in clear they live only while a file is being sent.
    """

    host: str
    utente: str
    chiave_host: str
    porta: int = PORTA_SFTP
    cartella: str = ""
    password: str | None = field(default=None, repr=False)
    chiave_privata: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ExportGiornaliero:
    """What an ente gets each day. `ora`: of Europe/Rome; `tipi` None: all; `sftp` None: it waits to be downloaded."""

    attivo: bool = True
    ora: time = ORA_DEFAULT
    versione: str = VERSIONE_DEFAULT
    ricevuta: bool = False
    tipi: tuple[str, ...] | None = None
    sftp: Recapito | None = None
