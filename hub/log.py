"""Logs: one event a line, JSON for machines or coloured text on a terminal, on stderr.

Never in a log: secrets, names and codes of people, payloads. Names of keys are checked here; exceptions are written
as type and place, without their message, because a database or a parser puts the offending value in it.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Protocol, TextIO, cast


class _Steady:
    """Where lines go; one that cannot be written (the disk is full, whoever read is gone) breaks nothing else.

    What the request did is done, whatever becomes of its line. The file keeps a little of what it could not write.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lost = 0

    def write(self, text: str) -> None:
        try:
            if self._lost:
                # As long as what the file keeps cannot be written, nothing is put beside it.
                self._file.flush()
                lost = json.dumps({"event": "log_lines_lost", "level": "error", "lines": self._lost})
                # Half of one may stand there.
                self._file.write(f"\n{lost}\n")
                self._lost = 0
            self._file.write(text)
        except (OSError, ValueError):
            self._lost += 1

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._file.flush()


@contextmanager
def _without(library: str) -> Iterator[None]:
    """Let an import that would be glad of a library do without it."""
    is_loaded = library in sys.modules
    if not is_loaded:
        sys.modules[library] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not is_loaded:
            del sys.modules[library]


# It draws tracebacks, which are never shown, wherever a development tool has brought it: four MiB of each process.
with _without("rich"):
    import structlog


class LogSettings(Protocol):
    """What is asked of the settings; the floor of the settings is beside this one, not below."""

    @property
    def log_format(self) -> str: ...
    @property
    def log_level(self) -> str: ...


REDACTED = "[omesso]"

_SECRET_PARTS = ("password", "passwd", "secret", "segreto", "token", "authorization", "cookie")
_PERSONAL = frozenset(
    {
        "codice_fiscale",
        "anagrafica",
        "nome",
        "nome_pagatore",
        "email",
        "email_pagatore",
        "pagatore",
        "payload",
        "body",
        "envelope",
        "xml",
        "raw",
        "rpt",
        "rt",
        "documento",
        "iban",
    }
)

# Libraries that put pieces of messages in what they log: their level and name are kept, their words are not.
_TALKATIVE = ("spyne", "zeep", "urllib3", "lxml", "xmlsec", "sqlalchemy", "psycopg")
_QUIET = {
    "spyne": logging.CRITICAL,
    "zeep": logging.ERROR,
    "urllib3": logging.ERROR,
    "sqlalchemy": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "werkzeug": logging.WARNING,
    "granian.access": logging.WARNING,
    "_granian": logging.WARNING,
    "granian": logging.WARNING,
    # What went wrong is the outcome of the delivery; its own lines are traces.
    "paramiko": logging.CRITICAL,
}
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank the values whose key says that they are secret or personal."""
    for key in event:
        if _is_private(key):
            event[key] = REDACTED
    return event


@lru_cache(maxsize=1024)
def _is_private(key: str) -> bool:
    lowered = key.lower()
    return lowered in _PERSONAL or any(part in lowered for part in _SECRET_PARTS)


def _place(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turn `exc_info` into type and place; the message of the exception is left out."""
    exc_info = event.pop("exc_info", None)
    if not exc_info:
        return event
    error = (
        exc_info
        if isinstance(exc_info, BaseException)
        else (exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1])
    )
    if error is not None:
        event["exception"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        event["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


class _Bridge(logging.Handler):
    """Gives the records of the standard library's loggers the same road and form as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        keys: dict[str, Any] = {"logger": record.name}
        if not record.name.startswith(_TALKATIVE):
            keys["message"] = record.getMessage()
        if record.exc_info:
            keys["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, "library_log", **keys)


def is_console(config: LogSettings) -> bool:
    """Say whether logs are written for a person."""
    return config.log_format == "console" or (config.log_format == "auto" and sys.stderr.isatty())


# Made once: json.dumps makes an encoder at every call that has options.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return _ENCODER.encode(event)


def configure(config: LogSettings) -> None:
    """Set up the logs of this process; may be called again."""
    level = _LEVELS[config.log_level]
    renderer: Any
    if is_console(config):
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    else:
        renderer = _render
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _place,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Steady(sys.stderr))),
        # Loggers are made at import, before this; a cached one would keep the form it had then.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Bridge)]:
        root.removeHandler(handler)
    root.addHandler(_Bridge())
    root.setLevel(max(level, logging.INFO))
    for name, quiet in _QUIET.items():
        logger = logging.getLogger(name)
        logger.setLevel(max(level, quiet))
        # A library that brought its own handler would write past our form.
        logger.handlers.clear()
        logger.propagate = True


def get_logger() -> Any:
    """Return a logger that follows `configure`, whenever that is called; harmless at import."""
    return structlog.get_logger()
