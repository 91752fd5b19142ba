"""Millions of dovuti, set-wise: the rows that the hub made of one flow and one receipt, with other keys in them.

What the hub writes is not written down here again: its own rows are the pattern, and what names a dovuto in them (ente,
number, payer, token) is replaced, in the documents too, whose digests are made anew.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, Engine

from benchmarks import report
from benchmarks.carico_enti import TIPI_IN_USO, EnteCarico
from hub.formats.ricevuta import content_of, payload_of
from tests.tracciati import make_codice_fiscale

# Who the dovuti are for, each a few hundred times.
_PAGATORI = 20_000
_MD5_LEN = 32


@dataclass(frozen=True, slots=True)
class Modello:
    """The rows that the hub made: of a dovuto to be paid, of one that was paid and of all that came with it."""

    libero: Mapping[str, Any]
    pagato: Mapping[str, Any]
    flusso: Mapping[str, Any]
    carrello: Mapping[str, Any]
    ricevuta: Mapping[str, Any]
    attivazione: Mapping[str, Any]
    ente: EnteCarico


class _Sql:
    """The two spellings of what is asked of a database here."""

    def __init__(self, is_postgresql: bool) -> None:
        self.is_postgresql = is_postgresql

    def md5(self, words: str) -> str:
        return f"md5({words})"

    def padded(self, number: str, digits: int) -> str:
        return f"lpad(({number})::text, {digits}, '0')" if self.is_postgresql else f"printf('%0{digits}d', {number})"

    def words_of(self, blob: str) -> str:
        return f"convert_from({blob}, 'UTF8')" if self.is_postgresql else f"CAST({blob} AS TEXT)"

    def blob_of(self, words: str) -> str:
        return f"convert_to({words}, 'UTF8')" if self.is_postgresql else f"CAST({words} AS BLOB)"

    def sha256(self, words: str) -> str:
        return f"encode(sha256({self.blob_of(words)}), 'hex')" if self.is_postgresql else f"sha256_hex({words})"

    def json_words(self, column: str) -> str:
        return f"{column}::text" if self.is_postgresql else column

    def json_of(self, words: str) -> str:
        return f"({words})::json" if self.is_postgresql else words

    def iuv(self, numero: str) -> str:
        first = f"'0100' || {self.padded(numero, 11)}"
        whole = f"CAST('3' || {first} AS BIGINT)"
        return f"({first} || {self.padded(f'{whole} % 93', 2)})"


def open_engine(url: str) -> Engine:
    """Return an engine to load with: nothing is durable before the end."""
    engine = create_engine(url)
    if engine.dialect.name == "postgresql":
        return engine

    def prepare(connection: Any, _record: Any) -> None:
        connection.create_function("md5", 1, lambda words: hashlib.md5(words.encode()).hexdigest())
        connection.create_function("sha256_hex", 1, lambda words: hashlib.sha256(words.encode()).hexdigest())
        for pragma in ("synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    from sqlalchemy import event

    event.listen(engine, "connect", prepare)
    return engine


def load(url: str, modello: Modello, enti: Sequence[EnteCarico]) -> None:
    """Write the dovuti of all enti but the model's, and all that the paid ones have. Tells how long each table took."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            _Carico(connection, modello, enti).run()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _timed("ANALYZE", lambda: connection.execute(text(_tidy(engine))))
    finally:
        engine.dispose()


def _tidy(engine: Engine) -> str:
    # Frozen at once, or the server would do it in the middle of what is measured.
    return "VACUUM (FREEZE, ANALYZE)" if engine.dialect.name == "postgresql" else "ANALYZE"


