"""The journal of events: what one event says, its canonical text, the hash that chains it to the one before.

No person is in an event: bytes are there as their SHA-256, words only when they have the shape of a code of ours or of
the node. Source: node, event log ("giornale degli eventi"); RFC 6962 for the idea of signed heads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

# The chain of what belongs to no ente that is known.
SENZA_ENTE = "-"
# What the first event of a chain follows.
ORIGINE = bytes(32)
_FORMA = "pontepa-giornale-1"
_FORMA_FIRMA = "pontepa-giornale-firma-1"
_DURATA_MAX_MS = 2**31 - 1

_PAROLA = re.compile(r"[A-Za-z][A-Za-z0-9_./ -]{0,63}")
# A caller may choose its correlation id; one that no machine made is not shown.
_CORRELAZIONE = re.compile(r"[0-9a-f-]{20,64}", re.IGNORECASE)
# Codes of the node, of its services, of HTTP, of a SOAP fault, and how a connection ended; our own have no other words.
_CODICE = re.compile(
    r"(?:PAA|CODE_PAA|PPT|PAM|PIVOT|HTTP|SOAP)_[A-Z0-9_]{1,50}|SOAP_(?:Client|Server|VersionMismatch|MustUnderstand)"
    r"|(?:RPT|RT|CARRELLO)_[A-Z_]{1,40}|[A-Z][A-Za-z]{2,40}(?:Error|Timeout|TimeoutError)"
)
_PROPRI = frozenset(
    {
        *("Client", "Server", "VersionMismatch", "MustUnderstand", "LEASE", "RT", "NON_IN_LISTA", "KO_SENZA_FAULT"),
        *("INDIRIZZO_NON_AMMESSO", "NOME_NON_RISOLTO", "TEMPO_SCADUTO", "RISPOSTA_TROPPO_GRANDE", "SENZA_CHIAVE"),
        *("FILE_DIVERSO", "CARTELLA_ASSENTE", "ASSENTE", "CHIAVE_HOST_DIVERSA", "RICEVUTA_NON_LEGGIBILE", "OK"),
        *("RISPOSTA_NON_LEGGIBILE", "LOCATION_NON_LEGGIBILE", "SENZA_DOCUMENTO", "NON_PUBBLICATO", "INTERROTTA"),
        *("TOKEN_NON_VALIDO", "TOKEN_GIA_USATO", "RICHIESTA_NON_VALIDA", "FILE_TROPPO_GRANDE", "NON_TROVATO"),
        *("CONTENUTO_NON_AMMESSO", "TROPPI_TENTATIVI", "SERVIZIO_NON_DISPONIBILE", "ERRORE_INTERNO"),
    }
)
_ALTRO = "ALTRO"
# A tax code of a person, also with letters in the place of some digits, or eleven digits in a row.
_PERSONA = re.compile(
    r"(?=[A-Z]{6,15}[0-9])[A-Z]{6}[0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]|[0-9]{11}", re.IGNORECASE
)


class Verso(StrEnum):
    """Who called whom. INTERNO: what the journal says of itself."""

    ENTRATA = "ENTRATA"
    USCITA = "USCITA"
    INTERNO = "INTERNO"


class Esito(StrEnum):
    """How a call ended. KO: a refusal of the one that was called; RIPROVARE: it was not taken; IGNOTO: nobody knows."""

    OK = "OK"
    KO = "KO"
    RIPROVARE = "RIPROVARE"
    IGNOTO = "IGNOTO"
    ERRORE = "ERRORE"


@dataclass(frozen=True, slots=True)
class Evento:
    """One call. `ente`: codIpaEnte or tax code as it was said, or `ente_id`: the ente itself; neither: nobody knows.

    `at`: when it began, UTC. `ricevuto`, `inviato`: SHA-256 of the bytes, None where there were none. A request to the
    hub is hashed with its passwords blanked.
    """

    at: datetime
    verso: Verso
    operazione: str
    esito: Esito
    durata_ms: int
    correlation_id: str = ""
    ente: str = ""
    ente_id: int | None = None
    codice: str = ""
    ricevuto: bytes | None = None
    inviato: bytes | None = None


def pulito(evento: Evento) -> Evento:
    """Return an event that says nothing of a person, whatever the other side put in its words.

    >>> base = Evento(datetime(2026, 11, 22, tzinfo=UTC), Verso.USCITA, "paaSILInviaDovuti", Esito.KO, 12)
    >>> pulito(replace(base, codice="Mario Rossi")).codice, pulito(replace(base, codice="PAA_SEMANTICA")).codice
    ('ALTRO', 'PAA_SEMANTICA')
    >>> pulito(replace(base, correlation_id="RSSMRA80A01H501U")).correlation_id[:14]
    'sha256:82e9870'
    """
    operazione = evento.operazione
    if not _PAROLA.fullmatch(operazione) or _PERSONA.search(operazione):
        operazione = _ALTRO if operazione else "sconosciuta"
    return replace(
        evento,
        operazione=operazione,
        codice=codice_mostrabile(evento.codice),
        correlation_id=correlazione_mostrabile(evento.correlation_id),
        durata_ms=min(max(evento.durata_ms, 0), _DURATA_MAX_MS),
    )


def codice_mostrabile(codice: str) -> str:
    """Return a code as it may stand in the journal.

    >>> [codice_mostrabile(one) for one in ("PAA_RSSMRA80A01H501U", "HTTP_503", "ReadTimeoutError", "X")]
    ['ALTRO', 'HTTP_503', 'ReadTimeoutError', 'ALTRO']
    """
    if not codice or codice in _PROPRI:
        return codice
    return codice if _CODICE.fullmatch(codice) and not _PERSONA.search(codice) else _ALTRO


def correlazione_mostrabile(correlation_id: str) -> str:
    """Return a correlation id, or its digest when a person may have chosen its letters."""
    if not correlation_id or _CORRELAZIONE.fullmatch(correlation_id):
        return correlation_id
    return "sha256:" + sha256(correlation_id.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Riga:
    """An event in its chain, as it is kept. `numero` counts from 1; `precedente` is the hash of the one before."""

    catena: str
    numero: int
    at: datetime
    verso: str
    operazione: str
    esito: str
    codice: str
    durata_ms: int
    correlation_id: str
    ricevuto: bytes | None
    inviato: bytes | None
    precedente: bytes


def impronta_of(riga: Riga) -> bytes:
    """Return the SHA-256 of the canonical text of a row.

    Shape of the text: UTF-8, fields one a line, LF between them, none after the last: the name of this form, chain,
    number, instant (`2026-11-22T05:00:00.000000Z`), direction, operation, outcome, code, milliseconds, correlation id,
    digest received, digest sent, hash of the row before; digests in hexadecimal, empty where there is none.
    """
    return sha256(testo_of(riga).encode()).digest()


def testo_of(riga: Riga) -> str:
    """Return the canonical text of a row."""
    return "\n".join(
        (
            _FORMA,
            riga.catena,
            str(riga.numero),
            istante(riga.at),
            riga.verso,
            riga.operazione,
            riga.esito,
            riga.codice,
            str(riga.durata_ms),
            riga.correlation_id,
            riga.ricevuto.hex() if riga.ricevuto else "",
            riga.inviato.hex() if riga.inviato else "",
            riga.precedente.hex(),
        )
    )


class Genere(StrEnum):
    """What is signed. TESTA: the last event of a chain on a day; TAGLIO: the last one that was purged."""

    TESTA = "TESTA"
    TAGLIO = "TAGLIO"


@dataclass(frozen=True, slots=True)
class Sigillo:
    """What a signature says: this chain had this hash at this number. `catene`: how many chains there were.

    Of a chain that was cut, all up to `numero` was removed because of its age.
    """

    genere: str
    catena: str
    numero: int
    impronta: bytes
    catene: int
    at: datetime

    @property
    def testo(self) -> bytes:
        """The bytes that are signed: UTF-8, fields one a line, LF between them, none after the last."""
        fields = (_FORMA_FIRMA, self.genere, self.catena, str(self.numero), self.impronta.hex(), str(self.catene))
        return "\n".join((*fields, istante(self.at))).encode()


def istante(at: datetime) -> str:
    """Return an instant as it stands in the canonical text.

    >>> istante(datetime(2026, 11, 22, 5, tzinfo=UTC))
    '2026-11-22T05:00:00.000000Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
