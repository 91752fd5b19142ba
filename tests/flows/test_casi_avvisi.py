"""The cases of the public suites about notices and activations, over HTTP against a served hub. Source: node, 8.1, 8.3.

Asked by zeep clients made from the contracts; the bytes of every answer are held against them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.ente.fake_archivio import ArchivioFinto
from hub.store import schema, servizi_avviso
from tests.flows.casi import attivazioni, avvisi
from tests.flows.casi.presa import ScenaAvviso, Servito
from tests.flows.casi.ricevute import Caso
from tests.flows.plant import Plant
from tests.soap.stage import open_stage
from tests.soap.test_paDemandPaymentNotice import CAMPI


@pytest.fixture(scope="session")
def servito(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servito]:
    """The cast, an ente that answers by itself, and a server over the database of both."""
    servers: Any = request.getfixturevalue("_servers")
    with open_stage(backend, servers, tmp_path_factory) as stage, ArchivioFinto() as archivio:
        world = stage.world
        tari = dict(world.one(schema.tipi, ente_id=1, codice="TARI")._mapping)
        del tari["id"]
        for codice, values in avvisi.TIPI.items():
            world.lay(schema.tipi, **{**tari, "codice": codice, **values})
        world.change(schema.enti, "id", 2, url_archivio_esterno=archivio.url)
        declared = {"id_servizio": "00001", "id_soggetto": "00002", "tipo": "TARI", "causale": "Bollo", "campi": CAMPI}
        with world.db.transaction() as session:
            servizi_avviso.replace(session, 1, [declared])
        with Plant(tmp_path_factory.mktemp("avvisi"), world.db.url) as plant:
            plant.up("serve")
            yield Servito(world, plant, archivio)


@pytest.mark.parametrize("caso", avvisi.CASI, ids=str)
def test_a_case_about_notices(servito: Servito, caso: Caso) -> None:
    assert caso.play is not None

    caso.play(ScenaAvviso(servito))


@pytest.mark.parametrize("caso", attivazioni.CASI, ids=str)
def test_a_case_about_activations(servito: Servito, caso: Caso) -> None:
    assert caso.play is not None

    caso.play(ScenaAvviso(servito))


def test_every_case_of_the_sections_is_played() -> None:
    assert {each.number for each in avvisi.CASI} == set(range(1, 37))
    assert {each.number for each in attivazioni.CASI} == {*range(55, 61), 66}
