"""The corpus of hostile inputs: one file an input under tests/data/hostile, one manifest a family.

A manifest says of each input where it is sent, what must be answered and why. `tollerato` gives the reason why an input
is taken all the same; without it an answer that is no refusal is red, whatever else the manifest says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.ostili.ricette import RICETTA, cook

CORPO = Path(__file__).parents[1] / "data" / "hostile"
MANIFESTO = "famiglia.yaml"
_OF_FAMILY = {"titolo", "dentro", "porta", "con", "limite_mib", "postgresql", "ricevute", "stato", "codice", "ingressi"}
_OF_INPUT = {"file", "porta", "con", "stato", "codice", "testo", "perche", "tollerato", "dovuti", "scritte"}


@dataclass(frozen=True)
class Ingresso:
    """One hostile input. `stato`: HTTP status, or exit code of a command; `codice`: of the fault, "" when none is told.

    `testo`: words that the answer must have. `con`: what the door is told beside the bytes. `dovuti`: rows that it
    adds. `scritte`: rows by table that a refusal leaves all the same, of what went before it.
    """

    file: Path
    porta: str
    stato: int
    codice: str
    perche: str
    testo: str = ""
    tollerato: str = ""
    dovuti: int = 0
    con: Mapping[str, Any] = field(default_factory=dict)
    scritte: Mapping[str, int] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.file)

    @property
    def data(self) -> bytes:
        """The bytes, those of a recipe once it is followed."""
        return cook(self.file.read_bytes()) if self.file.name.endswith(RICETTA) else self.file.read_bytes()


@dataclass(frozen=True)
class Famiglia:
    """Inputs of one kind. `limite_mib`: how much the memory of the server may grow while all of them are sent.

    `ricevute`: receipts may be kept by these inputs, and the worker is waited for. `dentro`: the doors are asked in the
    process of the test, see `tests/ostili/dentro.py`.
    """

    nome: str
    titolo: str
    limite_mib: int
    is_on_postgresql: bool
    has_ricevute: bool
    is_dentro: bool
    ingressi: tuple[Ingresso, ...]

    @property
    def is_of_rows(self) -> bool:
        """Whether the inputs are rows of one flow."""
        return all(ingresso.porta == "righe" for ingresso in self.ingressi)


@cache
def famiglie() -> tuple[Famiglia, ...]:
    return tuple(_read(manifesto) for manifesto in sorted(CORPO.glob(f"*/{MANIFESTO}")))


def files_of(famiglia: Famiglia) -> set[Path]:
    """Every file in the folder of a family but its manifest."""
    return {path for path in (CORPO / famiglia.nome).iterdir() if path.name != MANIFESTO}


def _read(manifesto: Path) -> Famiglia:
    words = yaml.safe_load(manifesto.read_text())
    assert set(words) <= _OF_FAMILY, f"{manifesto}: {set(words) - _OF_FAMILY}"
    return Famiglia(
        nome=manifesto.parent.name,
        titolo=words["titolo"],
        limite_mib=words["limite_mib"],
        is_on_postgresql=bool(words.get("postgresql")),
        has_ricevute=bool(words.get("ricevute")),
        is_dentro=bool(words.get("dentro")),
        ingressi=tuple(_ingressi(manifesto, words)),
    )


def _ingressi(manifesto: Path, words: Mapping[str, Any]) -> Iterator[Ingresso]:
    for one in words["ingressi"]:
        assert set(one) <= _OF_INPUT, f"{manifesto}: {set(one) - _OF_INPUT}"
        yield Ingresso(
            file=manifesto.parent / one["file"],
            porta=one.get("porta", words.get("porta")),
            stato=one.get("stato", words.get("stato")),
            codice=str(one.get("codice", words.get("codice", ""))),
            perche=one["perche"],
            testo=one.get("testo", ""),
            tollerato=one.get("tollerato", ""),
            dovuti=one.get("dovuti", 0),
            scritte=one.get("scritte", {}),
            con={**words.get("con", {}), **one.get("con", {})},
        )
