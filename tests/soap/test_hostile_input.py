"""Whatever arrives, the door answers with SOAP, says nothing of another request and writes no content to the log."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import structlog

from hub.domain.errors import TroppiTentativi
from hub.soap.server import Wsgi
from tests.soap.door import (
    CODICE_FISCALE,
    DOVUTI,
    ENTE,
    HEADER,
    MAX_BYTES,
    SECRET,
    SOAP_ENV,
    call,
    door,
    envelope,
    invia,
)

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
MUST = f'<x:Sicurezza xmlns:x="urn:x" xmlns:s="{SOAP_ENV}" s:mustUnderstand="1"/>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.fixture(scope="module")
def wsgi() -> Wsgi:
    return door()


class NotToBeRead:
    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


class Endless:
    """A chunked body without end; counts what is taken from it."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        self.taken += size
        return b"a" * size


def with_dtd(dtd: str, text: str = "QUJD") -> bytes:
    return f"<!DOCTYPE x [{dtd}]>".encode() + envelope(invia(f"<password>{SECRET}</password><dovuti>{text}</dovuti>"))


def test_a_good_request_is_answered(wsgi: Wsgi) -> None:
    answer = call(wsgi, envelope(invia()))

    assert (answer.status, answer.fault) == (200, None)
    assert [(child.tag, child.text) for child in answer.payload] == [
        ("esito", "OK"),
        ("idSession", "QUJD"),
        ("redirect", "1"),
        ("url", "C_PROVA"),
    ]


