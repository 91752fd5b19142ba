"""A notice of nobody, as an ente's would be: for who configures it or draws its template. Nothing is stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from hub.domain.avviso import Avviso
from hub.domain.documenti import Soggetto
from hub.domain.errors import NotFound
from hub.domain.iuv import PROGRESSIVO_MAX, build_iuv, numero_avviso
from hub.formats.avviso import render_con
from hub.formats.istanti import giorno_di
from hub.formats.modelli import NOSTRO, find_modello
from hub.store import enti, loghi, tipi
from hub.store.database import Database
from hub.usecases.avviso_dovuto import conto_postale, creditore

_DESTINATARIO = Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi", "Via Roma", "1", "00100", "Roma", "RM", "IT")
_TRENTA_GIORNI = timedelta(days=30)


def prova_avviso(db: Database, cod_ipa_ente: str, codice: str, modelli: Path, now: datetime) -> bytes:
    """Return the PDF. `codice` of the tipo; empty: the first one that has printed notices.

    Raises: NotFound (the ente, the tipo), ModelloRotto.
    """
    with db.reading() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        found = [
            row for row in tipi.of_ente(session, ente.id) if row.stampa_avviso and (row.codice == codice or not codice)
        ]
        logo = loghi.find(session, ente.id)
    if not found:
        raise NotFound(f"nessun tipo {codice or 'dovuto'} con avviso per l'ente {cod_ipa_ente}")
    tipo = found[0]
    # The last number that the ente could ever draw.
    iuv = build_iuv(int(ente.codice_segregazione), PROGRESSIVO_MAX)
    avviso = Avviso(
        ente=creditore(ente, tipo, logo),
        destinatario=_DESTINATARIO,
        causale=f"PROVA DI STAMPA, NON PAGARE - {tipo.descrizione}",
        importo_cent=123_456,
        scadenza=giorno_di(now) + _TRENTA_GIORNI if tipo.stampa_data_scadenza else None,
        iuv=iuv,
        numero_avviso=numero_avviso(iuv),
        conto_postale=conto_postale(ente, tipo),
    )
    return render_con(avviso, find_modello(modelli, cod_ipa_ente) or NOSTRO)
