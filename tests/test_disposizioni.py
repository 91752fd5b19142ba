"""The units and the compose file of several machines: what they name exists, and what they give time to has enough."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from hub import app
from hub.cli import main
from hub.config import Config

ROOT = Path(__file__).resolve().parents[1]
UNITS = sorted((ROOT / "examples" / "systemd").glob("*.service"))
COMPOSE = ROOT / "examples" / "compose"
LAYOUT: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = LAYOUT["services"]
OF_THE_HUB = {name: service for name, service in SERVICES.items() if service["image"].startswith("pontepa")}
SETTINGS = {f"PONTEPA_{name.upper()}" for name in Config.model_fields}
PROGRAM = "/opt/pontepa/bin/pontepa"


def option(unit: Path, name: str) -> str:
    """The last value of an option of a unit."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)[-1]


def is_command(words: list[str]) -> bool:
    """Whether `pontepa` has this command, with these options."""
    command: click.Command = main
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return False
        command, words = found, words[1:]
    options = {name for parameter in command.params for name in parameter.opts}
    return not isinstance(command, click.Group) and {word for word in words if word.startswith("--")} <= options


def seconds(words: str) -> int:
    """A span of compose or of systemd, in one unit."""
    number, unit = re.fullmatch(r"(\d+)(s|m|)", words).groups()  # type: ignore[union-attr]
    return int(number) * (60 if unit == "m" else 1)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    program, *words = option(unit, "ExecStart").split()

    assert program == PROGRAM and is_command(words)
    assert option(unit, "EnvironmentFile") == "/etc/pontepa/pontepa.env"
    assert set(re.findall(r"PONTEPA_[A-Z0-9_]+", unit.read_text(encoding="utf-8"))) <= SETTINGS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_has_nothing_against_the_units(tmp_path: Path) -> None:
    """Of a program that is not installed it would say that it is not; otherwise the files as they are."""
    there = str(Path(sys.executable).with_name("pontepa"))
    copies = [tmp_path / unit.name for unit in UNITS]
    for unit, copy in zip(UNITS, copies, strict=True):
        copy.write_text(unit.read_text(encoding="utf-8").replace(PROGRAM, there), encoding="utf-8")

    run = subprocess.run(["systemd-analyze", "verify", *copies], capture_output=True, text=True, timeout=60)

    # Units of the machine's own may have their faults.
    assert run.returncode == 0, run.stderr
    assert "pontepa" not in run.stdout + run.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_sees_its_own_folders_only_and_no_privilege(unit: Path) -> None:
    wanted = {
        "User": "pontepa", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
        "PrivateTmp": "yes", "PrivateDevices": "yes", "CapabilityBoundingSet": "",
        "SystemCallFilter": "@system-service", "StateDirectory": "pontepa", "UMask": "0027",
    }  # fmt: skip

    assert {name: option(unit, name) for name in wanted} == wanted


def test_a_stop_is_given_the_time_that_it_may_take() -> None:
    units = [ROOT / "examples/systemd" / name for name in ("pontepa-serve.service", "pontepa-worker@.service")]
    given = [option(unit, "TimeoutStopSec") for unit in units]
    given += [SERVICES[name]["stop_grace_period"] for name in ("web", "worker")]

    assert all(seconds(one) > app._STOP_TIMEOUT_S for one in given)
    assert {option(unit, "KillMode") for unit in units} == {"mixed"}


@pytest.mark.parametrize("file", ["systemd/pontepa.env.esempio", "compose/env.esempio", "compose/compose.yaml"])
def test_every_setting_that_is_given_is_one(file: str) -> None:
    text = (ROOT / "examples" / file).read_text(encoding="utf-8")

    assert set(re.findall(r"PONTEPA_[A-Z0-9_]+", text)) <= SETTINGS


def test_the_environment_of_a_machine_is_one_that_the_hub_takes() -> None:
    lines = (ROOT / "examples/systemd/pontepa.env.esempio").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    secrets = {"PONTEPA_SECRET_KEY": "a1b2c3d4" * 8, "PONTEPA_S3_ACCESS_KEY": "k", "PONTEPA_S3_SECRET_KEY": "s"}

    assert [name for name, value in given.items() if not value] == list(secrets)
    _taken(given | secrets)


