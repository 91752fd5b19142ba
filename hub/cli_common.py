"""What every command shares: settings, database, tables, refusals.

Exit codes: 0 done, 1 refused or failed with a sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hub.config import Config, ConfigError, load_config
from hub.domain.configurazione import ConfigurazioneNonValida
from hub.domain.errors import HubError
from hub.store.database import Database
from hub.store.faults import DatabaseError

json_option = click.option("--json", "as_json", is_flag=True, help="Una risposta JSON al posto della tabella.")


class Refusal(click.ClickException):
    """A sentence on stderr and exit code 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.message, err=True, file=file)


class Commands(click.Group):
    """Turns what the hub refuses into a sentence; everything else is a bug and keeps its trace."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ConfigError as error:
            raise Refusal("\n".join(error.problems)) from error
        except ConfigurazioneNonValida as error:
            raise Refusal(str(error)) from error
        except HubError as error:
            raise Refusal(str(error)) from error
        except DatabaseError as error:
            # The driver's words may carry the password of the address.
            reason = type(error).__name__
            raise Refusal(f"il database non risponde o non è aggiornato ({reason}): vedere pontepa db check") from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise Refusal(f"{where}{error.strerror or type(error).__name__}") from error


class Settings:
    """The settings of this command, read when they are first needed."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._config: Config | None = None

    @property
    def config(self) -> Config:
        if self._config is None:
            self._config = load_config(self.path, os.environ)
        return self._config

    def changed(self, **values: Any) -> Config:
        """Return the settings with what the command line says; None is not said."""
        said = {name: value for name, value in values.items() if value is not None}
        return Config.model_validate({**self.config.model_dump(), **said})

    def prepare_sqlite_folder(self) -> None:
        """Make the folder of a SQLite file: the default one is not there at the first start."""
        url = self.config.database_url
        if url.startswith("sqlite:///") and ":memory:" not in url:
            Path(url.removeprefix("sqlite:///").partition("?")[0]).parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def database(self) -> Iterator[Database]:
        with self.open(self.config) as db:
            yield db

    @staticmethod
    @contextmanager
    def open(config: Config) -> Iterator[Database]:
        db = Database.open(config.database_url, pool_size=2)
        try:
            yield db
        finally:
            db.close()


pass_settings = click.make_pass_decorator(Settings)


def utc_now() -> datetime:
    return datetime.now(UTC)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print rows under the titles of `columns` (key -> title), or all their keys as JSON."""
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        click.echo("(nessuno)")
        return
    lines = [tuple(columns.values())] + [tuple(_cell(row.get(key)) for key in columns) for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "sì" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
