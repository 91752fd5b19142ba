"""Settlement flows over SOAP: nodoChiediElencoFlussiRendicontazione and nodoChiediFlussoRendicontazione.

Source: node, 2.6, 2.7, 2.0.4 (classes of faults).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO, TypeVar

from adapters.nodo.faults import CHIEDI_ELENCO_FLUSSI, CHIEDI_FLUSSO, classe_of
from adapters.nodo.fdr_http import Arrivo, Fallita, Tempi, call
from hub.domain.acquisizione_fdr import (
    DomandaFdr,
    Elenco,
    EsitoDomanda,
    FlussoElencato,
    Scarico,
)
from hub.domain.delivery import Classe
from hub.domain.rendicontazione import psp_of
from hub.formats.fdr_soap import (
    FLUSSO_BYTES_MAX,
    ElencoTroppoGrande,
    RispostaFlusso,
    build_chiedi_elenco,
    build_chiedi_flusso,
    read_elenco,
    read_flusso_risposta,
    says_not_found,
)
from hub.formats.mime_lungo import MimeNonLeggibile, boundary_of, read_parts
from hub.formats.nodo_messaggi import FaultNodo, RispostaNonLeggibile

_T = TypeVar("_T")
_ID_FLUSSO_SCONOSCIUTO = "PPT_ID_FLUSSO_SCONOSCIUTO"
_SENZA_DOCUMENTO = "la stazione è configurata per ricevere i flussi via SFTP"


class FdrSoap:
    """See `hub.ports.FlussiRendicontazione`. Safe to share between threads."""

    def __init__(self, url: str, tempi: Tempi, pausa_s: float = 2.0) -> None:
        """`url`: where a station that has no address of its own asks; `pausa_s`: between the calls of one list."""
        self._url, self._tempi, self._pausa_s = url, tempi, pausa_s

    def elenca(self, domanda: DomandaFdr, dal: datetime) -> Elenco:
        """List what the node has: the last thirty days, whatever `dal` is.

        Once, and once more for each PSP only when the answer is too large. Source: node, 2.6.
        """
        fine = self._tempi.fine()
        try:
            return self._elenca(domanda, None, fine)
        except ElencoTroppoGrande as cut:
            return self._elenca_per_psp(domanda, cut, fine)

    def _elenca_per_psp(self, domanda: DomandaFdr, cut: ElencoTroppoGrande, fine: float) -> Elenco:
        """The lists of every PSP that is known to have flows, together, or the first that fails.

        A PSP of which nobody knows, that is only past the cut, cannot be asked for: that is told.
        """
        found = dict.fromkeys(cut.flussi)
        psp = sorted({*domanda.psp, *(flusso.psp for flusso in cut.flussi)} - {""})
        saltati = [f"{cut}: chiesto per ciascuno dei {len(psp)} PSP noti"]
        for one in psp:
            # Source: node, 2.0.5, pause between the calls of a batch.
            self._tempi.stop.wait(self._pausa_s)
            try:
                elenco = self._elenca(domanda, one, fine)
            except ElencoTroppoGrande as again:
                found |= dict.fromkeys(again.flussi)
                saltati.append(f"PSP {one}: {again}")
                continue
            if elenco.esito != EsitoDomanda.OK:
                return elenco
            found |= dict.fromkeys(elenco.flussi)
            saltati += elenco.saltati
        return Elenco(EsitoDomanda.OK, tuple(found), saltati=tuple(saltati))

    def _elenca(self, domanda: DomandaFdr, psp: str | None, fine: float) -> Elenco:
        """Raises: ElencoTroppoGrande."""
        body = build_chiedi_elenco(domanda, psp)
        try:
            risposta = self._ask(
                domanda, CHIEDI_ELENCO_FLUSSI, body, lambda arrivo: read_elenco(_root(arrivo)), fine
            )
        except Fallita as failed:
            # An empty list comes also as a page that is not there.
            is_empty = failed.esito == EsitoDomanda.ASSENTE
            esito = EsitoDomanda.OK if is_empty else failed.esito
            return Elenco(
                esito, (), failed.codice, failed.dettaglio, failed.retry_after_s, is_answered=failed.is_answered
            )
        if risposta.fault is None:
            return Elenco(EsitoDomanda.OK, risposta.flussi, saltati=risposta.saltati)
        if says_not_found(risposta.fault):
            return Elenco(EsitoDomanda.OK)
        is_ours = classe_of(risposta.fault.code) in (Classe.CONFIGURAZIONE, Classe.RICHIESTA)
        esito = EsitoDomanda.RIFIUTATA if is_ours else EsitoDomanda.RIPROVARE
        return Elenco(esito, (), risposta.fault.code, _words(risposta.fault))

    def scarica(self, domanda: DomandaFdr, flusso: FlussoElencato, copia: BinaryIO) -> Scarico:
        """Write the document as it comes out of its envelope. The PSP is named only to a node that wants it."""
        scarico = self._scarica(domanda, flusso.iuf, None, copia)
        psp = psp_of(flusso.iuf)
        if psp and classe_of(scarico.codice) is Classe.RICHIESTA:
            return self._scarica(domanda, flusso.iuf, psp, copia)
        return scarico

    def _scarica(self, domanda: DomandaFdr, iuf: str, psp: str | None, copia: BinaryIO) -> Scarico:
        body = build_chiedi_flusso(domanda, iuf, psp)
        try:
            risposta = self._ask(domanda, CHIEDI_FLUSSO, body, lambda arrivo: _write(arrivo, copia), self._tempi.fine())
        except Fallita as failed:
            return Scarico(
                failed.esito, failed.codice, failed.dettaglio, failed.retry_after_s, is_answered=failed.is_answered
            )
        fault = risposta.fault
        if fault is None:
            if risposta.has_documento:
                return Scarico(EsitoDomanda.OK)
            return Scarico(EsitoDomanda.SENZA_DOCUMENTO, "SENZA_DOCUMENTO", _SENZA_DOCUMENTO)
        return Scarico(_esito_of(fault), fault.code, _words(fault))

    def _ask(
        self, domanda: DomandaFdr, operation: str, body: bytes, read: Callable[[Arrivo], _T], fine: float
    ) -> _T:
        """Raises: Fallita, ElencoTroppoGrande."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation}"'}
        url = domanda.stazione.indirizzi.get("fdr", self._url)
        try:
            with call("POST", url, self._tempi, fine, domanda.stazione, headers, body) as arrivo:
                return read(arrivo)
        except ElencoTroppoGrande:
            raise
        except (RispostaNonLeggibile, MimeNonLeggibile) as error:
            raise Fallita(EsitoDomanda.RIPROVARE, "RISPOSTA_NON_LEGGIBILE", str(error)) from error


