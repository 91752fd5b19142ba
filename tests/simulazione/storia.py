"""A story: one seed gives payers, clock, order, losses and crashes; then faults stop and everything must settle."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from hub.domain.documenti import Organizzazione
from hub.domain.errors import Conflict, HubError, OutOfService
from hub.domain.iuv import build_iuv
from hub.formats.importi import text_from_cent
from hub.usecases.registra_pagamento import PagamentoEsterno
from tests.ricevute import make_ricevuta, make_transfer
from tests.simulazione.hub import LEASE, Banco, Hub, millisecondi
from tests.simulazione.invarianti import Fine, Posizione, Sguardo, check_aperti
from tests.simulazione.nodo import Indole, NodoSimulato, Pagamento
from tests.simulazione.tempo import INIZIO, NESSUN_GUASTO, Crash, Guasti, Tempo, Violazione

_LAVORATORI = 2
# A story that is not over by then never will be: the longest search goes four times a day.
_QUIETE_MAX = timedelta(days=5)
_GIRI_MAX = 300
_LAVORI = {
    "relay del nodo": 30, "relay del recupero": 8, "relay degli enti": 10, "ricevute": 22, "orfane": 3, "recupero": 8,
    "sessioni scadute": 1,
}  # fmt: skip


@dataclass
class Esito:
    """How a story ended. `violazione`: None, all promises were kept; `copione`: what happened, line by line.

    `guasti`: how often each was injected; `quiete`: how long everything took to settle after the last of them.
    """

    seed: int
    violazione: str | None
    copione: list[str] = field(repr=False)
    pagamenti: int = 0
    eccedenze: int = 0
    passi: int = 0
    guasti: Counter[str] = field(default_factory=Counter)
    quiete: timedelta = timedelta()


def racconta(banco: Banco, seed: int) -> Esito:
    """Play the story of a seed from its beginning to its end and say how it ended."""
    tempo = Tempo(seed)
    with _chance_of(seed):
        storia = Storia(banco, tempo)
        try:
            storia.play()
            violazione = None
        except Violazione as broken:
            violazione = str(broken)
        except Exception as error:
            violazione = f"{type(error).__name__}: {error}"
            error.add_note(f"seme {seed}")
        finally:
            banco.db.tempo = banco.db.on_commit = None
            tempo.close()
    copione = [f"{millisecondi(at):>10} ms  {who:<14} {words}" for at, who, words in tempo.copione]
    surplus = 0 if violazione else sum(max(0, count - 1) for count in storia.counts())
    counted = (len(storia.nodo.pagamenti), surplus, len(tempo.copione))
    return Esito(seed, violazione, copione, *counted, tempo.contati, tempo.now - storia.calm_at)


@contextmanager
def _chance_of(seed: int) -> Iterator[None]:
    """Let the ids that the hub draws by `uuid.uuid4` come from the seed as well."""
    own, drawn = uuid.uuid4, random.Random(f"uuid {seed}")
    uuid.uuid4 = lambda: uuid.UUID(int=drawn.getrandbits(128), version=4)  # type: ignore[assignment]
    try:
        yield
    finally:
        uuid.uuid4 = own  # type: ignore[assignment]


class Storia:
    """The actors of one seed over a cleared bench."""

    def __init__(self, banco: Banco, tempo: Tempo) -> None:
        rng = tempo.rng
        self.tempo = tempo
        indole = Indole(
            rileva_duplicati=tempo.chance(0.6),
            is_lenient=tempo.chance(0.4),
            has_stato=tempo.chance(0.8),
            dimentica=timedelta(days=rng.uniform(3, 10)),
        )
        banco.clear(rileva_duplicati=indole.rileva_duplicati)
        self.nodo = NodoSimulato(tempo, indole)
        self.hub = Hub(banco, tempo, self.nodo, timedelta(minutes=rng.choice((30, 180, 360))))
        self.nodo.porta = self.hub
        self.posizioni: list[Posizione] = []
        self.guasti_s = rng.uniform(200, 700)
        self.is_calm = False
        self.calm_at = tempo.now

    def play(self) -> None:
        """Raises: Violazione; whatever the hub should not have raised."""
        rng, tempo, hub = self.tempo.rng, self.tempo, self.hub
        tempo.tell(f"nodo {self.nodo.indole}")
        for number in range(1, rng.choice((1, 1, 1, 2, 3)) + 1):
            iuv, importo_cent = build_iuv(1, 1000 + number), rng.randint(1, 300_000)
            self.posizioni.append(Posizione(iuv, f"IUD-{number}", importo_cent))
            hub.lay_avviso(iuv, f"IUD-{number}", importo_cent)
        sguardo = Sguardo(hub)
        sguardo()
        hub.db.tempo, hub.db.on_commit = tempo, sguardo
        tempo.guasti = Guasti(
            crash=rng.choice((0.0, 0.01, 0.04)),
            pausa=0.15,
            gelo=rng.choice((0.0, 0.01, 0.03)),
            gelo_s=(2 * LEASE.total_seconds(), 3 * LEASE.total_seconds()),
        )
        self._cast()
        tempo.run(INIZIO + timedelta(seconds=self.guasti_s))
        self._calm()
        self._settle()
        Fine(hub, self.nodo, self.posizioni).check()

    def counts(self) -> Iterator[int]:
        for one in self.posizioni:
            yield sum(pagamento.iuv == one.iuv for pagamento in self.nodo.pagamenti)

    def _cast(self) -> None:
        rng, start = self.tempo.rng, self.tempo.start
        for number in range(1, _LAVORATORI + 1):
            start(f"worker {number}", self._worker, rng.uniform(0, 5))
        for one in self.posizioni:
            for payer in range(rng.choice((1, 1, 1, 2, 3))):
                (road,) = rng.choices((self._online, self._sportello, self._classico), (60, 25, 15))
                # Some come when an attempt that nobody knows the end of has given way.
                comes = rng.uniform(0, 250) if self.tempo.chance(0.9) else rng.uniform(1900, 4000)
                name = f"pagante {one.iud[-1]}{'abc'[payer]}"
                start(name, lambda road=road, one=one: road(one), comes, is_mortal=True)
            if self.tempo.chance(0.12):
                start("ente", lambda one=one: self._annulla(one), rng.uniform(0, 400), is_mortal=True)
            if self.tempo.chance(0.12):
                start("ente", lambda one=one: self._registra(one), rng.uniform(0, 500), is_mortal=True)

    # Actors.

    def _worker(self) -> None:
        jobs = self.hub.jobs()
        while not self.is_calm:
            names = self._due()
            if names:
                name = self.tempo.rng.choices(names, [_LAVORI[one] for one in names])[0]
                # Each tick is a process of its own, as far as dying is concerned.
                self.tempo.start(f"worker: {name}", lambda name=name: self._tick(name, jobs[name]), is_mortal=True)
            self.tempo.sleep(self.tempo.rng.uniform(1, 20))

    def _tick(self, name: str, job: Callable[[], object]) -> None:
        """One tick, as the job's loop does it: what is refused is told, and tried again by the next one."""
        try:
            if job():
                self.tempo.tell("fatto")
        except (Conflict, OutOfService) as error:
            self.tempo.tell(f"conflitto: {error}")

    def _online(self, one: Posizione) -> None:
        """A payer with a notice in his hands: his session, his clicks, some of them twice, some never."""
        for _ in range(self.tempo.rng.choice((1, 2, 3))):
            # Most look first whether the notice can be paid at all.
            if self.tempo.chance(0.2) or self.hub.is_payable(one.iud):
                id_session = self._asked("apre la sessione", lambda: self.hub.apri(one.iud))
                if isinstance(id_session, str) and not self.tempo.chance(0.1):
                    self.tempo.sleep(self.tempo.rng.uniform(0, 20))
                    for _ in range(self.tempo.rng.choice((1, 1, 1, 2))):
                        self._asked("va a pagare", lambda id_session=id_session: self.hub.inizia(id_session))
            self.tempo.sleep(self.tempo.rng.uniform(20, 200))

    def _sportello(self, one: Posizione) -> None:
        """A payer at a counter, where the node holds the notice while he pays, unless it is lenient."""
        nodo, iuv = self.nodo, one.iuv
        if not nodo.indole.is_lenient and (nodo.is_paid(iuv) or nodo.is_busy(iuv) or iuv in nodo.sportello):
            self.tempo.tell("sportello: il nodo dice che è occupato")
            return
        token = uuid.uuid4().hex
        nodo.sportello[iuv] = token
        importo_cent = self._asked("sportello: attiva", lambda: self.hub.attiva(iuv))
        self.tempo.sleep(self.tempo.rng.uniform(2, 250))
        is_paying = isinstance(importo_cent, int) and self.tempo.chance(0.8)
        if is_paying and (nodo.indole.is_lenient or not nodo.is_paid(iuv)):
            nodo.pagamenti.append(Pagamento(iuv, token, importo_cent))
            self.tempo.start("nodo", lambda: nodo.push_ricevuta(token, self._ricevuta(iuv, token, importo_cent)),
                             is_mortal=True)  # fmt: skip
            self.tempo.tell("sportello: paga")
        if nodo.sportello.get(iuv) == token:
            del nodo.sportello[iuv]

    def _classico(self, one: Posizione) -> None:
        """A payer at a counter of the classic model: the hub sends the RPT, and its receipt comes like any other."""
        nodo, iuv = self.nodo, one.iuv
        if not nodo.indole.is_lenient and (nodo.is_paid(iuv) or nodo.is_busy(iuv) or iuv in nodo.sportello):
            self.tempo.tell("sportello: il nodo dice che è occupato")
            return
        ccp = uuid.uuid4().hex
        nodo.attesa_psp(ccp)
        self._asked("sportello classico: attiva", lambda: self.hub.attiva_classica(iuv, ccp))

    def _ricevuta(self, iuv: str, token: str, importo_cent: int) -> bytes:
        importo = text_from_cent(importo_cent)
        return make_ricevuta(
            receipt_id=token, iuv=iuv, importo=importo, transfers=(make_transfer(importo=importo),)
        )

    def _annulla(self, one: Posizione) -> None:
        self._asked("annulla", lambda: self.hub.annulla(one.iud))

    def _registra(self, one: Posizione) -> None:
        """The ente says that it was paid elsewhere."""
        psp = Organizzazione(tipo="G", codice="97735020584", denominazione="Poste")
        day = self.tempo.now.date()
        pagamento = PagamentoEsterno(one.iuv, one.importo_cent, day, f"BOLLETTINO{one.iud}", psp)
        self._asked("registra un pagamento fuori", lambda: self.hub.registra(pagamento))

    def _asked(self, what: str, deed: Callable[[], object]) -> object:
        """A call to the hub by somebody outside: its answer, or None when it was refused or did not come."""
        try:
            answer = deed()
        except HubError as refusal:
            self.tempo.tell(f"{what}: {type(refusal).__name__} {refusal}")
            return None
        except Crash:
            self.tempo.tell(f"{what}: nessuna risposta")
            return None
        self.tempo.tell(f"{what}: bene")
        return answer

    # The end.

    def _calm(self) -> None:
        """From here on nothing goes wrong any more."""
        self.tempo.tell("--- da qui nessun guasto ---")
        self.is_calm, self.calm_at = True, self.tempo.now
        self.tempo.guasti = NESSUN_GUASTO
        self.nodo.is_faulty = self.hub.ente.is_faulty = False
        check_aperti(self.hub)

    def _settle(self) -> None:
        """Let every job run whenever something is due, until nothing is.

        Raises: Violazione (there is always something more, or it takes too long).
        """
        end, jobs = self.tempo.now + _QUIETE_MAX, self.hub.jobs()
        for _ in range(_GIRI_MAX):
            for name in self._due():
                self.tempo.start(f"worker: {name}", lambda name=name: self._tick(name, jobs[name]))
            self.tempo.run(self.tempo.now)
            candidates = [*self.hub.next_work().values(), *self.tempo.waiting()]
            if not candidates:
                return
            if min(candidates) > end:
                check_aperti(self.hub)
                break
            # An orphan, or what met a conflict, is due already: the next tick is a second away.
            self.tempo.run(max(min(candidates), self.tempo.now + timedelta(seconds=1)))
        raise Violazione(f"dopo {self.tempo.now - INIZIO} c'è ancora lavoro: {sorted(self.hub.next_work())}")

    def _due(self) -> list[str]:
        """The jobs that have something to do now, in a fixed order."""
        next_at = self.hub.next_work()
        return [name for name in _LAVORI if name in next_at and next_at[name] <= self.tempo.now]
