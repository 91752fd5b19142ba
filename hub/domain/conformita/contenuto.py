"""Rules on the inner documents, whoever sends them. Source: pa-per-ente, 1.5 and section 3."""

from __future__ import annotations

import re

from hub.domain.conformita.operazioni import INVIA
from hub.domain.conformita.prove import Chiamata, Documento, Prove, Voce
from hub.domain.conformita.regola import Giudizio, Gruppo, Guarda, Regola, su_documenti, su_voci
from hub.domain.documenti import TIPO_MARCA
from hub.domain.iud import is_valid as is_iud

_IMPORTO = re.compile(r"[0-9]{1,15}\.[0-9]{2}")
_IMPORTO_MAX_CENT = 99_999_999_999
_DATI_SPECIFICI = re.compile(r"[0129]/\S{3,138}")
_VERSIONI = ("6.0", "6.0.1", "6.2.0")
_CAUSALE_RPT = 140
_DOVUTI_MAX = 5
# What a rule of its own judges is not told again by the rule on formats.
_CON_REGOLA = frozenset(
    {"importoSingoloVersamento", "importo", "datiSpecificiRiscossione", "e-mailPagatore", "provinciaPagatore",
     "nazionePagatore", "hashDocumento", "provinciaResidenza", "causaleVersamento", "azione", "bilancio",
     "dataEsecuzionePagamento"}
)  # fmt: skip


