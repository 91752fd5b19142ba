"""FlussoRiversamento, the settlement flow of a PSP: read row by row, whatever its length.

Strict on what money and keys depend on; what has a sure meaning but is not of the published form (outcomes 4 and 8, a
negative amount of the old archives, a new element) is kept and told in `osservazioni`.
Source: FlussoRiversamento 1.0.4; node, 6 (meaning, rules), 4.9 (the 2018 schema), annex C (5 and 13).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, TypeVar

from lxml import etree

from hub.domain.rendicontazione import ESITI, Istituto, Riga, Riversamento
from hub.formats.blocchi import NS_RPT_RT, local_name
from hub.formats.importi import IMPORTO_MAX_CENT, cent_from_signed_text
from hub.formats.istanti import read_giorno, read_istante
from hub.formats.testi import clean
from hub.formats.xml import XmlNonValido
from hub.formats.xml_lungo import LongLimits, read_children

# Flows of tens of thousands of rows exist, at some 500 bytes each; 200 MB is the bound of node, 5 rule 4.
LIMITS = LongLimits(bytes_max=200 * 1024 * 1024, child_bytes_max=64 * 1024, depth_max=8)
ROOT = f"{{{NS_RPT_RT}}}FlussoRiversamento"
RIGA = "datiSingoliPagamenti"
# Of one block: who reads them has understood before; a hostile row may hold thousands of strangers.
OSSERVAZIONI_MAX = 10

_VERSIONI = ("1.0", "1.1")
_IUF = re.compile(r"[a-zA-Z0-9_-]{1,35}")
_DUE_DECIMALI = re.compile(r"-?[0-9]+\.[0-9]{2}")
_CONTEGGIO = re.compile(r"\+?([0-9]{1,15})(?:\.0{1,10})?")
_TESTATA = frozenset(
    ("versioneOggetto", "identificativoFlusso", "dataOraFlusso", "identificativoUnivocoRegolamento", "dataRegolamento",
     "istitutoMittente", "codiceBicBancaDiRiversamento", "istitutoRicevente", "numeroTotalePagamenti",
     "importoTotalePagamenti")
)  # fmt: skip
_RIGA = frozenset(
    ("identificativoUnivocoVersamento", "identificativoUnivocoRiscossione", "indiceDatiSingoloPagamento",
     "singoloImportoPagato", "codiceEsitoSingoloPagamento", "dataEsitoSingoloPagamento")
)  # fmt: skip

_T = TypeVar("_T")


class RendicontazioneNonLeggibile(ValueError):
    """A flow that cannot be read with certainty; `reason` is an Italian sentence that names row and element."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_flusso(source: BinaryIO, limits: LongLimits = LIMITS) -> tuple[Riversamento, Iterator[Riga]]:
    """Return what a flow says of itself and its rows, which are read while they are asked for, in constant memory.

    The rows are good only if their iteration ends: store them in one transaction. An element unknown to the contract
    is told with its block; after the rows it is passed over.
    Raises: RendicontazioneNonLeggibile, here or while the rows are asked for.
    """
    children = _children(source, limits)
    fields = _Fields("testata", _TESTATA)
    for child in children:
        if child.tag == f"{{{NS_RPT_RT}}}{RIGA}":
            riversamento = _riversamento(fields)
            first = _riga(child, 1)
            return riversamento, chain((first,), _righe(children))
        fields.add(child)
    raise RendicontazioneNonLeggibile("flusso senza pagamenti")


def _children(source: BinaryIO, limits: LongLimits) -> Iterator[etree._Element]:
    try:
        yield from read_children(source, ROOT, limits)
    except XmlNonValido as error:
        raise RendicontazioneNonLeggibile(error.reason) from error


def _righe(children: Iterator[etree._Element]) -> Iterator[Riga]:
    """Yield the rows from the second on."""
    numero = 1
    for child in children:
        if child.tag == f"{{{NS_RPT_RT}}}{RIGA}":
            numero += 1
            yield _riga(child, numero)
        elif child.tag.startswith(f"{{{NS_RPT_RT}}}") and local_name(child) in _TESTATA:
            raise RendicontazioneNonLeggibile(f"{local_name(child)}: sta dopo i pagamenti")


def _riversamento(fields: _Fields) -> Riversamento:
    versione = fields.text("versioneOggetto", 16)
    if versione not in _VERSIONI:
        fields.tell(f"versioneOggetto {versione}: attesa 1.0 o 1.1")
    iuf = fields.text("identificativoFlusso", 35)
    if not _IUF.fullmatch(iuf):
        fields.tell("identificativoFlusso: attesi solo lettere, cifre, - e _")
    return Riversamento(
        versione=versione,
        iuf=iuf,
        generato_at=fields.value("dataOraFlusso", read_istante, "data e ora non leggibili"),
        trn=fields.text("identificativoUnivocoRegolamento", 35),
        regolato=fields.value("dataRegolamento", read_giorno, "data non leggibile"),
        mittente=_istituto(fields, "Mittente", ("G", "A", "B")),
        ricevente=_istituto(fields, "Ricevente", ("G",)),
        righe=fields.value("numeroTotalePagamenti", _conteggio, "atteso un numero intero da 1"),
        importo_cent=fields.amount("importoTotalePagamenti"),
        bic_riversamento=fields.text("codiceBicBancaDiRiversamento", 35, required=False) or None,
        osservazioni=fields.told(),
    )


