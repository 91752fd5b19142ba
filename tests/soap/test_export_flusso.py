"""The bookings of an export and their state, through their contract. Source: pa-per-ente, 2.8 and 2.9."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.formats.gettoni_firmati import Scarico, read_scarico
from hub.formats.segreti import hash_password
from hub.store import schema
from hub.usecases import expire_flussi
from hub.usecases import prenota_export_flusso as deed
from tests.soap.door import ENTE, Answer, envelope
from tests.soap.zeep_client import client_of, intestazione, open_door
from tests.world import World

EXPORT = "paaSILPrenotaExportFlusso"
INCREMENTALE = "paaSILPrenotaExportFlussoIncrementaleConRicevuta"
SCADUTI = "paaSILPrenotaExportFlussoScaduti"
STATO, STATO_SCADUTI = "paaSILChiediStatoExportFlusso", "paaSILChiediStatoExportFlussoScaduti"
NOW = datetime(2026, 11, 21, 16, 30, 15, 400000, tzinfo=UTC)
MYPIVOT = "Mypivot12345"

GOOD = {
    EXPORT: {"dateFrom": "2026-11-01", "dateTo": "2026-11-20"},
    INCREMENTALE: {
        "dateFrom": "2026-11-01T08:00:00",
        "dateTo": "2026-11-20T18:30:00",
        "ricevuta": "true",
        "incrementale": "true",
    },
    SCADUTI: {"dataScadenza": "2026-11-21", "tipiDovuto": "TARI;MENSA"},
}
ORDER = ("password", "dateFrom", "dateTo", "dataScadenza", "tipiDovuto", "identificativoTipoDovuto", "ricevuta",
         "incrementale", "versioneTracciato", "passwordMypivot")  # fmt: skip


@pytest.fixture
def stage(small_world: World) -> World:
    small_world.clock.now = NOW
    small_world.change(schema.enti, "id", 1, password_mypivot_hash=hash_password(MYPIVOT))
    return small_world


def send(world: World, operation: str, ente: str = "C_PROVA", **changes: str | None) -> Answer:
    """A call written by hand: zeep does not let a broken one out. None leaves an element out."""
    fields = {"password": "Segreto12345"} | GOOD[operation] | changes
    body = "".join(f"<{name}>{fields[name]}</{name}>" for name in ORDER if fields.get(name) is not None)
    header = f'<h:intestazionePPT xmlns:h="{ENTE}ppthead"><codIpaEnte>{ente}</codIpaEnte></h:intestazionePPT>'
    answer = open_door(world).post(
        "/ws/pa/PagamentiTelematiciDovutiPagati", envelope(f"<ente:{operation}>{body}</ente:{operation}>", header), {}
    )
    return Answer(answer.status, answer.headers, answer.body)


def code_of(answer: Answer) -> str | None:
    assert answer.status == 200, answer.body
    return answer.payload.findtext("fault/faultCode")


def book(world: World, operation: str = EXPORT, password: str = "Segreto12345", **changes) -> str:
    answer = send(world, operation, **({"password": password} | changes))
    assert code_of(answer) is None, answer.body
    return answer.payload.findtext("requestToken")


def row_of(world: World, request_token: str):
    return world.one(schema.prenotazioni_export, request_token=request_token)


def lay_application(world: World, nome: str, **grants) -> str:
    password = f"{nome}-1234567"
    values = {"hash": hash_password(password), "created_at": world.clock()} | grants
    world.lay(schema.credenziali, ente_id=1, applicazione=nome, **values)
    return password


def ask(world: World, request_token: str, operation: str = STATO, ente: str = "C_PROVA", password: str | None = None):
    known = {"C_PROVA": "Segreto12345", "C_VICINO": "Vicino123456"}[ente]
    call = getattr(client_of(world), operation)
    return call(requestToken=request_token, password=password or known, _soapheaders=intestazione(ente))


# The checks in their order: each defect with its code.
UNKNOWN = ({"password": "Sbagliata123"}, "PAA_ENTE_NON_VALIDO")
TIPO = ({"identificativoTipoDovuto": "IMU"}, "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO")
VERSIONE = ({"versioneTracciato": "1.4"}, "PAA_VERSIONE_TRACCIATO_NON_VALIDA")
CHECKS = {
    EXPORT: [
        UNKNOWN,
        ({"dateFrom": None}, "PAA_DATE_FROM_NON_VALIDO"),
        ({"dateTo": None}, "PAA_DATE_TO_NON_VALIDO"),
        ({"dateTo": "2026-10-31"}, "PAA_INTERVALLO_DATE_NON_VALIDO"),
        TIPO,
        VERSIONE,
    ],
    INCREMENTALE: [
        UNKNOWN,
        ({"dateFrom": ""}, "PAA_DATE_FROM_NON_VALIDO"),
        ({"dateTo": "domani"}, "PAA_DATE_TO_NON_VALIDO"),
        ({"dateTo": "2026-11-01T07:59:59"}, "PAA_INTERVALLO_DATE_NON_VALIDO"),
        ({"passwordMypivot": "Altra1234567"}, "CODE_PAA_PASSWORD_ALLINEAMENTO_MYPIVOT_NON_VALIDA"),
        TIPO,
        VERSIONE,
    ],
    SCADUTI: [
        UNKNOWN,
        ({"dataScadenza": None}, "PAA_DATE_FROM_NON_VALIDO"),
        ({"tipiDovuto": "TARI;IMU"}, "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO"),
        ({"tipiDovuto": " ; "}, "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_INSERITO"),
    ],
}
ONE = [(operation, *check) for operation, checks in CHECKS.items() for check in checks]
TWO = [
    (operation, first[0] | {name: value for name, value in second[0].items() if name not in first[0]}, first[1])
    for operation, checks in CHECKS.items()
    for first, second in itertools.combinations(checks, 2)
    if not set(first[0]) & set(second[0])
]


@pytest.mark.parametrize(("operation", "defect", "code"), ONE)
def test_each_defect_has_its_code_and_books_nothing(stage, operation, defect, code):
    answer = send(stage, operation, **defect)

    assert code_of(answer) == code
    assert answer.payload.findtext("fault/id") == "C_PROVA"
    assert answer.payload.findtext("fault/faultString") and answer.payload.findtext("fault/description")
    assert stage.rows(schema.prenotazioni_export) == []


@pytest.mark.parametrize(("operation", "defects", "code"), TWO)
def test_of_two_defects_the_first_of_the_table_is_told(stage, operation, defects, code):
    assert code_of(send(stage, operation, **defects)) == code


@pytest.mark.parametrize(("operation", "expected"), [(EXPORT, False), (INCREMENTALE, False), (SCADUTI, True)])
def test_an_ente_that_is_not_active_books_only_expired_items(stage, operation, expected):
    """verificaEnte looks at the state in the two bookings of paid items alone (2)."""
    answer = send(stage, operation, "C_SPENTO", password="Spento123456")

    assert code_of(answer) == (None if expected else "PAA_ENTE_NON_VALIDO")


@pytest.mark.parametrize("operation", [EXPORT, INCREMENTALE, SCADUTI])
def test_without_the_header_nobody_is_calling(stage, operation):
    body = "".join(f"<{name}>{GOOD[operation][name]}</{name}>" for name in ORDER if name in GOOD[operation])
    answer = open_door(stage).post(
        "/ws/pa/PagamentiTelematiciDovutiPagati", envelope(f"<ente:{operation}>{body}</ente:{operation}>", ""), {}
    )

    assert code_of(Answer(answer.status, {}, answer.body)) == "PAA_ENTE_NON_VALIDO"


@pytest.mark.parametrize("text", ["2026-02-30", "21/11/2026", "2026-11-21T10:00:00", "oggi", "9" * 300])
def test_a_day_that_is_none_is_a_business_fault(stage, text):
    assert code_of(send(stage, EXPORT, dateFrom=text)) == "PAA_DATE_FROM_NON_VALIDO"
    assert code_of(send(stage, EXPORT, dateTo=text)) == "PAA_DATE_TO_NON_VALIDO"
    assert code_of(send(stage, SCADUTI, dataScadenza=text)) == "PAA_DATE_FROM_NON_VALIDO"


@pytest.mark.parametrize("missing", ["ricevuta", "incrementale"])
def test_what_no_code_speaks_of_is_refused_by_the_contract(stage, missing):
    answer = send(stage, INCREMENTALE, **{missing: None})

    assert (answer.status, answer.fault[0]) == (500, "Client")


def test_a_booking_keeps_what_was_asked(world):
    world.clock.now = NOW
    password = lay_application(world, "tributi", tipi=["TARI", "MENSA"])

    row = row_of(world, book(world, EXPORT, password, dateTo="2026-11-01+01:00", versioneTracciato="1.3"))

    assert (row.ente_id, row.applicazione, row.genere, row.stato) == (1, "tributi", "PAGATI", "LOAD_EXPORT")
    assert (row.giorno_da, row.giorno_a, row.istante_da) == (date(2026, 11, 1), date(2026, 11, 1), None)
    assert (row.versione, row.tipi, row.ente_secondario) == ("1.3", ["MENSA", "TARI"], False)
    assert (row.ricevuta, row.incrementale, row.eseguibile_at) == (False, False, NOW)


def test_layout_and_tipi_have_their_defaults(stage):
    row = row_of(stage, book(stage, versioneTracciato="", identificativoTipoDovuto=""))

    assert (row.versione, row.tipi) == ("1.0", None)


def test_items_of_which_the_ente_is_second_beneficiary_can_be_asked_for(stage):
    row = row_of(stage, book(stage, identificativoTipoDovuto="EXPORT_ENTE_SECONDARIO"))

    assert (row.tipi, row.ente_secondario) == (None, True)


def test_a_tipo_as_long_as_the_configuration_admits_can_be_asked_for(stage):
    """The contract says 35, the codes go to 64 (flows, 12, 18)."""
    codice = "T" * 64
    with stage.db.reading() as session:
        found = session.execute(schema.tipi.select().where(schema.tipi.c.codice == "CHIUSO")).one()
    stage.change(schema.tipi, "id", found.id, codice=codice)

    assert row_of(stage, book(stage, identificativoTipoDovuto=codice)).tipi == [codice]


@pytest.mark.parametrize(
    ("operation", "changes"),
    [
        (EXPORT, {"identificativoTipoDovuto": "TARI"}),
        (INCREMENTALE, {"identificativoTipoDovuto": "TARI"}),
        (EXPORT, {"identificativoTipoDovuto": "EXPORT_ENTE_SECONDARIO"}),
        (SCADUTI, {"tipiDovuto": "MENSA;TARI"}),
    ],
)
def test_an_application_books_only_the_tipi_it_was_granted(stage, operation, changes):
    password = lay_application(stage, "mensa", tipi=["MENSA"])

    answer = send(stage, operation, password=password, **changes)

    assert code_of(answer) == "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO"


def test_an_application_books_only_what_it_may_call(stage):
    password = lay_application(stage, "mensa", operazioni=[EXPORT, STATO])

    assert code_of(send(stage, EXPORT, password=password)) is None
    assert code_of(send(stage, INCREMENTALE, password=password)) == "PAA_ENTE_NON_VALIDO"
    assert code_of(send(stage, SCADUTI, password=password)) == "PAA_ENTE_NON_VALIDO"


def test_expired_items_are_booked_for_a_day_and_a_list(world):
    row = row_of(world, book(world, SCADUTI, tipiDovuto=" TARI ;MENSA;TARI;"))

    assert (row.genere, row.data_scadenza, row.tipi) == ("SCADUTI", date(2026, 11, 21), ["MENSA", "TARI"])


# The incremental window.


def watermark_of(answer: Answer) -> datetime:
    return datetime.fromisoformat(answer.payload.findtext("dateTo"))


def test_the_watermark_is_now_in_whole_seconds(world):
    world.clock.now = NOW

    answer = send(world, INCREMENTALE, dateTo=None)

    assert answer.payload.findtext("dateTo") == "2026-11-21T17:30:15+01:00"
    row = row_of(world, answer.payload.findtext("requestToken"))
    assert (row.istante_da, row.istante_a) == (datetime(2026, 11, 1, 7, tzinfo=UTC), NOW.replace(microsecond=0))
    assert (row.eseguibile_at, row.giorno_da) == (NOW, None)
    assert (row.incrementale, row.ricevuta) == (True, True)


def test_windows_fed_back_touch_and_never_overlap(stage):
    edges = []
    date_from = "2026-11-21T12:00:00"
    for _ in range(4):
        stage.clock.advance(7.3)
        answer = send(stage, INCREMENTALE, dateFrom=date_from, dateTo=None)
        assert code_of(answer) is None
        row = row_of(stage, answer.payload.findtext("requestToken"))
        edges.append((row.istante_da, row.istante_a))
        # As a client does that keeps no offset.
        date_from = answer.payload.findtext("dateTo").partition("+")[0]

    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))


@pytest.mark.parametrize("asked", ["2026-11-21T17:30:16", "2026-12-31T00:00:00", "9999-12-31T23:59:59Z"])
def test_a_date_still_to_come_is_not_passed_over(stage, asked):
    assert watermark_of(send(stage, INCREMENTALE, dateTo=asked)) == NOW.replace(microsecond=0)


def test_a_past_date_is_the_watermark(stage):
    answer = send(stage, INCREMENTALE, dateTo="2026-11-20T18:30:00.250")

    assert watermark_of(answer) == datetime(2026, 11, 20, 17, 30, 0, 250000, tzinfo=UTC)


def test_an_interval_that_begins_in_the_future_needs_an_end_there(stage):
    later = "2026-11-22T10:00:00"

    assert code_of(send(stage, INCREMENTALE, dateFrom=later, dateTo=None)) == "PAA_INTERVALLO_DATE_NON_VALIDO"
    answer = send(stage, INCREMENTALE, dateFrom=later, dateTo="2026-11-23T10:00:00")
    assert watermark_of(answer) == datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize("hour", ["00:00:00", "11:59:59", "12:00:01", "17:45:00", "23:59:59"])
def test_not_incremental_means_whole_days_of_rome_at_any_hour(stage, hour):
    """The original cuts the afternoon to noon."""
    answer = send(
        stage, INCREMENTALE, incrementale="false", dateFrom=f"2026-11-03T{hour}", dateTo=f"2026-11-04T{hour}"
    )

    row = row_of(stage, answer.payload.findtext("requestToken"))
    assert (row.giorno_da, row.giorno_a, row.istante_a) == (date(2026, 11, 3), date(2026, 11, 4), None)
    assert answer.payload.findtext("dateTo") == "2026-11-04T00:00:00+01:00"


# passwordMypivot.


@pytest.mark.parametrize(("shown", "expected"), [(MYPIVOT, True), ("", True), (None, True), ("mypivot12345", False)])
def test_the_mypivot_password_is_looked_at_when_there_is_one(stage, shown, expected):
    answer = send(stage, INCREMENTALE, passwordMypivot=shown)

    assert (code_of(answer) is None) == expected


def test_an_ente_without_a_mypivot_password_accepts_none(stage):
    stage.change(schema.enti, "id", 1, password_mypivot_hash=None)

    answer = send(stage, INCREMENTALE, passwordMypivot=MYPIVOT)

    assert code_of(answer) == "CODE_PAA_PASSWORD_ALLINEAMENTO_MYPIVOT_NON_VALIDA"


def test_a_wrong_mypivot_password_is_not_repeated(stage, capsys):
    """The original puts it in the fault's id."""
    answer = send(stage, INCREMENTALE, passwordMypivot="Altra1234567")

    assert answer.payload.findtext("fault/id") == "C_PROVA"
    assert b"Altra1234567" not in answer.body
    assert "Altra1234567" not in capsys.readouterr().out


