"""`pontepa rendicontazione`: what came, what is inside, what is missing, what an operator may ask for again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.nodo.fdr_prodotti import Difetto
from hub.domain.acquisizione_fdr import Elenco, EsitoDomanda
from hub.store import schema
from tests.rendicontazioni import NodoInMemoria, Rendicontazione, make_flusso, make_pagamento
from tests.ricevute import pay
from tests.test_cli import Shell
from tests.world import INTERMEDIARIO, World, small_world

__all__ = ["small_world"]


@pytest.fixture
def fdr(small_world: World) -> Rendicontazione:
    return Rendicontazione(small_world, NodoInMemoria())


@pytest.fixture
def shell(small_world: World) -> Shell:
    return Shell(small_world.db.url)


def test_the_list_tells_what_became_of_each_flow(fdr, shell):
    now = fdr.world.clock()
    bad = make_flusso(iuf="2026-11-20ABI01234-BAD", difetti=frozenset({Difetto.ALTRO_ENTE}), generato_at=now)
    fdr.nodo.flussi = [make_flusso(generato_at=now), bad]
    fdr.tutto()

    rows = json.loads(shell.good("rendicontazione", "list", "--json"))
    (parked,) = json.loads(shell.good("rendicontazione", "list", "--da-vedere", "--json"))
    (active,) = json.loads(shell.good("rendicontazione", "list", "--attive", "--ente", "C_PROVA", "--json"))

    assert [row["stato"] for row in rows] == ["INCONSISTENT", "PARSED"]
    assert (parked["iuf"], parked["motivo"][:17]) == (bad.iuf, "istitutoRicevente")
    assert (active["importo"], active["righe"]) == ("20.03", 2)
    assert json.loads(shell.good("rendicontazione", "list", "--ente", "C_VICINO", "--json")) == []
    assert "INCONSISTENT" in shell.good("rendicontazione", "list")
    assert "sconosciuto" in shell.bad("rendicontazione", "list", "--ente", "C_NESSUNO")


def test_one_is_shown_with_its_payments(fdr, shell):
    fdr.nodo.flussi = [make_flusso(generato_at=fdr.world.clock())]
    fdr.tutto()
    id = str(fdr.one().id)

    found = json.loads(shell.good("rendicontazione", "show", id, "--json"))
    (second,) = json.loads(shell.good("rendicontazione", "show", id, "--dopo", "1", "--json"))["pagamenti"]

    assert (found["dominio"], found["somma"], len(found["pagamenti"])) == (INTERMEDIARIO, "NETTA", 2)
    assert (second["numero"], second["importo"], second["esito"]) == (2, "10.02", "0")
    assert "IUR00000001" in shell.good("rendicontazione", "show", id)
    assert "sconosciuta" in shell.bad("rendicontazione", "show", "999")


def test_the_calendar_tells_what_is_late_and_the_gaps_and_fails_for_an_alarm(fdr, shell):
    world = fdr.world
    world.clock.now = datetime.now(UTC) - timedelta(days=10)
    world.lay_avviso()
    day = world.clock().date().isoformat()
    pay(world, pagato_at=f"{day}T10:00:00")
    values = {"dominio": INTERMEDIARIO, "stazione_id": "12345678903_01", "created_at": world.clock()}
    world.lay(schema.lacune_fdr, dal=world.clock(), al=world.clock() + timedelta(days=1), **values)

    found = json.loads(shell.good("rendicontazione", "calendario", "--json"))

    (late,) = found["attesi"]
    assert (late["stato"], late["pagati_il"], late["importo"]) == ("IN_RITARDO", day, "50.00")
    assert len(found["lacune"]) == 1
    assert "Periodi di cui il nodo" in shell.good("rendicontazione", "calendario", "--ente", "C_PROVA")
    alarm = shell.run("rendicontazione", "calendario", "--ritardi")
    assert alarm.exit_code == 1 and "1 giorni di pagamenti" in alarm.stderr


def test_an_operator_asks_again(fdr, shell):
    assert "avviare il worker" in shell.bad("rendicontazione", "chiedi")
    now = fdr.world.clock()
    good = make_flusso(make_pagamento(1), generato_at=now)
    fdr.nodo.flussi = [make_flusso(difetti=frozenset({Difetto.ALTRO_ENTE}), generato_at=now, iuf=good.iuf)]
    fdr.tutto()
    fdr.nodo.elenchi = [Elenco(EsitoDomanda.RIFIUTATA, codice="PPT_AUTENTICAZIONE")]
    fdr.di_nuovo()

    (stopped,) = [row for row in json.loads(shell.good("rendicontazione", "turni", "--json")) if row["ferma"]]
    assert stopped["codice"] == "PPT_AUTENTICAZIONE"
    assert "2 enti" in shell.good("rendicontazione", "chiedi")
    shell.good("rendicontazione", "riprova", str(fdr.one().id))
    fdr.nodo.flussi = [good]
    fdr.world.clock.now = datetime.now(UTC)
    fdr.tutto()

    assert fdr.one().stato == "PARSED"
    assert "quella che conta" in shell.bad("rendicontazione", "riprova", str(fdr.one().id))


def test_the_bytes_of_a_flow_are_copied_as_they_came(fdr, shell, tmp_path):
    fdr.nodo.flussi = [make_flusso(generato_at=fdr.world.clock())]
    fdr.elenca()
    assert "non è ancora arrivato" in shell.bad("rendicontazione", "scarica", str(fdr.one().id))
    fdr.tutto()
    shell.env["PONTEPA_DATA_DIR"] = str(tmp_path)
    with fdr.world.runtime.archivio.open(fdr.one().file) as source:
        data = source.read()
    (tmp_path / "archivio").mkdir()
    kept = tmp_path / "archivio" / fdr.one().file
    kept.parent.mkdir(parents=True)
    kept.write_bytes(data)

    said = shell.good("rendicontazione", "scarica", str(fdr.one().id), "--in", str(tmp_path))

    assert (tmp_path / kept.name).read_bytes() == data and kept.name in said
