"""The dashboard and the rules ask only for what the hub tells; what to do at each alarm is in the operator's page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import promql_parser
import pytest
import yaml

from docs import cruscotto
from hub.cli import main
from hub.misure import CONTATE, LETTE, Genere

DOCS = Path(__file__).parents[2] / "docs"
RULES = yaml.safe_load((DOCS / "grafana" / "regole.yaml").read_text(encoding="utf-8"))
ALL_RULES: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
RECORDED = {rule["record"] for rule in ALL_RULES if "record" in rule}
ALARMS = [rule for rule in ALL_RULES if "alert" in rule]
PAGE = (DOCS / "allarmi.md").read_text(encoding="utf-8")
# Prometheus' own: of each target, of each sample.
OF_PROMETHEUS = {"job", "instance"}


def _series() -> dict[str, set[str]]:
    """The series that Prometheus has of the hub, each with its labels."""
    found: dict[str, set[str]] = {}
    for misura in (*CONTATE, *LETTE):
        labels = set(misura.labels)
        if misura.genere == Genere.DURATA:
            found |= {f"{misura.name}_count": labels, f"{misura.name}_sum": labels}
            found[f"{misura.name}_bucket"] = labels | {"le"}
        else:
            found[misura.name + ("_total" if misura.genere == Genere.CONTATORE else "")] = labels
    return found


SERIES = _series()
BUCKETS = {f"{misura.name}_bucket": {f"{edge:g}" for edge in misura.buckets} for misura in CONTATE}
PANELS = [panel for panel in json.loads(cruscotto.FILE.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]
EXPRESSIONS = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
EXPRESSIONS += [(rule.get("record") or rule["alert"], rule["expr"]) for rule in ALL_RULES]


def _selectors(node: Any) -> Iterator[Any]:
    """Every selector of an expression, wherever it stands in it."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
    for name in ("expr", "lhs", "rhs", "param"):
        child = getattr(node, name, None)
        if child is not None and not isinstance(child, str):
            yield from _selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from _selectors(child)


@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS, ids=[f"{n}-{e[0]}" for n, e in enumerate(EXPRESSIONS)])
def test_every_expression_is_promql_about_series_and_labels_that_there_are(where: str, expr: str) -> None:
    parsed = promql_parser.parse(expr)

    selectors = list(_selectors(parsed))
    # None was overlooked: each name of ours stands in a selector.
    assert {one.name for one in selectors} == set(re.findall(r"\bpontepa[a-z_:0-9]+|\bup\b", expr))
    for one in selectors:
        assert one.name in SERIES.keys() | RECORDED | {"up"}, one.name
        for matcher in one.matchers.matchers:
            allowed = SERIES.get(one.name, {"servizio", "operation", "topic"}) | OF_PROMETHEUS
            assert matcher.name in allowed, (one.name, matcher.name)
            if matcher.name == "le":
                assert f"{float(matcher.value):g}" in BUCKETS[one.name], matcher.value


@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS, ids=[f"{n}-{e[0]}" for n, e in enumerate(EXPRESSIONS)])
def test_what_is_grouped_by_is_a_label_of_what_is_grouped(where: str, expr: str) -> None:
    for labels, rest in re.findall(r"\bby \(([^)]*)\)(.*)", expr):
        known = {label for name, of_it in SERIES.items() if re.search(rf"\b{name}\b", rest) for label in of_it}
        # In a rule of several lines the name stands on the same one.
        assert set(labels.replace(" ", "").split(",")) <= known | OF_PROMETHEUS, (labels, rest)


@pytest.mark.parametrize("rule", ALL_RULES, ids=[rule.get("record") or rule["alert"] for rule in ALL_RULES])
def test_a_rule_says_something_of_what_it_groups_by(rule: dict[str, Any]) -> None:
    """A label in its words is one that its expression keeps."""
    told = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule.get("annotations", {}))))
    kept = {label for labels in re.findall(r"\bby \(([^)]*)\)", rule["expr"]) for label in re.split(r",\s*", labels)}

    assert told <= kept | ({"instance"} if rule["expr"].startswith("up{") else set())


def test_recorded_names_are_used_and_told_apart() -> None:
    names = [rule.get("record") or rule["alert"] for rule in ALL_RULES]
    used = {name for _, expr in EXPRESSIONS for name in re.findall(r"pontepa:[\w:]+", expr)}

    assert len(names) == len(set(names))
    assert used == RECORDED


@pytest.mark.parametrize("alarm", ALARMS, ids=[alarm["alert"] for alarm in ALARMS])
def test_each_alarm_has_its_gravity_and_its_page(alarm: dict[str, Any]) -> None:
    page, _, anchor = alarm["annotations"]["runbook"].partition("#")

    assert alarm["labels"]["gravita"] in ("grave", "attenzione")
    assert alarm["annotations"]["summary"]
    assert page == "docs/allarmi.md"
    assert anchor in {heading.lower() for heading in re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)}


def test_the_page_has_the_alarms_that_there_are() -> None:
    assert re.findall(r"^## (\w+)$", PAGE, re.MULTILINE) == _in_page_order([alarm["alert"] for alarm in ALARMS])


def _in_page_order(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: PAGE.index(f"## {name}\n"))


def test_the_commands_that_the_page_names_are_commands() -> None:
    for words in set(re.findall(r"`pontepa ([a-z]+(?: [a-z]+)*)", PAGE)):
        command: click.Command = main
        for word in words.split():
            assert isinstance(command, click.Group), words
            found = command.get_command(click.Context(command), word)
            assert found is not None, words
            command = found


def test_the_dashboard_is_the_one_that_the_code_generates() -> None:
    """Written again with `make docs`."""
    assert cruscotto.FILE.read_text(encoding="utf-8") == cruscotto.render()


def test_the_panels_stand_side_by_side() -> None:
    places = [panel["gridPos"] for panel in json.loads(cruscotto.render())["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24


def test_everything_that_the_hub_tells_has_its_place() -> None:
    """In a panel, or in a rule that a panel or an alarm shows."""
    text = " ".join(expr for _, expr in EXPRESSIONS)

    assert [misura.name for misura in (*CONTATE, *LETTE) if misura.name not in text] == []


def test_no_label_is_one_of_prometheus_own() -> None:
    assert not [misura.name for misura in (*CONTATE, *LETTE) if set(misura.labels) & (OF_PROMETHEUS | {"le"})]