def _esito_of(fault: FaultNodo) -> EsitoDomanda:
    """What a refusal of one flow means: a word about the flow or its PSP stops no other flow of the ente."""
    is_of_psp = fault.code.startswith(("PPT_PSP_", "PPT_INTERMEDIARIO_PSP_", "PPT_CANALE_"))
    if fault.code == _ID_FLUSSO_SCONOSCIUTO or says_not_found(fault) or is_of_psp:
        return EsitoDomanda.ASSENTE
    classe = classe_of(fault.code)
    if classe is Classe.CONFIGURAZIONE:
        return EsitoDomanda.RIFIUTATA
    return EsitoDomanda.ASSENTE if classe is Classe.RICHIESTA else EsitoDomanda.RIPROVARE


def _words(fault: FaultNodo) -> str:
    return (fault.description or fault.string)[:300]


def _root(arrivo: Arrivo) -> Iterator[bytes]:
    """The envelope of an answer, out of its first part when there are parts. Raises: MimeNonLeggibile."""
    boundary = boundary_of(arrivo.headers.get("content-type", ""))
    if boundary is None:
        return arrivo.blocks
    return next(read_parts(arrivo.blocks, boundary))[1]


def _write(arrivo: Arrivo, copia: BinaryIO) -> RispostaFlusso:
    """Raises: RispostaNonLeggibile, MimeNonLeggibile."""
    boundary = boundary_of(arrivo.headers.get("content-type", ""))
    if boundary is None:
        return _inline(read_flusso_risposta(arrivo.blocks, copia))
    parts = read_parts(arrivo.blocks, boundary)
    risposta = read_flusso_risposta(next(parts)[1], copia)
    if risposta.include is None:
        return risposta
    for headers, body in parts:
        if headers.get("content-id", "").strip("<>") == risposta.include:
            _copy(body, headers.get("content-transfer-encoding", "binary").lower(), copia)
            return risposta
        for _ in body:
            pass
    raise MimeNonLeggibile("manca la parte con il documento")


def _inline(risposta: RispostaFlusso) -> RispostaFlusso:
    if risposta.include is not None:
        raise MimeNonLeggibile("il documento è in una parte che non c'è")
    return risposta


def _copy(body: Iterator[bytes], encoding: str, copia: BinaryIO) -> None:
    """Raises: MimeNonLeggibile."""
    written, left = 0, b""
    for block in body:
        written += len(block)
        if written > FLUSSO_BYTES_MAX:
            raise MimeNonLeggibile(f"documento oltre il limite di {FLUSSO_BYTES_MAX} byte")
        if encoding != "base64":
            copia.write(block)
            continue
        data = left + block.translate(None, b" \t\r\n")
        whole = len(data) // 4 * 4
        left = data[whole:]
        try:
            copia.write(base64.b64decode(data[:whole], validate=True))
        except binascii.Error as error:
            raise MimeNonLeggibile("la parte con il documento non è base64") from error
    if left:
        raise MimeNonLeggibile("la parte con il documento non è base64")
