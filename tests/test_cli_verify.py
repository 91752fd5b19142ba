"""`pontepa verify`: what it prints, how it ends, and that nobody is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.store import schema
from hub.usecases.verifica import CONTROLLI, CONTROLLO_FILE
from tests.test_cli import Shell
from tests.world import World, small_world

__all__ = ["small_world"]
DOCS = Path(__file__).resolve().parents[1] / "docs" / "verifica.md"


@pytest.fixture
def shell(small_world: World, tmp_path: Path) -> Shell:
    shell = Shell(small_world.db.url)
    shell.env["PONTEPA_DATA_DIR"] = str(tmp_path)
    return shell


def test_what_is_in_order_is_said_and_ends_with_0(small_world: World, shell: Shell) -> None:
    small_world.begin()
    small_world.relay()

    lines = shell.good("verify", "--file").splitlines()

    assert lines[-1] == f"{len(CONTROLLI) + 1} controlli, nessun rilievo"
    assert lines[:-1] == [f"{nome}: in ordine" for nome in [*CONTROLLI, CONTROLLO_FILE]]


def test_what_is_wrong_is_said_with_its_place_and_ends_with_1(small_world: World, shell: Shell) -> None:
    ids = sorted(small_world.lay_avviso(f"0100000000000{number}{number}44", iur="X").id for number in range(3))

    ended = shell.run("verify", "dovuto_da_pagare", "--limit", "2")
    as_json = json.loads(shell.run("verify", "dovuto_da_pagare", "--json").stdout)

    assert ended.exit_code == 1
    assert ended.stdout.startswith("dovuto_da_pagare: 3 rilievi\ntabella  id")
    assert ids[0] in ended.stdout and ids[2] not in ended.stdout and "e altri 1" in ended.stdout
    assert ended.stderr == "3 rilievi: che cosa vogliono dire e che cosa fare è in docs/verifica.md\n"
    assert as_json["controlli"] == {"dovuto_da_pagare": 3}
    assert [(row["tabella"], row["id"], row["ente"]) for row in as_json["rilievi"]] == [
        ("dovuti", id, "C_PROVA") for id in ids
    ]
    assert "Mario" not in ended.stdout and "RSSMRA" not in json.dumps(as_json)


def test_files_are_read_only_when_it_is_asked_for(shell: Shell) -> None:
    assert CONTROLLO_FILE not in shell.good("verify")
    assert shell.good("verify", CONTROLLO_FILE).startswith(f"{CONTROLLO_FILE}: in ordine")
    assert "in ordine" in shell.good("verify", "iuv_unico", "--file")


def test_a_control_that_does_not_exist_is_wrong_usage(shell: Shell) -> None:
    assert shell.run("verify", "pippo").exit_code == 2


def test_it_writes_nothing(small_world: World, shell: Shell) -> None:
    small_world.begin()
    before = [small_world.rows(table) for table in schema.metadata.sorted_tables]

    shell.good("verify")

    assert [small_world.rows(table) for table in schema.metadata.sorted_tables] == before


def test_every_control_is_in_the_manual() -> None:
    text = DOCS.read_text(encoding="utf-8")

    assert [nome for nome in [*CONTROLLI, CONTROLLO_FILE] if f"### `{nome}`" not in text] == []
