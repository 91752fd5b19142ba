"""The pages of docs/operazioni as text: an operation's, the index, the documents, what goes by HTTP alone."""

from __future__ import annotations

import base64
import binascii
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from docs.guasti import table
from docs.pagine.campi import DOCUMENTI, GUASTO, OPERAZIONI, significato
from docs.pagine.contratto import campi, operazioni
from hub.domain.guasti import CATALOGO

if TYPE_CHECKING:
    from tests.racconto import Racconto
    from tests.soap.walk.frame import Table

FOLDER = Path(__file__).parents[1] / "operazioni"
GENERATO = "<!-- Generato da docs/pagine con `make docs`: non si corregge a mano. -->"
TESTI = tomllib.loads(Path(__file__).with_name("testi.toml").read_text(encoding="utf-8"))
INDIRIZZO = "/ws/pa/PagamentiTelematiciDovutiPagati"
# Where a receipt is opened on the page: elsewhere it is the same kind of document.
CON_RT = "paaSILChiediPagatiConRicevuta"
_CAMPI = ("campo", "che cosa ammette", "obbligatorio", "significato")
# How the walk names the tables of an operation that has several.
_COLONNE = {f"2.5 {one}": f"con `{one}`" for one in "IMAS"}
_COLONNE |= {"2.4.2": "per IUV o IUD", "2.4.2 idSession": "per sessione"}


def pages(racconto: Racconto, controlli: Iterable[Table]) -> dict[str, str]:
    """Every generated page by its file's name. `controlli`: the checks of each operation, in their order."""
    found = {"index.md": _index(racconto), "documenti.md": _documenti()}
    found |= {"file.md": _file(racconto), "ritorno.md": _ritorno(racconto)}
    tables = list(controlli)
    for name in TESTI:
        found[f"{name}.md"] = _operazione(name, racconto, [one for one in tables if one.operation == name])
    return found


def _operazione(name: str, racconto: Racconto, controlli: list[Table]) -> str:
    testo = TESTI[name]
    in_header = operazioni()[name]
    lines = [
        f"# {name}", "", GENERATO, "", testo["fa"], "", f"**Quando.** {testo['quando']}", "",
        f"**Dove.** `POST {INDIRIZZO}`, `SOAPAction: \"{name}\"` (non conta). `codIpaEnte` sta "
        + ("nell'intestazione `intestazionePPT`." if in_header else "nel corpo; un'intestazione in più non si guarda."),
        "", "## Richiesta", "", *_fields(name, OPERAZIONI),
        "", "## Risposta", "", *_fields(f"{name}Risposta", OPERAZIONI),
    ]  # fmt: skip
    lines.append("")
    opened: set[str] = set()
    for chiamata in racconto.di(name):
        lines += [f"## Esempio: {chiamata.titolo}", "", "Si manda:", "", *_xml(chiamata.richiesta.decode())]
        lines += [*_inside(chiamata.richiesta, name, set()), "Si riceve:", ""]
        lines += [*_xml(indented(chiamata.risposta)), *_inside(chiamata.risposta, name, opened)]
    order = _ORDINE if len(controlli) == 1 else f"{_ORDINE} {_ORDINI}"
    lines += ["## I rifiuti, nell'ordine dei controlli", "", order, "", *_rifiuti(name, controlli), ""]
    lines += ["## Che cosa cambia da MyPay", "", *(f"* {one}" for one in testo["cambia"])]
    return "\n".join(lines) + "\n"


_ORDINE = (
    "Vince il primo che fallisce; il numero dice il posto del controllo nella fila (più numeri: più controlli con lo "
    "stesso codice). Senza numero: limiti e casi rari, che non hanno un posto. Gli stati di un pagamento si escludono "
    "fra loro: il numero dice solo dove si guarda. Prima di tutti, un messaggio che non rispetta il contratto riceve "
    "un SOAP Fault."
)
_ORDINI = "Una colonna per ogni fila di controlli: dove c'è un trattino, in quella fila il controllo non c'è."


