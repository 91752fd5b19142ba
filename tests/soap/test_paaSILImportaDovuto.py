"""paaSILImportaDovuto through the contract: what each action leaves, what comes back. Source: pa-per-ente, 2.5."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.app import build_wsgi_app
from hub.domain.iuv import check_digits
from hub.formats.istanti import giorno_di
from hub.store import schema
from hub.store.anagrafe import Anagrafe
from hub.usecases.authenticate import Callers
from hub.usecases.importa_dovuto import ImportaDovuto, RichiestaImportaDovuto
from tests.factories import encode, make_documento, make_iud, make_voce
from tests.formats.pages import text_of
from tests.soap.zeep_client import Door, ente_client, intestazione, open_door
from tests.tassonomie import changed, lay
from tests.versamenti import EnteSecondario, Versamento, own_iuv
from tests.world import PASSWORD_REFEZIONE, PASSWORDS, SOURCE, World, chi

# The old numbering: base (13 digits), check digits over aux digit and application code too.
VECCHIO = "1000000000001" + check_digits("0011000000000001")


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world)


@pytest.fixture
def client(door: Door) -> Any:
    return ente_client(door)


def importa(
    client: Any, versamento: Versamento | bytes, *secondari: EnteSecondario, ente: str = "C_PROVA", **values: Any
) -> Any:
    data = versamento if isinstance(versamento, bytes) else versamento.xml
    if secondari:
        items = [{"dovutiEntiSecondari": item.xml} for item in secondari]
        values["listaDovutiEntiSecondari"] = {"elementoListaDovutiEntiSecondari": items}
    password = values.pop("password", PASSWORDS[ente])
    return client.paaSILImportaDovuto(password=password, dovuto=data, **values, _soapheaders=intestazione(ente))


def versions(world: World, iud: str) -> list[Any]:
    return sorted(world.rows(schema.dovuti, iud=iud), key=lambda row: (row.attuale, row.created_at))


def test_an_inserted_dovuto_is_kept_whole_and_waits_to_be_paid(world: World, client: Any) -> None:
    iud = make_iud()
    written = Versamento(
        iud,
        iuv=own_iuv(1),
        commissione="1.50",
        bilancio="100.00",
        tipo_versamento="bbt|po",
        codice_pagatore="rssmra80a01h501u",
    )

    answer = importa(client, written)

    assert (answer.esito, answer.fault, answer.identificativoUnivocoVersamento) == ("OK", None, None)
    assert (answer.urlFileAvviso, answer.base64ZipAvviso) == (None, None)
    (row,) = versions(world, iud)
    assert (row.stato, row.attuale, row.origine) == ("INSERIMENTO_DOVUTO", True, "IMPORT-DOVUTO")
    assert (row.ente_id, row.dominio, row.iuv, row.posizione) == (1, "12345678903", own_iuv(1), 1)
    assert (row.importo_cent, row.commissione_cent, row.secondario) == (10000, 150, None)
    assert (row.tipo, row.causale, row.dati_specifici) == ("TARI", "Tassa rifiuti", "9/0101101IM/")
    assert row.scadenza.isoformat() == written.scadenza
    assert row.tipo_versamento == "BBT|PO"
    assert (row.pagatore_tipo, row.pagatore_codice) == ("F", "RSSMRA80A01H501U")
    assert row.pagatore["anagrafica"] == "Mario Rossi"
    assert "<importo>100.00</importo>" in row.bilancio_xml


def test_an_iuv_is_drawn_on_request_and_leads_to_the_notice(world: World, door: Door, client: Any) -> None:
    iud = make_iud()

    answer = importa(client, Versamento(iud), flagGeneraIuv=True)

    (row,) = versions(world, iud)
    assert answer.identificativoUnivocoVersamento == row.iuv
    assert row.iuv.startswith("0100") and len(row.iuv) == 17
    parts = urlsplit(answer.urlFileAvviso)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "hub.example.org", "/public/landing/avviso")
    assert parse_qs(parts.query)["id"] == [row.id]


def test_an_iuv_supplied_with_the_flag_is_kept_wherever_its_number_lies(world: World, client: Any) -> None:
    iud = make_iud()

    answer = importa(client, Versamento(iud, iuv="02000000001234559"), flagGeneraIuv=True)

    assert (answer.esito, answer.identificativoUnivocoVersamento) == ("OK", None)
    assert answer.urlFileAvviso is not None
    assert versions(world, iud)[0].iuv == "02000000001234559"


def test_a_tipo_without_printed_notices_gives_neither_address_nor_zip(world: World, client: Any) -> None:
    world.change(schema.tipi, "codice", "TARI", stampa_avviso=False)
    iud = make_iud()

    first = importa(client, Versamento(iud), flagGeneraIuv=True)
    printed = importa(client, Versamento(iud, azione="S", iuv=first.identificativoUnivocoVersamento))

    assert (first.esito, first.urlFileAvviso) == ("OK", None)
    assert printed.fault.faultCode == "PAA_IUV_NON_VALIDO"


def test_an_rf_reference_has_no_notice(world: World, client: Any) -> None:
    iud = make_iud()

    answer = importa(client, Versamento(iud, iuv="RF63019900000000000010000"), flagGeneraIuv=True)

    assert (answer.esito, answer.urlFileAvviso) == ("OK", None)


def test_an_iuv_drawn_is_told_even_when_a_later_step_fails(world: World, client: Any) -> None:
    iud = make_iud()
    importa(client, Versamento(iud))

    answer = importa(client, Versamento(iud), flagGeneraIuv=True)

    assert (answer.esito, answer.fault.faultCode) == ("KO", "PAA_IMPORT_IUD_DUPLICATO")
    assert len(answer.identificativoUnivocoVersamento) == 17
    assert answer.urlFileAvviso is None
    assert [row.iuv for row in versions(world, iud)] == [None]


@pytest.mark.parametrize("today", [date(2024, 4, 29), date(2024, 4, 30)])
def test_a_new_iuv_of_15_digits_is_taken_until_the_day_it_ends(world: World, today: date) -> None:
    runtime = world.runtime
    now = world.clock()
    shift = giorno_di(now) - today
    deed = ImportaDovuto(world.db, runtime.callers, runtime.iuv, runtime.config.iuv_quindici_fino_al + shift)
    richiesta = RichiestaImportaDovuto(encode(Versamento(make_iud(), iuv=VECCHIO).xml), False)

    if today < date(2024, 4, 30):
        assert deed(chi(), richiesta, lambda iuv: None, now).azione == "I"
    else:
        with pytest.raises(Exception, match="15 cifre non sono più ammessi") as refusal:
            deed(chi(), richiesta, lambda iuv: None, now)
        assert refusal.value.code == "PAA_IUV_NON_VALIDO"


@pytest.mark.parametrize("genera_iuv", [True, False])
def test_the_flag_makes_no_old_number_new(world: World, client: Any, genera_iuv: bool) -> None:
    iud = make_iud()
    inserted = importa(client, Versamento(iud, iuv=VECCHIO), flagGeneraIuv=genera_iuv).fault.faultCode
    importa(client, Versamento(iud))

    added = importa(client, Versamento(iud, azione="M", iuv=VECCHIO), flagGeneraIuv=genera_iuv).fault.faultCode

    assert (inserted, added) == ("PAA_IUV_NON_VALIDO", "PAA_IUV_NON_VALIDO")


def test_the_address_of_the_payer_is_repaired_never_refused(world: World, client: Any) -> None:
    iud = make_iud()
    written = Versamento(
        iud, indirizzo="Vìa dell’Unità ☃", civico="1²/À", cap="2010", provincia="xx", nazione="IT"
    )
    abroad = Versamento(make_iud(), cap="SW1A1AA", provincia="MI", nazione="GB")
    nowhere = Versamento(make_iud(), cap="20100", provincia="MI", nazione="ZZ")

    answers = [importa(client, one).esito for one in (written, abroad, nowhere)]

    assert answers == ["OK"] * 3
    payer = versions(world, iud)[0].pagatore
    assert (payer["indirizzo"], payer["civico"]) == ("Via dell Unita", "12/A")
    assert (payer["cap"], payer["provincia"], payer["nazione"]) == (None, None, "IT")
    payer = versions(world, abroad.iud)[0].pagatore
    assert (payer["cap"], payer["provincia"], payer["nazione"]) == ("SW1A1AA", None, "GB")
    payer = versions(world, nowhere.iud)[0].pagatore
    assert (payer["cap"], payer["provincia"], payer["nazione"]) == (None, None, None)


@pytest.mark.parametrize(
    ("switch", "own_cent"), [("originale", 10000), ("aggiunta", 10000), ("inclusa", 9500)]
)
def test_the_secondary_share_stands_beside_the_amount_or_in_it(world: World, switch: str, own_cent: int) -> None:
    world.change(schema.enti, "id", 1, quota_secondaria=switch)
    client = ente_client(open_door(world))
    iud = make_iud()

    answer = importa(client, Versamento(iud), EnteSecondario())

    assert answer.esito == "OK"
    (row,) = versions(world, iud)
    assert (row.importo_cent, row.secondario["importo_cent"]) == (own_cent, 500)
    assert row.secondario["codice_fiscale"] == "98765432103"


@pytest.mark.parametrize(
    ("switch", "share"), [("inclusa", "100.00"), ("originale", "999999900.00")]
)
def test_shares_that_cannot_stand_together_are_refused(world: World, switch: str, share: str) -> None:
    world.change(schema.enti, "id", 1, quota_secondaria=switch)
    iud = make_iud()

    answer = importa(ente_client(open_door(world)), Versamento(iud), EnteSecondario(importo=share))

    assert answer.fault.faultCode == "PAA_IMPORTO_SINGOLO_VERSAMENTO_NON_VALIDO"
    assert versions(world, iud) == []


def test_empty_items_of_the_secondary_list_are_ignored_and_the_iban_is_not_looked_at(world: World, client: Any) -> None:
    iud = make_iud()
    items = [{"dovutiEntiSecondari": b""}, {"dovutiEntiSecondari": EnteSecondario(iban="corto").xml}]

    answer = importa(
        client, Versamento(iud), listaDovutiEntiSecondari={"elementoListaDovutiEntiSecondari": items}
    )

    assert answer.esito == "OK"
    assert versions(world, iud)[0].secondario["iban"] == "corto"


@pytest.mark.parametrize("codice", ["9/0109999IM/", "9/0115119AP/"], ids=["unknown", "ended in 2021"])
def test_a_second_beneficiary_needs_a_code_in_force(world: World, client: Any, codice: str) -> None:
    iud = make_iud()

    answer = importa(client, Versamento(iud), EnteSecondario(dati_specifici=codice))

    assert answer.fault.faultCode == "PAA_DATI_SPECIFICI_RISCOSSIONE_NON_VALIDO"
    assert versions(world, iud) == []


def another_process(world: World) -> Door:
    """A hub over the same database that has looked at nothing yet."""
    callers = Callers(Anagrafe(world.db), world.runtime.config.auth_failures_max)
    return Door(build_wsgi_app(replace(world.runtime, callers=callers)), SOURCE)


def test_a_code_that_ends_stays_with_the_dovuto_that_has_it(world: World, client: Any) -> None:
    iud = make_iud()
    assert importa(client, Versamento(iud, iuv=own_iuv(7)), EnteSecondario()).esito == "OK"
    lay(world.db, changed(_0201102IM={"valido_al": date(2026, 1, 1)}))
    fresh = ente_client(another_process(world))

    refused = importa(fresh, Versamento(make_iud()), EnteSecondario())
    modified = importa(fresh, Versamento(iud, azione="M", iuv=own_iuv(7), causale="Saldo"), EnteSecondario())

    assert refused.fault.faultCode == "PAA_DATI_SPECIFICI_RISCOSSIONE_NON_VALIDO"
    assert modified.esito == "OK"


@pytest.mark.parametrize("digit", "678")
def test_a_document_knows_no_category_beyond_its_facet(client: Any, digit: str) -> None:
    """The contract's pattern is `[0129]/`; flows take the new ones."""
    answer = importa(client, Versamento(make_iud(), dati_specifici=f"{digit}/0101101IM/"))

    assert answer.fault.faultCode == "PAA_XML_NON_VALIDO"


