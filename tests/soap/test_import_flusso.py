"""paaSILAutorizzaImportFlusso and paaSILChiediStatoImportFlusso through their contract."""

from __future__ import annotations

import uuid
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.domain.errors import Conflict, GettoneNonValido
from hub.domain.stati import StatoImport
from hub.formats.gettoni_firmati import Scarico, read_autorizzazione, read_scarico
from hub.formats.segreti import hash_password
from hub.store import flussi_import, schema
from hub.usecases import autorizza_import_flusso as deed
from hub.usecases import expire_flussi
from hub.usecases.autorizza_import_flusso import accept_flusso
from tests.soap.zeep_client import client_of, intestazione
from tests.world import World

BASE = "https://hub.example.org/public/mybox"
PASSWORDS = {"C_PROVA": "Segreto12345", "C_VICINO": "Vicino123456", "C_SPENTO": "Spento123456"}


def authorize(world: World, ente: str = "C_PROVA", password: str | None = None):
    client = client_of(world)
    password = PASSWORDS.get(ente) if password is None else password
    return client.paaSILAutorizzaImportFlusso(password=password, _soapheaders=intestazione(ente))


def ask(world: World, request_token: str, ente: str = "C_PROVA", password: str | None = None, **wanted: bool):
    return client_of(world).paaSILChiediStatoImportFlusso(
        requestToken=request_token, password=password or PASSWORDS[ente], _soapheaders=intestazione(ente), **wanted
    )


def upload(world: World, authorization_token: str) -> None:
    with world.db.transaction() as session:
        accept_flusso(
            session, world.runtime.config.secret_key, authorization_token,
            nome_file="C_PROVA-F1-1_4.zip", size_bytes=1234, sha256="0" * 64, md5="0" * 32,
            file="C_PROVA/IMPORT/C_PROVA-F1-1_4.zip", now=world.clock(),
        )  # fmt: skip


def lay_flusso(world: World, **values) -> str:
    """A request whose file has come, as a later step left it."""
    answer = authorize(world)
    upload(world, answer.authorizationToken)
    world.change(schema.flussi_import, "request_token", answer.requestToken, updated_at=world.clock(), **values)
    return answer.requestToken


def test_who_may_upload_gets_address_tokens_and_the_old_path(world):
    answer = authorize(world)

    assert answer.fault is None
    assert (answer.uploadUrl, answer.importPath) == (f"{BASE}/uploadFlusso", "/IMPORT")
    row = world.one(schema.flussi_import, request_token=answer.requestToken)
    assert (row.ente_id, row.stato, row.applicazione, row.tipi) == (1, "AUTORIZZATO", None, None)
    what = read_autorizzazione(world.runtime.config.secret_key, answer.authorizationToken, world.clock())
    assert (what.request_token, what.cod_ipa_ente, what.jti) == (str(uuid.UUID(row.request_token)), "C_PROVA", row.jti)


def test_an_ente_that_is_not_active_yet_may_upload(small_world):
    """Source: flows, 1.1."""
    answer = authorize(small_world, "C_SPENTO")

    assert answer.fault is None
    assert ask(small_world, answer.requestToken, "C_SPENTO").fault.faultCode == "PAA_REQUEST_TOKEN_NON_VALIDO"


@pytest.mark.parametrize(("ente", "password"), [("C_PROVA", "Sbagliata123"), ("C_NESSUNO", "Segreto12345")])
def test_who_is_not_known_may_not(small_world, ente, password):
    answer = authorize(small_world, ente, password)

    assert (answer.fault.faultCode, answer.fault.id) == ("PAA_ENTE_NON_VALIDO", ente)
    assert answer.authorizationToken is None
    assert small_world.rows(schema.flussi_import) == []


def test_an_application_needs_the_operation(small_world):
    operations = {"hash": hash_password("Mensa1234567"), "operazioni": ["paaSILChiediStatoImportFlusso"]}
    small_world.lay(schema.credenziali, ente_id=1, applicazione="mensa", created_at=small_world.clock(), **operations)

    assert authorize(small_world, password="Mensa1234567").fault.faultCode == "PAA_ENTE_NON_VALIDO"


