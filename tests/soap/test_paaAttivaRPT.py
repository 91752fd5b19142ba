"""paaVerificaRPT and paaAttivaRPT through their contract. Source: node, 3.7, 3.8, 3.0.6 (same key), 3.0.5 (locking)."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from hub.domain.delivery import Delivery, Outcome
from hub.formats.rpt import read_rpt
from hub.soap.nodo.ccp import PATH
from hub.store import schema
from tests.factories import HASH_MARCA
from tests.soap.avvisi import IUV, SECONDARIO, Nodo
from tests.soap.zeep_client import Door, ccp_client, open_door
from tests.world import INTERMEDIARIO, STAZIONE, World

NS = "http://ws.pagamenti.telematici.gov/"
CHIAVI = ("identificativoIntermediarioPA", "identificativoStazioneIntermediarioPA", "identificativoDominio",
          "identificativoUnivocoVersamento", "codiceContestoPagamento")  # fmt: skip
MARCA = {"tipo_bollo": "01", "hash_documento": HASH_MARCA, "provincia_residenza": "RM"}
PAGATO = {"stato": "COMPLETATO", "codice_esito": 0, "importo_pagato_cent": 5000}


class Classico:
    """The node at the door `PagamentiTelematiciCCP`; every answer's bytes are valid or the call fails."""

    def __init__(self, world: World | None = None, door: Door | None = None) -> None:
        assert world is not None or door is not None
        self.door: Door = door or open_door(world)  # type: ignore[arg-type]
        self._client = ccp_client(self.door)

    def verifica(self, **header: str) -> Any:
        return self._client.paaVerificaRPT(identificativoPSP="PSP01", _soapheaders=intestazione(**header))

    def attiva(self, importo: str = "50.00", versante: Any = None, **header: str) -> Any:
        return self._client.paaAttivaRPT(
            identificativoPSP="PSP01",
            datiPagamentoPSP={"importoSingoloVersamento": importo, "soggettoVersante": versante},
            identificativoIntermediarioPSP="97735020584",
            identificativoCanalePSP="97735020584_07",
            _soapheaders=intestazione(**header),
        )


def intestazione(**values: str) -> list[etree._Element]:
    element = etree.Element(f"{{{NS}ppthead}}intestazionePPT")
    good = dict(zip(CHIAVI, (INTERMEDIARIO, STAZIONE, INTERMEDIARIO, IUV, "token-1"), strict=True))
    for name, text in (good | values).items():
        etree.SubElement(element, name).text = text
    return [element]


def code(answer: Any) -> str:
    assert (answer.esito == "OK") == (answer.fault is None)
    return "OK" if answer.fault is None else str(answer.fault.faultCode)


def test_a_notice_is_verified_with_one_amount_and_one_account(world):
    world.lay_avviso(importo_cent=1130)

    answer = Classico(world).verifica()

    dati = answer.datiPagamentoPA
    assert (code(answer), str(dati.importoSingoloVersamento), dati.ibanAccredito) == (
        "OK",
        "11.30",
        "IT60X0542811101000000123456",
    )
    assert (dati.causaleVersamento, dati.enteBeneficiario.denominazioneBeneficiario) == (
        "Tassa rifiuti 2026",
        "Comune di Prova",
    )


def test_an_activation_leaves_an_rpt_with_the_words_of_the_psp(world):
    world.lay_avviso()
    versante = {
        "identificativoUnivocoVersante": {
            "tipoIdentificativoUnivoco": "F",
            "codiceIdentificativoUnivoco": "VRDLGU70A01H501X",
        },
        "anagraficaVersante": "Luigi Verdi",
    }

    answer = Classico(world).attiva(versante=versante)
    (message,) = world.rows(schema.outbox)
    world.relay()

    (tentativo,) = world.rows(schema.tentativi)
    (activation,) = world.rows(schema.attivazioni_ccp)
    rpt = read_rpt(bytes(tentativo.rpt))
    assert (code(answer), message.topic, message.chiave) == ("OK", "nodo.rpt", tentativo.id)
    assert (rpt.tipo_versamento, rpt.ccp, rpt.iuv, len(rpt.versamenti)) == ("PO", "token-1", IUV, 1)
    assert rpt.versante is not None and rpt.versante.anagrafica == "Luigi Verdi"
    assert (activation.psp, activation.canale) == ("PSP01", "97735020584_07")
    sent = world.nodo.received[0]
    for text in ("nodoInviaRPT", "<identificativoPSP>PSP01<", "<identificativoCanale>97735020584_07<"):
        assert text.encode() in sent
    assert (tentativo.stato, world.one(schema.dovuti, iuv=IUV).stato) == ("ACCETTATO", "PAGAMENTO_INIZIATO")


def test_a_wrong_amount_is_refused_with_the_right_one(world):
    world.lay_avviso()

    answer = Classico(world).attiva("49.99")

    assert code(answer) == "PAA_ATTIVA_RPT_IMPORTO_NON_VALIDO"
    assert str(answer.datiPagamentoPA.importoSingoloVersamento) == "50.00"
    assert world.rows(schema.tentativi) == []


