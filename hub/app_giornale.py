"""Assembly of the journal: the ports with a witness beside them, so that every call to the outside is in it."""

from __future__ import annotations

from collections.abc import Mapping

from hub.config import Config
from hub.domain.acquisizione_fdr import Trasporto
from hub.ports import ArchivioEsterno, FlussiRendicontazione, Nodo, Posizioni, Recapiti, Ricevute, SistemaEnte
from hub.runtime import utc_now
from hub.store.database import Database
from hub.usecases import annota_chiamate as annota
from hub.usecases.giornale import Giornale
from hub.usecases.relay_outbox import Topic


class Testimoni:
    """Puts the witness beside what it is given; without a journal gives it back as it is."""

    def __init__(self, giornale: Giornale | None) -> None:
        self._testimone = None if giornale is None else annota.Testimone(giornale)

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
