"""The SOAP messages that ask for settlement flows, and their answers; a flow is streamed out of its envelope.

Source: NodoPerPa contract; node, 2.0.1 and 2.0.2 (only the outermost element of the body is in a namespace), 2.6, 2.7.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO
from xml.parsers import expat
from xml.sax.saxutils import escape

from hub.domain.acquisizione_fdr import DomandaFdr, FlussoElencato
from hub.domain.rendicontazione import psp_of
from hub.formats.istanti import read_istante
from hub.formats.nodo_messaggi import NS_NODO, NS_SOAP, FaultNodo, FaultSoap, RispostaNonLeggibile
from hub.formats.xml import XmlNonValido, known_encoding

CHIEDI_ELENCO = "nodoChiediElencoFlussiRendicontazione"
CHIEDI_FLUSSO = "nodoChiediFlussoRendicontazione"

# An entry takes some 150 bytes: a hundred thousand flows in thirty days are no ente's.
ELENCO_BYTES_MAX = 16 * 1024 * 1024
# 200 MiB of document in base64, with line ends, and the envelope.
FLUSSO_BYTES_MAX = 300 * 1024 * 1024
_DEPTH_MAX = 16
# Of the elements of a fault, or of a list; the document itself has no bound but the whole answer's.
_TEXT_MAX = 64 * 1024
_BUFFER = 64 * 1024
_IUF_MAX = 64
_SALTATI_MAX = 10
_BLANKS = b" \t\r\n"
# How the layer over the REST store says that there is nothing, with HTTP 200. Source: node, 2.6; test RecuperoFdR1.
_NOT_FOUND = re.compile(r"\b404\b")
_FAULT_FIELDS = {
    "faultCode": "code", "faultString": "string", "id": "id", "description": "description",
    "originalFaultCode": "original_code", "originalFaultString": "original_string",
    "originalDescription": "original_description",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RispostaFlusso:
    """What came beside the bytes. `include`: the document is the MIME part of this Content-ID (MTOM)."""

    fault: FaultNodo | None = None
    has_documento: bool = False
    include: str | None = None


@dataclass(frozen=True, slots=True)
class RispostaElenco:
    flussi: tuple[FlussoElencato, ...] = ()
    fault: FaultNodo | None = None
    saltati: tuple[str, ...] = ()


def build_chiedi_elenco(domanda: DomandaFdr, psp: str | None = None) -> bytes:
    """Return the envelope of the question for the list, password included. Source: node, 2.6."""
    return _envelope(CHIEDI_ELENCO, domanda, {"identificativoPSP": psp})


def build_chiedi_flusso(domanda: DomandaFdr, iuf: str, psp: str | None = None) -> bytes:
    """Return the envelope of the question for a flow, password included. Source: node, 2.7."""
    return _envelope(CHIEDI_FLUSSO, domanda, {"identificativoPSP": psp, "identificativoFlusso": iuf})


def _envelope(operation: str, domanda: DomandaFdr, more: dict[str, str | None]) -> bytes:
    fields = {
        "identificativoIntermediarioPA": domanda.stazione.intermediario,
        "identificativoStazioneIntermediarioPA": domanda.stazione.id,
        "password": domanda.stazione.password,
        "identificativoDominio": domanda.dominio,
    } | more
    body = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items() if text is not None)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="{NS_SOAP}"><s:Body>'
        f'<n:{operation} xmlns:n="{NS_NODO}">{body}</n:{operation}></s:Body></s:Envelope>'
    ).encode()


def says_not_found(fault: FaultNodo) -> bool:
    """Whether a fault is only how an empty list or an unknown flow is told.

    >>> says_not_found(FaultNodo("PPT_SYSTEM_ERROR", "404 Not Found", "x")), says_not_found(FaultNodo("P", "q", "x"))
    (True, False)
    """
    return any(_NOT_FOUND.search(text) for text in (fault.code, fault.string, fault.description))


def read_elenco(blocks: Iterable[bytes]) -> RispostaElenco:
    """Return the list of an answer.

    An entry that cannot be a flow is left out and told. Without a PSP in the name of a flow, `psp` is empty.
    Raises: RispostaNonLeggibile, ElencoTroppoGrande, FaultSoap.
    """
    busta = _Elenco()
    try:
        busta.read(blocks, ELENCO_BYTES_MAX)
    except _TroppoGrande as error:
        raise ElencoTroppoGrande(tuple(busta.flussi)) from error
    if busta.fault is None and not busta.has_elenco:
        raise RispostaNonLeggibile("risposta senza elenco e senza fault")
    return RispostaElenco(tuple(busta.flussi), busta.fault, tuple(busta.saltati[:_SALTATI_MAX]))


def read_flusso_risposta(blocks: Iterable[bytes], copia: BinaryIO) -> RispostaFlusso:
    """Write the document of an answer to `copia` while the answer arrives, in constant memory.

    When it raises, what was written counts for nothing. Raises: RispostaNonLeggibile, FaultSoap.
    """
    busta = _Flusso(copia)
    busta.read(blocks, FLUSSO_BYTES_MAX)
    busta.close()
    return RispostaFlusso(busta.fault, busta.has_documento, busta.include)


class _TroppoGrande(RispostaNonLeggibile):
    """It goes on past what one answer may be."""


class ElencoTroppoGrande(RispostaNonLeggibile):
    """The list goes on past what one answer may be: to be asked for PSP by PSP. `flussi`: those before the cut."""

    def __init__(self, flussi: tuple[FlussoElencato, ...]) -> None:
        super().__init__(f"elenco oltre il limite di {ELENCO_BYTES_MAX} byte")
        self.flussi = flussi


class _Busta:
    """An envelope read by events: expat has no bound on one text, and keeps none of it.

    The precautions of `formats/xml.py`: no DTD, no entities, bytes, depth and encoding bounded.
    """

    payload = ""

    def __init__(self) -> None:
        self.fault: FaultNodo | None = None
        self._path: list[str] = []
        self._text: list[str] = []
        self._size = 0
        self._fields: dict[str, str] = {}
        self._soap_fault: str | None = None
        self._has_payload = False
        parser = expat.ParserCreate()
        parser.buffer_text, parser.buffer_size = True, _BUFFER
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.XmlDeclHandler = self._declaration
        self._parser = parser

    def read(self, blocks: Iterable[bytes], bytes_max: int) -> None:
        """Raises: RispostaNonLeggibile, FaultSoap."""
        given = 0
        try:
            for block in blocks:
                room = bytes_max - given
                given += len(block)
                self._parser.Parse(block[:room] if given > bytes_max else block, False)
                if given > bytes_max:
                    raise _TroppoGrande(f"risposta oltre il limite di {bytes_max} byte")
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise RispostaNonLeggibile(f"risposta XML malformata (riga {error.lineno})") from None
        if self._soap_fault is not None:
            raise FaultSoap(self._soap_fault.rpartition(":")[2][:64] or "senza codice")
        if not self._has_payload:
            raise RispostaNonLeggibile(f"risposta diversa da {self.payload}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(":")[2])
        if len(self._path) > _DEPTH_MAX:
            raise RispostaNonLeggibile(f"risposta con più di {_DEPTH_MAX} livelli")
        self._text, self._size = [], 0
        if len(self._path) == 3:
            where = self._path[:2] == ["Envelope", "Body"]
            if where and self._path[2] == "Fault":
                self._soap_fault = ""
            elif where and self._path[2] == self.payload:
                self._has_payload = True
        self.begin(self._path[3:], attributes)

    def _end(self, name: str) -> None:
        text, inner = "".join(self._text).strip(), self._path[3:]
        if self._soap_fault is not None and inner == ["faultcode"]:
            self._soap_fault = text
        elif inner[:1] == ["fault"]:
            self._end_of_fault(inner[1:], text)
        else:
            self.end(inner, text)
        self._path.pop()
        self._text, self._size = [], 0

    def _end_of_fault(self, inner: list[str], text: str) -> None:
        if not inner:
            self.fault = replace(FaultNodo("", "", ""), **self._fields)  # type: ignore[arg-type]
        elif inner[0] in _FAULT_FIELDS:
            self._fields[_FAULT_FIELDS[inner[0]]] = text

    def _characters(self, data: str) -> None:
        if self.takes(self._path[3:], data):
            return
        self._size += len(data)
        if self._size > _TEXT_MAX:
            raise RispostaNonLeggibile(f"testo oltre il limite di {_TEXT_MAX} caratteri")
        self._text.append(data)

    def _doctype(self, *_: object) -> None:
        raise RispostaNonLeggibile("dichiarazione DOCTYPE non ammessa")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        try:
            known_encoding(encoding or "utf-8")
        except XmlNonValido as error:
            raise RispostaNonLeggibile(error.reason) from error

    def begin(self, inner: list[str], attributes: dict[str, str]) -> None:
        """An element below the payload begins."""

    def end(self, inner: list[str], text: str) -> None:
        """An element below the payload, which is not a fault's, ends."""

    def takes(self, inner: list[str], data: str) -> bool:
        """Whether a piece of text went somewhere else."""
        return False


