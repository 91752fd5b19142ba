"""Keep a stored dovuto: insert it, replace it by a new version, cancel it. One caller at a time for each ente.

The checks and their order are those of the store, the same for the web service and for files.
Source: pa-per-ente, paaSILImportaDovuto (2.5), uniqueness (6); flows, 2.5 and 2.6.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.documenti import QuotaSecondaria, Soggetto
from hub.domain.iuv import check_fornito
from hub.domain.stati import StatoDovuto
from hub.formats.istanti import giorno_di
from hub.store import depositati, dovuti, enti, tipi
from hub.store.database import Session
from hub.store.iuv import still_to_draw
from hub.usecases.pubblica_posizioni import queue_posizioni

if TYPE_CHECKING:
    # Who authenticates brings in libraries that a flow does without.
    from hub.usecases.authenticate import Chiamante

_SCADENZA = "datiVersamento/dataEsecuzionePagamento"


@dataclass(frozen=True, slots=True)
class Deposito:
    """A dovuto as it will be kept, already checked. `importo_cent` is the ente's own share.

    `is_iuv_free`: the IUV need not stand in the ente's own space: drawn by the hub, or the ente asks to take it.
    `is_iuv_drawn`: the hub drew it for this very request.
    """

    iud: str
    iuv: str | None
    tipo: str
    importo_cent: int
    causale: str
    dati_specifici: str
    pagatore: Soggetto
    origine: str
    tipo_versamento: str = "ALL"
    scadenza: date | None = None
    commissione_cent: int | None = None
    bilancio_xml: str | None = None
    secondario: QuotaSecondaria | None = None
    is_iuv_free: bool = False
    is_iuv_drawn: bool = False


@dataclass(frozen=True, slots=True)
class Versione:
    """A version that is kept."""

    id: str
    iuv: str | None


def inserisci(session: Session, chiamante: Chiamante, deposito: Deposito, now: datetime) -> Versione:
    """Keep a new dovuto, or recognise the one that an equal request has left, where the ente wants it so.

    Raises: ImportTipoInesistente, ImportNonPermesso, ImportScadenzaObbligatoria, ImportIudDuplicato,
    ImportIuvDuplicato, in this order.
    """
    enti.lock(session, chiamante.ente.id)
    _check_tipo(session, chiamante, deposito, now)
    if depositati.is_iud_taken(session, chiamante.ente.id, deposito.iud):
        known = _find_same(session, chiamante, deposito)
        if known is not None:
            return Versione(known.id, known.iuv)
        raise errors.ImportIudDuplicato(
            f"IUD {deposito.iud} già presente per l'ente {chiamante.ente.cod_ipa_ente}",
            "datiVersamento/identificativoUnivocoDovuto: uno IUD si riusa solo dopo l'annullamento; per cambiare un "
            "dovuto che c'è già serve l'azione M",
        )
    _check_iuv(session, chiamante, deposito)
    return _add(session, chiamante, deposito, now)


def modifica(
    session: Session, chiamante: Chiamante, deposito: Deposito, now: datetime, *, are_15_admitted: bool
) -> Versione:
    """Make a payable dovuto history and put the new version in its place, whole.

    Raises: RichiestaNonEseguibile (not there, or not payable), ImportTipoInesistente, ImportNonPermesso,
    ImportScadenzaObbligatoria, ImportTipoNonModificabile, ImportIuvDuplicato, ImportIuvNonTogliibile, IuvNonValido.
    """
    enti.lock(session, chiamante.ente.id)
    row = _payable(session, chiamante, deposito.iud)
    _check_tipo(session, chiamante, deposito, now)
    check_cambio(row, deposito.iud, deposito.tipo, deposito.iuv)
    if row.iuv is None and deposito.iuv is not None:
        segregazione = chiamante.ente.codice_segregazione
        check_fornito(deposito.iuv, segregazione, is_free=deposito.is_iuv_free, are_15_admitted=are_15_admitted)
        _check_iuv(session, chiamante, deposito)
    dovuti.move(session, row, to=StatoDovuto.ANNULLATO, at=now, attuale=False)
    return _add(session, chiamante, deposito, now)


def annulla(session: Session, chiamante: Chiamante, iud: str, tipo: str, now: datetime) -> None:
    """Cancel a payable dovuto; it stays as it was stored, and IUD and IUV may be used again.

    Raises: RichiestaNonEseguibile (not there, or not payable), ImportTipoInesistente, ImportNonPermesso.
    """
    enti.lock(session, chiamante.ente.id)
    row = _payable(session, chiamante, iud)
    _tipo(session, chiamante, tipo)
    # The request may name another tipo than the stored one: who may not touch the stored one cancels nothing.
    check_grant(chiamante, row.tipo)
    dovuti.move(session, row, to=StatoDovuto.ANNULLATO, at=now, attuale=False)
    queue_posizioni(session, chiamante.ente.id, [row.iuv], now)


def check_grant(chiamante: Chiamante, tipo: str) -> None:
    """Raises: ImportNonPermesso."""
    if chiamante.tipi is not None and tipo not in chiamante.tipi:
        raise errors.ImportNonPermesso(
            f"l'applicazione {chiamante.applicazione} non ha il permesso sul tipo dovuto {tipo}",
            f"datiVersamento/identificativoTipoDovuto: tipo {tipo} non concesso all'applicazione",
        )


def check_emesso(session: Session, dominio: str, iuv: str) -> None:
    """Refuse an IUV of the hub's own numbers that it has not drawn: it would be another debt's one day.

    Raises: IuvNonValido.
    """
    if still_to_draw(session, dominio, [iuv]):
        raise iuv_da_emettere(iuv)


def iuv_da_emettere(iuv: str) -> errors.IuvNonValido:
    reason = "è fra i numeri che l'hub deve ancora emettere: chiederne uno con flagGeneraIuv, senza indicarlo"
    return errors.IuvNonValido(
        f"IUV {iuv} non valido: {reason}", f"datiVersamento/identificativoUnivocoVersamento: {reason}"
    )


def check_cambio(row: Row[Any], iud: str, tipo: str, iuv: str | None) -> None:
    """Refuse a new version that changes what may not change: the tipo, an IUV that is there.

    Raises: ImportTipoNonModificabile, ImportIuvNonTogliibile, ImportIuvDuplicato.
    """
    if row.tipo != tipo:
        raise errors.ImportTipoNonModificabile(
            f"il tipo dovuto di {iud} è {row.tipo} e non si cambia",
            f"datiVersamento/identificativoTipoDovuto: valore {tipo}, atteso {row.tipo}",
        )
    if row.iuv is not None and iuv is None:
        raise errors.ImportIuvNonTogliibile(
            f"il dovuto {iud} ha già uno IUV, che va indicato",
            f"datiVersamento/identificativoUnivocoVersamento: atteso {row.iuv}",
        )
    if row.iuv is not None and iuv != row.iuv:
        raise errors.ImportIuvDuplicato(
            f"il dovuto {iud} ha già lo IUV {row.iuv}, che non si cambia",
            f"datiVersamento/identificativoUnivocoVersamento: atteso {row.iuv}, senza chiederne uno nuovo",
        )


def _payable(session: Session, chiamante: Chiamante, iud: str) -> Row[Any]:
    row = dovuti.find_attuale(session, chiamante.ente.id, iud)
    reason = why_not_payable(row, iud, chiamante.ente.cod_ipa_ente)
    if row is None or reason is not None:
        raise errors.RichiestaNonEseguibile(reason or "")
    return row


def why_not_payable(row: Row[Any] | None, iud: str, cod_ipa_ente: str) -> str | None:
    """Say why a dovuto can be neither modified nor cancelled; None when it can."""
    if row is None:
        return f"dovuto {iud} non presente per l'ente {cod_ipa_ente}"
    if row.stato != StatoDovuto.INSERIMENTO_DOVUTO:
        return f"dovuto {iud} in stato {row.stato}: si modifica o annulla solo ciò che è ancora da pagare"
    return None


def _tipo(session: Session, chiamante: Chiamante, codice: str) -> Row[Any]:
    tipo = tipi.find(session, chiamante.ente.id, codice)
    if tipo is None or not tipo.attivo:
        raise errors.ImportTipoInesistente(
            f"tipo dovuto {codice} non più attivo per l'ente {chiamante.ente.cod_ipa_ente}",
            f"datiVersamento/identificativoTipoDovuto: valore {codice}, deve essere un tipo attivo dell'ente",
        )
    check_grant(chiamante, codice)
    return tipo


def _check_tipo(session: Session, chiamante: Chiamante, deposito: Deposito, now: datetime) -> None:
    check_scadenza(_tipo(session, chiamante, deposito.tipo), deposito.scadenza, now)


def check_scadenza(tipo: Row[Any], scadenza: date | None, now: datetime) -> None:
    """Raises: ImportScadenzaObbligatoria (missing where the tipo wants or prints it, or past where it wants it)."""
    today = giorno_di(now)
    if scadenza is None and (tipo.scadenza_obbligatoria or tipo.stampa_data_scadenza):
        raise errors.ImportScadenzaObbligatoria(
            f"il tipo dovuto {tipo.codice} vuole la data di scadenza", f"{_SCADENZA}: assente"
        )
    if scadenza is not None and tipo.scadenza_obbligatoria and scadenza < today:
        raise errors.ImportScadenzaObbligatoria(
            f"la data di scadenza {scadenza} è passata", f"{_SCADENZA}: valore {scadenza}, atteso da {today} in poi"
        )


def _check_iuv(session: Session, chiamante: Chiamante, deposito: Deposito) -> None:
    if deposito.iuv is not None and depositati.is_iuv_taken(session, chiamante.ente.id, deposito.iuv):
        raise errors.ImportIuvDuplicato(
            f"IUV {deposito.iuv} già presente per l'ente {chiamante.ente.cod_ipa_ente}",
            "datiVersamento/identificativoUnivocoVersamento: è di un altro dovuto",
        )


def _find_same(session: Session, chiamante: Chiamante, deposito: Deposito) -> Row[Any] | None:
    """The payable dovuto that is what this request asks for; None where there is none or the ente wants a refusal."""
    if chiamante.ente.import_ripetuto != "riconosciuto":
        return None
    row = dovuti.find_attuale(session, chiamante.ente.id, deposito.iud)
    if row is None or row.stato != StatoDovuto.INSERIMENTO_DOVUTO:
        return None
    wanted = _columns(chiamante, deposito)
    if deposito.is_iuv_drawn:
        del wanted["iuv"]
    is_same = all(getattr(row, name) == value for name, value in wanted.items())
    return row if is_same and (row.iuv is not None or not deposito.is_iuv_drawn) else None


def _add(session: Session, chiamante: Chiamante, deposito: Deposito, now: datetime) -> Versione:
    version_id = uuid.uuid4().hex
    columns = _columns(chiamante, deposito)
    stato = str(StatoDovuto.INSERIMENTO_DOVUTO)
    depositati.add(session, id=version_id, stato=stato, created_at=now, updated_at=now, **columns)
    queue_posizioni(session, chiamante.ente.id, [deposito.iuv], now)
    return Versione(version_id, deposito.iuv)


def _columns(chiamante: Chiamante, deposito: Deposito) -> dict[str, Any]:
    return {
        "ente_id": chiamante.ente.id,
        "dominio": chiamante.ente.codice_fiscale,
        "posizione": 1,
        "iud": deposito.iud,
        "iuv": deposito.iuv,
        "tipo": deposito.tipo,
        "importo_cent": deposito.importo_cent,
        "commissione_cent": deposito.commissione_cent,
        "causale": deposito.causale,
        "dati_specifici": deposito.dati_specifici,
        "bilancio_xml": deposito.bilancio_xml,
        "scadenza": deposito.scadenza,
        "tipo_versamento": deposito.tipo_versamento,
        "pagatore_tipo": deposito.pagatore.tipo,
        "pagatore_codice": deposito.pagatore.codice,
        "pagatore": asdict(deposito.pagatore),
        "secondario": None if deposito.secondario is None else asdict(deposito.secondario),
        "origine": deposito.origine,
    }
