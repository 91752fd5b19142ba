"""A client of another toolkit: PHP's SoapClient, built from the WSDL that the hub serves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hub.formats.resources import resource
from tests.interop.conftest import play_story
from tests.interop.hub import RunningHub


@pytest.fixture
def php() -> str:
    program = shutil.which("php")
    if program is None:
        pytest.skip("php is not installed (Debian: php-cli php-soap)")
    modules = subprocess.run([program, "-m"], capture_output=True, text=True, timeout=30).stdout.lower().split()
    if "soap" not in modules:
        pytest.skip("php has no SoapClient (Debian: php-soap)")
    return program


def test_a_php_client_pays_and_reads_its_receipt(php: str, running_hub: RunningHub, tmp_path: Path) -> None:
    script = str(resource("examples", "php/mensa.php"))

    receipt = play_story(running_hub, [php, script, f"--wsdl={running_hub.wsdl}", "--attesa=60", "--json"], tmp_path)

    assert receipt["esito"] == "0"
    assert receipt["importo"] == "12.50"
    assert len(receipt["iuv"]) == 17
    assert receipt["iur"]


def test_a_php_client_reads_why_it_was_refused(php: str, running_hub: RunningHub, tmp_path: Path) -> None:
    script = str(resource("examples", "php/mensa.php"))
    command = [php, script, f"--wsdl={running_hub.wsdl}", "--password=Sbagliata123"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert "PAA_ENTE_NON_VALIDO" in done.stderr
