"""Apply a receipt of the new model to the dovuto of its notice: paid, paid twice, paid though cancelled, of nobody.

No money is refused: what does not fit is flagged. Source: node, receipt processing (3.5.1); pa-per-ente, life-cycle of
a stored dovuto (5.4).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.errors import Conflict
from hub.domain.errors_nodo import RicevutaNonLeggibile
from hub.domain.ricevuta import Primitiva, Ricevuta, Segnalazione
from hub.domain.stati import StatoCarrello, StatoDovuto, StatoRt, StatoTentativo, is_legal
from hub.formats.ricevuta import read_ricevuta
from hub.formats.ricevuta_rest import read_ricevuta_rest
from hub.formats.rt import render_rt
from hub.store import carrelli, depositati, dovuti, enti, rt_ricevute, tentativi
from hub.store.database import Session
from hub.usecases.apply_rt import Effetto, close_carrello
from hub.usecases.carrello_scaduto import find_scaduto
from hub.usecases.confronta_ricevuta import confronta
from hub.usecases.inoltro_esito import queue_carrello
from hub.usecases.rt_di_ricevuta import build_rt, quote_dei_dovuti


def apply_ricevuta(session: Session, row: Row[Any], now: datetime) -> Effetto:
    """Give a receipt its effect, write it on its row and return it.

    Raises: Conflict (something of it is changed by somebody else at this moment: to be tried again).
    """
    try:
        ricevuta = _read(row)
    except RicevutaNonLeggibile as refusal:
        ignoti: tuple[str, ...] = ()
        importo_cent = None
        effetto = Effetto(StatoRt.QUARANTENA, refusal.description)
    else:
        ignoti, importo_cent = ricevuta.ignoti, ricevuta.importo_cent
        effetto = _effect(session, row, ricevuta, now)
    if effetto.stato == row.stato:
        return effetto
    rt_ricevute.settle(
        session,
        row,
        effetto.stato,
        now,
        effetto.motivo and effetto.motivo[:500],
        segnalazioni=[str(flag) for flag in effetto.segnalazioni] or None,
        ignoti=list(ignoti) or None,
        importo_cent=importo_cent,
    )
    return effetto


def _read(row: Row[Any]) -> Ricevuta:
    """Raises: RicevutaNonLeggibile."""
    if row.primitiva == Primitiva.BIZ_EVENTS:
        return read_ricevuta_rest(bytes(row.raw), row.dominio, row.intermediario or "", row.stazione_id)
    return read_ricevuta(bytes(row.raw), row.charset)


def _effect(session: Session, row: Row[Any], ricevuta: Ricevuta, now: datetime) -> Effetto:
    if ricevuta.esito == "KO":
        return Effetto(StatoRt.ELABORATA, "esito KO: nessun pagamento, conservata senza effetto")
    if ricevuta.esito != "OK":
        return Effetto(StatoRt.QUARANTENA, f"esito {ricevuta.esito[:35] or 'assente'} sconosciuto")
    known = _known_before(session, row, ricevuta)
    if known is not None:
        return known
    rt_ricevute.add_trasferimenti(session, row.id, _moved(ricevuta))
    if row.dominio != ricevuta.testata.dominio:
        own = ricevuta.propri(row.dominio)
        total_cent = sum(each.importo_cent for each in own)
        words = f"copia per l'ente secondario {row.dominio}: {len(own)} trasferimenti, {total_cent} centesimi"
        return Effetto(StatoRt.ELABORATA, words, _unexpected(session, row, ricevuta))
    return _pay(session, row, ricevuta, now)


def _known_before(session: Session, row: Row[Any], ricevuta: Ricevuta) -> Effetto | None:
    """What a receipt is whose token came before with other content; None for the first of its token.

    The two versions of the message share the token, and a body may be told by both. Source: node, 3.0.6.
    """
    for earlier in rt_ricevute.earlier_with_token(session, row):
        try:
            other = _read(earlier)
        except RicevutaNonLeggibile:
            continue
        if ricevuta.is_same_payment(other):
            return Effetto(StatoRt.ELABORATA, f"stesso pagamento della ricevuta {earlier.id}: senza effetto")
        return Effetto(StatoRt.QUARANTENA, f"receiptId già noto con altro contenuto: ricevuta {earlier.id}")
    return None


def _moved(ricevuta: Ricevuta) -> list[dict[str, Any]]:
    return [
        {
            "indice": each.indice,
            "codice_fiscale": each.codice_fiscale[:35],
            "importo_cent": each.importo_cent,
            "iban": each.iban and each.iban[:35],
            "causale": each.causale[:140],
            "categoria": each.categoria[:140],
            "marca_sha256": each.marca and hashlib.sha256(each.marca).hexdigest(),
        }
        for each in ricevuta.trasferimenti
    ]


def _unexpected(session: Session, row: Row[Any], ricevuta: Ricevuta) -> tuple[Segnalazione, ...]:
    ente = enti.find_by_dominio(session, row.dominio)
    flags = []
    if ricevuta.is_stand_in:
        flags.append(Segnalazione.STAND_IN)
    if ente is not None and ente.stazione_id != row.stazione_id:
        flags.append(Segnalazione.ALTRA_STAZIONE)
    return tuple(flags)


def _pay(session: Session, row: Row[Any], ricevuta: Ricevuta, now: datetime) -> Effetto:
    flags = _unexpected(session, row, ricevuta)
    versions = _held(session, row.dominio, ricevuta.testata.iuv)
    if not versions:
        return Effetto(StatoRt.ORFANA, "nessun dovuto con questo avviso", flags)
    for version in versions:
        paid = dovuti.find_paid(session, version.ente_id, version.iud)
        if paid is not None:
            return _paid_already(session, row, ricevuta, paid, flags, now)
    given_up = find_scaduto(session, versions, ricevuta)
    if given_up is not None:
        words, more = confronta(session, carrelli.dovuti_of(session, given_up.id), ricevuta, row.received_at)
        _close(session, given_up, row, ricevuta, now)
        return Effetto(StatoRt.ELABORATA, words, (*flags, *more))
    if not versions[0].attuale:
        cancelled = versions[0]
        if dovuti.find_attuale(session, cancelled.ente_id, cancelled.iud) is not None:
            return Effetto(StatoRt.ORFANA, "avviso annullato: lo IUD è ora di un altro dovuto", flags)
        versions, flags = [_renewed(session, cancelled, now)], (*flags, Segnalazione.POSIZIONE_ANNULLATA)
    words, more = confronta(session, versions, ricevuta, row.received_at)
    carrello, is_open = _carrello(session, row, versions, ricevuta, now)
    if is_open:
        more = (*more, Segnalazione.PAGAMENTO_IN_CORSO)
    _close(session, carrello, row, ricevuta, now)
    return Effetto(StatoRt.ELABORATA, words, (*flags, *more))


def _held(session: Session, dominio: str, iuv: str) -> Sequence[Row[Any]]:
    """What a notice is now, and is until this transaction ends: nobody else pays its dovuti meanwhile.

    Raises: Conflict (it was given to other dovuti in this moment).
    """
    seen = _versions(session, dominio, iuv)
    dovuti.hold(session, seen)
    versions = _versions(session, dominio, iuv)
    if {(row.ente_id, row.iud) for row in versions} != {(row.ente_id, row.iud) for row in seen}:
        raise Conflict(f"dovuti: l'avviso con IUV {iuv} è cambiato nel frattempo")
    return versions


def _versions(session: Session, dominio: str, iuv: str) -> Sequence[Row[Any]]:
    """The dovuti that hold a notice; the newest version alone of one that nobody holds any more."""
    found = dovuti.all_attuali(session, dominio, iuv)
    if found:
        return found
    for ente in enti.all_by_dominio(session, dominio):
        versions = depositati.all_by_iuv(session, ente.id, iuv)
        if versions:
            return versions[:1]
    return []


def _renewed(session: Session, version: Row[Any], now: datetime) -> Row[Any]:
    """A payable copy of a version that stays the history it is."""
    id = uuid.uuid4().hex
    dovuti.renew(session, version, id, now)
    copy = depositati.find_version(session, id)
    assert copy is not None
    return copy


def _carrello(
    session: Session, row: Row[Any], found: Sequence[Row[Any]], ricevuta: Ricevuta, now: datetime
) -> tuple[Row[Any], bool]:
    """The carrello that the receipt pays, and whether an attempt of the classic model was open in it.

    That of the attempt that the dovuti are in; otherwise one of its own, without a session.
    """
    if all(dovuto.stato != StatoDovuto.INSERIMENTO_DOVUTO and dovuto.carrello_id for dovuto in found):
        carrello = carrelli.by_id(session, found[0].carrello_id)
        if is_legal(StatoCarrello(carrello.stato), StatoCarrello.PAGATO):
            return carrello, _close_tentativo(session, carrello, now)
        found = [_renewed(session, dovuto, now) for dovuto in found]
    id = carrelli.add_open(
        session,
        ente_id=found[0].ente_id,
        dominio=row.dominio,
        iuv=ricevuta.testata.iuv,
        importo_cent=ricevuta.importo_cent,
        now=now,
    )
    for dovuto in found:
        dovuti.put_into(session, dovuto, id, now)
    return carrelli.by_id(session, id), False


def _close_tentativo(session: Session, carrello: Row[Any], now: datetime) -> bool:
    tentativo = tentativi.find_open(session, carrello.id)
    if tentativo is None:
        return False
    tentativi.move(session, tentativo, to=StatoTentativo.CHIUSO, at=now)
    # A receipt is how a cart of notices ends; of an RPT nobody expects one.
    return bool(tentativo.profilo != "checkout")


def _close(session: Session, carrello: Row[Any], row: Row[Any], ricevuta: Ricevuta, now: datetime) -> None:
    in_order = carrelli.dovuti_of(session, carrello.id)
    ente = enti.by_id(session, carrello.ente_id)
    rt = build_rt(ricevuta, ente, quote_dei_dovuti(in_order, ricevuta), row.stazione_id, row.received_at)
    raw = render_rt(rt)
    rt_ricevute.set_rt(session, row.id, raw)
    close_carrello(session, carrello, row.id, raw, rt, StatoCarrello.PAGATO, now)


def _paid_already(
    session: Session,
    row: Row[Any],
    ricevuta: Ricevuta,
    paid: Row[Any],
    flags: tuple[Segnalazione, ...],
    now: datetime,
) -> Effetto:
    """A second payment, unless it is the first one told in another way."""
    if paid.iur != ricevuta.testata.token:
        return Effetto(StatoRt.ECCEDENZA, f"dovuto già pagato con IUR {paid.iur}: pagamento in eccedenza", flags)
    carrello = carrelli.by_id(session, paid.carrello_id)
    if carrello.rt_id is not None:
        return Effetto(StatoRt.ELABORATA, "stesso pagamento già registrato con un'altra ricevuta: senza effetto", flags)
    # The ente had declared it; now the node's own word is here.
    quote = quote_dei_dovuti(carrelli.dovuti_of(session, carrello.id), ricevuta)
    raw = render_rt(build_rt(ricevuta, enti.by_id(session, paid.ente_id), quote, row.stazione_id, row.received_at))
    rt_ricevute.set_rt(session, row.id, raw)
    carrelli.replace_rt(session, carrello, row.id, now)
    queue_carrello(session, carrello.id, raw, now)
    return Effetto(StatoRt.ELABORATA, "prende il posto dell'esito registrato dall'ente", flags)
