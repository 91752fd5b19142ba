"""The real process of flows sweeps the archive from its start, unless the settings say no."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.cartella.client import CartellaArchivio
from hub import app_flussi
from tests.pulizia import MESE, keep, paths
from tests.test_cli import DEMO, Shell
from tests.tracciati import make_csv, make_zip, rows

LOST = f"C_PROVA/IMPORT/{MESE}/di-nessuno/aaaaaaaa/C_PROVA-F9-1_3.zip"


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Shell:
    shell = Shell(database_url)
    shell.env |= {"PONTEPA_DATA_DIR": str(tmp_path / "dati"), "PONTEPA_TICK_S": "0.1"}
    shell.good("config", "apply", DEMO)
    return shell


@contextmanager
def process(desk: Shell) -> Iterator[None]:
    env = {**os.environ, **desk.env}
    started = subprocess.Popen(
        app_flussi.command(), env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        started.terminate()
        assert started.wait(60) == 0


def load(desk: Shell, folder: Path) -> None:
    base = "C_PROVA-F1-1_3"
    (folder / f"{base}.zip").write_bytes(make_zip([(f"{base}.csv", make_csv(*rows(3)))]).getvalue())
    desk.good("flusso", "carica", str(folder / f"{base}.zip"), "--ente", "C_PROVA", "--attendi")


def test_the_process_of_flows_sweeps_what_nobody_knows(desk: Shell, tmp_path: Path) -> None:
    archivio = CartellaArchivio(tmp_path / "dati" / "archivio")
    keep(archivio, LOST)

    with process(desk):
        until = time.monotonic() + 60
        while LOST in paths(archivio) and time.monotonic() < until:
            time.sleep(0.1)
        load(desk, tmp_path)

    left = paths(archivio)
    assert LOST not in left and any(path.endswith("/C_PROVA-F1-1_3.zip") for path in left)


def test_nothing_goes_when_the_settings_say_so(desk: Shell, tmp_path: Path) -> None:
    archivio = CartellaArchivio(tmp_path / "dati" / "archivio")
    keep(archivio, LOST)
    desk.env["PONTEPA_PULIZIA_ARCHIVIO"] = "false"

    with process(desk):
        load(desk, tmp_path)

    assert LOST in paths(archivio)
