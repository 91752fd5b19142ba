"""An inner document as an integrator sent it -> what the rules of conformance look at.

Read by the names of its elements whatever their namespace, so that one mistake does not hide the others.
Source: PagInf_Dovuti_Pagati 6.2.0; pa-per-ente, 1.5 and section 3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from unicodedata import combining, normalize

from hub.domain.conformita.prove import Documento, ErroreSchema, Marca, Pagatore, Secondario, Voce
from hub.domain.errors import IuvNonValido
from hub.domain.iuv import check_fornito, validate
from hub.domain.tassonomia import Tassonomia
from hub.domain.tipo_versamento import is_valid as is_tipo_versamento
from hub.formats import iban, schemi, territorio
from hub.formats.base64_campi import decode_document, decode_strict
from hub.formats.codice_fiscale import ANONIMO, compact, is_valid_partita_iva, is_valid_persona
from hub.formats.conformita_xml import has_doctype, is_struttura, local, read_root
from hub.formats.documenti_ente import LIMITS, Q
from hub.formats.importi import cent_from_text
from hub.formats.xml import XmlNonValido, canonical, parse

_ASCII = re.compile(r"[\x20-\x7e]*")
_GIORNO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_IBAN_LENGTH = 27
_SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class Lettura:
    """What a reader must know of the ente and of the day. `segregazione`: of its own notice numbers."""

    segregazione: str
    tassonomia: Tassonomia
    giorno: date
    are_15_admitted: bool = False


def read_documento(campo: str, radice: str, text: str, lettura: Lettura, *, is_iuv_free: bool = False) -> Documento:
    """Return what a document says, as far as it can be read. `radice`: the name its root should have."""
    try:
        once = decode_strict(text)
        data = decode_document(text)
    except ValueError:
        return Documento(campo, 0, "non è base64", radice_attesa=radice)
    levels = 1 if data == once else 2
    try:
        root, is_codifica = read_root(data, LIMITS)
    except XmlNonValido as error:
        return Documento(campo, levels, error.reason, has_doctype(data), radice_attesa=radice)
    return _read(campo, radice, levels, root, is_codifica, lettura, is_iuv_free)


def _read(
    campo: str, radice: str, levels: int, root: Any, is_codifica: bool, lettura: Lettura, is_iuv_free: bool
) -> Documento:
    is_namespace = all(str(one.tag).startswith(Q) for one in root.iter())
    name = local(root)
    errors = tuple(_errors(root, radice)) if is_namespace else ()
    data = _child(root, "datiVersamento")
    payer = _child(root, "soggettoPagatore")
    versamento = radice == "Versamento"
    azione = _text(root, "azione")
    iuv = _text(data, "identificativoUnivocoVersamento") or None
    tipo = _text(data, "tipoVersamento")
    scadenza = _text(data, "dataEsecuzionePagamento") or None
    return Documento(
        campo=campo,
        livelli=levels,
        is_codifica=is_codifica,
        is_namespace=is_namespace,
        radice=name,
        radice_attesa=radice,
        errori=errors,
        versione=_text(root, "versioneOggetto"),
        pagatore=None if payer is None else _pagatore(payer, errors),
        voci=tuple(_voci(data, versamento, lettura)),
        tipo_versamento=tipo or None,
        is_tipo_versamento=is_tipo_versamento(tipo),
        iuv=iuv,
        problema_iuv=_problema_iuv(iuv, azione, lettura, is_iuv_free) if versamento else "",
        azione=azione if versamento else "",
        scadenza=scadenza,
        giorno=_giorno(scadenza),
        secondario=_secondario(root) if radice == "DovutiEntiSecondari" else None,
    )


def _child(element: Any, name: str) -> Any:
    return None if element is None else next((child for child in element if local(child) == name), None)


def _text(element: Any, name: str) -> str:
    found = _child(element, name)
    return "" if found is None else (found.text or "").strip()


def _errors(root: Any, radice: str) -> Iterator[ErroreSchema]:
    """By the type, whatever the name of the root: that is another rule."""
    copy = parse(canonical(root), LIMITS)
    copy.tag = Q + radice
    empty = {local(leaf) for leaf in copy.iter() if not len(leaf) and not (leaf.text or "").strip()}
    for error in schemi.schema(schemi.DOVUTI_PAGATI).check(copy):
        is_place = is_struttura(error)
        is_vuoto = not is_place and error.element in empty
        yield ErroreSchema(error.element[:64], error.rule[:200], is_place, is_vuoto)


def _voci(data: Any, versamento: bool, lettura: Lettura) -> Iterator[Voce]:
    if data is None:
        return
    items = [data] if versamento else [child for child in data if local(child) == "datiSingoloVersamento"]
    for item in items:
        importo = _text(item, "importoSingoloVersamento")
        dati_specifici = _text(item, "datiSpecificiRiscossione")
        causale = _child(item, "causaleVersamento")
        yield Voce(
            iud=_text(item, "identificativoUnivocoDovuto"),
            importo=importo,
            importo_cent=_cent(importo),
            tipo=_text(item, "identificativoTipoDovuto"),
            causale="" if causale is None else causale.text or "",
            dati_specifici=dati_specifici,
            vigore=str(lettura.tassonomia.vigore(dati_specifici[:12], lettura.giorno)),
            marca=_marca(_child(item, "datiMarcaBolloDigitale")),
            bilancio_cent=_bilancio(_child(item, "bilancio")),
        )


def _cent(text: str) -> int | None:
    try:
        return cent_from_text(text)
    except ValueError:
        return None


def _marca(element: Any) -> Marca | None:
    if element is None:
        return None
    try:
        is_impronta = len(base64.b64decode(_text(element, "hashDocumento"), validate=True)) == _SHA256_BYTES
    except (binascii.Error, ValueError):
        is_impronta = False
    return Marca(is_impronta, _text(element, "provinciaResidenza"))


def _bilancio(element: Any) -> int | None:
    if element is None:
        return None
    amounts = [_cent((leaf.text or "").strip()) for leaf in element.iter() if local(leaf) == "importo"]
    return sum(one or 0 for one in amounts)


def _pagatore(element: Any, errors: tuple[ErroreSchema, ...]) -> Pagatore:
    identificativo = _child(element, "identificativoUnivocoPagatore")
    tipo = _text(identificativo, "tipoIdentificativoUnivoco")
    node = _child(identificativo, "codiceIdentificativoUnivoco")
    written = "" if node is None else node.text or ""
    codice = compact(written)
    is_valido = is_valid_partita_iva(codice) or (tipo != "G" and is_valid_persona(codice))
    provincia, nazione, cap = (_text(element, name + "Pagatore") for name in ("provincia", "nazione", "cap"))
    address = _text(element, "indirizzoPagatore") + _text(element, "civicoPagatore")
    return Pagatore(
        tipo=tipo,
        is_valido=is_valido,
        is_anonimo=codice == ANONIMO,
        is_canonico=written == codice,
        impronta=hashlib.sha256(codice.encode()).hexdigest()[:16] if codice else "",
        has_nome=bool(_text(element, "anagraficaPagatore")),
        has_email=bool(_text(element, "e-mailPagatore")),
        is_email=not any(one.elemento == "e-mailPagatore" for one in errors),
        cap=cap,
        is_cap=territorio.is_cap(cap, nazione or territorio.ITALIA),
        provincia=provincia,
        is_provincia=nazione not in ("", territorio.ITALIA) or territorio.is_provincia(provincia.upper()),
        nazione=nazione,
        is_nazione=territorio.is_nazione(nazione),
        is_indirizzo_ascii=None if not address else _is_ascii(address),
    )


def _is_ascii(text: str) -> bool:
    plain = "".join(char for char in normalize("NFKD", text) if not combining(char))
    return _ASCII.fullmatch(plain) is not None


def _problema_iuv(iuv: str | None, azione: str, lettura: Lettura, is_free: bool) -> str:
    """What is wrong with an IUV of the ente's own; one that the hub drew comes back with a change."""
    if iuv is None:
        return ""
    try:
        if azione == "I":
            check_fornito(iuv, lettura.segregazione, is_free=is_free, are_15_admitted=lettura.are_15_admitted)
        else:
            validate(iuv)
    except IuvNonValido as error:
        return str(error)[:200]
    return ""


def _giorno(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text and _GIORNO.fullmatch(text) else None
    except ValueError:
        return None


def _secondario(root: Any) -> Secondario:
    data = _child(root, "datiVersamentoEntiSecondari")
    codice, account = (
        compact(_text(data, name)) for name in ("codiceFiscaleBeneficiario", "ibanAccreditoBeneficiario")
    )
    return Secondario(
        is_codice=is_valid_partita_iva(codice) or is_valid_persona(codice),
        is_iban=len(account) == _IBAN_LENGTH and iban.is_valid(account),
        importo_cent=_cent(_text(data, "importoSingoloVersamento")),
    )
