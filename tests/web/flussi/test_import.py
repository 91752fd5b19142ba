"""The modern upload: real statuses, problem documents, and what the import would abort a file for refused at once.

Source: flows, 1.2 to 1.4, defect 9 (12); RFC 9457.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from werkzeug.test import TestResponse

from hub.store import schema
from tests.tracciati import make_zip
from tests.web.flussi.door import BASE, NOME, ask_stato, authorize, files_of, make_flusso, open_door, part, row_of
from tests.world import World

IMPORT = "/flussi/import"


def bring(world: World, token: str | None, data: bytes | None = None, nome: str = NOME) -> TestResponse:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    form = {"flusso": part(make_flusso() if data is None else data, nome)}
    return open_door(world).post(IMPORT, data=form, headers=headers)


def bring_raw(world: World, token: str, data: bytes, nome: str = NOME, media: str = "application/zip") -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": media}
    return open_door(world).post(IMPORT, data=data, headers=headers, query_string={"nome": nome} if nome else {})


def assert_problem(answer: TestResponse, status: int, codice: str, words: str = "") -> dict[str, Any]:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    values = answer.json
    assert isinstance(values, dict) and values["codice"] == codice and values["status"] == status
    assert values["dettaglio"] and values["rimedio"] and words in f"{values['dettaglio']}: {values['rimedio']}"
    assert values["riferimento"] == answer.headers["X-Correlation-Id"]
    return values


@pytest.mark.parametrize("is_raw", [False, True])
def test_a_file_is_taken(world: World, is_raw: bool) -> None:
    answer, data = authorize(world), make_flusso()

    got = (bring_raw if is_raw else bring)(world, answer.authorizationToken, data)

    sums = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
    assert (got.status_code, got.mimetype) == (201, "application/json")
    assert got.json == {
        "requestToken": answer.requestToken, "ente": "C_PROVA", "nomeFile": NOME, "byte": len(data),
        "stato": "LOAD_IMPORT",
    } | sums  # fmt: skip
    assert row_of(world, answer.requestToken).sha256 == sums["sha256"]
    with world.runtime.archivio.open(row_of(world, answer.requestToken).file) as kept:
        assert kept.read() == data
    assert ask_stato(world, answer.requestToken).stato == "LOAD_IMPORT"


@pytest.mark.parametrize(
    ("nome", "codice"),
    [
        ("C_PROVA-A-FLUSSO-1_3.zip", "PAA_IMPORT_NOME_FILE_ERR(C_PROVA-A-FLUSSO-1_3.zip)"),
        ("C_PROVA-F1.zip", "PAA_IMPORT_NOME_FILE_ERR(C_PROVA-F1.zip)"),
        (f"{BASE}.csv", f"PAA_IMPORT_NOME_FILE_ERR({BASE}.csv)"),
        ("C_PROVA-F1-1_45.zip", "PAA_IMPORT_FILE_VERSIONE_ERR(1_45)"),
        ("C_VICINO-F1-1_3.zip", "PAA_IMPORT_ENTE_ERR(C_VICINO,C_PROVA)"),
        (f"C_PROVA-{'F' * 51}-1_3.zip", f"PAA_IMPORT_NOME_FILE_ERR(C_PROVA-{'F' * 51}-1_3.zip)"),
    ],
)
def test_a_name_that_the_import_would_abort_is_refused_with_its_code(
    small_world: World, nome: str, codice: str
) -> None:
    """Acceptance vector 2, at once."""
    answer = authorize(small_world)

    got = bring(small_world, answer.authorizationToken, make_flusso(nome.rpartition(".")[0]), nome)

    assert_problem(got, 422, codice)
    assert files_of(small_world) == []
    assert bring(small_world, answer.authorizationToken).status_code == 201


def test_a_zip_without_its_csv_is_refused_at_once(small_world: World) -> None:
    token = authorize(small_world).authorizationToken

    assert_problem(bring(small_world, token, make_zip([(f"{BASE}.md5", b"x")]).getvalue()), 422, "PAA_IMPORT_NO_CSV")
    assert_problem(bring(small_world, token, b"non uno zip"), 422, "PAA_IMPORT_ERROR", "non è uno zip")
    assert files_of(small_world) == []


@pytest.mark.parametrize("token", [None, "", "x", "Basic"])
def test_without_a_good_token_it_is_401_and_says_how(small_world: World, token: str | None) -> None:
    answer = bring(small_world, token)

    assert_problem(answer, 401, "TOKEN_NON_VALIDO")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_brings_one_file(world: World) -> None:
    token = authorize(world).authorizationToken
    bring(world, token)

    assert_problem(bring(world, token), 409, "TOKEN_GIA_USATO", "nuova autorizzazione")


def test_a_name_that_is_here_is_a_conflict(world: World) -> None:
    first = authorize(world)
    bring(world, first.authorizationToken)

    assert_problem(
        bring(world, authorize(world).authorizationToken), 409, "PAA_IMPORT_FLUSSO_IN_CARICAMENTO", "stesso contenuto"
    )
    world.change(schema.flussi_import, "request_token", first.requestToken,
                 stato="IMPORT_ESEGUITO", stato_flusso="CARICATO")  # fmt: skip
    other = bring(world, authorize(world).authorizationToken, make_flusso(IUD="TARI-9"))
    assert_problem(other, 409, "PAA_IMPORT_FLUSSO_DUPLICATO", "un altro contenuto")


def test_a_file_over_the_limit_is_413(small_world: World) -> None:
    token = authorize(small_world).authorizationToken
    object.__setattr__(small_world.runtime.config, "max_upload_bytes", 100)

    assert_problem(bring(small_world, token), 413, "FILE_TROPPO_GRANDE", "100 ammessi")
    object.__setattr__(small_world.runtime.config, "upload_ceiling_bytes", 100)
    assert_problem(bring_raw(small_world, token, b"x" * 70_000), 413, "FILE_TROPPO_GRANDE", "100 byte")


@pytest.mark.parametrize("media", ["text/csv", "application/json", "text/plain", ""])
def test_another_kind_of_content_is_415(small_world: World, media: str) -> None:
    token = authorize(small_world).authorizationToken

    assert_problem(bring_raw(small_world, token, b"x", media=media), 415, "CONTENUTO_NON_AMMESSO")


def test_a_body_needs_a_name_and_something_in_it(small_world: World) -> None:
    token = authorize(small_world).authorizationToken

    assert_problem(bring_raw(small_world, token, make_flusso(), nome=""), 422, "RICHIESTA_NON_VALIDA", "?nome=")
    assert_problem(bring_raw(small_world, token, b""), 422, "RICHIESTA_NON_VALIDA", "vuota")


def test_what_the_server_refuses_is_a_problem_too(small_world: World) -> None:
    door = open_door(small_world)

    wrong = door.get(IMPORT)

    assert_problem(wrong, 405, "METODO_NON_AMMESSO")
    assert "POST" in wrong.headers["Allow"]
    assert_problem(door.get("/flussi/altro"), 404, "NON_TROVATO")


def test_a_crash_of_ours_tells_nothing(small_world: World) -> None:
    def stopped() -> Any:
        raise ValueError("dettagli interni")

    token = authorize(small_world).authorizationToken
    object.__setattr__(small_world.runtime, "clock", stopped)

    answer = bring(small_world, token)

    assert_problem(answer, 500, "ERRORE_INTERNO")
    assert "interni" not in answer.text
