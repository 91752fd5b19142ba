"""What the simulated node received, what it knows of every RPT, and the receipts it owes: an SQLite file.

The file outlives a killed process, so that a test may ask afterwards: was anything sent twice, was anything lost.
No password and no body is kept of a received message: only its digest. `at` are ISO instants in UTC.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.nodo.registro import Registro
from hub.domain.delivery import ChiaveRpt

TABLES = """
CREATE TABLE IF NOT EXISTS messaggi (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, operazione TEXT NOT NULL, chiave TEXT NOT NULL, sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, correlation_id TEXT NOT NULL, risposta TEXT NOT NULL DEFAULT '',
    guasto TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS rpt (
    dominio TEXT NOT NULL, iuv TEXT NOT NULL, ccp TEXT NOT NULL, id_session TEXT NOT NULL, posizione INTEGER NOT NULL,
    intermediario TEXT NOT NULL, stazione TEXT NOT NULL, id_carrello TEXT NOT NULL, stato TEXT NOT NULL,
    documento BLOB NOT NULL, correlation_id TEXT NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (dominio, iuv, ccp));
CREATE INDEX IF NOT EXISTS rpt_by_session ON rpt (id_session, posizione);
CREATE UNIQUE INDEX IF NOT EXISTS rpt_by_carrello ON rpt (stazione, id_carrello, posizione) WHERE id_carrello <> '';
CREATE TABLE IF NOT EXISTS storico (
    id INTEGER PRIMARY KEY, dominio TEXT NOT NULL, iuv TEXT NOT NULL, ccp TEXT NOT NULL, at TEXT NOT NULL,
    stato TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS storico_by_rpt ON storico (dominio, iuv, ccp);
CREATE TABLE IF NOT EXISTS rt (
    id INTEGER PRIMARY KEY, dominio TEXT NOT NULL, iuv TEXT NOT NULL, ccp TEXT NOT NULL, codice_esito INTEGER NOT NULL,
    sha256 TEXT NOT NULL, documento BLOB NOT NULL, stato TEXT NOT NULL, created_at TEXT NOT NULL, due_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS consegne (
    id INTEGER PRIMARY KEY, rt_id INTEGER NOT NULL, at TEXT NOT NULL, esito TEXT NOT NULL, dettaglio TEXT NOT NULL,
    guasto TEXT NOT NULL);
"""

RT_DA_INVIARE = "DA_INVIARE"


class ChiaveDuplicata(Exception):
    """The node already has this cart (`chiave` None) or this attempt. `posizione` is 1-based inside the cart."""

    def __init__(self, posizione: int | None) -> None:
        super().__init__(posizione)
        self.posizione = posizione


@dataclass(frozen=True, slots=True)
class RptRicevuta:
    """An RPT as the node keeps it. `documento` are the bytes received."""

    chiave: ChiaveRpt
    id_session: str
    intermediario: str
    stazione: str
    id_carrello: str
    stato: str
    documento: bytes
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class RtDaInviare:
    id: int
    rpt: RptRicevuta
    documento: bytes
    due_at: datetime


class Ledger(Registro):
    """The node's memory."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or keep everything in memory when `path` is None."""
        super().__init__(path, TABLES)

    def note_message(self, operazione: str, chiave: str, body: bytes, correlation_id: str, now: datetime) -> int:
        """Record that a message arrived, before anything is judged; return its number."""
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT INTO messaggi (at, operazione, chiave, sha256, size_bytes, correlation_id)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (now.isoformat(), operazione, chiave, _sha256(body), len(body), correlation_id),
            )
            return int(cursor.lastrowid or 0)

    def note_answer(self, message_id: int, risposta: str, guasto: str) -> None:
        """Record the outcome decided (`OK`, a fault code) and the injected fault, when there was one."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE messaggi SET risposta = ?, guasto = ? WHERE id = ?", (risposta, guasto, message_id)
            )

    def add_carrello(self, righe: Sequence[RptRicevuta], now: datetime) -> None:
        """Take the RPTs in charge, all or none.

        Raises: ChiaveDuplicata (the cart's id or an attempt's key is already here).
        """
        with self._writing() as connection:
            carrello = righe[0]
            if (
                carrello.id_carrello
                and connection.execute(
                    "SELECT 1 FROM rpt WHERE stazione = ? AND id_carrello = ?",
                    (carrello.stazione, carrello.id_carrello),
                ).fetchone()
            ):
                raise ChiaveDuplicata(None)
            for posizione, riga in enumerate(righe, start=1):
                chiave = (riga.chiave.dominio, riga.chiave.iuv, riga.chiave.ccp)
                if connection.execute("SELECT 1 FROM rpt WHERE dominio = ? AND iuv = ? AND ccp = ?", chiave).fetchone():
                    raise ChiaveDuplicata(posizione)
                connection.execute(
                    "INSERT INTO rpt (dominio, iuv, ccp, id_session, posizione, intermediario, stazione, id_carrello,"
                    " stato, documento, correlation_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*chiave, riga.id_session, posizione, riga.intermediario, riga.stazione, riga.id_carrello)
                    + (riga.stato, riga.documento, riga.correlation_id, now.isoformat()),
                )
                _note_state(connection, riga.chiave, riga.stato, now)

    def move(self, chiave: ChiaveRpt, stato: str, now: datetime) -> None:
        """Give the RPT its new state and remember the old ones."""
        with self._writing() as connection:
            _move(connection, chiave, stato, now)

    def find_rpt(self, chiave: ChiaveRpt) -> RptRicevuta | None:
        rows = self._rows(
            "SELECT * FROM rpt WHERE dominio = ? AND iuv = ? AND ccp = ?", (chiave.dominio, chiave.iuv, chiave.ccp)
        )
        return _rpt(rows[0]) if rows else None

    def find_documento_rt(self, chiave: ChiaveRpt) -> bytes | None:
        """Return the last receipt of an attempt, delivered or not; None when there is none."""
        rows = self._rows(
            "SELECT documento FROM rt WHERE dominio = ? AND iuv = ? AND ccp = ? ORDER BY id DESC LIMIT 1",
            (chiave.dominio, chiave.iuv, chiave.ccp),
        )
        return bytes(rows[0]["documento"]) if rows else None

    def pendenti(
        self, stazione: str, dominio: str, stati: Sequence[str], da: datetime | None, a: datetime | None
    ) -> list[tuple[ChiaveRpt, str]]:
        """Return the RPTs of a station in these states, received between two instants; `dominio` empty: of all."""
        rows = self._rows(
            f"SELECT * FROM rpt WHERE stazione = ? AND (dominio = ? OR ? = '') AND stato IN ({_marks(stati)})"
            " ORDER BY created_at, posizione",
            (stazione, dominio, dominio, *stati),
        )
        found = ((row, datetime.fromisoformat(row["created_at"])) for row in rows)
        return [
            (ChiaveRpt(row["dominio"], row["iuv"], row["ccp"]), row["stato"])
            for row, at in found
            if (da is None or at >= da) and (a is None or at <= a)
        ]

    def has_paid(self, dominio: str, iuv: str) -> bool:
        """Whether a receipt says that the position was paid."""
        where = "dominio = ? AND iuv = ? AND codice_esito = 0"
        return bool(self._rows(f"SELECT 1 FROM rt WHERE {where} LIMIT 1", (dominio, iuv)))

    def has_open(self, dominio: str, iuv: str, ccp: str, stati: Sequence[str]) -> bool:
        """Whether another attempt at the position is in one of these states."""
        where = f"dominio = ? AND iuv = ? AND ccp <> ? AND stato IN ({_marks(stati)})"
        return bool(self._rows(f"SELECT 1 FROM rpt WHERE {where} LIMIT 1", (dominio, iuv, ccp, *stati)))

    def by_session(self, id_session: str) -> list[RptRicevuta]:
        """Return the session's RPTs in the order of the cart; empty when the session is unknown."""
        return [
            _rpt(row) for row in self._rows("SELECT * FROM rpt WHERE id_session = ? ORDER BY posizione", (id_session,))
        ]

    def storico(self, chiave: ChiaveRpt) -> list[tuple[datetime, str]]:
        rows = self._rows(
            "SELECT at, stato FROM storico WHERE dominio = ? AND iuv = ? AND ccp = ? ORDER BY id",
            (chiave.dominio, chiave.iuv, chiave.ccp),
        )
        return [(datetime.fromisoformat(row["at"]), row["stato"]) for row in rows]

    def add_rt(
        self, lavori: Sequence[tuple[ChiaveRpt, int, bytes]], *, da: str | None, a: str, due_at: datetime, now: datetime
    ) -> list[int] | None:
        """Store the receipts of a session in one step with the RPTs' new state `a`.

        `lavori`: key, codiceEsitoPagamento, document. None when an RPT is no more in state `da` (the payer pressed
        twice); `da` None accepts any state.
        """
        with self._writing() as connection:
            for chiave, _, _ in lavori:
                row = connection.execute(
                    "SELECT stato FROM rpt WHERE dominio = ? AND iuv = ? AND ccp = ?",
                    (chiave.dominio, chiave.iuv, chiave.ccp),
                ).fetchone()
                if row is None or (da is not None and row["stato"] != da):
                    return None
            numbers = []
            for chiave, codice, documento in lavori:
                _move(connection, chiave, a, now)
                cursor = connection.execute(
                    "INSERT INTO rt (dominio, iuv, ccp, codice_esito, sha256, documento, stato, created_at, due_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (chiave.dominio, chiave.iuv, chiave.ccp, codice, _sha256(documento), documento, RT_DA_INVIARE)
                    + (now.isoformat(), due_at.isoformat()),
                )
                numbers.append(int(cursor.lastrowid or 0))
            return numbers

    def pending_rt(self) -> list[RtDaInviare]:
        """Return the receipts still owed, oldest first: what a restarted simulator goes on with."""
        rows = self._rows("SELECT id FROM rt WHERE stato = ? ORDER BY id", (RT_DA_INVIARE,))
        return [found for row in rows if (found := self.find_rt(row["id"])) is not None]

    def find_rt(self, rt_id: int) -> RtDaInviare | None:
        rows = self._rows(
            "SELECT rpt.*, rt.id AS rt_id, rt.documento AS rt_documento, rt.due_at AS due_at FROM rt JOIN rpt"
            " ON rpt.dominio = rt.dominio AND rpt.iuv = rt.iuv AND rpt.ccp = rt.ccp WHERE rt.id = ?",
            (rt_id,),
        )
        if not rows:
            return None
        row = rows[0]
        return RtDaInviare(row["rt_id"], _rpt(row), row["rt_documento"], datetime.fromisoformat(row["due_at"]))

    def note_consegna(self, rt_id: int, esito: str, dettaglio: str, guasto: str, now: datetime) -> None:
        """Record one sending of a receipt and what the hub answered."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO consegne (rt_id, at, esito, dettaglio, guasto) VALUES (?, ?, ?, ?, ?)",
                (rt_id, now.isoformat(), esito, dettaglio, guasto),
            )

    def close_rt(self, rt: RtDaInviare, stato: str, now: datetime) -> None:
        """Give the receipt its final state, which becomes the state of the RPT."""
        with self._writing() as connection:
            connection.execute("UPDATE rt SET stato = ? WHERE id = ?", (stato, rt.id))
            _move(connection, rt.rpt.chiave, stato, now)

    def paid_rt(self) -> list[bytes]:
        """The receipts of what was paid, one for each RPT, oldest first."""
        rows = self._rows(
            "SELECT documento FROM rt WHERE codice_esito IN (0, 2, 4) GROUP BY dominio, iuv, ccp ORDER BY min(id)"
        )
        return [row["documento"] for row in rows]

    def as_json(self, iuv: str | None = None) -> dict[str, Any]:
        """Return the whole ledger as plain values; with `iuv` only what concerns it.

        `conteggi.invii_duplicati` counts the sendings refused because their key was already here.
        """
        where = ("", ()) if iuv is None else (" WHERE iuv = ?", (iuv,))
        messaggi = [dict(row) for row in self._rows("SELECT * FROM messaggi ORDER BY id")]
        if iuv is not None:
            messaggi = [riga for riga in messaggi if f"/{iuv}/" in f"{riga['chiave']} "]
        rpt = [
            _plain(row) | {"sha256": _sha256(row["documento"])}
            for row in self._rows("SELECT * FROM rpt" + where[0] + " ORDER BY created_at, posizione", where[1])
        ]
        rt = [_plain(row) for row in self._rows("SELECT * FROM rt" + where[0] + " ORDER BY id", where[1])]
        consegne: dict[int, list[dict[str, Any]]] = {}
        for row in self._rows("SELECT * FROM consegne ORDER BY id"):
            consegne.setdefault(row["rt_id"], []).append(_plain(row))
        for riga in rt:
            riga["consegne"] = consegne.get(riga["id"], [])
        return {"conteggi": _counts(messaggi, rpt, rt), "messaggi": messaggi, "rpt": rpt, "rt": rt}


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    return {name: value for name, value in dict(row).items() if name != "documento"}


def _counts(messaggi: list[dict[str, Any]], rpt: list[dict[str, Any]], rt: list[dict[str, Any]]) -> dict[str, int]:
    invii = [riga for riga in messaggi if riga["operazione"].startswith("nodoInvia")]
    return {
        "messaggi": len(messaggi),
        "invii": len(invii),
        "invii_duplicati": sum(
            riga["risposta"] in ("PPT_RPT_DUPLICATA", "PPT_ID_CARRELLO_DUPLICATO") for riga in invii
        ),
        "rpt": len(rpt),
        "iuv": len({(riga["dominio"], riga["iuv"]) for riga in rpt}),
        "rt": len(rt),
        "rt_accettate": sum(riga["stato"] == "RT_ACCETTATA_PA" for riga in rt),
        "rt_in_attesa": sum(riga["stato"] == RT_DA_INVIARE for riga in rt),
        "consegne_rt": sum(len(riga["consegne"]) for riga in rt),
    }


def _move(connection: sqlite3.Connection, chiave: ChiaveRpt, stato: str, now: datetime) -> None:
    connection.execute(
        "UPDATE rpt SET stato = ? WHERE dominio = ? AND iuv = ? AND ccp = ?",
        (stato, chiave.dominio, chiave.iuv, chiave.ccp),
    )
    _note_state(connection, chiave, stato, now)


def _note_state(connection: sqlite3.Connection, chiave: ChiaveRpt, stato: str, now: datetime) -> None:
    connection.execute(
        "INSERT INTO storico (dominio, iuv, ccp, at, stato) VALUES (?, ?, ?, ?, ?)",
        (chiave.dominio, chiave.iuv, chiave.ccp, now.isoformat(), stato),
    )


def _rpt(row: sqlite3.Row) -> RptRicevuta:
    return RptRicevuta(
        ChiaveRpt(row["dominio"], row["iuv"], row["ccp"]),
        row["id_session"],
        row["intermediario"],
        row["stazione"],
        row["id_carrello"],
        row["stato"],
        row["documento"],
        row["correlation_id"],
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
