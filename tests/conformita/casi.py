"""For each rule one evidence that respects it and one that violates it: calls and their documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hub.domain.conformita.prove import (
    Busta,
    Chiamata,
    Documento,
    ErroreSchema,
    Marca,
    Pagatore,
    Prove,
    Risposta,
    Secondario,
    TipoNoto,
    Voce,
)

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TIPI = {
    "MENSA": TipoNoto(),
    "SPENTO": TipoNoto(attivo=False),
    "TARI": TipoNoto(scadenza_obbligatoria=True),
    "ZTL": TipoNoto(anonimo=True),
    "MARCA_BOLLO_DIGITALE": TipoNoto(importo_cent=1600),
}
INVIA, IMPORTA, CON_RICEVUTA = "paaSILInviaDovuti", "paaSILImportaDovuto", "paaSILChiediPagatiConRicevuta"
CARRELLO, REGISTRA = "paaSILInviaCarrelloDovuti", "paaSILRegistraPagamento"
STATO = "paaSILChiediStatoExportFlusso"
INCREMENTALE = "paaSILPrenotaExportFlussoIncrementaleConRicevuta"
BUONA = Busta(codifica="utf-8", has_intestazione=True, header_ente="C_PROVA")


def prove(*chiamate: Chiamata, **values: Any) -> Prove:
    return Prove("C_PROVA", NOW, TIPI, tuple(chiamate), **values)


def chiamata(operazione: str = INVIA, secondi: float = 0, **values: Any) -> Chiamata:
    """A call so many seconds after the first."""
    said = {"numero": 1, "istante": NOW + timedelta(seconds=secondi), "busta": BUONA, "impronta": f"{secondi}"} | values
    return Chiamata(operazione=operazione, **said)


def header(**values: str) -> Chiamata:
    return chiamata(intestazioni={name.replace("_", "-"): value for name, value in values.items()})


def busta(operazione: str = INVIA, **values: Any) -> Prove:
    return prove(chiamata(operazione, busta=replace(BUONA, **values)))


def voce(**values: Any) -> Voce:
    said = {
        "iud": "A1",
        "importo": "12.50",
        "importo_cent": 1250,
        "tipo": "MENSA",
        "causale": "Mensa",
        "dati_specifici": "9/0107101TS/",
    } | values
    return Voce(**said)


def documento(*voci: Voce, campo: str = "dovuti", **values: Any) -> Documento:
    radice = {"dovuti": "Dovuti", "dovuto": "Versamento"}.get(campo, "DovutiEntiSecondari")
    said = {"radice": radice, "radice_attesa": radice, "voci": voci, "pagatore": Pagatore("F", impronta="a")} | values
    return Documento(campo, **said)


def invia(*documenti: Documento, **values: Any) -> Prove:
    return prove(chiamata(documenti=documenti or (documento(voce()),), **values))


def con_voce(**values: Any) -> Prove:
    return invia(documento(voce(**values)))


def con_documento(**values: Any) -> Prove:
    return invia(documento(voce(), **values))


def pagatore(tipo: str = "F", **values: Any) -> Prove:
    return con_documento(pagatore=Pagatore(tipo, impronta="a", **values))


def errore(elemento: str, **values: Any) -> Prove:
    return con_documento(errori=(ErroreSchema(elemento, "non valido", **values),))


def versamento(azione: str = "I", tipo: str = "MENSA", campi: dict[str, str] | None = None, **values: Any) -> Prove:
    item = values.pop("voci", (voce(tipo=tipo),))
    one = documento(*item, campo="dovuto", azione=azione, **values)
    return prove(chiamata(IMPORTA, documenti=(one,), campi=campi or {}))


def chiedi(operazione: str = CON_RICEVUTA, **campi: str) -> Prove:
    return prove(chiamata(operazione, campi=campi))


MARCA = Marca(True, "MI")
BUONI = con_voce(tipo="MARCA_BOLLO_DIGITALE", importo="16.00", importo_cent=1600, marca=MARCA)
SECONDARIO = documento(campo="dovutiEntiSecondari", secondario=Secondario(True, True, 500), pagatore=None)
GIORNO = date(2026, 12, 31)

TRASPORTO: dict[str, tuple[Prove, Prove]] = {
    "TRA-01": (
        prove(header(content_type="text/xml; charset=utf-8")),
        prove(header(content_type="application/soap+xml")),
    ),
    "TRA-02": (
        prove(header(content_type="text/xml; charset=UTF-8")),
        prove(header(content_type="text/xml;charset=latin1")),
    ),
    "TRA-03": (busta(), prove(chiamata(is_codifica=False))),
    "TRA-04": (prove(header(soapaction=f'"{INVIA}"')), prove(header(soapaction='"urn:altro"'))),
    "TRA-05": (
        prove(header(schema="https", host="hub.example.org")),
        prove(header(schema="http", host="hub.example.org")),
    ),
    "TRA-06": (busta(), prove(chiamata(busta=None, problema="XML malformato"))),
    "TRA-07": (busta(), prove(chiamata(busta=None, has_doctype=True))),
    "TRA-08": (busta(), busta(soap="http://www.w3.org/2003/05/soap-envelope")),
    "TRA-09": (busta(), busta(elementi_nel_body=2)),
    "TRA-10": (busta(), busta(namespace="urn:altro")),
    "TRA-11": (busta(), busta("paaSILInviaDovuto")),
    "TRA-12": (busta(), busta(qualificati=("password",))),
    "TRA-13": (busta(), busta(has_intestazione=False, header_ente=None)),
    "TRA-14": (busta(), busta(is_intestazione_namespace=False)),
    "TRA-15": (busta(), busta(is_header_ente_qualificato=True)),
    "TRA-16": (busta(), busta(obblighi_estranei=("Security",))),
    "TRA-17": (busta(), busta(tipi_scritti=("password",))),
    "TRA-18": (busta(), busta(errori=(ErroreSchema("dovuti", "incompleto", True),))),
    "TRA-19": (busta(), busta(header_ente="c_prova")),
    "TRA-20": (invia(), con_documento(livelli=0)),
    "TRA-21": (invia(), con_documento(livelli=2)),
}

CONTENUTO: dict[str, tuple[Prove, Prove]] = {
    "CON-01": (invia(), con_documento(problema="malformato")),
    "CON-02": (invia(), con_documento(has_doctype=True)),
    "CON-03": (invia(), con_documento(is_codifica=False)),
    "CON-04": (invia(), con_documento(is_namespace=False)),
    "CON-05": (invia(), con_documento(radice="ctDovuti")),
    "CON-06": (invia(), con_documento(versione="7")),
    "CON-07": (invia(), errore("datiVersamento", is_struttura=True)),
    "CON-08": (invia(), errore("civicoPagatore", is_vuoto=True)),
    "CON-09": (invia(), errore("anagraficaPagatore")),
    "CON-10": (invia(), invia(documento(*(voce(iud=f"A{n}") for n in range(6))))),
    "CON-11": (invia(), con_voce(importo="12.5", importo_cent=None)),
    "CON-12": (invia(), con_voce(importo="0.00", importo_cent=0)),
    "CON-13": (con_voce(bilancio_cent=1250), con_voce(bilancio_cent=1249)),
    "CON-14": (invia(), con_voce(iud="000A1")),
    "CON-15": (invia(documento(voce(), voce(iud="A2"))), invia(documento(voce(), voce()))),
    "CON-16": (invia(), con_voce(tipo="MENZA")),
    "CON-17": (invia(), con_voce(tipo="SPENTO")),
    "CON-18": (invia(), con_voce(causale="  ")),
    "CON-19": (invia(), con_voce(causale="x" * 141)),
    "CON-20": (con_voce(causale="Tassa già dovuta, 10 €"), con_voce(causale="Mensa\n\U0001f600")),
    "CON-21": (invia(), con_voce(dati_specifici="9-0107101TS")),
    "CON-22": (invia(), con_voce(vigore="SCONOSCIUTO")),
    "CON-23": (BUONI, con_voce(marca=MARCA)),
    "CON-24": (BUONI, con_voce(tipo="MARCA_BOLLO_DIGITALE", marca=Marca(False, "MI"))),
    "CON-25": (BUONI, con_voce(tipo="MARCA_BOLLO_DIGITALE", marca=MARCA)),
    "CON-26": (con_documento(tipo_versamento="ALL"), con_documento(tipo_versamento="ALL|PO", is_tipo_versamento=False)),
    "CON-27": (invia(), con_documento(iuv="01000000000000144")),
    "CON-28": (
        invia(documento(voce(), pagatore=Pagatore("F", has_email=True)), campi={"showMyPay": "NONE"}),
        invia(campi={"showMyPay": "NONE"}),
    ),
    "CON-29": (pagatore(), pagatore(is_valido=False)),
    "CON-30": (pagatore("G"), pagatore("G", is_valido=False)),
    "CON-31": (pagatore(), pagatore(is_canonico=False)),
    "CON-32": (
        invia(documento(voce(tipo="ZTL"), pagatore=Pagatore("F", is_anonimo=True))),
        pagatore(is_anonimo=True),
    ),
    "CON-33": (pagatore(has_email=True), pagatore(has_email=True, is_email=False)),
    "CON-34": (pagatore(cap="20100"), pagatore(cap="2010", is_cap=False)),
    "CON-35": (pagatore(provincia="MI"), pagatore(provincia="XX", is_provincia=False)),
    "CON-36": (pagatore(nazione="IT"), pagatore(nazione="ITA", is_nazione=False)),
    "CON-37": (pagatore(is_indirizzo_ascii=True), pagatore(is_indirizzo_ascii=False)),
}


def _importata(secondi: float, azione: str, iuv: str | None, risposta: str = "") -> Chiamata:
    one = documento(voce(), campo="dovuto", azione=azione, iuv=iuv)
    return chiamata(IMPORTA, secondi, documenti=(one,), risposta=Risposta(iuv=risposta))


def _carrello(quota: int, *more: Documento) -> Prove:
    second = replace(SECONDARIO, secondario=Secondario(True, True, quota))
    return prove(chiamata(CARRELLO, documenti=(documento(voce()), second, *more)))


IMPORTAZIONE: dict[str, tuple[Prove, Prove]] = {
    "IMP-01": (versamento(), versamento("i")),
    "IMP-02": (versamento("A"), versamento("A", pagatore=None)),
    "IMP-03": (versamento(), versamento(voci=(voce(iud=""),))),
    "IMP-04": (versamento(tipo="TARI", scadenza="2026-12-31", giorno=GIORNO), versamento(tipo="TARI")),
    "IMP-05": (
        versamento(scadenza="2026-12-31", giorno=GIORNO),
        versamento(scadenza="2026-01-31", giorno=date(2026, 1, 31)),
    ),
    "IMP-06": (versamento(iuv="01100000000000148"), versamento(iuv="1", problema_iuv="ammessi 15, 17 o 25 caratteri")),
    "IMP-07": (
        prove(_importata(0, "I", None, "01X"), _importata(1, "M", "01X")),
        prove(_importata(0, "I", None, "01X"), _importata(1, "M", None)),
    ),
    "IMP-08": (versamento("S", iuv="01X"), versamento("S", iuv="01X", campi={"flagGeneraIuv": "true"})),
    "IMP-09": (versamento(), versamento(tipo="MARCA_BOLLO_DIGITALE")),
    "IMP-10": (
        _carrello(500),
        prove(chiamata(CARRELLO, documenti=(replace(SECONDARIO, secondario=Secondario(True, False, 500)),))),
    ),
    "IMP-11": (_carrello(500), _carrello(500, SECONDARIO)),
    "IMP-12": (_carrello(500), _carrello(1250)),
    "IMP-13": (chiedi(REGISTRA, singoloImportoPagato="10.50"), chiedi(REGISTRA, singoloImportoPagato="10,50")),
    "IMP-14": (
        chiedi(REGISTRA, dataEsitoSingoloPagamento="2026-11-22"),
        chiedi(REGISTRA, dataEsitoSingoloPagamento="2026-11-23"),
    ),
}
