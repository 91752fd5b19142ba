"""docs/tracciati.md and its files: the page is what its generator makes now, every example is read by the hub."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner

from docs.pagine import campi, tracciati
from hub.cli import main
from hub.formats.tracciati.export_pagati import VERSIONI as PAGATI
from hub.formats.tracciati.export_pagati import ConRicevuta
from hub.formats.tracciati.export_scaduti import ExportScaduti
from hub.formats.tracciati.import_dovuti import VERSIONI
from tests.racconto import play


def test_the_page_is_what_the_generator_makes_now() -> None:
    assert tracciati.FILE.read_text(encoding="utf-8") == tracciati.render(), "make docs writes it again"


@pytest.mark.parametrize("version", VERSIONI)
def test_the_example_of_a_version_passes_the_trial(version: str) -> None:
    path = tracciati.FOLDER / f"C_PROVA-ESEMPIO-{version}.csv"

    done = CliRunner().invoke(main, ["flusso", "check", str(path), "--json"])

    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["scarti"] == [] and said["riepilogo"]["righe"] == 2
    header = path.read_text(encoding="utf-8").partition("\n")[0]
    assert header == VERSIONI[version].intestazione()


def test_the_examples_of_exports_are_what_the_hub_writes(tmp_path) -> None:
    written = tracciati.examples(play(tmp_path))

    for name, text in written.items():
        assert (tracciati.FOLDER / name).read_text(encoding="utf-8") == text, "make docs writes it again"
    layouts = {"pagati": PAGATI["1.3"].colonne, "scaduti": ExportScaduti.colonne}
    for genere, columns in layouts.items():
        header, *rows = csv.reader(io.StringIO(written[tracciati.EXPORT[genere]]), delimiter=";")
        assert header == [column.nome for column in columns]
        assert rows and {len(row) for row in rows} == {len(columns)}


def test_no_sentence_about_a_column_is_left() -> None:
    flussi = [*VERSIONI["1_4"].colonne, *ExportScaduti.colonne]
    pagati = [*PAGATI["1.3"].colonne, *ConRicevuta.colonne]
    for genere, columns in ((tracciati.FLUSSI, flussi), (tracciati.PAGATI, pagati)):
        assert set(campi.frasi(genere)) <= {column.nome for column in columns}
        assert all(tracciati.frase(column.nome, genere) for column in columns)
