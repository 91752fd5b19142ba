"""paaInviaRT through its contract: what the node reads decides whether it sends the receipt again.

Source: node, paaInviaRT (3.9), policy of the KO (3.0.7).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import zeep
from lxml import etree

from hub.formats.resources import resource
from hub.soap.contract import load_contract
from hub.soap.nodo import PATH
from tests.factories import encode, make_rt
from tests.soap.zeep_client import Answer, Door, check_answer, nodo_client, open_door
from tests.world import INTERMEDIARIO, STAZIONE, World

NS = "http://ws.pagamenti.telematici.gov/"


def header(tentativo: Any, **values: str) -> list[etree._Element]:
    fields = {
        "identificativoIntermediarioPA": INTERMEDIARIO,
        "identificativoStazioneIntermediarioPA": STAZIONE,
        "identificativoDominio": tentativo.dominio,
        "identificativoUnivocoVersamento": tentativo.iuv,
        "codiceContestoPagamento": tentativo.ccp,
    }
    element = etree.Element(f"{{{NS}ppthead}}intestazionePPT")
    for name, text in (fields | values).items():
        etree.SubElement(element, name).text = text
    return [element]


def send(door: Door, tentativo: Any, raw: bytes, **values: str) -> Any:
    client = nodo_client(door)
    return client.paaInviaRT(tipoFirma="0", rt=raw, _soapheaders=header(tentativo, **values))


def begun(world: World) -> tuple[str, Any, bytes]:
    id_session = world.begin()
    tentativo = world.tentativo(id_session)
    return id_session, tentativo, make_rt(bytes(tentativo.rpt))


def test_a_good_receipt_is_ok_and_kept(world):
    id_session, tentativo, raw = begun(world)

    answer = send(open_door(world), tentativo, raw)

    assert (answer.esito, answer.fault) == ("OK", None)
    assert [bytes(row.raw) for row in world.ricevute()] == [raw]
    world.apply()
    assert world.carrello(id_session).stato == "PAGATO"


def test_the_same_receipt_again_is_ok_and_one_row(world):
    _, tentativo, raw = begun(world)
    door = open_door(world)

    answers = [send(door, tentativo, raw).esito for _ in range(2)]

    assert answers == ["OK", "OK"]
    assert len(world.ricevute()) == 1


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("identificativoIntermediarioPA", "00000000000", "PAA_ID_INTERMEDIARIO_ERRATO"),
        ("identificativoStazioneIntermediarioPA", "12345678903_99", "PAA_STAZIONE_INT_ERRATA"),
        ("identificativoDominio", "00000000000", "PAA_ID_DOMINIO_ERRATO"),
        ("codiceContestoPagamento", "altro", "PAA_RPT_SCONOSCIUTA"),
    ],
)
def test_a_refusal_is_a_ko_with_the_dominio_as_id(small_world, field, value, code):
    _, tentativo, raw = begun(small_world)
    door = open_door(small_world)

    answer = send(door, tentativo, raw, **{field: value})

    assert (door.last.status, answer.esito, answer.fault.faultCode) == (200, "KO", code)
    assert answer.fault.id == (value if field == "identificativoDominio" else tentativo.dominio)
    assert answer.fault.faultString and answer.fault.description


def test_a_receipt_that_contradicts_its_rpt_is_paa_semantica(small_world):
    _, tentativo, raw = begun(small_world)

    answer = send(open_door(small_world), tentativo, raw.replace(tentativo.id_messaggio.encode(), b"f" * 32))

    assert (answer.esito, answer.fault.faultCode) == ("KO", "PAA_SEMANTICA")
    assert small_world.ricevute()[0].stato == "QUARANTENA"


def test_a_receipt_that_cannot_be_read_is_paa_sintassi_xsd(small_world):
    _, tentativo, _ = begun(small_world)

    answer = send(open_door(small_world), tentativo, b"non xml")

    assert (answer.esito, answer.fault.faultCode) == ("KO", "PAA_SINTASSI_XSD")
    assert [bytes(row.raw) for row in small_world.ricevute()] == [b"non xml"]


def post(world: World, body: str, head: str) -> Answer:
    envelope = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:w="{NS}"><s:Header>{head}</s:Header>'
        f"<s:Body><w:paaInviaRT>{body}</w:paaInviaRT></s:Body></s:Envelope>"
    )
    answer = open_door(world).post(PATH, envelope.encode(), {})
    check_answer(answer, load_contract(resource("wsdl", "PaPerNodo.wsdl")).schema)
    return answer


def head_of(tentativo: Any) -> str:
    return etree.tostring(header(tentativo)[0], encoding="unicode")


@pytest.mark.parametrize(
    "body",
    ["", "<tipoFirma>0</tipoFirma>", "<tipoFirma>0</tipoFirma><rt/>"],
    ids=["empty", "without_rt", "empty_rt"],
)
def test_a_request_outside_the_contract_is_a_ko_not_a_soap_fault(small_world, body):
    _, tentativo, _ = begun(small_world)

    answer = post(small_world, body, head_of(tentativo))

    assert answer.status == 200
    assert b"<faultCode>PAA_SINTASSI_EXTRAXSD</faultCode>" in answer.body and b"<esito>KO</esito>" in answer.body
    assert small_world.ricevute() == []


def test_a_receipt_that_is_refused_is_told_of_the_contract_first(small_world):
    """`tipoFirma` is missing, and the bytes are no receipt: the contract is the first check of the two."""
    _, tentativo, _ = begun(small_world)

    answer = post(small_world, "<rt>QQ==</rt>", head_of(tentativo))

    assert answer.status == 200
    assert b"<faultCode>PAA_SINTASSI_EXTRAXSD</faultCode>" in answer.body and b"<esito>KO</esito>" in answer.body
    assert [bytes(row.raw) for row in small_world.ricevute()] == [b"A"]


def test_a_receipt_that_is_not_base64_is_a_ko(small_world):
    _, tentativo, _ = begun(small_world)

    answer = post(small_world, "<tipoFirma>0</tipoFirma><rt>***</rt>", head_of(tentativo))

    assert [bytes(row.raw) for row in small_world.ricevute()] == [b"***"]
    assert answer.status == 200
    assert b"<faultCode>PAA_SINTASSI_" in answer.body and b"<esito>KO</esito>" in answer.body


def test_a_missing_header_is_a_ko_and_the_bytes_are_kept(small_world):
    _, _, raw = begun(small_world)

    answer = post(small_world, f"<tipoFirma>0</tipoFirma><rt>{encode(raw)}</rt>", "")

    assert (answer.status, b"PAA_SINTASSI_EXTRAXSD" in answer.body) == (200, True)
    assert [(bytes(row.raw), row.stato) for row in small_world.ricevute()] == [(raw, "RESPINTA")]


def test_what_the_contract_has_against_a_good_receipt_does_not_lose_it(small_world):
    id_session, tentativo, raw = begun(small_world)

    answer = post(small_world, f"<nuovo/><rt>{encode(raw)}</rt>", head_of(tentativo))
    small_world.apply()

    assert b"<esito>OK</esito>" in answer.body
    assert small_world.carrello(id_session).stato == "PAGATO"


def test_the_converter_is_told_the_one_refusal_after_which_it_sends_again(small_world):
    """Source: node, WISP converter (1.3, 7), policy of the KO (3.0.7)."""
    _, tentativo, raw = begun(small_world)
    config = small_world.runtime.config.model_copy(update={"stazioni_convertitore": (STAZIONE,)})
    small_world.runtime = replace(small_world.runtime, config=config)
    door = open_door(small_world)
    with small_world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE rt_ricevute RENAME TO altrove")

    refused = send(door, tentativo, raw)
    with small_world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE altrove RENAME TO rt_ricevute")

    assert (door.last.status, refused.esito, refused.fault.faultCode) == (200, "KO", "PAA_SYSTEM_ERROR")
    assert send(door, tentativo, raw).esito == "OK"


def test_base64_with_line_breaks_is_read(small_world):
    _, tentativo, raw = begun(small_world)
    text = encode(raw)
    broken = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))

    answer = post(small_world, f"<tipoFirma/><rt>\n{broken}\n</rt>", head_of(tentativo))

    assert b"<esito>OK</esito>" in answer.body
    assert bytes(small_world.ricevute()[0].raw) == raw


def test_bytes_that_could_not_be_kept_are_503_so_that_the_node_sends_again(small_world):
    """A well-formed KO would end the receipt's road: never that, nothing that looks like an answer."""
    _, tentativo, raw = begun(small_world)
    with small_world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE rt_ricevute RENAME TO altrove")
    door = open_door(small_world)

    with pytest.raises(zeep.exceptions.Fault):
        send(door, tentativo, raw)

    assert door.last.status == 503
    assert int(door.last.headers["Retry-After"]) > 0
    assert b"esito" not in door.last.body and b"PAA_" not in door.last.body


def test_after_the_database_is_back_the_same_receipt_is_taken(small_world):
    _, tentativo, raw = begun(small_world)
    door = open_door(small_world)
    with small_world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE rt_ricevute RENAME TO altrove")
    with pytest.raises(zeep.exceptions.Fault):
        send(door, tentativo, raw)
    with small_world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE altrove RENAME TO rt_ricevute")

    assert send(door, tentativo, raw).esito == "OK"