class _Carico:
    def __init__(self, connection: Connection, modello: Modello, enti: Sequence[EnteCarico]) -> None:
        self._connection, self._modello = connection, modello
        self._enti = [ente for ente in enti if ente.dovuti]
        self._sql = _Sql(connection.dialect.name == "postgresql")

    def run(self) -> None:
        self._lay_help()
        indexes = self._drop_indexes()
        paid, whole = "x.n <= e.pagati", "x.n > e.pagati AND x.n <= e.dovuti"
        _timed("flussi_import", self._flussi)
        _timed("dovuti da pagare", lambda: self._dovuti("libero", whole, {}))
        paid_columns = {"carrello_id": self._id("c"), "iur": self._token}
        _timed("dovuti pagati", lambda: self._dovuti("pagato", paid, paid_columns))
        _timed("rt_ricevute", lambda: self._ricevute(paid))
        _timed("carrelli", lambda: self._carrelli(paid))
        _timed("attivazioni", lambda: self._attivazioni(paid))
        _timed("iuv_blocchi", self._blocchi)
        for create in indexes:
            _timed(create.partition(" ON ")[0].lower(), lambda create=create: self._run(create))
        self._settle_sequences()
        self._connection.commit()

    def _run(self, statement: str) -> None:
        # The driver of PostgreSQL takes a percent sign for a place.
        self._connection.exec_driver_sql(statement.replace("%", "%%") if self._sql.is_postgresql else statement)

    def _lay_help(self) -> None:
        """Tables of our own: the numbers, the enti, the payers, the model's rows; they go with the connection."""
        base, rows = self._first_receipt(), []
        for ente in self._enti:
            dominio = ente.codice_fiscale
            impronta = hashlib.sha256(self._trasferimenti(dominio).encode()).hexdigest()
            rows.append(
                {"cod": ente.cod_ipa_ente, "dominio": dominio, "nome": ente.nome, "dovuti": ente.dovuti,
                 "pagati": ente.pagati, "rt_base": base, "trasferimenti": self._trasferimenti(dominio),
                 "impronta": impronta}
            )  # fmt: skip
            base += ente.pagati
        self._run(
            "CREATE TEMP TABLE enti_dati (cod varchar(35), dominio varchar(11), nome varchar(100), dovuti integer, "
            "pagati integer, rt_base bigint, trasferimenti text, impronta varchar(64))"
        )
        names = ", ".join(rows[0])
        self._connection.execute(
            text(f"INSERT INTO enti_dati ({names}) VALUES ({', '.join(':' + name for name in rows[0])})"), rows
        )
        self._run("CREATE TEMP TABLE e AS SELECT a.id AS ente_id, d.* FROM enti_dati d JOIN enti a "
                  "ON a.cod_ipa_ente = d.cod")  # fmt: skip
        self._run("CREATE TEMP TABLE numeri (n integer PRIMARY KEY)")
        most = max(ente.dovuti for ente in self._enti)
        self._run(
            f"INSERT INTO numeri SELECT generate_series(1, {most})" if self._sql.is_postgresql else
            f"INSERT INTO numeri WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {most}) "
            "SELECT n FROM s"
        )  # fmt: skip
        self._run("CREATE TEMP TABLE pagatori (numero integer PRIMARY KEY, codice varchar(16))")
        self._connection.execute(
            text("INSERT INTO pagatori VALUES (:numero, :codice)"),
            [{"numero": number, "codice": make_codice_fiscale(number)} for number in range(_PAGATORI)],
        )
        modello = self._modello
        tables = {"libero": ("dovuti", modello.libero), "pagato": ("dovuti", modello.pagato),
                  "flusso": ("flussi_import", modello.flusso), "carrello": ("carrelli", modello.carrello),
                  "ricevuta": ("rt_ricevute", modello.ricevuta),
                  "attivazione": ("attivazioni", modello.attivazione)}  # fmt: skip
        for name, (table, row) in tables.items():
            self._run(f"CREATE TEMP TABLE m_{name} AS SELECT * FROM {table} WHERE id = {_literal(row['id'])}")
        self._run("CREATE TEMP TABLE m_trasferimento AS SELECT * FROM trasferimenti_ricevute WHERE ricevuta_id = "
                  f"{modello.ricevuta['id']}")  # fmt: skip
        if self._sql.is_postgresql:
            for setting in ("maintenance_work_mem = '1GB'", "synchronous_commit = off", "work_mem = '256MB'"):
                self._run(f"SET {setting}")
            self._run("ANALYZE e")
            self._run("ANALYZE numeri")
            self._run("ANALYZE pagatori")

    def _first_receipt(self) -> int:
        return int(self._connection.execute(text("SELECT max(id) FROM rt_ricevute")).scalar_one()) + 1

    def _trasferimenti(self, dominio: str) -> str:
        """The transfers that an answer of this ente has, as the model's has them."""
        model = self._modello
        lines = [each | {"beneficiario": dominio} for each in model.attivazione["trasferimenti"]]
        return json.dumps(lines, sort_keys=True)

    # What names a dovuto: its ente's code and its number make them all.
    def _id(self, kind: str) -> str:
        return self._sql.md5(f"'{kind}' || e.dominio || '-' || x.n")

    @property
    def _token(self) -> str:
        return self._id("t")

    @property
    def _iuv(self) -> str:
        return self._sql.iuv("x.n")

    def _clone(self, table: str, model: str, columns: Mapping[str, str], source: str) -> None:
        """Copy a row of the model once for each row of `source`, the given columns replaced."""
        row = self._connection.execute(text(f"SELECT * FROM m_{model} LIMIT 1")).one()
        names = [name for name in row._mapping if name != "id" or "id" in columns]
        chosen = ", ".join(columns.get(name, f"m.{name}") for name in names)
        self._run(f"INSERT INTO {table} ({', '.join(names)}) SELECT {chosen} FROM m_{model} m CROSS JOIN {source}")

    def _dovuti(self, model: str, where: str, more: Mapping[str, str]) -> None:
        sql, old = self._sql, getattr(self._modello, model)
        pagatore = f"replace({sql.json_words('m.pagatore')}, {_literal(old['pagatore_codice'])}, p.codice)"
        columns = {
            "id": self._id("d"), "ente_id": "e.ente_id", "dominio": "e.dominio",
            "iud": f"'D' || {sql.padded('x.n', 12)}", "iuv": self._iuv,
            "tipo": f"'T' || {sql.padded(f'x.n % {TIPI_IN_USO} + 1', 2)}",
            "pagatore_codice": "p.codice", "pagatore": sql.json_of(pagatore), "flusso_id": "f.id", "riga": "x.n",
        }  # fmt: skip
        source = (
            f"e JOIN numeri x ON {where} JOIN flussi_import f ON f.ente_id = e.ente_id "
            f"JOIN pagatori p ON p.numero = (x.n * 31 + e.ente_id * 7) % {_PAGATORI}"
        )
        self._clone("dovuti", model, columns | more, source)

    def _flussi(self) -> None:
        old = self._modello.flusso
        gone = {name: "NULL" for name in old if name in ("file", "file_scarti", "file_iuv", "file_avvisi")}
        columns = gone | {
            "request_token": self._sql.md5("'f' || e.dominio"), "jti": self._sql.md5("'j' || e.dominio"),
            "ente_id": "e.ente_id", "nome_file": "e.cod || '-CARICO-1_3.zip'", "iuf": "e.cod || '-CARICO-1_3'",
            "righe_totali": "e.dovuti", "righe_caricate": "e.dovuti", "file_rimossi_at": "m.finished_at",
        }  # fmt: skip
        self._clone("flussi_import", "flusso", columns, "e")

    def _in_document(self, words: str) -> str:
        """Replace what names the model's dovuto in a document."""
        model = self._modello
        for old, new in (
            (model.pagato["iuv"], self._iuv), (model.ricevuta["ccp"], self._token),
            (model.ente.codice_fiscale, "e.dominio"), (model.ente.nome, "e.nome"),
            (model.pagato["iud"], f"'D' || {self._sql.padded('x.n', 12)}"),
        ):  # fmt: skip
            words = f"replace({words}, {_literal(old)}, {new})"
        return words

    def _ricevute(self, where: str) -> None:
        sql, old = self._sql, self._modello.ricevuta
        content = content_of(payload_of(bytes(old["raw"]), old["charset"])).decode()
        columns = {
            "id": "e.rt_base + x.n - 1", "dominio": "e.dominio", "dominio_avviso": "e.dominio", "iuv": self._iuv,
            "ccp": self._token, "numero_avviso": f"'3' || {self._iuv}", "correlation_id": self._id("r"),
            "raw": sql.blob_of(self._in_document(sql.words_of("m.raw"))),
            "rt": sql.blob_of(self._in_document(sql.words_of("m.rt"))),
            "sha256": sql.sha256(self._in_document(_literal(content))),
        }  # fmt: skip
        self._clone("rt_ricevute", "ricevuta", columns, f"e JOIN numeri x ON {where}")
        moved = {"ricevuta_id": "e.rt_base + x.n - 1", "codice_fiscale": "e.dominio"}
        self._clone("trasferimenti_ricevute", "trasferimento", moved, f"e JOIN numeri x ON {where}")

    def _carrelli(self, where: str) -> None:
        columns = {"id": self._id("c"), "ente_id": "e.ente_id", "dominio": "e.dominio", "iuv": self._iuv,
                   "rt_id": "e.rt_base + x.n - 1"}  # fmt: skip
        self._clone("carrelli", "carrello", columns, f"e JOIN numeri x ON {where}")

    def _attivazioni(self, where: str) -> None:
        columns = {"dominio": "e.dominio", "iuv": self._iuv, "impronta": "e.impronta",
                   "trasferimenti": self._sql.json_of("e.trasferimenti")}  # fmt: skip
        self._clone("attivazioni", "attivazione", columns, f"e JOIN numeri x ON {where}")

    def _blocchi(self) -> None:
        # As a flow leaves it: leased to the last number, and no further.
        self._run("INSERT INTO iuv_blocchi (codice_fiscale, codice_segregazione, prossimo) "
                  "SELECT dominio, '01', dovuti + 1 FROM e")  # fmt: skip

    def _drop_indexes(self) -> list[str]:
        """Drop what indexes `dovuti` and return how each is made again; it is much faster from a full table.

        The primary key stays: other tables refer to it.
        """
        if not self._sql.is_postgresql:
            found = self._connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'dovuti' AND sql <> ''")
            ).all()
        else:
            found = self._connection.execute(
                text("SELECT indexname, indexdef FROM pg_indexes "
                     "WHERE tablename = 'dovuti' AND indexname <> 'pk_dovuti'")
            ).all()
        for name, _ in found:
            self._run(f"DROP INDEX {name}")
        return [create for _, create in found]

    def _settle_sequences(self) -> None:
        if self._sql.is_postgresql:
            self._run("SELECT setval(pg_get_serial_sequence('rt_ricevute', 'id'), (SELECT max(id) FROM rt_ricevute))")


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _timed(name: str, deed: Any) -> None:
    started = time.perf_counter()
    deed()
    seconds = time.perf_counter() - started
    if seconds >= 1:
        report.say(f"    {name}: {math.ceil(seconds)} s")
