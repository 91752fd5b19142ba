"""Migrations from inside the program: the same files in a clone and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from hub.store.database import Database
from hub.store.schema import metadata

# Two processes that start together must not migrate together (PostgreSQL advisory lock).
_LOCK = 0x706F6E7465


def _config(migrations: Path) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config


def upgrade(db: Database, migrations: Path) -> None:
    """Bring the database to the newest revision; harmless when it is there already."""
    config = _config(migrations)
    with db.migrating() as session:
        if db.is_postgresql:
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = session
        command.upgrade(config, "head")


def current(db: Database) -> str | None:
    """The revision of the database; None when it is empty."""
    with db.reading() as session:
        return MigrationContext.configure(session).get_current_revision()


def head(migrations: Path) -> str:
    """The newest revision of this version of the program."""
    return ScriptDirectory.from_config(_config(migrations)).get_current_head() or ""


def is_fit(found: str | None, wanted: str) -> bool:
    """Whether a program whose newest revision is `wanted` may work with a database at `found`.

    A newer one fits: migrations only add to what the running version uses, and revisions are numbers in order.

    >>> is_fit("0007", "0007"), is_fit("0008", "0007"), is_fit("0006", "0007"), is_fit(None, "0007")
    (True, True, False, False)
    """
    return found is not None and found >= wanted


def differences(db: Database) -> list[str]:
    """What the models say and the database does not; empty when they agree."""
    with db.reading() as session:
        context = MigrationContext.configure(session, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]
