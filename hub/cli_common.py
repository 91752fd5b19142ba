"""What every command shares: settings, database, tables, refusals.

Exit codes: 0 done, 1 refused or failed with a sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import click

from hub.config import Config
from hub.config_reading import ConfigError, load_config
from hub.domain.configurazione import ConfigurazioneNonValida
from hub.domain.errors import HubError, OutOfService
from hub.store.database import Database
from hub.store.faults import DatabaseError

# An id is a 64-bit number of the database.
ID = click.IntRange(1, 2**63 - 1)
json_option = click.option("--json", "as_json", is_flag=True, help="Una risposta JSON al posto della tabella.")


class Refusal(click.ClickException):
    """A sentence on stderr and exit code 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.message, err=True, file=file)


class Elsewhere(click.Group):
    """A group whose commands may be in other modules, loaded when they are asked for.

    `elsewhere`: by the words of a command, `module:name`, the module one of the hub's.
    """

    elsewhere: Mapping[str, str] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *(words.split()[0] for words in self.elsewhere)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.elsewhere[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"hub.{module}"), name)
        if isinstance(command, Elsewhere):
            below = (words.partition(" ") + (where,) for words, where in self.elsewhere.items())
            command.elsewhere = {rest: where for first, _, rest, where in below if first == cmd_name and rest}
        return command


class Commands(Elsewhere):
    """Turns what the hub refuses into a sentence; everything else is a bug and keeps its trace."""

    def __init__(self, *args: Any, elsewhere: Mapping[str, str], **more: Any) -> None:
        super().__init__(*args, **more)
        self.elsewhere = elsewhere

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ConfigError as error:
            raise Refusal("\n".join(error.problems)) from error
        except ConfigurazioneNonValida as error:
            raise Refusal(str(error)) from error
        except OutOfService as error:
            # Who is at the command line may know the reason: it is theirs to mend.
            raise Refusal(error.reason or str(error)) from error
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


def print_values(values: Mapping[str, Any], as_json: bool) -> None:
    """Print one thing, a line for each of its values that is there, or all of them as JSON."""
    if as_json:
        print_json(values)
        return
    shown = [{"key": key, "value": value} for key, value in values.items() if value is not None]
    print_table({"key": "campo", "value": "valore"}, shown, False)


def save_from_archive(settings: Settings, paths: Sequence[str], folder: Path) -> None:
    """Copy files of the archive into a folder under their own names and say where; what is there is not replaced."""
    from hub import app_flussi

    archivio = app_flussi.build_archivio_file(settings.config)
    targets = [folder / PurePosixPath(path).name for path in paths]
    for target in targets:
        if target.exists():
            raise Refusal(f"{target} c'è già: spostarlo, o scegliere un'altra cartella con --in")
    for path, target in zip(paths, targets, strict=True):
        unfinished = target.with_name(f".{target.name}.parte")
        try:
            with archivio.open(path) as source, unfinished.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1024 * 1024)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        click.echo(str(target))


def system_user() -> str:
    """The name of who runs this command, for the record."""
    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container without a name for its user


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "sì" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
