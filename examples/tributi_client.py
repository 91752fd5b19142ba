#!/usr/bin/env python3
"""A tax office that prints notices: the whole conversation with the hub about one of them, in one file.

It registers a dovuto with `paaSILImportaDovuto`, lets the hub draw its number, fetches the printed notice (PDF), and
asks for the receipt with `paaSILChiediPagatiConRicevuta` until somebody has paid it, wherever that was. It needs only
zeep (`pip install zeep`), the published contract, and `mensa_client.py` beside it:

    python tributi_client.py --wsdl http://127.0.0.1:8080/ws/pa/PagamentiTelematiciDovutiPagati?wsdl

Copy what you need of it into your own program.
"""

from __future__ import annotations

import argparse
import base64
import sys
import time
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

import requests
import zeep
import zeep.exceptions
from mensa_client import NOT_YET, PAY_I, TIMEOUT_S, WSDL, Pagato, Rifiuto, make_transport, raise_fault, read_pagato, say


@dataclass(frozen=True)
class Tassa:
    """One debt of the tax office. The IUD is ours and is never used twice, not even for a debt that was cancelled."""

    importo: Decimal = Decimal("84.30")
    causale: str = "Tassa rifiuti, prima rata"
    tipo: str = "TARI"
    # The taxonomy code of the service: pagoPA publishes the list.
    dati_specifici_riscossione: str = "9/0101101IM/"
    scadenza: date = date.today() + timedelta(days=60)
    codice_fiscale: str = "RSSMRA80A01H501U"
    nome: str = "Mario Rossi"
    iud: str = ""


@dataclass(frozen=True)
class Avviso:
    """A notice that may be paid: at a counter, on line, from an app. `url` gives its PDF."""

    iud: str
    iuv: str
    numero: str
    url: str


def versamento_xml(tassa: Tassa, azione: str = "I") -> bytes:
    """Return the `Versamento` document: `azione` I inserts, M modifies, A cancels, S prints again."""
    text = f"""<pay_i:Versamento xmlns:pay_i="{PAY_I[1:-1]}">
  <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
  <pay_i:soggettoPagatore>
    <pay_i:identificativoUnivocoPagatore>
      <pay_i:tipoIdentificativoUnivoco>F</pay_i:tipoIdentificativoUnivoco>
      <pay_i:codiceIdentificativoUnivoco>{escape(tassa.codice_fiscale)}</pay_i:codiceIdentificativoUnivoco>
    </pay_i:identificativoUnivocoPagatore>
    <pay_i:anagraficaPagatore>{escape(tassa.nome)}</pay_i:anagraficaPagatore>
  </pay_i:soggettoPagatore>
  <pay_i:datiVersamento>
    <pay_i:dataEsecuzionePagamento>{tassa.scadenza.isoformat()}</pay_i:dataEsecuzionePagamento>
    <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>
    <pay_i:identificativoUnivocoDovuto>{escape(tassa.iud)}</pay_i:identificativoUnivocoDovuto>
    <pay_i:importoSingoloVersamento>{tassa.importo:.2f}</pay_i:importoSingoloVersamento>
    <pay_i:identificativoTipoDovuto>{escape(tassa.tipo)}</pay_i:identificativoTipoDovuto>
    <pay_i:causaleVersamento>{escape(tassa.causale)}</pay_i:causaleVersamento>
    <pay_i:datiSpecificiRiscossione>{escape(tassa.dati_specifici_riscossione)}</pay_i:datiSpecificiRiscossione>
  </pay_i:datiVersamento>
  <pay_i:azione>{azione}</pay_i:azione>
</pay_i:Versamento>"""
    return text.encode("utf-8")