def repeatable(world: World) -> Any:
    world.change(schema.enti, "id", 1, import_ripetuto="riconosciuto")
    return ente_client(open_door(world))


@pytest.mark.parametrize("values", [{"flagGeneraIuv": True}, {}])
def test_an_insertion_whose_answer_was_lost_may_be_sent_again(world: World, values: dict[str, Any]) -> None:
    client = repeatable(world)
    written = Versamento(make_iud(), bilancio="100.00", cap="20100", nazione="IT")

    first, again = (importa(client, written, EnteSecondario(), **values) for _ in range(2))

    (row,) = versions(world, written.iud)
    assert (first.esito, again.esito) == ("OK", "OK")
    assert first.identificativoUnivocoVersamento == again.identificativoUnivocoVersamento == row.iuv
    if values:
        assert [parse_qs(urlsplit(one.urlFileAvviso).query)["id"] for one in (first, again)] == [[row.id]] * 2


@pytest.mark.parametrize(
    "changes", [{"importo": "100.01"}, {"causale": "Altra"}, {"nome": "Altri"}, {"tipo": "MENSA"}, {"iuv": own_iuv(8)}]
)
def test_an_insertion_that_differs_is_a_duplicate_all_the_same(world: World, changes: dict[str, str]) -> None:
    client = repeatable(world)
    iud = make_iud()
    importa(client, Versamento(iud))

    answer = importa(client, Versamento(iud, **changes))

    assert answer.fault.faultCode == "PAA_IMPORT_IUD_DUPLICATO"
    assert len(versions(world, iud)) == 1


