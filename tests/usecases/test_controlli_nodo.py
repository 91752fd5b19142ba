"""The checks of the node's questions and what they cost. Source: node, validation order (3.0.4)."""

from __future__ import annotations

from datetime import timedelta

from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.usecases.controlli_nodo import CONTROLLI, Domanda, check_avviso
from tests.world import INTERMEDIARIO, STAZIONE, World, world

__all__ = ["world"]


def test_a_question_needs_one_connection_at_a_time(world: World, database_url: str) -> None:
    """Who keeps one while it waits for another stops everybody when there are as many questions as connections."""
    row = world.lay_avviso()
    narrow = Database.open(database_url, pool_size=1)
    asked = Domanda(INTERMEDIARIO, STAZIONE, INTERMEDIARIO, numero_avviso="3" + row.iuv, intestatario=INTERMEDIARIO)

    found = check_avviso(narrow, Anagrafe(narrow), asked, timedelta(minutes=30), world.clock())

    assert [one.id for one in found.dovuti] == [row.id]
    narrow.close()


def test_the_checks_stand_in_the_order_of_their_numbers() -> None:
    assert [number for number, _ in CONTROLLI] == list(range(2, 11))
