"""The simulated archive of debt positions: an upsert by ente and IUV, a read, and the states of a position.

Source: node, ACA and debt positions (2.13).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from adapters.nodo.fake_rest import Problema, RestDoor
from adapters.nodo.fake_wire import json_response
from adapters.nodo.faults_script import POSITIONS
from adapters.nodo.registro import Registro
from hub.domain.posizione_aca import PAGATE, PosizioneAca, StatoPosizione, iupd_of
from hub.formats.posizione_aca import PosizioneNonValida, read_posizione
from hub.formats.posizione_intera import read_posizione_intera

CREATE = "/aca/v1/paCreatePosition"
_ONE = re.compile(r"/aca/debt-positions-service/v1/organizations/([^/]{1,35})/debtpositions(?:/([^/]{1,128}))?")
TABLES = """
CREATE TABLE IF NOT EXISTS posizioni (
    iupd TEXT PRIMARY KEY, dominio TEXT NOT NULL, iuv TEXT NOT NULL, nav TEXT NOT NULL, importo_cent INTEGER NOT NULL,
    stato TEXT NOT NULL, corpo TEXT NOT NULL, versioni INTEGER NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL);
"""


class Posizioni(Registro):
    """The archive: API and memory. A position that was paid is not changed any more."""

    def __init__(self, path: Path | None, door: RestDoor, clock: Callable[[], datetime]) -> None:
        super().__init__(path, TABLES)
        self._door, self._clock = door, clock

    def routes(self) -> dict[str, dict[str, Callable[[Request], Response]]]:
        return {CREATE: {"POST": self._create}, "/api/posizioni": {"POST": self._set}}

    def find_route(self, request: Request) -> Response | None:
        """Answer about one position, or keep a whole one; None when the address is another's."""
        found = _ONE.fullmatch(request.path)
        if found is not None and (request.method, found[2]) in (("PUT", found[2]), ("POST", None)):
            return self._keep_whole(request, found[1], found[2])
        if found is None or found[2] is None or request.method != "GET":
            return None
        iupd = found[2]

        def read() -> Response:
            rows = self._rows("SELECT * FROM posizioni WHERE iupd = ? AND dominio = ?", (iupd, found[1]))
            if not rows:
                raise Problema(404, "Not Found", f"posizione {iupd} sconosciuta")
            row = rows[0]
            option = {"iuv": row["iuv"], "nav": row["nav"], "amount": row["importo_cent"], "status": "PO_UNPAID"}
            return json_response({"iupd": iupd, "status": row["stato"], "paymentOption": [option]})

        return self._door.answer(request, POSITIONS, f"/{found[1]}/{iupd.rpartition('_')[2]}/", read)

    def _keep_whole(self, request: Request, dominio: str, iupd: str | None) -> Response:
        """A position with its transfers: PUT changes the one that is there, POST makes it."""
        body = request.get_data(cache=True)

        def keep() -> Response:
            posizione = read_posizione_intera(body)
            if posizione is None or posizione.dominio != dominio or request.args.get("toPublish") != "true":
                raise Problema(400, "Bad Request", "posizione non valida")
            name = iupd_of(posizione.dominio, posizione.iuv)
            is_there = bool(self._rows("SELECT * FROM posizioni WHERE iupd = ?", (name,)))
            if iupd is not None and (iupd != name or not is_there):
                raise Problema(404, "Not Found", f"posizione {iupd} sconosciuta")
            if iupd is None and is_there:
                raise Problema(409, "Conflict", f"posizione {name} già presente")
            return json_response(self._upsert(posizione, body), 200 if iupd else 201)

        return self._door.answer(request, POSITIONS, f"/{dominio}/{(iupd or '').rpartition('_')[2]}/", keep)

    def _create(self, request: Request) -> Response:
        body = request.get_data(cache=True)

        def upsert() -> Response:
            try:
                posizione = read_posizione(body)
            except PosizioneNonValida as error:
                raise Problema(400, "Bad Request", str(error)) from error
            return json_response(self._upsert(posizione, body))

        return self._door.answer(request, POSITIONS, _key(body), upsert)

    def _upsert(self, posizione: PosizioneAca, body: bytes) -> dict[str, Any]:
        iupd, now = iupd_of(posizione.dominio, posizione.iuv), self._clock().isoformat()
        stato = StatoPosizione.INVALID if posizione.is_chiusura else StatoPosizione.VALID
        with self._writing() as connection:
            row = connection.execute("SELECT * FROM posizioni WHERE iupd = ?", (iupd,)).fetchone()
            if row is None and posizione.is_chiusura:
                raise Problema(404, "Not Found", f"posizione {iupd} sconosciuta")
            if row is not None and row["stato"] in PAGATE:
                raise Problema(422, "Unprocessable", f"la posizione {iupd} è {row['stato']}")
            connection.execute(
                "INSERT INTO posizioni (iupd, dominio, iuv, nav, importo_cent, stato, corpo, versioni, created_at,"
                " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT (iupd) DO UPDATE SET"
                " importo_cent = excluded.importo_cent, stato = excluded.stato, corpo = excluded.corpo,"
                " versioni = posizioni.versioni + (posizioni.corpo <> excluded.corpo),"
                " updated_at = excluded.updated_at",
                (iupd, posizione.dominio, posizione.iuv, posizione.numero_avviso, posizione.importo_cent, str(stato))
                + (body.decode(), now, now),
            )
        return json.loads(body) | {"status": str(stato)}

    def _set(self, request: Request) -> Response:
        """Give a position another state, as a payment elsewhere would: {codice_fiscale, iuv, stato}."""
        given = request.get_json(silent=True)
        words = given if isinstance(given, dict) else {}
        iupd = iupd_of(str(words.get("codice_fiscale", "")), str(words.get("iuv", "")))
        if words.get("stato") not in tuple(StatoPosizione):
            return json_response({"errore": f"stato dev'essere uno di {', '.join(StatoPosizione)}"}, 400)
        with self._writing() as connection:
            done = connection.execute("UPDATE posizioni SET stato = ? WHERE iupd = ?", (words["stato"], iupd)).rowcount
        return json_response({"iupd": iupd, "stato": words["stato"]}, 200 if done else 404)

    def as_json(self, iuv: str | None = None) -> dict[str, Any]:
        """Everything as plain values; with `iuv` only its position. `versioni`: how often it really changed."""
        rows = [dict(row) for row in self._rows("SELECT * FROM posizioni ORDER BY created_at, iupd")]
        posizioni = [row for row in rows if iuv is None or row["iuv"] == iuv]
        return {"conteggi": {"posizioni": len(posizioni)}, "posizioni": posizioni}


def _key(body: bytes) -> str:
    try:
        posizione = read_posizione(body)
    except PosizioneNonValida:
        return ""
    return f"/{posizione.dominio}/{posizione.iuv}/"
