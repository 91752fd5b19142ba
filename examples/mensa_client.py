#!/usr/bin/env python3
"""A school-canteen program that asks to be paid: the whole conversation with the hub, in one file.

It sends one dovuto with `paaSILInviaDovuti`, shows the address where the payer pays, and asks for the receipt with
`paaSILChiediPagatiConRicevuta` until it is there. It needs only zeep (`pip install zeep`) and the published contract:

    python mensa_client.py --wsdl http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl

Copy what you need of it into your own program.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
import uuid
import webbrowser
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import requests
import zeep
import zeep.exceptions
import zeep.transports

WSDL = "http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl"
PAY_I = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}"

# The answers that mean "not yet": ask again later. Every other fault is final.
NOT_YET = ("PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO")

# No answer of the hub takes longer; a program without this limit waits for ever.
TIMEOUT_S = 30


class Rifiuto(Exception):
    """The hub refused: `code` is the faultCode, the text says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Pasto:
    """One debt of the canteen. The IUD is ours and is never used twice, not even for a debt that was cancelled."""

    importo: Decimal = Decimal("12.50")
    causale: str = "Mensa scolastica, cinque pasti"
    tipo: str = "MENSA"
    # The taxonomy code of the service: pagoPA publishes the list.
    dati_specifici_riscossione: str = "9/0107101TS/"
    codice_fiscale: str = "RSSMRA80A01H501U"
    nome: str = "Mario Rossi"
    email: str = "mario.rossi@example.org"
    iud: str = ""


@dataclass(frozen=True)
class Sessione:
    """What the hub gives back for a dovuto: `url` is the page where the payer pays."""

    id_session: str
    url: str
    iud: str


@dataclass(frozen=True)
class Pagato:
    """The receipt, read. `esito` is "0" when paid; `xml` is the document, `rt` the receipt as the node sent it."""

    esito: str
    importo: Decimal
    iuv: str
    ccp: str
    iur: str
    iud: str
    data: str
    xml: bytes
    rt: bytes

    @property
    def is_paid(self) -> bool:
        return self.esito == "0"


def dovuti_xml(pasto: Pasto) -> bytes:
    """Return the `Dovuti` document. The order of the elements matters; one that has no value is left out."""
    text = f"""<pay_i:Dovuti xmlns:pay_i="{PAY_I[1:-1]}">
  <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
  <pay_i:soggettoPagatore>
    <pay_i:identificativoUnivocoPagatore>
      <pay_i:tipoIdentificativoUnivoco>F</pay_i:tipoIdentificativoUnivoco>
      <pay_i:codiceIdentificativoUnivoco>{escape(pasto.codice_fiscale)}</pay_i:codiceIdentificativoUnivoco>
    </pay_i:identificativoUnivocoPagatore>
    <pay_i:anagraficaPagatore>{escape(pasto.nome)}</pay_i:anagraficaPagatore>
    <pay_i:e-mailPagatore>{escape(pasto.email)}</pay_i:e-mailPagatore>
  </pay_i:soggettoPagatore>
  <pay_i:datiVersamento>
    <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>
    <pay_i:datiSingoloVersamento>
      <pay_i:identificativoUnivocoDovuto>{escape(pasto.iud)}</pay_i:identificativoUnivocoDovuto>
      <pay_i:importoSingoloVersamento>{pasto.importo:.2f}</pay_i:importoSingoloVersamento>
      <pay_i:identificativoTipoDovuto>{escape(pasto.tipo)}</pay_i:identificativoTipoDovuto>
      <pay_i:causaleVersamento>{escape(pasto.causale)}</pay_i:causaleVersamento>
      <pay_i:datiSpecificiRiscossione>{escape(pasto.dati_specifici_riscossione)}</pay_i:datiSpecificiRiscossione>
    </pay_i:datiSingoloVersamento>
  </pay_i:datiVersamento>
</pay_i:Dovuti>"""
    return text.encode("utf-8")


