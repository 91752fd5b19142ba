"""Rules on dovuti that the ente stores, on carts of several enti, and on payments it records.

Source: pa-per-ente, 2.2, 2.5, 2.6, 3.2, 3.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.conformita.operazioni import IMPORTA, INVIA_CARRELLO, REGISTRA
from hub.domain.conformita.prove import Chiamata, Documento, Prove
from hub.domain.conformita.regola import Giudizio, Gruppo, Guarda, Regola, Visto, su_chiamate, su_documenti
from hub.domain.documenti import TIPO_MARCA

_AZIONI = ("I", "M", "A", "S")
_IMPORTO = re.compile(r"[0-9]{1,15}\.[0-9]{2}")
# Nobody means a due date that is further away: it is a mistyped year.
_SCADENZA_MAX = timedelta(days=3653)


def _oggi(istante: datetime) -> date:
    return istante.astimezone(ZoneInfo("Europe/Rome")).date()


def _is_versamento(documento: Documento) -> bool:
    return documento.campo == "dovuto" and bool(documento.radice)


def _azione(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not _is_versamento(documento):
        return None
    return "" if documento.azione in _AZIONI else f"azione {documento.azione[:10]!r}"


def _pagatore(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not _is_versamento(documento):
        return None
    return "" if documento.pagatore is not None else f"azione {documento.azione!r} senza soggettoPagatore"


def _iud(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not _is_versamento(documento):
        return None
    is_there = any(voce.iud for voce in documento.voci)
    return "" if is_there else "manca identificativoUnivocoDovuto"


def _scadenza_dovuta(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not _is_versamento(documento) or documento.azione not in ("I", "M"):
        return None
    tipi = [prove.tipi[voce.tipo] for voce in documento.voci if voce.tipo in prove.tipi]
    if not any(tipo.scadenza_obbligatoria for tipo in tipi):
        return None
    return "" if documento.scadenza else "manca dataEsecuzionePagamento, obbligatoria per il tipo"


def _scadenza_sensata(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not _is_versamento(documento) or not documento.scadenza or documento.azione not in ("I", "M"):
        return None
    if documento.giorno is None:
        return f"dataEsecuzionePagamento {documento.scadenza[:20]!r} non è una data aaaa-mm-gg"
    today = _oggi(chiamata.istante)
    if documento.giorno < today:
        return f"dataEsecuzionePagamento {documento.giorno} già passata"
    return (
        ""
        if documento.giorno - today <= _SCADENZA_MAX
        else f"dataEsecuzionePagamento {documento.giorno} fra troppi anni"
    )


def _iuv(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not _is_versamento(documento) or documento.iuv is None:
        return None
    return documento.problema_iuv


def _stampa(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not _is_versamento(documento) or documento.azione != "S":
        return None
    if chiamata.campi.get("flagGeneraIuv", "").lower() in ("true", "1"):
        return "azione S con flagGeneraIuv"
    return "" if documento.iuv else "azione S senza identificativoUnivocoVersamento"


def _marca(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not _is_versamento(documento) or not documento.voci:
        return None
    return "la marca da bollo non si importa" if documento.voci[0].tipo == TIPO_MARCA else ""


def _iuv_ripetuto(prove: Prove) -> Iterator[Visto]:
    """A change carries the IUV that the dovuto was given."""
    given: dict[str, str] = {}
    for chiamata in prove.chiamate:
        if chiamata.operazione != IMPORTA:
            continue
        for documento in chiamata.documenti:
            iud = documento.voci[0].iud if documento.voci else ""
            if documento.azione == "M" and iud in given:
                is_same = documento.iuv == given[iud]
                said = documento.iuv or "assente"
                yield Visto(str(chiamata), "" if is_same else f"IUD {iud!r}: IUV {said}, il dovuto ha {given[iud]}")
            elif documento.azione == "I" and chiamata.is_riuscita and (iuv := chiamata.risposta.iuv or documento.iuv):
                given[iud] = iuv


def _secondario(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if documento.secondario is None:
        return None
    wrong = [
        name for name, is_right in (
            ("codiceFiscaleBeneficiario", documento.secondario.is_codice),
            ("ibanAccreditoBeneficiario", documento.secondario.is_iban),
        ) if not is_right
    ]  # fmt: skip
    return f"non validi: {', '.join(wrong)}" if wrong else ""


def _un_secondario(chiamata: Chiamata) -> Giudizio:
    number = sum(documento.campo == "dovutiEntiSecondari" for documento in chiamata.documenti)
    if not number:
        return None
    return "" if number == 1 else f"{number} enti secondari nella stessa richiesta"


def _quota(chiamata: Chiamata) -> Giudizio:
    if chiamata.operazione != INVIA_CARRELLO:
        return None
    shares = [one.secondario.importo_cent for one in chiamata.documenti if one.secondario is not None]
    totals = [voce.importo_cent for one in chiamata.documenti for voce in one.voci]
    if len(shares) != 1 or len(totals) != 1 or shares[0] is None or totals[0] is None:
        return None
    return "" if shares[0] < totals[0] else "la quota del secondario non è minore dell'importo che la comprende"


def _registrato_importo(chiamata: Chiamata) -> Giudizio:
    if chiamata.operazione != REGISTRA or "singoloImportoPagato" not in chiamata.campi:
        return None
    said = chiamata.campi["singoloImportoPagato"]
    return "" if _IMPORTO.fullmatch(said) else f"singoloImportoPagato {said[:20]!r}"


def _registrato_giorno(chiamata: Chiamata) -> Giudizio:
    said = chiamata.campi.get("dataEsitoSingoloPagamento")
    if chiamata.operazione != REGISTRA or said is None:
        return None
    try:
        day = date.fromisoformat(said[:10])
    except ValueError:
        return f"dataEsitoSingoloPagamento {said[:20]!r} non è una data"
    return "" if day <= _oggi(chiamata.istante) else f"dataEsitoSingoloPagamento {day} è nel futuro"


def _r(codice: str, requisito: str, fonte: str, rimedio: str, guarda: Guarda, consiglio: bool = False) -> Regola:
    return Regola(codice, Gruppo.IMPORTAZIONE, requisito, fonte, rimedio, guarda, consiglio)


_IMPORTA = "pa-per-ente, paaSILImportaDovuto"
_CARRELLO = "pa-per-ente, paaSILInviaCarrelloDovuti"
_REGISTRA = "pa-per-ente, paaSILRegistraPagamento"

REGOLE = (
    _r("IMP-01", "azione è I, M, A o S, in maiuscolo.", _IMPORTA, "Scrivere una delle quattro lettere.",
       su_documenti(_azione)),
    _r("IMP-02", "Il Versamento ha il soggettoPagatore per ogni azione, annullo e stampa compresi.", _IMPORTA,
       "Rimandare il documento intero, non solo lo IUD.", su_documenti(_pagatore)),
    _r("IMP-03", "Il Versamento ha lo IUD.", _IMPORTA, "Scrivere identificativoUnivocoDovuto: è la chiave del dovuto.",
       su_documenti(_iud)),
    _r("IMP-04", "La scadenza c'è dove il tipo dovuto la vuole.", _IMPORTA, "Scrivere dataEsecuzionePagamento.",
       su_documenti(_scadenza_dovuta)),
    _r("IMP-05", "La scadenza è una data aaaa-mm-gg, non passata e ragionevole.", _IMPORTA,
       "Controllare giorno, mese e anno prima di mandare.", su_documenti(_scadenza_sensata)),
    _r("IMP-06", "Uno IUV fornito dall'ente ha forma, segregazione e cifre di controllo esatte.",
       "SACI, numero avviso", "Meglio flagGeneraIuv; altrimenti cifre di controllo = resto per 93.",
       su_documenti(_iuv)),
    _r("IMP-07", "Una modifica rimanda lo IUV che il dovuto ha già.", _IMPORTA,
       "Conservare lo IUV restituito dall'inserimento e scriverlo in ogni M.", _iuv_ripetuto),
    _r("IMP-08", "La stampa (S) indica lo IUV e non chiede di generarlo.", _IMPORTA,
       "Indicare identificativoUnivocoVersamento, senza flagGeneraIuv.", su_documenti(_stampa)),
    _r("IMP-09", "La marca da bollo digitale non si inserisce come dovuto.", _IMPORTA, "Usare paaSILInviaDovuti.",
       su_documenti(_marca)),
    _r("IMP-10", "Codice fiscale e IBAN dell'ente secondario sono validi.", "pa-per-ente, DovutiEntiSecondari",
       "Controllare le cifre di controllo di entrambi.", su_documenti(_secondario)),
    _r("IMP-11", "Al più un ente secondario per richiesta.", _CARRELLO, "Dividere in più richieste.",
       su_chiamate(_un_secondario)),
    _r("IMP-12", "Nel carrello l'importo del dovuto comprende la quota del secondario.", _CARRELLO,
       "Mandare il totale nel dovuto e la quota, minore, nel documento del secondario.", su_chiamate(_quota)),
    _r("IMP-13", "L'importo di un pagamento registrato ha punto e due decimali.", _REGISTRA, "Scrivere 10.50.",
       su_chiamate(_registrato_importo)),
    _r("IMP-14", "La data di un pagamento registrato non è nel futuro.", _REGISTRA,
       "Usare la data dell'incasso, aaaa-mm-gg.", su_chiamate(_registrato_giorno)),
)  # fmt: skip