class _Elenco(_Busta):
    payload = f"{CHIEDI_ELENCO}Risposta"

    def __init__(self) -> None:
        super().__init__()
        self.flussi: list[FlussoElencato] = []
        self.saltati: list[str] = []
        self.has_elenco = False
        self._entry: dict[str, str] = {}

    def end(self, inner: list[str], text: str) -> None:
        if inner == ["elencoFlussiRendicontazione"]:
            self.has_elenco = True
        elif inner[:2] == ["elencoFlussiRendicontazione", "idRendicontazione"]:
            if len(inner) == 3:
                self._entry[inner[2]] = text
            elif self._entry:
                self._add()
                self._entry = {}

    def _add(self) -> None:
        iuf, at = self._entry.get("identificativoFlusso", ""), self._entry.get("dataOraFlusso", "")
        try:
            generato_at = read_istante(at)
        except ValueError:
            self.saltati.append(f"flusso {iuf[:_IUF_MAX]}: dataOraFlusso non leggibile")
            return
        if not iuf or len(iuf) > _IUF_MAX or not iuf.isprintable():
            self.saltati.append(f"flusso del {at}: identificativoFlusso vuoto o non ammesso")
            return
        self.flussi.append(FlussoElencato(iuf, generato_at, psp_of(iuf) or ""))


