"""For each rule one evidence that respects it and one that violates it: flows, the endpoint, the hub."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub.domain.conformita import del_hub, inoltro
from hub.domain.conformita.prove import Flusso, Prove, Scartata, Sonda
from tests.conformita.casi import prove

HTTPS, HUB = "https://sportello.example.org/esiti", "https://hub.example.org"
_S = "PAA_IMPORT_SINTASSI_CSV"


def _flusso(**values: Any) -> Flusso:
    said = {
        "nome": "C_PROVA-F1-1_3.csv",
        "size_bytes": 100,
        "cod_ipa_ente": "C_PROVA",
        "iuf": "F1",
        "versione": "1_3",
        "intestazione": ("IUD", "codIuv"),
        "intestazione_attesa": ("IUD", "codIuv"),
        "righe": 2,
        "iud": ("A1", "A2"),
    } | values
    return Flusso(**said)


def _un_flusso(**values: Any) -> Prove:
    return prove(flussi=(_flusso(**values),))


def _scarto(codice: str, campo: str = "") -> Prove:
    return _un_flusso(scartate=(Scartata(2, campo, codice, "non valido"),))


_ALTRO = {"nome": "C_PROVA-F2-1_3.csv", "iuf": "F2"}
_BENE = _un_flusso()
_ZIP = {"nome": "C_PROVA-F1-1_3.zip"}
FLUSSI: dict[str, tuple[Prove, Prove]] = {
    "FLU-01": (_BENE, _un_flusso(nome="a.csv", problema_nome="PAA_IMPORT_NOME_FILE_ERR(a.csv)")),
    "FLU-02": (_BENE, _un_flusso(problema_nome="PAA_IMPORT_FILE_VERSIONE_ERR(9_9)")),
    "FLU-03": (_BENE, _un_flusso(cod_ipa_ente="C_ALTRO")),
    "FLU-04": (_un_flusso(**_ZIP), _un_flusso(**_ZIP, problema=("PAA_IMPORT_NO_CSV", "manca il csv"))),
    "FLU-05": (_BENE, _un_flusso(problema=("PAA_IMPORT_ERROR", "il file è vuoto"))),
    "FLU-06": (_un_flusso(**_ZIP), _un_flusso(**_ZIP, size_bytes=11 * 1024 * 1024)),
    "FLU-07": (_BENE, _un_flusso(is_utf8=False)),
    "FLU-08": (_BENE, _un_flusso(has_bom=True)),
    "FLU-09": (_BENE, _un_flusso(separatore=",")),
    "FLU-10": (_BENE, _un_flusso(intestazione=("IUD", "iuv"))),
    "FLU-11": (_BENE, _un_flusso(righe=0)),
    "FLU-12": (_BENE, _scarto("PAA_IMPORT_IUD_DUPLICATO", "IUD")),
    "FLU-13": (
        prove(flussi=(_flusso(), _flusso(**_ALTRO, iud=("B1",)))),
        prove(flussi=(_flusso(), _flusso(**_ALTRO))),
    ),
    "FLU-14": (prove(flussi=(_flusso(), _flusso(**_ALTRO))), prove(flussi=(_flusso(), _flusso(**_ZIP)))),
    "FLU-15": (_BENE, _scarto(_S, "importoDovuto")),
    "FLU-16": (_BENE, _scarto(_S + "_COD_FISC")),
    "FLU-17": (_BENE, _scarto("PAA_IMPORT_DATA_SCADENZA_PAGAMENTO_OBBLIGATORIA")),
    "FLU-18": (_BENE, _scarto(_S, "anagraficaPagatore")),
    "FLU-19": (_BENE, _scarto(_S + "_TIPO_DOVUTO_INESISTENTE")),
    "FLU-20": (_BENE, _scarto(_S + "_DATI_RISCOSS")),
    "FLU-21": (_BENE, _scarto(_S + "_AZIONE")),
    "FLU-22": (_BENE, _scarto(_S + "_BILANCIO")),
    "FLU-23": (_BENE, _scarto(_S + "_IUV")),
    "FLU-24": (_BENE, _scarto(_S + "_CAP")),
}

_RIFIUTATE = (inoltro.MANOMESSO, inoltro.SENZA_FIRMA, inoltro.SCADUTO, inoltro.NON_JSON, inoltro.METODO)
_ASCOLTO = {name: Sonda(name, 401 if name in _RIFIUTATE else 200, 10) for name in inoltro.SONDE}


def _ascolto(name: str = "", url: str = HTTPS, **values: Any) -> Prove:
    """The good endpoint, which answers one question otherwise."""
    changed = {name: replace(_ASCOLTO[name], **values)} if name else {}
    return prove(callback=url, has_chiave=True, sonde_callback=_ASCOLTO | changed)


_SENTITO = _ascolto()
_CON_CORPO = _ascolto(inoltro.BUONO, size_bytes=2)
INOLTRO: dict[str, tuple[Prove, Prove]] = {
    "INO-01": (_SENTITO, _ascolto(url="http://sportello.example.org/esiti")),
    "INO-02": (_SENTITO, _ascolto(inoltro.BUONO, stato=0, errore="TEMPO_SCADUTO")),
    "INO-03": (_SENTITO, _ascolto(inoltro.BUONO, fault_code="KO")),
    "INO-04": (_SENTITO, _ascolto(inoltro.SECONDO, stato=0, errore="TimeoutError", durata_ms=5001)),
    "INO-05": (_SENTITO, _ascolto(inoltro.ANCORA, stato=409)),
    "INO-06": (_SENTITO, _ascolto(inoltro.RIPETUTO, stato=409)),
    "INO-07": (_SENTITO, _ascolto(inoltro.NEGATIVO, stato=400)),
    "INO-08": (_SENTITO, _ascolto(inoltro.SECONDO, stato=409)),
    "INO-09": (_SENTITO, _ascolto(inoltro.VECCHIA_SEQUENZA, stato=409)),
    "INO-10": (_SENTITO, _ascolto(inoltro.SENZA_RT, stato=400)),
    "INO-11": (_SENTITO, _ascolto(inoltro.SCONOSCIUTO, stato=500)),
    "INO-12": (_SENTITO, _ascolto(inoltro.GRANDE, stato=413)),
    "INO-13": (_SENTITO, _ascolto(inoltro.MANOMESSO, stato=200)),
    "INO-14": (_SENTITO, _ascolto(inoltro.SENZA_FIRMA, stato=200)),
    "INO-15": (_SENTITO, _ascolto(inoltro.SCADUTO, stato=200)),
    "INO-16": (_SENTITO, _ascolto(inoltro.NON_JSON, stato=500)),
    "INO-17": (_SENTITO, _ascolto(inoltro.METODO, stato=200)),
    "INO-18": (_SENTITO, _ascolto(inoltro.BUONO, stato=302)),
    "INO-19": (_SENTITO, _ascolto(inoltro.BUONO, size_bytes=100_000)),
    "INO-20": (_CON_CORPO, _ascolto(inoltro.BUONO, size_bytes=9, is_json=False)),
}

_TEXT_XML = {"content-type": "text/xml; charset=utf-8", "x-correlation-id": "c" * 32}
_CLIENT = {"soap_fault": "soap11env:Client"}
_HUB = (
    {
        name: Sonda(
            name,
            200,
            5,
            intestazioni=_TEXT_XML,
            fault_code=code,
            descrizione="Elemento importoSingoloVersamento",
            note={"qualificati": ""},
        )
        for name, code in (del_hub.SENZA_PASSWORD | del_hub.CON_PASSWORD).items()
    }
    | {
        name: Sonda(name, 500, 5, note=_CLIENT)
        for name in (del_hub.ROTTO, del_hub.BOMBA, del_hub.SOAP_12, del_hub.IGNOTA, del_hub.GRANDE)
    }
    | {
        del_hub.VIVO: Sonda(del_hub.VIVO, 200),
        del_hub.PRONTO: Sonda(del_hub.PRONTO, 200),
        del_hub.METODO: Sonda(del_hub.METODO, 405),
        del_hub.SCHEMI: Sonda(del_hub.SCHEMI, 200, note={"schemi": ""}),
        del_hub.WSDL: Sonda(
            del_hub.WSDL, 200, note={"leggibile": "", "operazioni": "", "indirizzo": "", "giorni_certificato": "90"}
        ),
    }
)


def _hub(name: str = "", **values: Any) -> Prove:
    changed = {name: replace(_HUB[name], **values)} if name else {}
    return prove(indirizzo_hub=HUB, sonde_hub=_HUB | changed)


def _nota(name: str, key: str, value: str) -> Prove:
    return _hub(name, note={**_HUB[name].note, key: value})


_SANO = _hub()
IL_HUB: dict[str, tuple[Prove, Prove]] = {
    "HUB-01": (_SANO, _nota(del_hub.WSDL, "leggibile", "non è un WSDL")),
    "HUB-02": (_SANO, _nota(del_hub.SCHEMI, "schemi", "non è uno schema")),
    "HUB-03": (_SANO, _nota(del_hub.WSDL, "operazioni", "mancano")),
    "HUB-04": (_SANO, _nota(del_hub.WSDL, "indirizzo", "soap:address altrove")),
    "HUB-05": (_SANO, _hub(del_hub.PRONTO, stato=503)),
    "HUB-06": (_SANO, _nota(del_hub.WSDL, "giorni_certificato", "3")),
    "HUB-07": (_SANO, _hub(del_hub.ENTE_IGNOTO, fault_code="")),
    "HUB-08": (_SANO, _hub(del_hub.PASSWORD_ERRATA, fault_code="")),
    "HUB-09": (_SANO, _hub(del_hub.SENZA_INTESTAZIONE, stato=500)),
    "HUB-10": (_SANO, _hub(del_hub.AZIONE_ERRATA, stato=500)),
    "HUB-11": (_SANO, _hub(del_hub.ROTTO, note={"soap_fault": "soap11env:Server"})),
    "HUB-12": (_SANO, _hub(del_hub.BOMBA, stato=200)),
    "HUB-13": (_SANO, _hub(del_hub.SOAP_12, stato=200)),
    "HUB-14": (_SANO, _hub(del_hub.IGNOTA, stato=502)),
    "HUB-15": (_SANO, _hub(del_hub.METODO, stato=200)),
    "HUB-16": (_SANO, _hub(del_hub.GRANDE, stato=200)),
    "HUB-17": (_SANO, _hub(del_hub.ENTE_IGNOTO, fault_completo=False)),
    "HUB-18": (_SANO, _hub(del_hub.ENTE_IGNOTO, intestazioni={})),
    "HUB-19": (_SANO, _nota(del_hub.PASSWORD_ERRATA, "ripete", "sì")),
    "HUB-20": (_SANO, _nota(del_hub.PASSWORD_ERRATA, "qualificati", "con un namespace: fault")),
    "HUB-21": (_SANO, _hub(del_hub.PASSWORD_ERRATA, intestazioni={"content-type": "text/html"})),
    "HUB-22": (_SANO, _hub(del_hub.SESSIONE_IGNOTA, fault_code="PAA_SYSTEM_ERROR")),
    "HUB-23": (_SANO, _hub(del_hub.DUE_CHIAVI, fault_code="")),
    "HUB-24": (_SANO, _hub(del_hub.BASE64_ERRATO, fault_code="")),
    "HUB-25": (_SANO, _hub(del_hub.IMPORTO_ERRATO, fault_code="")),
    "HUB-26": (_SANO, _hub(del_hub.IMPORTO_ERRATO, descrizione="non valido")),
    "HUB-27": (_SANO, _hub(del_hub.CODICE_ERRATO, fault_code="PAA_XML_NON_VALIDO")),
    "HUB-28": (_SANO, _hub(del_hub.IUD_RISERVATO, fault_code="")),
    "HUB-29": (_SANO, _hub(del_hub.TIPO_IGNOTO, fault_code="")),
    "HUB-30": (_SANO, _hub(del_hub.IUV_IGNOTO, fault_code="")),
    "HUB-31": (_SANO, _hub(del_hub.TOKEN_IGNOTO, fault_code="")),
}
