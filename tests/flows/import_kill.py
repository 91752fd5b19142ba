"""A flow whose worker is killed again and again, beside the same flow undisturbed on a database of its own.

The rows are of every kind: accepted, refused, with and without a notice, changed and cancelled ones of an earlier flow.
Run: python -m tests.flows.import_kill [--rows 100000] [--kills 10] [--database postgresql] [--seed N]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select

from benchmarks import report
from benchmarks.processes import fresh_database
from hub.domain.iuv import build_iuv
from hub.domain.stati import StatoImport
from hub.formats.tracciati.import_dovuti import join
from hub.store.schema import dovuti, flussi_import, flussi_righe
from tests.flows.carico import Mittente, add_enti, download, write_flow
from tests.flows.plant import Plant
from tests.tracciati import make_campi, rows

ENTE, SEGREGAZIONE = "C_ALTRO02", 2
# What an earlier flow has stored and this one changes or cancels.
_EARLIER = 60
_LOST_S = 600.0
# Small pieces, so that a kill falls among them; a dead worker's flow is soon taken up.
ENVIRONMENT = {"PONTEPA_FLUSSI_PEZZO_ROWS": "1000", "PONTEPA_FLUSSI_LEASE_S": "3"}


@dataclass(frozen=True)
class Outcome:
    """What an import left: the results as bytes by kind, and every row that was written, without its instants."""

    files: Mapping[str, bytes]
    rows: Sequence[tuple[Any, ...]]
    refused: Sequence[tuple[Any, ...]]


def earlier() -> Iterator[str]:
    for number in range(1, _EARLIER + 1):
        yield join(make_campi(IUD=f"PRIMA-{number}"))


def righe(count: int) -> Iterator[str]:
    """Give so many rows: one in twenty wrong, one in a hundred with a notice, and a few that are not new."""
    others = iter(_of_before())
    for number, riga in enumerate(rows(count, bad_every=20), 1):
        if number % 100 == 50:
            yield next(others, riga)
        elif number % 100 == 7:
            yield riga.replace(";TARI;", ";STAMPATO;")
        else:
            yield riga


def _of_before() -> Iterator[str]:
    """Of the earlier flow: odd ones changed, even ones cancelled; each asks for the IUV that it was given."""
    for number in range(1, _EARLIER + 1):
        changed = {"IUD": f"PRIMA-{number}", "codIuv": build_iuv(SEGREGAZIONE, number)}
        azione = {"azione": "M", "importoDovuto": "77.00"} if number % 2 else {"azione": "A"}
        yield join(make_campi(**changed, **azione))


class Site:
    """An installation with the earlier flow stored; the flow that is sent can be killed."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.mittente = Mittente(plant, ENTE)
        self.landed = 0
        self._engine = create_engine(plant.database_url)

    def prepare(self) -> None:
        self.plant.prepare()
        add_enti(self.plant, 1, stampa_avviso="false")
        self.plant.up("serve", "worker")
        first = write_flow(self.plant.folder / f"{ENTE}-PRIMA-1_3.zip", earlier())
        self.mittente.wait(self.mittente.send(first))

    def run(self, flow: Path, moments: Sequence[Moment] = ()) -> Outcome:
        """Send the flow, kill the worker at these moments of its life, and return what it left."""
        token = self.mittente.send(flow)
        for moment in moments:
            self._until(token, moment.rows_done)
            time.sleep(moment.after_s)
            self.plant.kill("worker")
            row = self._row(token)
            self.landed += not has_ended(row)
            report.say(f"killed: {row.stato}, {row.stato_flusso or 'no flow yet'}, {row.righe_totali or 0} rows")
            self.plant.up("worker")
        urls = self.mittente.wait(token, _LOST_S)
        return Outcome({kind: download(url) for kind, url in urls.items()}, *self._kept())

    def count(self) -> int:
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(dovuti)).scalar_one()

    def close(self) -> None:
        self._engine.dispose()

    def _row(self, token: str) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(select(flussi_import).where(flussi_import.c.request_token == token)).one()

    def _until(self, token: str, rows_done: int) -> None:
        """Return when so many rows are stored, or the import is over."""
        ends_at = time.monotonic() + _LOST_S
        while (self._row(token).righe_totali or 0) < rows_done and not has_ended(self._row(token)):
            if time.monotonic() > ends_at:
                raise TimeoutError("the import does not go on")
            time.sleep(0.01)

    def _kept(self) -> tuple[Sequence[tuple[Any, ...]], Sequence[tuple[Any, ...]]]:
        columns = [column for column in dovuti.c if column.name not in ("created_at", "updated_at")]
        with self._engine.connect() as connection:
            stored = [tuple(row) for row in connection.execute(select(*columns).order_by(dovuti.c.id))]
            left = [tuple(row) for row in connection.execute(select(flussi_righe).order_by(*flussi_righe.primary_key))]
        return stored, left


