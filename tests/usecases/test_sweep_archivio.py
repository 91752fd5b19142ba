"""The archive is swept of what no row wants, and of nothing else: on both databases, in a folder and in a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

import pytest

from adapters.cartella.client import CartellaArchivio
from hub.domain.errors import OutOfService
from hub.ports import Archivio
from hub.store import schema
from hub.usecases import expire_flussi, sweep_archivio
from tests.archivi import make_older
from tests.esportazioni import book, booking, pay, tick
from tests.flussi import lay_import
from tests.importati import Stabilimento
from tests.pulizia import DAY, MESE, PER_SEMPRE, grow_old, keep, paths, sweep
from tests.tracciati import make_campi
from tests.world import World


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archivio"


def test_what_a_loaded_flow_and_an_export_name_stays(world: World, archivio: Archivio) -> None:
    plant = Stabilimento(world)
    plant.send("F1", make_campi(IUD="A", flgGeneraIuv="true"), make_campi(IUD="B", importoDovuto="x"))
    plant.finish()
    pay(world)
    request_token = book(world)
    assert tick(world)
    before = grow_old(archivio)

    line = sweep(world)

    assert len(before) == 5 and booking(world, request_token).file in before
    assert paths(archivio) == before and line["size_bytes"] == 0 and line["fine"] == "finita"


def test_an_upload_whose_row_never_came_goes_after_two_days(world: World, archivio: Archivio) -> None:
    lost = keep(archivio, f"C_PROVA/IMPORT/{MESE}/token-di-nessuno/0a1b2c3d/C_PROVA-F1-1_3.zip", 2 * DAY + DAY / 24)
    young = keep(archivio, f"C_PROVA/IMPORT/{MESE}/token-di-nessuno/ffffffff/C_PROVA-F1-1_3.zip", 2 * DAY - DAY / 24)

    line = sweep(world)

    assert paths(archivio) == {young} and lost not in paths(archivio)
    assert (line["sconosciuto"], line["size_bytes"]) == (1, 10)


def test_of_two_uploads_of_one_token_the_loser_goes_and_the_winner_stays(world: World, archivio: Archivio) -> None:
    path = f"C_PROVA/IMPORT/{MESE}/un-token/aaaaaaaa/C_PROVA-F1-1_3.zip"
    row = lay_import(world, file=path, request_token="un-token")
    keep(archivio, path)
    keep(archivio, f"C_PROVA/IMPORT/{MESE}/un-token/bbbbbbbb/C_PROVA-F1-1_3.zip")

    sweep(world)

    assert paths(archivio) == {row.file}


def test_while_a_token_may_still_bring_a_file_none_under_it_goes(world: World, archivio: Archivio) -> None:
    """Whatever the clocks say: the row is asked, and when it is forgotten no file can come for it any more."""
    path = f"C_PROVA/IMPORT/{MESE}/un-token/aaaaaaaa/C_PROVA-F1-1_3.zip"
    lay_import(world, request_token="un-token", stato="AUTORIZZATO", stato_flusso=None, file=None, file_iuv=None,
               received_at=None, nome_file=None)  # fmt: skip
    keep(archivio, path)

    sweep(world)
    assert paths(archivio) == {path}
    world.clock.advance(3 * 24 * 3600)
    assert not expire_flussi.run_once(world.db, world.clock()) and world.rows(schema.flussi_import) == []
    sweep(world)

    assert paths(archivio) == set()


@pytest.mark.parametrize(("stato", "stays"), [("IMPORT_IN_ELAB", True), ("IMPORT_ESEGUITO", False),
                                              ("IMPORT_ABORTITO", False)])  # fmt: skip
def test_parts_of_notices_stay_while_they_may_be_joined(
    world: World, archivio: Archivio, stato: str, stays: bool
) -> None:
    row = lay_import(world, stato=stato, file=None, file_iuv=None)
    folder = f"C_PROVA/IMPORT_ELABORATI/{MESE}/C_PROVA-F1-1_3"
    parts = {keep(archivio, f"{folder}/avvisi-{row.id}-{number:05d}.parte", 2 * DAY) for number in (1, 2)}
    young = keep(archivio, f"{folder}/avvisi-{row.id}-00003.parte", DAY / 2)
    unjoined = keep(archivio, f"{folder}/C_PROVA-F1-1_3_SCARTI.zip")

    line = sweep(world)

    assert paths(archivio) == (parts | {young, unjoined} if stays else {young})
    assert (line["parte"], line["sconosciuto"]) == ((0, 0) if stays else (2, 1))


@pytest.mark.parametrize("stato", ["LOAD_EXPORT", "EXPORT_IN_ELAB", "EXPORT_ESEGUITO", "ERROR_EXPORT"])
def test_a_file_of_an_exporter_that_lost_its_booking_goes_when_that_is_over(
    world: World, archivio: Archivio, stato: str
) -> None:
    request_token = book(world)
    row = booking(world, request_token)
    named = keep(archivio, f"C_PROVA/EXPORT/{MESE}/{row.id}_ESTRAZIONE_DOVUTI_2026-11-20_02_00_00.zip")
    other = keep(archivio, f"C_PROVA/EXPORT/{MESE}/C_PROVA-{row.id}_ESTRAZIONE_DOVUTI_20261120020500-1_3.zip")
    scaduti = keep(archivio, "C_PROVA/EXPORT_DOVUTI_SCADUTI/2026-11/EXP_SCADUTI_di-nessuno.zip")
    named_by = named if stato == "EXPORT_ESEGUITO" else None
    world.change(schema.prenotazioni_export, "id", row.id, stato=stato, file=named_by)

    sweep(world)

    assert scaduti not in paths(archivio)
    assert paths(archivio) == {
        "LOAD_EXPORT": {named, other}, "EXPORT_IN_ELAB": {named, other}, "EXPORT_ESEGUITO": {named},
        "ERROR_EXPORT": set(),
    }[stato]  # fmt: skip


def test_what_is_not_ours_is_left_alone(world: World, archivio: Archivio) -> None:
    """A bucket may have other tenants, and another installation other enti."""
    foreign = {
        keep(archivio, path)
        for path in (
            "backup/2026/db.dump", "C_PROVA/IMPORT/appunti.txt", "C_PROVA/EXPORT/2026_11/relazione.zip",
            "C_ALTRI/IMPORT/2026_11/token/C_ALTRI-F1-1_3.zip", "C_ALTRI/EXPORT/2026_11/1_ESTRAZIONE_DOVUTI_x.zip",
            "C_PROVA/.parte", "C_PROVA/IMPORT_ELABORATI/2026_11/altro/C_PROVA-F1-1_3_IUV.zip",
        )
    }  # fmt: skip

    sweep(world)

    assert paths(archivio) == foreign


class WatchedArchivio(CartellaArchivio):
    """A real archive; something happens just before a page is given, or after a file went."""

    def __init__(self, root: Path, at_page: Callable[[], None] = lambda: None,
                 at_delete: Callable[[str], None] = lambda path: None) -> None:  # fmt: skip
        super().__init__(root)
        self._at_page, self._at_delete = at_page, at_delete

    def pages(self, folder: str = "") -> Iterator[Any]:
        for page in super().pages(folder):
            self._at_page()
            yield page

    def delete(self, path: str) -> None:
        super().delete(path)
        self._at_delete(path)


def lay_orphans(world: World, root: Path) -> list[str]:
    """Two files of uploads, long ago by the disk's clock, whose rows are not there yet."""
    archivio = CartellaArchivio(root)
    return [
        keep(archivio, f"C_PROVA/IMPORT/{MESE}/token-{number}/aaaaaaaa/C_PROVA-F{number}-1_3.zip")
        for number in (1, 2)
    ]


