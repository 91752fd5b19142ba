"""The trial of a flow over HTTP: who may, what is answered, that nothing is kept. Source: flows, 2.3 to 2.6."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from hub.cli import main
from hub.formats.segreti import hash_password
from hub.store import schema
from hub.usecases.change_credenziale import add_credenziale, new_token
from hub.web import create_flask
from tests.tracciati import make_campi, make_csv, make_zip, rows
from tests.web.flussi.door import BASE, files_of, make_flusso, open_door, part
from tests.web.flussi.test_import import assert_problem
from tests.world import PASSWORDS, World

CSV = f"{BASE}.csv"
CHECK = "/flussi/check"


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


OWNER = basic("C_PROVA", PASSWORDS["C_PROVA"])


def attempt(
    world: World,
    data: bytes,
    nome: str = CSV,
    headers: dict[str, str] | None = None,
    ente: str = "",
    client: FlaskClient | None = None,
    media: str = "text/csv",
) -> TestResponse:
    query = {name: value for name, value in {"nome": nome, "ente": ente}.items() if value}
    sent = {"Content-Type": media} | (OWNER if headers is None else headers)
    return (client or open_door(world)).post(CHECK, data=data, query_string=query, headers=sent)


def counts(world: World) -> dict[str, int]:
    """How many rows every table has."""
    with world.db.reading() as session:
        return {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        }


def test_a_flow_is_tried_with_all_that_is_wrong_and_all_it_would_do_and_nothing_is_kept(world: World) -> None:
    world.lay_avviso(iuv=None, iud="C")
    before = counts(world)
    righe = [
        make_campi(), make_campi(IUD="B", importoDovuto="12,50"), make_campi(IUD="C", azione="M"),
        make_campi(IUD="D", azione="A"), make_campi(IUD="E", tipoDovuto="IGNOTO"),
    ]  # fmt: skip

    answer = attempt(world, make_csv(*righe))

    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    said = answer.json
    assert said is not None and said["flusso"] == {"cod_ipa_ente": "C_PROVA", "iuf": "F1", "versione": "1_3"}
    assert [(one["riga"], one["linea"], one["campo"], one["codice"]) for one in said["scarti"]] == [
        (2, 3, "importoDovuto", "PAA_IMPORT_SINTASSI_CSV"),
        (4, 5, "IUD", "PAA_IMPORT_DOVUTO_NON_PRESENTE"),
        (5, 6, "tipoDovuto", "PAA_IMPORT_SINTASSI_CSV_TIPO_DOVUTO_INESISTENTE"),
    ]
    assert said["scarti"][0]["rimedio"] and said["scarti"][0]["valore"] == "12,50"
    assert said["riepilogo"] == {
        "righe": 5, "scartate": 3, "nuovi": {"dovuti": 1, "importo": "100.00"},
        "modificati": {"dovuti": 1, "importo": "100.00"}, "annullati": {"dovuti": 0, "importo": "0.00"},
    }  # fmt: skip
    assert counts(world) == before and files_of(world) == []


def test_it_says_what_the_command_says(small_world: World, tmp_path: Any) -> None:
    data = make_csv(*(make_campi(IUD=f"B{n}", mailPagatore="x" if n % 2 else "a@b.it") for n in range(1200)))
    (tmp_path / CSV).write_bytes(data)

    said = attempt(small_world, data).json
    ran = CliRunner().invoke(main, ["flusso", "check", str(tmp_path / CSV), "--json"])

    assert said is not None and said.pop("ente") == "C_PROVA"
    told = json.loads(ran.stdout)
    assert told.pop("ente") is None and said == told


@pytest.mark.parametrize("form", [False, True])
def test_a_zip_is_tried_like_the_csv_in_it(small_world: World, form: bool) -> None:
    client = open_door(small_world)
    if form:
        got = client.post(CHECK, data={"f": part(make_flusso(), f"{BASE}.zip")}, headers=OWNER)
    else:
        got = attempt(small_world, make_flusso(), f"{BASE}.zip", client=client, media="application/zip")

    assert got.json is not None and got.json["riepilogo"]["nuovi"]["dovuti"] == 1


@pytest.mark.parametrize(
    "headers",
    [{}, basic("C_PROVA", "Sbagliata123"), basic("C_NESSUNO", "x"), basic("", ""), {"Authorization": "Bearer ppa_x"},
     {"Authorization": "Basic !!"}, {"Authorization": "Digest x"}],
)  # fmt: skip
def test_who_is_not_known_learns_nothing(small_world: World, headers: dict[str, str]) -> None:
    named = "" if "Basic" in str(headers) else "C_PROVA"

    answer = attempt(small_world, make_csv(make_campi()), headers=headers, ente=named)

    assert_problem(answer, 401, "PAA_ENTE_NON_VALIDO")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_who_guesses_is_slowed_down(small_world: World) -> None:
    for _ in range(small_world.runtime.config.auth_failures_max):
        attempt(small_world, b"x", headers=basic("C_PROVA", "Sbagliata123"))

    answer = attempt(small_world, make_csv(make_campi()))

    assert_problem(answer, 429, "TROPPI_TENTATIVI")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_token_opens_its_ente_and_no_other(small_world: World) -> None:
    new = new_token()
    add_credenziale(small_world.db, "C_PROVA", "tributi", new, None, None, small_world.clock())
    bearer = {"Authorization": f"Bearer {new.chiaro}"}

    assert attempt(small_world, make_csv(make_campi()), headers=bearer, ente="C_PROVA").status_code == 200
    assert_problem(attempt(small_world, b"x", headers=bearer, ente="C_VICINO"), 401, "PAA_ENTE_NON_VALIDO")
    assert_problem(attempt(small_world, b"x", headers=bearer), 401, "PAA_ENTE_NON_VALIDO")


def test_an_application_needs_the_grant_to_load_flows(small_world: World) -> None:
    for nome, operazioni in (("lettura", ["paaSILChiediPagati"]), ("carico", ["paaSILAutorizzaImportFlusso"])):
        values = {"hash": hash_password(f"{nome}-1234567"), "operazioni": operazioni}
        small_world.lay(schema.credenziali, ente_id=1, applicazione=nome, created_at=small_world.clock(), **values)

    refused = attempt(small_world, make_csv(make_campi()), headers=basic("C_PROVA", "lettura-1234567"))
    taken = attempt(small_world, make_csv(make_campi()), headers=basic("C_PROVA", "carico-1234567"))

    assert_problem(refused, 401, "PAA_ENTE_NON_VALIDO")
    assert taken.status_code == 200


def test_a_tipo_that_the_application_was_not_granted_is_refused_as_the_import_would(small_world: World) -> None:
    values = {"hash": hash_password("Mensa1234567"), "tipi": ["MENSA"]}
    small_world.lay(schema.credenziali, ente_id=1, applicazione="mensa", created_at=small_world.clock(), **values)

    said = attempt(
        small_world, make_csv(make_campi(), make_campi(IUD="B", tipoDovuto="MENSA")),
        headers=basic("C_PROVA", "Mensa1234567"),
    ).json  # fmt: skip

    assert said is not None and said["riepilogo"]["nuovi"]["dovuti"] == 1
    assert [(one["riga"], one["codice"]) for one in said["scarti"]] == [(1, "PAA_IMPORT_OPERATORE_NO_PERMESSI")]


def test_a_long_answer_leaves_row_by_row(small_world: World) -> None:
    """Each batch of rows is a block of its own: the first reasons are told while the rest is still to be read."""
    data = make_csv(*(make_campi(IUD=f"B{n}", mailPagatore="x") for n in range(1600)))
    client = open_door(small_world)
    sent = OWNER | {"Content-Type": "text/csv"}

    answer = client.post(CHECK, data=data, query_string={"nome": CSV}, headers=sent, buffered=False)

    blocks = list(answer.iter_encoded())
    assert len(blocks) > 4 and len(json.loads(b"".join(blocks))["scarti"]) == 1600


def test_the_certificate_of_the_connection_counts_as_for_the_web_service(small_world: World) -> None:
    values = {"genere": "certificato", "impronta": "f" * 64, "hash": "", "applicazione": "mensa"}
    small_world.lay(schema.credenziali, ente_id=1, created_at=small_world.clock(), **values)
    shown = {"impronta": "f" * 64}
    client = create_flask(small_world.runtime, lambda environ: shown["impronta"]).test_client()

    assert attempt(small_world, make_csv(make_campi()), headers={}, ente="C_PROVA", client=client).status_code == 200
    shown["impronta"] = "e" * 64
    refused = attempt(small_world, make_csv(make_campi()), ente="C_PROVA", client=client)
    assert_problem(refused, 401, "PAA_ENTE_NON_VALIDO")


def test_two_enti_in_one_request_are_refused(small_world: World) -> None:
    assert_problem(attempt(small_world, b"x", ente="C_VICINO"), 422, "RICHIESTA_NON_VALIDA")


@pytest.mark.parametrize(
    ("data", "nome", "codice"),
    [
        (make_csv(make_campi()), "C_VICINO-F1-1_3.csv", "PAA_IMPORT_ENTE_ERR(C_VICINO,C_PROVA)"),
        (make_csv(make_campi()), "C_PROVA-F1-1_45.csv", "PAA_IMPORT_FILE_VERSIONE_ERR(1_45)"),
        (make_csv(make_campi()), "C_PROVA-A-B-1_3.csv", "PAA_IMPORT_NOME_FILE_ERR(C_PROVA-A-B-1_3.csv)"),
        (make_csv(make_campi()), f"{BASE}.zip", "PAA_IMPORT_ERROR"),
        (make_zip([("altro.csv", b"x")]).getvalue(), f"{BASE}.zip", "PAA_IMPORT_NO_CSV"),
        ("a;b".encode("utf-16"), CSV, "PAA_IMPORT_ERROR"),
    ],
)
def test_a_file_that_is_no_flow_is_refused_with_the_code_of_the_import(
    small_world: World, data: bytes, nome: str, codice: str
) -> None:
    assert_problem(attempt(small_world, data, nome), 422, codice)


def test_a_file_that_turns_out_to_be_broken_half_way_says_so_at_the_end(small_world: World) -> None:
    bad = make_csv(*(make_campi(IUD=f"B{n}", mailPagatore="x") for n in range(3000)))
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr(CSV, bad)
    spoilt = stored.getvalue().replace(b"B2999;", b"B9992;")

    said = attempt(small_world, spoilt, f"{BASE}.zip", media="application/zip").json

    assert said is not None and said["rifiuto"]["codice"] == "PAA_IMPORT_ERROR"
    assert 0 < said["riepilogo"]["righe"] < 3000 and len(said["scarti"]) == said["riepilogo"]["scartate"]


def test_what_cannot_be_taken_is_refused_with_a_status_of_its_own(small_world: World) -> None:
    object.__setattr__(small_world.runtime.config, "max_upload_bytes", 100)

    assert_problem(attempt(small_world, make_csv(make_campi())), 413, "FILE_TROPPO_GRANDE", "100 ammessi")
    assert_problem(attempt(small_world, b"{}", media="application/json"), 415, "CONTENUTO_NON_AMMESSO")
    assert_problem(attempt(small_world, b"x", nome=""), 422, "RICHIESTA_NON_VALIDA", "?nome=")
    assert_problem(attempt(small_world, b""), 422, "RICHIESTA_NON_VALIDA", "vuota")


def test_a_third_trial_at_once_is_asked_to_come_back_and_a_trial_that_ends_makes_room(small_world: World) -> None:
    """The two that are open have told their first rows and wait to be read on."""
    client = open_door(small_world)
    data = make_csv(*rows(2000))
    open_ones = [
        client.post(CHECK, data=data, query_string={"nome": CSV}, headers=OWNER | {"Content-Type": "text/csv"},
                    buffered=False)
        for _ in range(2)
    ]  # fmt: skip

    answer = attempt(small_world, data, client=client)

    assert_problem(answer, 503, "SERVIZIO_NON_DISPONIBILE", "altre prove")
    assert answer.headers["Retry-After"]
    open_ones[0].close()
    with attempt(small_world, data, client=client) as taken:
        assert taken.status_code == 200
    open_ones[1].close()
