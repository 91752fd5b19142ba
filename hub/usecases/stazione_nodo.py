"""A station as it is while something is sent: its settings and its password in clear."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from hub.domain.credenziali import IdentitaTls
from hub.domain.delivery import Stazione
from hub.domain.servizi_rest import ChiaviServizio
from hub.formats.segreti import Cassaforte
from hub.usecases.chiavi_servizio import chiavi_of


def stazione_of(row: Row[Any], cassaforte: Cassaforte, servizio: Row[Any] | None = None) -> Stazione:
    """The station, with the keys of the REST service that the message is for.

    Raises: Misconfigured (a secret of it was sealed with another key).
    """
    key = row.chiave_certificato_cifrata
    identita = None if row.certificato is None or key is None else IdentitaTls(row.certificato, cassaforte.open(key))
    return Stazione(
        id=row.id,
        intermediario=row.intermediario,
        password=cassaforte.open(row.password_cifrata),
        primitiva_rpt=row.primitiva_rpt,
        rileva_duplicati=row.rileva_duplicati,
        indirizzi=row.indirizzi or {},
        attese=row.attese or {},
        chiavi=ChiaviServizio(()) if servizio is None else chiavi_of(servizio, cassaforte),
        versione=2 if servizio is None else servizio.versione,
        identita=identita,
    )
