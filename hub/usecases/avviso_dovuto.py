"""The printed notice of a stored dovuto, from its row: never from what a request says of it.

Source: pa-per-ente, paaSILImportaDovuto, azione `S` and `urlFileAvviso`, defect 10 (8); flows, 5.1 and 5.2.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.avviso import Avviso, EnteCreditore
from hub.domain.documenti import QuotaSecondaria, Soggetto
from hub.domain.errors import AvvisoNonTrovato
from hub.domain.iuv import numero_avviso
from hub.domain.stati import StatoDovuto
from hub.store import depositati, dovuti
from hub.store.anagrafe import Anagrafe, EnteConfigurato
from hub.store.database import Database

# Where the notice is fetched, with the version's id and its token.
PERCORSO = "/public/landing/avviso"
_LIVE = frozenset({StatoDovuto.INSERIMENTO_DOVUTO, StatoDovuto.PREDISPOSTO, StatoDovuto.PAGAMENTO_INIZIATO})


def is_printable(iuv: str | None) -> bool:
    """Whether an IUV makes a notice: 17 digits, or 15 of the old numbering."""
    return iuv is not None and len(iuv) in (15, 17)


def build_avviso(configurato: EnteConfigurato, row: Row[Any]) -> Avviso | None:
    """Return the notice of a dovuto; None when it is not to be paid any more or has no number.

    The amount is all that the payer is asked for, the second beneficiary's share included.
    """
    if row.stato not in _LIVE or not is_printable(row.iuv) or not row.pagatore:
        return None
    ente = configurato.ente
    tipo = configurato.tipi.get(row.tipo)
    quota_cent = QuotaSecondaria(**row.secondario).importo_cent if row.secondario else 0
    return Avviso(
        ente=EnteCreditore(nome=ente.nome, codice_fiscale=ente.codice_fiscale),
        destinatario=Soggetto(**row.pagatore),
        causale=row.causale,
        importo_cent=row.importo_cent + quota_cent,
        scadenza=row.scadenza if tipo is not None and tipo.stampa_data_scadenza else None,
        iuv=row.iuv,
        numero_avviso=numero_avviso(row.iuv, codice_applicazione=ente.codice_segregazione),
    )


def find_avviso(db: Database, anagrafe: Anagrafe, version_id: str, now: datetime) -> Avviso:
    """Return the notice that an address of ours leads to, with the amounts of today.

    A version that was replaced leads to the one in its place, as long as the IUV on the paper is the same.
    Raises: AvvisoNonTrovato (cancelled, paid, never there).
    """
    with db.reading() as session:
        row = depositati.find_version(session, version_id)
        if row is not None and not row.attuale:
            current = dovuti.find_attuale(session, row.ente_id, row.iud)
            row = current if current is not None and current.iuv == row.iuv else None
    configurato = None if row is None else anagrafe.find_by_id(row.ente_id, now)
    avviso = None if row is None or configurato is None else build_avviso(configurato, row)
    if avviso is None:
        raise AvvisoNonTrovato("avviso non trovato: annullato, già pagato o mai esistito")
    return avviso
