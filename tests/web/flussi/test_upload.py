"""The legacy upload: what is taken, what is refused before anything is kept, and that one token brings one file.

Source: flows, 1.2, defects 8, 9, 16 (12), acceptance vectors 1 and 2 (13).
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from adapters.cartella.client import CartellaArchivio
from hub.domain.errors import OutOfService
from hub.store import schema
from tests.tracciati import make_campi, make_csv, make_zip
from tests.web.flussi.door import (
    BASE,
    NOME,
    UPLOAD,
    ask_stato,
    authorize,
    files_of,
    make_flusso,
    open_door,
    part,
    row_of,
    told,
    upload,
)
from tests.world import World

CSV = make_csv(make_campi())
FIELDS = b"".join(b'--x\r\nContent-Disposition: form-data; name="n%d"\r\n\r\nv\r\n' % n for n in range(30))


def assert_refused(world: World, token: str, answer: dict[str, str], words: str, codice: str = "400") -> None:
    """Nothing was kept, and the token still brings a file."""
    assert answer["codice"] == codice
    assert re.fullmatch(r"\[[0-9a-f]{32}\] .+", answer["descrizione"]) and words in answer["descrizione"]
    assert files_of(world) == []
    assert set(upload(world, token)) == {"fileName", "fileSize", "fileType"}


def test_a_file_is_kept_whole_and_waits_for_its_import(world: World) -> None:
    answer, data = authorize(world), make_flusso()

    taken = upload(world, answer.authorizationToken, data)

    assert taken == {"fileName": NOME, "fileSize": str(len(data)), "fileType": "application/zip"}
    row = row_of(world, answer.requestToken)
    assert (row.stato, row.nome_file, row.size_bytes) == ("LOAD_IMPORT", NOME, len(data))
    assert (row.sha256, row.md5) == (hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())
    assert re.fullmatch(rf"C_PROVA/IMPORT/\d{{4}}_\d\d/{row.request_token}/[0-9a-f]{{8}}/{NOME}", row.file)
    with world.runtime.archivio.open(row.file) as kept:
        assert kept.read() == data
    assert ask_stato(world, answer.requestToken).stato == "LOAD_IMPORT"


def test_the_token_may_be_in_the_address_and_the_part_have_any_name(small_world: World) -> None:
    answer = authorize(small_world)

    got = open_door(small_world).post(
        f"{UPLOAD}?authorizationToken={answer.authorizationToken}",
        data={"qualunque": part(make_flusso(), media="application/x-zip-compressed"), "vuota": part(b"", "")},
    )

    assert told(got)["fileType"] == "application/x-zip-compressed"


def test_a_second_upload_with_one_token_has_a_codice(world: World) -> None:
    """Acceptance vector 1."""
    answer = authorize(world)
    assert "codice" not in upload(world, answer.authorizationToken)

    again = upload(world, answer.authorizationToken, make_flusso("C_PROVA-F2-1_3"), "C_PROVA-F2-1_3.zip")

    assert again["codice"] == "500" and "già usato" in again["descrizione"]
    assert len(files_of(world)) == 1 and row_of(world, answer.requestToken).nome_file == NOME


@pytest.mark.parametrize("nome", ["C_PROVA-A-FLUSSO-1_3.zip", "C_PROVA-F1-1_45.zip", "C_PROVA-F1.zip", "C_PROVA-.zip"])
def test_a_name_whose_parts_are_wrong_is_left_to_the_import(small_world: World, nome: str) -> None:
    """Acceptance vector 2: the import aborts it, with a code of its own."""
    answer = authorize(small_world)

    taken = upload(small_world, answer.authorizationToken, make_flusso(nome.removesuffix(".zip")), nome)

    assert taken["fileName"] == nome
    assert ask_stato(small_world, answer.requestToken).stato == "LOAD_IMPORT"


def test_the_ending_may_be_written_in_any_case_and_is_kept_in_one(small_world: World) -> None:
    answer = authorize(small_world)

    assert upload(small_world, answer.authorizationToken, nome=f"{BASE}.ZIP")["fileName"] == f"{BASE}.ZIP"

    assert row_of(small_world, answer.requestToken).nome_file == NOME
    second = upload(small_world, authorize(small_world).authorizationToken)
    assert "già stato ricevuto" in second["descrizione"]


@pytest.mark.parametrize(
    ("nome", "words"),
    [
        (f"{BASE}.csv", "deve finire in .zip"),
        (BASE, "deve finire in .zip"),
        (".zip", "deve finire in .zip"),
        (f"../{NOME}", "senza percorso"),
        (f"a/{NOME}", "senza percorso"),
        (f"..\\\\{NOME}", "senza percorso"),
        ("C_PROVA-\u202eF1-1_3.zip", "caratteri di controllo"),
        (f"C_PROVA-{'x' * 200}-1_3.zip", "al massimo 200 byte"),
        ("C_VICINO-F1-1_3.zip", "deve iniziare con C_PROVA-"),
        ("C_PROVA2-F1-1_3.zip", "deve iniziare con C_PROVA-"),
        ("c_prova-F1-1_3.zip", "deve iniziare con C_PROVA-"),
    ],
)
def test_a_name_that_cannot_be_is_refused(small_world: World, nome: str, words: str) -> None:
    token = authorize(small_world).authorizationToken

    answer = upload(small_world, token, make_flusso(nome.rpartition(".")[0]), nome)

    assert_refused(small_world, token, answer, words)


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", "x" * 5000])
def test_without_a_good_token_nothing_is_taken(small_world: World, token: str | None) -> None:
    answer = upload(small_world, token)

    assert answer["codice"] == "400" and "authorizationToken" in answer["descrizione"]
    assert files_of(small_world) == []


def test_a_token_past_its_hour_is_refused(small_world: World) -> None:
    token = authorize(small_world).authorizationToken
    small_world.clock.advance(3600)

    assert "non valido o scaduto" in upload(small_world, token)["descrizione"]
    assert files_of(small_world) == []


def test_the_token_of_a_download_or_of_a_neighbour_brings_nothing(small_world: World) -> None:
    token = authorize(small_world, "C_VICINO").authorizationToken

    answer = upload(small_world, token)

    assert answer["codice"] == "400" and "deve iniziare con C_VICINO-" in answer["descrizione"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "nessun file"),
        ({"file": part(b"")}, "file vuoto"),
        ({"a": part(b"x"), "b": part(b"y")}, "2 file"),
        ({"file": "non un file"}, "nessun file"),
    ],
)
def test_one_file_and_no_more(small_world: World, form: dict[str, Any], words: str) -> None:
    token = authorize(small_world).authorizationToken
    fresh = {name: part(value[0].getvalue(), *value[1:]) if isinstance(value, tuple) else value
             for name, value in form.items()}  # fmt: skip

    form = fresh | {"authorizationToken": token}
    answer = told(open_door(small_world).post(UPLOAD, data=form, content_type="multipart/form-data"))

    assert_refused(small_world, token, answer, words)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"ciao", "text/plain", "non ammesso"),
        (b"", "multipart/form-data", "nessun file"),
        (b"--x\r\nrovinato", "multipart/form-data; boundary=x", "non è un modulo"),
        (b"--x\r\n" + b"A: b\r\n" * 200_000, "multipart/form-data; boundary=x", "non è un modulo"),
        (FIELDS + b"--x--", "multipart/form-data; boundary=x", "non è un modulo"),
    ],
)
def test_what_is_no_form_is_refused(small_world: World, body: bytes, content_type: str, words: str) -> None:
    answer = told(open_door(small_world).post(UPLOAD, data=body, content_type=content_type))

    assert answer["codice"] == "400" and words in answer["descrizione"]


def zip_of(*entries: tuple[str, bytes]) -> bytes:
    return make_zip(entries).getvalue()


def patched(data: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    start = data.index(signature) + offset
    return data[:start] + value + data[start + len(value) :]


BOMB = zip_of((f"{BASE}.csv", b"\0" * 3_000_000))
GOOD = make_flusso()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: b"non uno zip", "non è uno zip"),
        (lambda: GOOD[:-30], "non è uno zip"),
        (lambda: zip_of(("altro.csv", CSV)), "devono iniziare con"),
        (lambda: zip_of((f"{BASE}.csv", CSV), (f"{BASE}1.csv", CSV)), "devono iniziare con"),
        (lambda: zip_of((f"../{BASE}.csv", CSV)), "percorso"),
        (lambda: zip_of((f"{BASE}.x/../../y", CSV)), "percorso"),
        (lambda: zip_of(*((f"{BASE}.{n}", b"x") for n in range(5))), "più di 4 file"),
        (lambda: zip_of((f"{BASE}.csv", CSV), (f"{BASE}.csv", CSV)), "due volte"),
        (lambda: zip_of((f"{BASE}.csv", CSV), (f"{BASE}.CSV", CSV)), "due volte"),
        (lambda: patched(GOOD, b"PK\x01\x02", 8, b"\x01\x00"), "cifrato"),
        (lambda: BOMB, "oltre il verosimile"),
        (lambda: patched(GOOD, b"PK\x01\x02", 24, b"\x05\x00\x00\x00"), "mente sulla dimensione"),
        (lambda: patched(GOOD, b"PK\x01\x02", 24, (len(CSV) * 9).to_bytes(4, "little")), "mente sulla dimensione"),
        (lambda: zip_of((f"{BASE}.csv", CSV), (f"{BASE}.zip", b"x")), "un altro zip"),
        (lambda: zip_of((f"{BASE}.csv", GOOD)), "un altro zip"),
    ],
)
def test_a_zip_that_is_a_trap_is_refused(small_world: World, data: Any, words: str) -> None:
    token = authorize(small_world).authorizationToken

    answer = upload(small_world, token, data())

    assert_refused(small_world, token, answer, words)


def test_a_damaged_byte_is_found_before_anything_is_kept(small_world: World) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr(f"{BASE}.csv", CSV)
    token = authorize(small_world).authorizationToken

    answer = upload(small_world, token, stored.getvalue().replace(b"Mario", b"Maria", 1))

    assert_refused(small_world, token, answer, "rovinato")


@pytest.mark.parametrize("stato", ["LOAD_IMPORT", "IMPORT_IN_ELAB"])
def test_a_name_that_waits_is_not_taken_again(world: World, stato: str) -> None:
    first = authorize(world)
    upload(world, first.authorizationToken)
    world.change(schema.flussi_import, "request_token", first.requestToken, stato=stato)

    same = upload(world, authorize(world).authorizationToken)
    other = upload(world, authorize(world).authorizationToken, make_flusso(IUD="TARI-2"))

    assert same["codice"] == other["codice"] == "400"
    assert "con lo stesso contenuto" in same["descrizione"] and first.requestToken in same["descrizione"]
    assert "con un altro contenuto" in other["descrizione"] and "iuf nuovo" in other["descrizione"]
    assert len(files_of(world)) == 1


@pytest.mark.parametrize("flusso", ["LOAD_FLOW", "CARICATO", "ANNULLATO", "ERRORE_CARICAMENTO"])
def test_a_name_of_which_a_flow_was_made_is_burned_whatever_became_of_it(world: World, flusso: str) -> None:
    first = authorize(world)
    upload(world, first.authorizationToken)
    world.change(
        schema.flussi_import, "request_token", first.requestToken, stato="IMPORT_ESEGUITO", stato_flusso=flusso
    )

    assert "già stato ricevuto" in upload(world, authorize(world).authorizationToken)["descrizione"]


def test_a_name_that_was_aborted_before_any_flow_may_come_again(world: World) -> None:
    first, second = authorize(world), authorize(world)
    upload(world, first.authorizationToken)
    world.change(
        schema.flussi_import, "request_token", first.requestToken,
        stato="IMPORT_ABORTITO", codice_errore="PAA_IMPORT_NO_CSV",
    )  # fmt: skip

    assert "codice" not in upload(world, second.authorizationToken)


def test_the_name_of_a_neighbour_is_not_taken(small_world: World) -> None:
    """C_PROVA may have a flow of any iuf that C_VICINO has."""
    upload(small_world, authorize(small_world, "C_VICINO").authorizationToken,
           make_flusso("C_VICINO-F1-1_3"), "C_VICINO-F1-1_3.zip")  # fmt: skip

    assert "codice" not in upload(small_world, authorize(small_world).authorizationToken)


class MeetingArchivio(CartellaArchivio):
    """An archive in which all who write wait for each other: they have been through every check before."""

    def __init__(self, root: Path, count: int) -> None:
        super().__init__(root)
        self.barrier = threading.Barrier(count, timeout=30)

    def write(self, path: str) -> Any:
        self.barrier.wait()
        return super().write(path)


def meet(world: World, count: int) -> None:
    object.__setattr__(world.runtime, "archivio", MeetingArchivio(Path(world.cartella.name), count))


def test_of_two_uploads_at_once_with_one_token_one_wins_and_its_file_is_the_one_kept(world: World) -> None:
    answer = authorize(world)
    flows = [make_flusso(IUD=f"TARI-{n}") for n in range(2)]
    meet(world, 2)

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda data: upload(world, answer.authorizationToken, data), flows))

    (lost,) = [one for one in told if "codice" in one]
    assert lost["codice"] == "500" and "già usato" in lost["descrizione"]
    row, winner = row_of(world, answer.requestToken), flows[0 if "codice" in told[1] else 1]
    assert row.sha256 == hashlib.sha256(winner).hexdigest()
    with world.runtime.archivio.open(row.file) as kept:
        assert kept.read() == winner
    assert len(files_of(world)) == 1


def test_of_two_uploads_at_once_of_one_name_one_wins_and_the_other_token_stays_good(world: World) -> None:
    tokens = [authorize(world).authorizationToken for _ in range(2)]
    meet(world, 2)

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda token: upload(world, token), tokens))

    (lost,) = [one for one in told if "codice" in one]
    assert lost["codice"] == "400" and "già stato ricevuto" in lost["descrizione"]
    assert len(files_of(world)) == 1
    meet(world, 1)
    base = "C_PROVA-F2-1_3"
    assert "codice" not in upload(world, tokens[told.index(lost)], make_flusso(base), f"{base}.zip")


class FullArchivio(CartellaArchivio):
    def write(self, path: str) -> Any:
        raise OutOfService("l'archivio dei file non risponde o è pieno")


def test_without_room_nothing_is_promised_and_the_token_stays_good(small_world: World) -> None:
    token = authorize(small_world).authorizationToken
    good = small_world.runtime.archivio
    object.__setattr__(small_world.runtime, "archivio", FullArchivio(Path(small_world.cartella.name)))

    answer = upload(small_world, token)

    object.__setattr__(small_world.runtime, "archivio", good)
    assert_refused(small_world, token, answer, "archivio", codice="500")


def test_a_crash_after_the_file_leaves_the_token_good(world: World) -> None:
    """As after a kill between the file and the row: the file is nobody's, the request still waits for one."""
    answer = authorize(world)
    with world.runtime.archivio.write(f"C_PROVA/IMPORT/2026_11/{answer.requestToken}/0a1b2c3d/{NOME}") as lost:
        lost.write(b"a met")

    assert "codice" not in upload(world, answer.authorizationToken)

    with world.runtime.archivio.open(row_of(world, answer.requestToken).file) as kept:
        assert kept.read() == make_flusso()


