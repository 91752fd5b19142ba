"""However a flow is cut into pieces, and in whatever way each piece is written, it leaves the same.

One row at a time is how the original worked: the reference. The rows are drawn at random from all that can happen
between two rows of a file and what is stored.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import select

from hub.domain.iuv import build_iuv
from hub.store import schema
from tests.flows.gestionale import Gestionale
from tests.tracciati import make_campi
from tests.world import World, open_world

CUTS = (1, 7, 200)
ROWS = 70
# Stored before by another flow, their IUVs drawn in this order.
EARLIER = 12
_LEFT_OUT = ("created_at", "updated_at")


@pytest.fixture
def worlds(backend: str, _servers: Any, tmp_path: Any) -> Iterator[list[World]]:
    """A world for each way to cut, on databases of the same kind."""
    with ExitStack() as stack:
        found = []
        for cut in CUTS:
            if backend == "sqlite":
                file = tmp_path / f"{cut}.db"
                file.write_bytes(_servers.sqlite().read_bytes())
                url = f"sqlite:///{file}"
            else:
                name = _servers.server().create_database(_servers.template())
                stack.callback(_servers.server().drop_database, name)
                url = _servers.server().url_of(name)
            found.append(stack.enter_context(open_world(url)))
        # Instants are left out, days are not.
        for world in found[1:]:
            world.clock.now = found[0].clock.now
        yield found


def draw(rng: random.Random) -> list[list[str]]:
    """Return rows of which some repeat each other, change what is stored, or are wrong."""
    rows = []
    for number in range(ROWS):
        iud = rng.choice((f"N-{number}", f"N-{rng.randrange(ROWS)}", f"P-{rng.randrange(EARLIER)}"))
        changed = {"IUD": iud, "importoDovuto": f"{number + 1}.00", "azione": rng.choice("IIIIMA")}
        if iud.startswith("P-"):
            changed["codIuv"] = rng.choice((build_iuv(1, int(iud[2:]) + 1), "", build_iuv(1, 5, sistema=10)))
        elif rng.random() < 0.3:
            changed["codIuv"] = build_iuv(1, rng.randrange(1, 12), sistema=10)
        if rng.random() < 0.3:
            changed["flgGeneraIuv"] = "false"
        if rng.random() < 0.15:
            name, value = rng.choice((
                ("codiceIdentificativoUnivoco", ""), ("importoDovuto", "1,00"), ("tipoDovuto", "CHIUSO"),
                ("mailPagatore", "x"), ("dataEsecuzionePagamento", "2030-02-31"), ("tipoDovuto", "MENSA"),
                ("causaleVersamento", 'con "virgolette"; e \\ barra'), ("indirizzoPagatore", "Via Forlì\t3"),
            ))  # fmt: skip
            changed[name] = value
        rows.append(make_campi(**changed))
    return rows


def left(world: World) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], tuple[int, int]]:
    """Return every version of every dovuto, the rows that left none, and the counters of the flow."""
    columns = [column for column in schema.dovuti.c if column.name not in _LEFT_OUT]
    with world.db.reading() as session:
        stored = [tuple(row) for row in session.execute(select(*columns).order_by(schema.dovuti.c.id))]
    flow = world.rows(schema.flussi_import)[-1]
    return stored, [tuple(row) for row in world.rows(schema.flussi_righe)], (flow.righe_totali, flow.righe_caricate)


@pytest.mark.parametrize("seed", range(4))
def test_a_flow_leaves_the_same_however_it_is_cut(worlds: list[World], seed: int) -> None:
    rows = draw(random.Random(seed))
    outcomes = []
    for world, cut in zip(worlds, CUTS, strict=True):
        gestionale = Gestionale(world, pezzo_rows=cut)
        gestionale.load("C_PROVA-P-1_3.zip", *(make_campi(IUD=f"P-{number}") for number in range(EARLIER)))
        gestionale.load("C_PROVA-F-1_3.zip", *rows)
        outcomes.append(left(world))

    stored, refused, counters = outcomes[0]
    assert counters[0] == ROWS and 10 < counters[1] < ROWS and len(refused) > 10
    assert [row for _, (row, _, _) in zip(CUTS, outcomes, strict=True)] == [stored] * len(CUTS)
    assert [righe for _, righe, _ in outcomes] == [refused] * len(CUTS)
    assert [found for _, _, found in outcomes] == [counters] * len(CUTS)
