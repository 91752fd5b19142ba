"""The cases of the public suites about notices, turned around into what the hub must answer. Source: node, 8.1."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from adapters.ente.fake import Comportamento, Guasto
from hub.domain.archivio import PosizioneEsterna
from hub.domain.errors import HubError
from hub.domain.iuv import build_iuv
from hub.soap.nodo.pa_for_node import PATH
from hub.store import schema
from tests.factories import HASH_MARCA, make_documento, make_voce
from tests.flows.casi.presa import ScenaAvviso
from tests.flows.casi.ricevute import Caso
from tests.soap.avvisi import SECONDARIO
from tests.soap.test_paDemandPaymentNotice import DATI
from tests.world import INTERMEDIARIO, STAZIONE

VERIFY, GET, GET_V2 = "paVerifyPaymentNotice", "paGetPayment", "paGetPaymentV2"
VICINO = "98765432103"
MARCA = {"tipo_bollo": "01", "hash_documento": HASH_MARCA, "provincia_residenza": "RM"}
POSTALE = "IT66X0760103200000012345678"
# Laid before the hub is served: what belongs to an ente is held for a moment.
TIPI = {
    "BOLLETTINO": {"iban_postale": POSTALE},
    "POSTA": {"iban": POSTALE},
    "UFFICIO": {"settore": "U" * 50},
    "NOTE": {"metadati": {f"chiave {number}": "v" * 140 for number in range(15)}},
    "CONTO_ERRATO": {"iban": "IT00X0542811101000000123456"},
}
CASI: list[Caso] = []
Play = Callable[[ScenaAvviso], None]


def caso(number: int, source: str, words: str) -> Callable[[Play], Play]:
    def keep(play: Play) -> Play:
        CASI.append(Caso(number, source, words, play))  # type: ignore[arg-type]
        return play

    return keep


def transfers(answer):
    return answer.data.transferList.transfer


@caso(1, "EC-PSP-01", "verify an open notice")
def open_notice(scena: ScenaAvviso) -> None:
    row = scena.notice()
    answer = scena.ask(VERIFY)
    option = answer.paymentList.paymentOptionDescription
    assert (str(option.amount), option.options, option.dueDate, option.allCCP) == ("50.00", "EQ", row.scadenza, False)
    assert (answer.paymentDescription, answer.companyName) == ("Tassa rifiuti 2026", "Comune di Prova")
    other = scena.new_iuv()
    scena.world.lay_avviso(other, tipo="POSTA")
    assert scena.nodo.verify("3" + other).paymentList.paymentOptionDescription.allCCP is True


@caso(2, "SIN_PVPNR_11-16", "exactly one option")
def one_option(scena: ScenaAvviso) -> None:
    scena.notice()
    scena.option()
    assert scena.raw.count(b"<paymentOptionDescription>") == scena.raw.count(b"<paymentList>") == 1


@caso(3, "SIN_PVPNR_17-21", "amounts as text")
def amounts(scena: ScenaAvviso) -> None:
    for cent, text in ((1130, b"11.30"), (1, b"0.01"), (99_999_999_999, b"999999999.99")):
        iuv = scena.new_iuv()
        scena.world.lay_avviso(iuv, importo_cent=cent)
        assert scena.code(avviso="3" + iuv) == "OK"
        assert b"<amount>" + text + b"</amount>" in scena.raw


@caso(4, "SIN_PVPNR_26-27", "no due date")
def no_due_date(scena: ScenaAvviso) -> None:
    scena.notice(scadenza=None)
    assert scena.code() == "OK" and b"dueDate" not in scena.raw


@caso(5, "SIN_PVPNR_34", "what is optional by schema and needed in fact")
def needed(scena: ScenaAvviso) -> None:
    scena.notice()
    answer = scena.ask(VERIFY)
    assert answer.paymentDescription and answer.fiscalCodePA == INTERMEDIARIO and answer.companyName


@caso(6, "SIN_PVPNR_45-46", "office name")
def office(scena: ScenaAvviso) -> None:
    scena.notice()
    assert scena.ask(VERIFY).officeName is None and b"officeName" not in scena.raw
    other = scena.new_iuv()
    scena.world.lay_avviso(other, tipo="UFFICIO")
    assert scena.nodo.verify("3" + other).officeName == "U" * 50


@caso(7, "SIN_PVPNR_10", "a KO carries a whole fault")
def whole_fault(scena: ScenaAvviso) -> None:
    answer = scena.ask(VERIFY)
    assert (answer.outcome, answer.fault.faultCode) == ("KO", "PAA_PAGAMENTO_SCONOSCIUTO")
    assert answer.fault.faultString and answer.fault.id == INTERMEDIARIO


@caso(8, "faultCode", "an unknown notice")
def unknown(scena: ScenaAvviso) -> None:
    assert [scena.code(one) for one in (VERIFY, GET, GET_V2)] == ["PAA_PAGAMENTO_SCONOSCIUTO"] * 3


@caso(9, "faultCode", "a paid notice")
def paid(scena: ScenaAvviso) -> None:
    scena.notice(stato="COMPLETATO", codice_esito=0, importo_pagato_cent=5000)
    assert scena.code() == "PAA_PAGAMENTO_DUPLICATO"


@caso(10, "faultCode", "expired, not payable late")
def expired(scena: ScenaAvviso) -> None:
    scena.notice(tipo="SANZIONE", scadenza=date(2020, 1, 1))
    assert scena.code() == "PAA_PAGAMENTO_SCADUTO"


@caso(11, "faultCode", "cancelled")
def cancelled(scena: ScenaAvviso) -> None:
    scena.notice(stato="ANNULLATO", attuale=False)
    assert scena.code() == "PAA_PAGAMENTO_ANNULLATO"


@caso(12, "faultCode", "a classic RPT without outcome, then the end of its lock")
def locked(scena: ScenaAvviso) -> None:
    scena.notice()
    id_session = scena.world.attempt(iuv=scena.iuv)
    tentativo = scena.world.tentativo(id_session)
    assert scena.code() == "PAA_PAGAMENTO_IN_CORSO"
    long_ago = tentativo.created_at - timedelta(minutes=31)
    scena.world.change(schema.tentativi, "id", tentativo.id, created_at=long_ago)
    assert scena.code() == "OK"


@caso(13, "faultCode", "an ente that is not ours")
def other_ente(scena: ScenaAvviso) -> None:
    assert scena.code(idPA="00000000000") == "PAA_ID_DOMINIO_ERRATO"


@caso(14, "faultCode", "a wrong broker")
def other_broker(scena: ScenaAvviso) -> None:
    assert scena.code(idBrokerPA="00000000000") == "PAA_ID_INTERMEDIARIO_ERRATO"


@caso(15, "faultCode", "a wrong station")
def other_station(scena: ScenaAvviso) -> None:
    assert scena.code(idStation="00000000000_01") == "PAA_STAZIONE_INT_ERRATA"


@caso(16, "faultCode", "a malformed request")
def malformed(scena: ScenaAvviso) -> None:
    asked = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><p:paVerifyPaymentNoticeReq '
        f'xmlns:p="http://pagopa-api.pagopa.gov.it/pa/paForNode.xsd"><idPA>{INTERMEDIARIO}</idPA><idBrokerPA>'
        f"{INTERMEDIARIO}</idBrokerPA><idStation>{STAZIONE}</idStation></p:paVerifyPaymentNoticeReq></s:Body></s:Envelope>"
    )
    answer = scena.door.post(PATH, asked.encode(), {})
    assert answer.status == 200 and b"<outcome>KO</outcome>" in answer.body
    assert b"<faultCode>PAA_SINTASSI_EXTRAXSD</faultCode>" in answer.body


def _of_the_other_ente(scena: ScenaAvviso, *behaviours: Comportamento) -> dict[str, str]:
    """A notice of the ente that answers by itself, and what its archive will do."""
    scena.iuv = build_iuv(2, int(scena.iuv[4:15]))
    scena.world.lay_avviso(scena.iuv, ente_id=2, dominio=VICINO)
    scena.archivio.posizioni[scena.avviso] = PosizioneEsterna(6250, "TARI", codice_fiscale=VICINO, nome_ente="Vicino")
    scena.archivio.script.extend(behaviours)
    return {"idPA": VICINO}


@caso(17, "faultCode", "the back end of the ente is down")
def back_end_down(scena: ScenaAvviso) -> None:
    asked = _of_the_other_ente(scena, Comportamento(Guasto.CHIUDE))
    assert scena.code(**asked) == "PAA_SYSTEM_ERROR"
    assert scena.code(**asked) == "OK" and b"<amount>62.50</amount>" in scena.raw


@caso(18, "faultCode (timeout)", "the ente is slow: the hub answers before the node gives up")
def back_end_slow(scena: ScenaAvviso) -> None:
    asked = _of_the_other_ente(scena, Comportamento(Guasto.GOCCIA))
    assert scena.code(**asked) == "PAA_SYSTEM_ERROR"
    assert scena.code(GET, **asked) == "OK"


@caso(19, "EC-PSP-02", "get, then the receipt")
def pay_single(scena: ScenaAvviso) -> None:
    scena.notice()
    answer = scena.ask(GET)
    assert sum(one.transferAmount for one in transfers(answer)) == answer.data.paymentAmount
    assert scena.code() == "OK"
    assert scena.receipt("paSendRT") == "OK"
    assert scena.dovuto().stato == "COMPLETATO" and scena.code() == "PAA_PAGAMENTO_DUPLICATO"


@caso(20, "EC-PSP-02M", "get with two beneficiaries")
def pay_two(scena: ScenaAvviso) -> None:
    scena.notice(secondario=SECONDARIO)
    told = [(one.fiscalCodePA, one.IBAN) for one in transfers(scena.ask(GET_V2))]
    assert told == [(INTERMEDIARIO, "IT60X0542811101000000123456"), (VICINO, SECONDARIO["iban"])]


@caso(21, "SEM_PGPR_01", "the amount changed after verify")
def changed(scena: ScenaAvviso) -> None:
    row = scena.notice()
    assert str(scena.option().amount) == "50.00"
    scena.world.change(schema.dovuti, "id", row.id, importo_cent=4000)
    assert str(scena.ask(GET, amount="50.00").data.paymentAmount) == "40.00"


@caso(22, "SEM_PGPR_03", "a transfer to somebody who is no ente")
def no_ente(scena: ScenaAvviso) -> None:
    scena.notice(secondario={**SECONDARIO, "codice_fiscale": "00000000001"})
    assert [scena.code(one) for one in (GET, GET_V2)] == ["PAA_SEMANTICA"] * 2


@caso(23, "SEM_PGPR_05", "an account that is none")
def no_account(scena: ScenaAvviso) -> None:
    scena.notice(tipo="CONTO_ERRATO")
    assert [scena.code(one) for one in (GET, GET_V2)] == ["PAA_SEMANTICA"] * 2


@caso(24, "SIN_PGPR_23-25", "get always has a due date")
def due_date(scena: ScenaAvviso) -> None:
    scena.notice(scadenza=None)
    assert scena.ask(GET).data.dueDate == date(2099, 12, 31)


@caso(25, "SIN_PGPR_39-43", "long texts are cut, empty ones left out")
def long_texts(scena: ScenaAvviso) -> None:
    scena.notice(causale="c" * 1024)
    answer = scena.ask(GET)
    assert (len(answer.data.description), len(transfers(answer)[0].remittanceInformation)) == (140, 140)


@caso(26, "SIN_PGPR_52-58", "a debtor outside the contract")
def debtor(scena: ScenaAvviso) -> None:
    scena.notice(pagatore={"tipo": "X", "codice": "A" * 17, "anagrafica": "N" * 80})
    told = scena.ask(GET).data.debtor
    identifier = told.uniqueIdentifier
    assert (identifier.entityUniqueIdentifierType, identifier.entityUniqueIdentifierValue) == ("F", "ANONIMO")
    assert told.fullName == "N" * 70


@caso(27, "SIN_PGPR_75-81", "country and mail of the debtor")
def country_and_mail(scena: ScenaAvviso) -> None:
    for nazione, told in (("ITA", None), ("it", "IT"), ("IT", "IT")):
        iuv = scena.new_iuv()
        who = {"tipo": "F", "codice": "RSSMRA80A01H501U", "anagrafica": "Rossi", "nazione": nazione, "email": "a@@b"}
        scena.world.lay_avviso(iuv, pagatore=who)
        answer = scena.ask(GET, avviso="3" + iuv).data.debtor
        assert (answer.country, answer["e-mail"]) == (told, None)


@caso(28, "SIN_PGPR_87", "more than five lines")
def six_lines(scena: ScenaAvviso) -> None:
    try:
        scena.world.invia(make_documento(*(make_voce() for _ in range(6))))
        raise AssertionError("six lines were taken")
    except HubError:
        pass
    for posizione in range(1, 7):
        scena.notice_line(posizione)
    assert [scena.code(one) for one in (GET, GET_V2)] == ["PAA_SEMANTICA"] * 2


@caso(29, "SIN_PGPR_90-92", "five lines, numbered once each")
def five_lines(scena: ScenaAvviso) -> None:
    for posizione in range(1, 6):
        scena.notice_line(posizione)
    for operation in (GET, GET_V2):
        assert [one.idTransfer for one in transfers(scena.ask(operation))] == [1, 2, 3, 4, 5]


@caso(30, "SIN_PGPR_114-121", "metadata: none, and as many as there may be")
def metadata(scena: ScenaAvviso) -> None:
    scena.notice()
    assert scena.ask(GET).data.metadata is None and b"metadata" not in scena.raw
    other = scena.new_iuv()
    scena.world.lay_avviso(other, tipo="NOTE")
    entries = scena.ask(GET_V2, avviso="3" + other).data.metadata.mapEntry
    assert len(entries) == 15 and all(entry.key and entry.value for entry in entries)


@caso(31, "3.0.5", "two gets in a row")
def two_gets(scena: ScenaAvviso) -> None:
    scena.notice()
    assert [scena.code(GET), scena.code(GET_V2), scena.code()] == ["OK"] * 3


@caso(32, "verificaBollettino", "postal accounts, when every line has one")
def postal(scena: ScenaAvviso) -> None:
    scena.notice(tipo="BOLLETTINO")
    told = [transfers(scena.ask(GET, transferType=kind))[0].IBAN for kind in ("POSTAL", "PAGOPA")]
    assert told == [POSTALE, "IT60X0542811101000000123456"]


@caso(33, "NMU_MBD_activateV2", "one account and one stamp; five stamps")
def stamps(scena: ScenaAvviso) -> None:
    scena.notice_line(1)
    scena.notice_line(2, marca=MARCA, importo_cent=1600)
    one, two = transfers(scena.ask(GET_V2))
    assert (one.richiestaMarcaDaBollo, two.IBAN) == (None, None)
    assert f"<hashDocumento>{HASH_MARCA}</hashDocumento>".encode() in scena.raw and len(HASH_MARCA) == 44
    scena.iuv = scena.new_iuv()
    for posizione in range(1, 6):
        scena.notice_line(posizione, marca=MARCA, importo_cent=1600)
    assert all(one.IBAN is None for one in transfers(scena.ask(GET_V2)))


@caso(34, "V1 has no stamp", "a stamp with V1")
def stamp_in_v1(scena: ScenaAvviso) -> None:
    scena.notice(marca=MARCA, importo_cent=1600)
    assert scena.code(GET) == "PAA_SEMANTICA"


def _demand(scena: ScenaAvviso, servizio: str):
    client = scena.nodo._client
    dati = DATI.replace("AB123CD", scena.iuv).encode()
    return client.paDemandPaymentNotice(INTERMEDIARIO, INTERMEDIARIO, STAZIONE, servizio, "00002", dati)


@caso(35, "TRES_PDPN_03-41", "a notice on demand")
def on_demand(scena: ScenaAvviso) -> None:
    answer = _demand(scena, "00001")
    assert (answer.outcome, answer.qrCode.fiscalCode, answer.fiscalCodePA) == ("OK", INTERMEDIARIO, INTERMEDIARIO)
    assert answer.paymentList and answer.paymentDescription and answer.companyName
    assert scena.code(avviso=answer.qrCode.noticeNumber) == "OK"


@caso(36, "unsupported", "a service that the ente has not")
def unsupported(scena: ScenaAvviso) -> None:
    answer = _demand(scena, "00009")
    assert (answer.outcome, answer.fault.faultCode) == ("KO", "PAA_SEMANTICA") and answer.fault.description


def lines(green: int, red: int) -> list[str]:
    """What became of the cases: plays, one for each database, that passed and failed."""
    return [f"cases about notices (node, 8.1): {len(CASI)} cases, 0 not applicable; {green} plays green, {red} red"]
