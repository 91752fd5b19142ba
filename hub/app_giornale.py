"""Assembly of the journal and of the sandbox: ports with a witness beside them, who tells every call to the outside."""

from __future__ import annotations

from collections.abc import Mapping

from hub.config import Config
from hub.domain.acquisizione_fdr import Trasporto
from hub.domain.chiamata_sandbox import Canale
from hub.ports import ArchivioEsterno, FlussiRendicontazione, Nodo, Posizioni, Recapiti, Ricevute, SistemaEnte
from hub.runtime import Runtime, utc_now
from hub.soap.giornale import build_journal
from hub.soap.operation import Call
from hub.soap.sandbox import build_recorder
from hub.soap.server import Journal
from hub.store.database import Database
from hub.usecases import annota_chiamate as annota
from hub.usecases.giornale import Giornale
from hub.usecases.registra_chiamata import Registratore
from hub.usecases.relay_outbox import Topic


class Testimoni:
    """Puts the witness beside what it is given; without a journal and a sandbox gives it back as it is."""

    def __init__(self, giornale: Giornale | None, registratore: Registratore | None) -> None:
        is_silent = giornale is None and registratore is None
        self._testimone = None if is_silent else annota.Testimone(giornale, registratore)

    def nodi(self, nodi: Mapping[str, Nodo]) -> Mapping[str, Nodo]:
        testimone = self._testimone
        if testimone is None:
            return nodi
        return {nome: annota.NodoAnnotato(nodo, nome, testimone) for nome, nodo in nodi.items()}

    def fdr(self, flussi: Mapping[Trasporto, FlussiRendicontazione]) -> Mapping[Trasporto, FlussiRendicontazione]:
        testimone = self._testimone
        if testimone is None:
            return flussi
        return {trasporto: annota.FdrAnnotato(one, testimone) for trasporto, one in flussi.items()}

    def posizioni(self, posizioni: Posizioni) -> Posizioni:
        return posizioni if self._testimone is None else annota.PosizioniAnnotate(posizioni, self._testimone)

    def ricevute(self, ricevute: Ricevute) -> Ricevute:
        return ricevute if self._testimone is None else annota.RicevuteAnnotate(ricevute, self._testimone)

    def enti(self, sistema: SistemaEnte) -> SistemaEnte:
        return sistema if self._testimone is None else annota.SistemaEnteAnnotato(sistema, self._testimone)

    def recapiti(self, recapiti: Recapiti) -> Recapiti:
        return recapiti if self._testimone is None else annota.RecapitiAnnotati(recapiti, self._testimone)

    def archivio(self, archivio: ArchivioEsterno) -> ArchivioEsterno:
        return archivio if self._testimone is None else annota.ArchivioAnnotato(archivio, self._testimone)

    def topics(self, topics: Mapping[str, Topic]) -> Mapping[str, Topic]:
        if self._testimone is None:
            return topics
        return {name: annota.annotato(topic) for name, topic in topics.items()}


def build_giornale(config: Config, db: Database) -> Giornale | None:
    """The journal of this process; None when the settings want none."""
    return Giornale(db, config.giornale_coda, utc_now) if config.giornale else None


def build_registratore(config: Config, db: Database) -> Registratore | None:
    """What keeps the calls of the sandbox; None when this is none."""
    return Registratore(db, utc_now) if config.sandbox else None


def build_journals(runtime: Runtime, canale: Canale) -> Journal | None:
    """Return what a SOAP door tells its calls to; None: to nobody."""
    journals = []
    if runtime.giornale is not None:
        journals.append(build_journal(runtime.giornale))
    if runtime.registratore is not None:
        journals.append(build_recorder(runtime.registratore, canale))

    def journal(call: Call, request: bytes, response: bytes, duration_ms: int) -> None:
        for one in journals:
            one(call, request, response, duration_ms)

    return journal if journals else None
