"""The carts that simulated Checkout has taken, and what became of each notice in them: tables of the node's file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.nodo.registro import Registro
from hub.domain.carrello_checkout import CarrelloCheckout

TABLES = """
CREATE TABLE IF NOT EXISTS carrelli_checkout (
    id TEXT PRIMARY KEY, created_at TEXT NOT NULL, scade_at TEXT NOT NULL, versione INTEGER NOT NULL,
    id_cart TEXT NOT NULL, email TEXT NOT NULL, solo_postali INTEGER NOT NULL, ritorni TEXT NOT NULL,
    sha256 TEXT NOT NULL, stato TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS carrelli_checkout_by_id_cart ON carrelli_checkout (id_cart);
CREATE TABLE IF NOT EXISTS avvisi_checkout (
    carrello TEXT NOT NULL, posizione INTEGER NOT NULL, numero_avviso TEXT NOT NULL, codice_fiscale TEXT NOT NULL,
    importo_cent INTEGER NOT NULL, ente_nome TEXT NOT NULL, descrizione TEXT NOT NULL, stato TEXT NOT NULL,
    motivo TEXT NOT NULL DEFAULT '', PRIMARY KEY (carrello, posizione));
CREATE INDEX IF NOT EXISTS avvisi_checkout_by_numero ON avvisi_checkout (codice_fiscale, numero_avviso);
"""

APERTO = "APERTO"
IN_PAGAMENTO = "IN_PAGAMENTO"
PAGATO = "PAGATO"
NON_PAGATO = "NON_PAGATO"
ABBANDONATO = "ABBANDONATO"
SCADUTO = "SCADUTO"
DA_PAGARE = "DA_PAGARE"


@dataclass(frozen=True, slots=True)
class AvvisoPreso:
    posizione: int
    numero_avviso: str
    codice_fiscale: str
    importo_cent: int
    ente_nome: str
    descrizione: str
    stato: str


@dataclass(frozen=True, slots=True)
class CarrelloPreso:
    """`ritorni`: by the names ok, annullato, errore, attesa (empty in version 1)."""

    id: str
    id_cart: str
    stato: str
    scade_at: datetime
    versione: int
    ritorni: Mapping[str, str]
    avvisi: tuple[AvvisoPreso, ...]


class LedgerCarrelli(Registro):
    """The memory of simulated Checkout. Safe for threads."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or keep everything in memory when `path` is None."""
        super().__init__(path, TABLES)

    def add(
        self, id: str, carrello: CarrelloCheckout, versione: int, sha256: str, now: datetime, scade_at: datetime
    ) -> None:
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO carrelli_checkout (id, created_at, scade_at, versione, id_cart, email, solo_postali,"
                " ritorni, sha256, stato) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (id, now.isoformat(), scade_at.isoformat(), versione, carrello.id_carrello or "", carrello.email or "")
                + (int(carrello.solo_postali), json.dumps(asdict(carrello.ritorni)), sha256, APERTO),
            )
            connection.executemany(
                "INSERT INTO avvisi_checkout (carrello, posizione, numero_avviso, codice_fiscale, importo_cent,"
                " ente_nome, descrizione, stato) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (id, posizione, *asdict(avviso).values(), DA_PAGARE)
                    for posizione, avviso in enumerate(carrello.avvisi, 1)
                ],
            )

    def find(self, id: str) -> CarrelloPreso | None:
        rows = self._rows("SELECT * FROM carrelli_checkout WHERE id = ?", (id,))
        if not rows:
            return None
        row = rows[0]
        avvisi = self._rows("SELECT * FROM avvisi_checkout WHERE carrello = ? ORDER BY posizione", (id,))
        return CarrelloPreso(
            row["id"],
            row["id_cart"],
            row["stato"],
            datetime.fromisoformat(row["scade_at"]),
            row["versione"],
            json.loads(row["ritorni"]),
            tuple(AvvisoPreso(**{name: one[name] for name in AvvisoPreso.__slots__}) for one in avvisi),
        )

    def by_id_cart(self, id_cart: str) -> list[str]:
        """The carts that the hub posted under this name, the latest first: a cart may be posted again."""
        query = "SELECT id FROM carrelli_checkout WHERE id_cart = ? ORDER BY created_at DESC, rowid DESC"
        return [row["id"] for row in self._rows(query, (id_cart,))]

    def is_taken(self, codice_fiscale: str, numero_avviso: str) -> bool:
        """Whether a notice was paid here, or is being paid in some cart."""
        query = (
            "SELECT 1 FROM avvisi_checkout a JOIN carrelli_checkout c ON c.id = a.carrello WHERE a.codice_fiscale = ?"
            " AND a.numero_avviso = ? AND (a.stato = ? OR c.stato = ?) LIMIT 1"
        )
        return bool(self._rows(query, (codice_fiscale, numero_avviso, PAGATO, IN_PAGAMENTO)))

    def move(self, id: str, da: Sequence[str], a: str) -> bool:
        """Take a cart to another state; False when it is not in one of `da` any more (somebody pressed twice)."""
        marks = ", ".join("?" for _ in da)
        with self._writing() as connection:
            changed = connection.execute(
                f"UPDATE carrelli_checkout SET stato = ? WHERE id = ? AND stato IN ({marks})", (a, id, *da)
            )
            return changed.rowcount == 1

    def note_avviso(self, id: str, posizione: int, stato: str, motivo: str) -> None:
        with self._writing() as connection:
            connection.execute(
                "UPDATE avvisi_checkout SET stato = ?, motivo = ? WHERE carrello = ? AND posizione = ?",
                (stato, motivo, id, posizione),
            )

    def as_json(self, iuv: str | None = None) -> dict[str, Any]:
        """Everything as plain values; with `iuv` the carts with a notice of it."""
        avvisi: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows("SELECT * FROM avvisi_checkout ORDER BY carrello, posizione"):
            avvisi.setdefault(row["carrello"], []).append(dict(row))
        carrelli = [
            _plain(row) | {"avvisi": avvisi.get(row["id"], [])}
            for row in self._rows("SELECT * FROM carrelli_checkout ORDER BY created_at, rowid")
        ]
        if iuv is not None:
            carrelli = [one for one in carrelli if any(each["numero_avviso"].endswith(iuv) for each in one["avvisi"])]
        conteggi = {
            "carrelli": len(carrelli),
            "pagati": sum(one["stato"] == PAGATO for one in carrelli),
            "avvisi_pagati": sum(each["stato"] == PAGATO for one in carrelli for each in one["avvisi"]),
        }
        return {"conteggi": conteggi, "carrelli": carrelli}


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    return dict(row) | {"ritorni": json.loads(row["ritorni"])}
