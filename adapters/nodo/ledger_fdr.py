"""The settlement flows that PSPs gave to the simulated node, and every question that was asked about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from sqlite3 import Row
from typing import Any

from adapters.nodo.fdr_prodotti import Difetto, FlussoProdotto, Pagamento
from adapters.nodo.registro import Registro

TABLES = """
CREATE TABLE IF NOT EXISTS fdr_flussi (
    id INTEGER PRIMARY KEY, dominio TEXT NOT NULL, psp TEXT NOT NULL, iuf TEXT NOT NULL, revisione INTEGER NOT NULL,
    generato_at TEXT NOT NULL, pubblicato_at TEXT NOT NULL, visibile_at TEXT NOT NULL, regolato TEXT NOT NULL,
    nome TEXT NOT NULL, sintetici INTEGER NOT NULL, difetti TEXT NOT NULL,
    UNIQUE (dominio, psp, iuf, revisione));
CREATE INDEX IF NOT EXISTS fdr_flussi_dominio ON fdr_flussi (dominio, pubblicato_at);
CREATE TABLE IF NOT EXISTS fdr_righe (
    flusso_id INTEGER NOT NULL, numero INTEGER NOT NULL, iuv TEXT NOT NULL, iur TEXT NOT NULL, indice INTEGER,
    importo_cent INTEGER NOT NULL, esito TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (flusso_id, numero));
