"""The report of conformance as a page: one file, no script, nothing from elsewhere, and fit to be printed.

Every word that an integrator's call said is text here, never markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape
from itertools import groupby
from zoneinfo import ZoneInfo

from hub.domain.conformita.rapporto import Firmatario, Rapporto
from hub.domain.conformita.regola import Esito, Verdetto
from hub.formats.testi import clean

_TESTO_MAX = 2000
_CLASSI = {
    Esito.RISPETTATA: "bene", Esito.VIOLATA: "male", Esito.AVVERTENZA: "piano", Esito.NON_VISTA: "nulla",
}  # fmt: skip
# The colours of the payer's and the operators' pages; every pair has a contrast of at least 4.5 to 1.
_STILE = """
:root{--blu:#0059b3;--blu-scuro:#003e7e;--testo:#17324d;--fondo:#f2f6fa;--bordo:#c5d1dd}
*{box-sizing:border-box}body{margin:0;
font:1rem/1.5 "Titillium Web",system-ui,sans-serif;color:var(--testo);background:#fff}
header{background:var(--blu);color:#fff;padding:1.5rem 1rem}header p{margin:.25rem 0 0}
h1{margin:0;font-size:1.7rem}h2{margin:2rem 0 .5rem;font-size:1.25rem;color:var(--blu-scuro)}
main,header>div,footer>div{max-width:70rem;margin:0 auto}main{padding:1rem}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.5rem 1.5rem;margin:1rem 0}
dt{font-weight:600;font-size:.85rem}dd{margin:0;overflow-wrap:anywhere}
.conto{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.75rem}.conto li{border:1px solid var(--bordo);
border-radius:4px;padding:.5rem 1rem;background:var(--fondo)}.conto b{font-size:1.4rem;display:block}
.tabella{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{border-bottom:1px solid var(--bordo);padding:.5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{background:var(--fondo);overflow-wrap:normal}td.codice{white-space:nowrap}td ul{margin:0;padding-left:1.1rem}
.fonte{font-size:.82rem;color:#455b71}.esito{font-weight:700;white-space:nowrap}
.bene{color:#006b3c}.male{color:#b3001b}.piano{color:#7a4b00}.nulla{color:#455b71}
.verdetto{font-size:1.15rem;font-weight:700;padding:.75rem 1rem;border-left:6px solid;background:var(--fondo)}
footer{border-top:1px solid var(--bordo);padding:1rem;font-size:.85rem}
@media print{header{background:#fff;color:#000;padding:0}main{padding:0}
tr{break-inside:avoid}.tabella{overflow:visible}}
""".strip()


def render_html(rapporto: Rapporto, firmatario: Firmatario) -> bytes:
    """Return the page, UTF-8."""
    who = f"{rapporto.nome_ente} ({rapporto.cod_ipa_ente})"
    parts = [
        '<!doctype html>\n<html lang="it">\n<head>\n<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Rapporto di conformità – {_t(rapporto.cod_ipa_ente)}</title>\n<style>\n{_STILE}\n</style>\n</head>",
        f"<body>\n<header><div><h1>Rapporto di conformità</h1><p>{_t(who)}"
        f"{', applicazione ' + _t(rapporto.applicazione) if rapporto.applicazione else ''}</p></div></header>\n<main>",
        _verdetto(rapporto),
        _conto(rapporto),
        _dati(rapporto),
        *_gruppi(rapporto),
        _nota(firmatario),
        "</main>\n<footer><div>Prodotto da PontePA " + _t(rapporto.versione) + ". Questa pagina e conformita.json sono "
        "legati a conformita.xml dalla loro impronta: la firma è lì, e si controlla con "
        "<code>pontepa conformance --verifica conformita.xml</code>.</div></footer>\n</body>\n</html>\n",
    ]
    return "\n".join(parts).encode("utf-8")


def _t(text: object) -> str:
    return escape(clean(str(text), _TESTO_MAX), quote=True)


def _ora(instant: datetime | None) -> str:
    return "-" if instant is None else instant.astimezone(ZoneInfo("Europe/Rome")).strftime("%d/%m/%Y %H:%M:%S")


def _verdetto(rapporto: Rapporto) -> str:
    conto = rapporto.conto
    if not rapporto.is_conforme:
        return f'<p class="verdetto male">Non conforme: regole violate, {conto[Esito.VIOLATA]}.</p>'
    seen = conto[Esito.RISPETTATA] + conto[Esito.AVVERTENZA]
    return (
        f'<p class="verdetto bene">Nessuna regola violata fra le {seen} di cui si è visto almeno un caso; '
        f"di {conto[Esito.NON_VISTA]} non si è visto nulla.</p>"
    )


def _conto(rapporto: Rapporto) -> str:
    items = "".join(
        f'<li><b class="{_CLASSI[esito]}">{number}</b>{_t(esito.lower())}</li>'
        for esito, number in rapporto.conto.items()
    )
    return f'<ul class="conto">{items}</ul>'


def _dati(rapporto: Rapporto) -> str:
    said = {
        "Rapporto": rapporto.id,
        "Data (Europa/Roma)": _ora(rapporto.istante),
        "Chiamate giudicate": rapporto.chiamate,
        "Chiamate escluse": rapporto.chiamate_escluse,
        "Prima chiamata": _ora(rapporto.prima),
        "Ultima chiamata": _ora(rapporto.ultima),
        "Flussi": rapporto.flussi,
        "Punto di ascolto": rapporto.callback or "non chiamato",
        "Hub": rapporto.indirizzo_hub or "non interrogato",
        "Impronta delle prove (SHA-256)": rapporto.digest,
    }
    return (
        "<dl>"
        + "".join(f"<div><dt>{_t(name)}</dt><dd>{_t(value)}</dd></div>" for name, value in said.items())
        + "</dl>"
    )


def _gruppi(rapporto: Rapporto) -> Iterator[str]:
    for gruppo, verdetti in groupby(rapporto.verdetti, key=lambda one: one.regola.gruppo):
        rows = "\n".join(map(_riga, verdetti))
        yield (
            f'<section><h2>{_t(gruppo)}</h2><div class="tabella"><table><thead><tr><th scope="col">Regola</th>'
            '<th scope="col">Che cosa è richiesto</th><th scope="col">Esito</th>'
            '<th scope="col">Che cosa si è visto</th>'
            f'<th scope="col">Come rimediare</th></tr></thead><tbody>\n{rows}\n</tbody></table></div></section>'
        )


def _riga(verdetto: Verdetto) -> str:
    regola = verdetto.regola
    return (
        f'<tr id="{_t(regola.codice)}"><td class="codice">{_t(regola.codice)}</td>'
        f'<td>{_t(regola.requisito)}<br><span class="fonte">{_t(regola.fonte)}</span></td>'
        f'<td class="esito {_CLASSI[verdetto.esito]}">{_t(verdetto.esito)}</td><td>{_visto(verdetto)}</td>'
        f"<td>{_t(regola.rimedio) if verdetto.contrari else ''}</td></tr>"
    )


def _visto(verdetto: Verdetto) -> str:
    if not verdetto.casi:
        return "nessun caso"
    if not verdetto.contrari:
        return f"{_casi(verdetto.casi)} in regola; il primo: {_t(verdetto.visti[0].dove)}"
    items = "".join(f"<li>{_t(visto.dove)}: {_t(visto.problema)}</li>" for visto in verdetto.visti)
    return f"{_casi(verdetto.contrari)} su {verdetto.casi}:<ul>{items}</ul>"


def _casi(number: int) -> str:
    return "1 caso" if number == 1 else f"{number} casi"


def _nota(firmatario: Firmatario) -> str:
    kind = (
        "Il certificato è autofirmato, creato per questo rapporto: prova che il rapporto è intero, non chi lo ha fatto."
        if firmatario.is_autofirmato
        else "Il certificato è quello indicato da chi ha prodotto il rapporto."
    )
    return (
        f"<section><h2>Firma</h2><p>{kind}</p><dl><div><dt>Certificato</dt><dd>{_t(firmatario.nome)}</dd></div>"
        f"<div><dt>Impronta del certificato (SHA-256)</dt><dd>{_t(firmatario.impronta)}</dd></div></dl></section>"
    )
