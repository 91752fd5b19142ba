"""The trial of a flow against what is stored: codes of the store, what would change, and that nothing does.

Source: flows, 2.4 to 2.6; acceptance vectors 4 and 5 (13). The dovuti of the stage come through paaSILImportaDovuto.
"""

from __future__ import annotations

import io
from datetime import date

import pytest

from hub.domain.errors import FlussoRifiutato, NotFound
from hub.domain.flussi import NomeFlusso
from hub.domain.iuv import build_iuv
from hub.domain.prova import ALTRI
from hub.domain.scarto import SINTASSI
from hub.domain.stati import StatoDovuto
from hub.store import schema
from hub.usecases.check_flusso import CheckFlusso, Riepilogo
from hub.usecases.importa_dovuto import ImportaDovuto, RichiestaImportaDovuto
from tests.factories import encode
from tests.tassonomie import changed, lay
from tests.tracciati import make_campi, make_csv
from tests.versamenti import Versamento, own_iuv
from tests.world import World, chi

CUT_OFF = date(2024, 4, 30)
NOME = NomeFlusso("C_PROVA", "F1", "1_3")


def store(world: World, versamento: Versamento, *, genera_iuv: bool = False) -> None:
    importa = ImportaDovuto(world.db, world.runtime.callers, world.runtime.iuv, CUT_OFF)
    importa(chi(), RichiestaImportaDovuto(encode(versamento.xml), genera_iuv), lambda iuv: None, world.clock.now)


def check(world: World, *righe: list[str]) -> tuple[list[tuple[int, str, str]], Riepilogo]:
    before = [world.rows(table) for table in (schema.dovuti, schema.iuv_blocchi)]
    prova = CheckFlusso(NOME, world.clock.now, CUT_OFF, world.db, "C_PROVA")

    found = [
        (riga.numero, scarto.codice.removeprefix("PAA_IMPORT_"), scarto.campo)
        for riga, scarti in prova.scarti(io.BytesIO(make_csv(*righe)))
        for scarto in scarti
        if scarto.messaggio and scarto.rimedio
    ]

    assert [world.rows(table) for table in (schema.dovuti, schema.iuv_blocchi)] == before
    return found, prova.riepilogo


def row(iud: str, azione: str = "I", **changed: str) -> list[str]:
    return make_campi(IUD=iud, azione=azione, **changed)


def test_three_rows_of_which_one_is_bad(world: World) -> None:
    """Vector 3."""
    found, riepilogo = check(world, row("A"), row("B", codiceIdentificativoUnivoco=""), row("C"))

    assert found == [(2, "SINTASSI_CSV", "codiceIdentificativoUnivoco")]
    assert (riepilogo.righe, riepilogo.scartate, riepilogo.azioni["I"].dovuti) == (3, 1, 2)
    assert riepilogo.azioni["I"].importo_cent == 20_000


def test_an_iud_twice_in_a_file_is_refused_unless_the_first_was(world: World) -> None:
    """Vector 4."""
    found, _ = check(world, row("A"), row("A", "M"), row("B", importoDovuto="0.00"), row("B"))

    assert found == [(2, "IUD_DUPLICATO", "IUD"), (3, "SINTASSI_CSV_IMPORTO", "importoDovuto")]


def test_an_iud_that_is_stored_is_taken_until_it_is_cancelled(world: World) -> None:
    store(world, Versamento("A"))
    assert check(world, row("A"))[0] == [(1, "IUD_DUPLICATO", "IUD")]

    store(world, Versamento("A", azione="A"))

    assert check(world, row("A"))[0] == []


def test_an_iuv_is_taken_by_what_is_stored_and_by_rows_before(world: World) -> None:
    store(world, Versamento("A", iuv=own_iuv(1)))

    found, _ = check(
        world, row("B", codIuv=own_iuv(1)), row("C", codIuv=own_iuv(2)), row("D", codIuv=own_iuv(2)),
        row("A", "A"), row("E", codIuv=own_iuv(1)),
    )  # fmt: skip

    assert found == [(1, "IUV_DUPLICATO", "codIuv"), (3, "IUV_DUPLICATO", "codIuv")]


def test_a_modification_keeps_tipo_and_iuv(world: World) -> None:
    """Vector 5."""
    for iud, iuv in (("A", own_iuv(1)), ("B", own_iuv(2)), ("C", own_iuv(3)), ("D", own_iuv(4)), ("E", None)):
        store(world, Versamento(iud, iuv=iuv))

    found, riepilogo = check(
        world,
        row("A", "M", codIuv=own_iuv(9)),
        row("B", "M"),
        row("C", "M", codIuv=own_iuv(3), tipoDovuto="MENSA"),
        row("D", "M", codIuv=own_iuv(4), importoDovuto="7.50"),
        row("E", "M", codIuv=own_iuv(5)),
        row("IGNOTO", "M"),
        row("IGNOTO", "A"),
    )

    assert found == [
        (1, "IUV_DUPLICATO", "codIuv"),
        (2, "IUV_NO_NULLABLE", "codIuv"),
        (3, "TIPO_DOVUTO_NON_MODIFICABILE", "tipoDovuto"),
        (6, "DOVUTO_NON_PRESENTE", "IUD"),
        (7, "DOVUTO_NON_PRESENTE", "IUD"),
    ]
    assert (riepilogo.azioni["M"].dovuti, riepilogo.azioni["M"].importo_cent) == (2, 10_750)


def test_an_iuv_that_is_added_must_be_the_entes_own_or_asked_for(world: World) -> None:
    store(world, Versamento("A"))
    store(world, Versamento("B"))
    other = own_iuv(1, 2)

    found, _ = check(world, row("A", "M", codIuv=other, flgGeneraIuv="false"), row("B", "M", codIuv=other))

    assert found == [(1, "SINTASSI_CSV_IUV", "codIuv")]


