"""The stories of what comes and goes in bulk: a flow loaded and cancelled, an export, settlement flows."""

from __future__ import annotations

import hashlib
import io
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import update

from adapters.nodo.fdr_prodotti import FlussoProdotto
from hub.crash import Punto
from hub.domain.acquisizione_fdr import Trasporto
from hub.domain.arrivo import FileArrivato
from hub.domain.errors import HubError
from hub.domain.iuv import build_iuv
from hub.store import acquisizioni_fdr, prenotazioni_export, schema
from hub.usecases.annulla_flusso import annulla_flusso
from hub.usecases.autorizza_import_flusso import autorizza_import_flusso
from hub.usecases.receive_flusso import receive_flusso
from tests.esportazioni import pay
from tests.importati import LIMITI, Stabilimento
from tests.prova.palco import Palco
from tests.prova.scena import Scena, Storia
from tests.rendicontazioni import OGGI, NodoInMemoria, Rendicontazione, make_flusso, make_pagamento
from tests.ricevute import IUV
from tests.tracciati import make_campi, make_csv, make_zip, rows
from tests.world import STAZIONE, World, chi

CARICO = (Punto.CARICO_SCRITTO, Punto.CARICO_TENUTO)
FLUSSO = (
    Punto.FLUSSO_PRESO, Punto.FLUSSO_INIZIATO, Punto.FLUSSO_RIGHE, Punto.FLUSSO_SCRITTO, Punto.FLUSSO_PEZZO,
    Punto.FLUSSO_CARICATO, Punto.RISULTATI_SCRITTI, Punto.RISULTATI_TENUTI, Punto.AVVISI_PARTE, Punto.AVVISI_UNITI,
    Punto.AVVISI_SCRITTI,
)  # fmt: skip
ANNULLO = (Punto.ANNULLO_TRATTO, Punto.ANNULLO_TENUTO)
EXPORT = (Punto.EXPORT_PRESO, Punto.EXPORT_CHIUSO, Punto.EXPORT_SCRITTO)
FDR = (
    Punto.FDR_ELENCATI, Punto.FDR_NOTI, Punto.FDR_SCARICATO, Punto.FDR_TENUTO, Punto.FDR_PEZZO, Punto.FDR_LETTO,
    Punto.FDR_CONTA, Punto.FDR_PAGATO,
)  # fmt: skip
_NOME = "C_PROVA-SECONDO-1_3"
_ROWS = 230
# What the ente keeps between the two calls.
_GETTONE = "gettone"


def _lay_flusso(world: World, ente_url: str) -> None:
    """A first flow is loaded, of which the second changes and cancels some; few rows have a notice to print."""
    with world.db.transaction() as session:
        session.execute(update(schema.tipi).where(schema.tipi.c.codice != "MENSA").values(stampa_avviso=False))
    plant = Stabilimento(world)
    plant.send("PRIMO", *(make_campi(IUD=f"PRIMA-{number}") for number in range(1, 5)))
    plant.finish()
    ticket = autorizza_import_flusso(
        world.db, world.runtime.callers, chi(), world.runtime.config.secret_key, world.clock()
    )
    with world.runtime.archivio.write(_GETTONE) as file:
        file.write(ticket.authorization_token.encode())


def _righe() -> list[list[str] | str]:
    found: list[list[str] | str] = list(rows(_ROWS, bad_every=20))
    for number in (1, 2):
        found.append(make_campi(IUD=f"PRIMA-{number}", codIuv=build_iuv(1, number), azione="M", importoDovuto="77.00"))
    found.append(make_campi(IUD="PRIMA-3", codIuv=build_iuv(1, 3), azione="A"))
    found += [make_campi(IUD=f"MENSA-{number}", tipoDovuto="MENSA") for number in (1, 2)]
    return found


def carica(token: str, data: bytes, palco: Palco) -> str:
    """The upload of a flow; returns the code of the refusal, of one that was received before its answer was lost."""
    world, runtime = palco.world, palco.world.runtime
    sums = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
    arrivato = FileArrivato(f"{_NOME}.zip", io.BytesIO(data), len(data), *sums, "application/zip")
    secret = runtime.config.secret_key
    try:
        receive_flusso(
            world.db, runtime.archivio, secret, LIMITI, token, arrivato, world.clock(), is_strict=True
        )
    except HubError as error:
        return error.code
    return ""


def annulla(flusso_id: int, palco: Palco) -> None:
    list(annulla_flusso(palco.world.db, flusso_id, "rossi", palco.world.clock))


def _flusso(scena: Scena) -> None:
    data = make_zip([(f"{_NOME}.csv", make_csv(*_righe()))]).read()
    token = (Path(scena.luogo.archivio) / _GETTONE).read_text()
    scena.does("carico", partial(carica, token, data), *CARICO)
    scena.does("caricamento", Palco.work, *FLUSSO)
    flusso = scena.world.one(schema.flussi_import, nome_file=f"{_NOME}.zip")
    scena.does("annullo", partial(annulla, flusso.id), *ANNULLO)
    scena.does("fine", Palco.work)


def _lay_export(world: World, ente_url: str) -> None:
    for number in range(1, 4):
        pay(world, number, iud=f"IUD-PAGATO-{number}")
    now = world.clock()
    world.clock.advance(60)
    with world.db.transaction() as session:
        prenotazioni_export.add(
            session, now=world.clock(), request_token="prenotazione", ente_id=1, applicazione=None, genere="PAGATI",
            eseguibile_at=world.clock(), versione="1.3", ricevuta=True, incrementale=True,
            istante_da=now - timedelta(days=1), istante_a=world.clock(), tipi=None,
        )  # fmt: skip


def _export(scena: Scena) -> None:
    scena.does("scrittura", Palco.work, *EXPORT)


def _lay_fdr(world: World, ente_url: str) -> None:
    world.clock.now = OGGI
    world.lay_avviso(IUV, iud="IUD-SENZA-RICEVUTA")
    with world.db.transaction() as session:
        acquisizioni_fdr.put_trasporto(session, STAZIONE, Trasporto.REST)


def _flussi() -> list[FlussoProdotto]:
    """A flow in two revisions, of which the second counts, with a payment for which no receipt will ever come."""
    first = [make_pagamento(number) for number in range(1, 6)]
    nine = make_pagamento(6, iuv=IUV, iur="IUR-9", esito="9", importo_cent=5000, data=date(2026, 11, 18))
    later: datetime = OGGI + timedelta(minutes=1)
    return [
        make_flusso(*first, revisione=1, pubblicato_at=OGGI),
        make_flusso(*first, nine, revisione=2, pubblicato_at=later),
    ]


def rendiconta(palco: Palco) -> None:
    palco.fdr = Rendicontazione(palco.world, NodoInMemoria(Trasporto.REST, _flussi()))
    palco.work()


def _rendicontazione(scena: Scena) -> None:
    scena.does("lettura", rendiconta, *FDR)


STORIE = (
    Storia("flusso", _lay_flusso, _flusso, frozenset((*CARICO, *FLUSSO, *ANNULLO))),
    Storia("export", _lay_export, _export, frozenset(EXPORT)),
    Storia("rendicontazione", _lay_fdr, _rendicontazione, frozenset(FDR)),
)
