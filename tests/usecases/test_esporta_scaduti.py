"""The file of expired positions. Source: flows, 3.4."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from hub.domain.iuv import build_iuv
from hub.store import schema
from hub.usecases import righe_export
from tests.esportazioni import ask, book_expired, booking, iuv_of, read_file, rows_of, tick

HEADER = (
    "IUD;codIuv;dataCreazione;tipoIdentificativoUnivoco;codiceIdentificativoUnivoco;anagraficaPagatore;"
    "indirizzoPagatore;civicoPagatore;capPagatore;localitaPagatore;provinciaPagatore;nazionePagatore;mailPagatore;"
    "dataEsecuzionePagamento;importoDovuto;commissioneCaricoPa;tipoDovuto;tipoVersamento;causaleVersamento;"
    "datiSpecificiRiscossione;bilancio;flgGeneraIuv"
)
TODAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def _now(request):
    for name in ("world", "small_world"):
        if name in request.fixturenames:
            request.getfixturevalue(name).clock.now = datetime(2026, 11, 21, 10, tzinfo=UTC)


def lay(world, iud: str, due: date = TODAY - timedelta(days=1), **values):
    return world.lay_avviso(**({"iuv": None, "iud": iud, "tipo": "SANZIONE", "scadenza": due} | values))


def expired(world, entro: date = TODAY, tipi: str = "SANZIONE") -> list[str]:
    """The IUD of the file."""
    request_token = book_expired(world, entro, tipi)
    assert tick(world)
    if booking(world, request_token).stato != "EXPORT_ESEGUITO":
        return []
    return [row["IUD"] for row in rows_of(world, request_token)]


def test_the_file_has_its_name_its_columns_and_no_quotes(world):
    pagatore = {
        "tipo": "F", "codice": "RSSMRA80A01H501U", "anagrafica": "=Mario Rossi", "indirizzo": "Via Roma; int. 2",
        "civico": "1", "cap": "00100", "localita": "Roma", "provincia": "RM", "nazione": "IT", "email": "m@example.org",
    }  # fmt: skip
    lay(
        world, "IUD-1", iuv=build_iuv(1, 7), pagatore=pagatore, commissione_cent=150, bilancio_xml="<bilancio/>",
        created_at=datetime(2026, 10, 31, 23, 30, tzinfo=UTC),
    )  # fmt: skip
    request_token = book_expired(world, TODAY)

    assert tick(world)

    path, data = read_file(world, request_token)
    assert path == f"C_PROVA/EXPORT_DOVUTI_SCADUTI/2026-11/EXP_SCADUTI_{request_token}.zip"
    assert data.decode() == (
        f"{HEADER}\nIUD-1;{build_iuv(1, 7)};2026-11-01;F;RSSMRA80A01H501U;'=Mario Rossi;\"Via Roma; int. 2\";1;00100;"
        "Roma;RM;IT;m@example.org;2026-11-20;50.00;1.50;SANZIONE;ALL;Tassa rifiuti 2026;9/0101101IM/;<bilancio/>;true\n"
    )
    answer = ask(world, request_token)
    assert (answer.nomeFile, answer.pathFile) == (f"EXP_SCADUTI_{request_token}.zip", path)


def test_an_iuv_of_the_ente_or_none_was_not_drawn(world):
    lay(world, "IUD-1", iuv=iuv_of(1))
    lay(world, "IUD-2")
    request_token = book_expired(world, TODAY)

    tick(world)

    rows = rows_of(world, request_token)
    assert [(row["codIuv"], row["flgGeneraIuv"]) for row in rows] == [(iuv_of(1), "false"), ("", "false")]


@pytest.mark.parametrize(
    ("days", "entro", "expected"),
    [
        (-1, TODAY, True),
        (0, TODAY, False),  # due today: not late yet
        (0, TODAY + timedelta(days=30), False),
        (-5, TODAY - timedelta(days=5), True),
        (-4, TODAY - timedelta(days=5), False),
    ],
)
def test_late_means_due_by_the_day_asked_for_and_before_today(small_world, days, entro, expected):
    lay(small_world, "IUD-1", TODAY + timedelta(days=days))

    assert expired(small_world, entro) == (["IUD-1"] if expected else [])


def test_only_tipi_with_a_mandatory_due_date_count(world):
    lay(world, "IUD-1")
    lay(world, "IUD-2", tipo="TARI")

    assert expired(world, tipi="SANZIONE;TARI;MENSA") == ["IUD-1"]
    assert expired(world, tipi="TARI") == []


def test_only_what_waits_to_be_paid_counts(world):
    lay(world, "IUD-1")
    lay(world, "IUD-2", stato="PAGAMENTO_INIZIATO")
    lay(world, "IUD-3", stato="COMPLETATO")
    lay(world, "IUD-4", stato="ANNULLATO", attuale=False)
    lay(world, "IUD-5", attuale=False)
    lay(world, "IUD-6", ente_id=2, dominio="98765432103")
    lay(world, "IUD-7", scadenza=None)

    assert expired(world) == ["IUD-1"]


def test_many_come_once_each_in_order(world, monkeypatch):
    monkeypatch.setattr(righe_export, "PAGINA", 2)
    wanted = [f"IUD-{number}" for number in range(1, 8)]
    for iud in reversed(wanted):
        lay(world, iud)

    assert expired(world) == wanted


def test_none_is_told_by_its_code(world):
    request_token = book_expired(world, TODAY)

    assert tick(world)

    answer = ask(world, request_token)
    assert (answer.stato, answer.downloadUrl or "") == ("PAA_ERROR_NESSUN_DOVUTO_TROVATO", "")
    row = world.one(schema.prenotazioni_export, request_token=request_token)
    assert (row.stato, row.file) == ("EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO", None)
