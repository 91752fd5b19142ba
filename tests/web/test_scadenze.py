"""The ends of certificates and keys of the stations, as Prometheus reads them."""

from __future__ import annotations

from werkzeug.test import Client

from hub.store import schema
from hub.web import create_front
from tests.certificates import make_identity
from tests.world import STAZIONE, World, small_world

__all__ = ["small_world"]

IDENTITY = make_identity("hub.example.org", "ec")


def test_metrics_tell_when_a_certificate_ends(small_world: World) -> None:
    front = Client(create_front(small_world.runtime, {}))
    before = front.get("/metrics").text
    small_world.change(schema.stazioni, "id", STAZIONE, certificato=IDENTITY.pem)

    text = front.get("/metrics").text

    name = f'pontepa_station_expiry_timestamp_seconds{{cosa="certificato",stazione="{STAZIONE}"}}'
    (value,) = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(name)]
    assert int(float(value)) == int(IDENTITY.read.valido_fino.timestamp())
    assert name not in before