def test_an_insertion_of_what_is_in_payment_is_a_duplicate(world: World) -> None:
    client = repeatable(world)
    written = Versamento(make_iud())
    importa(client, written)
    world.change(schema.dovuti, "iud", written.iud, stato="PAGAMENTO_INIZIATO")

    assert importa(client, written).fault.faultCode == "PAA_IMPORT_IUD_DUPLICATO"


def test_a_modification_replaces_everything_and_keeps_the_old_version(world: World, client: Any) -> None:
    iud = make_iud()
    importa(client, Versamento(iud, iuv=own_iuv(2), bilancio="100.00"), EnteSecondario())
    world.clock.advance(1)

    answer = importa(client, Versamento(iud, azione="M", iuv=own_iuv(2), importo="80.00", causale="Saldo"))

    assert (answer.esito, answer.fault) == ("OK", None)
    old, new = versions(world, iud)
    assert (old.stato, old.attuale, old.importo_cent) == ("ANNULLATO", False, 10000)
    assert old.secondario is not None
    assert (new.stato, new.attuale, new.importo_cent, new.causale) == ("INSERIMENTO_DOVUTO", True, 8000, "Saldo")
    assert (new.iuv, new.bilancio_xml, new.secondario) == (own_iuv(2), None, None)
    assert new.id != old.id


