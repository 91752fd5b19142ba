"""Flows brought and loaded by the deeds themselves: authorised, received, imported, their results read back."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from hub.domain.arrivo import FileArrivato
from hub.store import schema
from hub.usecases import risultati_flusso
from hub.usecases.autorizza_import_flusso import autorizza_import_flusso
from hub.usecases.flusso_aperto import LimitiImport
from hub.usecases.importa_flusso import ImportaFlussi
from hub.usecases.receive_flusso import LimitiCarico, receive_flusso
from tests.tracciati import make_csv, make_zip
from tests.world import World, chi

LIMITI = LimitiCarico(bytes_max=64 * 1024 * 1024, bytes_ceiling=64 * 1024 * 1024)
CUT_OFF = date(2024, 4, 30)


@dataclass
class Stabilimento:
    """Who loads flows for the world."""

    world: World
    limiti: LimitiImport = field(default_factory=lambda: LimitiImport(pezzo_rows=50_000))

    def __post_init__(self) -> None:
        self.importa = self.worker()

    def worker(self) -> ImportaFlussi:
        """Another process that loads flows."""
        return ImportaFlussi(self.world.db, self.world.runtime.archivio, self.limiti, CUT_OFF, self.world.clock)

    def send(
        self,
        iuf: str,
        *righe: list[str] | str,
        versione: str = "1_3",
        ente: str = "C_PROVA",
        password: str | None = None,
        data: bytes | None = None,
    ) -> str:
        """Bring a flow as the ente's software does; returns the requestToken."""
        base = f"{ente}-{iuf}-{versione}"
        content = make_csv(*righe, versione=versione) if data is None else data
        return self.send_zip(f"{base}.zip", make_zip([(f"{base}.csv", content)]).read(), ente, password)

    def send_zip(self, nome: str, data: bytes, ente: str = "C_PROVA", password: str | None = None) -> str:
        world, now = self.world, self.world.clock()
        secret = world.runtime.config.secret_key
        ticket = autorizza_import_flusso(world.db, world.runtime.callers, chi(ente, password), secret, now)
        sums = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
        arrivato = FileArrivato(nome, io.BytesIO(data), len(data), *sums, "application/zip")
        receive_flusso(
            world.db, world.runtime.archivio, secret, LIMITI, ticket.authorization_token, arrivato, now, is_strict=False
        )
        return ticket.request_token

    def load(self) -> None:
        """Load what has come, to the last row."""
        while self.importa.run_once():
            pass

    def finish(self) -> None:
        """Load what has come and write its files of results."""
        self.load()
        runtime = self.world.runtime
        while risultati_flusso.write_once(self.world.db, runtime.archivio, self.world.clock):
            pass
        anagrafe = runtime.callers.anagrafe
        while risultati_flusso.print_once(
            self.world.db, anagrafe, runtime.archivio, Path(self.world.cartella.name), self.world.clock
        ):
            pass

    def flusso(self, request_token: str) -> Row[Any]:
        return self.world.one(schema.flussi_import, request_token=request_token)

    def scarti(self, request_token: str) -> list[tuple[int, str, str]]:
        """What was refused: row, codes, texts."""
        flusso = self.flusso(request_token)
        rows = self.world.rows(schema.flussi_righe)
        return [
            (row.riga, row.codici, row.descrizioni)
            for row in rows
            if row.flusso_id == flusso.id and row.codici is not None
        ]

    def dovuti(self, **values: Any) -> list[Row[Any]]:
        """The versions that count, in the order of their rows."""
        rows = [row for row in self.world.rows(schema.dovuti) if row.attuale]
        rows = [row for row in rows if all(getattr(row, name) == value for name, value in values.items())]
        return sorted(rows, key=lambda row: row.id)

    def read(self, path: str | None) -> list[list[str]]:
        """The rows of the csv in a file of results, header first."""
        return list(csv.reader(io.StringIO(self.text(path)), delimiter=";"))

    def text(self, path: str | None) -> str:
        assert path is not None
        with self.world.runtime.archivio.open(path) as file, zipfile.ZipFile(file) as archive:
            (name,) = archive.namelist()
            assert name == Path(path).with_suffix(".csv").name
            return archive.read(name).decode()
