"""Yesterday's copy of the database is restored: no IUV goes out twice, nothing leaves that may have left already."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.domain.delivery import Delivery, Outcome
from hub.domain.errors import DatabaseRipristinato, InvalidRequest, Misconfigured
from hub.domain.iuv import PROGRESSIVO_MAX
from hub.store import pulizie_archivio, schema
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.store.segni import Segni
from hub.usecases import sweep_archivio
from hub.usecases.dopo_ripristino import dopo_ripristino
from hub.usecases.importa_flusso import ImportaFlussi
from tests.copie import Copia
from tests.importati import CUT_OFF, Stabilimento
from tests.pulizia import DAY, PER_SEMPRE, grow_old, paths
from tests.tracciati import make_campi
from tests.world import INTERMEDIARIO, Clock, build_world, world_over

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = (INTERMEDIARIO, "01")
GAP = 1000


class Casa:
    """An installation whose database is replaced under it; the archive and the data folder stay."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.db = Database.open(url)
        self.world = build_world(self.db, Clock(NOW))
        self.archivio = self.world.runtime.archivio
        self.cartella = self.world.cartella

    @property
    def segni(self) -> Segni:
        """As a process that starts finds them."""
        return Segni(self.folder / "dati")

    def draw(self, count: int, block: int = 5) -> list[str]:
        """IUVs drawn by a process of its own."""
        blocks = IuvBlocks(self.db, block, self.segni)
        return [blocks.draw(*KEY) for _ in range(count)]

    def load(self, iuf: str, *iud: str, **campi: str) -> list[str]:
        """Have a flow loaded that asks for IUVs; returns those of its file of results."""
        stabilimento = Stabilimento(self.world)
        stabilimento.importa = ImportaFlussi(
            self.db, self.archivio, stabilimento.limiti, CUT_OFF, self.world.clock, self.segni
        )
        stabilimento.send(iuf, *(make_campi(IUD=one, **campi) for one in iud))
        stabilimento.finish()
        row = self.world.one(schema.flussi_import, iuf=iuf)
        return [line["codIuv"] for line in self.rows_of(row.file_iuv)]

    def rows_of(self, path: str) -> list[dict[str, str]]:
        with self.archivio.open(path) as file, zipfile.ZipFile(file) as opened:
            text = opened.read(opened.namelist()[0]).decode()
        return list(csv.DictReader(io.StringIO(text), delimiter=";"))

    def restore(self, copia: Copia) -> None:
        self.db.close()
        copia.restore()
        self.db = Database.open(self.url)
        self.world = world_over(self.db, self.world.clock)
        self.world.runtime.__dict__["archivio"] = self.archivio

    def go_on(self, gap: int = GAP):
        return dopo_ripristino(self.db, self.archivio, self.segni, gap, NOW)


@pytest.fixture
def casa(database_url: str, tmp_path: Path) -> Iterator[Casa]:
    found = Casa(database_url, tmp_path)
    yield found
    found.db.close()


@contextmanager
def lost_and_restored(casa: Casa) -> Iterator[None]:
    """What is done in the block is forgotten by the database."""
    copia = Copia(casa.url, casa.folder / "copia")
    yield
    casa.restore(copia)


def numbers(drawn: list[str]) -> list[int]:
    return [int(iuv[4:15]) for iuv in drawn]


def test_no_iuv_is_drawn_twice_after_yesterdays_copy_is_restored(casa: Casa) -> None:
    issued = casa.draw(7) + casa.load("F1", "A1", "A2")
    with lost_and_restored(casa):
        issued += casa.draw(23) + casa.load("F2", "B1", "B2", "B3")

    done = casa.go_on()

    issued += casa.draw(12) + casa.load("F3", "C1", "C2")
    assert len(issued) == len(set(issued)) == 49
    (moved,) = (one.dopo for one in done.contatori if (one.codice_fiscale, one.segregazione) == KEY)
    assert moved >= max(numbers(issued[:35])) + GAP
    assert [path.rpartition("/")[2] for path in done.file] == ["C_PROVA-F2-1_3_IUV.zip"]


def test_a_process_refuses_a_database_that_is_older_than_it_was_until_it_was_seen_to(casa: Casa) -> None:
    casa.draw(7)
    with lost_and_restored(casa):
        casa.draw(5)

    with pytest.raises(DatabaseRipristinato, match="pontepa db restored"):
        casa.segni.check(casa.db)
    casa.go_on()

    casa.segni.check(casa.db)


def test_a_copy_that_forgot_no_iuv_is_known_by_its_heartbeat(casa: Casa) -> None:
    with lost_and_restored(casa):
        casa.segni.beat(casa.db, NOW)

    with pytest.raises(DatabaseRipristinato):
        casa.segni.check(casa.db)
    with pytest.raises(DatabaseRipristinato):
        casa.segni.beat(casa.db, NOW)
    casa.go_on()

    casa.segni.check(casa.db)
    casa.segni.beat(casa.db, NOW)


def test_a_process_that_goes_on_over_an_older_database_draws_nothing_from_it(casa: Casa) -> None:
    with lost_and_restored(casa):
        casa.draw(7)

    with pytest.raises(DatabaseRipristinato):
        casa.draw(1)

    assert casa.world.rows(schema.iuv_blocchi) == [], "what was refused was not taken either"


