"""docs/tracciati.md and its example files: the layouts of flows and exports, from the columns of the code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from docs.guasti import table
from docs.pagine.campi import DOCUMENTI, frasi
from hub.formats.tracciati import esportate as e
from hub.formats.tracciati import export_pagati as pagati
from hub.formats.tracciati.export_scaduti import ExportScaduti
from hub.formats.tracciati.import_dovuti import VERSIONI, ImportDovuti

if TYPE_CHECKING:
    from tests.racconto import Racconto

FOLDER = Path(__file__).parents[1] / "tracciati"
FILE = FOLDER.with_suffix(".md")
FLUSSI, PAGATI = "flussi", "pagati"
# Made by the story, beside those written by hand.
EXPORT = {"pagati": "export_pagati_1_3.csv", "scaduti": "export_scaduti.csv"}
_GENERI = {
    e.Esportata: "codice", e.Libero: "testo", e.Euro: "importo con due decimali", e.Giorno: "`aaaa-mm-gg`",
    e.OraLocale: "`aaaa-mm-ggThh:mm:ss` di Roma", e.Base64: "base64", e.Bandiera: "`true` o `false`",
}  # fmt: skip


def render() -> str:
    """Return the page: its words are those of tracciati.txt."""
    last = list(VERSIONI.values())[-1]
    with_flag = [last.colonne[index].nome for index in (22, 23, 24, 31, 33)]
    text = Path(__file__).with_name("tracciati.txt").read_text(encoding="utf-8")
    return text.format(
        importate=_lines(_importate(last)),
        con_bandiera=", ".join(f"`{nome}`" for nome in with_flag),
        versioni=_lines(_versioni()),
        esempio=(FOLDER / "C_PROVA-ESEMPIO-1_3.csv").read_text(encoding="utf-8").rstrip(),
        pagati=_lines(_esportate(_pagati(), PAGATI)),
        scaduti=_lines(_esportate([(one, "") for one in ExportScaduti.colonne], FLUSSI)),
    )


def examples(racconto: Racconto) -> dict[str, str]:
    """The example files that the hub itself writes, by name."""
    return {name: racconto.http[f"export_{genere}"][1] for genere, name in EXPORT.items()}


def frase(nome: str, genere: str) -> str:
    """The sentence of a column: its own, or that of the field of the documents with its name. Raises: KeyError."""
    own = frasi(genere)
    return own[nome] if nome in own else frasi(DOCUMENTI)[nome]


def _lines(lines: Iterator[str]) -> str:
    return "\n".join(lines)


def _importate(last: type[ImportDovuti]) -> Iterator[str]:
    rows = []
    for colonna in last.colonne:
        first = next(one for one in VERSIONI.values() if colonna.nome in _rules(one))
        since = "tutte" if first.version == "1_0" else f"da `{first.version}`"
        rows.append((f"`{colonna.nome}`", frase(colonna.nome, FLUSSI), colonna.regola, since))
    return table(("colonna", "significato", "che cosa si scrive", "versioni"), rows)


def _versioni() -> Iterator[str]:
    """What each version changes of the one before, and its example."""
    before: dict[str, str] = {}
    rows = []
    for version, layout in VERSIONI.items():
        rules = _rules(layout)
        added = [nome for nome in rules if nome not in before]
        changed = [nome for nome in rules if nome in before and before[nome] != rules[nome]]
        told = [f"`{nome}`: {rules[nome]}" for nome in changed]
        if before and added:
            many = f"{len(added)} colonne, da " if len(added) > 1 else ""
            told.insert(0, f"in più {many}`{added[0]}`")
        name = f"C_PROVA-ESEMPIO-{version}.csv"
        rows.append((f"`{version}`", str(len(rules)), "; ".join(told), f"[{name}](tracciati/{name})"))
        before = rules
    return table(("versione", "colonne", "che cosa cambia", "esempio"), rows)


def _rules(layout: type[ImportDovuti]) -> dict[str, str]:
    return {colonna.nome: colonna.regola for colonna in layout.colonne}


def _pagati() -> list[tuple[e.Esportata, str]]:
    """The columns of paid items in the order of a file that has them all, with when they are there."""
    base = list(pagati.ExportPagati_1_0.colonne)
    found = [(colonna, "") for colonna in base]
    found += [(colonna, "con `ricevuta`") for colonna in pagati.ConRicevuta.colonne]
    seen = set(base)
    for version, layout in pagati.VERSIONI.items():
        found += [(colonna, f"da `{version}`") for colonna in layout.colonne if colonna not in seen]
        seen |= set(layout.colonne)
    return found


def _esportate(columns: Sequence[tuple[e.Esportata, str]], genere: str) -> Iterator[str]:
    rows = (
        (f"`{colonna.nome}`", frase(colonna.nome, genere), _GENERI[type(colonna)], when) for colonna, when in columns
    )
    return table(("colonna", "significato", "com'è scritta", "quando c'è"), rows)
