"""What happened at the counter of the simulated PSP: payments, every call and its verdict, the receipts.

Tables of their own in the simulator's file. `at` are ISO instants in UTC; durations are milliseconds.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.nodo.registro import Registro

TABLES = """
CREATE TABLE IF NOT EXISTS pagamenti (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, dominio TEXT NOT NULL, numero_avviso TEXT NOT NULL, iuv TEXT NOT NULL,
    stazione TEXT NOT NULL, primitive TEXT NOT NULL, psp TEXT NOT NULL, stranezza TEXT NOT NULL,
    stato TEXT NOT NULL DEFAULT 'IN_CORSO', codice TEXT NOT NULL DEFAULT '', originale TEXT NOT NULL DEFAULT '',
    dettaglio TEXT NOT NULL DEFAULT '', chiesto_cent INTEGER, pagato_cent INTEGER, token TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS pagamenti_by_iuv ON pagamenti (iuv);
CREATE TABLE IF NOT EXISTS passi (
    id INTEGER PRIMARY KEY, pagamento_id INTEGER NOT NULL, at TEXT NOT NULL, operazione TEXT NOT NULL,
    esito TEXT NOT NULL, codice TEXT NOT NULL, dettaglio TEXT NOT NULL, guasto TEXT NOT NULL, ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS passi_by_pagamento ON passi (pagamento_id);
CREATE TABLE IF NOT EXISTS ricevute (
    id INTEGER PRIMARY KEY, pagamento_id INTEGER NOT NULL, operazione TEXT NOT NULL, destinatario TEXT NOT NULL,
    token TEXT NOT NULL, sha256 TEXT NOT NULL, corpo BLOB NOT NULL, stato TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ricevute_by_pagamento ON ricevute (pagamento_id);
CREATE TABLE IF NOT EXISTS consegne_ricevute (
    id INTEGER PRIMARY KEY, ricevuta_id INTEGER NOT NULL, at TEXT NOT NULL, esito TEXT NOT NULL,
    dettaglio TEXT NOT NULL, guasto TEXT NOT NULL, ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS consegne_by_ricevuta ON consegne_ricevute (ricevuta_id);
"""

# States of a receipt, in the node's words. Source: node, what a KO means (3.0.7).
DA_NOTIFICARE = "NOTICE_PENDING"
NOTIFICATA = "NOTIFIED"
NON_NOTIFICATA = "NOTICE_FAILED"
# Verdicts on an answer.
VIOLAZIONE = "VIOLAZIONE"


@dataclass(frozen=True, slots=True)
class Ricevuta:
    """A receipt that is owed to a recipient."""

    id: int
    operazione: str
    destinatario: str
    corpo: bytes


class LedgerSportello(Registro):
    """The memory of the counter."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or keep everything in memory when `path` is None."""
        super().__init__(path, TABLES)

    def open_pagamento(self, now: datetime, **values: str) -> int:
        """Record that somebody stands at the counter; return the number of the payment."""
        with self._writing() as connection:
            names = ", ".join(values)
            marks = ", ".join("?" for _ in values)
            cursor = connection.execute(
                f"INSERT INTO pagamenti (at, {names}) VALUES (?, {marks})", (now.isoformat(), *values.values())
            )
            return int(cursor.lastrowid or 0)

    def close_pagamento(self, pagamento_id: int, **values: str | int | None) -> None:
        """Record how it ended."""
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self._writing() as connection:
            connection.execute(f"UPDATE pagamenti SET {assignments} WHERE id = ?", (*values.values(), pagamento_id))

    def note_passo(self, pagamento_id: int, now: datetime, ms: int, **values: str) -> None:
        """Record one call to the hub: operazione, esito, codice, dettaglio, guasto."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO passi (pagamento_id, at, ms, operazione, esito, codice, dettaglio, guasto)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (pagamento_id, now.isoformat(), ms)
                + tuple(values.get(name, "") for name in ("operazione", "esito", "codice", "dettaglio", "guasto")),
            )

    def add_ricevute(
        self, pagamento_id: int, token: str, lavori: Sequence[tuple[str, str, bytes]], now: datetime
    ) -> list[Ricevuta]:
        """Store the receipts of a payment: operation, recipient, bytes of the message."""
        found = []
        with self._writing() as connection:
            for operazione, destinatario, corpo in lavori:
                cursor = connection.execute(
                    "INSERT INTO ricevute (pagamento_id, operazione, destinatario, token, sha256, corpo, stato,"
                    " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (pagamento_id, operazione, destinatario, token, hashlib.sha256(corpo).hexdigest(), corpo)
                    + (DA_NOTIFICARE, now.isoformat()),
                )
                found.append(Ricevuta(int(cursor.lastrowid or 0), operazione, destinatario, corpo))
        return found

    def pending_ricevute(self) -> list[Ricevuta]:
        """Return the receipts still owed, oldest first: what a restarted simulator goes on with."""
        rows = self._rows("SELECT * FROM ricevute WHERE stato = ? ORDER BY id", (DA_NOTIFICARE,))
        return [Ricevuta(row["id"], row["operazione"], row["destinatario"], row["corpo"]) for row in rows]

    def note_consegna(self, ricevuta_id: int, esito: str, dettaglio: str, guasto: str, ms: int, now: datetime) -> None:
        """Record one sending of a receipt and what the hub answered."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO consegne_ricevute (ricevuta_id, at, esito, dettaglio, guasto, ms)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (ricevuta_id, now.isoformat(), esito, dettaglio, guasto, ms),
            )

    def close_ricevuta(self, ricevuta_id: int, stato: str) -> None:
        with self._writing() as connection:
            connection.execute("UPDATE ricevute SET stato = ? WHERE id = ?", (stato, ricevuta_id))

    def find_ricevuta(self, destinatario: str, token: str) -> bytes | None:
        """The message that told an ente of a payment, as it was first stored."""
        query = "SELECT corpo FROM ricevute WHERE destinatario = ? AND token = ? ORDER BY id LIMIT 1"
        rows = self._rows(query, (destinatario, token))
        return rows[0]["corpo"] if rows else None

    def pagamento(self, pagamento_id: int) -> dict[str, Any]:
        """Return a payment with its calls and its receipts, as plain values."""
        return self._plain(self._rows("SELECT * FROM pagamenti WHERE id = ?", (pagamento_id,))[0])

    def corpi(self) -> list[bytes]:
        """The receipts that were made, oldest first; copies for other enti included."""
        return [row["corpo"] for row in self._rows("SELECT corpo FROM ricevute ORDER BY id")]

    def as_json(self, iuv: str | None = None) -> dict[str, Any]:
        """Return everything as plain values; with `iuv` only what concerns it."""
        where = ("", ()) if iuv is None else (" WHERE iuv = ?", (iuv,))
        pagamenti = [self._plain(row) for row in self._rows(f"SELECT * FROM pagamenti{where[0]} ORDER BY id", where[1])]
        return {"conteggi": _counts(pagamenti), "pagamenti": pagamenti}

    def _plain(self, row: sqlite3.Row) -> dict[str, Any]:
        key = (row["id"],)
        passi = [dict(one) for one in self._rows("SELECT * FROM passi WHERE pagamento_id = ? ORDER BY id", key)]
        ricevute = []
        for one in self._rows("SELECT * FROM ricevute WHERE pagamento_id = ? ORDER BY id", key):
            consegne = self._rows("SELECT * FROM consegne_ricevute WHERE ricevuta_id = ? ORDER BY id", (one["id"],))
            plain = {name: value for name, value in dict(one).items() if name != "corpo"}
            ricevute.append(plain | {"consegne": [dict(consegna) for consegna in consegne]})
        return dict(row) | {"passi": passi, "ricevute": ricevute}


def _counts(pagamenti: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    passi = [passo for pagamento in pagamenti for passo in pagamento["passi"]]
    ricevute = [ricevuta for pagamento in pagamenti for ricevuta in pagamento["ricevute"]]
    consegne = [consegna for ricevuta in ricevute for consegna in ricevuta["consegne"]]
    return {
        "pagamenti": len(pagamenti),
        "pagati": sum(pagamento["stato"] == "PAGATO" for pagamento in pagamenti),
        "chiamate": len(passi) + len(consegne),
        # What the real node would have rejected: each is a bug of the hub.
        "violazioni": sum(one["esito"] == VIOLAZIONE for one in [*passi, *consegne]),
        "ricevute": len(ricevute),
        "ricevute_notificate": sum(ricevuta["stato"] == NOTIFICATA for ricevuta in ricevute),
        "ricevute_in_attesa": sum(ricevuta["stato"] == DA_NOTIFICARE for ricevuta in ricevute),
        "consegne": len(consegne),
    }
