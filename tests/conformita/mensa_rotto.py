"""A canteen program that does everything wrong, for the report that must say so. NOT an example: nobody should copy it.

Each mistake is a method named after what is wrong, and `SBAGLI` says which rules of the report name it. The messages
are glued together from texts, as such programs do; each debt is another one, so that one mistake is not two.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import re
from collections.abc import Callable
from urllib.parse import urlsplit

NS = "http://www.regione.veneto.it/pagamenti/ente/"
PAY_I = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
PATH = "/ws/pa/PagamentiTelematiciDovutiPagati"
INVIA, CHIEDI = "paaSILInviaDovuti", "paaSILChiediPagatiConRicevuta"


class MensaRotta:
    """`url`: of the hub. Every call is a connection of its own."""

    def __init__(self, url: str, ente: str = "C_PROVA", password: str = "Segreto12345") -> None:
        parts = urlsplit(url)
        self._address = (str(parts.hostname), parts.port)
        self._ente, self._password = ente, password
        self._number = itertools.count(1)

    # How a message is glued together.

    def documento(self, **changes: str) -> str:
        """An inner document whose parts can be spoilt; every one is another debt."""
        number = next(self._number)
        said = {
            "iud": f"ROTTA-{number}", "importo": f"{number}.50", "tipo": "MENSA", "causale": f"Mensa {number}",
            "dati": "9/0107101TS/", "codice": "RSSMRA80A01H501U", "pagatore": "", "versamento": "ALL", "iuv": "",
            "altro": "", "prima": "<p:versioneOggetto>6.2.0</p:versioneOggetto>", "radice": "Dovuti",
        } | changes  # fmt: skip
        return (
            "<p:{radice} xmlns:p='" + PAY_I + "'>{prima}<p:soggettoPagatore><p:identificativoUnivocoPagatore>"
            "<p:tipoIdentificativoUnivoco>F</p:tipoIdentificativoUnivoco><p:codiceIdentificativoUnivoco>{codice}"
            "</p:codiceIdentificativoUnivoco></p:identificativoUnivocoPagatore><p:anagraficaPagatore>Mario Rossi"
            "</p:anagraficaPagatore>{pagatore}</p:soggettoPagatore><p:datiVersamento><p:tipoVersamento>{versamento}"
            "</p:tipoVersamento>{iuv}<p:datiSingoloVersamento><p:identificativoUnivocoDovuto>{iud}"
            "</p:identificativoUnivocoDovuto><p:importoSingoloVersamento>{importo}</p:importoSingoloVersamento>"
            "<p:identificativoTipoDovuto>{tipo}</p:identificativoTipoDovuto><p:causaleVersamento>{causale}"
            "</p:causaleVersamento><p:datiSpecificiRiscossione>{dati}</p:datiSpecificiRiscossione>"
            "</p:datiSingoloVersamento>{altro}</p:datiVersamento></p:{radice}>"
        ).format(**said)

    def messaggio(self, operazione: str, inner: str, header: str | None = None, prolog: str = "") -> str:
        ente = f"<codIpaEnte>{header or self._ente}</codIpaEnte>"
        head = f'<h:intestazionePPT xmlns:h="{NS}ppthead">{ente}</h:intestazionePPT>'
        return (
            f'{prolog}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="{NS}"><s:Header>'
            f"{'' if header == '' else head}</s:Header><s:Body><e:{operazione}>{inner}</e:{operazione}>"
            "</s:Body></s:Envelope>"
        )

    def manda(self, message: str | bytes, action: str = INVIA, content_type: str = "text/xml; charset=utf-8") -> str:
        body = message.encode() if isinstance(message, str) else message
        connection = http.client.HTTPConnection(*self._address, timeout=30)
        try:
            connection.request("POST", PATH, body, {"Content-Type": content_type, "SOAPAction": f'"{action}"'})
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def invia(self, document: str | bytes, more: str = "") -> str:
        """Send a dovuto, and ask what became of it when it was taken; return its session."""
        data = document.encode() if isinstance(document, str) else document
        inner = f"<password>{self._password}</password><dovuti>{base64.b64encode(data).decode()}</dovuti>{more}"
        return self._conclude(self.manda(self.messaggio(INVIA, inner)))

    def _conclude(self, answer: str) -> str:
        found = re.search("<idSession>(.*?)</idSession>", answer)
        if found:
            self.chiedi(f"<idSession>{found[1]}</idSession>")
        return found[1] if found else ""

    def chiedi(self, key: str) -> str:
        caller = f"<codIpaEnte>{self._ente}</codIpaEnte><password>{self._password}</password>"
        return self.manda(self.messaggio(CHIEDI, caller + key), CHIEDI)

    def _inner(self) -> str:
        data = base64.b64encode(self.documento().encode()).decode()
        return f"<password>{self._password}</password><dovuti>{data}</dovuti>"

    # What is wrong with the message.

    def content_type_di_soap_12(self) -> None:
        self._conclude(self.manda(self.messaggio(INVIA, self._inner()), content_type="application/soap+xml"))

    def charset_diverso(self) -> None:
        prolog = '<?xml version="1.0" encoding="ISO-8859-1"?>'
        self._conclude(self.manda(self.messaggio(INVIA, self._inner(), prolog=prolog)))

    def soap_action_di_un_altra_operazione(self) -> None:
        self._conclude(self.manda(self.messaggio(INVIA, self._inner()), action="urn:invia"))

    def xml_non_chiuso(self) -> None:
        self.manda(self.messaggio(INVIA, self._inner())[:-20])

    def con_doctype(self) -> None:
        self.manda(self.messaggio(INVIA, self._inner(), prolog="<!DOCTYPE mensa>"))

    def figli_qualificati(self) -> None:
        inner = self._inner().replace("<password", "<e:password").replace("</password", "</e:password")
        self._conclude(self.manda(self.messaggio(INVIA, inner)))

    def senza_intestazione(self) -> None:
        self.manda(self.messaggio(INVIA, self._inner(), header=""))

    def tipi_scritti(self) -> None:
        inner = self._inner().replace("<dovuti>", f"<dovuti {_XSI}>")
        self._conclude(self.manda(self.messaggio(INVIA, inner)))

    def elemento_inventato(self) -> None:
        self._conclude(self.manda(self.messaggio(INVIA, self._inner() + "<urgente>true</urgente>")))

    def ente_minuscolo(self) -> None:
        self.manda(self.messaggio(INVIA, self._inner(), header=self._ente.lower()))

    def dovuti_non_in_base64(self) -> None:
        self.manda(self.messaggio(INVIA, f"<password>{self._password}</password><dovuti>non base64!</dovuti>"))

    def base64_doppio(self) -> None:
        self.invia(base64.b64encode(self.documento().encode()))

    # What is wrong with the document.

    def e_commerciale(self) -> None:
        self.invia(self.documento(causale="Mensa & merenda"))

    def documento_in_latin_1(self) -> None:
        self.invia(self.documento(causale="Mensa di marted\u00ec").encode("latin-1"))

    def documento_senza_namespace(self) -> None:
        self.invia(self.documento().replace("p:", "").replace("xmlns:p", "xmlns:q"))

    def radice_del_tipo(self) -> None:
        self.invia(self.documento(radice="ctDovuti"))

    def manca_la_versione(self) -> None:
        self.invia(self.documento(prima=""))

    def civico_vuoto(self) -> None:
        self.invia(self.documento(pagatore="<p:civicoPagatore/>"))

    def importo_con_un_decimale(self) -> None:
        self.invia(self.documento(importo="12.5"))

    def iud_riservato(self) -> None:
        self.invia(self.documento(iud="000-ROTTA"))

    def iud_ripetuto(self) -> None:
        whole = self.documento(iud="ROTTA-DUE")
        single = whole[whole.index("<p:datiSingoloVersamento>") : whole.index("</p:datiVersamento>")]
        self.invia(whole.replace("</p:datiVersamento>", single + "</p:datiVersamento>"))

    def tipo_inventato(self) -> None:
        self.invia(self.documento(tipo="MERENDA"))

    def causale_vuota(self) -> None:
        self.invia(self.documento(causale="  "))

    def causale_lunga(self) -> None:
        self.invia(self.documento(causale="Mensa " * 30))

    def dati_specifici_a_caso(self) -> None:
        self.invia(self.documento(dati="MENSA"))

    def tassonomia_inventata(self) -> None:
        self.invia(self.documento(dati="9/9999999ZZ/"))

    def modi_di_pagare_insieme_ad_all(self) -> None:
        self.invia(self.documento(versamento="ALL|PO"))

    def iuv_scelto_da_se(self) -> None:
        tag = "p:identificativoUnivocoVersamento"
        self.invia(self.documento(iuv=f"<{tag}>01000000000000144</{tag}>"))

    def none_senza_email(self) -> None:
        self.invia(self.documento(), "<showMyPay>NONE</showMyPay>")

    def codice_fiscale_sbagliato(self) -> None:
        self.invia(self.documento(codice="RSSMRA80A01H501X"))

    def codice_fiscale_minuscolo(self) -> None:
        self.invia(self.documento(codice="rssmra80a01h501u"))

    def email_a_caso(self) -> None:
        self.invia(self.documento(pagatore="<p:e-mailPagatore>mario rossi</p:e-mailPagatore>"))

    def cap_di_quattro_cifre(self) -> None:
        pagatore = "<p:capPagatore>2010</p:capPagatore><p:nazionePagatore>IT</p:nazionePagatore>"
        self.invia(self.documento(pagatore=pagatore))

    # What is wrong from one call to the next.

    def ritorno_senza_schema(self) -> None:
        self.invia(self.documento(), f"<{_RITORNO}>www.mensa.example.org/esito</{_RITORNO}>")

    def ritorno_in_chiaro(self) -> None:
        self.invia(self.documento(), f"<{_RITORNO}>http://mensa.example.org/</{_RITORNO}>")

    def ritorno_con_esito(self) -> None:
        self.invia(self.documento(), f"<{_RITORNO}>https://mensa.example.org/?esito=OK</{_RITORNO}>")

    def esito_mai_chiesto(self) -> None:
        self.manda(self.messaggio(INVIA, self._inner()))

    def id_session_inventato(self) -> None:
        self.chiedi("<idSession>11111111-1111-4111-8111-111111111111</idSession>")

    def domande_a_raffica(self) -> None:
        id_session = self.invia(self.documento())
        for _ in range(25):
            self.chiedi(f"<idSession>{id_session}</idSession>")

    def due_chiavi(self) -> None:
        self.chiedi(f"<idSession>{self.invia(self.documento())}</idSession>{_iud('ROTTA-1')}")

    def avviso_al_posto_dello_iuv(self) -> None:
        tag = "identificativoUnivocoVersamento"
        self.chiedi(f"<{tag}>301000000000000144</{tag}>")

    def un_altro_iud_per_lo_stesso_debito(self) -> None:
        first = self.documento()
        self.invia(first)
        self.invia(re.sub("ROTTA-[0-9]+", "ROTTA-ANCORA", first))

    def lo_stesso_iud_per_un_altro_debito(self) -> None:
        self.invia(self.documento(iud="ROTTA-RIUSATO"))
        self.invia(self.documento(iud="ROTTA-RIUSATO"))

    def ripetuta_dopo_il_rifiuto(self) -> None:
        wrong = self.documento(tipo="MERENDA")
        for _ in range(2):
            self.invia(wrong)

    def ripetuta_dopo_il_successo(self) -> None:
        good = self.documento()
        for _ in range(2):
            self.invia(good)

    def password_sbagliata_senza_fermarsi(self) -> None:
        caller = f"<codIpaEnte>{self._ente}</codIpaEnte><password>Sbagliata123</password>"
        for number in range(6):
            self.manda(self.messaggio(CHIEDI, f"{caller}<idSession>s-{number}</idSession>"), CHIEDI)


_RITORNO = "enteSILInviaRispostaPagamentoUrl"
_XSI = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="base64Binary"'


def _iud(iud: str) -> str:
    return f"<identificativoUnivocoDovuto>{iud}</identificativoUnivocoDovuto>"


M = MensaRotta
# What is done wrong, and the rules whose business it is; the last one ends in a refusal of everything.
SBAGLI: tuple[tuple[Callable[[MensaRotta], None], frozenset[str]], ...] = tuple(
    (mistake, frozenset(codes.split()))
    for mistake, codes in (
        (M.content_type_di_soap_12, "TRA-01"),
        (M.charset_diverso, "TRA-02"),
        (M.soap_action_di_un_altra_operazione, "TRA-04"),
        (M.xml_non_chiuso, "TRA-06"),
        (M.con_doctype, "TRA-07"),
        (M.figli_qualificati, "TRA-12"),
        (M.senza_intestazione, "TRA-13"),
        (M.tipi_scritti, "TRA-17"),
        (M.elemento_inventato, "TRA-18"),
        (M.ente_minuscolo, "TRA-19"),
        (M.dovuti_non_in_base64, "TRA-20"),
        (M.base64_doppio, "TRA-21"),
        (M.e_commerciale, "CON-01"),
        (M.documento_in_latin_1, "CON-03"),
        (M.documento_senza_namespace, "CON-04"),
        (M.radice_del_tipo, "CON-05"),
        (M.manca_la_versione, "CON-07"),
        (M.civico_vuoto, "CON-08"),
        (M.importo_con_un_decimale, "CON-11"),
        (M.iud_riservato, "CON-14"),
        (M.iud_ripetuto, "CON-15"),
        (M.tipo_inventato, "CON-16"),
        (M.causale_vuota, "CON-18"),
        (M.causale_lunga, "CON-19"),
        (M.dati_specifici_a_caso, "CON-21"),
        (M.tassonomia_inventata, "CON-22"),
        (M.modi_di_pagare_insieme_ad_all, "CON-26"),
        (M.iuv_scelto_da_se, "CON-27"),
        (M.none_senza_email, "CON-28"),
        (M.codice_fiscale_sbagliato, "CON-29"),
        (M.codice_fiscale_minuscolo, "CON-31"),
        (M.email_a_caso, "CON-33"),
        (M.cap_di_quattro_cifre, "CON-34"),
        (M.ritorno_senza_schema, "SES-15"),
        (M.ritorno_in_chiaro, "SES-16"),
        (M.ritorno_con_esito, "SES-17"),
        (M.esito_mai_chiesto, "SES-04"),
        (M.id_session_inventato, "SES-03"),
        (M.domande_a_raffica, "SES-05"),
        (M.due_chiavi, "SES-07"),
        (M.avviso_al_posto_dello_iuv, "SES-08"),
        (M.un_altro_iud_per_lo_stesso_debito, "SES-10"),
        (M.lo_stesso_iud_per_un_altro_debito, "SES-11"),
        (M.ripetuta_dopo_il_rifiuto, "SES-12"),
        (M.ripetuta_dopo_il_successo, "SES-13"),
        (M.password_sbagliata_senza_fermarsi, "SES-01 SES-02"),
    )
)
