"""Try an import flow without storing anything: what would be refused, what would change.

Source: flows, 2.3 to 2.6: the same rules and the same order as the import itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import date, datetime
from itertools import islice

from hub.domain import errors
from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.flussi import NomeFlusso
from hub.domain.prova import Riepilogo
from hub.domain.scarto import Scarto
from hub.domain.tassonomia import Vigore
from hub.domain.visti import Visti
from hub.formats.istanti import giorno_di
from hub.formats.prova_flusso import RigaScartata
from hub.formats.tassonomia import bundled
from hub.formats.tracciati.blocco import Blocco, read_blocco
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import Leggibile, read_righe
from hub.store import enti, tipi
from hub.store.database import Database
from hub.usecases.controlli_blocco import RegoleBlocco
from hub.usecases.controlli_flusso import Regole
from hub.usecases.magazzino import Magazzino, twice_in_flusso
from hub.usecases.tassonomia_vigente import tassonomia_vigente

# So many rows share one look at the database.
_BATCH_ROWS = 500


class CheckFlusso:
    """One trial. `riepilogo` grows while the rows are read."""

    def __init__(
        self,
        nome: NomeFlusso,
        now: datetime,
        iuv_quindici_fino_al: date,
        db: Database | None = None,
        ente: str = "",
        concessi: Container[str] | None = None,
        *,
        is_new: bool = False,
    ) -> None:
        """Without a database only what the file itself says is checked. `concessi`: as of whoever would bring it.

        `is_new`: judged as on an empty archive, so that a file that was loaded before is not refused for that.

        Raises: NotFound (the ente), FlussoRifiutato (the name is of another ente).
        """
        self.riepilogo = Riepilogo()
        self._tracciato = VERSIONI[nome.versione]
        self._accepted = Visti()
        self._db = db
        self._magazzino: Magazzino | None = None
        giorno = self._giorno = giorno_di(now)
        self._tassonomia = bundled()
        are_15_admitted = giorno < iuv_quindici_fino_al
        if db is None:
            self._tests = RegoleBlocco(None, now)
            self._regole = Regole(None, None, are_15_admitted=are_15_admitted, giorno=giorno)
            return
        with db.reading() as session:
            row = enti.by_cod_ipa(session, ente)
            configured = {tipo.codice: tipo for tipo in tipi.of_ente(session, row.id)}
            tassonomia = self._tassonomia = tassonomia_vigente(session)
        if nome.cod_ipa_ente != ente:
            raise errors.FlussoRifiutato(
                f"PAA_IMPORT_ENTE_ERR({nome.cod_ipa_ente},{ente})",
                f"il nome del file è dell'ente {nome.cod_ipa_ente}, non di {ente}",
            )
        self._regole = Regole(
            configured, row.codice_segregazione, are_15_admitted=are_15_admitted, tassonomia=tassonomia, giorno=giorno
        )
        if not is_new:
            self._magazzino = Magazzino(row, configured, now, concessi)
        touched = {codice: tipo for codice, tipo in configured.items() if concessi is None or codice in concessi}
        self._tests = RegoleBlocco(touched, now)

    def scarti(self, flusso: Leggibile) -> Iterator[RigaScartata]:
        """Give each rejected row with all its reasons, in the order of the file.

        Raises: FlussoRifiutato (the file cannot be read at all).
        """
        for found in self.batches(flusso):
            yield from found

    def batches(self, flusso: Leggibile) -> Iterator[Sequence[RigaScartata]]:
        """Give the rejected rows of some hundred rows at a time, and nothing where none is: whoever asks may pause.

        Raises: FlussoRifiutato (the file cannot be read at all).
        """
        righe = read_righe(flusso)
        next(righe)  # the header
        while batch := list(islice(righe, _BATCH_ROWS)):
            self.riepilogo.righe += len(batch)
            blocco = read_blocco(self._tracciato, batch)
            if blocco.buone:
                blocco.drop(self._tests.doubtful(blocco.colonne))
            altre = {place: self._tracciato.read_riga(batch[place]) for place in blocco.altre}
            self._look(blocco, [one for one in altre.values() if isinstance(one, DovutoImportato)])
            altre |= {place: self._tracciato.read_riga(batch[place]) for place in blocco.altre if place not in altre}
            self._accept(blocco)
            rejected: list[RigaScartata] = []
            for place in sorted(altre):
                one = altre[place]
                found = self._refusals(one) if isinstance(one, DovutoImportato) else one
                if found:
                    self.riepilogo.scartate += 1
                    rejected.append((batch[place], found))
            yield rejected

    def _look(self, blocco: Blocco, others: Sequence[DovutoImportato]) -> None:
        """Fetch what is stored; leave in the columns only rows whose IUD nobody else has, here, before or stored."""
        iud = blocco.colonne.get("iud", ())
        taken: Container[str] = ()
        if self._magazzino is not None and self._db is not None:
            with self._db.reading() as session:
                taken = self._magazzino.look(session, others, iud)
        times = Counter(iud)
        times.update(one.iud for one in others)
        blocco.drop(
            place for place, one in enumerate(iud) if times[one] > 1 or one in self._accepted or one in taken
        )

    def _accept(self, blocco: Blocco) -> None:
        """Count the rows that nothing is wrong with; they insert."""
        if not blocco.buone:
            return
        conto = self.riepilogo.azioni["I"]
        conto.dovuti += len(blocco.buone)
        conto.importo_cent += sum(blocco.colonne["importo_cent"])
        for one in blocco.colonne["iud"]:
            self._accepted.add(one)
        for dati_specifici, dovuti in Counter(blocco.colonne["dati_specifici"]).items():
            self._note_codice(dati_specifici, dovuti)

    def _refusals(self, dovuto: DovutoImportato) -> Sequence[Scarto]:
        if dovuto.iud in self._accepted:
            return (twice_in_flusso(dovuto),)
        found = self._regole(dovuto)
        if not found and self._magazzino is not None:
            found = self._magazzino.refusals(dovuto)
        if not found:
            self._accepted.add(dovuto.iud)
            conto = self.riepilogo.azioni[dovuto.azione]
            conto.dovuti += 1
            conto.importo_cent += dovuto.totale_cent
            if dovuto.azione == "I":
                self._note_codice(dovuto.dati_specifici)
        return found

    def _note_codice(self, dati_specifici: str, dovuti: int = 1) -> None:
        # A code is twelve characters; what follows is free text.
        inizio = dati_specifici[:12]
        vigore = self._tassonomia.vigore(inizio, self._giorno)
        if vigore != Vigore.VALIDO:
            self.riepilogo.note_codice(inizio, vigore, dovuti)
