"""Whoever looks at the end cannot tell that a process was killed, at whichever named point it was.

Longer, with more kills: python -m tests.prova.crash
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prova.scena import Prova, Storia
from tests.prova.storie import STORIE
from tests.prova.storie_flussi import STORIE as IN_MASSA


@pytest.mark.parametrize("storia", (*STORIE, *IN_MASSA), ids=lambda storia: storia.nome.replace(" ", "_"))
def test_nobody_can_tell_where_a_process_was_killed(
    storia: Storia, database_url: str, backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server = None if backend == "sqlite" else request.getfixturevalue("postgresql_server")
    cadute = Prova(storia, database_url, server, tmp_path).run()

    request.node.user_properties.extend(("caduta", (backend, caduta.row)) for caduta in cadute)
    assert [caduta for caduta in cadute if not caduta.is_unnoticed] == []
