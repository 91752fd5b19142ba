"""What /metrics tells, read as Prometheus reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from hub.web import create_front
from tests.world import World

# By name and labels: `pontepa_x{a="1"}`, the labels in the order of their names.
Esposte = dict[str, float]


def read(text: str) -> Esposte:
    """Return every sample; of a name that stands there twice, which Prometheus refuses, nothing."""
    found: Esposte = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert key not in found, f"{key} twice"
            found[key] = sample.value
    return found


def of_world(world: World) -> Esposte:
    return read(Client(create_front(world.runtime, {})).get("/metrics").text)
