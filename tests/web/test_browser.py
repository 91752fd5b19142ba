"""The payer's page in a real browser: the whole road, with and without JavaScript, and what WCAG 2.1 AA asks."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from hub.web import create_front
from tests.web.conftest import CAST, World

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
DESKTOP, PHONE = 1280, 390
AUDIT = Path(__file__).with_name("audit.js").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield opened
        opened.close()


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    """Serve an application on a free port and give its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hub(small_world: World) -> Iterator[str]:
    with serving(create_front(small_world.runtime, {})) as address:
        yield address


@pytest.fixture
def outside(hub: str) -> Iterator[str]:
    """The node's checkout, which sends the payer back, and the ente's own page: on another origin than the hub's."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        if environ["PATH_INFO"] == "/checkout":
            back = f"{hub}/paga/ritorno?idDominio={CAST}&amp;idSession=N1&amp;esito=OK"
            return [f"<h1>Checkout</h1><a id=paga href='{back}'>Paga</a>".encode()]
        return [b"<h1>Sportello</h1>"]

    with serving(app) as address:
        yield address


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a page of a given width; what the browser complains about fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_one(width: int, *, javascript: bool = True) -> Page:
        height = 844 if width < 600 else 900
        context = browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=javascript, locale="it-IT"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    # A browser reports a page of refusal as a failed resource: that is its status, not a fault of the page.
    assert [text for text in complaints if "the server responded with a status of 4" not in text] == []


def answer_of_the_node(world: World, id_session: str, outside: str) -> None:
    world.change(id_session, url_nodo=f"{outside}/checkout", id_sessione_nodo="N1")


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("javascript", [True, False])
def test_the_payer_confirms_waits_pays_and_comes_home(
    small_world: World, hub: str, outside: str, open_page: OpenPage, tmp_path: Path, width: int, javascript: bool
) -> None:
    id_session = small_world.make_sessione(url_esito=f"{outside}/esito?pratica=7")
    page = open_page(width, javascript=javascript)

    page.goto(f"{hub}/paga/{id_session}")
    page.screenshot(path=tmp_path / f"modulo-{width}.png", full_page=True)
    page.get_by_label("Indirizzo e-mail").fill("maria.bianchi@example.it")
    page.get_by_role("button", name="Vai al pagamento").click()
    page.get_by_role("heading", name="Stiamo preparando il pagamento").wait_for()
    page.screenshot(path=tmp_path / f"attesa-{width}.png", full_page=True)
    answer_of_the_node(small_world, id_session, outside)
    page.wait_for_url(f"{outside}/checkout")
    page.locator("#paga").click()
    page.wait_for_url(f"{outside}/esito**")

    query = parse_qs(urlsplit(page.url).query)
    assert (query["pratica"], query["idSession"], query["esito"]) == (["7"], [id_session], ["OK"])
    assert small_world.row(id_session).email_pagatore == "maria.bianchi@example.it"
    assert small_world.count("tentativi") == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_with_none_the_payer_only_waits(
    small_world: World, hub: str, outside: str, open_page: OpenPage, javascript: bool
) -> None:
    id_session = small_world.make_sessione(show_mypay="NONE")
    page = open_page(PHONE, javascript=javascript)

    page.goto(f"{hub}/paga/{id_session}")
    answer_of_the_node(small_world, id_session, outside)
    page.wait_for_url(f"{outside}/checkout")

    assert small_world.count("tentativi") == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_a_refusal_while_waiting_is_shown(small_world: World, hub: str, open_page: OpenPage, javascript: bool) -> None:
    id_session = small_world.make_sessione(stato="PAGAM_IN_CORSO")
    page = open_page(DESKTOP, javascript=javascript)

    page.goto(f"{hub}/paga/{id_session}")
    small_world.change(id_session, stato="IMPOSSIBILE_INVIARE_CARRELLO_RP")
    page.get_by_role("heading", name="Il pagamento non può partire").wait_for()

    page.get_by_role("link", name="Torna al sito dell’ente").wait_for()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_outcome_page_learns_of_the_receipt_by_itself(
    small_world: World, hub: str, open_page: OpenPage, javascript: bool
) -> None:
    id_session = small_world.make_sessione(stato="PAGAM_IN_CORSO", id_sessione_nodo="N1", url_esito="")
    page = open_page(PHONE, javascript=javascript)

    page.goto(f"{hub}/paga/ritorno?idDominio={CAST}&idSession=N1&esito=OK")
    page.get_by_role("heading", name="Stiamo aspettando la conferma").wait_for()
    small_world.change(id_session, stato="PAGATO")

    page.get_by_role("heading", name="Pagamento riuscito").wait_for()


PAGES = {
    "modulo": {},
    "attesa": {"stato": "PAGAM_IN_CORSO"},
    "conferma": {"stato": "PAGAM_IN_CORSO", "esito_ritorno": "OK"},
    "non_concluso": {"stato": "PAGAM_IN_CORSO", "esito_ritorno": "ERROR"},
    "pagato": {"stato": "PAGATO"},
    "non_pagato": {"stato": "NON_PAGATO"},
    "rifiutato": {"stato": "IMPOSSIBILE_INVIARE_CARRELLO_RP"},
    "scaduto": {"stato": "SCADUTO"},
    "sconosciuto": None,
    "modulo_errato": {},
}


@pytest.mark.parametrize("width", [DESKTOP, PHONE, 320])
@pytest.mark.parametrize("shown", PAGES)
def test_every_page_can_be_read_and_used_by_everybody(
    small_world: World, hub: str, open_page: OpenPage, tmp_path: Path, shown: str, width: int
) -> None:
    row = PAGES[shown]
    # A causale without a blank is what breaks a narrow page.
    long = small_world.make_sessione().replace("-", "")
    documento = small_world.row(small_world.make_sessione()).documento.replace(b"marzo", (long * 3).encode())
    id_session = "sconosciuta" if row is None else small_world.make_sessione(**row, documento=documento)
    page = open_page(width)

    page.goto(f"{hub}/paga/{id_session}")
    if shown == "modulo_errato":
        page.get_by_label("Nome e cognome").fill(" ")
        page.get_by_label("Indirizzo e-mail").fill("mario@")
        page.get_by_role("button").click()
        page.get_by_role("alert").wait_for()
    page.screenshot(path=tmp_path / f"{shown}-{width}.png", full_page=True)

    assert page.evaluate(AUDIT) == []


def test_the_keyboard_is_enough_and_the_focus_is_seen(small_world: World, hub: str, open_page: OpenPage) -> None:
    id_session = small_world.make_sessione()
    page = open_page(DESKTOP)
    page.goto(f"{hub}/paga/{id_session}")

    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
                   return [e.id || e.textContent.trim(), s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2,
                           b.left >= 0 && b.width > 0]; }"""
            )
        )
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Stiamo preparando il pagamento").wait_for()

    names = ["Vai al contenuto", "nome", "email", "Vai al pagamento", "Annulla e torna al sito dell’ente"]
    assert reached == [[name, True, True] for name in names]
    assert small_world.row(id_session).stato == "PAGAM_IN_CORSO"


def test_errors_are_announced_and_lead_to_their_field(small_world: World, hub: str, open_page: OpenPage) -> None:
    page = open_page(PHONE)
    page.goto(f"{hub}/paga/{small_world.make_sessione()}")
    page.get_by_label("Indirizzo e-mail").fill("mario@")
    page.get_by_role("button").click()

    page.get_by_role("alert").get_by_role("link").click()

    assert page.evaluate("document.activeElement.id") == "email"
    assert page.title().startswith("Errore: ")
    assert page.get_by_label("Indirizzo e-mail").input_value() == "mario@"


def test_text_at_twice_its_size_does_not_scroll_sideways(small_world: World, hub: str, open_page: OpenPage) -> None:
    page = open_page(640)
    page.goto(f"{hub}/paga/{small_world.make_sessione()}")

    page.evaluate("document.documentElement.style.fontSize = '225%'")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