def test_too_many_authorisations_without_a_file_are_refused_for_that_ente_alone(small_world, monkeypatch):
    monkeypatch.setattr(deed, "ATTESE_MAX", 2)
    first = authorize(small_world)
    authorize(small_world)

    assert authorize(small_world).fault.faultCode == "PAA_SYSTEM_ERROR"
    assert authorize(small_world, "C_VICINO").fault is None
    upload(small_world, first.authorizationToken)
    assert authorize(small_world).fault is None


def test_a_token_brings_one_file(world):
    answer = authorize(world)

    upload(world, answer.authorizationToken)

    row = world.one(schema.flussi_import, request_token=answer.requestToken)
    assert (row.stato, row.nome_file, row.size_bytes) == ("LOAD_IMPORT", "C_PROVA-F1-1_4.zip", 1234)
    assert row.received_at == world.clock()
    with pytest.raises(GettoneNonValido, match="già usato"):
        upload(world, answer.authorizationToken)


def test_two_uploads_at_once_bring_one_file(world):
    """The second has read the row before the first wrote it."""
    answer = authorize(world)
    with world.db.reading() as session:
        row = flussi_import.find(session, answer.requestToken)
    upload(world, answer.authorizationToken)

    with pytest.raises(Conflict), world.db.transaction() as session:
        flussi_import.move(session, row, to=StatoImport.LOAD_IMPORT, at=world.clock())


def test_an_upload_that_is_refused_leaves_its_token_good(world):
    answer = authorize(world)
    with pytest.raises(ZeroDivisionError), world.db.transaction() as session:
        secret, now = world.runtime.config.secret_key, world.clock()
        sums = {"sha256": "", "md5": "", "file": ""}
        accept_flusso(session, secret, answer.authorizationToken, nome_file="x", size_bytes=1, now=now, **sums)
        raise ZeroDivisionError

    upload(world, answer.authorizationToken)

    assert ask(world, answer.requestToken).stato == "LOAD_IMPORT"


def test_a_token_past_its_hour_or_of_a_request_that_is_gone_brings_nothing(small_world):
    late, gone = authorize(small_world), authorize(small_world)
    small_world.change(schema.flussi_import, "request_token", gone.requestToken, jti="b" * 32)
    with pytest.raises(GettoneNonValido):
        upload(small_world, gone.authorizationToken)
    small_world.clock.advance(3600)

    with pytest.raises(GettoneNonValido):
        upload(small_world, late.authorizationToken)


def test_a_token_of_another_ente_brings_nothing(small_world):
    answer = authorize(small_world)
    small_world.change(schema.flussi_import, "request_token", answer.requestToken, ente_id=2)

    with pytest.raises(GettoneNonValido):
        upload(small_world, answer.authorizationToken)


def test_a_request_whose_file_is_awaited_is_not_valid_yet(world):
    answer = authorize(world)

    refused = ask(world, answer.requestToken)

    assert (refused.fault.faultCode, refused.fault.id) == ("PAA_REQUEST_TOKEN_NON_VALIDO", "C_PROVA")
    assert refused.stato is None


