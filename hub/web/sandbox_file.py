"""Calls of the sandbox as files: one side, one call, all of them. Names are numbers of ours, never words of others."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from flask import Response, json, send_file

from hub.formats.leggibile import estensione
from hub.store import chiamate_sandbox
from hub.store.database import Database

# Calls in memory at once: each may have a quarter of a MiB.
_STRETCH = 20
_IN_MEMORY_BYTES = 8 * 1024 * 1024
_WORDS = (
    "id", "istante", "applicazione", "cod_ipa_ente", "canale", "operazione", "stato_http", "esito", "durata_us",
    "correlazione", "spiegazione", "intestazioni",
)  # fmt: skip


def walk(db: Database, filters: dict[str, Any]) -> Iterator[Any]:
    """Give the calls that a filter shows, the oldest first, a few at a time."""
    after = 0
    while True:
        with db.reading() as session:
            rows = chiamate_sandbox.read(session, **filters, after_id=after, limit=_STRETCH)
        yield from rows
        if len(rows) < _STRETCH:
            return
        after = rows[-1].id


def body(row: Any, lato: str) -> Response:
    """Return one side of a call as an attachment that no browser opens by itself."""
    content = bytes(getattr(row, lato))
    answer = Response(content, mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{lato}-{row.id}.{estensione(content)}"'
    return answer


def archive(rows: Iterable[Any], nome: str) -> Response:
    """Return calls as a ZIP: of each its two sides and what is known of it."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - the answer closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for row in rows:
            folder = f"{row.id:08d}-{_plain(row.operazione)}"
            for lato in ("richiesta", "risposta"):
                content = bytes(getattr(row, lato))
                zipped.writestr(f"{folder}/{lato}.{estensione(content)}", content)
            zipped.writestr(f"{folder}/chiamata.json", _told(row))
    file.seek(0)
    return send_file(file, "application/zip", as_attachment=True, download_name=nome)


def _told(row: Any) -> str:
    words = {name: getattr(row, name) for name in _WORDS}
    words = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in words.items()}
    return json.dumps(words, ensure_ascii=False, indent=2)


def _plain(words: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in words)[:40]
