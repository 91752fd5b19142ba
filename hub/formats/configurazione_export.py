"""The part of the configuration file that says what an ente gets every day, and where. Source: flows, 3.5."""

from __future__ import annotations

import re
from datetime import time

from hub.domain.configurazione import INVARIATO
from hub.domain.export_giornaliero import ORA_DEFAULT, PORTA_SFTP, ExportGiornaliero, Recapito
from hub.domain.flussi import VERSIONE_DEFAULT, VERSIONI_EXPORT
from hub.formats.campi import Campi
from hub.formats.chiavi_ssh import is_chiave_host, is_chiave_privata

_KEYS = ("attivo", "ora", "versione", "ricevuta", "tipi", "sftp")
_SFTP_KEYS = ("host", "porta", "utente", "cartella", "chiave_host", "password", "chiave_privata")
_ORA = r"([01][0-9]|2[0-3]):[0-5][0-9]"
# A name or a numeric address: what it means is judged at each call.
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?"
# No part of a path may lead up: the ente's server decides where its users end, this keeps the file from lying.
_CARTELLA = r"(?!.*(^|/)\.\.(/|$))[A-Za-z0-9_./ -]{1,512}"
# An RSA key of 8192 bits is 6400 characters of text.
_CHIAVE_MAX = 16_384
_HOST_RULE = 'la chiave pubblica del server come la stampa ssh-keyscan, senza il nome: "ssh-ed25519 AAAA..."'
_CHIAVE_RULE = "chiave privata RSA, ECDSA o Ed25519 leggibile, senza frase segreta"


def read_export_giornaliero(campi: Campi) -> ExportGiornaliero | None:
    """Return what an ente gets every day; None when the file does not speak of it."""
    inner = campi.mapping("export_giornaliero", _KEYS)
    if inner is None:
        return None
    ora = inner.optional_text("ora", pattern=_ORA, rule='ora e minuti fra virgolette, per esempio "02:00"')
    return ExportGiornaliero(
        attivo=inner.flag("attivo", True),
        ora=time.fromisoformat(ora) if ora and re.fullmatch(_ORA, ora) else ORA_DEFAULT,
        versione=inner.choice("versione", VERSIONI_EXPORT, VERSIONE_DEFAULT),
        ricevuta=inner.flag("ricevuta", False),
        tipi=inner.names("tipi"),
        sftp=_read_sftp(inner),
    )


def _read_sftp(campi: Campi) -> Recapito | None:
    inner = campi.mapping("sftp", _SFTP_KEYS)
    if inner is None:
        return None
    chiave = inner.long_text("chiave_privata", _CHIAVE_MAX)
    if chiave is not None and chiave != INVARIATO and not is_chiave_privata(chiave):
        campi.problems.add(f"{inner.prefix}chiave_privata", _CHIAVE_RULE)
    recapito = Recapito(
        host=inner.text("host", pattern=_HOST, rule="nome o indirizzo del server, senza sftp://"),
        utente=inner.text("utente", length_max=64),
        chiave_host=" ".join(inner.text("chiave_host", check=is_chiave_host, rule=_HOST_RULE).split()[:2]),
        porta=inner.number("porta", 1, 65535) or PORTA_SFTP,
        cartella=inner.optional_text("cartella", pattern=_CARTELLA, rule="un percorso, senza ..") or "",
        password=inner.secret("password", 1, 256, required=False),
        chiave_privata=chiave,
    )
    if (recapito.password is None) == (recapito.chiave_privata is None):
        campi.problems.add(f"{inner.prefix}password", "serve password oppure chiave_privata, una delle due")
    return recapito
