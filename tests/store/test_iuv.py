"""Progressive numbers of IUVs: never twice, whoever draws them. Source: pagoPA, SACI, "numero avviso"."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from hub.domain import iuv as numeri
from hub.domain.errors import Misconfigured
from hub.store import schema
from hub.store.database import Database
from hub.store.iuv import IuvBlocks

DOMINIO = "12345678903"
PROCESSES, DRAWN_BY_EACH, BLOCK = 8, 60, 7


def draw_in_a_process(url: str) -> list[str]:
    """What one process of eight draws; imported by name in a new interpreter."""
    database = Database.open(url)
    try:
        blocks = IuvBlocks(database, BLOCK)
        return [blocks.draw(DOMINIO, "01") for _ in range(DRAWN_BY_EACH)]
    finally:
        database.close()


def next_number(db: Database) -> int:
    """The first number that no block has taken yet."""
    with db.reading() as session:
        return session.execute(select(schema.iuv_blocchi.c.prossimo)).scalar_one()


def test_eight_processes_never_draw_the_same_iuv(database_url):
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        drawn = [iuv for iuvs in pool.map(draw_in_a_process, [database_url] * PROCESSES, 1) for iuv in iuvs]

    assert len(drawn) == len(set(drawn)) == PROCESSES * DRAWN_BY_EACH
    assert all(numeri.is_valid(iuv) for iuv in drawn)


def test_sixteen_threads_of_one_process_never_draw_the_same_iuv(db):
    blocks = IuvBlocks(db, BLOCK)

    with ThreadPoolExecutor(16) as pool:
        drawn = list(pool.map(lambda _: blocks.draw(DOMINIO, "01"), range(400)))

    assert len(set(drawn)) == 400


def test_a_block_is_drawn_in_order_without_asking_the_database(db):
    blocks = IuvBlocks(db, BLOCK)

    drawn = [int(blocks.draw(DOMINIO, "01")[4:15]) for _ in range(BLOCK)]

    assert drawn == list(range(1, BLOCK + 1))
    assert next_number(db) == BLOCK + 1


def test_the_rest_of_a_block_is_lost_with_its_process_and_not_reused(db):
    first = IuvBlocks(db, BLOCK).draw(DOMINIO, "01")

    second = IuvBlocks(db, BLOCK).draw(DOMINIO, "01")

    assert (int(first[4:15]), int(second[4:15])) == (1, BLOCK + 1)


def test_enti_and_segregation_codes_count_for_themselves(db):
    blocks = IuvBlocks(db, BLOCK)

    drawn = [blocks.draw(*key) for key in ((DOMINIO, "01"), (DOMINIO, "02"), ("98765432103", "01"))]

    assert [(iuv[:2], int(iuv[4:15])) for iuv in drawn] == [("01", 1), ("02", 1), ("01", 1)]


def test_two_enti_with_one_tax_code_and_segregation_share_the_counter(db):
    first, second = IuvBlocks(db, 1), IuvBlocks(db, 1)

    assert first.draw(DOMINIO, "01") != second.draw(DOMINIO, "01")


def test_numbers_that_are_used_up_are_the_operators_business(db):
    with db.transaction() as session:
        session.execute(
            schema.iuv_blocchi.insert(),
            {"codice_fiscale": DOMINIO, "codice_segregazione": "01", "prossimo": numeri.PROGRESSIVO_MAX - 2},
        )
    blocks = IuvBlocks(db, 3)
    drawn = [int(blocks.draw(DOMINIO, "01")[4:15]) for _ in range(3)]

    with pytest.raises(Misconfigured):
        blocks.draw(DOMINIO, "01")

    assert drawn[-1] == numeri.PROGRESSIVO_MAX
    assert next_number(db) == numeri.PROGRESSIVO_MAX + 1
