"""The jobs of settlement flows: asking for lists, fetching, reading, each in a thread of its own.

What is one row of the database is one worker's, so any number of workers may run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from hub.jobs.loops import Loop, job
from hub.runtime import Runtime
from hub.usecases import abbina_fdr, elenca_fdr, leggi_fdr, scarica_fdr
from hub.usecases.elenca_fdr import Porte, Ritmo

# Lists are asked for every few hours: who waits half a minute more loses nothing.
_TICK_S = 20.0
# Receipts are looked for once a day for each flow.
_MATCH_TICK_S = 600.0
# Between the end of a call and what is written of it.
_MARGIN_S = 120.0


def start(runtime: Runtime, porte: Porte, stop: threading.Event) -> list[Loop]:
    """Begin the jobs, and return them: after `stop` they are to be woken and waited for."""
    config = runtime.config
    lease = timedelta(seconds=config.fdr_totale_s + config.node_call_s + _MARGIN_S)
    ritmo = Ritmo(timedelta(seconds=config.fdr_intervallo_s), lease, config.fdr_pausa_s)
    deeds: dict[str, Callable[[], bool]] = {
        "elenca_fdr": lambda: _elenca(runtime, porte, ritmo, stop),
        "scarica_fdr": lambda: scarica_fdr.run_once(
            runtime.db, porte, runtime.archivio, runtime.cassaforte, ritmo, runtime.clock, stop.wait
        ),
        "leggi_fdr": lambda: leggi_fdr.run_once(runtime.db, runtime.archivio, runtime.clock),
    }
    loops = [Loop(name, job(name, deed, is_told=False), _TICK_S, stop) for name, deed in deeds.items()]
    match = job("abbina_fdr", lambda: abbina_fdr.run_once(runtime.db, runtime.clock), is_told=False)
    loops.append(Loop("abbina_fdr", match, _MATCH_TICK_S, stop))
    for loop in loops:
        loop.start()
        # Whatever its tick, at once the first time.
        loop.wake()
    return loops


def _elenca(runtime: Runtime, porte: Porte, ritmo: Ritmo, stop: threading.Event) -> bool:
    has_asked = elenca_fdr.run_once(runtime.db, porte, runtime.cassaforte, ritmo, runtime.clock)
    if has_asked:
        stop.wait(ritmo.pausa_s)
    return has_asked
