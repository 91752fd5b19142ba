"""Where the hub calls an ente, in the configuration file: read, planned, applied once, given back without secrets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from hub.cli import main
from hub.domain.configurazione import INVARIATO, Configurazione, ConfigurazioneNonValida
from hub.formats.configurazione import read_configurazione, render_configurazione
from hub.formats.segreti import Cassaforte
from hub.store import enti, eventi_esito
from hub.store.database import Database
from hub.store.schema import endpoint_esito
from hub.usecases.apply_config import apply, plan
from hub.usecases.export_config import export_config

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
CASSAFORTE = Cassaforte("9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2)
CHIAVE = "0123456789abcdef" * 4
FILE = """
stazioni:
  - {id: "12345678903_01", intermediario: "12345678903", password: password01}
enti:
  - codIpaEnte: C_PROVA
    codice_fiscale: "12345678903"
    nome: Comune di Prova
    stazione: "12345678903_01"
    codice_segregazione: "01"
    iban: IT60X0542811101000000123456
    password: Segreto12345
    inoltro_esito: true
    chiave_ritorno: 0123456789abcdef0123456789abcdef
    url_archivio_esterno: https://archivio.example.org/ws
    tipi:
      - codice: TARI
        descrizione: Tassa rifiuti
        tassonomia: 9/0101101IM/
        notifica_esito: true
        endpoint_esito:
          url: https://sportello.example.org/esiti
          chiave: CHIAVE
          client_id: comune
          mail: esiti@example.org
          tentativi_max: 5
      - {codice: MENSA, descrizione: Mensa, tassonomia: 9/0107101TS/}
