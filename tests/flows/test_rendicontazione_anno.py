"""Weeks of daily settlement flows with revisions, a corrupt one and a stop of 45 days; the year is a command."""

from __future__ import annotations

import pytest

from hub.domain.acquisizione_fdr import Trasporto
from tests.flows.rendicontazione_anno import Anno, Piano
from tests.world import World, world

__all__ = ["world"]


@pytest.mark.parametrize("trasporto", [Trasporto.SOAP, Trasporto.REST], ids=str)
def test_nothing_is_lost_doubled_or_wrong_by_a_cent_and_the_catch_up_tells_its_gap(
    world: World, trasporto: Trasporto
) -> None:
    psp = ("ABI01234", "UNCRITMM")
    anno = Anno(world, trasporto, Piano(giorni=58, pagamenti=9, psp=psp, fermo=range(9, 54), guasto=4))
    try:
        fatto = anno.run()
    finally:
        anno.close()

    assert fatto.problemi == []
    # Of the forty-five days, those of which the flows were older than thirty when the worker came back.
    assert fatto.revisioni >= 5 and fatto.persi == len(psp) * 16