CREATE TABLE IF NOT EXISTS fdr_domande (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, operazione TEXT NOT NULL, dominio TEXT NOT NULL, iuf TEXT NOT NULL,
    risposta TEXT NOT NULL, guasto TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fdr_resi (
    dominio TEXT NOT NULL, iuv TEXT NOT NULL, iur TEXT NOT NULL, indice INTEGER NOT NULL,
    PRIMARY KEY (dominio, iuv, iur, indice));
"""
# How long the node lists a flow. Source: node, 6.3 rule 11.
FINESTRA = timedelta(days=30)


class FlussoDuplicato(ValueError):
    """This revision of the flow is here already."""


class LedgerFdr(Registro):
    """What the node has of settlement flows. Safe for threads."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, TABLES)

    def add(self, flusso: FlussoProdotto, visibile_at: datetime | None = None) -> None:
        """Keep a flow; `visibile_at`: not listed before. Raises: FlussoDuplicato."""
        published = flusso.pubblicato_at or flusso.generato_at
        values = (
            flusso.dominio, flusso.psp, flusso.iuf, flusso.revisione, _at(flusso.generato_at), _at(published),
            _at(visibile_at or published), flusso.regolato.isoformat(), flusso.nome, flusso.sintetici,
            " ".join(sorted(flusso.difetti)),
        )  # fmt: skip
        with self._writing() as connection:
            marks = ", ".join("?" * len(values))
            cursor = connection.execute(
                "INSERT OR IGNORE INTO fdr_flussi (dominio, psp, iuf, revisione, generato_at, pubblicato_at,"
                f" visibile_at, regolato, nome, sintetici, difetti) VALUES ({marks})",
                values,
            )
            if cursor.rowcount != 1:
                raise FlussoDuplicato(f"flusso {flusso.iuf}, revisione {flusso.revisione}: c'è già")
            rows = [
                (cursor.lastrowid, number, one.iuv, one.iur, one.indice, one.importo_cent, one.esito, str(one.data))
                for number, one in enumerate(flusso.pagamenti, 1)
            ]
            connection.executemany("INSERT INTO fdr_righe VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def elenco(self, dominio: str | None, now: datetime, dal: datetime | None = None) -> list[FlussoProdotto]:
        """The newest revision of each flow that is listed now, without its payments, oldest first."""
        since = max(now - FINESTRA, dal) if dal is not None else now - FINESTRA
        rows = self._rows(
            "SELECT * FROM fdr_flussi AS uno WHERE visibile_at <= ? AND pubblicato_at > ? AND (? = '' OR dominio = ?)"
            " AND difetti NOT LIKE '%non_elencato%' AND NOT EXISTS (SELECT 1 FROM fdr_flussi AS altro WHERE"
            " altro.dominio = uno.dominio AND altro.psp = uno.psp AND altro.iuf = uno.iuf AND altro.visibile_at <= ?"
            " AND altro.revisione > uno.revisione) ORDER BY pubblicato_at, id",
            (_at(now), _at(since), dominio or "", dominio or "", _at(now)),
        )
        return [flusso for row in rows for flusso in _twice(_flusso(row, ()))]

    def find(
        self, dominio: str | None, iuf: str, now: datetime, psp: str | None = None, revisione: int | None = None
    ) -> FlussoProdotto | None:
        """A flow with its payments; the newest revision when none is named."""
        rows = self._rows(
            "SELECT * FROM fdr_flussi WHERE iuf = ? AND visibile_at <= ? AND pubblicato_at > ?"
            " AND (? = '' OR dominio = ?) AND (? = '' OR psp = ?) AND (? = 0 OR revisione = ?)"
            " ORDER BY revisione DESC LIMIT 1",
            (iuf, _at(now), _at(now - FINESTRA), *[dominio or ""] * 2, *[psp or ""] * 2, *[revisione or 0] * 2),
        )
        if not rows or Difetto.MANCANTE in rows[0]["difetti"].split():
            return None
        lines = self._rows("SELECT * FROM fdr_righe WHERE flusso_id = ? ORDER BY numero", (rows[0]["id"],))
        return _flusso(rows[0], tuple(_pagamento(line) for line in lines))

    def note(self, operazione: str, dominio: str, iuf: str, risposta: str, guasto: str, now: datetime) -> None:
        """Record a question and how it was answered."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO fdr_domande (at, operazione, dominio, iuf, risposta, guasto) VALUES (?, ?, ?, ?, ?, ?)",
                (_at(now), operazione, dominio, iuf, risposta, guasto),
            )

    def not_settled(self, pagati: Iterable[tuple[str, str, Pagamento]]) -> list[tuple[str, str, Pagamento]]:
        """Those payments (dominio, PSP, payment) that no flow has settled yet; from now on they count as settled."""
        new = []
        with self._writing() as connection:
            for dominio, psp, one in pagati:
                key = (dominio, one.iuv, one.iur, one.indice or 0)
                if connection.execute("INSERT OR IGNORE INTO fdr_resi VALUES (?, ?, ?, ?)", key).rowcount:
                    new.append((dominio, psp, one))
        return new

    def next_libero(self, dominio: str, psp: str, giorno: date) -> int:
        """The number of the next flow of a PSP for an ente on a day, from 1."""
        rows = self._rows(
            "SELECT count(DISTINCT iuf) AS quanti FROM fdr_flussi WHERE dominio = ? AND psp = ? AND regolato = ?",
            (dominio, psp, giorno.isoformat()),
        )
        return int(rows[0]["quanti"]) + 1

    def as_json(self) -> dict[str, Any]:
        """What is here, and what was asked."""
        flussi = [dict(row) for row in self._rows("SELECT * FROM fdr_flussi ORDER BY id")]
        return {"flussi": flussi, "domande": [dict(row) for row in self._rows("SELECT * FROM fdr_domande ORDER BY id")]}


def _twice(flusso: FlussoProdotto) -> Sequence[FlussoProdotto]:
    return (flusso, flusso) if Difetto.DOPPIO in flusso.difetti else (flusso,)


def _flusso(row: Row, pagamenti: Sequence[Pagamento]) -> FlussoProdotto:
    return FlussoProdotto(
        dominio=row["dominio"],
        psp=row["psp"],
        iuf=row["iuf"],
        generato_at=datetime.fromisoformat(row["generato_at"]),
        regolato=date.fromisoformat(row["regolato"]),
        pagamenti=pagamenti,
        revisione=row["revisione"],
        pubblicato_at=datetime.fromisoformat(row["pubblicato_at"]),
        nome=row["nome"],
        sintetici=row["sintetici"],
        difetti=frozenset(Difetto(one) for one in row["difetti"].split()),
    )


def _pagamento(row: Row) -> Pagamento:
    giorno = date.fromisoformat(row["data"])
    return Pagamento(row["iuv"], row["iur"], row["importo_cent"], giorno, row["esito"], row["indice"])


def _at(at: datetime) -> str:
    """Instants as text of one length, in UTC: their order is that of time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