def test_who_guesses_the_mypivot_password_is_slowed_down(stage):
    for _ in range(20):
        assert code_of(send(stage, INCREMENTALE, passwordMypivot="Altra1234567")).startswith("CODE_")

    answer = send(stage, INCREMENTALE, passwordMypivot=MYPIVOT)

    assert (answer.status, answer.payload.findtext("fault/faultCode")) == (429, "PAA_SYSTEM_ERROR")


# The state.


@pytest.mark.parametrize(("operation", "asking"), [(EXPORT, STATO), (INCREMENTALE, STATO), (SCADUTI, STATO_SCADUTI)])
def test_a_booking_answers_its_own_status_call_and_that_of_its_ente(world, operation, asking):
    request_token = book(world, operation)

    answer = ask(world, request_token, asking)

    assert (answer.fault, answer.stato, answer.downloadUrl or "") == (None, "LOAD_EXPORT", "")
    other = STATO if asking == STATO_SCADUTI else STATO_SCADUTI
    for refused in (ask(world, request_token, other), ask(world, request_token, asking, "C_VICINO")):
        assert refused.fault.faultCode == "PAA_REQUEST_TOKEN_NON_VALIDO"


@pytest.mark.parametrize("asking", [STATO, STATO_SCADUTI])
@pytest.mark.parametrize("request_token", ["", "x" * 400, "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_booking_is_not_valid(stage, asking, request_token):
    assert ask(stage, request_token, asking).fault.faultCode == "PAA_REQUEST_TOKEN_NON_VALIDO"


def test_a_status_call_without_token_gets_the_code_too(stage):
    body = f"<ente:{STATO}><password>Segreto12345</password></ente:{STATO}>"
    answer = open_door(stage).post("/ws/pa/PagamentiTelematiciDovutiPagati", envelope(body), {})

    assert code_of(Answer(answer.status, {}, answer.body)) == "PAA_REQUEST_TOKEN_NON_VALIDO"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"stato": "EXPORT_IN_ELAB"}, "EXPORT_IN_ELAB"),
        ({"stato": "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO"}, "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO"),
        ({"stato": "ERROR_EXPORT"}, "ERROR_EXPORT"),
        ({"stato": "EXPORT_CANCELLATO"}, "EXPORT_CANCELLATO"),
        ({"stato": "ERROR_EXPORT", "codice_errore": "PAA_ERROR_CREAZIONE_CSV"}, "PAA_ERROR_CREAZIONE_CSV"),
    ],
)
def test_only_a_finished_export_has_a_link(stage, values, expected):
    request_token = book(stage)
    file = "EXPORT/2026_11/1.zip"
    stage.change(schema.prenotazioni_export, "request_token", request_token, file=file, **values)

    answer = ask(stage, request_token)

    assert (answer.stato, answer.downloadUrl or "") == (expected, "")


