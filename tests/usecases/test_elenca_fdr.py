"""Which settlement flows the node has is asked for each ente in its turn, by one worker, without holes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from hub.domain.acquisizione_fdr import Elenco, EsitoDomanda, FlussoElencato, Trasporto
from hub.formats.configurazione import read_configurazione
from hub.store import acquisizioni_fdr, schema
from hub.usecases.apply_config import apply
from hub.usecases.export_config import export_config
from tests.rendicontazioni import OGGI, RITMO, NodoInMemoria, Rendicontazione, make_flusso, make_pagamento
from tests.world import INTERMEDIARIO, STAZIONE, World

VICINO = "98765432103"


@pytest.fixture
def fdr(world: World) -> Rendicontazione:
    world.clock.now = OGGI
    return Rendicontazione(world, NodoInMemoria())


def test_every_active_ente_has_its_turn_and_no_other(fdr):
    fdr.tutto()

    assert [domanda.dominio for domanda in fdr.nodo.domande] == [INTERMEDIARIO, VICINO]
    assert {domanda.stazione.password for domanda in fdr.nodo.domande} == {"password01"}
    assert not fdr.elenca(), "the next turn is four hours from now"
    fdr.di_nuovo()
    assert len(fdr.nodo.domande) == 4


def test_a_first_list_begins_with_the_memory_of_the_node(fdr):
    fdr.elenca()

    assert fdr.nodo.dal == [OGGI - timedelta(days=31)]


def test_a_later_list_begins_a_day_before_the_newest_flow_that_was_published(fdr):
    fdr.usa(Trasporto.REST)
    published = OGGI - timedelta(hours=3)
    fdr.nodo.flussi = [make_flusso(generato_at=OGGI - timedelta(days=2), pubblicato_at=published)]
    fdr.tutto()
    fdr.nodo.dal.clear()

    fdr.di_nuovo()

    assert fdr.nodo.dal[0] == published - timedelta(days=1)


@pytest.mark.parametrize("trasporto", [Trasporto.SOAP, Trasporto.REST], ids=str)
def test_after_forty_five_days_what_is_still_there_is_taken_and_the_rest_is_a_gap(fdr, trasporto):
    fdr.usa(trasporto)
    first = make_flusso()
    fdr.nodo.flussi = [first]
    fdr.tutto()
    stopped_at = fdr.turno().elencata_at

    fdr.world.clock.advance(45 * 86_400)
    again = fdr.world.clock()
    days = [again - timedelta(days=day) for day in range(44, -1, -1)]
    listed = [at for at in days if again - at <= timedelta(days=30)]
    flussi = [make_flusso(make_pagamento(n), generato_at=at, regolato=at.date()) for n, at in enumerate(days, 2)]
    fdr.nodo.flussi = [one for one in flussi if one.generato_at in listed]
    fdr.tutto()

    (lacuna,) = [row for row in fdr.world.rows(schema.lacune_fdr) if row.dominio == INTERMEDIARIO]
    assert (lacuna.dal, lacuna.al) == (stopped_at, again - timedelta(days=30))
    assert {row.iuf for row in fdr.rows() if row.attiva} == {first.iuf, *(one.iuf for one in fdr.nodo.flussi)}
    fdr.di_nuovo()
    assert len(fdr.world.rows(schema.lacune_fdr)) == 2, "one for each ente, told once"


def test_a_stop_within_the_memory_of_the_node_leaves_no_gap(fdr):
    fdr.tutto()

    fdr.world.clock.advance(29 * 86_400)
    fdr.tutto()

    assert fdr.world.rows(schema.lacune_fdr) == []


def test_a_list_that_fails_moves_no_cursor_and_is_asked_for_again_sooner(fdr):
    fdr.tutto()
    before = fdr.turno()
    fdr.world.clock.advance(RITMO.intervallo.total_seconds())
    fdr.nodo.elenchi = [Elenco(EsitoDomanda.RIPROVARE, codice="HTTP_503"), Elenco(EsitoDomanda.RIPROVARE, codice="X")]

    fdr.tutto()

    turno = fdr.turno()
    assert (turno.errori, turno.codice, turno.elencata_at, turno.ferma) == (1, "HTTP_503", before.elencata_at, False)
    assert turno.next_attempt_at == fdr.world.clock() + timedelta(minutes=1)
    fdr.world.clock.advance(60)
    fdr.tutto()
    assert (fdr.turno().errori, fdr.turno().codice) == (0, None)


def test_a_pause_that_the_platform_asks_for_is_kept(fdr):
    fdr.nodo.elenchi = [Elenco(EsitoDomanda.RIPROVARE, codice="HTTP_429", retry_after_s=3600)]

    fdr.elenca()

    assert fdr.turno().next_attempt_at == OGGI + timedelta(hours=1)


def test_a_refused_station_stops_its_ente_and_comes_back_by_itself(fdr):
    fdr.nodo.elenchi = [Elenco(EsitoDomanda.RIFIUTATA, codice="PPT_AUTENTICAZIONE", dettaglio="password errata")]

    fdr.tutto()

    turno = fdr.turno()
    assert (turno.ferma, turno.codice, turno.motivo) == (True, "PPT_AUTENTICAZIONE", "password errata")
    assert fdr.turno(VICINO).elencata_at is not None, "the other ente goes on"
    fdr.world.clock.advance(6 * 3600)
    fdr.tutto()
    assert fdr.turno().ferma is False


def test_entries_that_are_no_flow_are_told_and_the_others_kept(fdr):
    good = FlussoElencato("2026-11-20ABI01234-S1", OGGI, "ABI01234")
    fdr.nodo.elenchi = [Elenco(EsitoDomanda.OK, (good,), saltati=("flusso X: dataOraFlusso non leggibile",))]

    fdr.elenca()

    assert fdr.turno().motivo == "flusso X: dataOraFlusso non leggibile"
    assert fdr.one().iuf == good.iuf


def test_several_workers_share_the_turns(fdr):
    """Each ente is asked for by one of them."""
    workers = [Rendicontazione(fdr.world, fdr.nodo) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda worker: worker.tutto(), workers))

    assert sorted(domanda.dominio for domanda in fdr.nodo.domande) == [INTERMEDIARIO, VICINO]


def test_a_worker_that_dies_while_it_asks_is_followed_by_another(fdr):
    with fdr.world.db.transaction() as session:
        acquisizioni_fdr.add_missing(session, OGGI)
        held = acquisizioni_fdr.claim(session, OGGI, OGGI + RITMO.lease)

    fdr.tutto()
    assert [domanda.dominio for domanda in fdr.nodo.domande] == [VICINO]
    fdr.world.clock.advance(RITMO.lease.total_seconds() + 1)
    fdr.tutto()
    assert fdr.nodo.domande[-1].dominio == held.dominio


def test_a_station_says_how_it_asks_and_the_export_says_it_back(fdr):
    text = f'stazioni:\n- id: "{STAZIONE}"\n  intermediario: "{INTERMEDIARIO}"\n  password: "***"\n  fdr: %s\n'
    world = fdr.world
    for trasporto in ("nessuno", "rest"):
        wanted = read_configurazione((text % trasporto).encode())
        assert any(one.campo == "fdr" for one in apply(world.db, wanted, world.runtime.cassaforte, world.clock()))
        assert apply(world.db, wanted, world.runtime.cassaforte, world.clock())[0].azione == "lascia"
        (stazione,) = export_config(world.db, world.clock())["stazioni"]
        assert stazione["fdr"] == trasporto
        if trasporto == "nessuno":
            fdr.tutto()
            assert fdr.nodo.domande == [], "somebody else fetches them"


def test_a_station_with_a_key_asks_over_rest_and_one_without_over_soap(fdr):
    soap, rest = NodoInMemoria(Trasporto.SOAP), NodoInMemoria(Trasporto.REST)
    fdr.porte = {Trasporto.SOAP: soap, Trasporto.REST: rest}
    fdr.tutto()
    sealed = fdr.world.runtime.cassaforte.seal("chiave-di-prova-1")

    fdr.world.lay(schema.servizi_rest, stazione_id=STAZIONE, servizio="fdr", chiave_cifrata=sealed)
    fdr.di_nuovo()

    assert (len(soap.domande), len(rest.domande)) == (2, 2)
    assert rest.domande[0].chiavi == ("chiave-di-prova-1",)