def test_a_number_that_the_hub_has_yet_to_draw_is_refused_in_the_trial_too(world: World) -> None:
    store(world, Versamento("A"))

    found, _ = check(world, row("A", "M", codIuv=build_iuv(1, 7)), row("B", codIuv=build_iuv(1, 7)))

    assert found == [(1, "SINTASSI_CSV_IUV", "codIuv"), (2, "SINTASSI_CSV_IUV", "codIuv")]


def test_an_iuv_that_the_hub_drew_is_named_by_changes(world: World) -> None:
    store(world, Versamento("A"), genera_iuv=True)
    iuv = world.rows(schema.dovuti, iud="A")[0].iuv

    assert check(world, row("A", "M", codIuv=iuv, flgGeneraIuv="false"))[0] == []
    found, riepilogo = check(world, row("A", "A", codIuv=iuv, flgGeneraIuv="false"))
    assert found == [] and riepilogo.azioni["A"].dovuti == 1


def test_what_is_in_payment_can_be_neither_changed_nor_cancelled(world: World) -> None:
    """Vector 5, its end."""
    store(world, Versamento("A", iuv=own_iuv(1)))
    with world.db.transaction() as session:
        session.execute(schema.dovuti.update().values(stato=str(StatoDovuto.PAGAMENTO_INIZIATO)))

    found, _ = check(world, row("A", "M", codIuv=own_iuv(1)), row("A", "A"), row("A"))

    assert [codice for _, codice, _ in found] == ["DOVUTO_NON_PRESENTE", "DOVUTO_NON_PRESENTE", "IUD_DUPLICATO"]


def test_a_due_date_must_be_there_or_ahead_where_the_tipo_wants_it(world: World) -> None:
    missing, past = {"dataEsecuzionePagamento": ""}, {"dataEsecuzionePagamento": "2020-01-01"}

    found, _ = check(
        world, row("A", **missing, tipoDovuto="BOLLETTA"), row("B", **past, tipoDovuto="SANZIONE"),
        row("C", **missing), row("D", **past),
    )  # fmt: skip

    wanted = ("DATA_SCADENZA_PAGAMENTO_OBBLIGATORIA", "dataEsecuzionePagamento")
    assert found == [(1, *wanted), (2, *wanted)]


def test_another_ente_neither_sees_nor_disturbs(world: World) -> None:
    store(world, Versamento("A", iuv=own_iuv(1)))
    nome = NomeFlusso("C_VICINO", "F1", "1_3")
    prova = CheckFlusso(nome, world.clock.now, CUT_OFF, world.db, "C_VICINO")

    found = list(prova.scarti(io.BytesIO(make_csv(row("A"), row("B", "A")))))

    assert [(riga.numero, scarti[0].codice) for riga, scarti in found] == [(2, "PAA_IMPORT_DOVUTO_NON_PRESENTE")]


def test_more_rows_than_one_look_at_the_database(world: World) -> None:
    store(world, Versamento("R1200"))

    found, riepilogo = check(world, *(row(f"R{number}") for number in range(1, 1301)), row("R7"))

    assert found == [(1200, "IUD_DUPLICATO", "IUD"), (1301, "IUD_DUPLICATO", "IUD")]
    assert riepilogo.azioni["I"].dovuti == 1299


def test_a_file_of_another_ente_is_refused(small_world: World) -> None:
    with pytest.raises(FlussoRifiutato) as caught:
        CheckFlusso(NOME, small_world.clock.now, CUT_OFF, small_world.db, "C_VICINO")
    assert caught.value.stato == "PAA_IMPORT_ENTE_ERR(C_PROVA,C_VICINO)"
    with pytest.raises(NotFound):
        CheckFlusso(NOME, small_world.clock.now, CUT_OFF, small_world.db, "C_NESSUNO")


def test_without_a_database_the_file_alone_is_judged(small_world: World) -> None:
    prova = CheckFlusso(NOME, small_world.clock.now, CUT_OFF)
    righe = (row("A", tipoDovuto="X"), row("A"), row("B", "A"), row("000"))

    found = [
        (riga.numero, scarto.codice)
        for riga, scarti in prova.scarti(io.BytesIO(make_csv(*righe)))
        for scarto in scarti
    ]

    assert found == [(2, "PAA_IMPORT_IUD_DUPLICATO"), (4, f"{SINTASSI}_IUD")]


def test_codes_that_do_not_count_are_told_and_not_refused(world: World) -> None:
    lay(world.db, changed("0101100IM"))
    codes = ("7/0101101IM/rata", "9/0101100IM/", "9/0101100IM/altro", "9/0115119AP/", "2/1234")
    rows = [row(f"R{number}", datiSpecificiRiscossione=code) for number, code in enumerate(codes)]

    found, riepilogo = check(world, *rows)

    assert found == [] and riepilogo.azioni["I"].dovuti == 5
    assert riepilogo.tassonomia == {
        ("9/0101100IM/", "SCONOSCIUTO"): 2, ("9/0115119AP/", "SCADUTO"): 1, ("2/1234", "FUORI_TASSONOMIA"): 1,
    }  # fmt: skip


def test_of_very_many_codes_only_the_first_are_told_apart(world: World) -> None:
    rows = [row(f"R{number}", datiSpecificiRiscossione=f"2/{number:04d}") for number in range(60)]

    _found, riepilogo = check(world, *rows)

    assert len(riepilogo.tassonomia) == 51 and riepilogo.tassonomia[(ALTRI, "FUORI_TASSONOMIA")] == 10