def test_a_modification_may_be_sent_again_and_again(world: World, client: Any) -> None:
    iud = make_iud()
    importa(client, Versamento(iud))

    answers = [importa(client, Versamento(iud, azione="M")).esito for _ in range(3)]

    assert answers == ["OK"] * 3
    assert [row.stato for row in versions(world, iud)] == ["ANNULLATO"] * 3 + ["INSERIMENTO_DOVUTO"]


def test_a_modification_may_add_an_iuv_given_or_drawn(world: World, client: Any) -> None:
    given, drawn = make_iud(), make_iud()
    importa(client, Versamento(given))
    importa(client, Versamento(drawn))

    answers = [
        importa(client, Versamento(given, azione="M", iuv=own_iuv(3))),
        importa(client, Versamento(drawn, azione="M"), flagGeneraIuv=True),
    ]

    assert [answer.esito for answer in answers] == ["OK", "OK"]
    assert versions(world, given)[-1].iuv == own_iuv(3)
    assert versions(world, drawn)[-1].iuv == answers[1].identificativoUnivocoVersamento
    assert answers[1].urlFileAvviso is not None and answers[0].urlFileAvviso is None


def test_an_iuv_drawn_by_the_hub_may_be_sent_back_without_the_flag(world: World, client: Any) -> None:
    iud = make_iud()
    iuv = importa(client, Versamento(iud), flagGeneraIuv=True).identificativoUnivocoVersamento

    answer = importa(client, Versamento(iud, azione="M", iuv=iuv))

    assert answer.esito == "OK"
    assert versions(world, iud)[-1].iuv == iuv


