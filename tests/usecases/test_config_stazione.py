"""Addresses and time-outs of a station in the configuration file: read, applied once, given back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hub.domain.configurazione import Configurazione, ConfigurazioneNonValida
from hub.formats.configurazione import read_configurazione, render_configurazione
from hub.formats.segreti import Cassaforte
from hub.store.database import Database
from hub.usecases.apply_config import apply, plan
from hub.usecases.export_config import export_config

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
CASSAFORTE = Cassaforte("9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2)
INDIRIZZI = {"nodo": "https://nodo.example.org/nodo-auth/nodo-per-pa/v1", "checkout": "https://api.example.org/ec/v1"}


def read(**values: Any) -> Configurazione:
    stazione = {"id": "12345678903_01", "intermediario": "12345678903", "password": "password01"}
    return read_configurazione(render_configurazione({"stazioni": [stazione | values], "enti": []}).encode())


def test_addresses_and_waits_of_a_station_are_kept_and_given_back(db: Database):
    wanted = read(indirizzi=INDIRIZZI | {"checkout": INDIRIZZI["checkout"] + "/"}, attese={"invio": 30, "lettura": 20})

    apply(db, wanted, CASSAFORTE, NOW)

    (given,) = export_config(db, NOW)["stazioni"]
    assert (given["indirizzi"], given["attese"]) == (INDIRIZZI, {"invio": 30, "lettura": 20})
    assert [one for one in plan(db, wanted, CASSAFORTE, NOW) if one.is_change] == []


def test_a_station_without_its_own_has_those_of_the_installation(db: Database):
    apply(db, read(indirizzi=INDIRIZZI), CASSAFORTE, NOW)
    apply(db, read(), CASSAFORTE, NOW)

    (given,) = export_config(db, NOW)["stazioni"]
    assert "indirizzi" not in given and "attese" not in given


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"indirizzi": {"nodo": "ftp://nodo.example.org"}}, "stazioni[0].indirizzi.nodo"),
        ({"indirizzi": {"nodo": "https://nodo.example.org/?a=1"}}, "stazioni[0].indirizzi.nodo"),
        ({"indirizzi": {"nodo": "https://utente:segreto@nodo.example.org"}}, "stazioni[0].indirizzi.nodo"),
        ({"indirizzi": {"nuovo": "https://nodo.example.org"}}, "stazioni[0].indirizzi.nuovo"),
        ({"attese": {"invio": 0}}, "stazioni[0].attese.invio"),
        ({"attese": {"lettura": 121}}, "stazioni[0].attese.lettura"),
        ({"attese": {"connessione": "5"}}, "stazioni[0].attese.connessione"),
        ({"attese": {"altro": 5}}, "stazioni[0].attese.altro"),
        ({"pagamento_online": "nuovo"}, "stazioni[0].pagamento_online"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(values: dict[str, Any], path: str):
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        read(**values)

    assert [found for found, _ in refusal.value.problems] == [path]
