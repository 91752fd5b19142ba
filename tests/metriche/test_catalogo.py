"""Each name that the hub tells is declared once and explained in docs/metriche.md; none has an ente in its labels."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from hub.domain.delivery import Delivery, Outcome
from hub.misure import CONTATE, LETTE, Genere, Misura
from hub.web import create_front
from tests.world import World

PAGE = (Path(__file__).parents[2] / "docs" / "metriche.md").read_text(encoding="utf-8")


def wire_name(misura: Misura) -> str:
    return misura.name + ("_total" if misura.genere == Genere.CONTATORE else "")


def test_every_name_and_its_labels_have_a_line_in_the_page_and_no_other_has() -> None:
    rows = re.findall(r"^\| `(pontepa_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE)

    told = {name: tuple(re.findall("`([^`]+)`", labels)) for name, labels in rows}

    assert len(told) == len(rows)
    assert told == {wire_name(misura): misura.labels for misura in (*CONTATE, *LETTE)}


def test_what_is_told_after_a_story_is_declared_and_names_nobody(small_world: World) -> None:
    front = Client(create_front(small_world.runtime, {}))
    small_world.nodo.sends.append(Delivery(Outcome.UNKNOWN, "TIMEOUT"))
    id_session = small_world.begin()
    small_world.relay()
    front.get(f"/paga/{id_session}")

    text = front.get("/metrics").text

    families = {family.name: family for family in text_string_to_metric_families(text)}
    declared = {misura.name: misura for misura in (*CONTATE, *LETTE)}
    assert families.keys() <= declared.keys()
    for name, family in families.items():
        # `le` is the histogram's own.
        assert all(set(sample.labels) - {"le"} == set(declared[name].labels) for sample in family.samples), name
    # Of what the database tells everything is there, but what a worker counts by itself a few times a day.
    assert {misura.name for misura in LETTE} - families.keys() == {"pontepa_rendicontazioni_missing_payments"}
    assert not re.search("C_PROVA|Mario|Rossi|RSSMRA|Comune", text)
    assert id_session not in text