MALFORMED = {
    "syntax error": b"<a" + SECRET.encode(),
    "not xml": b"\x00\xff\xfe\x01",
    "empty": b"",
    "undeclared entity": envelope(invia("<dovuti>&x;</dovuti>")),
    "declared entity": with_dtd('<!ENTITY x "QUJD">', "&x;"),
    "external entity": with_dtd('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
    "external entity over http": with_dtd('<!ENTITY x SYSTEM "http://127.0.0.1:9/x">', "&x;"),
    "parameter entity": with_dtd('<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;'),
    "external dtd": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + envelope(invia()),
    "empty dtd": b"<!DOCTYPE x>" + envelope(invia()),
    "billion laughs": with_dtd('<!ENTITY l0 "lol">' + LAUGHS, "&l11;"),
    "quadratic blow-up": with_dtd(f'<!ENTITY x "{"a" * 20_000}">', "&x;" * 2000),
    "entity in an attribute": with_dtd('<!ENTITY x "QUJD">').replace(b"<dovuti>", b'<dovuti a="&x;">'),
    "deep nesting": envelope("<a>" * 200 + "</a>" * 200),
    "very deep nesting": b"<a>" * 5000,
    "no body": f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Header/></s:Envelope>'.encode(),
    "empty body": envelope(""),
    "text for a body": envelope("ciao"),
    "two bodies": envelope(invia() + "</soapenv:Body><soapenv:Body>" + invia()),
    "two children in the body": envelope(invia() + invia()),
    "two headers": envelope(invia()).replace(b"<soapenv:Header>", b"<soapenv:Header/><soapenv:Header>"),
    "no envelope": invia(attributes=f'xmlns:ente="{ENTE}"').encode(),
    "an envelope in the body": envelope(envelope(invia()).decode()),
    "unknown declared encoding": b'<?xml version="1.0" encoding="x-none"?>' + envelope(invia()),
    "latin-1 without saying it": envelope(invia()).replace(b"QUJD", b"\xe0"),
    "nul in the text": envelope(invia()).replace(b"QUJD", b"\0"),
    "href to an own id": envelope(invia('<dovuti id="a" href="#a">QUJD</dovuti>')),
    "circular href": envelope(invia('<password id="a" href="#b"/><dovuti id="b" href="#a">QUJD</dovuti>')),
    "href to nothing": envelope(invia('<dovuti href="#zzz"/>')),
    "unknown child": envelope(invia(DOVUTI + f"<altro>{CODICE_FISCALE}</altro>")),
    "children in another order": envelope(invia(f"<dovuti>QUJD</dovuti><password>{SECRET}</password>")),
    "child in a foreign namespace": envelope(invia('<x:dovuti xmlns:x="urn:x">QUJD</x:dovuti>')),
    "mandatory child missing": envelope(invia(f"<password>{SECRET}</password>")),
    "password too short": envelope(invia("<password>Zz9xq</password><dovuti>QUJD</dovuti>")),
    "header too long": envelope(invia(), HEADER.replace("C_PROVA", "C" * 36)),
    "header without children": envelope(invia(), f'<h:intestazionePPT xmlns:h="{ENTE}ppthead"/>'),
    "xsi:type of another element": envelope(
        invia(attributes='xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="ente:listaDovuti"')
    ),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_the_contract_does_not_know_is_a_client_fault(
    wsgi: Wsgi, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        answer = call(wsgi, body)

    assert answer.status == 500 or (answer.status == 404 and body.count(b"Envelope") == 4)
    assert answer.fault is not None
    code, text = answer.fault
    assert code == "Client"
    assert answer.headers["X-Correlation-Id"] in text
    written = text + repr(lines) + caplog.text
    for secret in (SECRET, CODICE_FISCALE, "Zz9xq", "root:"):
        assert secret not in written
    assert [line["outcome"] for line in lines if line["event"] == "soap_request"] == ["Client"]


def test_a_violation_names_element_and_rule(wsgi: Wsgi) -> None:
    answer = call(wsgi, MALFORMED["password too short"])

    assert "elemento password: più corto del minimo ammesso (8 caratteri)" in answer.fault[1]


def test_stray_characters_in_base64_reach_the_operation_as_they_are(wsgi: Wsgi) -> None:
    """libxml2 lets them pass: the operation must decode strictly."""
    answer = call(wsgi, envelope(invia("<dovuti>@@@</dovuti>")))

    assert answer.payload.findtext("idSession") == "@@@"


@pytest.mark.parametrize("action", ["paaSILInviaDovuti", '"paaSILChiediPagati"', '""', "urn:altro", None])
def test_any_soap_action_will_do(wsgi: Wsgi, action: str | None) -> None:
    answer = call(wsgi, envelope(invia()), HTTP_SOAPACTION=action)

    assert answer.payload.tag == f"{{{ENTE}}}paaSILInviaDovutiRisposta"


def test_an_unknown_payload_is_not_found(wsgi: Wsgi) -> None:
    answer = call(wsgi, envelope("<ente:paaSILAltro/>"))

    assert (answer.status, answer.fault[0]) == (404, "Client")


def test_an_operation_that_is_not_offered_is_a_fault(wsgi: Wsgi) -> None:
    body = "<ente:paaSILVerificaAvviso><password>12345678</password>" + (
        "<identificativoUnivocoVersamento>1</identificativoUnivocoVersamento></ente:paaSILVerificaAvviso>"
    )
    answer = call(wsgi, envelope(body))

    assert (answer.status, answer.fault[0]) == (500, "Client")
    assert call(door(disabled=frozenset({"paaSILInviaDovuti"})), envelope(invia())).fault[0] == "Client"


@pytest.mark.parametrize("header", ["", HEADER.replace("ppthead", "altro"), HEADER.replace("intestazionePPT", "altra")])
def test_a_missing_header_is_left_to_the_operation(wsgi: Wsgi, header: str) -> None:
    answer = call(wsgi, envelope(invia(), header))

    assert answer.fault is None
    assert answer.payload.findtext("url") == "-"


def test_unknown_headers_are_ignored(wsgi: Wsgi) -> None:
    addressing = '<w:Action xmlns:w="http://www.w3.org/2005/08/addressing">x</w:Action>'

    assert call(wsgi, envelope(invia(), addressing + HEADER)).fault is None
    assert call(wsgi, envelope(invia(), HEADER + MUST.replace('"1"', '"0"'))).fault is None


def test_an_unknown_header_that_must_be_understood_is_refused(wsgi: Wsgi) -> None:
    answer = call(wsgi, envelope(invia(), HEADER + MUST))

    assert (answer.status, answer.fault[0]) == (500, "MustUnderstand")


def test_our_own_header_may_be_marked_must_understand(wsgi: Wsgi) -> None:
    marked = HEADER.replace("<h:intestazionePPT ", '<h:intestazionePPT soapenv:mustUnderstand="1" ')

    assert call(wsgi, envelope(invia(), marked)).payload.findtext("url") == "C_PROVA"


def test_another_version_of_soap_is_a_version_mismatch(wsgi: Wsgi) -> None:
    by_name = call(wsgi, envelope(invia(), namespace=SOAP_12))
    by_type = call(wsgi, envelope(invia(), namespace=SOAP_12), CONTENT_TYPE="application/soap+xml; charset=utf-8")

    assert (by_name.status, by_name.fault[0]) == (500, "VersionMismatch")
    assert (by_type.status, by_type.fault[0]) == (415, "VersionMismatch")


@pytest.mark.parametrize("content_type", ["multipart/related; type=x", "application/json", "image/png"])
def test_other_content_types_are_refused(wsgi: Wsgi, content_type: str) -> None:
    assert call(wsgi, envelope(invia()), CONTENT_TYPE=content_type).status == 415


@pytest.mark.parametrize("content_type", [None, "", "text/plain", 'TEXT/XML;charset="UTF-8"', "application/xml"])
def test_content_types_of_old_clients_are_accepted(wsgi: Wsgi, content_type: str | None) -> None:
    assert call(wsgi, envelope(invia()), CONTENT_TYPE=content_type).status == 200


@pytest.mark.parametrize("charset", ["x-none", "", "base64", "utf-8\0", "utf-7", "'"])
def test_an_unknown_charset_is_a_fault(wsgi: Wsgi, charset: str) -> None:
    answer = call(wsgi, envelope(invia()), CONTENT_TYPE=f"text/xml; charset={charset}")

    assert (answer.status, answer.fault[0]) == (500, "Client")


def test_a_lying_charset_is_a_fault_and_a_true_one_is_believed(wsgi: Wsgi) -> None:
    body = envelope(invia()).replace(b"QUJD", b"\xe0")

    assert call(wsgi, body, CONTENT_TYPE="text/xml; charset=utf-8").fault[0] == "Client"
    assert call(wsgi, body, CONTENT_TYPE="text/xml; charset=utf-16").fault[0] == "Client"
    assert call(wsgi, body, CONTENT_TYPE="text/xml; charset=iso-8859-1").payload.findtext("idSession") == "à"
    declared = b'<?xml version="1.0" encoding="iso-8859-1"?>' + body
    assert call(wsgi, declared, CONTENT_TYPE="text/xml; charset=utf-8").payload.findtext("idSession") == "à"


@pytest.mark.parametrize("length", ["abc", "-1", "1.5", "١٢", " 7", "0x10"])
def test_a_malformed_length_is_a_bad_request(wsgi: Wsgi, length: str) -> None:
    answer = call(wsgi, envelope(invia()), CONTENT_LENGTH=length)

    assert (answer.status, answer.fault[0]) == (400, "Client")


@pytest.mark.parametrize("length", [str(MAX_BYTES + 1), "9" * 40])
def test_too_much_is_refused_before_it_is_read(wsgi: Wsgi, length: str) -> None:
    answer = call(wsgi, CONTENT_LENGTH=length, **{"wsgi.input": NotToBeRead()})

    assert (answer.status, answer.fault[0]) == (413, "Client")


def test_a_chunked_body_is_bounded(wsgi: Wsgi) -> None:
    endless = Endless()
    answer = call(wsgi, CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input": endless})

    assert answer.status == 413
    assert endless.taken <= MAX_BYTES + 1


def test_a_chunked_body_is_read(wsgi: Wsgi) -> None:
    answer = call(wsgi, envelope(invia()), CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked")

    assert answer.status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_not_allowed(wsgi: Wsgi, method: str) -> None:
    answer = call(wsgi, envelope(invia()), REQUEST_METHOD=method)

    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]


def test_a_mistake_of_ours_says_only_its_reference(wsgi: Wsgi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = (
        f"<ente:paaSILChiediPagatiConRicevuta><codIpaEnte>C_PROVA</codIpaEnte><password>{SECRET}</password>"
        "<idSession>x</idSession></ente:paaSILChiediPagatiConRicevuta>"
    )
    with structlog.testing.capture_logs() as lines:
        answer = call(wsgi, envelope(body), HTTP_X_CORRELATION_ID="abcd-1234")

    assert (answer.status, answer.fault) == (500, ("Server", "Errore interno (riferimento abcd-1234)"))
    assert [line["error"] for line in lines if line["event"] == "soap_unexpected_error"] == ["RuntimeError"]
    assert "mistake" not in repr(lines) + caplog.text
    assert SECRET not in repr(lines) + caplog.text


def test_a_refusal_is_the_contracts_own_answer(wsgi: Wsgi) -> None:
    body = (
        f"<ente:paaSILChiediPagati><codIpaEnte>C_PROVA</codIpaEnte><password>{SECRET}</password>"
        "<idSession>x</idSession></ente:paaSILChiediPagati>"
    )
    with structlog.testing.capture_logs() as lines:
        answer = call(wsgi, envelope(body, ""))

    assert answer.status == 200
    fault = answer.payload[0]
    assert [(child.tag, child.text) for child in fault] == [
        ("faultCode", "PAA_ID_SESSION_NON_VALIDO"),
        ("faultString", "idSession 123 sconosciuto"),
        ("id", "C_PROVA"),
        ("description", "idSession: mai vista"),
    ]
    assert lines[0]["outcome"] == "PAA_ID_SESSION_NON_VALIDO"


@pytest.mark.parametrize("given", ["corto", "a" * 65, "a b c d e f g", "x\r\nSet-Cookie: y", ""])
def test_a_reference_that_is_not_one_is_replaced(wsgi: Wsgi, given: str) -> None:
    answer = call(wsgi, envelope(invia()), HTTP_X_CORRELATION_ID=given)

    assert answer.headers["X-Correlation-Id"] != given
    assert len(answer.headers["X-Correlation-Id"]) == 32


def test_every_request_is_one_log_line(wsgi: Wsgi) -> None:
    with structlog.testing.capture_logs() as lines:
        call(wsgi, envelope(invia()), HTTP_X_CORRELATION_ID="abcd-1234")

    (line,) = lines
    assert line["event"] == "soap_request"
    assert (line["operation"], line["outcome"], line["ente"]) == ("paaSILInviaDovuti", "ok", "C_PROVA")
    assert (line["correlation_id"], line["http_status"], line["source_ip"]) == ("abcd-1234", 200, "192.0.2.1")
    assert line["bytes_in"] > 0
    assert line["bytes_out"] > 0


TOLERATED = {
    "children in the namespace of the body": f'<paaSILInviaDovuti xmlns="{ENTE}">{DOVUTI}</paaSILInviaDovuti>',
    "blanks around a value": invia(f"<password> {SECRET}\n</password><dovuti>QU\nJD</dovuti>"),
    "empty optional element": invia("<password/>" + "<dovuti>QUJD</dovuti><showMyPay/>"),
    "comments": invia(f"<!-- x --><password>{SECRET}<!-- y --></password><?pi x?><dovuti>QUJD</dovuti>"),
    "cdata": invia("<dovuti><![CDATA[QUJD]]></dovuti>"),
}


@pytest.mark.parametrize("body", TOLERATED.values(), ids=TOLERATED.keys())
def test_the_habits_of_clients_are_tolerated(wsgi: Wsgi, body: str) -> None:
    answer = call(wsgi, envelope(body))

    assert answer.fault is None
    assert "".join(answer.payload.findtext("idSession").split()) == "QUJD"


def test_a_contract_may_answer_a_violation_in_its_own_way() -> None:
    def refuse(call: Any, qname: str, errors: list[Any]) -> dict[str, Any]:
        fault = {"faultCode": "PAA_XML_NON_VALIDO", "faultString": str(errors[0]), "id": "x"}
        return {"fault": fault, "esito": "KO"}

    answer = call(door(on_invalid=refuse), MALFORMED["password too short"])

    assert answer.status == 200
    assert answer.payload.findtext("fault/faultCode") == "PAA_XML_NON_VALIDO"
    assert answer.payload.findtext("esito") == "KO"


INNER = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"


@pytest.mark.parametrize("namespace", ["", ENTE, INNER], ids=["none", "body", "contract"])
def test_the_one_element_with_mixed_qualification_is_read_however_its_children_are_written(namespace: str) -> None:
    """Perl's SOAP::WSDL cannot write qualified children in an unqualified element."""
    asked: list[dict[str, Any]] = []
    wsgi = door({"paaSILChiediPosizioniAperte": lambda call, request: asked.append(request) or {}})
    children = (
        f'<tipoIdentificativoUnivoco xmlns="{namespace}">F</tipoIdentificativoUnivoco>'
        f'<codiceIdentificativoUnivoco xmlns="{namespace}">RSSMRA80A01H501U</codiceIdentificativoUnivoco>'
    )
    person = f"<identificativoUnivocoPersonaFG>{children}</identificativoUnivocoPersonaFG>"

    answer = call(wsgi, envelope(f"<ente:paaSILChiediPosizioniAperte>{person}</ente:paaSILChiediPosizioniAperte>"))

    assert answer.fault is None
    assert asked[0]["identificativoUnivocoPersonaFG"] == {
        "tipoIdentificativoUnivoco": "F",
        "codiceIdentificativoUnivoco": "RSSMRA80A01H501U",
    }


def test_a_child_of_a_foreign_namespace_is_not_taken_for_ours(wsgi: Wsgi) -> None:
    answer = call(wsgi, envelope(invia(f'<password xmlns="urn:altro">{SECRET}</password><dovuti>QUJD</dovuti>')))

    assert answer.fault is not None


def test_the_journal_gets_the_request_without_its_password() -> None:
    kept: list[tuple[Any, ...]] = []
    wsgi = door(journal=lambda *entry: kept.append(entry))
    hidden = invia(f"<password><![CDATA[{SECRET}]]></password><dovuti>QUJD</dovuti>")
    qualified = f'<paaSILInviaDovuti xmlns="{ENTE}">{DOVUTI}</paaSILInviaDovuti>'
    refused = invia(f"<password>{SECRET}</password>")

    answers = [call(wsgi, envelope(body)) for body in (hidden, qualified, refused)]

    assert [entry[2] for entry in kept] == [answer.body for answer in answers]
    for entry in kept:
        assert entry[0].operation == "paaSILInviaDovuti"
        assert SECRET.encode() not in entry[1]
        assert b"<password>***</password>" in entry[1]


def test_the_journal_gets_no_mypivot_password_either() -> None:
    kept: list[tuple[Any, ...]] = []
    operation = "paaSILPrenotaExportFlussoIncrementaleConRicevuta"
    body = f"<ente:{operation}><passwordMypivot>{SECRET}</passwordMypivot></ente:{operation}>"

    call(door(journal=lambda *entry: kept.append(entry)), envelope(body))

    assert SECRET.encode() not in kept[0][1] and b"<passwordMypivot>***</passwordMypivot>" in kept[0][1]


def test_a_journal_that_fails_does_not_undo_the_answer() -> None:
    def broken(*entry: Any) -> None:
        raise OSError("disk full")

    with structlog.testing.capture_logs() as lines:
        answer = call(door(journal=broken), envelope(invia()))

    assert answer.status == 200
    assert [line["event"] for line in lines] == ["soap_unexpected_error", "soap_request"]


def test_threads_never_see_each_others_request(wsgi: Wsgi) -> None:
    """libxml2 keeps the errors on the schema: without a lock one caller in twenty reads another's."""
    threads, rounds = 8, 250

    def caller(number: int) -> list[str]:
        wrong = []
        name = f"sconosciuto{number}"
        for turn in range(rounds):
            own = f"{number}{turn:06d}x"
            good = call(wsgi, envelope(invia(f"<dovuti>{own}</dovuti>")))
            bad = call(wsgi, envelope(invia(f"<dovuti>QUJD</dovuti><{name}>{own}</{name}>")))
            if good.payload.findtext("idSession") != own:
                wrong.append(good.body.decode())
            if f"elemento {name}: non previsto" not in bad.fault[1] or bad.fault[1].count("elemento") != 1:
                wrong.append(bad.fault[1])
        return wrong

    with structlog.testing.capture_logs(), ThreadPoolExecutor(threads) as pool:
        assert [wrong for wrong in pool.map(caller, range(threads)) if wrong] == []


def test_a_caller_that_guesses_passwords_is_told_to_wait() -> None:
    def blocked(call: Any, request: dict[str, Any]) -> dict[str, Any]:
        raise TroppiTentativi("troppi tentativi da questo indirizzo", retry_after_s=60)

    answer = call(door({"paaSILInviaDovuti": blocked}), envelope(invia()))

    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert answer.payload.findtext("fault/id") == "C_PROVA"
