"""How far the import of a flow is, from what its row says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Avanzamento:
    """`righe`: decided so far, of these `scartate` refused; `percento`, `rimasti_s`: None while unknown."""

    righe: int
    scartate: int
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
    Avanzamento(righe=300, scartate=10, percento=25, righe_al_secondo=150, rimasti_s=6)
    >>> avanzamento(None, None, None, None, timedelta(0))
    Avanzamento(righe=0, scartate=0, percento=None, righe_al_secondo=0, rimasti_s=None)
    """
    righe, elapsed_ms = righe or 0, elapsed // timedelta(milliseconds=1)
    percento = rimasti_s = None
    if csv_bytes:
        letti = min(csv_letti or 0, csv_bytes)
        percento = letti * 100 // csv_bytes
        rimasti_s = elapsed_ms * (csv_bytes - letti) // letti // 1000 if letti else None
    rate = righe * 1000 // elapsed_ms if elapsed_ms > 0 else 0
    return Avanzamento(righe, righe - (caricate or 0), percento, rate, rimasti_s)


def trascorso(started_at: datetime | None, finished_at: datetime | None, now: datetime) -> timedelta:
    """How long the work on something has taken so far."""
    return timedelta(0) if started_at is None else (finished_at or now) - started_at
