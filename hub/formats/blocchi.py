"""The blocks that RPT, RT and Pagati share: a payer, an organisation. Written strictly, read leniently.

Source: PagInf_RPT_RT 6.2.0 (person, beneficiary and institute blocks); PagInf_Dovuti_Pagati 6.2.0 (the same, shorter
province).
"""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import etree

from hub.domain.documenti import Organizzazione, Soggetto
from hub.formats.testi import clean

NS_RPT_RT = "http://www.digitpa.gov.it/schemas/2011/Pagamenti/"
NS_ENTE = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
ASSENTE = "n/a"  # what a mandatory text becomes when the receipt did not have it

_TWO_CAPITALS = re.compile(r"[A-Z]{2}")
_EMAIL_RPT = re.compile(r"[a-zA-Z0-9_.+\-]+@[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*")
_EMAIL_ENTE = re.compile(r"[a-zA-Z0-9_!#$%&'*+/=?`{|}~^.\-]+@[a-zA-Z0-9.\-]+")
_DATI_SPECIFICI = re.compile(r"[0129]/\S{3,138}")


def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """Append a child in the parent's namespace."""
    child = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}")
    child.text = text
    return child


def add_if(parent: etree._Element, name: str, text: str | None) -> None:
    """Append a child unless the text is blank: an empty optional element is a schema violation."""
    if text:
        add(parent, name, text)


def write_soggetto(parent: etree._Element, ruolo: str, soggetto: Soggetto) -> None:
    """Append `soggetto<ruolo>`; what the schema would refuse in an optional field is left out or cut."""
    is_ente = etree.QName(parent).namespace == NS_ENTE
    block = add(parent, f"soggetto{ruolo}")
    identificativo = add(block, f"identificativoUnivoco{ruolo}")
    codice = clean(soggetto.codice, 35 if is_ente else 16) or ASSENTE
    add(identificativo, "tipoIdentificativoUnivoco", soggetto.tipo if soggetto.tipo in ("F", "G") else "F")
    add(identificativo, "codiceIdentificativoUnivoco", codice)
    add(block, f"anagrafica{ruolo}", clean(soggetto.anagrafica, 70) or ASSENTE)
    _write_indirizzo(block, ruolo, soggetto, provincia_length=2 if is_ente else 35)
    email = (soggetto.email or "").strip()
    if len(email) <= 256 and (_EMAIL_ENTE if is_ente else _EMAIL_RPT).fullmatch(email):
        add(block, f"e-mail{ruolo}", email)


def write_organizzazione(parent: etree._Element, name: str, ruolo: str, organizzazione: Organizzazione) -> None:
    """Append `enteBeneficiario` or `istitutoAttestante`."""
    is_ente = etree.QName(parent).namespace == NS_ENTE
    admitted = ("G",) if ruolo == "Beneficiario" else ("G", "A", "B")
    block = add(parent, name)
    identificativo = add(block, f"identificativoUnivoco{ruolo}")
    add(identificativo, "tipoIdentificativoUnivoco", organizzazione.tipo if organizzazione.tipo in admitted else "G")
    codice = clean(organizzazione.codice, 35 if is_ente else 16)
    add(identificativo, "codiceIdentificativoUnivoco", codice or ASSENTE)
    add(block, f"denominazione{ruolo}", clean(organizzazione.denominazione, 70) or ASSENTE)
    add_if(block, f"codiceUnitOper{ruolo}", clean(organizzazione.codice_unita, 35))
    add_if(block, f"denomUnitOper{ruolo}", clean(organizzazione.denominazione_unita, 70))
    _write_indirizzo(block, ruolo, organizzazione, provincia_length=35)


def _write_indirizzo(
    block: etree._Element, ruolo: str, who: Soggetto | Organizzazione, *, provincia_length: int
) -> None:
    add_if(block, f"indirizzo{ruolo}", clean(who.indirizzo, 70))
    add_if(block, f"civico{ruolo}", clean(who.civico, 16))
    add_if(block, f"cap{ruolo}", clean(who.cap, 16))
    add_if(block, f"localita{ruolo}", clean(who.localita, 35))
    provincia = clean(who.provincia, provincia_length)
    # Pagati admits exactly two characters: a single one is left out, not sent to break the caller.
    if provincia_length != 2 or len(provincia) == 2:
        add_if(block, f"provincia{ruolo}", provincia)
    nazione = (who.nazione or "").strip().upper()
    add_if(block, f"nazione{ruolo}", nazione if _TWO_CAPITALS.fullmatch(nazione) else None)


def dati_specifici(text: str) -> str:
    """Return `datiSpecificiRiscossione` in the form both schemas admit: no blanks, category 0, 1, 2 or 9.

    The taxonomy's categories 6, 7 and 8 are written 9: the documents' pattern does not know them.
    Raises: ValueError when it cannot be mended.

    >>> dati_specifici("7/0101101IM/")
    '9/0101101IM/'
    """
    compact = "".join(text.split())
    if compact[:2] in ("6/", "7/", "8/"):
        compact = "9" + compact[1:]
    if not _DATI_SPECIFICI.fullmatch(compact):
        raise ValueError("datiSpecificiRiscossione not of the form category/code")
    return compact


def local_name(element: etree._Element) -> str:
    return _local_name(str(element.tag))


@lru_cache(1024)
def _local_name(tag: str) -> str:
    # The same few dozen names in a million receipts.
    return tag.rpartition("}")[2]


def by_name(element: etree._Element | None) -> dict[str, etree._Element]:
    """Return the children by local name, the first of each: order, namespaces and strangers do not matter."""
    found: dict[str, etree._Element] = {}
    for child in element if element is not None else ():
        found.setdefault(local_name(child), child)
    return found


def text_of(children: dict[str, etree._Element], name: str) -> str:
    """Return the trimmed text of a child, empty when it is not there."""
    child = children.get(name)
    return "" if child is None else (child.text or "").strip()


def read_soggetto(element: etree._Element | None, ruolo: str) -> Soggetto:
    """Return the person of a block; missing texts are empty (mandatory ones) or None."""
    children = by_name(element)
    identificativo = by_name(children.get(f"identificativoUnivoco{ruolo}"))
    return Soggetto(
        tipo=text_of(identificativo, "tipoIdentificativoUnivoco"),
        codice=text_of(identificativo, "codiceIdentificativoUnivoco"),
        anagrafica=text_of(children, f"anagrafica{ruolo}"),
        email=text_of(children, f"e-mail{ruolo}") or None,
        **_read_indirizzo(children, ruolo),
    )


def read_organizzazione(element: etree._Element | None, ruolo: str) -> Organizzazione:
    children = by_name(element)
    identificativo = by_name(children.get(f"identificativoUnivoco{ruolo}"))
    return Organizzazione(
        tipo=text_of(identificativo, "tipoIdentificativoUnivoco"),
        codice=text_of(identificativo, "codiceIdentificativoUnivoco"),
        denominazione=text_of(children, f"denominazione{ruolo}"),
        codice_unita=text_of(children, f"codiceUnitOper{ruolo}") or None,
        denominazione_unita=text_of(children, f"denomUnitOper{ruolo}") or None,
        **_read_indirizzo(children, ruolo),
    )


def _read_indirizzo(children: dict[str, etree._Element], ruolo: str) -> dict[str, str | None]:
    names = ("indirizzo", "civico", "cap", "localita", "provincia", "nazione")
    return {name: text_of(children, f"{name}{ruolo}") or None for name in names}
