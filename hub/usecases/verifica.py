"""Look over a live database for broken promises: each control reads a snapshot, writes nothing, says what it found.

A control has a snapshot of its own, so that none holds back the cleaning of the database for the length of all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from hub.domain.verifica import Rilievo
from hub.ports import Archivio
from hub.store import enti, invarianti_importi, invarianti_iuv, invarianti_riferimenti, invarianti_stati
from hub.store.database import Database, Session
from hub.store.lettura import TRATTO, Lettura
from hub.usecases import verifica_documenti, verifica_giornale

Controllo = Callable[[Lettura], Iterator[Rilievo]]
# Called with the control, the table and how many of its rows were looked at.
Avanzamento = Callable[[str, str, int], None]

CONTROLLI: Mapping[str, Controllo] = {
    check.__name__: check
    for check in (
        invarianti_iuv.iuv_unico,
        invarianti_iuv.iuv_sotto_contatore,
        invarianti_iuv.numeri_del_flusso,
        invarianti_iuv.versione_attuale,
        invarianti_stati.stato_esistente,
        invarianti_stati.dovuto_da_pagare,
        invarianti_stati.dovuto_in_pagamento,
        invarianti_stati.dovuto_concluso,
        invarianti_stati.sessione_e_carrelli,
        invarianti_stati.carrello_con_tentativo,
        invarianti_stati.tentativo_con_passo,
        invarianti_stati.ricevuta_applicata,
        invarianti_importi.importo_carrello,
        invarianti_importi.pagato_una_volta,
        invarianti_importi.totali_rendicontazione,
        invarianti_riferimenti.riferimento_esistente,
        invarianti_riferimenti.riga_di_flusso,
        invarianti_riferimenti.messaggio_con_tentativo,
        invarianti_riferimenti.json_leggibile,
        verifica_documenti.ricevuta_intatta,
        verifica_documenti.rpt_intatta,
        verifica_documenti.esito_carrello,
        verifica_documenti.importo_pagato,
        verifica_giornale.giornale,
    )
}
# Reads every file of the archive: only when it is asked for.
CONTROLLO_FILE = verifica_documenti.file_intatto.__name__


@dataclass
class Esame:
    """What one control came to. `rilievi`: the first of them; `totale`: how many there are."""

    controllo: str
    totale: int = 0
    rilievi: list[Rilievo] = field(default_factory=list)


def verifica(
    db: Database,
    nomi: Sequence[str],
    archivio: Archivio,
    told: Avanzamento,
    *,
    limit: int,
    tratto: int = TRATTO,
    chiavi: Collection[bytes] | None = None,
) -> Iterator[Esame]:
    """Run controls one after the other and yield what each found.

    `nomi`: of CONTROLLI, or CONTROLLO_FILE. `limit`: findings that are kept of each control, the rest is counted.
    `chiavi`: the public keys that sign the journal; None: nobody said which. Raises: OutOfService.
    """
    known = dict(CONTROLLI) | {CONTROLLO_FILE: partial(verifica_documenti.file_intatto, archivio=archivio)}
    for nome in nomi:
        read = partial(Lettura, told=partial(told, nome), tratto=tratto, chiavi=chiavi)
        yield _run(db, nome, known[nome], read, limit)


def _run(db: Database, nome: str, controllo: Controllo, read: Callable[[Session], Lettura], limit: int) -> Esame:
    esame = Esame(nome)
    with db.snapshot() as session:
        lettura = read(session)
        for rilievo in controllo(lettura):
            _add(esame, rilievo, limit)
    for rilievo in lettura.illeggibili:
        _add(esame, rilievo, limit)
    return esame


def _add(esame: Esame, rilievo: Rilievo, limit: int) -> None:
    esame.totale += 1
    if len(esame.rilievi) < limit:
        esame.rilievi.append(rilievo)


def nomi_degli_enti(db: Database) -> dict[int, str]:
    """The codIpaEnte of each ente by its id. Raises: OutOfService."""
    with db.reading() as session:
        return {row.id: row.cod_ipa_ente for row in enti.all_rows(session)}