def _fields(tipo: str, genere: str) -> Iterator[str]:
    rows = []
    for campo in campi(tipo):
        if campo.path.startswith("fault/"):
            continue
        depth = campo.path.count("/")
        ammette = campo.tipo + (f"; se manca `{campo.default}`" if campo.default else "")
        name = "— " * depth + f"`{campo.nome}`"
        rows.append((name, _code(ammette) or "altri campi", campo.quante, significato(campo, genere)))
    return table(_CAMPI, rows)


def _code(text: str) -> str:
    """A pattern may hold the mark of code itself: then two of them stand around it."""
    if text.count("`") % 2:
        head, _, rest = text.partition("`")
        return f"{head}`` {rest.rpartition('`')[0]} ``"
    return text


def _rifiuti(name: str, controlli: list[Table]) -> Iterator[str]:
    """Each entry of the catalogue for the operation, with its places in each of the tables of checks."""
    # What one table tries with one mistake of a row another may try with the others: the row is the same.
    codes: dict[str, set[str]] = {}
    for row in (row for one in controlli for row in one.rows if row.unreachable is None):
        found = {one.code for one in row.defects if one.code.startswith(("PAA_", "CODE_PAA_"))}
        codes.setdefault(row.words, set()).update(found)
    places = [_places(one, codes) for one in controlli]
    entries = [guasto for guasto in CATALOGO if name in guasto.operazioni]
    last = (10**6, "")
    entries.sort(key=lambda one: min((min(found[one.code]), "") if one.code in found else last for found in places))
    heads = [_COLONNE.get(one.section, one.section) for one in controlli] if len(controlli) > 1 else ["posto"]
    rows = []
    for guasto in entries:
        where = [", ".join(map(str, found.get(guasto.code, ("—",)))) for found in places]
        rows.append((*where, f"`{guasto.code}`", guasto.condizione, guasto.rimedio, str(guasto.ripetere)))
    return table((*heads, "codice", "quando", "che cosa fare", "ripetere la chiamata"), rows)


def _places(controlli: Table, codes: dict[str, set[str]]) -> dict[str, list[int]]:
    """At which of the checks of a table each code is answered; `codes`: of each row, by its words."""
    places: dict[str, list[int]] = {}
    answering = [row for row in controlli.rows if row.unreachable is None and codes[row.words]]
    for number, row in enumerate(answering, 1):
        for code in codes[row.words]:
            places.setdefault(code, []).append(number)
    return places


def indented(answer: bytes) -> str:
    """An answer with line breaks between its elements, and nothing else changed."""
    head, _, rest = answer.partition(b"?>")
    root = etree.fromstring(rest.strip())
    etree.indent(root)
    return head.decode() + "?>\n" + etree.tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> list[str]:
    return ["```xml", *text.rstrip("\n").splitlines(), "```", ""]


def _inside(message: bytes, name: str, opened: set[str]) -> list[str]:
    """The documents inside a message: of each field the first, unless it is `opened`; the others have its form."""
    lines: list[str] = []
    for node in etree.fromstring(message.partition(b"?>")[2].strip() or message).iter():
        field, document = str(node.tag), document_of(node.text or "")
        if document is None or field in opened or (field == "rt" and name != CON_RT):
            continue
        opened.add(field)
        lines += [f"Dentro `{field}`:", "", *_xml(_document_text(document))]
    return lines


def document_of(text: str) -> bytes | None:
    """The XML document in a field, below its one or two levels of base64; None where there is none."""
    data = text.encode()
    for _ in range(2):
        try:
            data = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            return None
        if data.lstrip().startswith(b"<"):
            return data
    return None


