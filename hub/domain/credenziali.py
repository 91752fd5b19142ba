"""What a caller shows to be believed: four kinds of credential, each an ente's own or an application's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Genere(StrEnum):
    """How a caller proves who it is. FIRMA is the certificate of a WS-Security signature, CERTIFICATO that of TLS."""

    PASSWORD = "password"
    TOKEN = "token"
    CERTIFICATO = "certificato"
    FIRMA = "firma"


GENERI = tuple(str(genere) for genere in Genere)


@dataclass(frozen=True, slots=True)
class Certificato:
    """A certificate as it was read. `impronta`: SHA-256 of the DER, hexadecimal; `nome_comune`: empty without one."""

    der: bytes
    impronta: str
    soggetto: str
    valido_dal: datetime
    valido_fino: datetime
    nome_comune: str = ""


@dataclass(frozen=True, slots=True)
class IdentitaTls:
    """Who a station is in TLS: PEM of its certificate, chain included, and of its private key (which may be INVARIATO).

    In clear only while it is read from a file, or while a message is being sent.
    """

    certificato: str
    chiave: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NuovaCredenziale:
    """A credential to be kept. `chiaro`: the secret, shown once, None for a certificate; `hash` empty for one.

    `impronta`: the public name of a token or a certificate, None for a password.
    """

    genere: Genere
    hash: str = ""
    chiaro: str | None = None
    impronta: str | None = None
    certificato: Certificato | None = None
