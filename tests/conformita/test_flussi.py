"""A folder of flows, tried for a report: nothing is stored, and each mistake is named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hub.domain.conformita import Esito, Gruppo, giudica
from hub.domain.conformita.prove import Prove
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.store import schema
from hub.usecases.conformita_flussi import prova_flussi
from tests.conformita.casi import NOW
from tests.world import World, small_world

__all__ = ["small_world"]
HEADER = VERSIONI["1_3"].intestazione()
RIGA = (
    "{iud};;F;RSSMRA80A01H501U;Mario Rossi;;;;;;;;2030-06-30;{importo};;TARI;ALL;TARI;9/0101101IM/;;true;{azione}"
)


def riga(iud: str = "A1", importo: str = "10.50", azione: str = "I") -> str:
    return RIGA.format(iud=iud, importo=importo, azione=azione)


def write(folder: Path, name: str, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join((header, *rows, "")).encode(encoding))
    return path


def look(world: World, folder: Path) -> dict[str, set[str]]:
    limit = world.runtime.config.iuv_quindici_fino_al
    found = tuple(one for one, _ in prova_flussi(folder, "C_PROVA", NOW, limit, world.db))
    verdetti = giudica(Prove("C_PROVA", NOW, flussi=found))
    return {
        esito: {one.regola.codice for one in verdetti if one.esito is esito and one.regola.gruppo is Gruppo.FLUSSI}
        for esito in Esito
    }


def test_good_flows_violate_nothing_and_are_not_stored(small_world: World, tmp_path: Path) -> None:
    first = write(tmp_path, "C_PROVA-F1-1_3.csv", riga())
    with zipfile.ZipFile(tmp_path / "C_PROVA-F2-1_3.zip", "w") as archive:
        archive.writestr("C_PROVA-F2-1_3.csv", first.read_bytes().replace(b"A1;", b"A2;"))

    found = look(small_world, tmp_path)

    assert (found[Esito.VIOLATA], found[Esito.AVVERTENZA], found[Esito.NON_VISTA]) == (set(), set(), set())
    assert small_world.rows(schema.dovuti) == [] and small_world.rows(schema.flussi_import) == []


@pytest.mark.parametrize(
    ("name", "rows", "options", "named"),
    [
        ("mensa.csv", [riga()], {}, "FLU-01"),
        ("C_PROVA-F1-9_9.csv", [riga()], {}, "FLU-02"),
        ("C_ALTRO-F1-1_3.csv", [riga()], {}, "FLU-03"),
        ("C_PROVA-F1-1_3.zip", [riga()], {}, "FLU-04"),
        ("C_PROVA-F1-1_3.csv", [riga()], {"encoding": "utf-16"}, "FLU-05"),
        ("C_PROVA-F1-1_3.csv", [riga().replace("Mario Rossi", "Niccolò")], {"encoding": "latin-1"}, "FLU-07"),
        ("C_PROVA-F1-1_3.csv", [riga()], {"encoding": "utf-8-sig"}, "FLU-08"),
        ("C_PROVA-F1-1_3.csv", [riga().replace(";", ",")], {"header": HEADER.replace(";", ",")}, "FLU-09"),
        ("C_PROVA-F1-1_3.csv", [riga()], {"header": HEADER.replace("codIuv", "iuv")}, "FLU-10"),
        ("C_PROVA-F1-1_3.csv", [], {}, "FLU-11"),
        ("C_PROVA-F1-1_3.csv", [riga(), riga()], {}, "FLU-12"),
        ("C_PROVA-F1-1_3.csv", [riga(importo="10,50")], {}, "FLU-15"),
        ("C_PROVA-F1-1_3.csv", [riga().replace("H501U", "H501X")], {}, "FLU-16"),
        ("C_PROVA-F1-1_3.csv", [riga().replace("2030-06-30", "30/06/2030")], {}, "FLU-17"),
        ("C_PROVA-F1-1_3.csv", [riga().replace("Mario Rossi", "")], {}, "FLU-18"),
        ("C_PROVA-F1-1_3.csv", [riga().replace(";TARI;ALL", ";TASI;ALL")], {}, "FLU-19"),
        ("C_PROVA-F1-1_3.csv", [riga().replace("9/0101101IM/", "TARI")], {}, "FLU-20"),
        ("C_PROVA-F1-1_3.csv", [riga(azione="i")], {}, "FLU-21"),
        ("C_PROVA-F1-1_3.csv", [riga().replace(";;true", ";<a/>;true")], {}, "FLU-22"),
        ("C_PROVA-F1-1_3.csv", [riga().replace("A1;;", "A1;123;").replace("true", "false")], {}, "FLU-23"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_flow_is_named(
    small_world: World, tmp_path: Path, name: str, rows: list[str], options: dict[str, str], named: str
) -> None:
    write(tmp_path, name, *rows, **options)

    found = look(small_world, tmp_path)

    assert named in found[Esito.VIOLATA] | found[Esito.AVVERTENZA], found


def test_an_iud_or_an_iuf_in_two_files_is_named(small_world: World, tmp_path: Path) -> None:
    write(tmp_path, "C_PROVA-F1-1_3.csv", riga())
    write(tmp_path, "C_PROVA-f1-1_2.csv", riga("A2"))
    write(tmp_path, "C_PROVA-F2-1_3.csv", riga())

    assert {"FLU-13", "FLU-14"} <= look(small_world, tmp_path)[Esito.VIOLATA]
