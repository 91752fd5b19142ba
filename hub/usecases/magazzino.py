"""What is stored, as the rows of a flow find it: the last of the checks, the same for a trial and for the import.

Source: flows, 2.5.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.iuv import check_fornito
from hub.domain.scarto import Scarto
from hub.domain.visti import Visti
from hub.store import depositati
from hub.store.database import Session
from hub.store.iuv import still_to_draw
from hub.usecases.deposito_dovuti import check_cambio, check_scadenza, iuv_da_emettere, why_not_payable


class Magazzino:
    """What holds the ids of some rows now, and what the rows before them took."""

    def __init__(
        self, ente: Row[Any], configured: Mapping[str, Row[Any]], now: datetime, concessi: Container[str] | None = None
    ) -> None:
        """`configured`: the ente's tipi; `concessi`: those that whoever brought the file may touch, None: all."""
        self._ente, self._tipi, self._now, self._concessi = ente, configured, now, concessi
        self._taken: set[str] = set()
        self._payable: dict[str, Row[Any]] = {}
        self._iuv: frozenset[str] = frozenset()
        self._da_emettere: frozenset[str] = frozenset()
        # What earlier rows of this very file have taken, and given back.
        self._iuv_taken = Visti()
        self._iuv_free = Visti()

    def look(
        self, session: Session, batch: Sequence[DovutoImportato], also: Sequence[str] = ()
    ) -> dict[str, list[Row[Any]]]:
        """Fetch what holds the IUD and the IUV of these rows, and the IUD in `also`; return the rows by IUD."""
        held = depositati.held_by_iud(session, self._ente.id, [*(dovuto.iud for dovuto in batch), *also])
        wanted = [dovuto.iuv for dovuto in batch if dovuto.iuv]
        self._iuv = depositati.held_iuv(session, self._ente, wanted) if wanted else frozenset()
        self._da_emettere = still_to_draw(session, self._ente.codice_fiscale, wanted) if wanted else frozenset()
        self._taken = {row.iud for row in held}
        self._payable = {row.iud: row for row in held if row.attuale}
        by_iud: dict[str, list[Row[Any]]] = {}
        for row in held:
            by_iud.setdefault(row.iud, []).append(row)
        return by_iud

    def payable(self, iud: str) -> Row[Any]:
        """The version that a row which was not refused changes or cancels."""
        return self._payable[iud]

    def refusals(self, dovuto: DovutoImportato) -> list[Scarto]:
        """Return the first thing that what is stored has against the row."""
        try:
            if dovuto.azione == "I":
                return self._insert(dovuto)
            return self._change(dovuto)
        except errors.HubError as error:
            return [_scarto(dovuto, error)]

    def _insert(self, dovuto: DovutoImportato) -> list[Scarto]:
        self._check_grant(dovuto.tipo)
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
        self._check_grant(dovuto.tipo)
        # The row may name another tipo than the stored one: who may not touch the stored one changes nothing.
        self._check_grant(row.tipo)
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

    def _check_grant(self, tipo: str) -> None:
        if self._concessi is not None and tipo not in self._concessi:
            raise errors.ImportNonPermesso(
                f"tipo dovuto {tipo} non concesso a chi ha mandato il flusso",
                "un tipo dovuto concesso all'applicazione",
            )

    def _take_iuv(self, dovuto: DovutoImportato) -> None:
        iuv = dovuto.iuv
        if not iuv:
            return
        if iuv in self._da_emettere and iuv not in self._iuv:
            raise iuv_da_emettere(iuv)
        if iuv in self._iuv_taken or (iuv in self._iuv and iuv not in self._iuv_free):
            raise errors.ImportIuvDuplicato(
                f"IUV {iuv} già presente per l'ente {self._ente.cod_ipa_ente}", "uno IUV mai usato, oppure nessuno"
            )
        self._iuv_taken.add(iuv)


_CAMPI: dict[type[errors.HubError], tuple[str, int]] = {
    errors.ImportScadenzaObbligatoria: ("dataEsecuzionePagamento", DovutoImportato._fields.index("scadenza")),
    errors.ImportTipoNonModificabile: ("tipoDovuto", DovutoImportato._fields.index("tipo")),
    errors.ImportNonPermesso: ("tipoDovuto", DovutoImportato._fields.index("tipo")),
    errors.ImportIudDuplicato: ("IUD", DovutoImportato._fields.index("iud")),
}
_IUV = ("codIuv", DovutoImportato._fields.index("iuv"))


def _scarto(dovuto: DovutoImportato, error: errors.HubError) -> Scarto:
    campo, index = _CAMPI.get(type(error), _IUV)
    codice = "PAA_IMPORT_SINTASSI_CSV_IUV" if isinstance(error, errors.IuvNonValido) else error.code
    # The elements that the services name are not the file's columns.
    rimedio = error.description.rpartition(": ")[2]
    return Scarto(dovuto.riga, campo, str(dovuto[index] or ""), codice, str(error), rimedio)


def twice_in_flusso(dovuto: DovutoImportato) -> Scarto:
    """The refusal of a row whose IUD an earlier row of the same flow has, accepted. Source: flows, 2.4."""
    rimedio = "una sola riga per IUD in ogni flusso: le altre in un flusso successivo"
    codice = errors.ImportIudDuplicato.code
    return Scarto(dovuto.riga, "IUD", dovuto.iud, codice, "IUD già presente nel flusso", rimedio)
