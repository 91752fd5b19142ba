"""Settings: read once, refused all together."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.config import Ambiente, Config
from hub.config_reading import ConfigError, load_config

KEY = {"PONTEPA_SECRET_KEY": "9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2}


def _problems(path: str | None, env: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refusal:
        load_config(path, env)
    return refusal.value.problems


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "manca"),
        ("   ", "manca"),
        ("breve", "troppo corta"),
        ("a" * 64, "esempio"),
        ("cambia-questa-chiave-prima-di-partire", "esempio"),
        ("chiave-di-sviluppo-da-non-usare-altrove", "esempio"),
        ("9f0d6c1b7a3e58422fd1c0be96a7d3e4,breve", "meno di 32"),
        ("breve,9f0d6c1b7a3e58422fd1c0be96a7d3e4", "meno di 32"),
        ("9f0d6c1b7a3e58422fd1c0be96a7d3e4," + "a" * 64, "esempio"),
    ],
)
def test_production_does_not_start_without_a_drawn_key(value: str | None, word: str) -> None:
    env = {} if value is None else {"PONTEPA_SECRET_KEY": value}

    (problem,) = _problems(None, env)

    assert word in problem
    assert value is None or value.strip() == "" or value not in problem


def test_the_development_environment_needs_no_key() -> None:
    config = load_config(None, {"PONTEPA_AMBIENTE": "sviluppo"})

    assert config.ambiente is Ambiente.SVILUPPO
    assert config.secret_key


def test_the_defaults_are_those_of_the_documentation() -> None:
    config = load_config(None, KEY)

    assert (config.database_url, str(config.data_dir), config.public_url, config.node_url) == (
        "sqlite:///var/pontepa.db", "var", "http://127.0.0.1:8080", None,
    )  # fmt: skip


def test_every_problem_is_said_at_once_without_values() -> None:
    env = {
        "PONTEPA_PORT": "porta", "PONTEPA_PUBLIC_URL": "ftp://example.org", "PONTEPA_LOG_LEVEL": "tutto",
        "PONTEPA_DATABASE_URL": "mysql://utente:parola@db/x", "PONTEPA_NODE_UR": "http://nodo",
        "PONTEPA_WORKERS": "0",
    }  # fmt: skip

    problems = _problems(None, env)

    for name in ("PORT", "PUBLIC_URL", "LOG_LEVEL", "DATABASE_URL", "NODE_UR", "WORKERS", "SECRET_KEY"):
        assert any(f"PONTEPA_{name}" in problem for problem in problems), name
    assert "parola" not in "".join(problems)


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "pontepa.toml"
    file.write_text('port = 9000\nnode_url = "http://nodo.example.org/"\n')

    config = load_config(str(file), {**KEY, "PONTEPA_PORT": "9001"})

    assert (config.port, config.node_url) == (9001, "http://nodo.example.org")


def test_an_unknown_key_of_the_file_is_refused_with_a_hint(tmp_path: Path) -> None:
    file = tmp_path / "pontepa.toml"
    file.write_text('databse_url = "sqlite:///x.db"\n')

    (problem,) = _problems(str(file), KEY)

    assert "'databse_url' sconosciuta (forse database_url)" in problem


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "rotto.toml").write_text("porta =")

    assert "non leggibile" in _problems(str(tmp_path / "manca.toml"), KEY)[0]
    assert "non in TOML" in _problems(str(tmp_path / "rotto.toml"), KEY)[0]


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"PONTEPA_WORKERS": "4"}, "WORKERS"),
        ({"PONTEPA_DB_POOL_SIZE": "2"}, "DB_POOL_SIZE"),
        ({"PONTEPA_LEASE_S": "30"}, "LEASE_S"),
        ({"PONTEPA_UPLOAD_CEILING_BYTES": "1000000"}, "UPLOAD_CEILING_BYTES"),
        ({"PONTEPA_S3_BUCKET": "x", "PONTEPA_S3_ACCESS_KEY": "y"}, "S3_SECRET_KEY"),
        ({"PONTEPA_S3_ENDPOINT": "http://archivio.example.org"}, "S3_BUCKET"),
        ({"PONTEPA_TASSONOMIA_URL": "http://api.example.org/t?extension=csv"}, "TASSONOMIA_URL"),
        ({"PONTEPA_NODE_PORT": "8080"}, "NODE_PORT"),
        ({"PONTEPA_NODE_PORT": "8082", "PONTEPA_NODE_CLIENT_CA": "ca.pem"}, "NODE_CLIENT_CA"),
        ({"PONTEPA_NODE_CLIENT_SUBJECTS": "pagopa"}, "NODE_CLIENT_SUBJECTS"),
        ({"PONTEPA_NODE_SOURCES": "203.0.113.0/24,casa"}, "NODE_SOURCES"),
        ({"PONTEPA_NODE_PORT": "0"}, "NODE_PORT"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(env: dict[str, str], name: str) -> None:
    (problem,) = _problems(None, {**KEY, **env})

    assert f"PONTEPA_{name}" in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("TASSONOMIA_URL", value) for value in ("ftp://x/t", "https://", "https://u@x/t", "https://x:y/t", "tavola")),
        *(("TASSONOMIA_ORA", value) for value in ("mezzogiorno", "25:00")),
        ("TASSONOMIA_AGGIORNA", "forse"),
        ("TASSONOMIA_PREAVVISO_GIORNI", "-1"),
    ],
)
def test_where_and_when_the_taxonomy_is_looked_for_must_make_sense(name: str, value: str) -> None:
    (problem,) = _problems(None, {**KEY, f"PONTEPA_{name}": value})

    assert f"PONTEPA_{name}" in problem


def test_the_callers_of_the_nodes_port_are_lists(tmp_path: Path) -> None:
    env = {"PONTEPA_NODE_SOURCES": "203.0.113.0/24, 2001:db8::1", "PONTEPA_PROXY_CERT_HEADER": "Client-Cert",
           "PONTEPA_TRUSTED_PROXIES": "10.0.0.1", "PONTEPA_NODE_CLIENT_SUBJECTS": "CN=a,O=b; nodo"}  # fmt: skip

    config = load_config(None, {**KEY, **env})

    assert [str(network) for network in config.node_sources] == ["203.0.113.0/24", "2001:db8::1/128"]
    assert config.node_client_subjects == ("CN=a,O=b", "nodo")


def test_a_bare_postgresql_address_gets_the_tested_driver() -> None:
    config = load_config(None, {**KEY, "PONTEPA_DATABASE_URL": "postgresql://u@db/pontepa", "PONTEPA_WORKERS": "4"})

    assert config.database_url == "postgresql+psycopg://u@db/pontepa"


def test_the_key_is_not_in_the_representation() -> None:
    assert KEY["PONTEPA_SECRET_KEY"] not in repr(load_config(None, KEY))


def test_settings_do_not_change() -> None:
    config = Config(ambiente=Ambiente.SVILUPPO)

    with pytest.raises(ValueError, match="frozen"):
        config.port = 1  # type: ignore[misc]