def test_a_cancelled_dovuto_keeps_its_values_and_frees_iud_and_iuv(world: World, client: Any) -> None:
    iud = make_iud()
    importa(client, Versamento(iud, iuv=own_iuv(4)))

    cancelled = importa(client, Versamento(iud, azione="A", importo="1.00", tipo="MENSA"))
    again = importa(client, Versamento(iud, azione="A"))
    inserted = importa(client, Versamento(iud, iuv=own_iuv(4)))

    assert cancelled.esito == "OK"
    assert (again.fault.faultCode, again.esito) == ("PAA_SYSTEM_ERROR", "KO")
    assert inserted.esito == "OK"
    old, new = versions(world, iud)
    assert (old.stato, old.importo_cent, old.tipo, old.attuale) == ("ANNULLATO", 10000, "TARI", False)
    assert (new.stato, new.attuale) == ("INSERIMENTO_DOVUTO", True)


def test_an_iud_whose_payment_failed_is_not_free_after_the_cancellation(world: World, client: Any) -> None:
    iud = make_iud()
    importa(client, Versamento(iud))
    (row,) = versions(world, iud)
    failed = row._asdict() | {"id": "f" * 32, "attuale": False, "stato": "COMPLETATO", "codice_esito": 1}
    world.lay(schema.dovuti, **failed)

    assert importa(client, Versamento(iud, azione="A")).esito == "OK"
    assert importa(client, Versamento(iud)).fault.faultCode == "PAA_IMPORT_IUD_DUPLICATO"


def test_a_cancelled_row_does_not_free_the_iud_for_invia_dovuti(world: World, client: Any) -> None:
    iud = make_iud()
    importa(client, Versamento(iud))
    importa(client, Versamento(iud, azione="A"))

    with pytest.raises(Exception, match="già presente") as refusal:
        world.invia(make_documento(make_voce(iud=iud)))

    assert refusal.value.code == "PAA_IUD_DUPLICATO"


def test_a_dovuto_of_another_ente_is_not_there(world: World, client: Any) -> None:
    iud = make_iud()
    importa(client, Versamento(iud, iuv=own_iuv(5)))

    answers = {
        azione: importa(client, Versamento(iud, azione=azione), ente="C_VICINO").fault.faultCode for azione in "MA"
    }
    answers["S"] = importa(client, Versamento(iud, azione="S", iuv=own_iuv(5)), ente="C_VICINO").fault.faultCode
    same = importa(client, Versamento(iud), ente="C_VICINO").esito

    assert answers == {"M": "PAA_SYSTEM_ERROR", "A": "PAA_SYSTEM_ERROR", "S": "PAA_IUV_NON_VALIDO"}
    assert same == "OK"
    assert [row.stato for row in world.rows(schema.dovuti, ente_id=1, iud=iud)] == ["INSERIMENTO_DOVUTO"]


