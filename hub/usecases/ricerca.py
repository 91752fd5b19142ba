"""Finding out what became of an attempt: the ways that its node has, one after the other, until one is certain.

Nothing is concluded from silence. What may be concluded from several answers that all know nothing stands in
`is_without_trace`. Source: node, 2.2 (class A), 2.3 to 2.5, 2.14, annex A.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.domain.delivery import Azione, Delivery, Outcome, Stazione
from hub.domain.pagamento_online import TentativoCercato, Trovato
from hub.ports import Via

# A receipt that is on its way is given this long before a copy is asked for. Source: node, annex A.
_COPIA_DOPO = timedelta(hours=1)
_UNKNOWN_KEY = frozenset({"PPT_RPT_SCONOSCIUTA", "PPT_RT_SCONOSCIUTA"})
_NOT_THERE = _UNKNOWN_KEY | {"NON_IN_LISTA"}

Asked = Callable[[Via], Trovato]


@dataclass(frozen=True, slots=True)
class Ricerca:
    """What the ways said together. `passi`: each way and its answer, for logs and lists."""

    esito: Trovato
    passi: Sequence[tuple[str, Trovato]] = field(default=())

    @property
    def told(self) -> str:
        """Every way with the code it gave, in the order asked."""
        return ", ".join(f"{nome}: {passo.delivery.code}" for nome, passo in self.passi)

    @property
    def is_without_trace(self) -> bool:
        """Every way that is still there has answered that it does not know the attempt, state or copy among them.

        A copy of a known RPT would have been "not ready yet" (node, 2.4); a list that lacks it proves nothing.
        """
        present = [passo.delivery for _, passo in self.passi if not passo.is_gone]
        is_agreed = all(one.is_answered and one.code in _NOT_THERE for one in present)
        return is_agreed and any(one.code in _UNKNOWN_KEY for one in present)

    @property
    def is_forgotten(self) -> bool:
        """No way that is still there knows anything of the attempt; one that is silent may."""
        present = [passo.delivery for _, passo in self.passi if not passo.is_gone]
        return all(one.is_answered and one.code in _NOT_THERE for one in present)


def find_out(
    vie: Sequence[Via], ask: Asked, stazione: Stazione, cercato: TentativoCercato, now: datetime,
    has_time: Callable[[], bool],
) -> Ricerca:  # fmt: skip
    """Ask way after way; stop at the first certainty, at a held call, or when there is no time for one more.

    `ask`: asks one way, through the circuit of the station.
    """
    passi: list[tuple[str, Trovato]] = []
    best = Trovato(Delivery(Outcome.UNKNOWN, "NESSUNA_VIA"))
    for via in vie:
        if passi and not has_time():
            break
        found = ask(via)
        passi.append((via.nome, found))
        if found.delivery.is_held or _is_certain(found, stazione, cercato, now):
            return Ricerca(found, passi)
        if found.delivery.outcome == Outcome.DELIVERED or best.delivery.outcome != Outcome.DELIVERED:
            best = _unsure(found) if found.delivery.outcome == Outcome.TRY_AGAIN else found
    return Ricerca(best, passi)


def _is_certain(found: Trovato, stazione: Stazione, cercato: TentativoCercato, now: datetime) -> bool:
    match found.delivery.outcome:
        case Outcome.REFUSED:
            return True
        case Outcome.TRY_AGAIN:
            # A converter knows no states: there its ignorance says nothing. Source: node, 1.3.
            return stazione.rileva_duplicati
        case Outcome.DELIVERED:
            if found.documento is not None:
                return True
            is_due = found.azione is Azione.COPIA_POI and now - cercato.creato_at >= _COPIA_DOPO
            return found.azione is not None and found.azione is not Azione.COPIA and not is_due
        case Outcome.UNKNOWN:
            # The node has the RPT and says itself that it does not know: no other way knows more.
            return found.azione is not None


def _unsure(found: Trovato) -> Trovato:
    return Trovato(Delivery(Outcome.UNKNOWN, found.delivery.code, is_answered=True))
