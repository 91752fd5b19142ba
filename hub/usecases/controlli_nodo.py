"""Whether a notice that the node asks about may be paid: the checks of every such operation, in their order.

Source: node, validation order (3.0.4, the numbers in `CONTROLLI`), locking (3.0.5). Step 1 is the contract's schema, at
the door; step 11 belongs to each operation, 12 to the door.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain import errors, errors_nodo
from hub.domain.iuv import is_valid_avviso, iuv_from_avviso
from hub.domain.stati import ESITI_POSITIVI, ORIGINI_NON_ARCHIVIATE, StatoDovuto, StatoEnte
from hub.store import avvisi_nodo
from hub.store.anagrafe import Anagrafe, EnteConfigurato
from hub.store.database import Database
from hub.usecases.chiedi_pagati import is_scaduto

_ANNULLATI = frozenset({StatoDovuto.ANNULLATO, StatoDovuto.ABORT})
_SCADUTI = frozenset({StatoDovuto.SCADUTO, StatoDovuto.SCADUTO_ELABORATO})


@dataclass(frozen=True, slots=True)
class Domanda:
    """What the node asks about: a notice number with its owner (new model), or an IUV (classic model).

    `ccp`, `psp`: of the classic model, for an archive that is asked in its turn.
    """

    intermediario: str
    stazione: str
    dominio: str
    numero_avviso: str | None = None
    intestatario: str | None = None
    iuv: str | None = None
    ccp: str | None = None
    psp: str = ""


@dataclass(frozen=True, slots=True)
class Fatti:
    """What is known about a question. `enti`: of the dominio, active on the station; `versioni`: the current first."""

    domanda: Domanda
    is_intermediario: bool
    stazione: Row[Any] | None
    enti: tuple[Row[Any], ...]
    iuv: str | None
    versioni: tuple[Row[Any], ...]
    configurato: EnteConfigurato | None
    is_bloccata: bool
    is_in_carrello: bool
    now: datetime

    @property
    def attuali(self) -> tuple[Row[Any], ...]:
        return tuple(row for row in self.versioni if row.attuale)


@dataclass(frozen=True, slots=True)
class Pagabile:
    """A position that may be paid now: the rows of its dovuti in order, and whose they are."""

    configurato: EnteConfigurato
    iuv: str
    dovuti: tuple[Row[Any], ...]


def check_avviso(
    db: Database, anagrafe: Anagrafe, domanda: Domanda, blocco: timedelta, now: datetime
) -> Pagabile:
    """Return what the node asks about, when it may be paid. Nothing is written and nothing is locked.

    `blocco`: for how long an RPT without outcome keeps others from paying; it lapses by itself.
    Raises: IntermediarioErrato, StazioneErrata, DominioErrato, PagamentoSconosciuto, PagamentoAnnullato,
    PagamentoDuplicato, PagamentoScaduto, PagamentoInCorso, in this order.
    """
    fatti = _read(db, anagrafe, domanda, blocco, now)
    _refuse_first(fatti, len(CONTROLLI))
    assert fatti.configurato is not None and fatti.iuv is not None
    rows = sorted(fatti.attuali, key=lambda row: row.posizione)
    return Pagabile(fatti.configurato, fatti.iuv, tuple(rows))


def enti_asked(db: Database, anagrafe: Anagrafe, domanda: Domanda, now: datetime) -> tuple[Row[Any], ...]:
    """Return the enti that a question without a notice is for.

    Raises: IntermediarioErrato, StazioneErrata, DominioErrato, in this order.
    """
    fatti = _read(db, anagrafe, domanda, timedelta(), now)
    _refuse_first(fatti, _DESTINATARIO)
    return fatti.enti


def _refuse_first(fatti: Fatti, checks: int) -> None:
    for _, check in CONTROLLI[:checks]:
        refusal = check(fatti)
        if refusal is not None:
            refusal.id = fatti.domanda.dominio
            raise refusal


def _read(db: Database, anagrafe: Anagrafe, domanda: Domanda, blocco: timedelta, now: datetime) -> Fatti:
    # One connection at a time: who keeps one while it waits for another stops everybody under load.
    stazione = anagrafe.stazione(domanda.stazione, domanda.intermediario, now)
    enti = tuple(
        row
        for row in anagrafe.of_dominio(domanda.dominio, now)
        if row.stazione_id == domanda.stazione and row.stato != StatoEnte.INSERITO
    )
    iuv = domanda.iuv if domanda.numero_avviso is None else _iuv_of(domanda.numero_avviso, enti)
    versioni: list[Row[Any]] = []
    apertura = None
    if enti and iuv:
        with db.reading() as session:
            versioni = avvisi_nodo.versioni(session, domanda.dominio, [row.id for row in enti], iuv)
            if versioni:
                apertura = avvisi_nodo.apertura(session, domanda.dominio, iuv, now - blocco)
    return Fatti(
        domanda=domanda,
        is_intermediario=stazione.is_intermediario,
        stazione=stazione.riga,
        enti=enti,
        iuv=iuv,
        versioni=tuple(versioni),
        configurato=anagrafe.find_by_id(versioni[0].ente_id, now) if versioni else None,
        is_in_carrello=apertura is not None and apertura.is_in_carrello,
        is_bloccata=apertura is not None and apertura.is_bloccata,
        now=now,
    )


def _iuv_of(numero_avviso: str, enti: tuple[Row[Any], ...]) -> str | None:
    """Return the IUV inside a notice number of ours; None when the hub issues none like it.

    Aux digit 3, or 0 with the ente's code. The two digits after a 3 are not judged: an ente may have asked the hub to
    take a number outside its own space, and what is stored decides.
    """
    if not is_valid_avviso(numero_avviso):
        return None
    if numero_avviso[0] == "0":
        codes = {row.codice_segregazione for row in enti}
        return iuv_from_avviso(numero_avviso) if numero_avviso[1:3] in codes else None
    return iuv_from_avviso(numero_avviso) if numero_avviso[0] == "3" else None


def _intermediario(fatti: Fatti) -> errors.HubError | None:
    return None if fatti.is_intermediario else errors_nodo.IntermediarioErrato("intermediario sconosciuto")


def _stazione(fatti: Fatti) -> errors.HubError | None:
    if fatti.stazione is not None and fatti.stazione.intermediario == fatti.domanda.intermediario:
        return None
    return errors_nodo.StazioneErrata("stazione sconosciuta per questo intermediario")


def _dominio(fatti: Fatti) -> errors.HubError | None:
    if fatti.domanda.intestatario not in (None, fatti.domanda.dominio):
        words = "l'avviso è di un ente diverso da quello interrogato"
        return errors_nodo.DominioErrato(words, "qrCode/fiscalCode e idPA")
    return None if fatti.enti else errors_nodo.DominioErrato("dominio sconosciuto su questa stazione")


def _numero(fatti: Fatti) -> errors.HubError | None:
    if fatti.iuv is not None:
        return None
    return errors_nodo.PagamentoSconosciuto(
        "numero di avviso sconosciuto", "il numero non è fra quelli che questo ente emette, o ha le cifre errate"
    )


def _esiste(fatti: Fatti) -> errors.HubError | None:
    # What a session made for itself was never a notice: it counts only while, or once, it is paid, and in a cart.
    is_avviso = any(not row.iuv_volatile and row.origine not in ORIGINI_NON_ARCHIVIATE for row in fatti.versioni)
    if fatti.configurato is not None and (
        is_avviso or fatti.is_bloccata or fatti.is_in_carrello or _is_paid(fatti)
    ):
        return None
    return errors_nodo.PagamentoSconosciuto("nessun pagamento con questo avviso")


def _annullato(fatti: Fatti) -> errors.HubError | None:
    if _is_paid(fatti) or any(row.stato not in _ANNULLATI for row in fatti.attuali):
        return None
    return errors.PagamentoAnnullato("l'ente ha annullato questo pagamento")


def _pagato(fatti: Fatti) -> errors.HubError | None:
    if any(row.stato == StatoDovuto.COMPLETATO for row in fatti.attuali) or _is_paid(fatti):
        return errors_nodo.PagamentoDuplicato("questo avviso è già stato pagato")
    return None


def _is_paid(fatti: Fatti) -> bool:
    return any(
        row.stato == StatoDovuto.COMPLETATO and row.codice_esito in ESITI_POSITIVI and bool(row.importo_pagato_cent)
        for row in fatti.versioni
    )


def _scaduto(fatti: Fatti) -> errors.HubError | None:
    assert fatti.configurato is not None
    for row in fatti.attuali:
        if row.stato in _SCADUTI or is_scaduto(row, fatti.configurato, fatti.now):
            return errors.PagamentoScaduto("il termine per pagare questo avviso è passato")
    return None


def _in_corso(fatti: Fatti) -> errors.HubError | None:
    if fatti.is_bloccata:
        return errors.PagamentoInCorso("un altro pagamento di questo avviso è in corso: riprovare più tardi")
    return None


Controllo = Callable[[Fatti], errors.HubError | None]
CONTROLLI: tuple[tuple[int, Controllo], ...] = (
    (2, _intermediario),
    (3, _stazione),
    (4, _dominio),
    (5, _numero),
    (6, _esiste),
    (7, _annullato),
    (8, _pagato),
    (9, _scaduto),
    (10, _in_corso),
)
# How many of them say whom a question is for.
_DESTINATARIO = 3
