"""Where a process may be made to die, so that it can be shown that nobody notices: the points, and who honours them.

Only `PONTEPA_TEST_CRASH=<point>[:<nth>[:gela]]` makes one count, and only outside production: the process then dies at
once, as of `kill -9`, the n-th time that it gets there, or freezes until somebody sends it SIGCONT. In every other
process a point costs a look at a name.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from enum import StrEnum

FLAG = "PONTEPA_TEST_CRASH"
# By the third word of the flag.
_SEGNALI = {"": signal.SIGKILL, "gela": signal.SIGSTOP}


class Punto(StrEnum):
    """Every point there is. `between`: what is done already, and what is not yet."""

    between: str

    def __new__(cls, name: str, between: str) -> Punto:
        punto = str.__new__(cls, name)
        punto._value_ = name
        punto.between = between
        return punto

    IUV_PRESI = "iuv.presi", "a block of IUVs is leased | the first of them is drawn"
    AVVIO_SCRITTO = "avvio.scritto", "carrello, dovuti, attempt and message are written | committed"
    AVVIO_TENUTO = "avvio.tenuto", "a payment has started | the payer is told"

    RELAY_PRESO = "relay.preso", "a message is claimed | anybody works at it"
    RELAY_IN_PARTENZA = "relay.in_partenza", "its sending is written ahead | the message leaves"
    RELAY_INVIATO = "relay.inviato", "the message has left and was answered | the outcome is known here"
    RELAY_SCRITTO = "relay.scritto", "the outcome and what it means are written | committed"
    RELAY_CHIUSO = "relay.chiuso", "the message is settled | the next one"
    DOMANDA_RISPOSTA = "domanda.risposta", "a search has found what became of an attempt | a receipt found is kept"
    PIATTAFORMA_RISPOSTA = "piattaforma.risposta", "the platform has given a receipt | it is kept"

    RICEVUTA_LETTA = "ricevuta.letta", "the bytes of a receipt are read | written"
    RICEVUTA_SCRITTA = "ricevuta.scritta", "the bytes of a receipt are written | committed"
    RICEVUTA_TENUTA = "ricevuta.tenuta", "the bytes of a receipt are kept | the node is answered"
    RICEVUTA_APPLICATA = "ricevuta.applicata", "the effect of a receipt is written | committed"
    RICEVUTA_ELABORATA = "ricevuta.elaborata", "a receipt has had its effect | the next one"

    REGISTRA_SCRITTO = "registra.scritto", "a payment that the ente tells of is written | committed"
    REGISTRA_TENUTO = "registra.tenuto", "a payment that the ente tells of is kept | the ente is answered"
    DOVUTO_SCRITTO = "dovuto.scritto", "a dovuto is stored, changed or cancelled | committed"
    DOVUTO_TENUTO = "dovuto.tenuto", "a dovuto is stored, changed or cancelled for good | the ente is answered"
    RIPASSO_SCRITTO = "ripasso.scritto", "positions of a stretch are queued for the platform | committed"
    RIPASSO_TENUTO = "ripasso.tenuto", "a stretch is walked | the next one"

    CARICO_SCRITTO = "carico.scritto", "the file of a flow is in the archive | a row names it"
    CARICO_TENUTO = "carico.tenuto", "a flow is received | its sender is answered"
    FLUSSO_PRESO = "flusso.preso", "a flow is claimed | looked at"
    FLUSSO_INIZIATO = "flusso.iniziato", "a flow is found good | its first row"
    FLUSSO_RIGHE = "flusso.righe", "the rows of a piece are written | how far the flow is"
    FLUSSO_SCRITTO = "flusso.scritto", "rows and progress of a piece are written | committed"
    FLUSSO_PEZZO = "flusso.pezzo", "a piece is loaded | the next one"
    FLUSSO_CARICATO = "flusso.caricato", "all rows of a flow are loaded | its files of results"
    RISULTATI_SCRITTI = "risultati.scritti", "the files of results are in the archive | the row names them"
    RISULTATI_TENUTI = "risultati.tenuti", "rejects and IUVs can be fetched | the notices"
    AVVISI_PARTE = "avvisi.parte", "a part of the notices is printed | the next one"
    AVVISI_UNITI = "avvisi.uniti", "the notices are one file | its parts are removed"
    AVVISI_SCRITTI = "avvisi.scritti", "the notices are in the archive | the flow is called done"
    ANNULLO_TRATTO = "annullo.tratto", "a stretch of a flow is cancelled | committed"
    ANNULLO_TENUTO = "annullo.tenuto", "a stretch of a flow is cancelled for good | the next one"

    EXPORT_PRESO = "export.preso", "a booking is claimed | its window is closed"
    EXPORT_CHIUSO = "export.chiuso", "the window of an export is closed | its rows are read"
    EXPORT_SCRITTO = "export.scritto", "the file of an export is in the archive | the booking names it"

    FDR_ELENCATI = "fdr.elencati", "the node has listed its settlement flows | the list is kept"
    FDR_NOTI = "fdr.noti", "the list and the cursor are written | committed"
    FDR_SCARICATO = "fdr.scaricato", "the bytes of a settlement flow are in the archive | the row names them"
    FDR_TENUTO = "fdr.tenuto", "a settlement flow is kept | read"
    FDR_PEZZO = "fdr.pezzo", "some payments of a settlement flow are kept | the next ones"
    FDR_LETTO = "fdr.letto", "all its payments are kept | it counts"
    FDR_CONTA = "fdr.conta", "it counts in the place of another | committed"
    FDR_PAGATO = "fdr.pagato", "a payment without a receipt marks its position | its flow is matched"


class _Armed:
    """One point that counts, how many times it is still passed unharmed, and what happens then."""

    def __init__(self, punto: Punto, nth: int, segnale: signal.Signals) -> None:
        self._punto, self._left, self._segnale = punto, nth, segnale
        self._lock = threading.Lock()

    def reach(self, punto: Punto) -> None:
        if punto is not self._punto:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._segnale)


_armed: _Armed | None = None


def arm(environment: Mapping[str, str], *, is_production: bool) -> bool:
    """Make the point that the flag names count in this process; False when none does.

    In production the flag is not even read. Raises: ValueError (a point that is not declared, a number that is none,
    something else than freezing).
    """
    global _armed
    _armed = None
    words = environment.get(FLAG, "")
    if is_production or not words:
        return False
    name, nth, how = (words + "::").split(":")[:3]
    if nth and not nth.isdigit() or nth and int(nth) < 1:
        raise ValueError(f"{FLAG}={words}: the number after the colon must be 1 or more")
    punto = next((punto for punto in Punto if punto == name), None)
    if punto is None:
        raise ValueError(f"{FLAG}={words}: no such point")
    if words.count(":") > 2 or how not in _SEGNALI:
        raise ValueError(f"{FLAG}={words}: after the number only 'gela'")
    _armed = _Armed(punto, int(nth or 1), _SEGNALI[how])
    return True


def crash_point(punto: Punto) -> None:
    """Die or freeze here if this process was told to."""
    if _armed is not None:
        _armed.reach(punto)
