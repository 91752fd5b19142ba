"""The page of the sandbox in a real browser, on a desk and on a phone: it lives, filters, gives files, forgets.

`python -m tests.sandbox.immagini` makes the pictures of docs/sandbox.md out of the same story.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from hub.app import build_wsgi_app
from tests.sandbox.immagini import enter
from tests.sandbox.pagina import add_operator, simulated_node
from tests.sandbox.test_registrazione import SOAP, chiedi, kept
from tests.soap.zeep_client import Door
from tests.web.test_browser import AUDIT, CHROMIUM, DESKTOP, PHONE, OpenPage, browser, open_page, serving
from tests.world import World

__all__ = ["browser", "open_page"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


def is_fit(page: Page) -> bool:
    """Nothing has to be pushed sideways, and everybody can read and use it."""
    assert page.evaluate(AUDIT) == []
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_an_integrator_leaves_the_page_open_while_working(
    piccolo: World, open_page: OpenPage, tmp_path: Path, width: int
) -> None:
    config = piccolo.runtime.config.model_copy(update={"public_url": "http://127.0.0.1"})
    object.__setattr__(piccolo.runtime, "config", config)
    add_operator(piccolo)
    with simulated_node(piccolo) as node, serving(build_wsgi_app(piccolo.runtime)) as address:
        door, page = Door(build_wsgi_app(piccolo.runtime)), open_page(width)
        enter(page, address)
        page.get_by_text("Nessuna chiamata, per ora").wait_for()
        assert is_fit(page)

        door.post(SOAP, chiedi(more="<inventato><script>alert(1)</script></inventato>"), {})
        page.get_by_role("link", name="paaSILChiediPagati").wait_for()
        door.post(SOAP, b"<a", {})
        page.get_by_role("link", name="sconosciuta").wait_for()
        assert page.locator("#chiamate li").count() == 2
        assert is_fit(page)
        page.screenshot(path=tmp_path / f"elenco-{width}.png", full_page=True)

        page.get_by_label("Operazione").select_option("paaSILChiediPagati")
        page.get_by_role("button", name="Filtra").click()
        page.wait_for_url("**operazione=paaSILChiediPagati**")
        assert page.locator("#chiamate li").count() == 1
        page.get_by_role("link", name="paaSILChiediPagati").click()
        page.get_by_role("heading", name="paaSILChiediPagati").wait_for()
        page.get_by_text("Contratto, riga 3, elemento inventato").wait_for()
        assert "<script>alert(1)</script>" in page.locator("pre[aria-labelledby=titolo-richiesta]").inner_text()
        assert is_fit(page)
        with page.expect_download() as given:
            page.get_by_role("link", name="Scarica la richiesta com’è arrivata").click()
        assert Path(given.value.path()).read_bytes() == bytes(kept(piccolo)[0].richiesta)

        page.get_by_role("link", name="Tutte le chiamate").click()
        page.get_by_label("Che cosa va storto").select_option("rifiuto")
        page.get_by_role("button", name="Accendi").click()
        page.get_by_text("Il guasto è acceso.").wait_for()
        assert [rule["code"] for rule in node.simulator.faults.as_json()] == ["PPT_SEMANTICA"]
        page.get_by_role("button", name="Spegni tutti i guasti").click()
        page.get_by_text("Nessun guasto è acceso.").wait_for()

        page.get_by_label("Sì, cancella tutti i dati di prova").check()
        page.get_by_role("button", name="Cancella i dati").click()
        page.get_by_text("I dati sono stati cancellati.").wait_for()
        page.get_by_text("Nessuna chiamata, per ora").wait_for()
        assert kept(piccolo) == []