@pytest.mark.parametrize("request_token", ["", " ", "x", "x" * 400, "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_request_is_not_valid(small_world, request_token):
    assert ask(small_world, request_token).fault.faultCode == "PAA_REQUEST_TOKEN_NON_VALIDO"


def test_a_request_of_another_ente_does_not_exist(world):
    request_token = lay_flusso(world)

    answer = ask(world, request_token, "C_VICINO", fileScarti=True)

    assert answer.fault.faultCode == "PAA_REQUEST_TOKEN_NON_VALIDO"


@pytest.mark.parametrize("stato", ["LOAD_IMPORT", "IMPORT_IN_ELAB", "IMPORT_ABORTITO"])
def test_until_it_is_done_there_is_a_state_and_no_link(small_world, stato):
    files = {"file_scarti": "IMPORT/s.zip", "file_iuv": "IMPORT/i.zip", "file_avvisi": "IMPORT/a.zip"}
    request_token = lay_flusso(small_world, stato=stato, **files)

    answer = ask(small_world, request_token, fileScarti=True, fileIUV=True, fileAvvisi=True)

    assert (answer.fault, answer.stato) == (None, stato)
    assert (answer.urlFileScarti, answer.urlFileIUV, answer.urlFileAvvisi) == (None, None, None)


def test_the_error_of_the_file_stands_in_place_of_the_state(small_world):
    code = "PAA_IMPORT_FILE_VERSIONE_ERR(1_45)"
    request_token = lay_flusso(small_world, stato="IMPORT_ABORTITO", codice_errore=code)

    assert ask(small_world, request_token).stato == code


def test_a_link_needs_a_wish_and_a_file(world):
    request_token = lay_flusso(
        world, stato="IMPORT_ESEGUITO", file_scarti="IMPORT_ELABORATI/2026_11/F1/F1_SCARTI.zip", file_iuv="F1_IUV.zip"
    )

    nothing = ask(world, request_token)
    answer = ask(world, request_token, fileScarti=True, fileIUV=False, fileAvvisi=True)

    assert (nothing.stato, nothing.urlFileScarti, nothing.urlFileIUV) == ("IMPORT_ESEGUITO", None, None)
    assert (answer.urlFileIUV, answer.urlFileAvvisi) == (None, None)
    parts = urlsplit(answer.urlFileScarti)
    query = {name: value for name, (value,) in parse_qs(parts.query).items()}
    token = query.pop("securityToken")
    assert answer.urlFileScarti.startswith(f"{BASE}/download/C_PROVA?")
    assert query == {"type": "FLUSSI_IMPORT", "filename": "IMPORT_ELABORATI/2026_11/F1/F1_SCARTI.zip"}
    secret, now = world.runtime.config.secret_key, world.clock()
    assert read_scarico(secret, token, now) == Scarico("FLUSSI_IMPORT", "C_PROVA", query["filename"])
    assert read_scarico(secret, token, now + timedelta(hours=2)) is None


def test_an_application_sees_what_reaches_no_further_than_its_own_tipi(small_world):
    for nome, tipi in (("mensa", ["MENSA"]), ("tributi", ["TARI", "MENSA"])):
        secret = {"hash": hash_password(f"{nome}-1234567"), "tipi": tipi}
        small_world.lay(schema.credenziali, ente_id=1, applicazione=nome, created_at=small_world.clock(), **secret)
    answer = authorize(small_world, password="mensa-1234567")
    upload(small_world, answer.authorizationToken)
    row = small_world.one(schema.flussi_import, request_token=answer.requestToken)
    whole = lay_flusso(small_world)

    assert (row.applicazione, row.tipi) == ("mensa", ["MENSA"])
    for password in ("mensa-1234567", "tributi-1234567", "Segreto12345"):
        assert ask(small_world, answer.requestToken, password=password).stato == "LOAD_IMPORT"
    assert ask(small_world, whole, password="tributi-1234567").fault.faultCode == "PAA_REQUEST_TOKEN_NON_VALIDO"


def test_authorisations_that_nobody_used_are_forgotten_after_a_day(world):
    used, unused = authorize(world), authorize(world)
    upload(world, used.authorizationToken)
    world.clock.advance(25 * 3600)

    assert not expire_flussi.run_once(world.db, world.clock())
    assert len(world.rows(schema.flussi_import)) == 2
    world.clock.advance(1)
    fresh = authorize(world)

    assert not expire_flussi.run_once(world.db, world.clock())

    left = {row.request_token for row in world.rows(schema.flussi_import)}
    assert left == {used.requestToken, fresh.requestToken} and unused.requestToken not in left
