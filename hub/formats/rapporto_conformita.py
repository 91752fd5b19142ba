"""The report of conformance as JSON, and as the XML document that is signed.

The XML says everything that the JSON says, and the digest of the pages that go with it: a signature over one file is a
signature over all three.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree

from hub.domain.conformita.rapporto import Rapporto
from hub.domain.conformita.regola import Esito, Verdetto
from hub.formats.testi import clean
from hub.formats.xml import Limits, XmlNonValido, parse

NAMESPACE = "urn:pontepa:conformita:1"
_Q = f"{{{NAMESPACE}}}"
# A report is some hundred rules with a few sentences each, and a certificate.
LIMITS = Limits(bytes_max=4 * 1024 * 1024, depth_max=16, tags_max=40_000)
_TESTO_MAX = 2000


def valori(rapporto: Rapporto) -> dict[str, Any]:
    """Return everything that a report says, in the words of its JSON."""
    return {
        "rapporto": rapporto.id,
        "istante": _instant(rapporto.istante),
        "versione": rapporto.versione,
        "ente": rapporto.cod_ipa_ente,
        "nome_ente": rapporto.nome_ente,
        "applicazione": rapporto.applicazione,
        "conforme": rapporto.is_conforme,
        "conto": {str(esito): number for esito, number in rapporto.conto.items()},
        "prove": {
            "impronta": rapporto.digest,
            "da": _instant(rapporto.da),
            "chiamate": rapporto.chiamate,
            "chiamate_escluse": rapporto.chiamate_escluse,
            "prima": _instant(rapporto.prima),
            "ultima": _instant(rapporto.ultima),
            "flussi": rapporto.flussi,
            "callback": rapporto.callback or None,
            "hub": rapporto.indirizzo_hub or None,
        },
        "regole": [_valori_regola(verdetto) for verdetto in rapporto.verdetti],
    }


def _valori_regola(verdetto: Verdetto) -> dict[str, Any]:
    regola = verdetto.regola
    return {
        "codice": regola.codice,
        "gruppo": str(regola.gruppo),
        "requisito": regola.requisito,
        "fonte": regola.fonte,
        "esito": str(verdetto.esito),
        "casi": verdetto.casi,
        "contrari": verdetto.contrari,
        "visto": [{"dove": visto.dove, "problema": visto.problema} for visto in verdetto.visti],
        "rimedio": regola.rimedio if verdetto.contrari else None,
    }


def render_json(rapporto: Rapporto) -> bytes:
    return json.dumps(valori(rapporto), ensure_ascii=False, indent=2).encode("utf-8") + b"\n"


def render_xml(rapporto: Rapporto, allegati: Mapping[str, bytes]) -> bytes:
    """Return the document to sign. `allegati`: the files that go with it, by name; their digests are written."""
    said = valori(rapporto)
    root = etree.Element(f"{_Q}RapportoConformita", nsmap={None: NAMESPACE})
    for name in ("rapporto", "istante", "versione", "ente", "nome_ente", "applicazione", "conforme"):
        _add(root, name, said[name])
    conto = etree.SubElement(root, f"{_Q}conto")
    for esito, number in said["conto"].items():
        etree.SubElement(conto, f"{_Q}esito", nome=esito).text = str(number)
    prove = etree.SubElement(root, f"{_Q}prove")
    for name, value in said["prove"].items():
        _add(prove, name, value)
    files = etree.SubElement(root, f"{_Q}allegati")
    for name, data in allegati.items():
        etree.SubElement(files, f"{_Q}file", nome=name, sha256=hashlib.sha256(data).hexdigest())
    regole = etree.SubElement(root, f"{_Q}regole")
    for one in said["regole"]:
        regola = etree.SubElement(regole, f"{_Q}regola", codice=one["codice"], esito=one["esito"])
        for name in ("gruppo", "requisito", "fonte", "casi", "contrari", "rimedio"):
            _add(regola, name, one[name])
        for visto in one["visto"]:
            element = etree.SubElement(regola, f"{_Q}visto")
            _add(element, "dove", visto["dove"])
            _add(element, "problema", visto["problema"])
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _add(parent: Any, name: str, value: object) -> None:
    if value is None or value == "":
        return
    text = ("sì" if value else "no") if isinstance(value, bool) else str(value)
    # What a call said may hold what XML cannot.
    etree.SubElement(parent, f"{_Q}{name}").text = clean(text, _TESTO_MAX)


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Letto:
    """What a signed report says of itself. `conto`: by outcome; `allegati`: digests by file name."""

    id: str
    istante: str
    ente: str
    applicazione: str
    versione: str
    conforme: bool
    conto: Mapping[str, int]
    allegati: Mapping[str, str]


def read_xml(data: bytes) -> Letto:
    """Return what a report says, from the bytes that a signature covers. Raises: XmlNonValido (it is no report)."""
    root = parse(data, LIMITS)
    if root.tag != f"{_Q}RapportoConformita":
        raise XmlNonValido("non è un rapporto di conformità")

    def text(name: str) -> str:
        return root.findtext(_Q + name) or ""

    conto = {one.get("nome", ""): int(one.text or 0) for one in root.iterfind(f"{_Q}conto/{_Q}esito")}
    files = {one.get("nome", ""): one.get("sha256", "") for one in root.iterfind(f"{_Q}allegati/{_Q}file")}
    return Letto(
        text("rapporto"), text("istante"), text("ente"), text("applicazione"), text("versione"),
        not conto.get(str(Esito.VIOLATA), 0), conto, files,
    )  # fmt: skip
