"""Nothing hostile is taken for good, at the doors that are asked in this process (`dentro: true` in the manifest)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ostili import dentro
from tests.ostili.corpo import Famiglia, Ingresso, famiglie
from tests.ostili.dentro import Dentro, open_dentro
from tests.ostili.prova import Esito, Memoria, judge
from tests.ostili.scena import PERSONALI, SEGRETI
from tests.prova import controllo
from tests.soap.hostile import SEGNO

_NOSTRI = ("soap_unexpected_error", "http_request_crashed", "port_request_crashed", "job_failed")


@pytest.fixture(scope="module")
def scena(_servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dentro]:
    """One scene for all the families."""
    with open_dentro(tmp_path_factory.mktemp("dentro"), Path(_servers.sqlite())) as scena:
        yield scena


@pytest.mark.parametrize("famiglia", [one for one in famiglie() if one.is_dentro], ids=lambda famiglia: famiglia.nome)
def test_a_hostile_family_leaves_nothing_behind(
    scena: Dentro, famiglia: Famiglia, request: pytest.FixtureRequest
) -> None:
    esito, paid, memoria = Esito(famiglia), scena.paid(), Memoria(os.getpid())
    scena.log.clear()

    for ingresso in famiglia.ingressi:
        problems = problems_of(scena, ingresso)
        esito.rossi += [f"{ingresso.file.name}: {problem}" for problem in problems]
        esito.tollerati += bool(ingresso.tollerato and not problems)
        esito.rifiutati += not ingresso.tollerato and not problems
    esito.cresciuta_mib = memoria.grown_mib()

    request.node.user_properties.append(("ostili", ("SQLite", esito.row)))
    assert esito.rossi == []
    assert scena.paid() == paid + sum(bool(one.tollerato) for one in famiglia.ingressi if one.con.get("paga"))
    assert esito.cresciuta_mib <= famiglia.limite_mib
    assert controllo.rilievi(scena.world.db) == controllo.rilievi(scena.shell_db) == []
    logged = "\n".join(map(str, scena.log))
    assert [secret for secret in (*SEGRETI, *PERSONALI, SEGNO) if secret in logged] == []
    assert [line for line in scena.log if line["event"] in _NOSTRI] == []


def problems_of(scena: Dentro, ingresso: Ingresso) -> list[str]:
    """Send one input; return what is wrong with what came of it."""
    scena.begin(ingresso)
    before = scena.counts()
    risposta = dentro.PORTE[ingresso.porta](scena, ingresso, scena.fill(ingresso.data))
    grown = {name: count - before[name] for name, count in scena.counts().items() if count != before[name]}
    problems = judge(ingresso, risposta)
    if grown and not ingresso.tollerato:
        problems.append(f"righe scritte per un rifiuto: {grown}")
    return problems
