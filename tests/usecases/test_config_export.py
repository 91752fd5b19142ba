"""The daily export in the configuration file: read, planned, applied once, given back without secrets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy import select

from hub.domain.configurazione import INVARIATO, Configurazione, ConfigurazioneNonValida
from hub.domain.export_giornaliero import ExportGiornaliero
from hub.formats.configurazione import read_configurazione, render_configurazione
from hub.formats.segreti import Cassaforte
from hub.store import schema
from hub.store.database import Database
from hub.usecases.apply_config import apply, plan
from hub.usecases.export_config import export_config

NOW = datetime(2026, 5, 4, 10, 0, 0, 500, tzinfo=UTC)
CASSAFORTE = Cassaforte("9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2)
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SFTP = {"host": "sftp.example.org", "utente": "pontepa", "chiave_host": HOST_KEY, "password": "SegretoSftp"}


def make(export: Any, **ente: Any) -> bytes:
    stazione = {"id": "12345678903_01", "intermediario": "12345678903", "password": "password01"}
    tipo = {"codice": "TARI", "descrizione": "Tassa rifiuti", "tassonomia": "9/0101101IM/"}
    values = {
        "codIpaEnte": "C_PROVA", "codice_fiscale": "12345678903", "nome": "Comune di Prova", "password": "Segreto12345",
        "stazione": "12345678903_01", "codice_segregazione": "01", "iban": "IT60X0542811101000000123456",
        "tipi": [tipo], "export_giornaliero": export,
    }  # fmt: skip
    return render_configurazione({"stazioni": [stazione], "enti": [values | ente]}).encode()


def read(export: Any, **ente: Any) -> Configurazione:
    return read_configurazione(make(export, **ente))


def read_export(export: Any) -> ExportGiornaliero:
    found = read(export).enti[0].export_giornaliero
    assert found is not None
    return found


def problems(export: Any) -> dict[str, str]:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        read(export)
    found = dict(refusal.value.problems)
    assert "SegretoSftp" not in str(found)
    return {path.removeprefix("enti[0].export_giornaliero."): problem for path, problem in found.items()}


def private_key(passphrase: bytes | None = None) -> str:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption).decode()


def row(db: Database) -> Any:
    with db.reading() as session:
        return session.execute(select(schema.export_giornalieri)).one_or_none()


def test_without_a_word_of_it_there_is_none_and_with_the_least_there_are_defaults():
    assert read(None).enti[0].export_giornaliero is None
    assert read_export({}) == ExportGiornaliero(True, time(2), "1.0", False, None, None)


def test_everything_can_be_said():
    found = read_export(
        {"attivo": False, "ora": "23:45", "versione": "1.3", "ricevuta": True, "tipi": ["TARI"],
         "sftp": SFTP | {"porta": 2222, "cartella": "in/pagati", "chiave_host": f"{HOST_KEY} sportello"}}
    )  # fmt: skip

    assert (found.attivo, found.ora, found.versione, found.ricevuta) == (False, time(23, 45), "1.3", True)
    assert found.tipi == ("TARI",)
    assert found.sftp is not None and (found.sftp.porta, found.sftp.cartella) == (2222, "in/pagati")
    assert found.sftp.chiave_host == HOST_KEY
    assert "SegretoSftp" not in repr(found)


@pytest.mark.parametrize(
    ("export", "path", "words"),
    [
        ({"ora": "24:00"}, "ora", "02:00"),
        ({"ora": 2}, "ora", "fra virgolette"),
        ({"versione": "1.4"}, "versione", "1.0, 1.1, 1.2, 1.3"),
        ({"tipi": ["ZTL"]}, "tipi", "non è fra i tipi"),
        ({"orario": "02:00"}, "orario", "forse ora"),
        ({"sftp": SFTP | {"host": "sftp://x"}}, "sftp.host", "senza sftp://"),
        ({"sftp": SFTP | {"host": "a b"}}, "sftp.host", "nome o indirizzo"),
        ({"sftp": SFTP | {"porta": 0}}, "sftp.porta", "fra 1 e 65535"),
        ({"sftp": SFTP | {"cartella": "a/../../b"}}, "sftp.cartella", "senza .."),
        ({"sftp": SFTP | {"chiave_host": "SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZ"}}, "sftp.chiave_host", "ssh-keyscan"),
        ({"sftp": SFTP | {"chiave_host": None}}, "sftp.chiave_host", "manca"),
        ({"sftp": SFTP | {"password": None}}, "sftp.password", "una delle due"),
        ({"sftp": SFTP | {"chiave_privata": INVARIATO}}, "sftp.password", "una delle due"),
        ({"sftp": SFTP | {"password": None, "chiave_privata": "x"}}, "sftp.chiave_privata", "leggibile"),
        ({"sftp": SFTP | {"password": None, "chiave_privata": "y" * 17_000}}, "sftp.chiave_privata", "troppo lungo"),
    ],
)
def test_each_mistake_is_told_at_its_path(export, path, words):
    assert words in problems(export)[path]


def test_a_private_key_is_taken_in_both_forms_and_not_with_a_passphrase():
    rsa = generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    for chiave in (private_key(), rsa.decode()):
        found = read_export({"sftp": SFTP | {"password": None, "chiave_privata": chiave}})
        assert found.sftp is not None and found.sftp.chiave_privata == chiave

    sealed = {"sftp": SFTP | {"password": None, "chiave_privata": private_key(b"frase")}}
    assert "frase segreta" in problems(sealed)["sftp.chiave_privata"]


def test_a_host_key_of_a_server_in_any_of_the_usual_kinds_is_taken():
    rsa = generate_private_key(65537, 2048).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    found = read_export({"sftp": SFTP | {"chiave_host": rsa}})

    assert found.sftp is not None and found.sftp.chiave_host == rsa


def test_it_is_applied_once_and_given_back_without_secrets(db: Database):
    wanted = read({"ricevuta": True, "tipi": ["TARI"], "sftp": SFTP})
    planned = [str(one) for one in plan(db, wanted, CASSAFORTE, NOW)]
    assert "aggiunge ente C_PROVA, export_giornaliero" in planned and "SegretoSftp" not in str(planned)
    assert row(db) is None

    apply(db, wanted, CASSAFORTE, NOW)

    kept = row(db)
    assert (kept.attivo, kept.ora, kept.tipi, kept.sftp_host) == (True, "02:00", ["TARI"], "sftp.example.org")
    assert CASSAFORTE.open(kept.sftp_password_cifrata) == "SegretoSftp" and kept.sftp_chiave_cifrata is None
    assert kept.fino_a == NOW.replace(microsecond=0)
    later = NOW + timedelta(days=1)
    assert not any(one.is_change for one in plan(db, wanted, CASSAFORTE, later))
    exported = export_config(db, later)
    assert exported["enti"][0]["export_giornaliero"] == {
        "attivo": True, "ora": "02:00", "versione": "1.0", "ricevuta": True, "tipi": ["TARI"],
        "sftp": {"porta": 22, **SFTP, "password": INVARIATO},
    }  # fmt: skip
    again = read_configurazione(render_configurazione(exported).encode())
    assert not any(one.is_change for one in plan(db, again, CASSAFORTE, later))


def test_what_the_file_does_not_speak_of_stays_and_what_changes_is_told(db: Database):
    apply(db, read({"sftp": SFTP}), CASSAFORTE, NOW)
    before = row(db)

    assert not any(one.is_change for one in apply(db, read(None), CASSAFORTE, NOW))
    changed = {"ora": "05:30", "sftp": SFTP | {"password": None, "chiave_privata": private_key()}}
    found = [str(one) for one in apply(db, read(changed), CASSAFORTE, NOW + timedelta(hours=1))]

    subject = "ente C_PROVA, export_giornaliero"
    assert f"modifica {subject}: ora 02:00 -> 05:30" in found
    assert f"revoca {subject}, sftp: password" in found
    assert f"modifica {subject}, sftp: chiave_privata (vuoto) -> ***" in found
    after = row(db)
    assert (after.sftp_password_cifrata, after.fino_a) == (None, before.fino_a)
    apply(db, read({}), CASSAFORTE, NOW)
    assert (row(db).sftp_host, row(db).sftp_chiave_cifrata) == (None, None)


def test_switched_off_and_on_again_it_goes_on_from_where_it_was(db: Database):
    apply(db, read({"attivo": False}), CASSAFORTE, NOW)
    assert row(db).fino_a is None
    apply(db, read({"attivo": True}), CASSAFORTE, NOW)
    assert row(db).fino_a == NOW.replace(microsecond=0)

    apply(db, read({"attivo": False}), CASSAFORTE, NOW + timedelta(days=1))
    apply(db, read({"attivo": True}), CASSAFORTE, NOW + timedelta(days=2))

    assert row(db).fino_a == NOW.replace(microsecond=0)


def test_a_secret_left_as_it_is_must_be_there(db: Database):
    wanted = read({"sftp": SFTP | {"password": INVARIATO}})

    with pytest.raises(ConfigurazioneNonValida, match="non è ancora registrata"):
        apply(db, wanted, CASSAFORTE, NOW)

    assert row(db) is None
    apply(db, read({"sftp": SFTP}), CASSAFORTE, NOW)
    ente = wanted.enti[0]
    assert not any(one.is_change for one in plan(db, replace(wanted, enti=(ente,)), CASSAFORTE, NOW))
