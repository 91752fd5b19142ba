"""paaSILVerificaAvviso through its contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.soap.zeep_client import Door, ente_client, intestazione, open_door
from tests.world import PASSWORDS, World

IUV = "01000000000000144"


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world)


def verifica(door: Door, iuv: str = IUV, ente: str = "C_PROVA", **values: Any) -> Any:
    return ente_client(door).paaSILVerificaAvviso(
        password=PASSWORDS[ente], identificativoUnivocoVersamento=iuv, _soapheaders=intestazione(ente), **values
    )


def test_a_stored_dovuto_is_paid_from_the_entes_site(world, door):
    world.lay_avviso(IUV)

    answer = verifica(door, enteSILInviaRispostaPagamentoUrl="https://sportello.example.org/esito")

    assert (answer.fault, answer.esito, answer.redirect) == (None, "OK", 1)
    assert answer.url == f"https://hub.example.org/paga/{answer.idSession}"
    world.start(answer.idSession)
    world.relay()
    world.conclude(answer.idSession, 0)
    assert world.esito(answer.idSession).pagati


@pytest.mark.parametrize(("iuv", "ente"), [("01000000000000245", "C_PROVA"), (IUV, "C_VICINO"), ("3" + IUV, "C_PROVA")])
def test_what_is_not_the_entes_iuv_is_refused(world, door, iuv, ente):
    world.lay_avviso(IUV)

    answer = verifica(door, iuv, ente)

    assert (answer.esito, answer.fault.faultCode, answer.fault.id) == ("KO", "PAA_IUV_NON_VALIDO", ente)


def test_an_ente_that_is_not_active_is_refused(door):
    assert verifica(door, ente="C_SPENTO").fault.faultCode == "PAA_ENTE_NON_VALIDO"


def test_an_address_that_no_browser_should_be_sent_to_is_refused(world, door):
    world.lay_avviso(IUV)

    answer = verifica(door, enteSILInviaRispostaPagamentoUrl="javascript:alert(1)")

    assert answer.fault.faultCode == "PAA_URL_NON_VALIDA"