def _istituto(parent: _Fields, ruolo: str, tipi: tuple[str, ...]) -> Istituto:
    names = (f"identificativoUnivoco{ruolo}", f"denominazione{ruolo}")
    fields = parent.block(f"istituto{ruolo}", frozenset(names))
    inner = fields.block(names[0], frozenset(("tipoIdentificativoUnivoco", "codiceIdentificativoUnivoco")))
    tipo = inner.text("tipoIdentificativoUnivoco", 1)
    if tipo not in tipi:
        raise inner.refusal("tipoIdentificativoUnivoco", f"atteso {' o '.join(tipi)}")
    codice = inner.text("codiceIdentificativoUnivoco", 35)
    # A name decides nothing: whatever its length, it is shown to people.
    return Istituto(tipo, codice, clean(fields.raw(names[1]), 140) or None)


def _riga(element: etree._Element, numero: int) -> Riga:
    fields = _Fields(f"pagamento {numero}", _RIGA)
    for child in element:
        fields.add(child)
    esito = fields.value("codiceEsitoSingoloPagamento", _cifra, "attesa una cifra")
    if esito not in ESITI:
        fields.tell(f"codiceEsitoSingoloPagamento {esito}: codice sconosciuto")
    importo_cent = fields.amount("singoloImportoPagato")
    if importo_cent <= 0:
        fields.tell("singoloImportoPagato: atteso un importo maggiore di zero")
    has_indice = fields.raw("indiceDatiSingoloPagamento") != ""
    return Riga(
        numero=numero,
        iuv=fields.text("identificativoUnivocoVersamento", 35),
        iur=fields.text("identificativoUnivocoRiscossione", 35),
        importo_cent=importo_cent,
        esito=esito,
        data_esito=fields.value("dataEsitoSingoloPagamento", read_giorno, "data non leggibile"),
        indice=fields.value("indiceDatiSingoloPagamento", _indice, "atteso da 1 a 5") if has_indice else None,
        osservazioni=fields.told(),
    )


class _Fields:
    """The elements of one block by local name, and what is to be told of them."""

    def __init__(self, where: str, known: frozenset[str]) -> None:
        self._where = where
        self._known = known
        self._texts: dict[str, str] = {}
        self._blocks: dict[str, list[etree._Element]] = {}
        self._told: list[str] = []

    def add(self, element: etree._Element) -> None:
        """Take an element in; one that the contract does not know is told, one that comes twice refused."""
        name = local_name(element)
        if etree.QName(element).namespace != NS_RPT_RT or name not in self._known:
            self.tell(f"elemento {name[:64]}: non previsto")
        elif name in self._texts:
            raise self.refusal(name, "ripetuto")
        else:
            self._texts[name] = (element.text or "").strip()
            # The element is emptied once the next one is asked for: what it held lives on in the list.
            self._blocks[name] = list(element)

    def block(self, name: str, known: frozenset[str]) -> _Fields:
        """Return the fields of a nested block; what it tells, this tells."""
        if name not in self._texts:
            raise self.refusal(name, "manca")
        fields = _Fields(f"{self._where}, {name}", known)
        fields._told = self._told
        for child in self._blocks[name]:
            fields.add(child)
        return fields

    def raw(self, name: str) -> str:
        return self._texts.get(name, "")

    def text(self, name: str, length_max: int, *, required: bool = True) -> str:
        found = self._texts.get(name, "")
        if self._blocks.get(name):
            raise self.refusal(name, "atteso un testo")
        if required and not found:
            raise self.refusal(name, "manca o è vuoto")
        if len(found) > length_max or not found.isprintable():
            raise self.refusal(name, f"oltre {length_max} caratteri, o caratteri non ammessi")
        return found

    def value(self, name: str, read: Callable[[str], _T], rule: str) -> _T:
        text = self.text(name, 64)
        try:
            return read(text)
        except ValueError as error:
            raise self.refusal(name, rule) from error

    def amount(self, name: str) -> int:
        """Return cents, with their sign."""
        cent = self.value(name, cent_from_signed_text, "importo non leggibile")
        if abs(cent) > IMPORTO_MAX_CENT:
            self.tell(f"{name}: oltre il massimo del contratto")
        if not _DUE_DECIMALI.fullmatch(self._texts[name]):
            self.tell(f"{name}: attesi due decimali")
        return cent

    def tell(self, sentence: str) -> None:
        if len(self._told) < OSSERVAZIONI_MAX:
            self._told.append(sentence)

    def told(self) -> tuple[str, ...]:
        return tuple(self._told)

    def refusal(self, name: str, rule: str) -> RendicontazioneNonLeggibile:
        return RendicontazioneNonLeggibile(f"{self._where}: {name}: {rule}")


def _conteggio(text: str) -> int:
    match = _CONTEGGIO.fullmatch(text)
    if match is None or int(match[1]) < 1:
        raise ValueError("not a count")
    return int(match[1])


def _cifra(text: str) -> str:
    if not re.fullmatch("[0-9]", text):
        raise ValueError("not a digit")
    return text


def _indice(text: str) -> int:
    if not re.fullmatch("0{0,9}[1-5]", text):
        raise ValueError("not an index")
    return int(text)