def _xml(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.livelli or documento.has_doctype:
        return None
    return documento.problema


def _doctype(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if documento.has_doctype:
        return f"{documento.campo} ha una dichiarazione DOCTYPE"
    return None if documento.problema or not documento.livelli else ""


def _codifica(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.livelli:
        return None
    return (
        "" if documento.is_codifica else "i byte non sono della codifica dichiarata: le lettere accentate si rovinano"
    )


def _namespace(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.radice:
        return None
    return "" if documento.is_namespace else "elementi fuori dal namespace …/schemas/2012/Pagamenti/Ente/"


def _radice(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.radice or not documento.is_namespace:
        return None
    is_expected = documento.radice == documento.radice_attesa
    return "" if is_expected else f"elemento radice {documento.radice[:40]!r}, atteso {documento.radice_attesa!r}"


def _versione(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.radice or not documento.versione:
        return None
    return "" if documento.versione in _VERSIONI else f"versioneOggetto {documento.versione[:16]!r}"


def _struttura(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.radice or not documento.is_namespace:
        return None
    wrong = [one for one in documento.errori if one.is_struttura]
    return "; ".join(f"elemento {one.elemento}: {one.regola}" for one in wrong[:3])


def _vuoti(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.radice or not documento.is_namespace:
        return None
    names = ", ".join(one.elemento for one in documento.errori if one.is_vuoto)
    return f"vuoti: {names[:120]}" if names else ""


def _formati(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.radice or not documento.is_namespace:
        return None
    wrong = [
        one for one in documento.errori
        if not one.is_struttura and not one.is_vuoto and one.elemento not in _CON_REGOLA
    ]  # fmt: skip
    return "; ".join(f"elemento {one.elemento}: {one.regola}" for one in wrong[:3])


def _quanti(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if documento.campo != "dovuti" or not documento.radice:
        return None
    number = len(documento.voci)
    return "" if 1 <= number <= _DOVUTI_MAX else f"{number} dovuti nel documento"


def _importo_scritto(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    return "" if _IMPORTO.fullmatch(voce.importo) else f"importoSingoloVersamento {voce.importo[:20]!r}"


def _importo_limiti(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    if voce.importo_cent is None:
        return None
    is_inside = 0 < voce.importo_cent <= _IMPORTO_MAX_CENT
    return "" if is_inside else f"importoSingoloVersamento {voce.importo[:20]!r}"


def _bilancio(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    if voce.bilancio_cent is None or voce.importo_cent is None:
        return None
    gap = voce.bilancio_cent - voce.importo_cent
    return f"la somma del bilancio differisce dall'importo di {gap} centesimi" if gap else ""


def _iud(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    return "" if is_iud(voce.iud) else "vuoto, oltre i 35 caratteri, o comincia per 000"


def _iud_unico(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    iud = [voce.iud for one in chiamata.documenti for voce in one.voci]
    if len(iud) < 2 or documento is not chiamata.documenti[0]:
        return None
    twice = sorted({one for one in iud if iud.count(one) > 1})
    return f"IUD ripetuto nella stessa richiesta: {twice[0][:35]!r}" if twice else ""


def _tipo_noto(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    if not prove.tipi:
        return None
    return "" if voce.tipo in prove.tipi else f"tipo {voce.tipo[:64]!r} non configurato"


def _tipo_attivo(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    tipo = prove.tipi.get(voce.tipo)
    if tipo is None:
        return None
    return "" if tipo.attivo else f"tipo {voce.tipo!r} configurato ma non attivo"


def _causale(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    return "" if voce.causale.strip() else "causaleVersamento vuota o di soli spazi"


def _causale_lunga(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    length = len(voce.causale)
    if not length:
        return None
    return "" if length <= _CAUSALE_RPT else f"causale di {length} caratteri: al cittadino ne arrivano {_CAUSALE_RPT}"


def _causale_caratteri(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    if not voce.causale.strip():
        return None
    strange = sorted({char for char in voce.causale if not (" " <= char <= "~" or "\u00a0" < char <= "\u00ff")})
    shown = ", ".join(f"U+{ord(char):04X}" for char in strange[:5] if char not in "€–’“”")
    return f"caratteri che la richiesta di pagamento non porta: {shown}" if shown else ""


def _dati_specifici(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    is_right = _DATI_SPECIFICI.fullmatch(voce.dati_specifici)
    return "" if is_right else f"datiSpecificiRiscossione {voce.dati_specifici[:40]!r}"


def _tassonomia(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    if not _DATI_SPECIFICI.fullmatch(voce.dati_specifici) or not voce.dati_specifici.startswith("9/"):
        return None
    if voce.vigore in ("VALIDO", "IN_SCADENZA"):
        return ""
    return f"codice {voce.dati_specifici[:14]!r}: {voce.vigore.replace('_', ' ').lower()}"


def _marca(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    if voce.tipo != TIPO_MARCA:
        return "datiMarcaBolloDigitale su un tipo che non è la marca" if voce.marca is not None else None
    return "" if voce.marca is not None else "mancano i datiMarcaBolloDigitale"


def _marca_impronta(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    if voce.marca is None:
        return None
    if not voce.marca.is_impronta:
        return "hashDocumento non è il base64 di un SHA-256"
    is_sigla = len(voce.marca.provincia) == 2 and voce.marca.provincia.isascii() and voce.marca.provincia.isupper()
    return "" if is_sigla else "provinciaResidenza non è una sigla di due maiuscole"


def _marca_importo(prove: Prove, documento: Documento, voce: Voce) -> Giudizio:
    tipo = prove.tipi.get(voce.tipo)
    if voce.tipo != TIPO_MARCA or tipo is None or tipo.importo_cent is None or voce.importo_cent is None:
        return None
    return "" if voce.importo_cent == tipo.importo_cent else f"importo {voce.importo[:20]!r}, diverso dal configurato"


def _tipo_versamento(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if documento.tipo_versamento is None:
        return None
    return "" if documento.is_tipo_versamento else f"tipoVersamento {documento.tipo_versamento[:32]!r}"


def _senza_iuv(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if documento.campo != "dovuti" or not documento.radice:
        return None
    return "" if documento.iuv is None else "identificativoUnivocoVersamento presente"


def _dati_per_none(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if chiamata.operazione != INVIA or chiamata.campi.get("showMyPay") != "NONE" or documento.pagatore is None:
        return None
    missing = [
        name for name, is_there in (
            ("anagraficaPagatore", documento.pagatore.has_nome), ("e-mailPagatore", documento.pagatore.has_email)
        ) if not is_there
    ]  # fmt: skip
    return f"showMyPay NONE senza {' e '.join(missing)}" if missing else ""


def _r(codice: str, requisito: str, fonte: str, rimedio: str, guarda: Guarda, consiglio: bool = False) -> Regola:
    return Regola(codice, Gruppo.CONTENUTO, requisito, fonte, rimedio, guarda, consiglio)


_XSD = "PagInf_Dovuti_Pagati 6.2.0"
_DOVUTI = "pa-per-ente, documento Dovuti"

REGOLE = (
    _r("CON-01", "Il documento interno è XML ben formato.", _XSD,
       "Costruirlo con una libreria XML: & e < nella causale vanno scritti come entità.", su_documenti(_xml)),
    _r("CON-02", "Il documento interno non ha DOCTYPE né entità proprie.", "pa-per-ente, documenti dentro i messaggi",
       "Togliere la dichiarazione DOCTYPE.", su_documenti(_doctype)),
    _r("CON-03", "Il documento interno è in UTF-8, o nella codifica che dichiara.",
       "pa-per-ente, documenti dentro i messaggi", "Codificare il testo in UTF-8 prima del base64.",
       su_documenti(_codifica)),
    _r("CON-04", "Tutti gli elementi del documento interno sono nel suo namespace.", _XSD,
       "Qui, al contrario che nel messaggio, ogni elemento è qualificato (prefisso pay_i).", su_documenti(_namespace)),
    _r("CON-05", "L'elemento radice ha il nome dell'elemento, non quello del tipo.", _XSD,
       "Usare Dovuti, Versamento, DovutiEntiSecondari: la piattaforma nazionale rifiuta ctDovuti.",
       su_documenti(_radice), True),
    _r("CON-06", "versioneOggetto è una versione dello schema.", _XSD, "Scrivere 6.2.0.", su_documenti(_versione),
       True),
    _r("CON-07", "Gli elementi obbligatori ci sono tutti, nell'ordine dello schema e senza estranei.", _XSD,
       "Rispettare la sequenza dello schema; convalidare il documento prima di mandarlo.", su_documenti(_struttura)),
    _r("CON-08", "Un elemento facoltativo senza valore è omesso, non mandato vuoto.", _XSD,
       "Non scrivere l'elemento quando il valore manca.", su_documenti(_vuoti)),
    _r("CON-09", "Gli altri valori rispettano lunghezze e formati dello schema.", _XSD,
       "Controllare le lunghezze prima di mandare; non troncare gli identificativi.", su_documenti(_formati)),
    _r("CON-10", "Un documento Dovuti contiene da uno a cinque dovuti.", _DOVUTI,
       "Dividere i dovuti in più richieste.", su_documenti(_quanti)),
    _r("CON-11", "Gli importi hanno il punto e due decimali esatti.", _XSD,
       "Scrivere 10.50, non 10.5 né 10,50: formattare con due decimali, senza double.", su_voci(_importo_scritto)),
    _r("CON-12", "Gli importi vanno da 0.01 a 999999999.99.", _XSD, "Non mandare dovuti a zero.",
       su_voci(_importo_limiti)),
    _r("CON-13", "La somma del bilancio è uguale all'importo, al centesimo.", "pa-per-ente, bilancio",
       "Ripartire con interi in centesimi e dare il resto all'ultima voce.", su_voci(_bilancio)),
    _r("CON-14", "Lo IUD non è vuoto, ha al più 35 caratteri e non comincia per 000.", _DOVUTI,
       "000 è riservato al portale: usare un prefisso proprio.", su_voci(_iud)),
    _r("CON-15", "Nella stessa richiesta ogni IUD compare una volta sola.", "pa-per-ente, unicità",
       "Dare a ogni dovuto uno IUD suo.", su_documenti(_iud_unico)),
    _r("CON-16", "Il tipo dovuto è uno di quelli configurati per l'ente.", _DOVUTI,
       "Usare il codice concordato con chi gestisce l'hub (pontepa tipo list).", su_voci(_tipo_noto)),
    _r("CON-17", "Il tipo dovuto è attivo.", _DOVUTI, "Chiedere di attivarlo, o usarne un altro.",
       su_voci(_tipo_attivo)),
    _r("CON-18", "La causale dice qualcosa.", _DOVUTI, "Scrivere che cosa si paga.", su_voci(_causale)),
    _r("CON-19", "La causale sta in 140 caratteri.", "SANP, causaleVersamento della RPT",
       "Mettere le informazioni importanti all'inizio, o accorciare.", su_voci(_causale_lunga), True),
    _r("CON-20", "La causale usa caratteri che i sistemi di pagamento portano.", "EPC217-08, insieme latino SEPA",
       "Togliere a capo, caratteri di controllo, simboli ed emoji.", su_voci(_causale_caratteri), True),
    _r("CON-21", "datiSpecificiRiscossione ha la forma cifra, barra, codice.", _XSD,
       "Una cifra fra 0, 1, 2 e 9, una barra e da 3 a 138 caratteri senza spazi.", su_voci(_dati_specifici)),
    _r("CON-22", "Il codice di datiSpecificiRiscossione è nella tassonomia pagoPA ed è in vigore.",
       "pagoPA, tassonomia dei servizi di incasso", "Prendere il codice dalla tassonomia pubblicata.",
       su_voci(_tassonomia), True),
    _r("CON-23", "I dati della marca ci sono se e solo se il tipo è la marca da bollo digitale.", _DOVUTI,
       "datiMarcaBolloDigitale solo, e sempre, con il tipo MARCA_BOLLO_DIGITALE.", su_voci(_marca)),
    _r("CON-24", "L'impronta della marca è il base64 del SHA-256 del documento, con la provincia.", _DOVUTI,
       "Calcolare SHA-256 sui byte del documento e codificarlo una volta (44 caratteri).", su_voci(_marca_impronta)),
    _r("CON-25", "L'importo della marca da bollo è quello configurato.", _DOVUTI, "Usare l'importo di legge.",
       su_voci(_marca_importo)),
    _r("CON-26", "tipoVersamento è ALL da solo, o codici uniti da una barra verticale.", "pa-per-ente, regole minute",
       "Scrivere ALL.", su_documenti(_tipo_versamento)),
    _r("CON-27", "Nel documento Dovuti lo IUV è assente: lo assegna il portale.", _DOVUTI,
       "Togliere identificativoUnivocoVersamento; per un avviso già emesso c'è paaSILVerificaAvviso.",
       su_documenti(_senza_iuv)),
    _r("CON-28", "Con showMyPay NONE ci sono nome ed e-mail del pagatore.", "pa-per-ente, paaSILInviaDovuti",
       "Chiedere i dati prima di mandare, o usare SHORT.", su_documenti(_dati_per_none)),
)  # fmt: skip
