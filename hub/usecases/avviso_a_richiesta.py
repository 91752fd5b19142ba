"""paDemandPaymentNotice: a notice made for whoever asks for it at a PSP, through a service that the ente declares.

The same data get the same notice as long as it may be paid. Source: node, 3.6, idempotency (3.0.6).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.documenti import Soggetto
from hub.domain.errors_nodo import DatiServizioNonValidi, NonRappresentabile
from hub.domain.iuv import numero_avviso
from hub.domain.stati import StatoDovuto
from hub.formats.codice_fiscale import is_valid_partita_iva, is_valid_persona
from hub.formats.importi import IMPORTO_MAX_CENT, cent_from_tolerant_text
from hub.formats.istanti import giorno_di
from hub.formats.servizio_avviso import DatiServizio, read_dati_servizio
from hub.formats.testi import clean
from hub.store import dovuti, enti, servizi_avviso
from hub.store.anagrafe import Anagrafe, EnteConfigurato
from hub.store.database import Database, Session
from hub.store.iuv import IuvBlocks
from hub.usecases.authenticate import Chiamante
from hub.usecases.chiedi_pagati import is_scaduto
from hub.usecases.controlli_nodo import Domanda, enti_asked
from hub.usecases.deposito_dovuti import Deposito, inserisci

ORIGINE = "RICHIESTA-PSP"
# For a notice that is born at the counter: it is paid there and then, or soon.
_SCADENZA = timedelta(days=30)
_APERTI = frozenset({StatoDovuto.INSERIMENTO_DOVUTO, StatoDovuto.PREDISPOSTO, StatoDovuto.PAGAMENTO_INIZIATO})


@dataclass(frozen=True, slots=True)
class RichiestaAvviso:
    """What is asked: service and subject of the catalogue, and the data, base64 as they came."""

    id_servizio: str
    id_soggetto: str
    dati: str


def avviso_a_richiesta(
    db: Database, anagrafe: Anagrafe, iuv_blocks: IuvBlocks, domanda: Domanda, richiesta: RichiestaAvviso, now: datetime
) -> str:
    """Return the number of the notice for these data: the one that waits to be paid, or a new one.

    Raises: IntermediarioErrato, StazioneErrata, DominioErrato, DatiServizioNonValidi, NonRappresentabile (no such
    service, an amount that is not the tipo's, a debtor that is none).
    """
    configurato, servizio = _servizio(db, anagrafe, domanda, richiesta, now)
    dati = _read(richiesta.dati, servizio, domanda.dominio)
    tipo = configurato.tipi.get(servizio.tipo)
    if tipo is None or not tipo.attivo:
        raise NonRappresentabile(f"il tipo dovuto {servizio.tipo} non è attivo", id=domanda.dominio)
    deposito = _deposito(dati, servizio, tipo, domanda.dominio, now)
    ente = configurato.ente
    key = (ente.id, richiesta.id_servizio, richiesta.id_soggetto, dati.impronta)
    with db.reading() as session:
        known = _open_notice(session, key, configurato, now)
    if known is not None:
        return known
    # Before the transaction: numbers are drawn in one of their own.
    iuv = iuv_blocks.draw(ente.codice_fiscale, ente.codice_segregazione)
    whole = Deposito(iud=uuid.uuid4().hex, iuv=iuv, is_iuv_free=True, is_iuv_drawn=True, **deposito)
    with db.transaction() as session:
        enti.lock(session, ente.id)
        # Somebody may have asked for it at this very moment.
        known = _open_notice(session, key, configurato, now)
        if known is not None:
            return known
        inserisci(session, Chiamante(configurato, None, None), whole, now)
        names = ("ente_id", "id_servizio", "id_soggetto", "impronta")
        servizi_avviso.note_richiesto(session, now, iud=whole.iud, **dict(zip(names, key, strict=True)))
    return numero_avviso(iuv)


def _open_notice(
    session: Session, key: tuple[int, str, str, str], configurato: EnteConfigurato, now: datetime
) -> str | None:
    """Return the number of the notice that was made for these data and may still be paid."""
    iud = servizi_avviso.find_richiesto(session, *key)
    row = dovuti.find_attuale(session, key[0], iud) if iud is not None else None
    if row is None or row.iuv is None or row.stato not in _APERTI or is_scaduto(row, configurato, now):
        return None
    return numero_avviso(row.iuv, codice_applicazione=configurato.ente.codice_segregazione)


def _servizio(
    db: Database, anagrafe: Anagrafe, domanda: Domanda, richiesta: RichiestaAvviso, now: datetime
) -> tuple[EnteConfigurato, Row[Any]]:
    for ente in enti_asked(db, anagrafe, domanda, now):
        with db.reading() as session:
            servizio = servizi_avviso.find(session, ente.id, richiesta.id_servizio, richiesta.id_soggetto)
        configurato = anagrafe.find_by_id(ente.id, now)
        if servizio is not None and configurato is not None:
            return configurato, servizio
    raise NonRappresentabile(
        "servizio non gestito da questo ente",
        f"idServizio {richiesta.id_servizio}, idSoggettoServizio {richiesta.id_soggetto}: nessun avviso a richiesta",
        id=domanda.dominio,
    )


def _read(text: str, servizio: Row[Any], dominio: str) -> DatiServizio:
    try:
        dati = read_dati_servizio(text, servizio.campi)
    except DatiServizioNonValidi as refusal:
        refusal.id = dominio
        raise
    missing = [word for word in servizio.campi if word not in dati.campi and word != "causale"]
    if missing:
        raise DatiServizioNonValidi(
            "datiSpecificiServizioRequest incompleti", f"manca {servizio.campi[missing[0]]}", id=dominio
        )
    return dati


def _deposito(
    dati: DatiServizio, servizio: Row[Any], tipo: Row[Any], dominio: str, now: datetime
) -> dict[str, Any]:
    """Return what the data make of a dovuto. Raises: DatiServizioNonValidi, NonRappresentabile."""
    codice = "".join(dati.campi["codice_fiscale"].split()).upper()
    is_persona = is_valid_persona(codice)
    if not is_persona and not is_valid_partita_iva(codice):
        raise NonRappresentabile(
            "il codice fiscale del debitore non è valido", servizio.campi["codice_fiscale"], id=dominio
        )
    return {
        "tipo": tipo.codice,
        "importo_cent": _importo(dati, servizio, tipo, dominio),
        "causale": clean(dati.campi.get("causale"), 140) or servizio.causale,
        "dati_specifici": tipo.tassonomia,
        "pagatore": Soggetto("F" if is_persona else "G", codice, clean(dati.campi["anagrafica"], 70)),
        "origine": ORIGINE,
        "scadenza": giorno_di(now) + _SCADENZA,
    }


def _importo(dati: DatiServizio, servizio: Row[Any], tipo: Row[Any], dominio: str) -> int:
    asked = dati.campi.get("importo")
    if asked is None:
        if tipo.importo_cent is None:
            raise NonRappresentabile("nessuno dice l'importo", f"né i dati né il tipo {tipo.codice}", id=dominio)
        return int(tipo.importo_cent)
    try:
        importo_cent = cent_from_tolerant_text(asked)
    except ValueError as error:
        raise DatiServizioNonValidi("importo non leggibile", servizio.campi["importo"], id=dominio) from error
    if tipo.importo_cent not in (None, importo_cent) or not 0 < importo_cent <= IMPORTO_MAX_CENT:
        raise NonRappresentabile("importo non ammesso per questo servizio", servizio.campi["importo"], id=dominio)
    return importo_cent
