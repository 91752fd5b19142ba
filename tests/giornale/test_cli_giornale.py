"""`pontepa giornale` and `pontepa verify giornale`: what they print, and that an outsider can do the sums again."""

from __future__ import annotations

import json
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import update

from hub.config import DEVELOPMENT_SECRET_KEY
from hub.domain.giornale import Esito
from hub.formats.firma_giornale import FirmaGiornale
from hub.store.schema import giornale
from hub.usecases.firma_giornale import sign_heads
from tests.giornale.mondo import OGGI, make_evento, write
from tests.test_cli import Shell
from tests.world import World

FIRMA = FirmaGiornale(DEVELOPMENT_SECRET_KEY)


@pytest.fixture
def shell(small_world: World) -> Shell:
    db = small_world.db
    write(db, *(make_evento(n, esito=Esito.KO if n == 2 else Esito.OK) for n in range(4)), make_evento(9, "C_VICINO"))
    sign_heads(db, FIRMA, OGGI)
    return Shell(db.url)


def numbers(shell: Shell, *arguments: str) -> list[tuple[str, int]]:
    return [(row["ente"], row["numero"]) for row in json.loads(shell.good("giornale", "list", "--json", *arguments))]


def test_events_are_listed_from_the_last_and_chosen(shell: Shell) -> None:
    all_of = [("C_VICINO", 1), *(("C_PROVA", numero) for numero in (4, 3, 2, 1))]

    assert numbers(shell) == all_of
    assert numbers(shell, "--ente", "C_VICINO") == all_of[:1]
    assert numbers(shell, "--esito", "KO") == [("C_PROVA", 3)]
    assert numbers(shell, "--correlazione", f"{1:032x}") == [("C_PROVA", 2)]
    assert numbers(shell, "--operazione", "paSendRT") == numbers(shell, "--verso", "USCITA") == []
    assert numbers(shell, "--limit", "2") == all_of[:2]
    between = ("--dal", "2026-11-20T11:00:02", "--al", "2026-11-20T10:00:09Z")
    assert numbers(shell, *between) == [("C_PROVA", 4), ("C_PROVA", 3)]
    assert numbers(shell, "--al", "2026-11-20") == []
    table = shell.good("giornale", "list").splitlines()
    titles = ["istante", "ente", "numero", "verso", "operazione", "esito", "codice", "ms", "correlazione"]
    assert table[0].split() == titles


def test_an_event_is_shown_with_the_text_of_its_hash(shell: Shell) -> None:
    shown = json.loads(shell.good("giornale", "show", "C_PROVA", "2", "--json"))

    assert sha256(shown["testo"].encode()).hexdigest() == shown["impronta"]
    assert shown["testo"].splitlines()[-1] == shown["precedente"]
    assert "impronta" in shell.good("giornale", "show", "C_PROVA", "2")


def test_a_signed_head_is_verified_by_openssl_alone(shell: Shell, tmp_path: Path) -> None:
    """With the public key and nothing of the hub."""
    (tmp_path / "chiave.pem").write_text(shell.good("giornale", "chiave"))
    teste = json.loads(shell.good("giornale", "teste", "--json"))
    testa = next(one for one in teste if one["ente"] == "C_PROVA")
    last = json.loads(shell.good("giornale", "show", "C_PROVA", "4", "--json"))
    (tmp_path / "testo").write_bytes(testa["testo"].encode())
    (tmp_path / "firma").write_bytes(bytes.fromhex(testa["firma"]))
    command = "openssl pkeyutl -verify -pubin -inkey chiave.pem -rawin -in testo -sigfile firma".split()

    verified = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    (tmp_path / "testo").write_bytes(testa["testo"].replace("\n4\n", "\n3\n").encode())
    changed = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)

    assert (verified.returncode, changed.returncode) == (0, 1), verified
    assert testa["impronta"] == last["impronta"] and testa["impronta"] in testa["testo"]
    assert testa["chiave"] == json.loads(shell.good("giornale", "chiave", "--json"))["chiave"]
    assert "TESTA" in shell.good("giornale", "teste", "--ente", "C_VICINO")


def test_who_or_what_is_not_there_is_said(shell: Shell) -> None:
    assert shell.bad("giornale", "list", "--ente", "NESSUNO") == "il giornale non ha eventi di NESSUNO\n"
    assert shell.bad("giornale", "show", "C_PROVA", "99").startswith("evento 99 di C_PROVA sconosciuto")
    assert shell.run("giornale", "list", "--dal", "ieri").exit_code == 2


def test_verify_names_what_was_changed_and_whose_it_is(shell: Shell, small_world: World) -> None:
    assert shell.good("verify", "giornale").splitlines()[0] == "giornale: in ordine"

    with small_world.db.transaction() as session:
        session.execute(update(giornale).where(giornale.c.durata_ms == 1).values(esito="KO"))

    ended = shell.run("verify", "giornale", "--json")
    (row,) = json.loads(ended.stdout)["rilievi"]
    assert ended.exit_code == 1
    assert (row["tabella"], row["id"], row["ente"]) == ("giornale", "C_PROVA/2", "C_PROVA")


def test_heads_of_an_earlier_secret_are_believed_when_its_key_is_named(shell: Shell) -> None:
    shell.env["PONTEPA_SECRET_KEY"] = "un segreto nuovo, più lungo di trentadue caratteri"

    ended = shell.run("verify", "giornale")
    shell.env["PONTEPA_GIORNALE_CHIAVI"] = FIRMA.pubblica.hex()

    assert ended.exit_code == 1 and "PONTEPA_GIORNALE_CHIAVI" in ended.stdout
    assert shell.good("verify", "giornale").startswith("giornale: in ordine")
    shell.env["PONTEPA_GIORNALE_CHIAVI"] = "breve"
    assert "chiavi pubbliche" in shell.run("verify", "giornale").stderr