def _document_text(document: bytes) -> str:
    root = etree.fromstring(document)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def _index(racconto: Racconto) -> str:
    rifiuto = racconto.di("paaSILInviaDovuti")[-1]
    rows = ((f"[`{name}`]({name}.md)", testo["fa"]) for name, testo in TESTI.items())
    lines = ["# Le operazioni", "", GENERATO, "", *_INTRODUZIONE, "", *table(("operazione", "che cosa fa"), rows), ""]
    lines += ["## Un rifiuto", "", *_RIFIUTO, "", *_fields("faultBean", GUASTO), "", *_xml(indented(rifiuto.risposta))]
    names = "\n".join(TESTI)
    lines += [f"```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{names}\ndocumenti\nfile\nritorno\n```"]
    return "\n".join(lines) + "\n"


_INTRODUZIONE = (
    "Il servizio dei gestionali ha diciotto operazioni: quelle che un programma già collegato a MyPay chiama, con gli "
    "stessi nomi, campi e codici. Il contratto è a `/ws/pa/PagamentiTelematiciDovutiPagati?wsdl`.",
    "",
    "Gli esempi di queste pagine sono veri: un programma li manda a un hub e scrive qui ciò che risponde, byte per "
    "byte; alle risposte si aggiungono solo gli a capo fra un elemento e l'altro. L'orologio è fermo al 20 novembre "
    "2026 e i codici casuali escono da un seme, così a ogni versione le pagine si possono rifare e confrontare. "
    "L'indirizzo pubblico è `https://hub.example.org`, la password dell'ente `C_PROVA` è `Segreto12345`.",
    "",
    "[I documenti](documenti.md) viaggiano in base64 dentro i messaggi; [i file](file.md) e [il ritorno del "
    "cittadino](ritorno.md) passano da HTTP. L'esito può anche [arrivare da solo](../inoltro-esito.md).",
)
_RIFIUTO = (
    "Un rifiuto è una risposta normale (HTTP 200, o 429 dopo troppe password errate) il cui primo figlio è `fault`. "
    "Con un rifiuto gli altri figli possono mancare, anche quelli che il contratto vuole.",
)


def _documenti() -> str:
    lines = ["# I documenti", "", GENERATO, ""]
    lines += [
        "Viaggiano in base64 dentro i messaggi. Namespace `http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/`: "
        "qui, al contrario che nei messaggi, **ogni** elemento è qualificato. L'ordine conta. Un elemento facoltativo "
        "senza valore **si omette**: vuoto è `PAA_XML_NON_VALIDO`.",
        "",
    ]
    for title in ("Dovuti", "DovutiEntiSecondari", "Versamento"):
        lines += [f"## {title}", "", *_fields(f"ct{title}", DOCUMENTI), ""]
    shared = {campo.path for campo in campi("ctPagati")}
    solo = ", ".join(f"`{campo.nome}`" for campo in campi("ctPagatiConRicevuta") if campo.path not in shared)
    lines += ["## Pagati e PagatiConRicevuta", ""]
    lines += [f"Hanno gli stessi campi; solo in `PagatiConRicevuta` ci sono {solo}.", ""]
    return "\n".join([*lines, *_fields("ctPagatiConRicevuta", DOCUMENTI)]) + "\n"


def _file(racconto: Racconto) -> str:
    """What goes by HTTP, in the words of file.txt."""
    richiesta, risposta = racconto.http["carico"]
    indirizzo, scarti = racconto.http["scarico"]
    return _filled("file", richiesta=richiesta, risposta=risposta, indirizzo=indirizzo, scarti=scarti.rstrip())


def _ritorno(racconto: Racconto) -> str:
    """The payer's way back, in the words of ritorno.txt."""
    arrivo, indirizzo = racconto.http["ritorno"]
    domanda, stato = racconto.http["polling"]
    return _filled("ritorno", arrivo=arrivo, indirizzo=indirizzo, domanda=domanda, stato=stato)


def _filled(name: str, **values: str) -> str:
    text = Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8")
    return text.format(generato=GENERATO, **values)
