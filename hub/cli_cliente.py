"""The bundled example clients in the demo, run as their authors would: programs of their own that speak JSON lines."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Self

from hub.cli_cast import Cast
from hub.formats.resources import resource

WSDL_PATH = "/ws/pa/PagamentiTelematiciDovutiPagati?wsdl"
_TIMEOUT_S = 30.0


class Cliente:
    """An example client that runs; leaving the block stops it."""

    def __init__(self, cast: Cast, hub_url: str, program: str, *arguments: str) -> None:
        self._cast = cast
        self._process = subprocess.Popen(
            [sys.executable, str(resource("examples", program)), "--wsdl", hub_url + WSDL_PATH, "--json",
             "--attesa", f"{_TIMEOUT_S:g}", *arguments],
            env=dict(cast.env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def read(self, step: str) -> dict[str, Any]:
        """Return the line of a step. The client has a time-out of its own: this waits no longer than it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            self._cast.fail(f"il programma di esempio non è arrivato a «{step}»: {self._process.stderr.read().strip()}")
        values: dict[str, Any] = json.loads(line)
        if values.get("passo") != step:
            self._cast.fail(f"il programma di esempio ha detto «{values.get('passo')}» invece di «{step}»")
        return values

    def end(self) -> int:
        return self._process.wait(_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
