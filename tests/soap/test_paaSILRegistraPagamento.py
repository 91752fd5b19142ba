"""paaSILRegistraPagamento: what a payment settled outside leaves behind. Source: pa-per-ente, 2.6 and 6."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
import structlog
from lxml import etree

from hub.domain.documenti import Organizzazione
from hub.store import schema
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from tests.factories import make_documento, make_iud, make_rt, make_voce
from tests.inoltro import configure_inoltro
from tests.prova.controllo import rilievi
from tests.soap.test_paaSILImportaDovuto import importa, versions
from tests.soap.zeep_client import Door, ente_client, open_door
from tests.versamenti import EnteSecondario, Versamento, own_iuv
from tests.world import PASSWORD_REFEZIONE, PASSWORDS, World, chi

REND9 = "PAGATO CON RENDICONTAZIONE 9"


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world)


@pytest.fixture
def client(door: Door) -> Any:
    return ente_client(door)


def registra(client: Any, iuv: str, ente: str = "C_PROVA", **values: Any) -> Any:
    fields = {
        "codIpaEnte": ente,
        "password": PASSWORDS[ente],
        "identificativoUnivocoVersamento": iuv,
        "singoloImportoPagato": "100.00",
        "dataEsitoSingoloPagamento": date(2026, 11, 20),
        "identificativoUnivocoRiscossione": "IUR-ESTERNO",
        "tipoIstitutoAttestante": "B",
        "codiceIstitutiAttestante": "UNCRITMM",
        "denominazioneAttestante": "Banca di prova",
    }
    return client.paaSILRegistraPagamento(**(fields | values))


def test_the_other_dovuti_of_its_carrello_end_unpaid(world: World, client: Any) -> None:
    """Only the first under an IUV is told of; what stayed in payment in a carrello that is over could never be paid."""
    id_session = world.begin(make_documento(make_voce(), make_voce()))
    iuv = world.carrello(id_session).iuv

    answer = registra(client, iuv)

    first, second = world.dovuti(id_session)
    assert (answer.esito, world.carrello(id_session).stato) == ("OK", "PAGATO")
    assert (first.stato, first.codice_esito, first.importo_pagato_cent) == ("COMPLETATO", 0, 10000)
    assert (second.stato, second.codice_esito, second.importo_pagato_cent) == ("COMPLETATO", 1, 0)
    assert rilievi(world.db) == []


def pagati(client: Any, **key: str) -> Any:
    """The document that paaSILChiediPagatiConRicevuta gives for it."""
    answer = client.paaSILChiediPagatiConRicevuta(codIpaEnte="C_PROVA", password=PASSWORDS["C_PROVA"], **key)
    assert answer.fault is None, answer.fault
    assert answer.rt is None
    return etree.fromstring(base64.b64decode(answer.pagati))


def text(document: Any, name: str) -> str:
    return document.findtext(f".//{{*}}{name}")


def test_a_stored_dovuto_is_paid_and_told_with_its_outcome(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(20)
    importa(client, Versamento(iud, iuv=iuv))

    answer = registra(client, iuv)

    assert (answer.esito, answer.fault) == ("OK", None)
    (row,) = versions(world, iud)
    assert (row.stato, row.codice_esito, row.importo_pagato_cent, row.iur) == ("COMPLETATO", 0, 10000, "IUR-ESTERNO")
    assert row.data_esito == date(2026, 11, 20)
    carrello = world.one(schema.carrelli, id=row.carrello_id)
    assert (carrello.stato, carrello.id_session, carrello.iuv) == ("PAGATO", None, iuv)
    document = pagati(client, identificativoUnivocoDovuto=iud)
    assert text(document, "codiceEsitoPagamento") == "0"
    assert text(document, "esitoSingoloPagamento") == REND9
    assert text(document, "codiceContestoPagamento") == "n/a"
    assert text(document, "identificativoUnivocoRiscossione") == "IUR-ESTERNO"
    assert text(document, "dataEsitoSingoloPagamento") == "2026-11-20"
    assert text(document, "codiceIdentificativoUnivoco") == "UNCRITMM"
    assert text(document, "identificativoMessaggioRicevuta")


def test_the_context_code_given_is_told_back(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(21)
    importa(client, Versamento(iud, iuv=iuv))

    registra(client, iuv, codiceContestoPagamento="CCP-1")

    assert text(pagati(client, identificativoUnivocoVersamento=iuv), "codiceContestoPagamento") == "CCP-1"


def test_a_second_time_changes_nothing(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(22)
    importa(client, Versamento(iud, iuv=iuv))
    registra(client, iuv)
    before = [world.rows(table) for table in (schema.dovuti, schema.carrelli, schema.outbox)]

    answer = registra(client, iuv, singoloImportoPagato="7.00", identificativoUnivocoRiscossione="ALTRO")

    assert answer.esito == "OK"
    assert [world.rows(table) for table in (schema.dovuti, schema.carrelli, schema.outbox)] == before


def test_an_amount_of_zero_is_taken_once_too(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(23)
    importa(client, Versamento(iud, iuv=iuv))

    answers = [registra(client, iuv, singoloImportoPagato="0.00").esito for _ in range(2)]

    assert answers == ["OK", "OK"]
    assert len(world.rows(schema.carrelli, iuv=iuv)) == 1


def test_an_unknown_iuv_becomes_a_paid_item_of_a_tipo_nobody_can_use(world: World, client: Any) -> None:
    iuv = own_iuv(24)

    with structlog.testing.capture_logs() as logs:
        answers = [registra(client, iuv).esito for _ in range(2)]

    assert answers == ["OK", "OK"]
    (row,) = world.rows(schema.dovuti, iuv=iuv)
    assert (row.stato, row.tipo, row.origine, row.codice_esito) == ("COMPLETATO", "DEFAULT", "REND9", 0)
    assert row.iud.startswith("000") and len(row.iud) == 35
    tipo = world.one(schema.tipi, ente_id=1, codice="DEFAULT")
    assert tipo.attivo is False
    assert [log["event"] for log in logs].count("audit_pagamento_iuv_sconosciuto") == 1
    assert text(pagati(client, identificativoUnivocoVersamento=iuv), "esitoSingoloPagamento") == REND9
    registra(client, own_iuv(25))
    assert len(world.rows(schema.tipi, ente_id=1, codice="DEFAULT")) == 1


@pytest.mark.parametrize("iuv", ["RF63019900000000000010000", "qualunque-cosa/2024"])
def test_an_iuv_of_any_form_is_taken(world: World, client: Any, iuv: str) -> None:
    assert registra(client, iuv).esito == "OK"
    assert world.one(schema.dovuti, iuv=iuv).stato == "COMPLETATO"


def test_the_amount_is_not_compared_but_a_difference_is_logged(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(26)
    importa(client, Versamento(iud, iuv=iuv), EnteSecondario())

    with structlog.testing.capture_logs() as logs:
        registra(client, iuv, singoloImportoPagato="90.00")

    assert versions(world, iud)[0].importo_pagato_cent == 9000
    (log,) = [log for log in logs if log["event"] == "registra_pagamento_importo_diverso"]
    assert (log["importo_cent"], log["atteso_cent"]) == (9000, 10500)


def test_what_was_cancelled_turns_out_to_be_paid_and_its_iud_is_used(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(27)
    importa(client, Versamento(iud, iuv=iuv))
    importa(client, Versamento(iud, azione="A"))

    assert registra(client, iuv).esito == "OK"

    assert [(row.stato, row.codice_esito) for row in versions(world, iud)] == [("ANNULLATO", None), ("COMPLETATO", 0)]
    assert text(pagati(client, identificativoUnivocoDovuto=iud), "esitoSingoloPagamento") == REND9
    assert importa(client, Versamento(iud)).fault.faultCode == "PAA_IMPORT_IUD_DUPLICATO"


@pytest.mark.parametrize("stato", ["SCADUTO_ELABORATO", "ABORT"])
def test_what_was_given_up_turns_out_to_be_paid(world: World, client: Any, stato: str) -> None:
    id_session = world.begin(make_documento(make_voce(importo="100.00")))
    (row,) = world.dovuti(id_session)
    world.change(schema.dovuti, "id", row.id, stato=stato)
    world.change(schema.carrelli, "id", row.carrello_id, stato=stato)

    answers = [registra(client, row.iuv).esito for _ in range(2)]

    assert answers == ["OK", "OK"]
    found = [(one.stato, one.attuale, one.codice_esito) for one in versions(world, row.iud)]
    assert found == [(stato, False, None), ("COMPLETATO", True, 0)]


def test_a_cancelled_iuv_whose_iud_is_another_dovutos_pays_nothing_of_that(world: World, client: Any) -> None:
    iud = make_iud()
    importa(client, Versamento(iud, iuv=own_iuv(35)))
    importa(client, Versamento(iud, azione="A"))
    importa(client, Versamento(iud, iuv=own_iuv(36)))

    answers = [registra(client, own_iuv(35)).esito for _ in range(2)]

    assert answers == ["OK", "OK"]
    assert [row.stato for row in versions(world, iud)] == ["ANNULLATO", "INSERIMENTO_DOVUTO"]
    paid = [row for row in world.rows(schema.dovuti, iuv=own_iuv(35)) if row.stato == "COMPLETATO"]
    assert [row.origine for row in paid] == ["REND9"]


def test_the_version_that_counts_is_the_one_that_is_paid(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(28)
    importa(client, Versamento(iud, iuv=iuv))
    importa(client, Versamento(iud, azione="M", iuv=iuv, importo="80.00"))

    registra(client, iuv, singoloImportoPagato="80.00")

    found = [(row.stato, row.importo_cent) for row in versions(world, iud)]
    assert found == [("ANNULLATO", 10000), ("COMPLETATO", 8000)]


def test_a_payment_in_progress_is_closed_and_its_rpt_does_not_leave(world: World, client: Any) -> None:
    id_session = world.begin(make_documento(make_voce(importo="100.00")))
    iuv = world.carrello(id_session).iuv

    assert registra(client, iuv).esito == "OK"
    world.relay()

    assert world.nodo.received == []
    assert world.sessione(id_session).stato == "PAGATO"
    assert world.carrello(id_session).stato == "PAGATO"
    assert world.dovuti(id_session)[0].stato == "COMPLETATO"
    assert world.tentativo(id_session).stato == "CHIUSO"
    assert world.messaggio(id_session).stato == "RIFIUTATO"
    assert len(world.rows(schema.carrelli, iuv=iuv)) == 1


def test_a_receipt_that_comes_afterwards_is_kept_as_a_payment_in_excess(world: World, client: Any) -> None:
    id_session = world.begin(make_documento(make_voce(importo="100.00")))
    world.relay()
    tentativo = world.tentativo(id_session)
    registra(client, tentativo.iuv)

    world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
    world.apply()

    (ricevuta,) = world.ricevute()
    assert ricevuta.stato == "ECCEDENZA"
    row = world.dovuti(id_session)[0]
    assert (row.stato, row.iur) == ("COMPLETATO", "IUR-ESTERNO")


def test_a_negative_receipt_that_comes_afterwards_changes_nothing(world: World, client: Any) -> None:
    id_session = world.begin(make_documento(make_voce(importo="100.00")))
    world.relay()
    tentativo = world.tentativo(id_session)
    registra(client, tentativo.iuv)

    world.receive(make_rt(bytes(tentativo.rpt), 1), tentativo)
    world.apply()

    assert world.ricevute()[0].stato == "ELABORATA"
    assert (world.dovuti(id_session)[0].codice_esito, world.carrello(id_session).stato) == (0, "PAGATO")


def test_an_attempt_that_came_to_nothing_can_be_paid_outside(world: World, client: Any) -> None:
    id_session = world.begin(make_documento(make_voce(importo="100.00")))
    world.relay()
    tentativo = world.tentativo(id_session)
    world.receive(make_rt(bytes(tentativo.rpt), 1), tentativo)
    world.apply()
    assert world.carrello(id_session).stato == "NON_PAGATO"

    registra(client, tentativo.iuv)

    assert (world.carrello(id_session).stato, world.dovuti(id_session)[0].codice_esito) == ("PAGATO", 0)
    told = pagati(client, idSession=id_session)
    assert told.findtext(".//{*}codiceEsitoPagamento") == "0" and told.findtext(".//{*}importoTotalePagato") == "100.00"


def test_a_dovuto_of_another_ente_is_not_found(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(29)
    importa(client, Versamento(iud, iuv=iuv))

    assert registra(client, iuv, "C_VICINO").esito == "OK"

    assert versions(world, iud)[0].stato == "INSERIMENTO_DOVUTO"
    (fictitious,) = world.rows(schema.dovuti, ente_id=2, iuv=iuv)
    assert fictitious.origine == "REND9"


def test_an_application_registers_only_its_tipi(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(30, 2)
    importa(client, Versamento(iud, iuv=iuv), ente="C_VICINO")

    answer = registra(client, iuv, "C_VICINO", password=PASSWORD_REFEZIONE)

    assert (answer.esito, answer.fault.faultCode) == ("KO", "PAA_SYSTEM_ERROR")
    assert versions(world, iud)[0].stato == "INSERIMENTO_DOVUTO"


def test_a_blank_iuv_is_nobodys(world: World, client: Any) -> None:
    assert registra(client, "  ").fault.faultCode == "PAA_SYSTEM_ERROR"
    assert world.rows(schema.dovuti) == []


def test_an_iuv_of_another_ente_of_the_same_tax_code_makes_no_item(world: World) -> None:
    world.change(schema.enti, "id", 2, codice_fiscale="12345678903", codice_segregazione="01")
    client = ente_client(open_door(world))
    iuv = own_iuv(33)
    importa(client, Versamento(make_iud(), iuv=iuv))

    answer = registra(client, iuv, "C_VICINO")

    assert answer.fault.faultCode == "PAA_SYSTEM_ERROR"
    assert [row.ente_id for row in world.rows(schema.dovuti, iuv=iuv)] == [1]


def test_the_ente_s_own_system_is_told(world: World, client: Any) -> None:
    configure_inoltro(world, "TARI")
    iud, iuv = make_iud(), own_iuv(34)
    importa(client, Versamento(iud, iuv=iuv))

    registra(client, iuv)
    registra(client, iuv)

    (message,) = world.rows(schema.outbox, topic="ente.esito")
    body = json.loads(bytes(message.payload))
    assert not body.get("rt")
    document = etree.fromstring(base64.b64decode(body["esito"]))
    assert (text(document, "identificativoUnivocoDovuto"), text(document, "esitoSingoloPagamento")) == (iud, REND9)


def test_an_ente_not_yet_active_is_refused_with_serial_zero(client: Any) -> None:
    answer = registra(client, own_iuv(31), "C_SPENTO")

    assert (answer.fault.faultCode, answer.fault.serial) == ("PAA_STATO_ENTE_NON_VALIDO", 0)


def test_of_8_callers_with_one_unknown_iuv_one_item_is_made(world: World) -> None:
    pagamento = PagamentoEsterno(
        own_iuv(32), 10000, date(2026, 11, 20), "IUR", Organizzazione("B", "UNCRITMM", "Banca di prova")
    )

    with ThreadPoolExecutor(8) as pool:
        work = [
            pool.submit(registra_pagamento, world.db, world.runtime.callers, chi(), pagamento, world.clock())
            for _ in range(8)
        ]
        assert [one.result() for one in work] == [None] * 8

    assert len(world.rows(schema.dovuti, iuv=pagamento.iuv)) == 1
    assert len(world.rows(schema.carrelli, iuv=pagamento.iuv)) == 1
