"""Logs carry keys, never secrets, people or the words of an exception."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from hub import log
from hub.config import Ambiente, Config


@pytest.fixture(autouse=True)
def _settings_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if type(handler).__module__ == "hub.log"]:
        root.removeHandler(handler)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def _configure(log_format: str = "json") -> None:
    log.configure(Config(ambiente=Ambiente.SVILUPPO, log_format=log_format))


def test_secret_and_personal_values_are_blanked(capsys: pytest.CaptureFixture[str]) -> None:
    _configure()

    log.get_logger().info("prova", password="Segreto12345", codice_fiscale="RSSMRA80A01H501U", iuv="1")

    (line,) = _lines(capsys)
    assert (line["password"], line["codice_fiscale"], line["iuv"]) == (log.REDACTED, log.REDACTED, "1")


def test_the_correlation_id_in_the_context_is_on_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    _configure()

    with structlog.contextvars.bound_contextvars(correlation_id="abc"):
        log.get_logger().info("prova")

    assert _lines(capsys)[0]["correlation_id"] == "abc"


def test_an_exception_is_type_and_place_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    _configure()

    try:
        raise ValueError("RSSMRA80A01H501U")
    except ValueError:
        log.get_logger().exception("failed")

    (line,) = _lines(capsys)
    assert line["exception"] == "ValueError"
    assert "RSSMRA80A01H501U" not in json.dumps(line)


@pytest.mark.parametrize("name", ["zeep.transports", "spyne", "sqlalchemy.engine"])
def test_the_words_of_talkative_libraries_are_dropped(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _configure()

    logging.getLogger(name).critical("body: %s", "Segreto12345")

    (line,) = _lines(capsys)
    assert line["logger"] == name
    assert "Segreto12345" not in json.dumps(line)


def test_the_console_form_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    _configure("console")

    log.get_logger().info("worker_started", threads=16)

    text = capsys.readouterr().err
    assert "worker_started" in text
    assert not text.startswith("{")


def test_a_line_that_cannot_be_written_breaks_nothing_and_is_counted_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "log"
    with told.open("w", buffering=1) as file, open("/dev/full", "wb") as full:
        real = os.dup(file.fileno())
        monkeypatch.setattr(sys, "stderr", file)
        _configure()
        log.get_logger().info("prima")
        # The disk is full from here on, and then it is not.
        os.dup2(full.fileno(), file.fileno())
        for number in range(10_000):
            log.get_logger().info("nessun_posto", number=number)
        os.dup2(real, file.fileno())
        os.close(real)
        log.get_logger().info("dopo")

    lines = told.read_text().splitlines()
    assert '"prima"' in lines[0] and '"dopo"' in lines[-1]
    # What the file kept may be the first word of it.
    *_, lost = (json.loads(line)["lines"] for line in lines if "log_lines_lost" in line)
    assert 9_000 < lost <= 10_000
