"""The door of a row: all rows of a family in one flow, brought as an ente does and loaded by a worker.

What was refused is read back from the file of the rejected rows, as whoever sent them would.
"""

from __future__ import annotations

import io
import uuid
import zipfile
from urllib.parse import urlsplit

from hub.formats.tracciati.import_dovuti import VERSIONI
from tests.flows.plant import HTTP, PASSWORD, until
from tests.ostili.corpo import Famiglia, Ingresso
from tests.ostili.porte import post
from tests.ostili.risposta import Risposta
from tests.ostili.scena import HEADER, Scena
from tests.tracciati import make_zip

_WAIT_S = 300


def send(scena: Scena, famiglia: Famiglia) -> dict[Ingresso, Risposta]:
    """Load the rows of a family; of each, whether it was taken (0) or refused (1), and its first code."""
    rows = {ingresso: ingresso.data.decode().removesuffix("\n") for ingresso in famiglia.ingressi}
    scarti = _scarti(scena, list(rows.values()))
    answers = {}
    for ingresso, row in rows.items():
        why = next((line.removeprefix(row + ";") for line in scarti if line.startswith(row + ";")), "")
        code = why.partition(";")[0].strip("|").partition("|")[0]
        answers[ingresso] = Risposta(int(bool(why)), code, why.encode(), is_http=False)
    return answers


def _scarti(scena: Scena, rows: list[str]) -> list[str]:
    """Return the lines of the file of the rejected rows."""
    nome = f"C_PROVA-R{uuid.uuid4().hex[:8]}-1_4"
    csv = "\n".join([VERSIONI["1_4"].intestazione(), *rows]) + "\n"
    file = make_zip([(f"{nome}.csv", csv.encode())]).getvalue()
    scena.begin()
    token = scena.word("TOKEN")
    answer = post(scena, f"/flussi/import?nome={nome}.zip", file, "application/zip", Authorization=f"Bearer {token}")
    assert answer.stato == 201, answer.testo
    request = answer.testo.decode().partition('"requestToken": "')[2].partition('"')[0]
    wanted = f"<requestToken>{request}</requestToken><password>{PASSWORD}</password><fileScarti>true</fileScarti>"

    def url() -> str | None:
        said = scena.call("paaSILChiediStatoImportFlusso", wanted, HEADER)
        return said.partition("<urlFileScarti>")[2].partition("</urlFileScarti>")[0].replace("&amp;", "&") or None

    parts = urlsplit(until(url, _WAIT_S))
    data = HTTP.request("GET", f"{scena.hub_url}{parts.path}?{parts.query}").data
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        (name,) = opened.namelist()
        return opened.read(name).decode().splitlines()