def commit(world: World, path: str) -> None:
    token = path.split("/")[3]
    if not world.rows(schema.flussi_import, request_token=token):
        nome = path.rpartition("/")[2].removesuffix(".zip")
        lay_import(world, nome, request_token=token, file=path, file_iuv=None, stato="LOAD_IMPORT", stato_flusso=None)


def test_an_upload_that_commits_while_its_page_is_listed_keeps_its_file(world: World, root: Path) -> None:
    one, other = lay_orphans(world, root)
    archivio = WatchedArchivio(root, at_page=lambda: commit(world, other))
    world.runtime = replace(world.runtime, archivio=archivio)

    line = sweep(world)

    assert paths(archivio) == {other} and line["sconosciuto"] == 1


def test_an_upload_that_commits_while_others_of_its_page_go_keeps_its_file(world: World, root: Path) -> None:
    """Both were found without a row; when the first has gone, the other's row is there."""
    both = set(lay_orphans(world, root))
    archivio = WatchedArchivio(root, at_delete=lambda gone: commit(world, (both - {gone}).pop()))
    world.runtime = replace(world.runtime, archivio=archivio)

    line = sweep(world)

    assert line["sconosciuto"] == 1
    (left,) = paths(archivio)
    assert world.one(schema.flussi_import).file == left


