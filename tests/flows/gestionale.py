"""The management software of an ente over the hub in process: zeep for the calls, HTTP for the files, ticks by hand."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import Client

from hub.app import build_wsgi_app
from hub.usecases.flusso_aperto import LimitiImport
from tests.importati import Stabilimento
from tests.soap.zeep_client import Door, ente_client, intestazione
from tests.tracciati import make_csv, make_zip
from tests.world import PASSWORDS, World


class Gestionale:
    """`world.clock` is the time of all it does; `pezzo_rows`: rows that the worker stores together."""

    def __init__(self, world: World, ente: str = "C_PROVA", *, pezzo_rows: int = 100) -> None:
        self.world = world
        self.ente = ente
        self._stabilimento = Stabilimento(world, LimitiImport(pezzo_rows=pezzo_rows))
        wsgi = build_wsgi_app(world.runtime)
        self._soap = ente_client(Door(wsgi))
        self._http = Client(wsgi)

    def authorize(self, password: str | None = None) -> Any:
        return self._soap.paaSILAutorizzaImportFlusso(
            password=password or PASSWORDS[self.ente], _soapheaders=intestazione(self.ente)
        )

    def upload(self, permit: Any, nome: str, csv: bytes, inside: str | None = None) -> dict[str, str]:
        """Post a zip of one csv; return the one object of the answer, whose status is always 200."""
        data = make_zip([(inside or f"{nome.removesuffix('.zip')}.csv", csv)])
        answer = self._http.post(
            urlsplit(permit.uploadUrl).path,
            data={"authorizationToken": permit.authorizationToken, "file": (data, nome)},
        )
        assert answer.status_code == 200
        (said,) = answer.json
        return said

    def send(self, nome: str, *righe: list[str], versione: str = "1_3") -> str:
        """Have a flow taken; return its requestToken."""
        permit = self.authorize()
        said = self.upload(permit, nome, make_csv(*righe, versione=versione))
        assert "codice" not in said, said
        return permit.requestToken

    def ask(self, request_token: str) -> Any:
        return self._soap.paaSILChiediStatoImportFlusso(
            requestToken=request_token, password=PASSWORDS[self.ente], fileScarti=True, fileIUV=True, fileAvvisi=True,
            _soapheaders=intestazione(self.ente),
        )  # fmt: skip

    def load(self, nome: str, *righe: list[str], versione: str = "1_3") -> Any:
        """Send a flow, let the worker do all it finds, and return how the import stands."""
        token = self.send(nome, *righe, versione=versione)
        self.work()
        return self.ask(token)

    def work(self) -> None:
        """Ticks of the worker until there is nothing to do."""
        self._stabilimento.finish()

    def files(self, url: str) -> dict[str, bytes]:
        """Download a result; return the files in its zip by name."""
        parts = urlsplit(url)
        answer = self._http.get(parts.path, query_string=parts.query)
        assert answer.status_code == 200, answer.data
        with zipfile.ZipFile(io.BytesIO(answer.data)) as opened:
            return {name: opened.read(name) for name in opened.namelist()}

    def table(self, url: str) -> list[list[str]]:
        """Download a result of one csv; return the fields of its lines, the header first."""
        (csv,) = self.files(url).values()
        return [line.split(";") for line in csv.decode().splitlines()]
