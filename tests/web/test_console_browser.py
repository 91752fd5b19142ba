"""The console in a real browser: in, the button, out; without JavaScript, on a phone, and what WCAG 2.1 AA asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.conftest import World
from tests.web.test_browser import AUDIT, CHROMIUM, DESKTOP, PHONE, OpenPage, browser, hub, open_page
from tests.web.test_console import PASSWORD, message, put, with_operators

__all__ = ["browser", "hub", "open_page"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("javascript", [True, False])
def test_an_operator_enters_tries_a_message_again_sets_one_aside_and_goes(
    small_world: World, hub: str, open_page: OpenPage, tmp_path: Path, width: int, javascript: bool
) -> None:
    with_operators(small_world)
    parked, waiting = put(small_world), put(small_world, stato="DA_INVIARE")
    page = open_page(width, javascript=javascript)

    page.goto(f"{hub}/console")
    page.get_by_label("Nome").fill("bruno")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Accedi").click()
    page.get_by_role("heading", name="Messaggi fermi").wait_for()
    page.screenshot(path=tmp_path / f"console-{width}.png", full_page=True)
    page.get_by_role("button", name="Riprova", exact=True).click()
    page.get_by_role("status").get_by_text("Il messaggio parte adesso.").wait_for()
    second = page.locator("li", has=page.get_by_role("heading", name=f"Messaggio {waiting}", exact=True))
    second.get_by_label("Perché lo metti da parte").fill("server spento")
    second.get_by_role("button", name="Metti da parte").click()
    page.get_by_text("server spento (bruno)").wait_for()

    assert message(small_world, parked).stato == "SCONOSCIUTO"
    assert message(small_world, waiting).stato == "PARCHEGGIATO"
    page.get_by_role("button", name="Esci").click()
    page.get_by_role("heading", name="Accedi alla console").wait_for()
    page.goto(f"{hub}/console")
    assert page.url == f"{hub}/console/accesso"


@pytest.mark.parametrize("width", [DESKTOP, PHONE, 320])
@pytest.mark.parametrize("shown", ["accesso", "elenco", "vuoto"])
def test_every_page_of_the_console_can_be_read_and_used_by_everybody(
    small_world: World, hub: str, open_page: OpenPage, tmp_path: Path, shown: str, width: int
) -> None:
    with_operators(small_world)
    if shown == "elenco":
        for stato in ("PARCHEGGIATO", "DA_INVIARE"):
            put(small_world, stato=stato, motivo="x" * 300, chiave="k" * 64)
    page = open_page(width)

    page.goto(f"{hub}/console")
    if shown != "accesso":
        page.get_by_label("Nome").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button").click()
        page.get_by_role("heading", name="Messaggi fermi").wait_for()
    page.screenshot(path=tmp_path / f"{shown}-{width}.png", full_page=True)

    assert page.evaluate(AUDIT) == []


def test_a_wrong_password_is_announced(small_world: World, hub: str, open_page: OpenPage) -> None:
    with_operators(small_world)
    page = open_page(PHONE)
    page.goto(f"{hub}/console/accesso")

    page.get_by_label("Nome").fill("anna")
    page.get_by_label("Password").fill("sbagliata")
    page.get_by_role("button", name="Accedi").click()

    page.get_by_role("alert").get_by_text("Nome o password non corretti.").wait_for()
    assert page.title().startswith("Errore: ")
    assert page.get_by_label("Nome").input_value() == "anna"
    assert page.get_by_label("Password").input_value() == ""
