"""Checkout's page of the simulator: what is paid, and what a payer may do about it."""

from __future__ import annotations

from html import escape

from adapters.nodo.fake_pages import euro, page
from adapters.nodo.ledger_carrelli import CarrelloPreso

_STATI = {
    "PAGATO": "Il carrello è stato pagato.",
    "NON_PAGATO": "Il pagamento non è riuscito.",
    "ABBANDONATO": "Il pagamento è stato abbandonato.",
    "SCADUTO": "Il carrello è scaduto: si ricomincia dal sito dell'ente.",
    "IN_PAGAMENTO": "Il pagamento è in corso.",
}


def cart_page(carrello: CarrelloPreso) -> str:
    """Return the page where the payer pays, fails or goes away."""
    rows = "".join(
        f"<dt>Ente</dt><dd>{escape(avviso.ente_nome)}</dd>"
        f"<dt>Codice avviso</dt><dd>{escape(avviso.numero_avviso)}</dd>"
        f"<dt>Causale</dt><dd>{escape(avviso.descrizione)} - {escape(euro(avviso.importo_cent))}</dd>"
        for avviso in carrello.avvisi
    )
    total = escape(euro(sum(avviso.importo_cent for avviso in carrello.avvisi)))
    later = '<button name="azione" value="attendi">Paga, e torna prima dell\'esito</button>'
    return page(
        "Checkout",
        '<p class="avviso">Ambiente di prova: nessun denaro si muove.</p>'
        f'<dl>{rows}<dt>Totale</dt><dd class="totale">{total}</dd></dl>'
        f'<form method="post" action="/c/{escape(carrello.id)}">'
        '<button class="primo" name="azione" value="paga">Paga</button>'
        f"{later if carrello.versione == 2 else ''}"
        '<button name="azione" value="sparisci">Paga e chiudi la finestra</button>'
        '<button name="azione" value="rifiuta">Il pagamento non riesce</button>'
        '<button name="azione" value="abbandona">Abbandona</button></form>',
    )


def done_page(stato: str) -> str:
    text = _STATI.get(stato, "L'operazione è conclusa.")
    return page("Operazione già conclusa", f"<p>{escape(text)}</p><p>Si può chiudere questa pagina.</p>")


def unknown_page() -> str:
    text = "Checkout non conosce questo carrello: si ricomincia dal sito dell'ente."
    return page("Carrello sconosciuto", f"<p>{text}</p>")
