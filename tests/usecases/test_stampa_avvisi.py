"""The notices of a loaded flow: which rows have one, their order, and a worker that dies while it prints.

Source: flows, 1.5 and 5.1.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp

from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.iuv import build_iuv
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import Riga
from hub.store import schema
from hub.usecases import stampa_avvisi
from hub.usecases.stampa_avvisi import write_avvisi
from tests.formats.pages import picture, text_of
from tests.tracciati import SECONDARIO, make_campi, make_csv, make_zip
from tests.world import INTERMEDIARIO, World

CARTELLA = "C_PROVA/IMPORT_ELABORATI/2026_05/C_PROVA-F1"


@dataclass
class Flusso:
    """A flow as the import leaves it: the file in the archive, its row, a dovuto for each row that was accepted."""

    world: World
    versione: str = "1_3"

    @property
    def path(self) -> str:
        return f"{CARTELLA}/C_PROVA-F1-{self.versione}_AVVISI_PDF.zip"

    def load(self, *righe: dict[str, str], refused: Sequence[int] = ()) -> None:
        """Lay the flow. `refused`: numbers of rows that left no dovuto; cancellations never leave one."""
        campi = [make_campi(self.versione, **({"IUD": f"D{number}"} | riga)) for number, riga in enumerate(righe, 1)]
        csv = make_csv(*campi, versione=self.versione)
        base = f"C_PROVA-F1-{self.versione}"
        with self.world.runtime.archivio.write(f"C_PROVA/IMPORT/2026_05/t/{base}.zip") as out:
            out.write(make_zip([(f"{base}.csv", csv)]).read())
        self.world.lay(
            schema.flussi_import, id=7, request_token="t", ente_id=1, jti="j", stato="IMPORT_IN_ELAB",
            nome_file=f"{base}.zip", file=f"C_PROVA/IMPORT/2026_05/t/{base}.zip", iuf="F1", versione=self.versione,
            stato_flusso="CARICATO", authorization_expires_at=self.world.clock(), created_at=self.world.clock(),
            updated_at=self.world.clock(),
        )  # fmt: skip
        for number, riga in enumerate(campi, 1):
            read = VERSIONI[self.versione].read_riga(Riga(number, number + 1, ";".join(riga)))
            if isinstance(read, DovutoImportato) and read.azione != "A" and number not in refused:
                self._lay_dovuto(number, read)

    def _lay_dovuto(self, number: int, read: DovutoImportato) -> None:
        self.world.lay_avviso(
            read.iuv or build_iuv(1, number),
            id=f"{7:016x}{number:016x}", flusso_id=7, riga=number, iud=read.iud, tipo=read.tipo,
            importo_cent=read.importo_cent, causale=read.causale, scadenza=read.scadenza, origine="FLUSSO",
            pagatore={"tipo": "F", "codice": read.pagatore_codice, "anagrafica": read.anagrafica},
            secondario={
                "codice_fiscale": read.secondario_codice, "denominazione": read.secondario_denominazione,
                "iban": read.secondario_iban, "importo_cent": read.secondario_importo_cent,
                "dati_specifici": read.secondario_dati_specifici,
            } if read.multi_beneficiario else None,
        )  # fmt: skip

    def write(self, beats: int = 1_000_000, modelli: Path | None = None) -> str | None:
        """Print; the work ends at the beat after so many."""
        left = iter(range(beats))

        def tick() -> None:
            if next(left, None) is None:
                raise Killed

        runtime = self.world.runtime
        flusso = self.world.one(schema.flussi_import, id=7)
        anagrafe, now = runtime.callers.anagrafe, self.world.clock()
        return write_avvisi(self.world.db, anagrafe, runtime.archivio, flusso, CARTELLA, tick, now, modelli)

    def read(self) -> bytes:
        with self.world.runtime.archivio.open(self.path) as file:
            return file.read()

    def names(self) -> list[str]:
        with zipfile.ZipFile(BytesIO(self.read())) as archive:
            assert archive.testzip() is None
            return archive.namelist()

    def files(self) -> list[str]:
        """What there is in the folder of the results."""
        return sorted(path.name for path in (Path(self.world.cartella.name) / CARTELLA).glob("*"))


class Killed(Exception):
    """The worker is no more."""


def avviso(number: int) -> str:
    return f"avviso_{build_iuv(1, number)}.pdf"


def test_each_accepted_row_that_asked_for_an_iuv_has_its_notice_in_the_order_of_the_file(world: World) -> None:
    own = build_iuv(1, 900, sistema=10)
    flusso = Flusso(world)
    flusso.load(
        {"causaleVersamento": "prima"},
        {"flgGeneraIuv": "false"},
        {"codIuv": own, "flgGeneraIuv": "true"},
        {"importoDovuto": "12,50"},
        {"codIuv": build_iuv(1, 5), "azione": "M"},
        {"codIuv": build_iuv(1, 901, sistema=10), "flgGeneraIuv": "false"},
        {"azione": "A"},
        {"tipoDovuto": "MENSA"},
        {},
        refused=[4, 9],
    )
    world.change(schema.tipi, "codice", "MENSA", stampa_avviso=False)

    path = flusso.write()

    assert path == flusso.path
    assert flusso.names() == [avviso(1), f"avviso_{own}.pdf", avviso(5)]
    with zipfile.ZipFile(BytesIO(flusso.read())) as archive:
        assert "prima" in text_of(archive.read(avviso(1)))
    assert flusso.files() == [path.rpartition("/")[2]]


def test_a_row_with_a_second_beneficiary_asks_for_the_sum(world: World) -> None:
    """Acceptance vector 6: a row of 1_4 with 100.00 + 5.00."""
    flusso = Flusso(world, "1_4")
    flusso.load(SECONDARIO)

    flusso.write()

    with zipfile.ZipFile(BytesIO(flusso.read())) as archive:
        pdf = archive.read(avviso(1))
    (code,) = zxingcpp.read_barcodes(picture(pdf, dpi=200))
    assert "105,00 Euro" in text_of(pdf)
    assert code.text == f"PAGOPA|002|3{build_iuv(1, 1)}|{INTERMEDIARIO}|10500"


@pytest.mark.parametrize(
    ("versione", "riga"),
    [("1_2", {"codIuv": build_iuv(1, 9, sistema=10)}), ("1_3", {"flgGeneraIuv": "false"}), ("1_3", {"azione": "A"})],
)
def test_without_any_notice_there_is_no_file(world: World, versione: str, riga: dict[str, str]) -> None:
    flusso = Flusso(world, versione)
    flusso.load(riga)

    assert flusso.write() is None
    assert world.runtime.archivio.size_bytes(flusso.path) is None


def test_what_was_paid_or_cancelled_meanwhile_has_no_notice(world: World) -> None:
    flusso = Flusso(world)
    flusso.load({}, {}, {})
    world.change(schema.dovuti, "riga", 1, stato="COMPLETATO")
    world.change(schema.dovuti, "riga", 3, stato="ANNULLATO", attuale=False)

    flusso.write()

    assert flusso.names() == [avviso(2)]


def test_two_runs_give_equal_bytes_however_many_print(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    flusso = Flusso(small_world)
    flusso.load(*({} for _ in range(30)))

    flusso.write()
    first = flusso.read()
    monkeypatch.setattr(stampa_avvisi, "_threads", lambda: 3)
    flusso.write()

    assert flusso.read() == first


@pytest.mark.parametrize("beats", range(0, 18, 3))
def test_who_takes_over_from_a_dead_worker_gives_the_same_file(
    world: World, monkeypatch: pytest.MonkeyPatch, beats: int
) -> None:
    monkeypatch.setattr(stampa_avvisi, "_PARTE_RIGHE", 4)
    flusso = Flusso(world)
    flusso.load(*({} for _ in range(22)))
    flusso.write()
    undisturbed = flusso.read()
    world.runtime.archivio.delete(flusso.path)

    with pytest.raises(Killed):
        flusso.write(beats)
    assert world.runtime.archivio.size_bytes(flusso.path) is None
    path = flusso.write()

    assert path == flusso.path and flusso.read() == undisturbed
    assert flusso.files() == [path.rpartition("/")[2]]


def test_what_a_dead_worker_had_finished_is_not_printed_again(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stampa_avvisi, "_PARTE_RIGHE", 4)
    flusso = Flusso(small_world)
    flusso.load(*({} for _ in range(12)))
    with pytest.raises(Killed):
        flusso.write(5)
    assert len(flusso.files()) == 2
    # Whoever printed these again would find that they are paid.
    for riga in range(1, 9):
        small_world.change(schema.dovuti, "riga", riga, stato="COMPLETATO")

    flusso.write()

    assert flusso.names() == [avviso(number) for number in range(1, 13)]


_CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from adapters.cartella.client import CartellaArchivio
from hub.store import flussi_import
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.usecases import stampa_avvisi

url, root, cartella, now = sys.argv[1:]
stampa_avvisi._PARTE_RIGHE = 4
db = Database.open(url)
with db.reading() as session:
    flusso = flussi_import.find(session, "t")
archivio = CartellaArchivio(Path(root))
stampa_avvisi.write_avvisi(
    db, Anagrafe(db), archivio, flusso, cartella, lambda: None, datetime.fromisoformat(now)
)
"""