def test_the_same_key_again_is_in_progress_and_makes_one_attempt(world):
    world.lay_avviso()
    node = Classico(world)

    codes = [code(node.attiva()) for _ in range(2)]
    world.clock.advance(1801)
    codes.append(code(node.attiva()))

    assert codes == ["OK", "PAA_PAGAMENTO_IN_CORSO", "PAA_PAGAMENTO_IN_CORSO"]
    assert len(world.rows(schema.tentativi)) == len(world.rows(schema.outbox)) == 1


def test_another_psp_may_activate_once_the_lock_has_lapsed(world):
    """The first attempt stays open for whoever looks for its outcome. Source: node, 3.0.5."""
    world.lay_avviso()
    node = Classico(world)
    node.attiva()
    world.relay()

    before = code(node.attiva(codiceContestoPagamento="token-2"))
    world.clock.advance(1801)
    after = code(node.attiva(codiceContestoPagamento="token-2"))

    assert (before, after) == ("PAA_PAGAMENTO_IN_CORSO", "OK")
    told = {row.ccp: (row.stato, row.superato_at is not None) for row in world.rows(schema.tentativi)}
    assert told == {"token-1": ("ACCETTATO", True), "token-2": ("DA_INVIARE", False)}
    assert len(world.rows(schema.carrelli)) == 1


def test_an_activation_that_the_node_refuses_frees_the_notice(world):
    """The RPT came too late. Source: node, 8.3, case 66."""
    world.lay_avviso()
    node = Classico(world)
    node.attiva()
    world.nodo.sends.append(Delivery(Outcome.REFUSED, "PPT_SEMANTICA"))
    world.relay()

    (tentativo,) = world.rows(schema.tentativi)
    assert (tentativo.stato, world.one(schema.carrelli).stato) == ("RIFIUTATO", "NON_PAGATO")
    assert code(node.verifica()) == "OK"
    assert code(node.attiva(codiceContestoPagamento="token-2")) == "OK"


def test_a_classic_activation_locks_the_new_model_too(world):
    world.lay_avviso()
    Classico(world).attiva()
    nodo = Nodo(world)

    before = nodo.code("paVerifyPaymentNotice")
    world.clock.advance(1801)

    assert (before, nodo.code("paVerifyPaymentNotice")) == ("PAA_PAGAMENTO_IN_CORSO", "OK")


@pytest.mark.parametrize("operation", ["verifica", "attiva"])
@pytest.mark.parametrize(
    ("expected", "header", "values"),
    [
        ("PAA_ID_INTERMEDIARIO_ERRATO", {"identificativoIntermediarioPA": "0"}, {}),
        ("PAA_STAZIONE_INT_ERRATA", {"identificativoStazioneIntermediarioPA": "0"}, {}),
        ("PAA_ID_DOMINIO_ERRATO", {"identificativoDominio": "00000000000"}, {}),
        ("PAA_PAGAMENTO_SCONOSCIUTO", {"identificativoUnivocoVersamento": "RF45W9"}, {}),
        ("PAA_PAGAMENTO_ANNULLATO", {}, {"stato": "ANNULLATO", "attuale": False}),
        ("PAA_PAGAMENTO_DUPLICATO", {}, PAGATO),
        ("PAA_PAGAMENTO_SCADUTO", {}, {"stato": "SCADUTO"}),
        ("PAA_SEMANTICA", {}, {"secondario": SECONDARIO}),
        ("PAA_SEMANTICA", {}, {"marca": MARCA}),
    ],
)
def test_what_may_not_be_paid_gets_its_code(small_world, operation, expected, header, values):
    small_world.lay_avviso(**values)

    answer = getattr(Classico(small_world), operation)(**header)

    assert code(answer) == expected
    assert answer.fault.id == header.get("identificativoDominio", INTERMEDIARIO)
    assert answer.datiPagamentoPA is None and small_world.rows(schema.tentativi) == []


def test_a_context_that_is_none_is_refused(small_world):
    small_world.lay_avviso()

    assert code(Classico(small_world).attiva(codiceContestoPagamento="n/a")) == "PAA_SEMANTICA"


@pytest.mark.parametrize(
    "body",
    [
        f'<p:paaVerificaRPT xmlns:p="{NS}"><identificativoPSP>PSP01</identificativoPSP></p:paaVerificaRPT>',
        f'<p:paaVerificaRPT xmlns:p="{NS}"/>',
    ],
    ids=["no header", "no PSP"],
)
def test_a_request_outside_the_contract_is_a_ko(small_world, body):
    door = open_door(small_world)
    envelope = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'

    answer = door.post(PATH, envelope.encode(), {})

    assert answer.status == 200
    assert b"<paaVerificaRPTRisposta><fault><faultCode>PAA_SINTASSI_EXTRAXSD</faultCode>" in answer.body
    assert b"<esito>KO</esito>" in answer.body
