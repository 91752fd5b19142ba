"""The example client in C#: one file, nothing but the base library, compiled and run by Mono."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hub.formats.resources import resource
from tests.interop.conftest import play_story
from tests.interop.hub import RunningHub


@pytest.fixture(scope="module")
def csharp(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the client, compiled with every warning an error."""
    if shutil.which("mcs") is None or shutil.which("mono") is None:
        pytest.skip("mono is not installed (Debian: mono-mcs mono-runtime)")
    program = tmp_path_factory.mktemp("csharp") / "Mensa.exe"
    source = str(resource("examples", "csharp/Mensa.cs"))
    done = subprocess.run(
        ["mcs", "-warnaserror", "-r:System.Net.Http", "-r:System.Xml.Linq", f"-out:{program}", source],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return ["mono", str(program)]


def test_a_csharp_client_pays_and_reads_its_receipt(csharp: list[str], running_hub: RunningHub, tmp_path: Path) -> None:
    command = [*csharp, "--servizio", running_hub.service, "--attesa", "60", "--json"]

    receipt = play_story(running_hub, command, tmp_path)

    assert (receipt["esito"], receipt["importo"], len(receipt["iuv"])) == ("0", "12.50", 17)
    assert receipt["iur"]


def test_a_csharp_client_reads_why_it_was_refused(csharp: list[str], running_hub: RunningHub, tmp_path: Path) -> None:
    command = [*csharp, "--servizio", running_hub.service, "--password", "Sbagliata123"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (1, "") and "PAA_ENTE_NON_VALIDO" in done.stderr