""".replace("CHIAVE", CHIAVE)


def read(text: str = FILE) -> Configurazione:
    return read_configurazione(text.encode())


def problems(text: str) -> dict[str, str]:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        read(text)
    return dict(refusal.value.problems)


def the_endpoint(db: Database):
    with db.reading() as session:
        return session.execute(select(endpoint_esito)).one()


def test_the_addresses_are_kept_and_their_keys_sealed(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)

    row = the_endpoint(db)
    with db.reading() as session:
        ente = enti.by_cod_ipa(session, "C_PROVA")
    assert (row.tipo, row.url, row.tentativi_max) == ("TARI", "https://sportello.example.org/esiti", 5)
    assert (row.client_id, row.mail) == ("comune", "esiti@example.org")
    assert CASSAFORTE.open(row.chiave_cifrata) == CHIAVE and CHIAVE not in row.chiave_cifrata
    assert CASSAFORTE.open(ente.chiave_ritorno_cifrata) == "0123456789abcdef" * 2
    assert (ente.inoltro_esito, ente.url_archivio_esterno) == (True, "https://archivio.example.org/ws")


def test_plan_says_what_apply_does_and_a_second_time_nothing(db: Database) -> None:
    planned = plan(db, read(), CASSAFORTE, NOW)
    applied = apply(db, read(), CASSAFORTE, NOW)

    assert planned == applied
    assert "aggiunge ente C_PROVA, tipo TARI, endpoint_esito" in [str(one) for one in applied]
    assert not any(one.is_change for one in apply(db, read(), CASSAFORTE, NOW))


def test_what_is_exported_has_no_secret_and_applies_to_nothing(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)

    text = render_configurazione(export_config(db, NOW))

    assert CHIAVE not in text and "0123456789abcdef" not in text
    assert not any(one.is_change for one in apply(db, read(text), CASSAFORTE, NOW))


def test_a_new_key_and_address_replace_the_old_ones(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)
    text = FILE.replace(CHIAVE, CHIAVE[::-1]).replace("sportello.", "nuovo.").replace("    tentativi_max: 5\n", "\n")

    found = [str(one) for one in apply(db, read(text), CASSAFORTE, NOW)]

    row = the_endpoint(db)
    assert (row.url, row.tentativi_max) == ("https://nuovo.example.org/esiti", 15)
    assert CASSAFORTE.open(row.chiave_cifrata) == CHIAVE[::-1]
    assert not any(CHIAVE in one or CHIAVE[::-1] in one for one in found)


def test_what_the_file_does_not_speak_of_stays_and_the_flags_switch_it_off(db: Database) -> None:
    apply(db, read(), CASSAFORTE, NOW)
    wanted = read()
    (ente,) = wanted.enti
    tari = replace(ente.tipi[0], endpoint_esito=None, notifica_esito=False)
    ente = replace(ente, chiave_ritorno=None, inoltro_esito=False, tipi=(tari, ente.tipi[1]))

    apply(db, replace(wanted, enti=(ente,)), CASSAFORTE, NOW)

    with db.reading() as session:
        row = enti.by_cod_ipa(session, "C_PROVA")
        assert eventi_esito.find_endpoint(session, row.id, "TARI") is not None
    assert row.chiave_ritorno_cifrata and not row.inoltro_esito


@pytest.mark.parametrize(
    ("secret", "where"),
    [(f"chiave: {CHIAVE}", "tipo TARI"), ("chiave_ritorno: 0123456789abcdef0123456789abcdef", "ente C_PROVA")],
)
def test_a_key_left_as_it_is_must_be_there(db: Database, secret: str, where: str) -> None:
    text = FILE.replace(secret, f'{secret.partition(":")[0]}: "{INVARIATO}"')

    with pytest.raises(ConfigurazioneNonValida, match=where):
        apply(db, read(text), CASSAFORTE, NOW)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (("https://sportello", "ftp://sportello"), "endpoint_esito.url"),
        (("https://sportello", "https://utente:chiave@sportello"), "endpoint_esito.url"),
        (("/esiti", "/esiti#qui"), "endpoint_esito.url"),
        ((CHIAVE, CHIAVE[:63]), "endpoint_esito.chiave"),
        (("mail: esiti@example.org", "tentativi_max: 5"), "endpoint_esito.client_id"),
        (("tentativi_max: 5", "tentativi_max: 0"), "endpoint_esito.tentativi_max"),
        (("tentativi_max: 5", "tentativi_max: 31"), "endpoint_esito.tentativi_max"),
        (("tentativi_max: 5", "tentativi: 5"), "endpoint_esito.tentativi"),
        (("notifica_esito: true", 'notifica_esito: "sì"'), "notifica_esito"),
    ],
)
def test_each_mistake_is_named_with_its_path(change: tuple[str, str], path: str) -> None:
    text = FILE.replace(*change)
    if change[0].startswith("mail"):
        text = text.replace("          tentativi_max: 5\n          tentativi_max: 5\n", "          tentativi_max: 5\n")

    found = problems(text)

    assert f"enti[0].tipi[0].{path}" in found
    assert CHIAVE[:63] not in str(found)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (("https://archivio", "javascript:archivio"), "enti[0].url_archivio_esterno"),
        (("0123456789abcdef0123456789abcdef\n", "corta\n"), "enti[0].chiave_ritorno"),
        (("inoltro_esito: true", "inoltro_esito: forse"), "enti[0].inoltro_esito"),
    ],
)
def test_each_mistake_of_the_ente_is_named_with_its_path(change: tuple[str, str], path: str) -> None:
    assert path in problems(FILE.replace(*change))


@pytest.mark.parametrize(("ambiente", "exit_code"), [("produzione", 1), ("sviluppo", 0)])
def test_http_is_refused_when_applied_outside_the_workbench(
    sqlite_url: str, tmp_path, ambiente: str, exit_code: int
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(FILE.replace("https://", "http://"))
    env = {"PONTEPA_DATABASE_URL": sqlite_url, "PONTEPA_AMBIENTE": ambiente,
           "PONTEPA_SECRET_KEY": "9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2}  # fmt: skip

    result = CliRunner().invoke(main, ["config", "apply", str(file)], env=env)

    assert result.exit_code == exit_code, result.output
    refused = ["enti[0].url_archivio_esterno", "enti[0].tipi[0].endpoint_esito.url"]
    assert all((path in result.stderr) == bool(exit_code) for path in refused)
