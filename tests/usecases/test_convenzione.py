"""The agreement of an ente with the PSPs in the carts of several enti. Source: node, 2.2 rule 6, 4.2."""

from __future__ import annotations

from typing import Any

import pytest

from hub.formats.xml import parse
from hub.store import schema
from tests.soap.test_paaSILInviaCarrelloDovuti import elemento, invia
from tests.soap.zeep_client import ente_client, open_door
from tests.world import World


@pytest.mark.parametrize(
    ("prova", "vicino", "said"),
    [("CONV_01", "CONV_01", "CONV_01"), ("CONV_01", "CONV_02", None), ("CONV_01", None, None), (None, None, None)],
)
def test_a_cart_names_the_agreement_that_all_its_enti_have(
    world: World, prova: str | None, vicino: str | None, said: str | None
) -> None:
    for ente, code in (("C_PROVA", prova), ("C_VICINO", vicino)):
        world.change(schema.enti, "cod_ipa_ente", ente, codice_convenzione=code)
    client: Any = ente_client(open_door(world))

    id_session = invia(client, elemento("C_PROVA"), elemento("C_VICINO")).idSessionCarrello
    world.start(id_session)
    world.relay()

    (sent,) = world.nodo.received
    assert parse(sent).findtext(".//codiceConvenzione") == said
