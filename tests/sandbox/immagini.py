"""`python -m tests.sandbox.immagini`: the pictures of docs/sandbox.md, on a desk and on a phone, of a hub at work."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from hub.app import build_wsgi_app
from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database
from tests.sandbox.conftest import as_sandbox
from tests.sandbox.pagina import PASSWORD_OPERATORE, add_operator, simulated_node
from tests.sandbox.test_registrazione import SOAP, chiedi
from tests.soap.zeep_client import Door
from tests.web.flussi.door import authorize
from tests.web.test_browser import ARGS, CHROMIUM, serving
from tests.world import PASSWORD_REFEZIONE, World, open_world

IMMAGINI = Path(__file__).resolve().parents[2] / "docs" / "immagini"
_SIZES = {"scrivania": (1200, 900), "telefono": (390, 844)}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/pontepa.db"
        database = Database.open(url)
        migrate.upgrade(database, resource("migrations"))
        database.close()
        with open_world(url) as world, simulated_node(as_sandbox(world)), sync_playwright() as playwright:
            config = world.runtime.config.model_copy(update={"public_url": "http://127.0.0.1"})
            object.__setattr__(world.runtime, "config", config)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
            shoot(world, browser)
            browser.close()


def shoot(world: World, browser: Browser) -> None:
    add_operator(world)
    wsgi = build_wsgi_app(world.runtime)
    door = Door(wsgi)
    authorize(world)
    door.post(SOAP, chiedi(), {})
    door.post(SOAP, chiedi("C_VICINO", PASSWORD_REFEZIONE), {})
    door.post(SOAP, chiedi(password="sbagliata"), {})
    door.post(SOAP, chiedi(more="<inventato>1</inventato>"), {})
    IMMAGINI.mkdir(exist_ok=True)
    with serving(wsgi) as address:
        for name, (width, height) in _SIZES.items():
            page = browser.new_context(viewport={"width": width, "height": height}, locale="it-IT").new_page()
            enter(page, address)
            if name == "telefono":
                page.get_by_role("link", name="paaSILChiediPagati").first.click()
                page.get_by_role("heading", name="Richiesta", exact=True).wait_for()
            page.screenshot(path=IMMAGINI / f"sandbox-{name}.png")


def enter(page: Page, address: str) -> None:
    page.goto(f"{address}/sandbox")
    page.get_by_label("codIpaEnte o nome dell’operatore").fill("olga")
    page.get_by_label("Password").fill(PASSWORD_OPERATORE)
    page.get_by_role("button", name="Accedi").click()
    page.get_by_role("heading", name="Chiamate", exact=True).wait_for()


if __name__ == "__main__":
    main()
