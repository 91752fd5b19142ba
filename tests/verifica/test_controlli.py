"""The checker: a healthy world has nothing to tell, and each broken promise is told by its own control alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Executable, delete, insert, select, text, update

from hub.domain.iuv import build_iuv
from hub.domain.verifica import Rilievo
from hub.store import schema as s
from hub.store.invarianti_stati import STATI
from hub.store.lettura import TRATTO, Lettura
from hub.store.schema_verifica import attivazioni
from hub.usecases.verifica import CONTROLLI, verifica
from tests.rendicontazioni import OGGI
from tests.verifica.mondo import Sano

Rottura = Callable[[Sano], list[Executable]]
Trovato = dict[str, list[Rilievo]]


@contextmanager
def rotto(sano: Sano, *statements: Executable) -> Iterator[Any]:
    """A session in which the world is broken, and whole again when it ends."""
    with sano.world.db.engine.connect() as session:
        for statement in statements:
            session.execute(statement)
        yield session
        session.rollback()


def look(session: Any, *nomi: str, tratto: int = TRATTO) -> Trovato:
    """What every control, or those named, finds."""
    found: Trovato = {}
    for nome in nomi or CONTROLLI:
        lettura = Lettura(session, lambda *_: None, tratto)
        rilievi = [*CONTROLLI[nome](lettura), *lettura.illeggibili]
        if rilievi:
            found[nome] = rilievi
    return found


def on(table: Any, key: str, value: Any, **values: Any) -> Executable:
    return update(table).where(table.c[key] == value).values(**values)


def rt_of(sano: Sano, stato: str) -> int:
    return int(sano.world.rows(s.rt_ricevute, stato=stato)[0].id)


def carrello(sano: Sano, id_session: str) -> str:
    return str(sano.world.carrello(id_session).id)


def dovuto(sano: Sano, id_session: str) -> str:
    return str(sano.world.dovuti(id_session)[0].id)


def tentativo(sano: Sano, id_session: str) -> str:
    return str(sano.world.tentativo(id_session).id)


def fdr(sano: Sano) -> int:
    return int(sano.world.rows(s.rendicontazioni)[0].id)


def old_version(sano: Sano) -> str:
    """The first version of a dovuto that another has taken the place of."""
    rows = sano.world.rows(s.dovuti, iud=sano.ritentato.iud)
    return str(next(row.id for row in rows if not row.attuale and row.stato != "ANNULLATO"))


def messaggio(**values: Any) -> Executable:
    row = {
        "topic": "nodo.rpt", "chiave": "nessuno", "payload": b"x", "stato": "DA_INVIARE", "correlation_id": "c",
        "next_attempt_at": OGGI, "created_at": OGGI,
    }  # fmt: skip
    return insert(s.outbox).values(row | values)


_EVENTO = {
    "id": "e-1", "ente_id": 1, "iud": "I", "sequenza": 1, "tipo": "TARI", "codice_esito": 0, "messaggio_id": 999_999,
    "created_at": OGGI,
}  # fmt: skip
_PRENOTAZIONE = {
    "id": 77, "request_token": "t", "ente_id": 1, "genere": "PAGATI", "stato": "LOAD_EXPORT", "eseguibile_at": OGGI,
    "created_at": OGGI, "updated_at": OGGI,
}  # fmt: skip
_CONSEGNA = {
    "ente_id": 1, "istante_da": OGGI, "istante_a": OGGI, "prenotazione_id": 77, "stato": "PRENOTATA",
    "messaggio_id": 999_999, "created_at": OGGI, "updated_at": OGGI,
}  # fmt: skip
_SENZA_INDICE = text("DROP INDEX uq_dovuti_dominio_iuv_posizione")
_SENZA_INDICE_IUD = text("DROP INDEX uq_dovuti_ente_id_iud")

ROTTURE: dict[str, tuple[str, Rottura]] = {
    "due dovuti da pagare con un IUV": ("iuv_unico", lambda w: [
        _SENZA_INDICE, on(s.dovuti, "id", w.da_pagare.id, iuv=w.altro_da_pagare.iuv)]),
    "IUV dell'hub di un dovuto annullato, dato a un altro": ("iuv_unico", lambda w: [
        on(s.dovuti, "id", w.da_pagare.id, iuv=w.annullato.iuv)]),
    "IUV senza codice fiscale": ("iuv_unico", lambda w: [on(s.dovuti, "id", w.da_pagare.id, dominio=None)]),
    "IUV dell'ente, annullato dopo che il nodo lo ha chiesto": ("iuv_unico", lambda w: [
        *riusato(w), insert(attivazioni).values(
            dominio=w.da_pagare.dominio, iuv=build_iuv(1, 5, sistema=10), impronta="0" * 64, importo_cent=1,
            trasferimenti=[], stazione_id="x", primitiva="paGetPaymentV2", prima_at=OGGI, ultima_at=OGGI)]),
    "IUV oltre il contatore": ("iuv_sotto_contatore", lambda w: [
        on(s.dovuti, "id", w.da_pagare.id, iuv=build_iuv(1, 99_999_999))]),
    "IUV di un ente che non ha ancora un contatore": ("iuv_sotto_contatore", lambda w: [
        delete(s.iuv_blocchi).where(s.iuv_blocchi.c.codice_segregazione == "02")]),
    "numeri di un flusso oltre il contatore": ("numeri_del_flusso", lambda w: [
        on(s.flussi_import, "request_token", w.flusso, iuv_da=1, iuv_a=99_999_999)]),
    "annullato e attuale": ("versione_attuale", lambda w: [on(s.dovuti, "id", w.annullato.id, attuale=True)]),
    "due versioni attuali": ("versione_attuale", lambda w: [
        _SENZA_INDICE, _SENZA_INDICE_IUD, on(s.dovuti, "id", old_version(w), attuale=True)]),
    "stato che non esiste": ("stato_esistente", lambda w: [on(s.enti, "id", 3, stato="SOSPESO")]),
    "da pagare con uno IUR": ("dovuto_da_pagare", lambda w: [on(s.dovuti, "id", w.da_pagare.id, iur="X")]),
    "da pagare e non attuale": ("dovuto_da_pagare", lambda w: [on(s.dovuti, "id", w.da_pagare.id, attuale=False)]),
    "in pagamento senza carrello": ("dovuto_in_pagamento", lambda w: [
        on(s.dovuti, "id", w.da_pagare.id, stato="PAGAMENTO_INIZIATO")]),
    "concluso senza esito": ("dovuto_concluso", lambda w: [
        on(s.dovuti, "id", dovuto(w, w.pagata), codice_esito=None)]),
    "sessione che non dice quello che dicono i carrelli": ("sessione_e_carrelli", lambda w: [
        on(s.sessioni, "id_session", w.pagata, stato="NON_PAGATO")]),
    "sessione in pagamento con carrelli conclusi": ("sessione_e_carrelli", lambda w: [
        on(s.sessioni, "id_session", w.pagata, stato="PAGAM_IN_CORSO")]),
    "carrello aperto con un tentativo rifiutato": ("carrello_con_tentativo", lambda w: [
        on(s.tentativi, "id", tentativo(w, w.inviata), stato="RIFIUTATO"),
        on(s.outbox, "chiave", tentativo(w, w.inviata), stato="CONSEGNATO")]),
    "messaggio messo da parte": ("tentativo_con_passo", lambda w: [
        on(s.outbox, "chiave", tentativo(w, w.in_attesa), stato="PARCHEGGIATO")]),
    "messaggio sparito": ("tentativo_con_passo", lambda w: [
        delete(s.outbox).where(s.outbox.c.chiave == tentativo(w, w.in_attesa))]),
    "ricerca messa da parte": ("tentativo_con_passo", lambda w: [
        update(s.outbox).where(s.outbox.c.chiave == tentativo(w, w.inviata), s.outbox.c.topic == "recupero")
        .values(stato="PARCHEGGIATO")]),
    "ricevuta applicata e tentativo aperto": ("ricevuta_applicata", lambda w: [
        on(s.tentativi, "id", tentativo(w, w.pagata), stato="ACCETTATO")]),
    "carrello che chiede un centesimo in più": ("importo_carrello", lambda w: [
        on(s.carrelli, "id", carrello(w, w.pagata), importo_cent=2501)]),
    "carrello senza dovuti": ("importo_carrello", lambda w: [
        on(s.dovuti, "carrello_id", carrello(w, w.rifiutata), carrello_id=carrello(w, w.fallita)),
        on(s.carrelli, "id", carrello(w, w.fallita), importo_cent=3750)]),
    "pagato due volte senza eccedenza": ("pagato_una_volta", lambda w: [
        update(s.rt_ricevute).where(s.rt_ricevute.c.stato == "ECCEDENZA").values(stato="ELABORATA")]),
    "pagamento di un flusso cambiato": ("totali_rendicontazione", lambda w: [
        update(s.rendicontazioni_righe).where(
            s.rendicontazioni_righe.c.rendicontazione_id == fdr(w), s.rendicontazioni_righe.c.numero == 1
        ).values(importo_cent=1)]),
    "pagamento di un flusso sparito": ("totali_rendicontazione", lambda w: [
        delete(s.rendicontazioni_righe).where(
            s.rendicontazioni_righe.c.rendicontazione_id == fdr(w), s.rendicontazioni_righe.c.numero == 1)]),
    "totale dichiarato cambiato": ("totali_rendicontazione", lambda w: [
        on(s.rendicontazioni, "id", fdr(w), importo_cent=1)]),
    "ente che non c'è": ("riferimento_esistente", lambda w: [on(s.dovuti, "id", w.da_pagare.id, ente_id=99)]),
    "flusso che non c'è": ("riferimento_esistente", lambda w: [on(s.dovuti, "id", w.da_pagare.id, flusso_id=99)]),
    "carrello che non c'è": ("riferimento_esistente", lambda w: [
        on(s.dovuti, "id", w.annullato.id, carrello_id="nessuno")]),
    "ricevuta che non c'è": ("riferimento_esistente", lambda w: [
        on(s.carrelli, "id", carrello(w, w.inviata), rt_id=999_999)]),
    "messaggio di un ente che non c'è": ("riferimento_esistente", lambda w: [
        on(s.outbox, "chiave", tentativo(w, w.in_attesa), ente_id=99)]),
    "inoltro senza messaggio": ("riferimento_esistente", lambda w: [insert(s.eventi_esito).values(_EVENTO)]),
    "consegna senza messaggio": ("riferimento_esistente", lambda w: [
        insert(s.prenotazioni_export).values(_PRENOTAZIONE), insert(s.consegne_export).values(_CONSEGNA)]),
    "revisione che non c'è": ("riferimento_esistente", lambda w: [
        on(s.rendicontazioni, "id", fdr(w), superata_da=999_999)]),
    "righe di un flusso che non c'è": ("riga_di_flusso", lambda w: [
        insert(s.flussi_righe).values(flusso_id=999, riga=1)]),
    "messaggio di nessun tentativo": ("messaggio_con_tentativo", lambda w: [messaggio()]),
    "JSON di un altro genere": ("json_leggibile", lambda w: [
        on(s.dovuti, "id", w.da_pagare.id, pagatore=["Mario Rossi"])]),
    "ricevuta con un'altra impronta": ("ricevuta_intatta", lambda w: [
        on(s.rt_ricevute, "id", rt_of(w, "ORFANA"), sha256="0" * 64)]),
    "ricevuta senza byte": ("ricevuta_intatta", lambda w: [on(s.rt_ricevute, "id", rt_of(w, "ORFANA"), raw=b"")]),
    "ricevuta di un altro insieme di caratteri": ("ricevuta_intatta", lambda w: [
        on(s.rt_ricevute, "id", rt_of(w, "ORFANA"), raw=b"\x00\xff", charset="nessuno")]),
    "RPT cambiata": ("rpt_intatta", lambda w: [on(s.tentativi, "id", tentativo(w, w.inviata), rpt=b"\x00altro")]),
    "esito senza documento": ("esito_carrello", lambda w: [
        on(s.carrelli, "id", carrello(w, w.rifiutata), esito_locale=None)]),
    "esito con un documento illeggibile": ("esito_carrello", lambda w: [
        on(s.carrelli, "id", carrello(w, w.rifiutata), esito_locale=b"\x00<rotto")]),
    "esito che il documento non dice": ("esito_carrello", lambda w: [
        on(s.carrelli, "id", carrello(w, w.fallita), stato="DECORR_TERM")]),
    "pagato un centesimo in più": ("importo_pagato", lambda w: [
        on(s.dovuti, "id", dovuto(w, w.pagata), importo_pagato_cent=1251)]),
    "registrato un centesimo in più": ("importo_pagato", lambda w: [
        on(s.dovuti, "id", w.registrato.id, importo_pagato_cent=5001)]),
    "evento del giornale cambiato": ("giornale", lambda w: [evento(5, esito="KO")]),
    "evento del giornale tolto": ("giornale", lambda w: [delete(s.giornale).where(s.giornale.c.numero == 9)]),
    "coda del giornale tagliata": ("giornale", lambda w: [delete(s.giornale).where(s.giornale.c.numero > 9)]),
    "testa firmata cambiata": ("giornale", lambda w: [on(s.giornale_firme, "numero", 5, giorno=OGGI.date(), at=OGGI,
                                                         firma=b"x" * 64)]),
}  # fmt: skip


def evento(numero: int, **values: Any) -> Executable:
    """Change an event of Comune di Prova: it alone has more than five."""
    of = select(s.giornale.c.catena_id).where(s.giornale.c.numero == 9).scalar_subquery()
    return update(s.giornale).where(s.giornale.c.numero == numero, s.giornale.c.catena_id == of).values(**values)


def riusato(w: Sano) -> list[Executable]:
    """An IUV of the ente's own, cancelled and given to another dovuto."""
    own = build_iuv(1, 5, sistema=10)
    return [
        on(s.dovuti, "id", w.annullato.id, iuv=own, updated_at=OGGI),
        on(s.dovuti, "id", w.da_pagare.id, iuv=own),
    ]


