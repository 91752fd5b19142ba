"""The payer's page of the simulator: plain Italian HTML that needs neither JavaScript nor anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from hub.domain.documenti import Rpt

_STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;background:#f3f5f8;color:#17324d;font:1.0625rem/1.55 "Titillium Web",system-ui,sans-serif}
header{background:#0b3ea8;color:#fff;padding:1rem}header p{margin:0 auto;max-width:40rem;font-weight:600}
main{max-width:40rem;margin:1.5rem auto;padding:1.5rem;background:#fff;border-radius:.5rem;
box-shadow:0 1px 6px rgba(23,50,77,.18)}
h1{margin:0 0 .75rem;font-size:1.6rem;line-height:1.25}
.avviso{border-left:.3rem solid #995c00;background:#fff6e5;padding:.6rem .9rem;margin:0 0 1.25rem}
dl{margin:0 0 1.25rem}dt{font-size:.9rem;color:#455b71;margin-top:.7rem}
dd{margin:0;overflow-wrap:anywhere}
.totale{font-size:1.5rem;font-weight:700}
form{display:grid;gap:.75rem}label{display:grid;gap:.25rem}
input,select{font:inherit;min-height:2.75rem;padding:.4rem .6rem;border:1px solid #455b71;border-radius:.35rem}
button{font:inherit;font-weight:600;min-height:3rem;padding:.5rem 1rem;border-radius:.35rem;border:2px solid #0b3ea8;
background:#fff;color:#0b3ea8;cursor:pointer}
button.primo{background:#0b3ea8;color:#fff}
button:hover{text-decoration:underline}
:focus-visible{outline:3px solid #17324d;outline-offset:3px}
a{color:#0b3ea8}
@media(max-width:42rem){main{margin:0;border-radius:0}}
"""
STATI = {
    "RT_ACCETTATA_PA": "L'esito è stato consegnato all'ente.",
    "RT_RIFIUTATA_PA": "L'ente ha rifiutato la ricevuta: il registro del simulatore dice perché.",
    "RT_ERRORE_INVIO_A_PA": "L'ente non ha mai risposto all'invio della ricevuta.",
    "RPT_ANNULLATA_WISP": "Il pagamento è stato abbandonato.",
}


STRANEZZE = (
    ("other_amount", "si paga un importo diverso"),
    ("abandon", "si va via dopo l'attivazione"),
    ("two_psps", "si paga due volte, da due PSP"),
    ("stand_in", "la piattaforma risponde al posto dell'ente"),
    ("unknown_notice", "ricevuta di un avviso mai chiesto"),
)
_NOTHING: Mapping[str, str] = {}