class _Flusso(_Busta):
    payload = f"{CHIEDI_FLUSSO}Risposta"

    def __init__(self, copia: BinaryIO) -> None:
        super().__init__()
        self.has_documento = False
        self.include: str | None = None
        self._copia = copia
        self._left = b""
        self._is_padded = False

    def begin(self, inner: list[str], attributes: dict[str, str]) -> None:
        if inner == ["xmlRendicontazione"]:
            if self.has_documento:
                raise RispostaNonLeggibile("xmlRendicontazione ripetuto")
        elif inner == ["xmlRendicontazione", "Include"]:
            self.include = attributes.get("href", "").removeprefix("cid:")
            self.has_documento = True

    def takes(self, inner: list[str], data: str) -> bool:
        if inner != ["xmlRendicontazione"]:
            return False
        try:
            self._decode(data.encode("ascii").translate(None, _BLANKS))
        except ValueError as error:
            raise RispostaNonLeggibile("xmlRendicontazione non è base64") from error
        return True

    def _decode(self, data: bytes) -> None:
        """Write what is whole of the base64; up to three characters wait for the next piece. Raises: ValueError."""
        if not data:
            return
        if self._is_padded:
            raise ValueError("text after the padding")
        data = self._left + data
        whole = len(data) // 4 * 4
        self._left = data[whole:]
        if whole:
            self.has_documento = True
            self._is_padded = data[:whole].endswith(b"=")
            self._copia.write(binascii.a2b_base64(data[:whole], strict_mode=True))

    def close(self) -> None:
        """Raises: RispostaNonLeggibile (the base64 breaks off)."""
        if self._left:
            raise RispostaNonLeggibile("xmlRendicontazione non è base64")
