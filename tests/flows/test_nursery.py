"""A process of the nursery is like one from a shell: its own environment, folder, session, and end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.flows.nursery import nursery
from tests.flows.plant import Plant, until


def test_a_command_has_its_own_settings_and_folder_and_tells_how_it_ended(tmp_path: Path) -> None:
    env = {**os.environ, "PONTEPA_AMBIENTE": "sviluppo"}
    for name in ("uno", "due"):
        (tmp_path / name).mkdir()
        log = tmp_path / name / "log"
        made = nursery().bear(["db", "upgrade"], env=env, cwd=tmp_path / name, log=log)

        assert made.wait(60) == 0, log.read_text()
        assert (tmp_path / name / "var" / "pontepa.db").is_file()

    told = nursery().bear(["db", "current", "--json"], env=env, cwd=tmp_path / "due", log=tmp_path / "detto")
    assert told.wait(60) == 0 and json.loads((tmp_path / "detto").read_text())["is_current"] is True
    refused = nursery().bear(["db", "check"], env=env, cwd=tmp_path, log=tmp_path / "rifiuto")
    assert refused.wait(60) == 1 and "database" in (tmp_path / "rifiuto").read_text()
    assert nursery().bear(["niente"], env=env, cwd=tmp_path, log=tmp_path / "uso").wait(60) == 2


def test_who_has_ended_keeps_its_number_until_its_end_is_told(tmp_path: Path) -> None:
    """A number given again with an end that was told before would make a newborn look dead."""
    env = {**os.environ, "PONTEPA_AMBIENTE": "sviluppo"}
    ended = nursery().bear(["--version"], env=env, cwd=tmp_path, log=tmp_path / "log")
    assert until(lambda: psutil.Process(ended.pid).status() == psutil.STATUS_ZOMBIE or None, 60)

    assert ended.poll() == 0
    assert not psutil.pid_exists(ended.pid)
    assert ended.poll() == 0


def test_a_process_that_is_killed_is_gone_with_all_it_started(sqlite_url: str, tmp_path: Path) -> None:
    with Plant(tmp_path, sqlite_url) as plant:
        plant.prepare()
        plant.up("serve")
        process = plant.by_name["serve"]
        below = psutil.Process(process.pid).children(recursive=True)
        assert os.getsid(process.pid) == process.pid and below
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)

        plant.kill("serve")

        assert process.poll() == -signal.SIGKILL
        gone, _ = psutil.wait_procs(below, 30)
        assert len(gone) == len(below)
