"""A client of another toolkit: the npm package `soap`, built from the WSDL that the hub serves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks.node_packages import NodeAssente, install
from hub.formats.resources import resource
from tests.interop.hub import RunningHub


@pytest.fixture(scope="module")
def script() -> str:
    """The example beside its packages."""
    try:
        return str(install(resource("examples", "node")) / "mensa.js")
    except NodeAssente as reason:
        pytest.skip(str(reason))


def test_a_node_client_reads_why_it_was_refused(script: str, running_hub: RunningHub, tmp_path: Path) -> None:
    command = ["node", script, "--wsdl", running_hub.wsdl, "--importo", "10,00"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert "PAA_XML_NON_VALIDO" in done.stderr
    assert "importoSingoloVersamento" in done.stderr