@pytest.mark.parametrize(
    ("operation", "asking", "tipo", "file"),
    [
        (EXPORT, STATO, "FLUSSI_EXPORT", "EXPORT/2026_11/C_PROVA-7_ESTRAZIONE_DOVUTI_20261121173015-1_1.zip"),
        (SCADUTI, STATO_SCADUTI, "FLUSSI_EXPORT_SCADUTI", "EXPORT_DOVUTI_SCADUTI/2026-11/EXP_SCADUTI_7.zip"),
    ],
)
def test_a_finished_export_has_a_link_for_its_file_alone(world, operation, asking, tipo, file):
    request_token = book(world, operation)
    world.change(schema.prenotazioni_export, "request_token", request_token, stato="EXPORT_ESEGUITO", file=file)

    answer = ask(world, request_token, asking)

    assert answer.stato == "EXPORT_ESEGUITO"
    assert answer.downloadUrl.startswith("https://hub.example.org/public/mybox/download/C_PROVA?")
    query = {name: value for name, (value,) in parse_qs(urlsplit(answer.downloadUrl).query).items()}
    assert (query["type"], query["filename"]) == (tipo, file)
    secret = world.runtime.config.secret_key
    assert read_scarico(secret, query["securityToken"], world.clock()) == Scarico(tipo, "C_PROVA", file)
    if asking == STATO_SCADUTI:
        assert (answer.nomeFile, answer.pathFile) == ("EXP_SCADUTI_7.zip", file)