def test_uploads_and_sweeps_at_once_lose_no_file(world: World, archivio: Archivio) -> None:
    """Files are a month old the moment they are written, so that only the rows keep them."""
    plant, done = Stabilimento(world), Event()
    written = archivio.write

    @contextmanager
    def old(path: str) -> Iterator[BinaryIO]:
        with written(path) as file:
            yield file
        make_older(archivio, path, 30 * DAY)

    archivio.write = old  # type: ignore[method-assign]

    def keep_sweeping() -> int:
        turns = 0
        while not done.is_set() or turns == 0:
            world.clock.advance(3601)
            turns += sweep_archivio.run_once(world.db, archivio, world.clock, PER_SEMPRE)
        return turns

    with ThreadPoolExecutor(1) as pool:
        turns = pool.submit(keep_sweeping)
        try:
            tokens = [plant.send(f"F{number}", make_campi(IUD=f"A{number}")) for number in range(8)]
        finally:
            done.set()
        assert turns.result(60) > 0

    assert paths(archivio) == {plant.flusso(token).file for token in tokens}


def test_one_process_sweeps_and_not_again_before_an_hour(world: World, archivio: Archivio) -> None:
    def run() -> bool:
        return sweep_archivio.run_once(world.db, archivio, world.clock, PER_SEMPRE)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: run(), range(4))) == [False, False, False, True]
    world.clock.advance(3599)
    assert not run()
    world.clock.advance(1)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: run(), range(4))) == [False, False, False, True]


class Interrotto(BaseException):
    """The process died here."""


def test_another_process_sweeps_when_one_died_of_it(world: World, root: Path) -> None:
    lay_orphans(world, root)

    def die(path: str) -> None:
        raise Interrotto

    dying, archivio = WatchedArchivio(root, at_delete=die), CartellaArchivio(root)
    with pytest.raises(Interrotto):
        sweep_archivio.run_once(world.db, dying, world.clock, PER_SEMPRE)
    assert not sweep_archivio.run_once(world.db, archivio, world.clock, PER_SEMPRE)
    world.clock.advance(600)

    assert sweep_archivio.run_once(world.db, archivio, world.clock, PER_SEMPRE)
    assert paths(archivio) == set()


def test_a_sweep_that_is_to_stop_leaves_the_rest_to_the_next_process(world: World, root: Path) -> None:
    stop = Event()
    lay_orphans(world, root)
    world.runtime = replace(world.runtime, archivio=WatchedArchivio(root, at_delete=lambda path: stop.set()))

    line = sweep(world, stop=stop)
    assert (line["fine"], line["sconosciuto"]) == ("interrotta", 1)

    assert sweep(world)["sconosciuto"] == 1
    assert world.one(schema.pulizie_archivio).sconosciuto == 2


def test_a_sweep_of_an_archive_that_does_not_answer_is_put_off(world: World, root: Path) -> None:
    def fail(path: str) -> None:
        raise OutOfService("l'archivio non risponde")

    lay_orphans(world, root)
    world.runtime = replace(world.runtime, archivio=WatchedArchivio(root, at_delete=fail))
    assert sweep(world)["fine"] == "l'archivio non risponde"
    world.runtime = replace(world.runtime, archivio=CartellaArchivio(root))
    world.clock.advance(600)

    assert sweep(world)["fine"] == "finita"
    assert paths(world.runtime.archivio) == set()


def test_what_a_killed_writer_left_goes_after_a_day(world: World, root: Path) -> None:
    folder = root / "C_PROVA" / "EXPORT" / MESE
    folder.mkdir(parents=True)
    archivio = CartellaArchivio(root)
    world.runtime = replace(world.runtime, archivio=archivio)
    for name, age in ((".parte-vecchio", 25 * DAY / 24), (".parte-nuovo", 23 * DAY / 24)):
        (folder / name).write_bytes(b"x" * 100)
        make_older(archivio, f"C_PROVA/EXPORT/{MESE}/{name}", age)

    line = sweep(world)

    assert paths(archivio) == {f"C_PROVA/EXPORT/{MESE}/.parte-nuovo"}
    assert (line["incompiuto"], line["size_bytes"]) == (1, 100)


def test_no_row_and_no_file_goes_by_age_unless_it_is_configured(world: World, archivio: Archivio) -> None:
    pay(world)
    request_token = book(world)
    assert tick(world)
    row = lay_import(world)
    keep(archivio, row.file)
    before = grow_old(archivio)
    world.clock.advance(3650 * 24 * 3600)

    sweep(world)

    assert paths(archivio) == before
    assert booking(world, request_token).stato == "EXPORT_ESEGUITO"