def test_without_the_data_folder_the_archive_tells_how_far_the_flows_had_come(casa: Casa) -> None:
    with lost_and_restored(casa):
        issued = casa.load("F1", *(f"A{number}" for number in range(1, 8)))
    (casa.folder / "dati" / "segni.json").unlink()

    casa.go_on(gap=1)

    assert min(numbers(casa.draw(1))) > max(numbers(issued))


def test_a_flow_that_was_forgotten_keeps_its_iuvs_when_its_results_are_loaded_again(casa: Casa) -> None:
    with lost_and_restored(casa):
        issued = casa.load("F1", "A1", "A2")
    (path,) = casa.go_on().file
    again = [dict(row) for row in casa.rows_of(path)]

    stabilimento = Stabilimento(casa.world)
    stabilimento.send("F1", *(make_campi(**row) for row in again))
    stabilimento.finish()

    assert [row.iuv for row in casa.world.rows(schema.dovuti)] == issued


def test_counters_of_enti_that_the_copy_does_not_know_begin_past_the_gap(casa: Casa) -> None:
    with lost_and_restored(casa):
        IuvBlocks(casa.db, 5, casa.segni).draw("99999999990", "07")
    (casa.folder / "dati" / "segni.json").unlink()

    casa.go_on()

    drawn = IuvBlocks(casa.db, 5, casa.segni).draw("99999999990", "07")
    assert numbers([drawn]) == [1 + GAP]


def test_a_message_that_may_have_left_after_the_copy_is_asked_about_and_not_sent_again(casa: Casa) -> None:
    casa.world.begin()
    with lost_and_restored(casa):
        casa.world.relay()
        assert len(casa.world.nodo.received) == 1

    assert casa.go_on().messaggi == 1
    casa.world.nodo.states.append(Delivery(Outcome.DELIVERED))
    casa.world.relay()

    assert len(casa.world.nodo.asked) == 1
    assert casa.world.nodo.received == []


def test_a_flow_that_was_being_loaded_goes_on_with_numbers_that_nobody_had(casa: Casa) -> None:
    stabilimento = Stabilimento(casa.world)
    stabilimento.send("F1", make_campi(IUD="A1"), make_campi(IUD="A2"))
    worker = ImportaFlussi(casa.db, casa.archivio, stabilimento.limiti, CUT_OFF, casa.world.clock, casa.segni)
    worker.run_once()
    held = casa.world.one(schema.flussi_import)
    assert held.iuv_a is not None
    with lost_and_restored(casa):
        pass

    assert casa.go_on().flussi == 1

    held = casa.world.one(schema.flussi_import)
    assert (held.iuv_da, held.iuv_a) == (None, None)


def test_marks_that_nobody_can_read_stop_a_process_and_are_written_anew(casa: Casa) -> None:
    casa.draw(1)
    (casa.folder / "dati" / "segni.json").write_text("{")

    with pytest.raises(Misconfigured, match="non si legge"):
        casa.segni.check(casa.db)
    casa.go_on()

    casa.segni.check(casa.db)


def test_a_gap_beyond_the_largest_number_is_refused_and_moves_nothing(casa: Casa) -> None:
    casa.draw(1)

    with pytest.raises(InvalidRequest, match="--gap"):
        casa.go_on(gap=PROGRESSIVO_MAX)

    assert [row.prossimo for row in casa.world.rows(schema.iuv_blocchi)] == [6]


def test_an_archived_file_that_nobody_can_read_is_told_and_stops_nothing(casa: Casa) -> None:
    path = "C_PROVA/IMPORT_ELABORATI/2026_03/C_PROVA-F9-1_3/C_PROVA-F9-1_3_IUV.zip"
    with casa.archivio.write(path) as file:
        file.write(b"PK nothing")

    done = casa.go_on()

    assert (done.file, done.illeggibili) == ((), (path,))


def test_numbers_given_back_by_one_machine_are_no_lie_for_another(casa: Casa) -> None:
    here, there = Segni(casa.folder / "qui"), Segni(casa.folder / "la")
    first = IuvBlocks(casa.db, 5, here)
    first.draw(*KEY)

    with there.returning(KEY, (3, 6)) as left:
        assert left == (6, 6), "they are another machine's"
    with here.returning(KEY, (3, 6)) as left:
        assert left == (3, 6)

    assert here.read().numeri[KEY] == (1, 3)


def test_no_file_that_came_after_the_copy_is_swept_before_somebody_says_so(casa: Casa) -> None:
    with lost_and_restored(casa):
        casa.load("F2", "B1", "B2")
    before = grow_old(casa.archivio)

    casa.go_on()

    def sweep() -> bool:
        return sweep_archivio.run_once(casa.db, casa.archivio, lambda: NOW + 3 * DAY, PER_SEMPRE)

    assert len(before) == 3 and not sweep() and paths(casa.archivio) == before
    with casa.db.transaction() as session:
        assert pulizie_archivio.sospesa_at(session) == NOW
        assert pulizie_archivio.resume(session) and not pulizie_archivio.resume(session)
    assert sweep() and paths(casa.archivio) == set()


def test_a_sweep_that_is_going_on_is_ended_by_the_restored_database(casa: Casa) -> None:
    with casa.db.transaction() as session:
        fence = pulizie_archivio.take(session, NOW, NOW + DAY)

    casa.go_on()

    assert fence is not None
    with casa.db.transaction() as session:
        assert not pulizie_archivio.keep(session, fence, NOW + DAY, {}, 0)
