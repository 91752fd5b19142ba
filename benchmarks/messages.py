"""The request that every candidate answers: paaSILInviaDovuti, 3 KB, two dovuti, a full payer, fresh IUDs."""

from __future__ import annotations

import base64
import uuid

PATH = "/ws/pa/PagamentiTelematiciDovutiPagati"
COD_IPA_ENTE = "C_PROVA"
PASSWORD = "Segreto12345"

_SINGOLO = """
    <pay_i:datiSingoloVersamento>
      <pay_i:identificativoUnivocoDovuto>{iud}</pay_i:identificativoUnivocoDovuto>
      <pay_i:importoSingoloVersamento>{importo}</pay_i:importoSingoloVersamento>
      <pay_i:identificativoTipoDovuto>MENSA</pay_i:identificativoTipoDovuto>
      <pay_i:causaleVersamento>Mensa scolastica, refezione del mese, scuola primaria</pay_i:causaleVersamento>
      <pay_i:datiSpecificiRiscossione>9/0107101TS/</pay_i:datiSpecificiRiscossione>
    </pay_i:datiSingoloVersamento>"""
_DOVUTI = """<pay_i:Dovuti xmlns:pay_i="http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/">
  <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
  <pay_i:soggettoPagatore>
    <pay_i:identificativoUnivocoPagatore>
      <pay_i:tipoIdentificativoUnivoco>F</pay_i:tipoIdentificativoUnivoco>
      <pay_i:codiceIdentificativoUnivoco>RSSMRA80A01H501U</pay_i:codiceIdentificativoUnivoco>
    </pay_i:identificativoUnivocoPagatore>
    <pay_i:anagraficaPagatore>Mario Rossi</pay_i:anagraficaPagatore>
    <pay_i:indirizzoPagatore>Via Roma</pay_i:indirizzoPagatore>
    <pay_i:civicoPagatore>1</pay_i:civicoPagatore>
    <pay_i:capPagatore>00100</pay_i:capPagatore>
    <pay_i:localitaPagatore>Roma</pay_i:localitaPagatore>
    <pay_i:provinciaPagatore>RM</pay_i:provinciaPagatore>
    <pay_i:nazionePagatore>IT</pay_i:nazionePagatore>
    <pay_i:e-mailPagatore>mario.rossi@example.org</pay_i:e-mailPagatore>
  </pay_i:soggettoPagatore>
  <pay_i:datiVersamento>
    <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>{singoli}
  </pay_i:datiVersamento>
</pay_i:Dovuti>"""
_ENVELOPE = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns:h="http://www.regione.veneto.it/pagamenti/ente/ppthead" xmlns:e="http://www.regione.veneto.it/pagamenti/ente/">
<soapenv:Header><h:intestazionePPT><codIpaEnte>{ente}</codIpaEnte></h:intestazionePPT></soapenv:Header>
<soapenv:Body><e:paaSILInviaDovuti><password>{password}</password><dovuti>{dovuti}</dovuti>\
<enteSILInviaRispostaPagamentoUrl>https://sportello.example.org/esito</enteSILInviaRispostaPagamentoUrl>\
</e:paaSILInviaDovuti></soapenv:Body></soapenv:Envelope>"""


def build_dovuti() -> bytes:
    """Return a document of two dovuti whose IUDs nobody has used."""
    token = uuid.uuid4().hex[:24]
    singoli = "".join(_SINGOLO.format(iud=f"B{number}-{token}", importo=f"{number}2.50") for number in (1, 2))
    return _DOVUTI.format(singoli=singoli).encode()


def build_envelope() -> bytes:
    """Return the SOAP request around a fresh document."""
    dovuti = base64.b64encode(build_dovuti()).decode()
    return _ENVELOPE.format(ente=COD_IPA_ENTE, password=PASSWORD, dovuti=dovuti).encode()


def build_http(port: int) -> bytes:
    """Return the whole HTTP/1.1 request, keep-alive."""
    body = build_envelope()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f'SOAPAction: "paaSILInviaDovuti"\r\nContent-Length: {len(body)}\r\n\r\n'
    )
    return head.encode() + body
