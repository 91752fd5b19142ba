"""The example client in Java: one file, nothing but the JDK."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hub.formats.resources import resource
from tests.interop.conftest import play_story
from tests.interop.hub import RunningHub


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the client, compiled with every warning an error."""
    if shutil.which("javac") is None:
        pytest.skip("javac is not installed (Debian: default-jdk-headless)")
    classes = tmp_path_factory.mktemp("java")
    source = str(resource("examples", "java/Mensa.java"))
    done = subprocess.run(
        ["javac", "-Xlint:all", "-Werror", "-d", str(classes), source], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", str(classes), "Mensa"]


def test_a_java_client_pays_and_reads_its_receipt(java: list[str], running_hub: RunningHub, tmp_path: Path) -> None:
    command = [*java, "--servizio", running_hub.service, "--attesa", "60", "--json"]

    receipt = play_story(running_hub, command, tmp_path)

    assert (receipt["esito"], receipt["importo"], len(receipt["iuv"])) == ("0", "12.50", 17)
    assert receipt["iur"]


def test_a_java_client_reads_why_it_was_refused(java: list[str], running_hub: RunningHub, tmp_path: Path) -> None:
    command = [*java, "--servizio", running_hub.service, "--password", "Sbagliata123"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (1, "") and "PAA_ENTE_NON_VALIDO" in done.stderr
