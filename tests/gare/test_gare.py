"""The races, small: who comes in the same instant is served or refused by the contract, and money is right to the cent.

In full size: python -m tests.gare
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.crash import Punto
from tests.gare import annullo, importazioni, outbox, ricevute
from tests.gare.campo import Campo, Esito, open_campo
from tests.prova.controllo import rilievi


@pytest.fixture
def campo(database_url: str, tmp_path: Path) -> Iterator[Campo]:
    with open_campo(database_url, tmp_path) as campo:
        yield campo


def check(*esiti: Esito) -> None:
    assert [(esito.gara, esito.lost, esito.doubled) for esito in esiti if not esito.is_clean] == []


@pytest.mark.parametrize("is_known", [False, True], ids=["refused", "recognised"])
def test_eight_processes_that_import_the_same_dovuti_leave_each_once(campo: Campo, is_known: bool) -> None:
    check(importazioni.race(campo, imports=12, is_known=is_known))
    assert rilievi(campo.db) == []


def test_receipts_that_come_in_the_same_instant_have_one_effect_each(campo: Campo) -> None:
    with campo.plant("serve", "worker-1", "worker-2") as plant:
        check(*ricevute.race_same(campo, plant, rounds=1), *ricevute.race_pairs(campo, plant, rounds=1))
    assert rilievi(campo.db) == []


def test_cancel_verify_and_pay_at_once_leave_a_legal_end_to_the_cent(campo: Campo) -> None:
    with campo.plant("serve") as plant:
        check(annullo.race(campo, plant, rounds=12))
    assert rilievi(campo.db) == []


def test_a_worker_frozen_before_its_message_leaves_sends_nothing_twice(postgresql_url: str, tmp_path: Path) -> None:
    """It is thawed when another has seen to its message: the node has what it sends then; what it learns is late."""
    check(outbox.race(postgresql_url, tmp_path, Punto.RELAY_IN_PARTENZA, workers=2, payments=6, leases=0))
    assert "message_lost_to_another_worker" in (tmp_path / "worker-1.log").read_text()


def test_a_race_that_loses_or_doubles_says_so() -> None:
    esito = Esito("una gara", 2)
    for found in (1, 2, 3):
        esito.count("dovuti", found, 2)

    assert (esito.row[1:4], esito.is_clean) == ((2, 1, 1), False)
    assert esito.lost == ["dovuti: 1, attesi 2"] and esito.doubled == ["dovuti: 3, attesi 2"]