def test_a_killed_process_leaves_nothing_that_another_stumbles_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stampa_avvisi, "_PARTE_RIGHE", 4)
    flusso = Flusso(world)
    flusso.load(*({} for _ in range(120)))
    flusso.write()
    undisturbed = flusso.read()
    world.runtime.archivio.delete(flusso.path)
    url = world.db.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", _CHILD, url, world.cartella.name, CARTELLA, world.clock().isoformat()]

    for parts in (1, 2, 5):
        with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as child:
            deadline = time.monotonic() + 60
            while sum(name.startswith("avvisi-7-") for name in flusso.files()) < parts:
                assert child.poll() is None and time.monotonic() < deadline
                time.sleep(0.005)
            child.kill()
    assert world.runtime.archivio.size_bytes(flusso.path) is None

    assert flusso.write() == flusso.path
    assert flusso.read() == undisturbed


def test_the_notices_of_a_flow_are_on_the_page_of_the_ente(small_world: World, tmp_path: Path) -> None:
    (tmp_path / "C_PROVA").mkdir()
    page = '#let a = json(bytes(sys.inputs.avviso))\n#set document(title: "x")\nPagina di #a.ente.nome'
    (tmp_path / "C_PROVA" / "avviso.typ").write_text(page)
    flusso = Flusso(small_world)
    flusso.load({}, {})

    flusso.write(modelli=tmp_path)

    with zipfile.ZipFile(BytesIO(flusso.read())) as archive:
        assert {text_of(archive.read(name)) for name in flusso.names()} == {"Pagina di Comune di Prova"}


def test_a_flow_of_another_does_not_lend_its_dovuti(small_world: World) -> None:
    flusso = Flusso(small_world)
    flusso.load({}, {"flgGeneraIuv": "false"})
    small_world.lay_avviso(build_iuv(1, 800), id=f"{8:016x}{1:016x}", flusso_id=8, riga=1)
    small_world.lay_avviso(build_iuv(1, 801), id=f"{6:016x}{2:016x}", flusso_id=6, riga=2)

    flusso.write()

    assert flusso.names() == [avviso(1)]