def test_an_ente_has_the_limit_of_the_installation_or_its_own(small_world: World) -> None:
    object.__setattr__(small_world.runtime.config, "max_upload_bytes", len(GOOD) - 1)
    token = authorize(small_world).authorizationToken

    refused = upload(small_world, token, GOOD)
    small_world.change(schema.enti, "id", 1, flusso_bytes_max=len(GOOD))

    assert refused["codice"] == "400" and f"più dei {len(GOOD) - 1} ammessi" in refused["descrizione"]
    assert "codice" not in upload(small_world, token, GOOD)


def test_a_request_over_the_ceiling_is_refused_by_its_length_alone(small_world: World) -> None:
    object.__setattr__(small_world.runtime.config, "upload_ceiling_bytes", 70_000)
    small_world.change(schema.enti, "id", 1, flusso_bytes_max=10_000_000)
    token = authorize(small_world).authorizationToken

    answer = upload(small_world, token, b"x" * 200_000)

    assert_refused(small_world, token, answer, "supera i 70000 byte")


def test_a_crash_of_ours_is_told_in_the_same_shape(small_world: World) -> None:
    def stopped() -> Any:
        raise ValueError("dettagli interni")

    token = authorize(small_world).authorizationToken
    object.__setattr__(small_world.runtime, "clock", stopped)

    answer = upload(small_world, token)

    assert answer["codice"] == "500" and "interni" not in answer["descrizione"]


def test_another_method_is_no_upload(small_world: World) -> None:
    assert open_door(small_world).get(UPLOAD).status_code == 405