def decode_document(content: bytes) -> bytes:
    """Return the XML inside `pagati`: portals of this contract encode it once or twice, so decode until it is XML."""
    for _ in range(3):
        if content.lstrip().startswith(b"<"):
            return content
        content = base64.b64decode(content)
    raise ValueError("pagati: not an XML document, however often it is decoded")


def read_pagato(content: bytes, rt: bytes) -> Pagato:
    xml = decode_document(content)
    root = ElementTree.fromstring(xml)

    def text(path: str) -> str:
        return root.findtext(path.replace("{}", PAY_I), default="")

    payment = "{}datiPagamento/"
    single = payment + "{}datiSingoloPagamento/"
    return Pagato(
        esito=text(payment + "{}codiceEsitoPagamento"),
        importo=Decimal(text(payment + "{}importoTotalePagato")),
        iuv=text(payment + "{}identificativoUnivocoVersamento"),
        ccp=text(payment + "{}codiceContestoPagamento"),
        iur=text(single + "{}identificativoUnivocoRiscossione"),
        iud=text(single + "{}identificativoUnivocoDovuto"),
        data=text(single + "{}dataEsitoSingoloPagamento"),
        xml=xml,
        rt=rt,
    )


def make_transport() -> zeep.transports.Transport:
    """Return zeep's transport, with a connection for each call.

    Calls are seconds apart: one that is kept may be closed by the hub at the moment at which it is used again.
    """
    session = requests.Session()
    session.headers["Connection"] = "close"
    return zeep.transports.Transport(session=session, timeout=TIMEOUT_S, operation_timeout=TIMEOUT_S)


