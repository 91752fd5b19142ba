"""Pages of an export begin in the index where the one before them ended: a million rows are read once."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from hub.store import estrazioni
from hub.store.estrazioni import Finestra

DAY, NOON = date(2026, 11, 20), datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("finestra", "key", "index"),
    [
        (Finestra(DAY, DAY, False), (DAY, "5"), "data_esito"),
        (Finestra(NOON, NOON, True), (NOON, "5"), "updated_at"),
    ],
)
def test_a_page_is_found_by_its_key_alone(db, finestra, key, index):
    query = estrazioni._pagati(1, finestra, ["TARI"], "MARCA", key).limit(500)
    # The driver's own parameters, so that the database plans what it is sent.
    compiled = query.compile(db.engine, compile_kwargs={"render_postcompile": True})
    with db.transaction() as session:
        if db.is_postgresql:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            session.execute(text("SET LOCAL enable_bitmapscan = off"))
        explain = "EXPLAIN " if db.is_postgresql else "EXPLAIN QUERY PLAN "
        values = compiled.params if db.is_postgresql else tuple(compiled.params[name] for name in compiled.positiontup)
        if not db.is_postgresql:
            values = tuple(str(value) if isinstance(value, (date, datetime)) else value for value in values)
        plan = " ".join(str(tuple(row)[-1]) for row in session.exec_driver_sql(explain + str(compiled), values))

    begins = f"ROW({index}, (id)::text) > ROW(" if db.is_postgresql else f"({index},id)>(?,?)"
    assert f"ix_dovuti_pagati_{index}" in plan and begins in plan, plan
    assert f"{index} >=" not in plan and "SCAN dovuti" not in plan
