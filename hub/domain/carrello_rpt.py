"""What the node would refuse of the RPTs that leave together, found before anything is stored or sent.

Source: node, nodoInviaRPT (2.1), nodoInviaCarrelloRPT and its multi-beneficiary cart (2.2), RPT (4.4).
"""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from hub.domain.documenti import Rpt
from hub.domain.iuv import numero_avviso
from hub.domain.pagamento_online import PagamentoOnline

RPT_MAX = 5
VERSAMENTI_MAX = 5
_ROMA = ZoneInfo("Europe/Rome")
# stImportoDiversoDaZero, in cents.
_IMPORTO_MAX_CENT = 999_999_999_99
_DIFFERITO_MAX = timedelta(days=30)
# dominio of the first ente, notice number, hyphen, five digits. Source: node, 2.2.
_ID_MULTI = re.compile(r"([0-9]{11})([0-9]{18})-[0-9]{5}")


def problem_of(pagamento: PagamentoOnline, *, in_carrello: bool) -> str | None:
    """The first rule that the RPTs break, as an Italian sentence without anybody's data; None when they may leave."""
    parti = [parte.rpt for parte in pagamento.parti]
    if not 1 <= len(parti) <= RPT_MAX:
        return f"{len(parti)} RPT: in un carrello ne vanno da 1 a {RPT_MAX}"
    if not in_carrello and len(parti) != 1:
        return "nodoInviaRPT porta una RPT sola: serve nodoInviaCarrelloRPT"
    if len({parte.chiave for parte in pagamento.parti}) != len(parti):
        return "la stessa RPT due volte nel carrello"
    if in_carrello and not 1 <= len(pagamento.id_carrello) <= 35:
        return "identificativoCarrello: da 1 a 35 caratteri"
    problems = (_rpt_problem(rpt, pagamento.stazione, in_carrello=in_carrello) for rpt in parti)
    return next(filter(None, problems), None) or (_multi_problem(pagamento) if pagamento.is_multibeneficiario else None)


def _rpt_problem(rpt: Rpt, stazione: str, *, in_carrello: bool) -> str | None:
    if rpt.stazione != stazione:
        return "identificativoStazioneRichiedente: non è la stazione che invia"
    if not 1 <= len(rpt.versamenti) <= VERSAMENTI_MAX:
        return f"datiSingoloVersamento: da 1 a {VERSAMENTI_MAX}"
    if any((one.iban_accredito is None) == (one.marca is None) for one in rpt.versamenti):
        return "ogni versamento ha un IBAN di accredito oppure una marca da bollo"
    if any(one.importo_cent < 1 for one in rpt.versamenti) or rpt.importo_cent > _IMPORTO_MAX_CENT:
        return "importoTotaleDaVersare: fra 0.01 e 999999999.99, e nessun versamento a zero"
    richiesta = rpt.creata_at.astimezone(_ROMA).date()
    if not richiesta <= rpt.data_esecuzione <= richiesta + _DIFFERITO_MAX:
        return "dataEsecuzionePagamento: dal giorno della richiesta a 30 giorni dopo"
    if in_carrello and rpt.tipo_versamento != "BBT":
        return "tipoVersamento: in un carrello è BBT"
    is_single = len(rpt.versamenti) == 1 and rpt.versamenti[0].marca is None and rpt.ccp != "n/a"
    if rpt.tipo_versamento == "PO" and not is_single:
        return "tipoVersamento PO: un solo versamento, senza marca da bollo, con il CCP dell'attivazione"
    return None


def _multi_problem(pagamento: PagamentoOnline) -> str | None:
    """The rules of a multi-beneficiary cart that a hub can judge, in the order of their table."""
    if len(pagamento.parti) != 2:
        return "multibeneficiario: le RPT sono due"
    first, second = (parte.rpt for parte in pagamento.parti)
    found = _ID_MULTI.fullmatch(pagamento.id_carrello)
    if found is None or found[1] != first.dominio or found[2] != numero_avviso(first.iuv):
        return "multibeneficiario: identificativoCarrello è dominio, numero avviso, trattino e 5 cifre"
    rules = (
        (first.dominio != second.dominio, "le due RPT sono di domini diversi"),
        (first.iuv == second.iuv, "le due RPT hanno lo stesso IUV"),
        (first.ccp == second.ccp == pagamento.id_carrello, "il CCP delle due RPT è l'identificativo del carrello"),
        (len(second.versamenti) == 1, "la seconda RPT ha un solo versamento"),
        (len(first.versamenti) + 1 <= VERSAMENTI_MAX, f"i versamenti sono al massimo {VERSAMENTI_MAX}"),
        (first.data_esecuzione == second.data_esecuzione, "le due RPT hanno la stessa dataEsecuzionePagamento"),
        (not any(one.marca for one in first.versamenti), "nessuna marca da bollo digitale"),
    )
    return next((f"multibeneficiario: {rule}" for is_kept, rule in rules if not is_kept), None)