def test_a_healthy_world_has_nothing_to_tell(sano: Sano) -> None:
    archivio = sano.world.runtime.archivio
    names = [*CONTROLLI, "file_intatto"]

    found = list(verifica(sano.world.db, names, archivio, lambda *_: None, limit=10, tratto=3))

    assert [one.controllo for one in found] == names
    assert [rilievo for one in found for rilievo in one.rilievi] == []


def test_the_healthy_world_has_every_end(sano: Sano) -> None:
    def states(table: Any) -> set[str]:
        return {row.stato for row in sano.world.rows(table)}

    assert states(s.carrelli) >= {"PAGAM_IN_CORSO", "PAGATO", "NON_PAGATO", "PARZ_PAGATO"}
    assert states(s.rt_ricevute) >= {"ELABORATA", "ECCEDENZA", "ORFANA", "RESPINTA"}
    assert states(s.tentativi) >= {"DA_INVIARE", "SCONOSCIUTO", "ACCETTATO", "RIFIUTATO", "CHIUSO"}
    assert states(s.dovuti) >= {"INSERIMENTO_DOVUTO", "PAGAMENTO_INIZIATO", "COMPLETATO", "ANNULLATO"}
    assert states(s.sessioni) >= {"PAGATO", "NON_PAGATO", "PARZ_PAGATO", "SCADUTO", "IMPOSSIBILE_INVIARE_CARRELLO_RP"}
    assert {row.stato for row in sano.world.rows(s.rendicontazioni)} == {"OPEN"}


