"""The process of a trial as the server holds it: bounded in time, gone at the end, told of when it dies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest

from hub.domain.errors import OutOfService
from hub.formats.prova_a_parte import Domanda
from hub.web import prova_a_parte
from hub.web.prova_a_parte import ProvaAParte
from tests.tracciati import make_csv, rows
from tests.world import World

NOME = "C_PROVA-F1-1_3.csv"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[BinaryIO]:
    """A flow that is wrong in each row: much more to tell than the pipe holds."""
    path = tmp_path / NOME
    path.write_bytes(make_csv(*rows(4000, bad_every=1)))
    with path.open("rb") as opened:
        yield opened


def ask(world: World, file: BinaryIO, **changed: str) -> Domanda:
    config, database_url = world.runtime.config, changed.get("database_url", world.db.url)
    return Domanda(
        file.fileno(), NOME, "C_PROVA", None, world.clock(), config.iuv_quindici_fino_al, database_url, "json", "info"
    )


Processes = Callable[[], list[psutil.Process]]


@pytest.fixture
def processes() -> Processes:
    """The processes that this test has started and that are not reaped; other tests may have left theirs running."""
    known = {process.pid for process in psutil.Process().children()}
    return lambda: [process for process in psutil.Process().children() if process.pid not in known]


def test_it_is_gone_when_its_user_is_whether_it_had_said_all_or_not(
    small_world: World, file: BinaryIO, processes: Processes
) -> None:
    with ProvaAParte(ask(small_world, file)) as prova:
        prova.begin()
        assert len(processes()) == 1
    assert processes() == []

    with ProvaAParte(ask(small_world, file)) as prova:
        text = prova.begin() + b"".join(prova.rest())
    assert processes() == [] and json.loads(text)["riepilogo"]["scartate"] == 4000


def test_a_trial_that_is_late_before_its_first_word_is_refused(
    small_world: World, file: BinaryIO, processes: Processes
) -> None:
    with ProvaAParte(ask(small_world, file), 0) as prova, pytest.raises(OutOfService, match="supera i 0 secondi"):
        prova.begin()
    assert processes() == []


def test_a_trial_that_is_late_half_way_is_a_text_that_says_so(
    small_world: World, file: BinaryIO, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    with ProvaAParte(ask(small_world, file), 600) as prova:
        first = prova.begin()
        monkeypatch.setattr(prova_a_parte, "monotonic", lambda: float("inf"))
        said = json.loads(first + b"".join(prova.rest()))

    assert said["rifiuto"] == {
        "codice": "SERVIZIO_NON_DISPONIBILE", "messaggio": "la prova supera i 600 secondi: dividere il flusso",
    }  # fmt: skip
    assert "riepilogo" not in said and processes() == []


def test_a_process_that_dies_half_way_leaves_a_whole_text_without_totals(
    small_world: World, file: BinaryIO, processes: Processes
) -> None:
    with ProvaAParte(ask(small_world, file)) as prova:
        first = prova.begin()
        processes()[0].kill()
        said = json.loads(first + b"".join(prova.rest()))

    assert said["rifiuto"]["codice"] == "SERVIZIO_NON_DISPONIBILE" and "interrotta" in said["rifiuto"]["messaggio"]
    assert "riepilogo" not in said and len(said["scarti"]) < 4000


def test_a_process_that_dies_at_once_is_a_refusal(small_world: World, file: BinaryIO, processes: Processes) -> None:
    with ProvaAParte(ask(small_world, file)) as prova:
        processes()[0].kill()
        with pytest.raises(OutOfService, match="interrotta"):
            prova.begin()


def test_a_database_that_does_not_answer_is_the_refusal_that_it_always_was(
    small_world: World, file: BinaryIO, tmp_path: Path
) -> None:
    absent = ask(small_world, file, database_url=f"sqlite:///{tmp_path}/manca/x.db")

    with ProvaAParte(absent) as prova, pytest.raises(OutOfService, match="il database non risponde"):
        prova.begin()


def test_the_process_is_given_no_setting_of_the_server_and_no_descriptor_but_the_file(
    small_world: World, file: BinaryIO, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    monkeypatch.setenv("PONTEPA_SECRET_KEY", "x" * 40)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    with open("/etc/hosts", "rb") as other, ProvaAParte(ask(small_world, file)) as prova:
        prova.begin()
        (process,) = processes()
        environment, opened = process.environ(), [one.path for one in process.open_files()]
        assert process.nice() > psutil.Process().nice()

    assert not {"PONTEPA_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"} & set(environment)
    assert environment["MALLOC_ARENA_MAX"] == "1" and small_world.db.url not in str(environment)
    assert str(file.name) in opened and other.name not in opened