def test_an_application_follows_what_reaches_no_further_than_its_own_tipi(stage):
    mensa = lay_application(stage, "mensa", tipi=["MENSA"])
    whole, own = book(stage), book(stage, password=mensa)
    tari = book(stage, identificativoTipoDovuto="TARI")

    assert ask(stage, own, password=mensa).stato == "LOAD_EXPORT"
    for request_token in (whole, tari):
        assert ask(stage, request_token, password=mensa).fault.faultCode == "PAA_REQUEST_TOKEN_NON_VALIDO"
        assert ask(stage, request_token).stato == "LOAD_EXPORT"


# What keeps the table small.


def test_too_many_bookings_that_nobody_began_are_refused_for_that_ente_alone(stage, monkeypatch):
    monkeypatch.setattr(deed, "ATTESE_MAX", 2)
    first = book(stage)
    book(stage, INCREMENTALE)

    for operation in (EXPORT, INCREMENTALE, SCADUTI):
        assert code_of(send(stage, operation)) == "PAA_SYSTEM_ERROR"
    assert code_of(send(stage, EXPORT, "C_VICINO", password="Vicino123456")) is None
    stage.change(schema.prenotazioni_export, "request_token", first, stato="EXPORT_IN_ELAB")
    assert code_of(send(stage, EXPORT)) is None


def test_an_export_stuck_for_twelve_hours_is_an_error(world):
    stuck, busy, waiting, done = (book(world) for _ in range(4))
    begun = {"stato": "EXPORT_IN_ELAB", "started_at": world.clock()}
    world.change(schema.prenotazioni_export, "request_token", stuck, **begun)
    world.change(schema.prenotazioni_export, "request_token", done, **(begun | {"stato": "EXPORT_ESEGUITO"}))
    later = {"stato": "EXPORT_IN_ELAB", "started_at": world.clock() + timedelta(seconds=1)}
    world.change(schema.prenotazioni_export, "request_token", busy, **later)
    world.clock.advance(12 * 3600)
    expire_flussi.run_once(world.db, world.clock())
    assert ask(world, stuck).stato == "EXPORT_IN_ELAB"
    world.clock.advance(1)

    assert not expire_flussi.run_once(world.db, world.clock())

    states = [ask(world, token).stato for token in (stuck, busy, waiting, done)]
    assert states == ["ERROR_EXPORT", "EXPORT_IN_ELAB", "LOAD_EXPORT", "EXPORT_ESEGUITO"]
    assert row_of(world, stuck).finished_at == world.clock()
