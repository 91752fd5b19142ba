"""What an ente's own archive says of a notice at this moment, within a budget: for the node's questions.

An ente that is slow keeps few threads; one that fails is left alone for a while; in both cases its declared fallback
decides. Source: node, internal budget and endpoint behaviour (3.0.1); pa-per-ente, ente as archive (4.3).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from hub.domain import errors, errors_nodo
from hub.domain.archivio import ChiaveArchivio, PosizioneEsterna, RispostaArchivio
from hub.domain.delivery import Outcome
from hub.domain.interruttore import Interruttore
from hub.ports import ArchivioEsterno
from hub.usecases.controlli_nodo import Domanda, Pagabile

# Questions in flight to one ente: the next ones are not worth waiting behind.
_PER_ENTE_MAX = 2
_CCP_ASSENTE = "n/a"
# What an archive may say of a notice, told to the node as its own word.
_PAROLE: dict[str, type[errors.HubError]] = {
    kind.code: kind
    for kind in (
        errors_nodo.PagamentoSconosciuto,
        errors_nodo.PagamentoDuplicato,
        errors.PagamentoAnnullato,
        errors.PagamentoScaduto,
        errors.PagamentoInCorso,
    )
}


class Archivi:
    """The archives of the entes as the node's questions ask them. Safe to share between threads.

    `insieme_max`: questions in flight to all of them together, so that some threads are always free of them.
    """

    def __init__(self, porta: ArchivioEsterno, insieme_max: int) -> None:
        self._porta = porta
        self._insieme_max = insieme_max
        self._interruttore = Interruttore()
        self._in_volo: Counter[str] = Counter()
        self._lock = threading.Lock()

    def ask(self, domanda: Domanda, pagabile: Pagabile, now: datetime) -> tuple[PosizioneEsterna | None, str]:
        """Return what the ente's archive says, and a word for the log; None where what is stored counts.

        Raises: what the archive itself says of the notice (PagamentoAnnullato...); ArchivioMuto (it says nothing, and
        the ente wants the node to be told so).
        """
        ente = pagabile.configurato.ente
        if not ente.url_archivio_esterno:
            return None, ""
        with self._turn(ente.cod_ipa_ente) as is_free:
            if not is_free:
                code = "SATURO"
            elif not self._interruttore.may_try(ente.cod_ipa_ente, now):
                code = "CIRCUITO_APERTO"
            else:
                risposta = self._call(ente.url_archivio_esterno, domanda, pagabile)
                code = risposta.code or str(risposta.outcome)
                if risposta.outcome == Outcome.DELIVERED or risposta.code in _PAROLE:
                    self._interruttore.succeeded(ente.cod_ipa_ente)
                else:
                    self._interruttore.failed(ente.cod_ipa_ente, now)
                if risposta.code in _PAROLE:
                    raise _PAROLE[risposta.code](risposta.detail or "lo dice l'archivio dell'ente", id=domanda.dominio)
                if risposta.outcome == Outcome.DELIVERED:
                    return risposta.posizione, code
        if ente.ripiego_archivio == "memorizzato":
            return None, code
        raise errors_nodo.ArchivioMuto(f"l'archivio dell'ente non risponde: {code}", id=domanda.dominio)

    def _call(self, url: str, domanda: Domanda, pagabile: Pagabile) -> RispostaArchivio:
        ccp = domanda.ccp or _CCP_ASSENTE
        chiave = ChiaveArchivio(domanda.intermediario, domanda.stazione, domanda.dominio, pagabile.iuv, ccp)
        if domanda.numero_avviso is None:
            return self._porta.verifica(url, chiave, domanda.psp)
        return self._porta.verifica_avviso(url, chiave, domanda.numero_avviso)

    @contextmanager
    def _turn(self, ente: str) -> Iterator[bool]:
        """Say whether there is room for one more question, and keep it while the block runs."""
        with self._lock:
            is_free = self._in_volo[ente] < _PER_ENTE_MAX and self._in_volo.total() < self._insieme_max
            if is_free:
                self._in_volo[ente] += 1
        try:
            yield is_free
        finally:
            if is_free:
                with self._lock:
                    self._in_volo[ente] -= 1
