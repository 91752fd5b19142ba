"""Processes started anew one by one under callers: with a new version and its migration, with another secret key."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import urllib3
from sqlalchemy import create_engine, inspect

from hub.config import DEVELOPMENT_SECRET_KEY
from hub.formats.resources import KINDS, resource
from tests.esercizio.carico import Carico
from tests.esercizio.scene import BACK_S, SEEN, Prova, run
from tests.flows.carico import Mittente
from tests.flows.plant import HTTP, Plant, until

_ROOT = Path(__file__).parents[2]
# As ours are: a column that may be empty, an index, a table.
_REVISION = '''"""A revision of the next version."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down}"


def upgrade() -> None:
    op.add_column("sessioni", sa.Column("aggiunta", sa.String(35)))
    op.create_index("ix_sessioni_aggiunta", "sessioni", ["aggiunta"])
    op.create_table("aggiunte", sa.Column("id", sa.Integer(), primary_key=True))
'''
_SECOND = "serve-2"


def next_version(folder: Path) -> tuple[Path, str]:
    """Lay down the hub's code with one migration more; return where, and the revision."""
    for package in ("hub", "adapters"):
        shutil.copytree(_ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for kind in KINDS:
        shutil.copytree(resource(kind), folder / kind, ignore=shutil.ignore_patterns("__pycache__"))
    down = max(file.name[:4] for file in (folder / "migrations" / "versions").glob("[0-9]*.py"))
    revision = f"{int(down) + 1:04}"
    text = _REVISION.format(revision=revision, down=down)
    (folder / "migrations" / "versions" / f"{revision}_add.py").write_text(text)
    return folder, revision


def rolling_upgrade(plant: Plant) -> Prova:
    """A newer version upgrades the schema under the running one, then takes its place process by process."""
    tree, revision = next_version(plant.folder / "nuova")
    plant.up(_SECOND)
    urls = (plant.hub_url, plant.url_of(_SECOND))

    def upgrade(carico: Carico) -> int:
        plant.tree = tree
        plant.run("db", "upgrade")
        assert revision in (plant.folder / "comando-db-upgrade.txt").read_text()
        _await_more(carico)
        for url in urls:
            assert HTTP.request("GET", f"{url}/health/ready").status == 200, "the old version works with the new schema"
        return 1 + start_anew(plant, carico)

    prova = run(plant, "riavvio a turno con migrazione", upgrade, lambda: None, urls[1])
    engine = create_engine(plant.database_url)
    assert {"aggiunta"} <= {column["name"] for column in inspect(engine).get_columns("sessioni")}
    engine.dispose()
    return prova


def key_replaced(plant: Plant) -> Prova:
    """Another secret key takes the place of the first; no token fails while it lasts, no sealed secret is lost."""
    new = secrets.token_hex(32)
    old = DEVELOPMENT_SECRET_KEY
    plant.up(_SECOND)
    urls = (plant.hub_url, plant.url_of(_SECOND))

    def replace(carico: Carico) -> int:
        restarted = 0
        with Gettoni(plant, urls) as gettoni:
            gettoni.await_more()
            for keys in (f"{old},{new}", f"{new},{old}"):
                plant.extra["PONTEPA_SECRET_KEY"] = keys
                restarted += start_anew(plant, carico, gettoni.await_more)
            plant.run("segreti", "reseal")
            plant.run("segreti", "reseal", "--check")
            gettoni.await_more()
        carico.sbagliate += gettoni.sbagliate
        plant.run("giornale", "chiave", "--json")
        (public,) = json.loads((plant.folder / "comando-giornale-chiave.txt").read_text())["altre"]
        # What the old key had signed is over, but for the journal, and it goes.
        plant.extra |= {"PONTEPA_SECRET_KEY": new, "PONTEPA_GIORNALE_CHIAVI": public}
        return restarted + start_anew(plant, carico)

    return run(plant, "chiave segreta cambiata", replace, lambda: None, urls[1])


def start_anew(plant: Plant, carico: Carico, seen: Callable[[], None] = lambda: None) -> int:
    """Stop each process and start it again as the plant is now; callers go on between. Return how many."""
    names = ("serve", "worker-1", _SECOND)
    for name in names:
        process = plant.by_name.pop(name)
        process.send_signal(15)
        assert process.wait(BACK_S) == 0, name
        plant._running.remove(process)
        plant.up(name)
        _await_more(carico)
        seen()
    return len(names)


def _await_more(carico: Carico) -> None:
    before = len(carico.accolte)
    until(lambda: len(carico.accolte) > before + SEEN or None, BACK_S)


class Gettoni:
    """Tokens that one server gives and another is shown, again and again as long as they last; some more at each step.

    `sbagliate`: what was said of one that should have been good.
    """

    def __init__(self, plant: Plant, urls: tuple[str, ...]) -> None:
        self.sbagliate: list[str] = []
        self._mittente, self._urls = Mittente(plant), urls
        self._given: list[str] = []
        self._rounds = 0
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Gettoni:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def await_more(self) -> None:
        """Return when there are more, and every token was shown to every server at least once from now on."""
        self._wanted.set()
        before = self._rounds
        until(lambda: self._rounds > before + 1 or None, BACK_S)

    def _go_on(self) -> None:
        while not self._over.wait(0.05):
            if self._wanted.is_set():
                self._wanted.clear()
                given = [self._mittente.authorize_at(url) for url in self._urls]
                self._given += [token for token in given if token is not None]
            for url in self._urls:
                for token in self._given:
                    self._show(url, token)
            self._rounds += 1

    def _show(self, url: str, token: str) -> None:
        """A good token gets as far as the name of the file, which is wrong: it stays good."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/zip"}
        try:
            answer = HTTP.request("POST", f"{url}/flussi/import?nome=x.zip", body=b"x", headers=headers)
        except urllib3.exceptions.HTTPError:
            return  # closed: the next one is there
        if answer.status not in (422, 503):
            self.sbagliate.append(f"{answer.status} {answer.data[:300]!r}")