def page(title: str, body: str) -> str:
    """Return a whole page of the simulator; `body` is HTML."""
    return (
        '<!doctype html><html lang="it"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} - Simulatore pagoPA</title><style>{_STYLE}</style></head><body>"
        "<header><p>Simulatore del nodo pagoPA</p></header>"
        f"<main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def euro(cent: int) -> str:
    """Return the amount as Italians write it.

    >>> euro(123456789)
    '1.234.567,89\\xa0€'
    """
    units = f"{cent // 100:,}".replace(",", ".")
    return f"{units},{cent % 100:02d}\u00a0€"


def payer_page(id_session: str, documenti: Sequence[Rpt]) -> str:
    """Return the page where the payer pays, refuses or goes away."""
    rows = "".join(
        f"<dt>Ente</dt><dd>{escape(rpt.ente.denominazione)}</dd>"
        f"<dt>Codice avviso o IUV</dt><dd>{escape(rpt.iuv)}</dd>"
        + "".join(
            f"<dt>Causale</dt><dd>{escape(line.causale)} - {escape(euro(line.importo_cent))}</dd>"
            for line in rpt.versamenti
        )
        for rpt in documenti
    )
    total = escape(euro(sum(rpt.importo_cent for rpt in documenti)))
    body = (
        '<p class="avviso">Ambiente di prova: nessun denaro si muove.</p>'
        f'<dl>{rows}<dt>Totale</dt><dd class="totale">{total}</dd></dl>'
        '<form method="post" action="/pagamento">'
        f'<input type="hidden" name="idSession" value="{escape(id_session)}">'
        '<button class="primo" name="azione" value="paga">Paga</button>'
        '<button name="azione" value="rifiuta">Il pagamento non riesce</button>'
        '<button name="azione" value="abbandona">Abbandona</button></form>'
    )
    return page("Pagamento", body)


def done_page(stato: str) -> str:
    """Return the page of a session that has already had its outcome."""
    text = STATI.get(stato, "L'esito sta andando all'ente.")
    return page("Operazione già conclusa", f"<p>{escape(text)}</p><p>Si può chiudere questa pagina.</p>")


def counter_page(given: Mapping[str, str] = _NOTHING, error: str = "", outcome: str = "") -> str:
    """Return the page of the counter: what was typed, what is wrong with it, what happened (a piece of page)."""

    def entry(name: str, label: str, example: str) -> str:
        value = escape(given.get(name, ""))
        shape = f'placeholder="{example}" inputmode="numeric"'
        return f'<label>{label}<input name="{name}" value="{value}" {shape}></label>'

    def choice(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
        items = "".join(
            f'<option value="{value}"{" selected" if value == given.get(name, "") else ""}>{text}</option>'
            for value, text in options
        )
        return f'<label>{label}<select name="{name}">{items}</select></label>'

    wrong = f'<p class="avviso" role="alert">{escape(error)}</p>' if error else ""
    body = (
        '<p class="avviso">Ambiente di prova: nessun denaro si muove.</p>'
        f'{wrong}{outcome}<form method="post" action="/sportello">'
        + entry("numero_avviso", "Numero avviso", "301000000000000144")
        + entry("codice_fiscale", "Codice fiscale dell'ente", "12345678903")
        + choice("primitive", "Come si paga", (("", "come vuole la stazione"), ("V2", "paForNode V2"),
                                               ("V1", "paForNode V1"), ("classico", "modello 3 classico")))
        + choice("stranezza", "Che cosa va storto", (("", "nulla"), *STRANEZZE))
        + '<button class="primo" name="azione" value="paga">Paga</button>'
        '<button name="azione" value="verifica">Verifica soltanto</button></form>'
    )  # fmt: skip
    return page("Sportello di un PSP", body)


def unknown_page() -> str:
    return page(
        "Sessione sconosciuta",
        "<p>Il simulatore non conosce questa sessione di pagamento: si ricomincia dal sito dell'ente.</p>",
    )


def home_page(hub_url: str) -> str:
    rows = (
        ("POST /nodo", "le primitive SOAP del nodo"),
        ("GET /pagamento?idSession=...", "la pagina di chi paga"),
        ("POST /api/paga", "lo stesso senza browser: {idSession, azione}"),
        ("GET /sportello", "lo sportello di un PSP, dove si paga un avviso"),
        ("POST /api/sportello", "lo stesso senza browser: {codice_fiscale, numero_avviso, azione}"),
        ("GET /ledger", "il registro di ciò che è arrivato e partito"),
        ("POST /checkout/ec/v2/carts (e v1)", "i carrelli di Checkout"),
        ("GET /c/{carrello}", "la pagina di Checkout"),
        ("POST /api/checkout", "lo stesso senza browser: {id o idCart, azione}"),
        ("POST /aca/v1/paCreatePosition", "le posizioni debitorie"),
        ("GET /bizevents/service/v1/organizations/...", "le ricevute"),
        ("POST /faults, DELETE /faults", "i guasti da provocare"),
        ("POST /config", "le stazioni conosciute"),
    )
    items = "".join(f"<dt><code>{escape(path)}</code></dt><dd>{escape(text)}</dd>" for path, text in rows)
    return page("Simulatore", f"<p>Hub collegato: <code>{escape(hub_url)}</code></p><dl>{items}</dl>")
