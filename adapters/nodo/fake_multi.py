"""The rules of a cart with more beneficiaries, as the simulated node judges them. Source: node, 2.2 (MB_01 to 15)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from adapters.nodo.fake_soap import Fault, Richiesta, Rifiuto
from hub.domain.documenti import Rpt

_ID = re.compile(r"([0-9]{11})([0-9]{18})-[0-9]{5}")


def check_multi(richiesta: Richiesta, documenti: Sequence[Rpt], domini: Collection[str], versione: int) -> None:
    """Return when the cart keeps the rules. `domini`: all that the node knows, empty when it knows any.

    Raises: Rifiuto (PPT_DOMINIO_SCONOSCIUTO, PPT_SEMANTICA, PPT_MULTI_BENEFICIARIO).
    """
    if versione != 2:
        raise _refused("la stazione è di versione 1")
    dominio = richiesta.id_carrello[:11]
    if domini and dominio not in domini:
        raise Rifiuto(Fault("PPT_DOMINIO_SCONOSCIUTO", f"dominio {dominio} sconosciuto"))
    found = _ID.fullmatch(richiesta.id_carrello)
    if found is None:
        raise _refused("identificativoCarrello: dominio, numero avviso, trattino e 5 cifre")
    if len(documenti) != 2:
        raise _refused("le RPT devono essere due")
    first, second = documenti
    if any(rpt.ccp != richiesta.id_carrello for rpt in documenti):
        raise Rifiuto(Fault("PPT_SEMANTICA", "codiceContestoPagamento diverso da identificativoCarrello"))
    rules = (
        (found[1] == first.dominio, "il carrello è di un altro dominio"),
        (first.dominio != second.dominio, "le due RPT sono dello stesso dominio"),
        (first.iuv == second.iuv, "le due RPT hanno IUV diversi"),
        (found[2].endswith(first.iuv), "il numero avviso del carrello è di un altro IUV"),
        (len(second.versamenti) == 1, "la seconda RPT ha più di un versamento"),
        (len(first.versamenti) + len(second.versamenti) <= 5, "più di cinque versamenti"),
        (first.data_esecuzione == second.data_esecuzione, "dataEsecuzionePagamento diverse"),
        (not any(one.marca for rpt in documenti for one in rpt.versamenti), "marca da bollo digitale"),
    )
    for is_kept, words in rules:
        if not is_kept:
            raise _refused(words)


def _refused(words: str) -> Rifiuto:
    return Rifiuto(Fault("PPT_MULTI_BENEFICIARIO", words))