class Portale:
    """The hub, seen from the canteen: two operations of the contract."""

    def __init__(self, wsdl: str = WSDL, cod_ipa_ente: str = "C_PROVA", password: str = "Segreto12345") -> None:
        self._client = zeep.Client(wsdl, transport=make_transport())
        self.cod_ipa_ente = cod_ipa_ente
        self.password = password

    def send(self, pasto: Pasto, url_ritorno: str = "", passaggio: str = "SHORT") -> Sessione:
        """Send one dovuto and return where its payer pays.

        `passaggio`: SHORT shows the payer a page to confirm; NONE goes straight to the payment.
        Raises: Rifiuto.
        """
        pasto = pasto if pasto.iud else replace(pasto, iud=f"MENSA-{uuid.uuid4().hex[:20]}")
        answer = self._client.service.paaSILInviaDovuti(
            password=self.password,
            dovuti=dovuti_xml(pasto),
            enteSILInviaRispostaPagamentoUrl=url_ritorno,
            # SHORT is what an absent element means; the published schema's own limit of 4 characters refuses the word.
            showMyPay=None if passaggio == "SHORT" else passaggio,
            _soapheaders={"header": {"codIpaEnte": self.cod_ipa_ente}},
        )
        raise_fault(answer)
        return Sessione(answer.idSession, answer.url, pasto.iud)

    def ask(self, id_session: str) -> Pagato | None:
        """Return the receipt of a session, None while there is none yet. Raises: Rifiuto when there will be none."""
        answer = self._client.service.paaSILChiediPagatiConRicevuta(
            codIpaEnte=self.cod_ipa_ente, password=self.password, idSession=id_session
        )
        if answer.fault is not None and answer.fault.faultCode in NOT_YET:
            return None
        raise_fault(answer)
        return read_pagato(answer.pagati, answer.rt or b"")

    def wait(self, id_session: str, timeout_s: float, sleep: Callable[[float], None] = time.sleep) -> Pagato | None:
        """Ask every second until the receipt is there; None when it did not come in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            pagato = self.ask(id_session)
            if pagato is not None or time.monotonic() >= deadline:
                return pagato
            sleep(1.0)


def raise_fault(answer: object) -> None:
    """Raises: Rifiuto, when the answer carries a fault."""
    fault = getattr(answer, "fault", None)
    if fault is not None:
        raise Rifiuto(fault.faultCode, fault.description or fault.faultString)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Invia un dovuto della mensa e ne legge la ricevuta.")
    parser.add_argument("--wsdl", default=WSDL, help="indirizzo del contratto (%(default)s)")
    parser.add_argument("--ente", default="C_PROVA", help="codIpaEnte (%(default)s)")
    parser.add_argument("--password", default="Segreto12345", help="password dell'ente (quella della prova)")
    parser.add_argument("--importo", type=Decimal, default=Pasto.importo, help="euro, con due decimali (%(default)s)")
    parser.add_argument("--causale", default=Pasto.causale)
    parser.add_argument("--tipo", default=Pasto.tipo, help="codice del tipo dovuto (%(default)s)")
    parser.add_argument(
        "--tassonomia", default=Pasto.dati_specifici_riscossione, help="codice di tassonomia del tipo (%(default)s)"
    )
    parser.add_argument("--iud", default="", help="identificativo del dovuto (uno nuovo)")
    parser.add_argument("--passaggio", choices=("SHORT", "NONE"), default="SHORT", help="showMyPay (%(default)s)")
    parser.add_argument("--url-ritorno", default="", help="dove torna il cittadino dopo il pagamento")
    parser.add_argument("--attesa", type=float, default=300, metavar="SECONDI", help="quanto aspettare (%(default)s)")
    parser.add_argument("--browser", action="store_true", help="apre la pagina di pagamento nel browser")
    parser.add_argument("--json", action="store_true", help="una riga JSON per ogni passo")
    return parser.parse_args(argv)


def say(as_json: bool, step: str, sentence: str, **values: object) -> None:
    """Tell a step to who looks on or, as a line of JSON, to a program."""
    line = json.dumps({"passo": step, **values}, ensure_ascii=False, default=str) if as_json else sentence
    print(line, flush=True)


def _run(options: argparse.Namespace) -> int:
    portale = Portale(options.wsdl, options.ente, options.password)
    pasto = Pasto(options.importo, options.causale, options.tipo, options.tassonomia, iud=options.iud)
    sessione = portale.send(pasto, options.url_ritorno, options.passaggio)
    sentence = f"Dovuto {sessione.iud} inviato: idSession {sessione.id_session}\nSi paga qui: {sessione.url}"
    say(options.json, "inviato", sentence, **asdict(sessione))
    if options.browser:
        webbrowser.open(sessione.url)
    pagato = portale.wait(sessione.id_session, options.attesa)
    if pagato is None:
        print(f"Nessuna ricevuta dopo {options.attesa:g} secondi: riprovare più tardi con l'idSession", file=sys.stderr)
        return 1
    values = asdict(pagato)
    values["xml"], values["rt"] = pagato.xml.decode("utf-8"), base64.b64encode(pagato.rt).decode("ascii")
    word = "PAGATO" if pagato.is_paid else f"NON PAGATO (esito {pagato.esito})"
    sentence = (
        f"{word}: {pagato.importo} euro il {pagato.data or '-'}\n"
        f"IUV {pagato.iuv}, CCP {pagato.ccp}, IUR {pagato.iur or '-'}, ricevuta di {len(pagato.rt)} byte\n"
        f"{values['xml']}"
    )
    say(options.json, "ricevuta", sentence, **values)
    return 0 if pagato.is_paid else 1


def main(argv: list[str] | None = None) -> int:
    """Run the conversation; return 0 when the dovuto is paid, 1 when it is refused or not paid."""
    options = _arguments(argv)
    try:
        return _run(options)
    except Rifiuto as refusal:
        print(f"Rifiutato. {refusal}", file=sys.stderr)
    except zeep.exceptions.Fault as fault:
        print(f"Il servizio ha risposto con un errore: {fault.message}", file=sys.stderr)
    except requests.RequestException as error:
        print(f"Il servizio non risponde a {options.wsdl}: {type(error).__name__}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
