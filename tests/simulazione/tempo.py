"""Virtual time: actors that run one at a time, each until it waits, and the faults that strike between their steps.

An actor is a greenlet: what it calls is the real code, which gives way only where a port is called or a transaction is
about to begin. Everything that chance decides is drawn from one generator, so that a seed is a story.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from greenlet import getcurrent, greenlet

INIZIO = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
# More switches than any story needs: who goes on longer runs in a circle.
_SWITCHES_MAX = 20_000


class Crash(BaseException):
    """The process of this actor died here: only what it had committed remains."""


class Violazione(AssertionError):
    """A promise that was broken, in words."""


@dataclass(frozen=True, slots=True)
class Guasti:
    """How often, at each point where it may happen: the process dies, gives way, freezes for some leases."""

    crash: float = 0.0
    pausa: float = 0.0
    gelo: float = 0.0
    gelo_s: tuple[float, float] = (0.0, 0.0)


NESSUN_GUASTO = Guasti()


class Tempo:
    """The clock of a story, its generator, its actors in the order of their turns, and the script of what happened."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = INIZIO
        self.guasti = NESSUN_GUASTO
        self.copione: list[tuple[datetime, str, str]] = []
        # How often each kind of fault was injected.
        self.contati: Counter[str] = Counter()
        self._queue: list[tuple[datetime, float, int, greenlet]] = []
        self._serial = 0
        self._names: dict[greenlet, str] = {}
        self._mortal: set[greenlet] = set()
        self._loop: greenlet | None = None
        self._switches = 0

    def __call__(self) -> datetime:
        """The clock that the hub is given."""
        return self.now

    # What actors do.

    def tell(self, words: str) -> None:
        """Write a line of the script."""
        self.copione.append((self.now, self._names.get(getcurrent(), "-"), words))

    def sleep(self, seconds: float) -> None:
        """Give way; the actor goes on after these seconds, and after whoever else had a turn meanwhile."""
        assert self._loop is not None
        self._push(getcurrent(), seconds)
        self._loop.switch()

    def point(self, where: str) -> None:
        """A place between two steps, where the actor may give way, freeze, or die."""
        self.may_crash(where)
        guasti, draw = self.guasti, self.rng.random()
        if draw < guasti.gelo:
            self.tell(f"si gela {where}")
            self.contati["worker gelato per due lease o più"] += 1
            self.sleep(self.rng.uniform(*guasti.gelo_s))
            self.tell(f"si sveglia {where}")
        elif draw < guasti.gelo + guasti.pausa:
            self.sleep(self.rng.uniform(0.01, 5.0))

    def may_crash(self, where: str) -> None:
        """A place where the process may die."""
        if self.rng.random() < self.guasti.crash and getcurrent() in self._mortal:
            self.tell(f"muore {where}")
            self.contati[f"processo morto {where}"] += 1
            raise Crash(where)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    # What the director does.

    def start(self, name: str, deed: Callable[[], object], after_s: float = 0.0, *, is_mortal: bool = False) -> None:
        """Let an actor begin after some seconds. `is_mortal`: it is a process of the hub, which may die."""

        def life() -> None:
            try:
                deed()
            except Crash:
                pass
            finally:
                self._names.pop(actor, None)
                self._mortal.discard(actor)

        actor = greenlet(life)
        self._names[actor] = name
        if is_mortal:
            self._mortal.add(actor)
        self._push(actor, after_s)

    def waiting(self) -> list[datetime]:
        """When the next actor has its turn; nothing when nobody waits."""
        return [at for at, *_ in self._queue[:1]]

    def run(self, until: datetime) -> None:
        """Let the actors play until an instant; the clock is there when this returns.

        Raises: what an actor raised; Violazione (the story does not end).
        """
        self._loop = getcurrent()
        while self._queue and self._queue[0][0] <= until:
            at, _, _, actor = heapq.heappop(self._queue)
            self._switches += 1
            if self._switches > _SWITCHES_MAX:
                raise Violazione(f"la storia non finisce: {_SWITCHES_MAX} passaggi di mano")
            self.now = max(self.now, at)
            actor.parent = self._loop
            actor.switch()
        self.now = max(self.now, until)

    def close(self) -> None:
        """End the actors that are still waiting."""
        self.guasti = NESSUN_GUASTO
        while self._queue:
            _, _, _, actor = heapq.heappop(self._queue)
            if actor:
                actor.parent = getcurrent()
                actor.throw()

    def _push(self, actor: greenlet, seconds: float) -> None:
        self._serial += 1
        at = self.now + timedelta(seconds=seconds)
        heapq.heappush(self._queue, (at, self.rng.random(), self._serial, actor))
