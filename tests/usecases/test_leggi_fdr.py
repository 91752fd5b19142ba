"""A settlement flow that the node lists becomes payments to reconcile: once, exactly, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from adapters.nodo.fdr_prodotti import Difetto, render_xml
from hub.domain.acquisizione_fdr import EsitoDomanda, Scarico, Trasporto
from hub.domain.errors import Conflict
from hub.store import rendicontazioni, schema
from hub.usecases import leggi_fdr
from tests.rendicontazioni import OGGI, NodoInMemoria, Rendicontazione, make_flusso, make_pagamento
from tests.world import INTERMEDIARIO, World


@pytest.fixture(params=[Trasporto.SOAP, Trasporto.REST], ids=str)
def fdr(world: World, request: pytest.FixtureRequest) -> Rendicontazione:
    world.clock.now = OGGI + timedelta(hours=1)
    found = Rendicontazione(world, NodoInMemoria())
    found.usa(request.param)
    return found


def test_a_flow_becomes_its_payments_in_cents(fdr):
    revoked = make_pagamento(2, importo_cent=30, esito="3", indice=None, data=date(2026, 11, 17))
    flusso = make_flusso(make_pagamento(1, importo_cent=100_000_01), revoked)
    fdr.nodo.flussi = [flusso]

    fdr.tutto()

    row = fdr.one()
    said = (row.stato, row.attiva, row.iuf, row.psp, row.trn, row.regolato, row.righe, row.importo_cent, row.somma)
    assert said == (
        "PARSED", True, flusso.iuf, "ABI01234", f"TRN{flusso.iuf}"[:35], flusso.regolato, 2, 99_999_71, "NETTA"
    )  # fmt: skip
    assert (row.generato_at, row.dominio, row.ente_id, row.ricevente_codice) == (OGGI, INTERMEDIARIO, 1, INTERMEDIARIO)
    righe = [(r.numero, r.iuv, r.iur, r.indice, r.importo_cent, r.esito, r.data_esito) for r in fdr.righe(row.id)]
    assert righe == [
        (1, "01000000000000001", "IUR00000001", 1, 10_000_001, "0", date(2026, 11, 18)),
        (2, "01000000000000002", "IUR00000002", None, 30, "3", date(2026, 11, 17)),
    ]


def test_the_bytes_are_kept_as_they_came(fdr):
    fdr.nodo.flussi = [make_flusso()]

    fdr.tutto()

    row = fdr.one()
    with fdr.world.runtime.archivio.open(row.file) as source:
        data = source.read()
    assert len(data) == row.size_bytes and row.file.startswith("C_PROVA/RENDICONTAZIONE/2026_11/")


def test_a_list_that_tells_a_flow_again_and_twice_brings_it_once(fdr):
    flusso = make_flusso()
    fdr.nodo.flussi = [flusso, flusso]

    fdr.tutto()
    fdr.di_nuovo()
    fdr.di_nuovo()

    assert len(fdr.rows()) == 1
    assert len(fdr.nodo.chiesti) == 1


def test_a_newer_revision_counts_in_the_place_of_the_older_one(fdr):
    old = make_flusso(make_pagamento(1), make_pagamento(2))
    fdr.nodo.flussi = [old]
    fdr.tutto()

    fdr.nodo.flussi = [replace(old, pagamenti=(make_pagamento(1),), generato_at=OGGI + timedelta(hours=2), revisione=2)]
    fdr.di_nuovo()

    first, second = fdr.rows()
    assert (first.attiva, first.superata_da, second.attiva) == (False, second.id, True)
    assert fdr.attive() == [("01000000000000001", 1001)]
    assert len(fdr.righe(first.id)) == 2, "history stays"


def test_an_older_revision_that_comes_late_changes_nothing(fdr):
    new = make_flusso(make_pagamento(1), generato_at=OGGI, revisione=2)
    old = replace(new, pagamenti=(make_pagamento(7),), generato_at=OGGI - timedelta(hours=5), revisione=1)
    fdr.nodo.flussi = [new]
    fdr.tutto()

    fdr.nodo.flussi = [old]
    fdr.di_nuovo()

    first, second = fdr.rows()
    assert (first.attiva, second.attiva, second.superata_da, second.stato) == (True, False, first.id, "PARSED")
    assert fdr.attive() == [("01000000000000001", 1001)]


@pytest.mark.parametrize(
    ("difetto", "motivo"),
    [
        (Difetto.TOTALI, "importoTotalePagamenti 20.04: la somma dei pagamenti è 20.03"),
        (Difetto.CONTEGGIO, "numeroTotalePagamenti 3: i pagamenti sono 2"),
    ],
)
def test_a_flow_whose_totals_do_not_add_up_is_kept_and_shown(fdr, difetto, motivo):
    fdr.nodo.flussi = [make_flusso(difetti=frozenset({difetto}))]

    fdr.tutto()

    row = fdr.one()
    assert (row.stato, row.attiva) == ("INCONSISTENT", True)
    assert row.motivo.startswith(motivo)
    assert len(fdr.attive()) == 2


def test_a_total_without_the_sign_of_the_revocations_is_good_and_said_so(world):
    fdr = Rendicontazione(world, NodoInMemoria())
    flusso = make_flusso(make_pagamento(1, importo_cent=500), make_pagamento(2, importo_cent=200, esito="3"))
    fdr.nodo.flussi = [flusso]

    def gross(_: Any, copia: Any) -> None:
        for block in render_xml(flusso):
            copia.write(block.replace(b">3.00<", b">7.00<"))

    fdr.nodo.write = gross
    fdr.tutto()

    row = fdr.one()
    assert (row.stato, row.somma, row.netto_cent, row.lordo_cent) == ("PARSED", "LORDA", 300, 700)


def test_a_corrupt_flow_is_asked_for_once_more_then_left_to_a_person_and_stops_no_other(fdr):
    bad = make_flusso(iuf="2026-11-20ABI01234-BAD", difetti=frozenset({Difetto.CORROTTO}))
    fdr.nodo.flussi = [bad, make_flusso()]

    fdr.tutto()

    assert {row.iuf[-3:]: row.stato for row in fdr.rows()} == {"BAD": "DOWNLOAD_ERROR", "-S1": "PARSED"}
    fdr.di_nuovo()
    row = fdr.one(iuf=bad.iuf)
    assert (row.stato, row.attiva, row.next_attempt_at, row.attempts) == ("INCONSISTENT", False, None, 2)
    assert row.motivo and row.file
    assert fdr.righe(row.id) == []
    fdr.di_nuovo()
    assert fdr.nodo.chiesti.count(bad.iuf) == 2


def test_a_corrupt_revision_leaves_the_one_that_counts(fdr):
    old = make_flusso()
    fdr.nodo.flussi = [old]
    fdr.tutto()

    broken = replace(old, generato_at=OGGI + timedelta(hours=1), revisione=2, difetti=frozenset({Difetto.CORROTTO}))
    fdr.nodo.flussi = [broken]
    fdr.di_nuovo()
    fdr.di_nuovo()

    assert [(row.stato, row.attiva) for row in fdr.rows()] == [("PARSED", True), ("INCONSISTENT", False)]
    assert len(fdr.attive()) == 2


def test_bytes_that_were_spoilt_on_their_way_are_good_the_second_time(fdr):
    good = make_flusso()
    fdr.nodo.flussi = [replace(good, difetti=frozenset({Difetto.CORROTTO}))]
    fdr.tutto()

    fdr.nodo.flussi = [good]
    fdr.di_nuovo()

    assert fdr.one().stato == "PARSED"


def test_a_flow_of_another_ente_is_not_kept_as_ours(fdr):
    fdr.nodo.flussi = [make_flusso(difetti=frozenset({Difetto.ALTRO_ENTE}))]

    fdr.tutto()

    row = fdr.one()
    assert (row.stato, row.attiva) == ("INCONSISTENT", False)
    assert row.motivo == f"istitutoRicevente 99999999990: il flusso è stato chiesto per {INTERMEDIARIO}"
    assert fdr.attive() == []


def test_a_person_may_ask_for_a_flow_again_but_not_for_one_that_counts(fdr):
    good = make_flusso()
    fdr.nodo.flussi = [replace(good, difetti=frozenset({Difetto.ALTRO_ENTE}))]
    fdr.tutto()

    fdr.nodo.flussi = [good]
    with fdr.world.db.transaction() as session:
        rendicontazioni.again(session, fdr.one().id, fdr.world.clock())
    fdr.tutto()

    assert fdr.one().stato == "PARSED"
    with pytest.raises(Conflict), fdr.world.db.transaction() as session:
        rendicontazioni.again(session, fdr.one().id, fdr.world.clock())


def test_an_unknown_flow_is_asked_for_daily_and_left_to_a_person_after_thirty_days(fdr):
    fdr.nodo.flussi = [make_flusso()]
    fdr.elenca()
    fdr.nodo.flussi = []

    fdr.tutto()

    row = fdr.one()
    assert (row.stato, row.motivo) == ("DOWNLOAD_ERROR", "PPT_ID_FLUSSO_SCONOSCIUTO")
    assert row.next_attempt_at == fdr.world.clock() + timedelta(days=1)
    for _ in range(40):
        fdr.world.clock.advance(86_400)
        fdr.tutto()
    row = fdr.one()
    assert (row.stato, row.next_attempt_at) == ("DOWNLOAD_ERROR", None)
    assert len(fdr.nodo.chiesti) == 31, "the day on which it was listed and thirty after it"


def test_a_refused_caller_stops_its_own_ente_alone(fdr):
    fdr.nodo.flussi = [make_flusso(), make_flusso(dominio="98765432103")]
    while fdr.elenca():
        pass
    fdr.nodo.scarichi = [Scarico(EsitoDomanda.RIFIUTATA, "PPT_AUTENTICAZIONE")]

    fdr.tutto()

    stati = {row.dominio: (row.stato, row.attiva) for row in fdr.rows()}
    assert sorted(stati.values()) == [("DOWNLOAD_ERROR", False), ("PARSED", True)]
    stopped = next(dominio for dominio, value in stati.items() if not value[1])
    turno = fdr.turno(stopped)
    assert (turno.ferma, turno.codice) == (True, "PPT_AUTENTICAZIONE")
    fdr.world.clock.advance(6 * 3600)
    fdr.tutto()
    assert all(row.attiva for row in fdr.rows())


def test_a_worker_that_dies_while_it_downloads_is_followed_by_another(fdr):
    fdr.nodo.flussi = [make_flusso()]
    fdr.elenca()

    class Died(BaseException):
        pass

    def die() -> None:
        raise Died

    fdr.nodo.during = die
    with pytest.raises(Died):
        fdr.scarica()
    fdr.nodo.during = lambda: None

    assert fdr.one().stato == "DOWNLOADING"
    assert not fdr.scarica(), "it is still held"
    fdr.world.clock.advance(fdr.ritmo.lease.total_seconds() + 1)
    fdr.tutto()
    assert fdr.one().stato == "PARSED"


def test_a_worker_given_up_for_dead_writes_nothing_over_its_heir(fdr):
    fdr.nodo.flussi = [make_flusso()]
    fdr.elenca()
    world, heir = fdr.world, Rendicontazione(fdr.world, fdr.nodo)

    def overtake() -> None:
        fdr.nodo.during = lambda: None
        world.clock.advance(fdr.ritmo.lease.total_seconds() + 1)
        assert heir.scarica()

    fdr.nodo.during = overtake
    fdr.scarica()
    stored = fdr.one()
    fdr.tutto()

    row = fdr.one()
    assert (row.stato, row.file) == ("PARSED", stored.file)
    assert world.runtime.archivio.size_bytes(row.file) == row.size_bytes
    files = [file.path for page in world.runtime.archivio.pages() for file in page]
    assert files == [row.file]


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_reading_that_was_broken_off_goes_on_at_the_next_row(fdr, kept):
    """The pieces before the crash stay; no row is written twice, none is left out."""
    fdr.nodo.flussi = [make_flusso(*(make_pagamento(number) for number in range(1, 11)))]
    fdr.elenca()
    fdr.scarica()
    world, asked = fdr.world, 0

    class Died(BaseException):
        pass

    def clock() -> datetime:
        # Twice to take the flow, then once for each piece.
        nonlocal asked
        asked += 1
        if asked > 2 + kept:
            raise Died
        return world.clock()

    with pytest.raises(Died):
        leggi_fdr.run_once(world.db, world.runtime.archivio, clock, pezzo=3)
    assert fdr.one().righe_lette == 3 * kept
    fdr.world.clock.advance(600)
    fdr.tutto()

    row = fdr.one()
    assert (row.stato, row.righe_lette) == ("PARSED", 10)
    assert [riga.numero for riga in fdr.righe(row.id)] == list(range(1, 11))


def test_a_station_that_goes_from_soap_to_rest_brings_no_flow_twice(world):
    world.clock.now = OGGI + timedelta(hours=1)
    fdr = Rendicontazione(world, NodoInMemoria())
    first, second = make_flusso(), make_flusso(iuf="2026-11-20ABI01234-S2")
    fdr.nodo.flussi = [first, second]
    fdr.elenca()
    fdr.scarica()
    fdr.leggi()

    fdr.usa(Trasporto.REST)
    fdr.di_nuovo()

    assert [(row.revisione, row.attiva, row.trasporto) for row in fdr.rows()] == [(1, True, "soap"), (1, True, "rest")]
    assert len(fdr.attive()) == 4


def test_the_database_lets_one_revision_of_a_flow_count(world):
    fdr = Rendicontazione(world, NodoInMemoria())
    flusso = make_flusso()
    fdr.nodo.flussi = [flusso]
    fdr.tutto()
    fdr.nodo.flussi = [replace(flusso, generato_at=OGGI + timedelta(hours=1))]
    fdr.world.clock.advance(86_400)
    while fdr.elenca():
        pass
    fdr.scarica()
    with world.db.transaction() as session:
        row = rendicontazioni.claim(session, world.clock(), world.clock() + timedelta(minutes=5), is_stored=True)

    with pytest.raises(Conflict), world.db.transaction() as session:
        values = {"versante": "ABI01234", "generato_at": OGGI}
        rendicontazioni.activate(session, row, to="PARSED", at=world.clock(), **values)  # type: ignore[arg-type]

    assert [row.attiva for row in world.rows(schema.rendicontazioni)] == [True, False]
