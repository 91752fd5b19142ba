"""paaSILImportaDovuto with an IUV that the ente supplies and flagGeneraIuv: wherever its number lies, but one.

Source: pa-per-ente, small rules (3.8), table of paaSILImportaDovuto (2.5), row 4.
"""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.iuv import build_iuv
from hub.store import schema
from tests.factories import make_iud
from tests.soap.test_paaSILImportaDovuto import importa, versions
from tests.soap.zeep_client import Door, ente_client, open_door
from tests.versamenti import Versamento
from tests.world import INTERMEDIARIO, World


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world)


@pytest.fixture
def client(door: Door) -> Any:
    return ente_client(door)


@pytest.mark.parametrize("number", [1, 999, 99_999_999_999])
@pytest.mark.parametrize("azione", ["I", "M"])
def test_a_number_that_the_hub_has_yet_to_draw_is_nobodys_to_supply(
    world: World, client: Any, azione: str, number: int
) -> None:
    """It would be given to another debt one day, and whoever pays that one would pay this."""
    iud = make_iud()
    if azione == "M":
        importa(client, Versamento(iud))

    refused = importa(client, Versamento(iud, azione=azione, iuv=build_iuv(1, number)), flagGeneraIuv=True)

    assert (refused.esito, refused.fault.faultCode) == ("KO", "PAA_IUV_NON_VALIDO")
    assert "deve ancora emettere" in refused.fault.faultString + refused.fault.description
    assert [row.iuv for row in versions(world, iud)] == ([None] if azione == "M" else [])


def test_a_number_that_the_hub_drew_may_be_supplied_again_when_it_is_free(world: World, client: Any) -> None:
    iud, other = make_iud(), make_iud()
    drawn = importa(client, Versamento(iud), flagGeneraIuv=True).identificativoUnivocoVersamento
    importa(client, Versamento(iud, azione="A", iuv=drawn))

    answer = importa(client, Versamento(other, iuv=drawn), flagGeneraIuv=True)

    assert answer.esito == "OK" and versions(world, other)[0].iuv == drawn


def test_numbers_of_another_ente_of_the_tax_code_are_the_hubs_too(world: World, client: Any) -> None:
    world.change(schema.enti, "cod_ipa_ente", "C_VICINO", codice_fiscale=INTERMEDIARIO)

    refused = importa(client, Versamento(make_iud(), iuv=build_iuv(2, 1)), flagGeneraIuv=True)

    assert refused.fault.faultCode == "PAA_IUV_NON_VALIDO"
