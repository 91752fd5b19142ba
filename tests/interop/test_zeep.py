"""A zeep client made from the contract on disk with only its address changed, as one who kept the WSDL for years."""

from __future__ import annotations

import base64
import time
import uuid
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import zeep
from lxml import etree

from hub.formats.resources import resource
from tests.interop.hub import STORY_TIMEOUT_S, RunningHub

PAY_I = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}"
OUR_ADDRESS = "http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati"
DOVUTI = (
    '<Dovuti xmlns="http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"><versioneOggetto>6.0</versioneOggetto>'
    "<soggettoPagatore><identificativoUnivocoPagatore><tipoIdentificativoUnivoco>F</tipoIdentificativoUnivoco>"
    "<codiceIdentificativoUnivoco>RSSMRA80A01H501U</codiceIdentificativoUnivoco></identificativoUnivocoPagatore>"
    "<anagraficaPagatore>Mario Rossi</anagraficaPagatore><e-mailPagatore>mario.rossi@example.org</e-mailPagatore>"
    "</soggettoPagatore><datiVersamento><tipoVersamento>ALL</tipoVersamento><datiSingoloVersamento>"
    "<identificativoUnivocoDovuto>{iud}</identificativoUnivocoDovuto>"
    "<importoSingoloVersamento>73.00</importoSingoloVersamento>"
    "<identificativoTipoDovuto>ZTL</identificativoTipoDovuto>"
    "<causaleVersamento>Permesso ZTL, targa AA000AA</causaleVersamento>"
    "<datiSpecificiRiscossione>9/0105115AP/</datiSpecificiRiscossione>"
    "</datiSingoloVersamento></datiVersamento></Dovuti>"
)


@pytest.fixture
def client(running_hub: RunningHub, tmp_path: Path) -> zeep.Client:
    copytree(resource("schemas"), tmp_path / "schemas")
    (tmp_path / "wsdl").mkdir()
    text = resource("wsdl", "pa-per-ente.wsdl").read_text(encoding="utf-8")
    assert text.count(OUR_ADDRESS) == 1
    kept = tmp_path / "wsdl" / "conservato.wsdl"
    kept.write_text(text.replace(OUR_ADDRESS, running_hub.service), encoding="utf-8")
    return zeep.Client(str(kept), transport=zeep.Transport(timeout=30, operation_timeout=30))


def _invia(client: zeep.Client, iud: str, **fields: Any) -> Any:
    return client.service.paaSILInviaDovuti(
        password="Segreto12345",
        dovuti=DOVUTI.format(iud=iud).encode(),
        _soapheaders={"header": {"codIpaEnte": "C_PROVA"}},
        **fields,
    )


@pytest.mark.parametrize("fields", [{}, {"showMyPay": "SHORT"}], ids=["default", "SHORT"])
def test_a_zeep_client_pays_and_reads_its_receipt(
    client: zeep.Client, running_hub: RunningHub, fields: dict[str, str]
) -> None:
    iud = f"ZEEP-{uuid.uuid4().hex[:20]}"
    home = "https://sportello.example.org/esito?pratica=17"
    sent = _invia(client, iud, enteSILInviaRispostaPagamentoUrl=home, **fields)
    assert (sent.fault, sent.esito, sent.redirect) == (None, "OK", 1)

    sent_home = running_hub.pay(sent.url)

    receipt = _wait(client, sent.idSession)
    assert sent_home.startswith(home)
    # zeep takes off one level of base64; the contract's clients expect one more.
    pagati = etree.fromstring(base64.b64decode(receipt.pagati, validate=True))
    payment = pagati.find(f"{PAY_I}datiPagamento")
    assert payment.findtext(f"{PAY_I}codiceEsitoPagamento") == "0"
    assert payment.findtext(f"{PAY_I}importoTotalePagato") == "73.00"
    assert payment.findtext(f"{PAY_I}datiSingoloPagamento/{PAY_I}identificativoUnivocoDovuto") == iud
    assert etree.fromstring(receipt.rt).tag.endswith("}RT")


def test_before_the_payment_the_answer_says_not_yet(client: zeep.Client) -> None:
    sent = _invia(client, f"ZEEP-{uuid.uuid4().hex[:20]}")

    answer = _chiedi(client, sent.idSession)

    assert answer.fault.faultCode == "PAA_PAGAMENTO_NON_INIZIATO"
    assert answer.pagati is None


def _chiedi(client: zeep.Client, id_session: str) -> Any:
    return client.service.paaSILChiediPagatiConRicevuta(
        codIpaEnte="C_PROVA", password="Segreto12345", idSession=id_session
    )


def _wait(client: zeep.Client, id_session: str) -> Any:
    deadline = time.monotonic() + STORY_TIMEOUT_S
    while time.monotonic() < deadline:
        answer = _chiedi(client, id_session)
        if answer.fault is None:
            return answer
        assert answer.fault.faultCode == "PAA_PAGAMENTO_IN_CORSO"
        time.sleep(0.2)
    raise AssertionError("no receipt")
