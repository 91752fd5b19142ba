"""Operators of the console from the command line."""

from __future__ import annotations

import json

from hub.domain.errors import NotAllowed
from hub.store.database import Database
from hub.store.failures import FailedPasswords
from hub.usecases.operatori import enter
from tests.test_cli import Shell, configured, shell

__all__ = ["configured", "shell"]


def may_enter(shell: Shell, nome: str, password: str) -> bool:
    db = Database.open(shell.url)
    try:
        return enter(db, FailedPasswords(5), nome, password, "192.0.2.1") is not None
    except NotAllowed:
        return False
    finally:
        db.close()


def test_an_operator_is_added_with_a_drawn_password_listed_and_revoked(configured: Shell) -> None:
    said = configured.good("operatore", "add", "bruno", "--ente", "C_PROVA")
    password = said.strip().rpartition("password: ")[2]

    assert len(password) >= 12 and may_enter(configured, "bruno", password)
    (row,) = json.loads(configured.good("operatore", "list", "--json"))
    assert (row["nome"], row["ente"]) == ("bruno", "C_PROVA")
    assert password not in configured.good("operatore", "list")

    configured.good("operatore", "revoke", "bruno")

    assert not may_enter(configured, "bruno", password)
    assert json.loads(configured.good("operatore", "list", "--json")) == []


def test_a_given_password_is_not_repeated(configured: Shell) -> None:
    assert "una frase lunga" not in configured.good("operatore", "add", "anna", "--password", "una frase lunga 7")


def test_what_cannot_be_is_refused_with_a_sentence(configured: Shell) -> None:
    configured.good("operatore", "add", "anna")

    assert "esiste già" in configured.bad("operatore", "add", "anna")
    assert "C_NESSUNO sconosciuto" in configured.bad("operatore", "add", "dario", "--ente", "C_NESSUNO")
    assert "da 12 a 128 caratteri" in configured.bad("operatore", "add", "dario", "--password", "corta")
    assert "non ammesso" in configured.bad("operatore", "add", "Dario Rossi")
    assert "sconosciuto" in configured.bad("operatore", "revoke", "dario")
    configured.good("operatore", "revoke", "anna")
    configured.good("operatore", "add", "anna")
