"""`pontepa ricevuta`: what nobody expected is in a list, with what it is and why; nothing names the payer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from werkzeug.test import Client

from hub.domain.errors import HubError
from hub.store import schema
from hub.web import create_front
from tests.ricevute import deliver, make_ricevuta, make_transfer, pay
from tests.test_cli import Shell
from tests.world import INTERMEDIARIO, World, small_world

__all__ = ["small_world"]


@pytest.fixture
def shell(small_world: World) -> Shell:
    return Shell(small_world.db.url)


def test_the_list_shows_what_a_person_should_look_at_and_nothing_else(small_world: World, shell: Shell) -> None:
    for iuv in ("01000000000000144", "01000000000000245"):
        small_world.lay_avviso(iuv)
    pay(small_world)
    pay(small_world, receipt_id="token-2")
    pay(small_world, iuv="01000000000000245", stand_in="true")
    pay(small_world, iuv="01000000000000346")
    with pytest.raises(HubError):
        deliver(small_world, make_ricevuta(id_pa="00000000000"))

    rows = json.loads(shell.good("ricevuta", "list", "--json"))

    assert [row["stato"] for row in rows] == ["ECCEDENZA", "ELABORATA", "ORFANA", "RESPINTA"]
    assert rows[1]["segnalazioni"] == ["STAND_IN"]
    assert "PAA_ID_DOMINIO_ERRATO" in rows[3]["motivo"]
    (orphan,) = json.loads(shell.good("ricevuta", "list", "--stato", "ORFANA", "--json"))
    assert orphan["iuv"] == "01000000000000346"
    assert len(json.loads(shell.good("ricevuta", "list", "--iuv", "01000000000000144", "--json"))) == 2
    assert "ECCEDENZA" in shell.good("ricevuta", "list")


def test_one_is_shown_with_its_transfers_and_without_its_content(
    small_world: World, shell: Shell, tmp_path: Path
) -> None:
    raw = make_ricevuta(transfers=(make_transfer(1, "30.00"), make_transfer(2, "20.00", "98765432103")))
    deliver(small_world, raw)
    small_world.apply()
    file = tmp_path / "ricevuta.xml"

    shown = shell.good("ricevuta", "show", "1", "--salva", str(file))
    values = json.loads(shell.good("ricevuta", "show", "1", "--json"))

    assert "Mario Rossi" not in shown and "ORFANA" in shown
    assert [(each["indice"], each["importo_cent"]) for each in values["trasferimenti"]] == [(1, 3000), (2, 2000)]
    assert file.read_bytes() == raw
    assert "c'è già" in shell.bad("ricevuta", "show", "1", "--salva", str(file))
    assert "ricevuta 9 sconosciuta" in shell.bad("ricevuta", "show", "9")


def test_a_refused_receipt_is_looked_at_again_when_the_configuration_is_mended(
    small_world: World, shell: Shell
) -> None:
    dovuto = small_world.lay_avviso()
    with pytest.raises(HubError):
        deliver(small_world, make_ricevuta(stazione="12345678903_02"))
    small_world.lay(schema.stazioni, id="12345678903_02", intermediario=INTERMEDIARIO, password_cifrata="x")

    shell.good("ricevuta", "retry", "1")
    small_world.apply()

    assert small_world.one(schema.dovuti, id=dovuto.id).stato == "COMPLETATO"
    assert "passaggio di stato non ammesso" in shell.bad("ricevuta", "retry", "1")
    assert "ricevuta 9 sconosciuta" in shell.bad("ricevuta", "retry", "9")


def test_metrics_count_what_waits_and_what_was_set_aside(small_world: World) -> None:
    pay(small_world)
    deliver(small_world, make_ricevuta(iuv="01000000000000245"))
    small_world.clock.advance(90)

    text = Client(create_front(small_world.runtime, {})).get("/metrics").text

    assert 'pontepa_ricevute{stato="ORFANA"} 1.0' in text
    assert 'pontepa_ricevute{stato="RICEVUTA"} 1.0' in text
    assert 'pontepa_ricevute{stato="ECCEDENZA"} 0.0' in text
    assert "pontepa_ricevute_oldest_waiting_seconds 90.0" in text