class Portale:
    """The hub, seen from the tax office: two operations of the contract and the address of a notice."""

    def __init__(self, wsdl: str = WSDL, cod_ipa_ente: str = "C_PROVA", password: str = "Segreto12345") -> None:
        self._client = zeep.Client(wsdl, transport=make_transport())
        self.cod_ipa_ente = cod_ipa_ente
        self.password = password

    def register(self, tassa: Tassa) -> Avviso:
        """Register one dovuto and return its notice. Raises: Rifiuto."""
        tassa = tassa if tassa.iud else replace(tassa, iud=f"TARI-{uuid.uuid4().hex[:20]}")
        answer = self._client.service.paaSILImportaDovuto(
            password=self.password,
            dovuto=versamento_xml(tassa),
            flagGeneraIuv=True,
            _soapheaders={"header": {"codIpaEnte": self.cod_ipa_ente}},
        )
        raise_fault(answer)
        iuv = answer.identificativoUnivocoVersamento
        # A number that the hub draws has 17 digits: in a notice a 3 stands before them.
        return Avviso(tassa.iud, iuv, f"3{iuv}", answer.urlFileAvviso)

    def fetch_pdf(self, avviso: Avviso) -> bytes:
        """Return the printed notice."""
        answer = requests.get(avviso.url, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.content

    def ask(self, iuv: str) -> Pagato | None:
        """Return the receipt of a notice, None while nobody has paid it. Raises: Rifiuto when nobody can any more."""
        answer = self._client.service.paaSILChiediPagatiConRicevuta(
            codIpaEnte=self.cod_ipa_ente, password=self.password, identificativoUnivocoVersamento=iuv
        )
        if answer.fault is not None and answer.fault.faultCode in NOT_YET:
            return None
        raise_fault(answer)
        return read_pagato(answer.pagati, answer.rt or b"")

    def wait(self, iuv: str, timeout_s: float) -> Pagato | None:
        """Ask every second until the receipt is there; None when it did not come in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            pagato = self.ask(iuv)
            if pagato is not None or time.monotonic() >= deadline:
                return pagato
            time.sleep(1.0)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Registra una tassa, ne stampa l'avviso e ne legge la ricevuta.")
    parser.add_argument("--wsdl", default=WSDL, help="indirizzo del contratto (%(default)s)")
    parser.add_argument("--ente", default="C_PROVA", help="codIpaEnte (%(default)s)")
    parser.add_argument("--password", default="Segreto12345", help="password dell'ente (quella della prova)")
    parser.add_argument("--importo", type=Decimal, default=Tassa.importo, help="euro, con due decimali (%(default)s)")
    parser.add_argument("--causale", default=Tassa.causale)
    parser.add_argument("--iud", default="", help="identificativo del dovuto (uno nuovo)")
    parser.add_argument("--pdf", type=Path, help="dove scrivere l'avviso")
    parser.add_argument("--attesa", type=float, default=300, metavar="SECONDI", help="quanto aspettare (%(default)s)")
    parser.add_argument("--json", action="store_true", help="una riga JSON per ogni passo")
    return parser.parse_args(argv)


def _run(options: argparse.Namespace) -> int:
    portale = Portale(options.wsdl, options.ente, options.password)
    avviso = portale.register(Tassa(options.importo, options.causale, iud=options.iud))
    pdf = portale.fetch_pdf(avviso)
    if options.pdf:
        options.pdf.write_bytes(pdf)
    sentence = f"Dovuto {avviso.iud} registrato\nNumero avviso {avviso.numero}, PDF di {len(pdf)} byte"
    say(options.json, "avviso", sentence, **asdict(avviso), pdf_byte=len(pdf))
    pagato = portale.wait(avviso.iuv, options.attesa)
    if pagato is None:
        print(f"Nessuna ricevuta dopo {options.attesa:g} secondi: riprovare più tardi con lo IUV", file=sys.stderr)
        return 1
    values = asdict(pagato)
    values["xml"], values["rt"] = pagato.xml.decode("utf-8"), base64.b64encode(pagato.rt).decode("ascii")
    sentence = f"Pagato: {pagato.importo} euro il {pagato.data or '-'}, IUR {pagato.iur or '-'}\n{values['xml']}"
    say(options.json, "ricevuta", sentence, **values)
    return 0 if pagato.is_paid else 1


def main(argv: list[str] | None = None) -> int:
    """Run the conversation; return 0 when the notice is paid, 1 when it is refused or not paid."""
    options = _arguments(argv)
    try:
        return _run(options)
    except Rifiuto as refusal:
        print(f"Rifiutato. {refusal}", file=sys.stderr)
    except zeep.exceptions.Fault as fault:
        print(f"Il servizio ha risposto con un errore: {fault.message}", file=sys.stderr)
    except requests.RequestException as error:
        print(f"Il servizio non risponde: {type(error).__name__}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