def test_every_control_has_a_case() -> None:
    assert {controllo for controllo, _ in ROTTURE.values()} == set(CONTROLLI)


@pytest.mark.parametrize("caso", ROTTURE)
def test_what_is_broken_is_told_by_its_control_alone(sano: Sano, caso: str) -> None:
    controllo, rottura = ROTTURE[caso]

    with rotto(sano, *rottura(sano)) as session:
        found = look(session)

    assert set(found) == {controllo}, found
    assert len(found[controllo]) == 1, found


def test_a_cancelled_iuv_of_the_ente_may_be_used_again(sano: Sano) -> None:
    with rotto(sano, *riusato(sano)) as session:
        assert look(session) == {}


def test_what_the_node_was_told_of_another_notice_says_nothing_of_a_cancelled_one(sano: Sano) -> None:
    other = insert(attivazioni).values(
        dominio=sano.altro_da_pagare.dominio, iuv=sano.altro_da_pagare.iuv, impronta="0" * 64, importo_cent=1,
        trasferimenti=[], stazione_id="x", primitiva="paGetPaymentV2", prima_at=OGGI, ultima_at=OGGI,
    )  # fmt: skip
    with rotto(sano, *riusato(sano), other) as session:
        assert look(session) == {}


@pytest.mark.parametrize("column", [str(column) for column in STATI])
def test_a_state_that_nobody_knows_is_found_in_every_table(sano: Sano, column: str) -> None:
    name, _, field = column.partition(".")
    table = s.metadata.tables[name]
    (key,) = table.primary_key
    first = select(key).limit(1).scalar_subquery()

    with rotto(sano, update(table).where(key == first).values({field: "Mario Rossi"})) as session:
        found = look(session, "stato_esistente").get("stato_esistente", [])
        is_there = session.execute(select(key).limit(1)).first() is not None

    assert [(one.tabella, "Mario" in one.dettaglio) for one in found] == ([(name, False)] if is_there else [])
