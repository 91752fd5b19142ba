"""The guard of the connections and the files of this process that are none."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import text

from hub.store.database import Database
from hub.web.vigile import Vigile

_ANOTHER = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM enti').fetchall()"


@pytest.mark.skipif(sys.platform != "linux", reason="the guard is of Linux")
def test_to_look_at_connections_gives_back_no_lock_on_the_database(sqlite_url: str) -> None:
    """Without its locks the next process that ends takes itself for the last one, and deletes the log of the others."""
    path = sqlite_url.removeprefix("sqlite:///")
    db = Database.open(sqlite_url)
    with db.transaction() as session:
        session.execute(text("CREATE TABLE prima (n integer)"))

    Vigile([1], 100, ()).look()
    subprocess.run([sys.executable, "-c", _ANOTHER, path], check=True)

    with db.transaction() as session:
        session.execute(text("INSERT INTO prima VALUES (1)"))
    seen = subprocess.run(
        [sys.executable, "-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("
         "'SELECT count(*) FROM prima').fetchone()[0])", path],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    db.close()
    assert seen.stdout.strip() == "1"
