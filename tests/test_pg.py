"""The tests' own PostgreSQL."""

import glob
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests import pg


def test_a_database_of_the_tests_is_a_real_postgresql(postgresql_server: pg.Server) -> None:
    name = postgresql_server.create_database()
    dsn = postgresql_server.url_of(name).replace("postgresql+psycopg", "postgresql")

    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT current_database(), version()").fetchone()

    postgresql_server.drop_database(name)
    assert row is not None and row[0] == name and row[1].startswith("PostgreSQL")


@pytest.mark.skipif(not glob.glob("/usr/lib/postgresql/*/bin/initdb"), reason="no PostgreSQL programs on this machine")
def test_the_machines_postgresql_is_the_second_choice() -> None:
    folder = Path(tempfile.mkdtemp(prefix="pontepa-pg-", dir="/tmp"))
    folder.chmod(0o755)

    try:
        with pg.start_installed(folder) as server:
            name = server.create_database()
    finally:
        shutil.rmtree(folder)

    assert name.startswith("prova_")
