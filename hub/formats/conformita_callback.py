"""The outcomes that are told to an endpoint on trial, and its answers as the rules look at them.

Source: docs/inoltro-esito.md; pa-per-ente, push of the outcome (4.2).
"""

from __future__ import annotations

import json
from datetime import date, datetime
from xml.sax.saxutils import escape

from hub.domain.conformita.domanda import Ritorno
from hub.domain.conformita.prove import Sonda
from hub.formats.documenti_ente import NAMESPACE
from hub.formats.importi import text_from_cent
from hub.formats.inoltro import render_inoltro
from hub.formats.testi import clean

# Longer than the receipt of a stamp with its attachment.
GRANDE_BYTES = 700 * 1024
_IMPORTO_CENT = 1250


def corpo_esito(
    dominio: str, iud: str, iuv: str, giorno: date, now: datetime, *, codice_esito: str = "0", rt: bytes | None
) -> bytes:
    """Return the body of an outcome about one dovuto. `rt`: the receipt's bytes, None without one."""
    importo = text_from_cent(_IMPORTO_CENT if codice_esito == "0" else 0)
    single = (
        f"<p:datiSingoloPagamento><p:identificativoUnivocoDovuto>{escape(iud)}</p:identificativoUnivocoDovuto>"
        f"<p:singoloImportoPagato>{importo}</p:singoloImportoPagato><p:dataEsitoSingoloPagamento>{giorno.isoformat()}"
        "</p:dataEsitoSingoloPagamento><p:identificativoUnivocoRiscossione>CONFORMITA</p:identificativoUnivocoRiscossione>"
        "<p:causaleVersamento>Prova di conformità</p:causaleVersamento>"
        "<p:datiSpecificiRiscossione>9/0101101IM/</p:datiSpecificiRiscossione></p:datiSingoloPagamento>"
    )
    party = (
        "<p:{0}><p:identificativoUnivoco{1}><p:tipoIdentificativoUnivoco>G</p:tipoIdentificativoUnivoco>"
        "<p:codiceIdentificativoUnivoco>" + escape(dominio) + "</p:codiceIdentificativoUnivoco>"
        "</p:identificativoUnivoco{1}><p:denominazione{1}>Prova di conformità</p:denominazione{1}></p:{0}>"
    )
    document = (
        f'<p:Pagati xmlns:p="{NAMESPACE}"><p:versioneOggetto>6.2.0</p:versioneOggetto><p:dominio>'
        f"<p:identificativoDominio>{escape(dominio)}</p:identificativoDominio></p:dominio>"
        "<p:identificativoMessaggioRicevuta>CONFORMITA</p:identificativoMessaggioRicevuta>"
        f"<p:dataOraMessaggioRicevuta>{now.isoformat(timespec='seconds')}</p:dataOraMessaggioRicevuta>"
        "<p:riferimentoMessaggioRichiesta>CONFORMITA</p:riferimentoMessaggioRichiesta>"
        f"<p:riferimentoDataRichiesta>{giorno.isoformat()}</p:riferimentoDataRichiesta>"
        + party.format("istitutoAttestante", "Attestante")
        + party.format("enteBeneficiario", "Beneficiario")
        + "<p:soggettoPagatore><p:identificativoUnivocoPagatore><p:tipoIdentificativoUnivoco>F"
        "</p:tipoIdentificativoUnivoco><p:codiceIdentificativoUnivoco>RSSMRA80A01H501U</p:codiceIdentificativoUnivoco>"
        "</p:identificativoUnivocoPagatore><p:anagraficaPagatore>Prova di conformità</p:anagraficaPagatore>"
        f"</p:soggettoPagatore><p:datiPagamento><p:codiceEsitoPagamento>{codice_esito}</p:codiceEsitoPagamento>"
        f"<p:importoTotalePagato>{importo}</p:importoTotalePagato>"
        f"<p:identificativoUnivocoVersamento>{escape(iuv)}</p:identificativoUnivocoVersamento>"
        f"<p:codiceContestoPagamento>CONFORMITA</p:codiceContestoPagamento>{single}</p:datiPagamento></p:Pagati>"
    )
    return render_inoltro(rt, document.encode())


def read_sonda_callback(nome: str, ritorno: Ritorno) -> Sonda:
    """Return what an answer of the endpoint shows."""
    is_json, code = True, ""
    if ritorno.corpo.strip():
        try:
            words = json.loads(ritorno.corpo)
        except (ValueError, RecursionError):
            is_json = False
        else:
            said = words.get("faultCode") if isinstance(words, dict) else None
            code = clean(said if isinstance(said, str) else "" if said is None else str(said), 64)
    return Sonda(
        nome, ritorno.stato, ritorno.durata_ms, clean(ritorno.errore, 200), fault_code=code,
        size_bytes=len(ritorno.corpo), is_json=is_json,
    )  # fmt: skip
