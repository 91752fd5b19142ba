"""Fixtures that every folder of tests shares: databases, one for each test.

`database_url` runs a test twice: on SQLite and on PostgreSQL. `PONTEPA_TEST_DATABASE_URL` names the only database
kind wanted: `sqlite` for SQLite alone, or the address of a PostgreSQL server on which databases may be created.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog

from hub.formats.resources import resource
from hub.soap import operation
from hub.store import migrate
from hub.store.database import Database
from tests import memory, pg

GIVEN_URL = "PONTEPA_TEST_DATABASE_URL"


def _backends() -> list[str]:
    given = os.environ.get(GIVEN_URL, "")
    if given.startswith("sqlite"):
        return ["sqlite"]
    return ["postgresql"] if given else ["sqlite", "postgresql"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Lay what the tests write in memory, where there is room; a process of xdist writes where it is told."""
    if not hasattr(config, "workerinput") and config.option.basetemp is None and (room := memory.take_room()):
        config.option.basetemp = room / "prove"
        config.add_cleanup(lambda: shutil.rmtree(room, ignore_errors=True))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", _backends(), scope="session")


def pytest_collection_finish() -> None:
    """Leave the ten thousand tests, and what they have imported, out of every walk of the collector: a fifth of the
    processor's time went into it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """What a test does with the log of its process ends with it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def _ran(terminalreporter: Any, words: str) -> tuple[int, int]:
    """How many tests with these words in their names were green, and how many red."""
    counts = {
        outcome: sum(words in report.nodeid for report in terminalreporter.stats.get(outcome, ()))
        for outcome in ("passed", "failed", "error")
    }
    return counts["passed"], counts["failed"] + counts["error"]


def _told(terminalreporter: Any, name: str) -> list[Any]:
    """What the tests have noted under this name, in the order in which they ran."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, ())]
    return [value for report in reports for key, value in report.user_properties if key == name]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how far the fault walk and the cases of the public suites went, when this run had them."""
    if any(ran := _ran(terminalreporter, "tests/soap/walk/")):
        from tests.soap.walk import summary

        terminalreporter.write_line(summary.line(*ran))
    told: list[str] = []
    if cadute := _told(terminalreporter, "caduta"):
        from tests.prova import tabella

        told += tabella.lines((f"{backend}, {row[0]}", *row[1:]) for backend, row in cadute)
    if ostili := _told(terminalreporter, "ostili"):
        from tests.ostili import tabella as of_ostili

        told += of_ostili.lines((f"{backend}, {row[0]}", *row[1:]) for backend, row in ostili)
    if any(ran := _ran(terminalreporter, "test_a_case_of_the_public_suites")):
        from tests.flows.casi import summary as casi

        told += casi.lines(*ran)
    if any(ran := _ran(terminalreporter, "test_a_case_about_calls_of_the_hub")):
        from tests.nodo import casi as calls

        told += calls.lines(*ran)
    if any(ran := _ran(terminalreporter, "test_a_case_about_settlement_flows")):
        from tests.flows.casi import summary as casi

        told += casi.lines_of_fdr(*ran)
    if any(ran := _ran(terminalreporter, "test_a_case_about_notices")):
        from tests.flows.casi import avvisi

        told += avvisi.lines(*ran)
    if any(ran := _ran(terminalreporter, "test_a_case_about_activations")):
        from tests.flows.casi import attivazioni

        told += attivazioni.lines(*ran)
    if any(ran := _ran(terminalreporter, "test_a_case_about_carts")):
        from tests.flows.casi import summary as casi

        told += casi.lines_of_carts(*ran)
    for line in told:
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's PONTEPA_* variables out of the tests."""
    for name in [name for name in os.environ if name.startswith("PONTEPA_") and name != GIVEN_URL]:
        monkeypatch.delenv(name)


class _Listening:
    """A logger that hears the faults which the catalogue lacks, whatever the test does with the log."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.heard: list[str] = []

    def error(self, event: str, **values: Any) -> Any:
        if event == "fault_not_in_catalogue":
            self.heard.append(f"{values['operation']}: {values['code']}")
        return self._inner.error(event, **values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture(autouse=True)
def uncatalogued(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The faults answered in this process that docs/guasti.md lacks for their operation: any fails the test."""
    listening = _Listening(operation.log)
    monkeypatch.setattr(operation, "log", listening)
    yield listening.heard
    assert listening.heard == [], "missing in hub/domain/guasti"


class _Servers:
    """The PostgreSQL server and the migrated templates of this test process, each made at first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = ExitStack()
        self._server: pg.Server | None = None
        self._template: str | None = None
        self._sqlite: Path | None = None

    def server(self) -> pg.Server:
        if self._server is None:
            given = os.environ.get(GIVEN_URL, "")
            url = given if given and not given.startswith("sqlite") else None
            self._server = self.stack.enter_context(pg.running_server(url, within=memory.short_folder()))
            if url is None:
                self._server.forgo_power_cuts()
        return self._server

    def template(self) -> str:
        if self._template is None:
            self._template = self.server().create_database()
            self.stack.callback(self.server().drop_database, self._template)
            _migrate(self.server().url_of(self._template))
        return self._template

    def sqlite(self) -> Path:
        if self._sqlite is None:
            self._sqlite = self.folder / "modello.db"
            _migrate(f"sqlite:///{self._sqlite}")
        return self._sqlite


def _migrate(url: str) -> None:
    database = Database.open(url)
    try:
        migrate.upgrade(database, resource("migrations"))
        if not database.is_postgresql:
            # The write-ahead log goes into the file, so that the file alone is the template.
            with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.close()


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Servers]:
    servers = _Servers(tmp_path_factory.mktemp("modelli"))
    with servers.stack:
        yield servers


@pytest.fixture(scope="session")
def postgresql_server(_servers: _Servers) -> pg.Server:
    """A PostgreSQL server, for a test that is about PostgreSQL alone."""
    return _servers.server()


@pytest.fixture
def empty_database_url(backend: str, _servers: _Servers, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'vuota.db'}"
        return
    name = _servers.server().create_database()
    yield _servers.server().url_of(name)
    _servers.server().drop_database(name)


@pytest.fixture
def sqlite_url(_servers: _Servers, tmp_path: Path) -> str:
    """The address of a migrated, empty SQLite database: for tests whose promise has nothing to do with the database."""
    shutil.copyfile(_servers.sqlite(), tmp_path / "prova.db")
    return f"sqlite:///{tmp_path / 'prova.db'}"


@pytest.fixture
def postgresql_url(_servers: _Servers) -> Iterator[str]:
    """The address of a migrated, empty PostgreSQL database."""
    name = _servers.server().create_database(_servers.template())
    yield _servers.server().url_of(name)
    _servers.server().drop_database(name)


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest) -> str:
    """The address of a migrated, empty database; the test runs once on each kind."""
    return request.getfixturevalue(f"{backend}_url")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An open, migrated, empty database; the test runs once on each kind."""
    database = Database.open(database_url)
    yield database
    database.close()
