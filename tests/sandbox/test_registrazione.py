"""What the sandbox keeps of a call: request, answer, time, whose it is, and why it ended as it did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row
from werkzeug.test import Client

from adapters.ente.chiamata import Limiti
from adapters.ente.client import EnteClient
from adapters.ente.fake import EnteFinto
from hub.app import serve
from hub.config_reading import ConfigError, load_config
from hub.domain.chiamata_sandbox import CORPO_MAX_BYTES, Canale, Chiamata
from hub.domain.errors import Misconfigured
from hub.store import chiamate_sandbox, outbox, schema
from hub.usecases import annota_chiamate as annota
from hub.usecases import inoltro_esito
from hub.web import create_front
from tests.adapters.stub_node import STAZIONE, client, payload, reply, stub
from tests.inoltro import CHIAVE, configure_inoltro, pay
from tests.soap.zeep_client import open_door
from tests.web.flussi.door import UPLOAD, authorize, make_flusso, part
from tests.world import PASSWORD_REFEZIONE, PASSWORDS, World
from tests.world import STAZIONE as STAZIONE_PROVA

SOAP = "/ws/pa/PagamentiTelematiciDovutiPagati"
NODO = "/ws/fesp/paForNode"
_CHIEDI = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>\n<e:paaSILChiediPagati '
    'xmlns:e="http://www.regione.veneto.it/pagamenti/ente/"><codIpaEnte>{ente}</codIpaEnte><password>{password}'
    "</password>\n<idSession>x</idSession>{more}</e:paaSILChiediPagati></s:Body></s:Envelope>"
)


def chiedi(ente: str = "C_PROVA", password: str = PASSWORDS["C_PROVA"], more: str = "") -> bytes:
    return _CHIEDI.format(ente=ente, password=password, more=more).encode()


def kept(world: World, **filters: Any) -> Sequence[Row[Any]]:
    with world.db.reading() as session:
        return chiamate_sandbox.read(session, **filters)


def test_a_call_is_kept_with_its_answer_and_the_reason_of_its_refusal(banco: World) -> None:
    answer = open_door(banco).post(SOAP, chiedi(), {})

    (row,) = kept(banco)
    assert (row.canale, row.operazione, row.cod_ipa_ente) == ("ENTE", "paaSILChiediPagati", "C_PROVA")
    assert (row.esito, row.stato_http) == ("PAA_ID_SESSION_NON_VALIDO", 200)
    assert bytes(row.richiesta) == chiedi(password="***") and bytes(row.risposta) == answer.body
    assert row.correlazione == answer.headers["X-Correlation-Id"] and row.durata_us > 0
    assert row.istante == banco.clock() - timedelta(microseconds=row.durata_us)
    assert "Rimedio: controllare di aver conservato `idSession` intero." in row.spiegazione.splitlines()


def test_the_application_is_the_one_that_the_password_opens(piccolo: World) -> None:
    door = open_door(piccolo)

    door.post(SOAP, chiedi("C_VICINO", PASSWORD_REFEZIONE), {})
    door.post(SOAP, chiedi("C_VICINO", PASSWORDS["C_VICINO"]), {})
    door.post(SOAP, chiedi("C_VICINO", "sbagliata"), {})

    assert [row.applicazione for row in kept(piccolo, cod_ipa_ente="C_VICINO")] == ["refezione", None, None]
    (refused,) = kept(piccolo, operazione="paaSILChiediPagati", is_ok=False, after_id=kept(piccolo)[1].id)
    assert refused.esito == "PAA_ENTE_NON_VALIDO" and b"sbagliata" not in bytes(refused.richiesta)
    assert [row.id for row in kept(piccolo, applicazione="refezione")] == [kept(piccolo)[0].id]


def test_what_the_contract_refuses_is_told_with_its_line(piccolo: World) -> None:
    open_door(piccolo).post(SOAP, chiedi(more="\n<inventato>1</inventato>"), {})

    (row,) = kept(piccolo)
    assert (row.esito, row.stato_http, row.cod_ipa_ente) == ("Client", 500, "C_PROVA")
    assert "Contratto, riga 4, elemento inventato" in row.spiegazione
    assert "va corretta prima di rimandarla" in row.spiegazione


def test_what_nobody_can_read_is_kept_for_the_ente_that_it_names_without_its_password(piccolo: World) -> None:
    body = chiedi().replace(b"</password>", b"</passwrd>")
    door = open_door(piccolo)

    door.post(SOAP, body, {})
    door.post(SOAP, b"<a", {})
    door.post(SOAP, chiedi().decode().encode("utf-16"), {"Content-Type": "text/xml; charset=utf-16"})

    named, nobody, wide = kept(piccolo)
    assert (named.cod_ipa_ente, named.esito, named.operazione) == ("C_PROVA", "Client", "sconosciuta")
    assert "documento XML malformato (riga 2, colonna" in named.spiegazione
    assert (nobody.cod_ipa_ente, bytes(nobody.richiesta)) == (None, b"<a")
    assert [row for row in kept(piccolo) if PASSWORDS["C_PROVA"].encode() in bytes(row.richiesta)] == []
    assert PASSWORDS["C_PROVA"].encode("utf-16-le") not in bytes(wide.richiesta)


def test_what_the_node_asks_is_kept_for_the_ente_of_its_tax_code(piccolo: World) -> None:
    question = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><n:paVerifyPaymentNoticeReq '
        'xmlns:n="http://pagopa-api.pagopa.gov.it/pa/paForNode.xsd"><idPA>12345678903</idPA><idBrokerPA>12345678903'
        "</idBrokerPA><idStation>12345678903_01</idStation><qrCode><fiscalCode>12345678903</fiscalCode><noticeNumber>"
        "301000000000000144</noticeNumber></qrCode></n:paVerifyPaymentNoticeReq></s:Body></s:Envelope>"
    )

    open_door(piccolo).post(NODO, question.encode(), {})

    (row,) = kept(piccolo)
    assert (row.canale, row.operazione, row.cod_ipa_ente) == ("NODO", "paVerifyPaymentNotice", "C_PROVA")
    assert row.esito == "PAA_PAGAMENTO_SCONOSCIUTO" and "Rimedio: " in row.spiegazione


def test_uploads_and_downloads_by_token_are_kept(piccolo: World) -> None:
    token, front = authorize(piccolo).authorizationToken, Client(create_front(piccolo.runtime, {}))

    for one in (token, "falso"):
        front.post(UPLOAD, data={"file": part(make_flusso()), "authorizationToken": one}).close()
    front.get("/public/mybox/download/C_PROVA?securityToken=falso").close()

    _, good, bad, download = kept(piccolo)
    assert (good.canale, good.operazione, good.esito, good.cod_ipa_ente) == ("FLUSSI", "upload_flusso", "OK", "C_PROVA")
    assert make_flusso() in bytes(good.richiesta) and b"fileName" in bytes(good.risposta)
    assert bad.esito == "TOKEN_NON_VALIDO" and "scaduto: chiederne uno nuovo" in bad.spiegazione
    assert (download.esito, download.stato_http) == ("TOKEN_NON_VALIDO", 401)


def test_calls_to_the_node_are_kept_whatever_comes_of_them(banco: World) -> None:
    testimone = annota.Testimone(None, banco.runtime.registratore)
    with stub(reply(b"<nessuna busta/>")) as url:
        annota.NodoAnnotato(client(url), "rpt", testimone).send(STAZIONE, payload(), "c" * 32)
    annota.NodoAnnotato(client(url, 0.5), "rpt", testimone).send(STAZIONE, payload(), "d" * 32)

    answered, silent = kept(banco)
    assert (answered.canale, answered.operazione) == ("VERSO_NODO", "nodoInviaCarrelloRPT")
    assert (answered.esito, answered.stato_http) == ("RISPOSTA_NON_LEGGIBILE", 200)
    assert bytes(answered.risposta) == b"<nessuna busta/>" and b"nodoInviaCarrelloRPT" in bytes(answered.richiesta)
    assert b"<password>***<" in bytes(answered.richiesta)
    assert (silent.stato_http, bytes(silent.risposta), silent.correlazione) == (None, b"", "d" * 32)
    assert "Nessuno risponde a quell'indirizzo" in silent.spiegazione


def test_the_push_of_an_outcome_to_the_ente_is_kept(piccolo: World) -> None:
    with EnteFinto(CHIAVE) as ente:
        configure_inoltro(piccolo, "TARI", url=ente.url)
        pay(piccolo, piccolo.begin())
        limiti = Limiti(1.0, 5.0, 5.0)
        testimone = annota.Testimone(None, piccolo.runtime.registratore)
        enti = annota.SistemaEnteAnnotato(EnteClient(is_open=True, limiti=limiti), testimone)
        topic = annota.annotato(inoltro_esito.build_topic(piccolo.db, enti, piccolo.runtime.cassaforte))
        with piccolo.db.transaction() as session:
            lasts = timedelta(seconds=60)
            (message,) = outbox.claim(session, piccolo.clock(), lasts, 5, [inoltro_esito.TOPIC_ESITO], [])
        topic.deliver(message)

    (row,) = kept(piccolo, operazione="ente.esito")
    assert (row.canale, row.cod_ipa_ente, row.esito) == ("VERSO_ENTE", "C_PROVA", "OK")
    assert row.stato_http == 200 and b'"rt"' in bytes(row.richiesta) and bytes(row.risposta) == b"{}"


def make_chiamata(**values: Any) -> Chiamata:
    told: dict[str, Any] = {
        "istante": values.pop("istante"), "canale": Canale.ENTE, "operazione": "x", "esito": "OK", "durata_us": 1,
        "richiesta": b"a", "risposta": b"b", "spiegazione": "", "ente": "C_PROVA",
    }  # fmt: skip
    return Chiamata(**told | values)


def test_a_body_that_is_too_long_is_cut_and_says_so(piccolo: World) -> None:
    assert piccolo.runtime.registratore is not None
    long = make_chiamata(istante=piccolo.clock(), richiesta=b"x" * (CORPO_MAX_BYTES + 7))

    piccolo.runtime.registratore.registra(long)

    (row,) = kept(piccolo)
    assert bytes(row.richiesta).startswith(b"x" * CORPO_MAX_BYTES)
    assert bytes(row.richiesta).endswith(b"\n[tagliato qui: mancano 7 byte di %d]" % (CORPO_MAX_BYTES + 7))


def test_the_oldest_calls_of_an_ente_go_and_nobody_pushes_out_anothers(banco: World) -> None:
    values: dict[str, Any] = {
        "istante": banco.clock(), "applicazione": None, "canale": "ENTE", "operazione": "x", "richiesta": b"",
        "risposta": b"", "stato_http": 200, "esito": "OK", "durata_us": 1, "correlazione": "", "spiegazione": "",
        "chiamate_max": 3,
    }  # fmt: skip
    with banco.db.transaction() as session:
        first = chiamate_sandbox.add(session, cod_ipa_ente="C_VICINO", **values)
        nobody = chiamate_sandbox.add(session, cod_ipa_ente=None, **values)
        mine = [chiamate_sandbox.add(session, cod_ipa_ente="C_PROVA", **values) for _ in range(5)]

    assert [row.id for row in kept(banco)] == [first, nobody, *mine[2:]]
    with banco.db.transaction() as session:
        assert chiamate_sandbox.empty(session, "C_VICINO") == 1
        assert chiamate_sandbox.empty(session) == 4
        # A page that is open asks for what came after the last number that it saw.
        assert chiamate_sandbox.add(session, cod_ipa_ente=None, **values) > mine[-1]


def test_without_the_setting_nothing_is_kept(small_world: World) -> None:
    open_door(small_world).post(SOAP, chiedi(), {})

    assert kept(small_world) == []


def test_a_sandbox_never_starts_beside_real_payments() -> None:
    secret = {"PONTEPA_SECRET_KEY": "0f" * 16 + "a7c3b9d1e5f2" * 2, "PONTEPA_SANDBOX": "true"}
    trial = secret | {"PONTEPA_AMBIENTE": "sviluppo"}

    assert load_config(None, trial | {"PONTEPA_NODE_URL": "https://api.uat.platform.pagopa.it"}).sandbox
    with pytest.raises(ConfigError, match="PONTEPA_AMBIENTE=produzione: la sandbox conserva e mostra ogni richiesta"):
        load_config(None, secret)
    with pytest.raises(ConfigError, match="PONTEPA_NODE_URL del nodo di produzione"):
        load_config(None, trial | {"PONTEPA_NODE_URL": "https://api.platform.pagopa.it"})


@pytest.mark.parametrize("values", [
    {"indirizzi": {"nodo": "https://api.platform.pagopa.it/nodo-auth/node-for-pa/v1"}}, {"pagamento_online": "checkout"}
])  # fmt: skip
def test_a_sandbox_never_serves_a_station_of_the_real_node(
    small_world: World, tmp_path: Path, values: dict[str, Any]
) -> None:
    small_world.change(schema.stazioni, "id", STAZIONE_PROVA, **values)
    config = small_world.runtime.config.model_copy(
        update={"sandbox": True, "database_url": small_world.db.url, "data_dir": tmp_path}
    )

    with pytest.raises(Misconfigured, match="la stazione 12345678903_01 sul nodo di produzione"):
        serve(config)
