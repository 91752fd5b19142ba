"""Settlement flows over the platform's REST service, organizations API. Source: node, 2.12, 5 rule 3 (two keys)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import quote, urlencode

from adapters.nodo.fdr_http import Fallita, Tempi, call
from hub.domain.acquisizione_fdr import (
    DomandaFdr,
    Elenco,
    EsitoDomanda,
    FlussoElencato,
    Scarico,
)
from hub.formats.fdr import RendicontazioneNonLeggibile
from hub.formats.fdr_rest import (
    PAGINA_BYTES_MAX,
    PAGINE_MAX,
    Pacchetto,
    pagine_of,
    read_elenco,
    stato_of,
)

SIZE = 1000
_PUBBLICATO = "PUBLISHED"
_SENZA_CHIAVE = "la stazione non ha una chiave per il servizio fdr (servizi_rest)"
# Of one list, over all its pages: more are no ente's.
_FLUSSI_MAX = 100_000
_SALTATI_MAX = 10


class FdrRest:
    """See `hub.ports.FlussiRendicontazione`. Safe to share between threads."""

    def __init__(self, url: str, tempi: Tempi, size: int = SIZE) -> None:
        """`url`: the base of the service for a station that has no address of its own; `size`: of a page, to 1000."""
        self._url, self._tempi, self._size = url, tempi, size

    def elenca(self, domanda: DomandaFdr, dal: datetime) -> Elenco:
        """List the flows published since an instant, all pages."""
        flussi: list[FlussoElencato] = []
        saltati: list[str] = []
        query = {"publishedGt": _instant(dal)}
        fine = self._tempi.fine()
        path, pagina, pagine = f"/organizations/{quote(domanda.dominio)}/fdrs", 1, 1
        try:
            while pagina <= pagine:
                found, pagine, skipped = read_elenco(self._get(domanda, fine, path, query | self._page(pagina)))
                flussi += found
                saltati += skipped
                if len(flussi) > _FLUSSI_MAX:
                    return Elenco(EsitoDomanda.RIPROVARE, codice="RISPOSTA_TROPPO_GRANDE")
                pagina += 1
        except Fallita as failed:
            # There is no such organization yet, or nothing was published for it.
            if failed.esito == EsitoDomanda.ASSENTE and pagina == 1:
                return Elenco(EsitoDomanda.OK)
            esito = EsitoDomanda.RIPROVARE if failed.esito == EsitoDomanda.ASSENTE else failed.esito
            return Elenco(
                esito, (), failed.codice, failed.dettaglio, failed.retry_after_s, is_answered=failed.is_answered
            )
        except RendicontazioneNonLeggibile as error:
            return Elenco(EsitoDomanda.RIPROVARE, (), "RISPOSTA_NON_LEGGIBILE", error.reason)
        return Elenco(EsitoDomanda.OK, tuple(flussi), saltati=tuple(saltati[:_SALTATI_MAX]))

    def scarica(self, domanda: DomandaFdr, flusso: FlussoElencato, copia: BinaryIO) -> Scarico:
        """Write the header and every page of the payments, as they came, as one package."""
        path = (
            f"/organizations/{quote(domanda.dominio)}/fdrs/{quote(flusso.iuf, safe='')}"
            f"/revisions/{flusso.revisione}/psps/{quote(flusso.psp, safe='')}"
        )
        fine = self._tempi.fine()
        try:
            testata = self._get(domanda, fine, path, {})
            if stato_of(testata) != _PUBBLICATO:
                return Scarico(EsitoDomanda.ASSENTE, "NON_PUBBLICATO")
            with Pacchetto(copia) as pacchetto:
                pacchetto.add_testata(testata)
                pagina, pagine = 1, 1
                while pagina <= pagine <= PAGINE_MAX:
                    data = self._get(domanda, fine, f"{path}/payments", self._page(pagina))
                    pacchetto.add_pagina(pagina, data)
                    pagine, pagina = self._pages(data, pagine), pagina + 1
        except Fallita as failed:
            return Scarico(
                failed.esito, failed.codice, failed.dettaglio, failed.retry_after_s, is_answered=failed.is_answered
            )
        except RendicontazioneNonLeggibile as error:
            return Scarico(EsitoDomanda.RIPROVARE, "RISPOSTA_NON_LEGGIBILE", error.reason)
        return Scarico(EsitoDomanda.OK)

    @staticmethod
    def _pages(data: bytes, known: int) -> int:
        """How many pages there are. A page that cannot be read says nothing: it is kept, who reads it finds out.

        Raises: RendicontazioneNonLeggibile (more pages than may be).
        """
        try:
            return pagine_of(data)
        except RendicontazioneNonLeggibile as error:
            if str(PAGINE_MAX) in error.reason:
                raise
            return known

    def _page(self, pagina: int) -> dict[str, str]:
        return {"page": str(pagina), "size": str(self._size)}

    def _get(self, domanda: DomandaFdr, fine: float, path: str, query: Mapping[str, str]) -> bytes:
        """Ask with the first key, and with the other one when that is not let in. Raises: Fallita."""
        if not domanda.chiavi:
            raise Fallita(EsitoDomanda.RIFIUTATA, "SENZA_CHIAVE", _SENZA_CHIAVE)
        for chiave in domanda.chiavi[:-1]:
            try:
                return self._get_with(chiave, domanda, fine, path, query)
            except Fallita as failed:
                if failed.esito != EsitoDomanda.RIFIUTATA:
                    raise
        return self._get_with(domanda.chiavi[-1], domanda, fine, path, query)

    def _get_with(
        self, chiave: str, domanda: DomandaFdr, fine: float, path: str, query: Mapping[str, str]
    ) -> bytes:
        base = domanda.stazione.indirizzi.get("fdr", self._url)
        url = base + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Ocp-Apim-Subscription-Key": chiave}
        data = bytearray()
        with call("GET", url, self._tempi, fine, domanda.stazione, headers) as arrivo:
            for block in arrivo.blocks:
                data += block
                if len(data) > PAGINA_BYTES_MAX:
                    raise Fallita(EsitoDomanda.RIPROVARE, "RISPOSTA_TROPPO_GRANDE")
        return bytes(data)


def _instant(at: datetime) -> str:
    """An instant on the wire: UTC, whatever zone it is said in."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
