"""How far the import of a flow is, from what its row says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Avanzamento:
    """`righe`: decided so far, of these `scartate` refused; `righe_rimaste`: about how many are left, by their bytes.

    `percento`, `rimasti_s`: None while unknown.
    """

    righe: int
    scartate: int
    righe_rimaste: int
    percento: int | None
    righe_al_secondo: int
    rimasti_s: int | None


def avanzamento(
    righe: int | None,
    caricate: int | None,
    csv_bytes: int | None,
    csv_letti: int | None,
    elapsed: timedelta,
) -> Avanzamento:
    """Tell rows, rate and time left from the bytes of the csv that were read in this time.

    >>> avanzamento(300, 290, 1000, 250, timedelta(seconds=2))
    Avanzamento(righe=300, scartate=10, righe_rimaste=900, percento=25, righe_al_secondo=150, rimasti_s=6)
    >>> avanzamento(None, None, None, None, timedelta(0))
    Avanzamento(righe=0, scartate=0, righe_rimaste=0, percento=None, righe_al_secondo=0, rimasti_s=None)
    """
    righe, elapsed_ms = righe or 0, elapsed // timedelta(milliseconds=1)
    percento, rimasti_s, rimaste = None, None, 0
    if csv_bytes:
        letti = min(csv_letti or 0, csv_bytes)
        percento = letti * 100 // csv_bytes
        if letti:
            rimasti_s = elapsed_ms * (csv_bytes - letti) // letti // 1000
            rimaste = righe * (csv_bytes - letti) // letti
    rate = righe * 1000 // elapsed_ms if elapsed_ms > 0 else 0
    return Avanzamento(righe, righe - (caricate or 0), rimaste, percento, rate, rimasti_s)


class Lavoro(Protocol):
    """What the row of an import says of the work on it."""

    @property
    def righe_totali(self) -> int | None: ...
    @property
    def righe_caricate(self) -> int | None: ...
    @property
    def csv_bytes(self) -> int | None: ...
    @property
    def csv_letti(self) -> int | None: ...
    @property
    def started_at(self) -> datetime | None: ...
    @property
    def finished_at(self) -> datetime | None: ...


def avanzamento_di(row: Lavoro, now: datetime) -> Avanzamento:
    """Tell how far an import is that was begun, or how it went when it is over."""
    elapsed = timedelta(0) if row.started_at is None else (row.finished_at or now) - row.started_at
    return avanzamento(row.righe_totali, row.righe_caricate, row.csv_bytes, row.csv_letti, elapsed)
