"""The report of the shipped canteen client, and that of one which does everything wrong: both over real sockets."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from docs.conformita import MENSA, MENSA_ROTTA
from hub.domain.conformita import Esito, Gruppo
from hub.formats.rapporto_conformita import render_json
from hub.formats.resources import resource
from tests.conformita.mensa_rotto import PATH, SBAGLI, MensaRotta
from tests.conformita.stage import codici, serve
from tests.factories import CODICE_FISCALE
from tests.world import PASSWORDS, World, small_world, world

__all__ = ["small_world", "world"]
# It calls http on this machine.
NON_VISTE_DEL_TRASPORTO = {"TRA-05"}


def _mensa() -> ModuleType:
    """The example, as it ships."""
    spec = importlib.util.spec_from_file_location("mensa_client", resource("examples", "mensa_client.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_shipped_canteen_client_violates_nothing(world: World) -> None:
    mensa = _mensa()
    with serve(world) as banco:
        portale = mensa.Portale(f"{banco.url}{PATH}?wsdl", "C_PROVA", PASSWORDS["C_PROVA"])
        sent = portale.send(mensa.Pasto(), "https://mensa.example.org/esito?pratica=17")
        assert portale.ask(sent.id_session) is None
        banco.pay(sent.id_session)
        paid = portale.ask(sent.id_session)
        assert paid is not None and paid.is_paid

        rapporto = banco.rapporto()

    assert (codici(rapporto, Esito.VIOLATA), codici(rapporto, Esito.AVVERTENZA)) == (set(), set())
    assert rapporto.is_conforme and rapporto.chiamate == 3
    # Of those that are about calls; stored dovuti, flows and the endpoint are none of the canteen's business.
    assert rapporto.conto == MENSA
    unseen = {one.regola.codice for one in rapporto.verdetti
              if one.regola.gruppo is Gruppo.TRASPORTO and one.esito is Esito.NON_VISTA}  # fmt: skip
    assert unseen == NON_VISTE_DEL_TRASPORTO


def test_every_mistake_of_a_broken_client_is_named_by_its_own_rule(small_world: World) -> None:
    with serve(small_world) as banco:
        client = MensaRotta(banco.url)
        for mistake, _ in SBAGLI:
            mistake(client)

        rapporto = banco.rapporto(are_anonime=True)

    named = codici(rapporto, Esito.VIOLATA) | codici(rapporto, Esito.AVVERTENZA)
    assert named == {code for _, codes in SBAGLI for code in codes}
    assert len(SBAGLI) == 46 and not rapporto.is_conforme
    assert rapporto.conto == MENSA_ROTTA
    # What it sent of a person is not told.
    assert CODICE_FISCALE not in (told := render_json(rapporto).decode()) and "Rossi" not in told
    assert PASSWORDS["C_PROVA"] not in told
