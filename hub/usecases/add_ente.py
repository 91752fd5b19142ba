"""Add one ente or one tipo, without a file."""

from __future__ import annotations

from datetime import datetime

from hub.domain.configurazione import Ente, Tipo
from hub.domain.credenziali import Genere, NuovaCredenziale
from hub.domain.errors import Conflict
from hub.formats.segreti import hash_password
from hub.store import credenziali, enti, stazioni, tipi
from hub.store.database import Database
from hub.usecases.apply_config import ente_values, tipo_values


def add_ente(db: Database, ente: Ente, now: datetime) -> None:
    """Keep a new ente, its own password when it has one.

    Raises: Conflict (it is there already), NotFound (its station is not).
    """
    hash = hash_password(ente.password) if ente.password else None
    with db.transaction() as session:
        if enti.find_by_cod_ipa(session, ente.cod_ipa_ente) is not None:
            raise Conflict(f"l'ente {ente.cod_ipa_ente} esiste già")
        stazioni.by_id(session, ente.stazione)
        ente_id = enti.add(session, **ente_values(ente))
        if hash:
            credenziali.add(session, ente_id, NuovaCredenziale(Genere.PASSWORD, hash), now)


def add_tipo(db: Database, cod_ipa_ente: str, tipo: Tipo) -> None:
    """Keep a new tipo of an ente.

    Raises: NotFound (unknown ente), Conflict (the ente has it already).
    """
    with db.transaction() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        if tipi.find(session, ente.id, tipo.codice) is not None:
            raise Conflict(f"il tipo {tipo.codice} dell'ente {cod_ipa_ente} esiste già")
        tipi.add(session, ente_id=ente.id, **tipo_values(tipo))
