"""Try an import flow without storing anything: what would be refused, what would change.

Source: flows, 2.3 to 2.6: the same rules and the same order as the import itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.flussi import NomeFlusso
from hub.domain.iuv import check_fornito
from hub.domain.prova import Riepilogo
from hub.domain.scarto import Scarto
from hub.domain.visti import Visti
from hub.formats.istanti import giorno_di
from hub.formats.prova_flusso import RigaScartata
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import Leggibile, read_righe
from hub.store import depositati, enti, tipi
from hub.store.database import Database
from hub.usecases.controlli_flusso import Regole
from hub.usecases.deposito_dovuti import check_cambio, check_scadenza, why_not_payable

_DUPLICATO = "PAA_IMPORT_IUD_DUPLICATO"
# So many rows share one look at the database.
_BATCH_ROWS = 500


class CheckFlusso:
    """One trial. `riepilogo` grows while the rows are read."""

    def __init__(
        self, nome: NomeFlusso, now: datetime, iuv_quindici_fino_al: date, db: Database | None = None, ente: str = ""
    ) -> None:
        """Without a database only what the file itself says is checked.

        Raises: NotFound (the ente), FlussoRifiutato (the name is of another ente).
        """
        self.riepilogo = Riepilogo()
        self._tracciato = VERSIONI[nome.versione]
        self._accepted = Visti()
        self._magazzino: _Magazzino | None = None
        are_15_admitted = giorno_di(now) < iuv_quindici_fino_al
        if db is None:
            self._regole = Regole(None, None, are_15_admitted=are_15_admitted)
            return
        with db.reading() as session:
            row = enti.by_cod_ipa(session, ente)
            configured = {tipo.codice: tipo for tipo in tipi.of_ente(session, row.id)}
        if nome.cod_ipa_ente != ente:
            raise errors.FlussoRifiutato(
                f"PAA_IMPORT_ENTE_ERR({nome.cod_ipa_ente},{ente})",
                f"il nome del file è dell'ente {nome.cod_ipa_ente}, non di {ente}",
            )
        self._regole = Regole(configured, row.codice_segregazione, are_15_admitted=are_15_admitted)
        self._magazzino = _Magazzino(db, row, configured, now)

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
        while batch := [(riga, self._tracciato.read_riga(riga)) for riga in islice(righe, _BATCH_ROWS)]:
            if self._magazzino is not None:
                self._magazzino.look([read for _riga, read in batch if isinstance(read, DovutoImportato)])
            rejected: list[RigaScartata] = []
            for riga, read in batch:
                found = self._refusals(read) if isinstance(read, DovutoImportato) else read
                self.riepilogo.righe += 1
                if found:
                    self.riepilogo.scartate += 1
                    rejected.append((riga, found))
            yield rejected

    def _refusals(self, dovuto: DovutoImportato) -> Sequence[Scarto]:
        if dovuto.iud in self._accepted:
            rimedio = "una sola riga per IUD in ogni flusso: le altre in un flusso successivo"
            return (Scarto(dovuto.riga, "IUD", dovuto.iud, _DUPLICATO, "IUD già presente nel flusso", rimedio),)
        found = self._regole(dovuto)
        if not found and self._magazzino is not None:
            found = self._magazzino.refusals(dovuto)
        if not found:
            self._accepted.add(dovuto.iud)
            conto = self.riepilogo.azioni[dovuto.azione]
            conto.dovuti += 1
            conto.importo_cent += dovuto.totale_cent
        return found


class _Magazzino:
    """What is stored, as the rows of the file would find it. Source: flows, 2.5."""

    def __init__(self, db: Database, ente: Row[Any], configured: dict[str, Row[Any]], now: datetime) -> None:
        self._db, self._ente, self._tipi, self._now = db, ente, configured, now
        self._taken: set[str] = set()
        self._payable: dict[str, Row[Any]] = {}
        self._iuv: frozenset[str] = frozenset()
        # What earlier rows of this very file would have taken, and given back.
        self._iuv_taken = Visti()
        self._iuv_free = Visti()

    def look(self, batch: Sequence[DovutoImportato]) -> None:
        """Fetch what holds the IUD and the IUV of these rows."""
        with self._db.reading() as session:
            held = depositati.held_by_iud(session, self._ente.id, [dovuto.iud for dovuto in batch])
            wanted = [dovuto.iuv for dovuto in batch if dovuto.iuv]
            self._iuv = depositati.held_iuv(session, self._ente.id, wanted) if wanted else frozenset()
        self._taken = {row.iud for row in held}
        self._payable = {row.iud: row for row in held if row.attuale}

    def refusals(self, dovuto: DovutoImportato) -> list[Scarto]:
        """Return the first thing that what is stored has against the row."""
        try:
            if dovuto.azione == "I":
                return self._insert(dovuto)
            return self._change(dovuto)
        except errors.HubError as error:
            return [_scarto(dovuto, error)]

    def _insert(self, dovuto: DovutoImportato) -> list[Scarto]:
        check_scadenza(self._tipi[dovuto.tipo], dovuto.scadenza, self._now)
        if dovuto.iud in self._taken:
            raise errors.ImportIudDuplicato(
                f"IUD {dovuto.iud} già presente per l'ente {self._ente.cod_ipa_ente}",
                "uno IUD nuovo, oppure l'azione M per cambiare il dovuto che c'è già",
            )
        self._take_iuv(dovuto)
        return []

    def _change(self, dovuto: DovutoImportato) -> list[Scarto]:
        row = self._payable.get(dovuto.iud)
        reason = why_not_payable(row, dovuto.iud, self._ente.cod_ipa_ente)
        if row is None or reason is not None:
            rimedio = "un dovuto ancora da pagare, oppure l'azione I per uno nuovo"
            codice = "PAA_IMPORT_DOVUTO_NON_PRESENTE"
            return [Scarto(dovuto.riga, "IUD", dovuto.iud, codice, reason or "", rimedio)]
        if dovuto.azione == "A":
            if row.iuv is not None:
                self._iuv_free.add(row.iuv)
            return []
        check_scadenza(self._tipi[dovuto.tipo], dovuto.scadenza, self._now)
        check_cambio(row, dovuto.iud, dovuto.tipo, dovuto.iuv or None)
        if row.iuv is None and dovuto.iuv:
            segregazione = self._ente.codice_segregazione
            check_fornito(dovuto.iuv, segregazione, is_free=dovuto.genera_iuv, are_15_admitted=True)
            self._take_iuv(dovuto)
        return []

    def _take_iuv(self, dovuto: DovutoImportato) -> None:
        iuv = dovuto.iuv
        if not iuv:
            return
        if iuv in self._iuv_taken or (iuv in self._iuv and iuv not in self._iuv_free):
            raise errors.ImportIuvDuplicato(
                f"IUV {iuv} già presente per l'ente {self._ente.cod_ipa_ente}", "uno IUV mai usato, oppure nessuno"
            )
        self._iuv_taken.add(iuv)


_CAMPI: dict[type[errors.HubError], tuple[str, int]] = {
    errors.ImportScadenzaObbligatoria: ("dataEsecuzionePagamento", DovutoImportato._fields.index("scadenza")),
    errors.ImportTipoNonModificabile: ("tipoDovuto", DovutoImportato._fields.index("tipo")),
    errors.ImportIudDuplicato: ("IUD", DovutoImportato._fields.index("iud")),
}
_IUV = ("codIuv", DovutoImportato._fields.index("iuv"))


def _scarto(dovuto: DovutoImportato, error: errors.HubError) -> Scarto:
    campo, index = _CAMPI.get(type(error), _IUV)
    codice = "PAA_IMPORT_SINTASSI_CSV_IUV" if isinstance(error, errors.IuvNonValido) else error.code
    # The elements that the services name are not the file's columns.
    rimedio = error.description.rpartition(": ")[2]
    return Scarto(dovuto.riga, campo, str(dovuto[index] or ""), codice, str(error), rimedio)