def test_an_application_touches_only_its_tipi_whatever_the_request_says(world: World, client: Any) -> None:
    iud, iuv = make_iud(), own_iuv(6, 2)
    importa(client, Versamento(iud, iuv=iuv), ente="C_VICINO")
    mensa = {"ente": "C_VICINO", "password": PASSWORD_REFEZIONE}

    refused = [
        importa(client, Versamento(iud, azione=azione, iuv=iuv, tipo="MENSA"), **mensa).fault.faultCode
        for azione in "AS"
    ]
    own = importa(client, Versamento(make_iud(), tipo="MENSA"), **mensa).esito

    assert refused == ["PAA_IMPORT_OPERATORE_NO_PERMESSI"] * 2
    assert own == "OK"
    assert world.rows(schema.dovuti, iud=iud)[0].stato == "INSERIMENTO_DOVUTO"


def test_a_tipo_that_vanished_after_the_check_is_refused_by_the_store(world: World, client: Any) -> None:
    assert importa(client, Versamento(make_iud())).esito == "OK"
    world.change(schema.tipi, "codice", "TARI", attivo=False)

    # The process has read the ente a moment ago.
    answer = importa(client, Versamento(make_iud()))

    assert answer.fault.faultCode == "PAA_IMPORT_COD_TIPO_DOVUTO_INESISTENTE"


def test_an_ente_not_yet_active_is_refused_with_serial_zero(client: Any) -> None:
    answer = importa(client, Versamento(make_iud()), ente="C_SPENTO")

    assert (answer.fault.faultCode, answer.fault.serial) == ("PAA_ENTE_NON_VALIDO", 0)


def test_the_print_tells_what_is_stored_not_what_is_asked(world: World, client: Any) -> None:
    iud = make_iud()
    iuv = importa(client, Versamento(iud), EnteSecondario(), flagGeneraIuv=True).identificativoUnivocoVersamento

    answer = importa(client, Versamento(iud, azione="S", iuv=iuv, importo="1.00", causale="Altro", nome="Altri"))

    with zipfile.ZipFile(io.BytesIO(answer.base64ZipAvviso)) as archive:
        (name,) = archive.namelist()
        text = text_of(archive.read(name))
    assert name == f"avviso_12345678903_{iuv}.pdf"
    assert "105,00" in text and "Tassa rifiuti" in text and "Mario Rossi" in text.title()
    assert "Altri" not in text


@pytest.mark.parametrize(
    "attack", ["<", "<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>", "\x00", "a" * 100_000, "<a>" * 5000]
)
def test_hostile_bytes_are_a_fault_and_leave_nothing(world: World, client: Any, attack: str) -> None:
    before = len(world.rows(schema.dovuti))

    answer = importa(client, attack.encode())

    assert answer.fault.faultCode == "PAA_XML_NON_VALIDO"
    assert len(world.rows(schema.dovuti)) == before


def test_of_16_callers_with_one_iud_exactly_one_wins(world: World) -> None:
    runtime = world.runtime
    deed = ImportaDovuto(world.db, runtime.callers, runtime.iuv, runtime.config.iuv_quindici_fino_al)
    richiesta = RichiestaImportaDovuto(encode(Versamento("UGUALE").xml), True)

    def one(_: int) -> str:
        try:
            return deed(chi(), richiesta, lambda iuv: None, world.clock()).azione
        except Exception as refusal:  # noqa: BLE001 - any other outcome must show in the counts
            return getattr(refusal, "code", repr(refusal))

    with ThreadPoolExecutor(16) as pool:
        outcomes = sorted(pool.map(one, range(16)))

    assert outcomes == ["I"] + ["PAA_IMPORT_IUD_DUPLICATO"] * 15
    assert len(versions(world, "UGUALE")) == 1


def test_two_enti_of_one_tax_code_cannot_have_one_iuv(world: World, client: Any) -> None:
    """The lock and the look-up are of the ente: only the unique index sees the other one."""
    world.change(schema.enti, "id", 2, codice_fiscale="12345678903", codice_segregazione="01")
    importa(client, Versamento(make_iud(), iuv=own_iuv(7)))

    answer = importa(ente_client(open_door(world)), Versamento(make_iud(), iuv=own_iuv(7)), ente="C_VICINO")

    assert answer.fault.faultCode == "PAA_IMPORT_IUV_DUPLICATO"
