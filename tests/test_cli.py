"""The command line: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from hub.cli import main
from hub.formats.resources import resource
from hub.store import outbox
from hub.store.database import Database
from tests.certificates import make_identity

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
DEMO = str(resource("examples", "demo.yaml"))


class Shell:
    """Runs commands on one database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.env = {"PONTEPA_DATABASE_URL": url, "PONTEPA_AMBIENTE": "sviluppo"}

    def run(self, *arguments: str) -> Result:
        """What a command does with the log of its process ends with it."""
        before, root = structlog.get_config(), logging.getLogger()
        handlers = list(root.handlers)
        try:
            return CliRunner().invoke(main, arguments, env=self.env)
        finally:
            structlog.configure(**before)
            root.handlers[:] = handlers

    def good(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def bad(self, *arguments: str) -> str:
        """Return the sentence of a refusal."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        return result.stderr


@pytest.fixture
def shell(sqlite_url: str) -> Shell:
    return Shell(sqlite_url)


@pytest.fixture
def configured(shell: Shell) -> Shell:
    shell.good("config", "apply", DEMO)
    return shell


def test_a_database_is_made_brought_up_and_checked(empty_database_url: str) -> None:
    shell = Shell(empty_database_url)

    assert "pontepa db upgrade" in shell.bad("db", "check")
    assert "database alla versione" in shell.good("db", "upgrade")
    assert "già" in shell.good("db", "upgrade")
    assert json.loads(shell.good("db", "current", "--json"))["is_current"] is True
    assert shell.good("db", "check") == "database in ordine\n"


def test_a_database_without_tables_says_which_command_makes_them(empty_database_url: str) -> None:
    shell = Shell(empty_database_url)

    for words in ("tassonomia list", "ente list", "tipo list C_PROVA", "outbox list", "config export"):
        said = shell.bad(*words.split())

        assert "mancano le tabelle" in said and "pontepa db upgrade" in said and "non risponde" not in said


def test_the_default_database_is_made_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, ["db", "upgrade"], env={"PONTEPA_AMBIENTE": "sviluppo"})

    assert result.exit_code == 0
    assert (tmp_path / "var" / "pontepa.db").is_file()


def test_config_plan_apply_export_agree(shell: Shell, tmp_path: Path) -> None:
    planned = shell.good("config", "plan", DEMO)
    assert shell.good("config", "apply", DEMO) == planned
    assert shell.good("config", "plan", DEMO) == "nessun cambiamento\n"

    shell.good("config", "export", str(tmp_path / "esportata.yaml"))

    assert shell.good("config", "plan", str(tmp_path / "esportata.yaml")) == "nessun cambiamento\n"
    assert "Segreto12345" not in (tmp_path / "esportata.yaml").read_text("utf-8")


def test_a_wrong_file_is_refused_line_by_line(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "errata.yaml"
    file.write_text("enti: [{codIpaEnte: x-y}]\nextra: 1\n")

    lines = shell.bad("config", "apply", str(file)).splitlines()

    assert any(line.startswith("extra: chiave sconosciuta") for line in lines)
    assert any(line.startswith("enti[0].codIpaEnte:") for line in lines)


def test_enti_and_tipi_are_added_and_shown(configured: Shell) -> None:
    out = configured.good(
        "ente", "add", "C_VICINO", "--codice-fiscale", "12345678903", "--nome", "Comune Vicino", "--stazione",
        "12345678903_01", "--codice-segregazione", "02", "--iban", "IT60X0542811101000000123456",
    )  # fmt: skip
    assert "password: " in out
    configured.good("tipo", "add", "C_VICINO", "IMU", "--descrizione", "Imposta", "--tassonomia", "9/0101100IM/")

    listed = json.loads(configured.good("ente", "list", "--json"))
    assert [row["codIpaEnte"] for row in listed] == ["C_PROVA", "C_VICINO"]
    assert [row["codice"] for row in json.loads(configured.good("tipo", "list", "C_VICINO", "--json"))] == ["IMU"]
    assert json.loads(configured.good("ente", "show", "C_VICINO", "--json"))["password"] == "***"
    assert "esiste già" in configured.bad("tipo", "add", "C_VICINO", "IMU", "--descrizione", "x", "--non-attivo")
    assert "codIpaEnte C_NIENTE sconosciuto" in configured.bad("ente", "show", "C_NIENTE")


def test_a_wrong_value_of_an_option_is_refused_in_words(configured: Shell) -> None:
    refusal = configured.bad(
        "ente", "add", "C_X", "--codice-fiscale", "1", "--nome", "X", "--stazione", "12345678903_01",
        "--codice-segregazione", "9", "--iban", "IT00",
    )  # fmt: skip

    for key in ("codice_fiscale", "codice_segregazione", "iban"):
        assert f"{key}: " in refusal


def test_credentials_are_given_replaced_and_taken_away(configured: Shell) -> None:
    mensa = ("C_PROVA", "--applicazione", "mensa")
    assert "password: " in configured.good("credenziale", "add", *mensa, "--tipo", "MENSA")
    assert "password: " in configured.good("credenziale", "rotate", *mensa)
    rows = json.loads(configured.good("credenziale", "list", "C_PROVA", "--json"))
    assert [row["tipi"] for row in rows if row["applicazione"] == "mensa"] == [["MENSA"], ["MENSA"]]

    assert configured.good("credenziale", "revoke", *mensa) == "credenziali revocate: 2\n"
    assert "non ha credenziali" in configured.bad("credenziale", "revoke", *mensa)


def test_tokens_and_certificates_are_given_replaced_and_revoked(configured: Shell, tmp_path: Path) -> None:
    first, second = (make_identity(name, "ec") for name in ("prima", "seconda"))
    paths = [one.write(tmp_path, f"{number}")[0] for number, one in enumerate((first, second))]
    mensa = ("C_PROVA", "--applicazione", "mensa")

    assert "token: ppa_" in configured.good("credenziale", "add", *mensa, "--genere", "token")
    added = configured.good("credenziale", "add", *mensa, "--genere", "firma", "--file", str(paths[0]))
    configured.good("credenziale", "rotate", *mensa, "--genere", "firma", "--file", str(paths[1]), "--overlap", "1")
    listed = json.loads(configured.good("credenziale", "list", "C_PROVA", "--json"))
    signing = {row["impronta"]: row["expires_at"] for row in listed if row["genere"] == "firma"}
    revoked = configured.good("credenziale", "revoke", *mensa, "--impronta", first.read.impronta)

    assert first.read.impronta in added and revoked == "credenziali revocate: 1\n"
    assert signing[first.read.impronta] and signing[second.read.impronta] is None
    assert not any("ppa_" in str(row) or "BEGIN" in str(row) for row in listed)
    assert "--file" in configured.bad("credenziale", "add", *mensa, "--genere", "certificato")


def test_the_outbox_is_listed_parked_and_retried_without_its_content(shell: Shell) -> None:
    db = Database.open(shell.url)
    with db.transaction() as session:
        outbox.put(session, "nodo.rpt", "chiave-1", b"<rpt>Mario Rossi</rpt>", "c" * 32, NOW)
    db.close()

    (row,) = json.loads(shell.good("outbox", "list", "--json"))
    assert "Mario Rossi" not in shell.good("outbox", "show", str(row["id"]))
    shell.good("outbox", "park", str(row["id"]), "--motivo", "ente chiuso")
    assert "ente chiuso" in shell.good("outbox", "list", "--stato", "PARCHEGGIATO")
    shell.good("outbox", "retry", str(row["id"]))
    assert json.loads(shell.good("outbox", "show", str(row["id"]), "--json"))["stato"] == "DA_INVIARE"
    assert "messaggio 99 sconosciuto" in shell.bad("outbox", "show", "99")


def test_an_empty_table_says_so(shell: Shell) -> None:
    assert shell.good("outbox", "list") == "(nessuno)\n"
    assert json.loads(shell.good("ente", "list", "--json")) == []


def test_production_without_a_key_is_refused_in_a_sentence(sqlite_url: str) -> None:
    result = CliRunner().invoke(main, ["serve"], env={"PONTEPA_DATABASE_URL": sqlite_url})

    assert result.exit_code == 1
    assert "PONTEPA_SECRET_KEY manca" in result.stderr


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_no_process_starts_on_a_database_of_another_version(command: str, tmp_path: Path) -> None:
    env = {
        "PONTEPA_DATABASE_URL": f"sqlite:///{tmp_path / 'vuota.db'}", "PONTEPA_AMBIENTE": "sviluppo",
        "PONTEPA_NODE_URL": "http://127.0.0.1:9",
    }  # fmt: skip

    result = CliRunner().invoke(main, [command], env=env)

    assert result.exit_code == 1
    assert "pontepa db upgrade" in result.stderr


def test_a_database_that_does_not_answer_is_a_sentence_without_its_password() -> None:
    shell = Shell("postgresql+psycopg://utente:parola@127.0.0.1:9/pontepa")

    refusal = shell.bad("ente", "list")

    assert "il database non risponde" in refusal
    assert "parola" not in refusal


def test_wrong_usage_ends_with_two(shell: Shell) -> None:
    assert shell.run("ente", "add").exit_code == 2
    assert shell.run("outbox", "show", "abc").exit_code == 2
    assert shell.run("boh").exit_code == 2


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    # From another folder, as an installed command would be.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PONTEPA_")}
    env["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-m", "hub.cli", "demo", "--port", "0", "--simulator-port", "0", *arguments]
    return subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=150, check=False)


def test_the_demo_tells_every_story_to_its_end(empty_database_url: str, tmp_path: Path) -> None:
    result = _demo("--dir", str(tmp_path), "--database-url", empty_database_url)

    assert result.returncode == 0, result.stderr
    online, _, rest = result.stdout.partition("L'avviso si paga allo sportello")
    sportello, _, checkout = rest.partition("Il cittadino paga con Checkout")
    for word in ("idSession", "IUV", "numero avviso", "CCP", "RT", "PagatiConRicevuta", "6/6", "verificata"):
        assert word in online
    for word in ("paVerifyPaymentNotice", "84.30 euro", "token", "NOTIFIED", "PagatiConRicevuta", "6/6", "verificata"):
        assert word in sportello
    for word in ("POST /carts", "/c/", "paGetPaymentV2", "esito=OK", "12.50 euro", "6/6", "verificata"):
        assert word in checkout


def test_the_demo_refuses_a_database_of_somebody_else(configured: Shell) -> None:
    configured.good(
        "ente", "add", "C_ALTRO", "--codice-fiscale", "12345678903", "--nome", "Altro", "--stazione", "12345678903_01",
        "--codice-segregazione", "03", "--iban", "IT60X0542811101000000123456",
    )  # fmt: skip

    result = _demo("--database-url", configured.url)

    assert result.returncode == 1
    assert "contiene altri enti" in result.stderr