def _taken(environment: dict[str, str]) -> None:
    """Raises: ConfigError, with every reason."""
    from hub.config_reading import load_config

    load_config(None, environment)


@pytest.mark.parametrize("name", sorted(OF_THE_HUB))
def test_a_service_of_the_hub_has_settings_that_it_takes(name: str) -> None:
    service = OF_THE_HUB[name]
    # Written so that they pass as what they stand for.
    values = {
        "PONTEPA_PUBLIC_URL": "https://hub.example.org", "PONTEPA_NODE_URL": "https://nodo.example.org",
        "PONTEPA_SECRET_KEY": "a1b2c3d4" * 8, "POSTGRES_PASSWORD": "p", "S3_ACCESS_KEY": "k", "S3_SECRET_KEY": "s",
    }  # fmt: skip

    environment = {
        key: re.sub(r"\$\{(\w+)(?::-(.*?)|:\?)?\}", lambda found: values.get(found[1]) or found[2] or "", value)
        for key, value in service["environment"].items()
    }

    _taken(environment)
    assert is_command(service["command"])
    # Of a copy of the database that is put back each machine must know by itself how far it was.
    assert any(volume.endswith(":/var/lib/pontepa") for volume in service["volumes"])


def test_every_word_that_compose_asks_for_is_in_the_sample() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (COMPOSE / "compose.yaml").read_text(encoding="utf-8")))
    sample = (COMPOSE / "env.esempio").read_text(encoding="utf-8")

    assert asked == set(re.findall(r"^(\w+)=", sample, re.MULTILINE))


def test_what_compose_mounts_builds_and_waits_for_exists() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (COMPOSE / source).is_file() if source.startswith(".") else source in LAYOUT["volumes"], volume
        assert set(service.get("depends_on", ())) <= SERVICES.keys(), name
        assert set(service.get("networks", ())) <= LAYOUT["networks"].keys(), name
        # What comes tomorrow under the same name is not what was tried today.
        assert re.fullmatch(r"[\w./-]+:[\w.-]+", service["image"]) and not service["image"].endswith(":latest"), name
    build = SERVICES["web"]["build"]
    assert (COMPOSE / build["context"] / build["dockerfile"]).is_file()


def test_only_the_proxy_is_seen_from_outside() -> None:
    """Grafana and the simulator on the machine itself; database, files, metrics not at all."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published.keys() == {"proxy", "grafana", "simulatore"}
    assert all(port.startswith("127.0.0.1:") for name in ("grafana", "simulatore") for port in published[name])
    conf = (COMPOSE / "nginx.conf").read_text(encoding="utf-8")
    assert "location /metrics { return 404; }" in conf and "location /health/ { return 404; }" in conf
    # Its address is the one that the hub believes.
    believed = SERVICES["web"]["environment"]["PONTEPA_TRUSTED_PROXIES"]
    assert SERVICES["proxy"]["networks"]["interna"]["ipv4_address"] == believed


def test_prometheus_looks_where_the_processes_answer_and_grafana_has_the_dashboard() -> None:
    scraped = yaml.safe_load((COMPOSE / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = scraped["scrape_configs"]
    targets = {target["names"][0]: target["port"] for target in job["dns_sd_configs"]}
    sources = yaml.safe_load((COMPOSE / "grafana/origini.yaml").read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((COMPOSE / "grafana/cruscotti.yaml").read_text(encoding="utf-8"))["providers"]

    assert job["job_name"] == "pontepa"  # as the rules name it
    assert targets == {"web": 8080, "worker": int(SERVICES["worker"]["environment"]["PONTEPA_METRICS_PORT"])}
    assert [source["type"] for source in sources] == ["prometheus"]
    mounted = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/pontepa.json" in mounted
    assert "../../docs/grafana/regole.yaml:/etc/prometheus/regole.yaml:ro" in SERVICES["prometheus"]["volumes"]


def test_the_database_has_room_for_all_of_them() -> None:
    config, web, worker = Config(), SERVICES["web"], SERVICES["worker"]
    processes = web["deploy"]["replicas"] * 2
    of_web = processes * (config.db_pool_size + config.blocking_threads)
    # Its own pool, that of the process of flows, and the one that listens.
    of_worker = worker["deploy"]["replicas"] * (config.db_pool_size + 14 + 1)

    assert of_web + of_worker < int(SERVICES["postgres"]["command"].rpartition("=")[2]) - 20
