"""Whom the simulated node knows: stations with their password, enti and accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# How a notice may be paid at a counter. The first is what most stations have.
PRIMITIVE = ("V2", "V1", "classico")


@dataclass(frozen=True, slots=True)
class StazioneNota:
    """A station the node knows. Empty `domini`, `iban` or `segregazione`: any.

    `primitive` is how a notice of it is paid: V1 and V2 (paForNode), or classico (PagamentiTelematiciCCP).
    `versione` 1: it may not send carts with more beneficiaries. `convertita`: its RPTs go to the WISP converter, which
    notices no duplicate, and of which neither states nor the list of pending ones know (1.3).
    """

    id: str
    intermediario: str
    password: str
    domini: frozenset[str] = frozenset()
    iban: frozenset[str] = frozenset()
    abilitata: bool = True
    segregazione: frozenset[str] = frozenset()
    primitive: str = PRIMITIVE[0]
    versione: int = 2
    convertita: bool = False


@dataclass(frozen=True, slots=True)
class Anagrafe:
    """Whom the node knows. No station at all: everybody of a legal shape is let in."""

    stazioni: tuple[StazioneNota, ...] = field(default=())

    def with_stazione(self, stazione: StazioneNota) -> Anagrafe:
        return Anagrafe((*(other for other in self.stazioni if other.id != stazione.id), stazione))

    @property
    def domini(self) -> frozenset[str]:
        """Every domain that is known; empty when any is."""
        return frozenset[str]().union(*(stazione.domini for stazione in self.stazioni))

    def find(self, id: str) -> StazioneNota | None:
        return next((stazione for stazione in self.stazioni if stazione.id == id), None)

    def of_avviso(self, dominio: str, numero: str) -> StazioneNota | None:
        """Return the station that answers for a notice: that of the ente, and with aux digit 3 of its segregation."""
        for stazione in self.stazioni:
            is_own = not stazione.segregazione or not numero.startswith("3") or numero[1:3] in stazione.segregazione
            if is_own and (not stazione.domini or dominio in stazione.domini):
                return stazione
        return None


def stazione_from_mapping(words: Mapping[str, Any]) -> StazioneNota:
    """Read a station of `POST /config`.

    Raises: ValueError (a sentence in Italian).
    """
    missing = [name for name in ("id", "intermediario", "password") if not isinstance(words.get(name), str)]
    if missing:
        raise ValueError(f"stazione senza {', '.join(missing)}")
    lists = {name: words.get(name, []) for name in ("domini", "iban", "segregazione")}
    for name, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{name} dev'essere una lista di testi")
    primitive = words.get("primitive", PRIMITIVE[0])
    if primitive not in PRIMITIVE:
        raise ValueError(f"primitive dev'essere una di {', '.join(PRIMITIVE)}")
    return StazioneNota(
        words["id"],
        words["intermediario"],
        words["password"],
        frozenset(lists["domini"]),
        frozenset(lists["iban"]),
        bool(words.get("abilitata", True)),
        frozenset(lists["segregazione"]),
        primitive,
        int(words.get("versione", 2)),
        bool(words.get("convertita", False)),
    )
