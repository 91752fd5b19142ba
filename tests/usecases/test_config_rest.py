"""The REST services of a station, in the configuration file: read, kept sealed, applied once, given back without keys.

Source: node, security at the boundary (5).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hub.domain.configurazione import INVARIATO, Configurazione, ConfigurazioneNonValida
from hub.formats.configurazione import read_configurazione, render_configurazione
from hub.formats.segreti import Cassaforte
from hub.store import servizi_rest
from hub.store.database import Database
from hub.usecases.apply_config import apply, plan
from hub.usecases.export_config import export_config

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
CASSAFORTE = Cassaforte("9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2)
PRIMA, SECONDA = "0123456789abcdef" * 2, "fedcba9876543210" * 2
FILE = f"""
stazioni:
  - id: "12345678903_01"
    intermediario: "12345678903"
    password: password01
    servizi_rest:
      checkout: {{chiave: "{PRIMA}", chiave_secondaria: "{SECONDA}", scade_il: "2027-06-30", versione: 1}}
      posizioni: {{chiave: "{PRIMA}"}}
"""


def read(text: str = FILE) -> Configurazione:
    return read_configurazione(text.encode())


def kept(db: Database) -> dict[str, object]:
    with db.reading() as session:
        return {row.servizio: row for row in servizi_rest.of_stazione(session, "12345678903_01")}


def test_the_keys_are_kept_sealed(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)

    rows = kept(db)
    assert set(rows) == {"checkout", "posizioni"}
    assert CASSAFORTE.open(rows["checkout"].chiave_cifrata) == PRIMA
    assert CASSAFORTE.open(rows["checkout"].chiave_secondaria_cifrata) == SECONDA
    assert (rows["checkout"].scade_il, rows["checkout"].versione) == (date(2027, 6, 30), 1)
    assert rows["posizioni"].chiave_secondaria_cifrata is None
    assert PRIMA not in rows["checkout"].chiave_cifrata


def test_a_second_time_nothing_changes(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)

    assert [one for one in plan(db, read(), CASSAFORTE, NOW) if one.is_change] == []


def test_what_is_exported_applies_and_shows_no_key(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)

    text = render_configurazione(export_config(db, NOW))

    assert PRIMA not in text and SECONDA not in text and INVARIATO in text
    assert [one for one in plan(db, read(text), CASSAFORTE, NOW) if one.is_change] == []


def test_a_key_is_changed_and_the_other_goes(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)
    text = FILE.replace(f'"{PRIMA}", chiave_secondaria: "{SECONDA}"', f'"{SECONDA}"')

    said = {str(one) for one in apply(db, read(text), CASSAFORTE, NOW)}

    row = kept(db)["checkout"]
    assert CASSAFORTE.open(row.chiave_cifrata) == SECONDA and row.chiave_secondaria_cifrata is None
    assert "revoca stazione 12345678903_01, servizio checkout: chiave_secondaria" in said
    assert not any(PRIMA in one or SECONDA in one for one in said)


def test_a_service_left_out_is_revoked_and_one_not_spoken_of_stays(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)
    without = FILE[: FILE.index("      posizioni")]
    silent = FILE[: FILE.index("    servizi_rest")]

    apply(db, read(silent), CASSAFORTE, NOW)
    assert set(kept(db)) == {"checkout", "posizioni"}
    apply(db, read(without), CASSAFORTE, NOW)
    assert set(kept(db)) == {"checkout"}


@pytest.mark.parametrize(
    ("given", "instead", "path"),
    [
        (f'"{PRIMA}", chiave_sec', '"corta", chiave_sec', "chiave"),
        ('"2027-06-30"', '"30/06/2027"', "scade_il"),
        ("versione: 1", "versione: 3", "versione"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(given: str, instead: str, path: str) -> None:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        read(FILE.replace(given, instead))

    assert [where for where, _ in refusal.value.problems] == [f"stazioni[0].servizi_rest.checkout.{path}"]


def test_a_service_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        read(FILE.replace("posizioni:", "posizione:"))

    assert [where for where, _ in refusal.value.problems] == ["stazioni[0].servizi_rest.posizione"]


def test_a_key_left_as_it_is_must_be_there(db: Database) -> None:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        plan(db, read(FILE.replace(f'{{chiave: "{PRIMA}"}}', f'{{chiave: "{INVARIATO}"}}')), CASSAFORTE, NOW)

    assert refusal.value.problems[0][0] == "stazione 12345678903_01, servizio posizioni"