def has_ended(row: Any) -> bool:
    return row.stato in (StatoImport.IMPORT_ESEGUITO, StatoImport.IMPORT_ABORTITO)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a worker dies: so long after so many rows are stored."""

    rows_done: int
    after_s: float


def moments(kills: int, count: int, rng: random.Random) -> list[Moment]:
    """Return moments of a flow's life, the first before anything and one in five when all rows are stored.

    Two that fall into one piece of the flow kill a worker that has just begun.
    """
    late = kills // 5
    early = sorted([0, *(rng.randrange(count) for _ in range(kills - late - 1))])
    return [Moment(done, rng.uniform(0, 0.05)) for done in early] + [
        Moment(count, rng.uniform(0, 1)) for _ in range(late)
    ]


@contextmanager
def site(url: str, folder: Path) -> Iterator[Site]:
    """Give an installation on an empty database."""
    folder.mkdir(exist_ok=True)
    with Plant(folder, url, ENVIRONMENT) as plant:
        one = Site(plant)
        one.prepare()
        try:
            yield one
        finally:
            one.close()


def check(undisturbed: Outcome, killed: Outcome, count: int) -> None:
    """Raises: AssertionError (the kills can be seen in what the flow left)."""
    assert set(undisturbed.files) == {"fileScarti", "fileIUV", "fileAvvisi"}
    for kind, data in undisturbed.files.items():
        assert killed.files[kind] == data, f"{kind} differs"
    assert killed.rows == undisturbed.rows
    assert killed.refused == undisturbed.refused
    names = [column.name for column in dovuti.c if column.name not in ("created_at", "updated_at")]
    present = [dict(zip(names, row, strict=True)) for row in killed.rows]
    iuvs = [row["iuv"] for row in present if row["attuale"]]
    assert len(iuvs) == len(set(iuvs)) > count * 0.9


def main(argv: Sequence[str] | None = None) -> int:
    """Load the flow undisturbed, then killed; print what happened and return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args(argv)
    report.say(f"{options.rows} rows, {options.kills} kills, {report.kind_of(options.database)}, seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="pontepa-kill-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        flow = write_flow(folder / f"{ENTE}-GRANDE-1_3.zip", righe(options.rows))
        outcomes = []
        for kind in ("undisturbed", "killed"):
            place = folder / kind
            place.mkdir()
            when = moments(options.kills, options.rows, random.Random(options.seed)) if kind == "killed" else ()
            with fresh_database(options.database, place) as url, site(url, place) as one:
                outcomes.append(one.run(flow, when))
                stored = one.count()
                said = one.mittente.upload(one.mittente.authorize(), flow)
                assert "codice" in said and one.count() == stored
                one.plant.check()
                report.say(f"{kind}: {stored} dovuti, {len(outcomes[-1].refused)} rows without one; again: {said}")
                if kind == "killed":
                    report.say(f"{one.landed} of {options.kills} kills before the end")
        check(*outcomes, options.rows)
    report.say("result files, rows and IUVs are the same; the second upload created nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
