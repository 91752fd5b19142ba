"""paaSILImportaDovuto: maintain one stored dovuto; insert it, modify it, cancel it, print its notice.

The caller is known before the document is read: the other way round anybody could probe the parser.
Source: pa-per-ente, paaSILImportaDovuto (2.5), table of checks (numbers in the comments), defects 1, 9 and 10 (8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from hub.crash import Punto, crash_point
from hub.domain import errors
from hub.domain.documenti import DocumentoVersamento, QuotaSecondaria
from hub.domain.iuv import check_fornito
from hub.formats.avviso import render_avviso, zip_avviso
from hub.formats.documenti_ente import decode_base64_field
from hub.formats.enti_secondari import CAMPO as CAMPO_SECONDARI
from hub.formats.enti_secondari import read_enti_secondari
from hub.formats.istanti import giorno_di
from hub.formats.versamento import CAMPO, read_versamento
from hub.store import depositati, loghi
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.usecases.authenticate import Callers, Chiamante, Presentazione
from hub.usecases.avviso_dovuto import build_avviso, is_printable
from hub.usecases.controlli_versamento import check_azione, check_secondario, check_versamento, own_share
from hub.usecases.deposito_dovuti import Deposito, annulla, check_emesso, check_grant, inserisci, modifica
from hub.usecases.tassonomia_vigente import tassonomia_di

OPERATION = "paaSILImportaDovuto"
ORIGINE = "IMPORT-DOVUTO"


@dataclass(frozen=True, slots=True)
class RichiestaImportaDovuto:
    """The request as written, documents still in base64."""

    dovuto: str
    genera_iuv: bool
    secondari: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EsitoImportaDovuto:
    """What was done: `iuv` only if one had to be drawn, `avviso_id` of the notice that may be fetched, `zip` of `S`."""

    azione: str
    iud: str
    iuv: str | None = None
    avviso_id: str | None = None
    zip: bytes | None = None


class ImportaDovuto:
    """The deed over one process's parts. `iuv_quindici_fino_al`: from that day on no new IUV of 15 digits is taken.

    `modelli`: where enti have page templates of their own.
    """

    def __init__(
        self,
        db: Database,
        callers: Callers,
        iuv_blocks: IuvBlocks,
        iuv_quindici_fino_al: date,
        modelli: Path | None = None,
    ) -> None:
        self._modelli = modelli
        self._db = db
        self._callers = callers
        self._iuv_blocks = iuv_blocks
        self._iuv_quindici_fino_al = iuv_quindici_fino_al

    def __call__(
        self,
        chi: Presentazione,
        richiesta: RichiestaImportaDovuto,
        announce: Callable[[str], None],
        now: datetime,
    ) -> EsitoImportaDovuto:
        """Do what the document asks.

        `announce` is told an IUV as soon as it is drawn: the contract returns it even when a later step fails.
        Raises: a HubError per row of the table.
        """
        chiamante = self._callers.authenticate(chi, OPERATION, now, stato_error=errors.EnteInserito)  # 2
        documento = read_versamento(decode_base64_field(richiesta.dovuto, CAMPO))  # 1
        check_azione(documento)  # 3
        self._check_iuv(documento, chiamante, richiesta.genera_iuv, now)  # 4
        documento = check_versamento(documento, chiamante)  # 7-14
        if documento.azione == "A":
            with self._db.transaction() as session:
                annulla(session, chiamante, documento.iud, documento.tipo, now)
                crash_point(Punto.DOVUTO_SCRITTO)
            crash_point(Punto.DOVUTO_TENUTO)
            return EsitoImportaDovuto("A", documento.iud)
        if documento.azione == "S":
            return self._stampa(documento, chiamante, richiesta.genera_iuv)
        return self._scrivi(documento, chiamante, richiesta, announce, now)

    def _check_iuv(self, documento: DocumentoVersamento, chiamante: Chiamante, genera_iuv: bool, now: datetime) -> None:
        if documento.iuv is None:
            return
        if documento.azione != "I":
            # An IUV that the hub drew is in nobody's own space, and yet M, A and S must name it.
            with self._db.reading() as session:
                if depositati.find_by_iuv(session, chiamante.ente.id, documento.iuv) is not None:
                    return
        check_fornito(
            documento.iuv,
            chiamante.ente.codice_segregazione,
            is_free=genera_iuv,
            are_15_admitted=documento.azione != "I" or self._are_15_admitted(now),
        )
        if documento.azione in ("I", "M") and genera_iuv:
            with self._db.reading() as session:
                check_emesso(session, chiamante.ente.codice_fiscale, documento.iuv)

    def _are_15_admitted(self, now: datetime) -> bool:
        return giorno_di(now) < self._iuv_quindici_fino_al

    def _scrivi(
        self,
        documento: DocumentoVersamento,
        chiamante: Chiamante,
        richiesta: RichiestaImportaDovuto,
        announce: Callable[[str], None],
        now: datetime,
    ) -> EsitoImportaDovuto:
        ente = chiamante.ente
        drawn = None
        if richiesta.genera_iuv and documento.iuv is None:
            drawn = self._iuv_blocks.draw(ente.codice_fiscale, ente.codice_segregazione)
            announce(drawn)
        secondario = self._read_secondari(documento, richiesta.secondari, now)
        is_included = ente.quota_secondaria == "inclusa"
        deposito = _deposito(documento, drawn, secondario, is_included=is_included, is_iuv_free=richiesta.genera_iuv)
        with self._db.transaction() as session:
            if documento.azione == "I":
                versione = inserisci(session, chiamante, deposito, now)
            else:
                are_15_admitted = self._are_15_admitted(now)
                versione = modifica(session, chiamante, deposito, now, are_15_admitted=are_15_admitted)
            crash_point(Punto.DOVUTO_SCRITTO)
        crash_point(Punto.DOVUTO_TENUTO)
        has_url = richiesta.genera_iuv and is_printable(chiamante.configurato, deposito.tipo, versione.iuv)
        return EsitoImportaDovuto(
            documento.azione,
            deposito.iud,
            iuv=versione.iuv if drawn else None,
            avviso_id=versione.id if has_url else None,
        )

    def _stampa(self, documento: DocumentoVersamento, chiamante: Chiamante, genera_iuv: bool) -> EsitoImportaDovuto:
        if documento.iuv is None or genera_iuv:
            raise errors.RichiestaNonEseguibile(
                "azione S: serve lo IUV del dovuto, senza flagGeneraIuv",
                "datiVersamento/identificativoUnivocoVersamento e flagGeneraIuv: si stampa solo un avviso che c'è già",
            )
        with self._db.reading() as session:
            row = depositati.find_by_iuv(session, chiamante.ente.id, documento.iuv)
            logo = loghi.find(session, chiamante.ente.id)
        avviso = None if row is None else build_avviso(chiamante.configurato, row, logo)
        if row is None or avviso is None:
            raise errors.IuvNonValido(
                f"nessun dovuto da pagare con IUV {documento.iuv} per l'ente {chiamante.ente.cod_ipa_ente}",
                "datiVersamento/identificativoUnivocoVersamento: sconosciuto, già pagato, annullato o senza avviso",
            )
        check_grant(chiamante, row.tipo)
        return EsitoImportaDovuto("S", row.iud, zip=zip_avviso(avviso, render_avviso(avviso, self._modelli)))

    def _read_secondari(
        self, documento: DocumentoVersamento, secondari: tuple[str, ...], now: datetime
    ) -> QuotaSecondaria | None:
        items = [item for item in secondari if item.strip()]
        if len(items) > 1:
            raise errors.LimiteSecondariImport(
                "è ammesso un solo ente secondario", f"listaDovutiEntiSecondari: ricevuti {len(items)} elementi"
            )
        if not items:
            return None
        quota = read_enti_secondari(decode_base64_field(items[0], CAMPO_SECONDARI))
        day = giorno_di(now) if documento.azione == "I" else None
        check_secondario(quota, tassonomia_di(self._callers.anagrafe), day)
        return quota


def _deposito(
    documento: DocumentoVersamento,
    drawn: str | None,
    secondario: QuotaSecondaria | None,
    *,
    is_included: bool,
    is_iuv_free: bool,
) -> Deposito:
    assert documento.pagatore is not None
    return Deposito(
        iud=documento.iud,
        iuv=drawn or documento.iuv,
        tipo=documento.tipo,
        importo_cent=own_share(documento.importo_cent, secondario, is_included=is_included),
        causale=documento.causale,
        dati_specifici=documento.dati_specifici,
        pagatore=documento.pagatore,
        origine=ORIGINE,
        tipo_versamento=documento.tipo_versamento,
        scadenza=documento.scadenza,
        commissione_cent=documento.commissione_cent,
        bilancio_xml=documento.bilancio_xml,
        secondario=secondario,
        is_iuv_free=is_iuv_free,
        is_iuv_drawn=drawn is not None,
    )
