"""Files that are kept only so long: the rows stay and say that the files are gone. On both databases and archives."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from adapters.cartella.client import CartellaArchivio
from hub.domain.pulizia import Conservazione
from hub.ports import Archivio
from hub.store import schema
from hub.usecases import sweep_archivio
from tests.esportazioni import ask, book, booking, pay, tick
from tests.flussi import lay_import
from tests.importati import Stabilimento
from tests.pulizia import DAY, grow_old, keep, paths, sweep
from tests.soap.zeep_client import client_of, intestazione
from tests.tracciati import make_campi
from tests.world import PASSWORDS, World

GIORNO_S = 24 * 3600
EXPORT = Conservazione(export=90 * DAY)
FLUSSI = Conservazione(flussi=3650 * DAY)


def written(world: World) -> str:
    """A finished export; returns its requestToken."""
    request_token = book(world)
    assert tick(world)
    assert booking(world, request_token).stato == "EXPORT_ESEGUITO"
    return request_token


def stato_import(world: World, request_token: str) -> Any:
    answer = client_of(world).paaSILChiediStatoImportFlusso(
        password=PASSWORDS["C_PROVA"], requestToken=request_token, fileScarti=True, fileIUV=True, fileAvvisi=True,
        _soapheaders=intestazione("C_PROVA"),
    )  # fmt: skip
    assert answer.fault is None, answer.fault
    return answer


def test_the_file_of_an_export_goes_after_its_days_and_the_booking_says_so(world: World, archivio: Archivio) -> None:
    pay(world)
    old = written(world)
    world.clock.advance(89 * GIORNO_S)
    young = written(world)
    assert sweep(world, EXPORT)["export_scaduto"] == 0
    world.clock.advance(2 * GIORNO_S)

    line = sweep(world, EXPORT)

    assert (line["export_scaduto"], paths(archivio)) == (1, {booking(world, young).file})
    assert ask(world, old).stato == "EXPORT_CANCELLATO" and not ask(world, old).downloadUrl
    assert ask(world, young).stato == "EXPORT_ESEGUITO"
    assert booking(world, old).file is None and booking(world, old).righe == 1


def test_files_of_a_flow_go_after_their_days_and_no_link_is_given_any_more(world: World, archivio: Archivio) -> None:
    plant = Stabilimento(world)
    token = plant.send("F1", make_campi(IUD="A"), make_campi(IUD="B", importoDovuto="x"))
    plant.finish()
    before = stato_import(world, token)
    assert before.urlFileIUV and before.urlFileScarti and before.urlFileAvvisi and len(paths(archivio)) == 4
    world.clock.advance(3649 * GIORNO_S)
    assert sweep(world, FLUSSI)["flusso_scaduto"] == 0
    world.clock.advance(2 * GIORNO_S)

    line = sweep(world, FLUSSI)

    after = stato_import(world, token)
    assert (line["flusso_scaduto"], paths(archivio)) == (4, set())
    assert (after.stato, after.urlFileIUV, after.urlFileScarti, after.urlFileAvvisi) == (
        "IMPORT_ESEGUITO", None, None, None,
    )  # fmt: skip
    row = plant.flusso(token)
    assert row.file_rimossi_at == world.clock() and row.sha256 is not None
    assert [dovuto.iud for dovuto in plant.dovuti()] == ["A"]


@pytest.mark.parametrize(("stato", "goes"), [("IMPORT_ABORTITO", True), ("IMPORT_IN_ELAB", False),
                                             ("LOAD_IMPORT", False)])  # fmt: skip
def test_only_what_has_ended_is_forgotten(world: World, archivio: Archivio, stato: str, goes: bool) -> None:
    ended = world.clock() if goes else None
    row = lay_import(world, stato=stato, stato_flusso=None, file_iuv=None, finished_at=ended)
    keep(archivio, row.file)
    world.clock.advance(4000 * GIORNO_S)

    line = sweep(world, FLUSSI)

    assert line["flusso_scaduto"] == goes
    assert paths(archivio) == (set() if goes else {row.file})


@pytest.mark.parametrize(("consegna", "goes"), [("PRENOTATA", False), ("IN_CONSEGNA", False), ("CONSEGNATA", True),
                                                ("DISPONIBILE", True)])  # fmt: skip
def test_the_file_of_a_daily_export_stays_until_it_is_delivered(
    world: World, archivio: Archivio, consegna: str, goes: bool
) -> None:
    pay(world)
    row, now = booking(world, written(world)), world.clock()
    world.lay(schema.consegne_export, ente_id=1, istante_da=now, istante_a=now, prenotazione_id=row.id, stato=consegna,
              created_at=now, updated_at=now)  # fmt: skip
    world.clock.advance(100 * GIORNO_S)

    assert sweep(world, EXPORT)["export_scaduto"] == goes
    assert paths(archivio) == (set() if goes else {row.file})


class Interrotto(BaseException):
    """The process died here."""


class DyingArchivio(CartellaArchivio):
    def delete(self, path: str) -> None:
        raise Interrotto


def test_files_whose_rows_forgot_them_before_a_crash_go_another_time(world: World, tmp_path: Path) -> None:
    root = Path(world.cartella.name)
    pay(world)
    request_token = written(world)
    row = lay_import(world, "C_PROVA-F1-1_3", request_token=str(uuid.uuid4()), file_iuv=None)
    keep(world.runtime.archivio, row.file)
    grow_old(world.runtime.archivio)
    world.clock.advance(4000 * GIORNO_S)
    both = Conservazione(EXPORT.export, FLUSSI.flussi)

    with pytest.raises(Interrotto):
        sweep_archivio.run_once(world.db, DyingArchivio(root), world.clock, both)
    assert booking(world, request_token).stato == "EXPORT_CANCELLATO" and len(paths(world.runtime.archivio)) == 2
    world.clock.advance(600)

    line = sweep(world, both)

    assert paths(world.runtime.archivio) == set()
    assert (line["sconosciuto"], line["flusso_scaduto"]) == (1, 1)


def test_many_files_go_in_one_sweep(world: World, tmp_path: Path) -> None:
    """More than are taken in one transaction."""
    for number in range(450):
        row = lay_import(world, f"C_PROVA-F{number}-1_3", file_iuv=None, stato_flusso="ANNULLATO")
        keep(world.runtime.archivio, row.file)
    world.clock.advance(4000 * GIORNO_S)

    assert sweep(world, FLUSSI)["flusso_scaduto"] == 450
    assert all(row.file is None for row in world.rows(schema.flussi_import))
