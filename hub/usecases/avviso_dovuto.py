"""The printed notice of a stored dovuto, from its row: never from what a request says of it.

Source: pa-per-ente, paaSILImportaDovuto, azione `S` and `urlFileAvviso`, defect 10 (8); flows, 5.1 and 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.avviso import Avviso, ContoPostale, EnteCreditore, conto_from_iban
from hub.domain.documenti import QuotaSecondaria, Soggetto
from hub.domain.errors import AvvisoNonTrovato
from hub.domain.iuv import numero_avviso
from hub.domain.stati import StatoDovuto
from hub.store import depositati, dovuti, loghi
from hub.store.anagrafe import Anagrafe, EnteConfigurato
from hub.store.database import Database

# Where the notice is fetched, with the version's id and its token.
PERCORSO = "/public/landing/avviso"
_LIVE = frozenset({StatoDovuto.INSERIMENTO_DOVUTO, StatoDovuto.PREDISPOSTO, StatoDovuto.PAGAMENTO_INIZIATO})
# The line for contacts on the paper. Source: flows, 5.2.
_CONTATTI_MAX = 100


def is_printable(configurato: EnteConfigurato, tipo: str, iuv: str | None) -> bool:
    """Whether dovuti of the tipo are printed, and the IUV makes a notice: 17 digits, or 15 of the old numbering."""
    row = configurato.tipi.get(tipo)
    return iuv is not None and len(iuv) in (15, 17) and (row is None or row.stampa_avviso)


def build_avviso(configurato: EnteConfigurato, row: Row[Any], logo: bytes | None) -> Avviso | None:
    """Return the notice of a dovuto; None when it is not to be paid any more, has no number, or is not to be printed.

    The amount is all that the payer is asked for, the second beneficiary's share included. A digital stamp has no
    notice. Source: flows, 5.1.
    """
    if row.stato not in _LIVE or not is_printable(configurato, row.tipo, row.iuv) or not row.pagatore or row.marca:
        return None
    ente = configurato.ente
    tipo = configurato.tipi.get(row.tipo)
    quota_cent = QuotaSecondaria(**row.secondario).importo_cent if row.secondario else 0
    return Avviso(
        ente=creditore(ente, tipo, logo),
        destinatario=Soggetto(**row.pagatore),
        causale=row.causale,
        importo_cent=row.importo_cent + quota_cent,
        scadenza=row.scadenza if tipo is not None and tipo.stampa_data_scadenza else None,
        iuv=row.iuv,
        numero_avviso=numero_avviso(row.iuv, codice_applicazione=ente.codice_segregazione),
        conto_postale=conto_postale(ente, tipo),
    )


def creditore(ente: Row[Any], tipo: Row[Any] | None, logo: bytes | None) -> EnteCreditore:
    """Return the ente as the notices of a tipo name it."""
    return EnteCreditore(
        nome=ente.beneficiario or ente.nome,
        codice_fiscale=ente.codice_fiscale,
        cbill=ente.codice_cbill or "",
        settore=(tipo.settore or "") if tipo is not None else "",
        contatti=_contatti(ente.contatti or {}),
        logo=logo,
        cod_ipa_ente=ente.cod_ipa_ente,
    )


def _contatti(contatti: Mapping[str, str]) -> str:
    """Return address, phone, mail and site on one line; of those that the paper has no room for, none is cut short."""
    line = ""
    for key, before in (("indirizzo", ""), ("telefono", "tel. "), ("mail", ""), ("sito", "")):
        if key in contatti:
            longer = f"{line} - {before}{contatti[key]}" if line else before + contatti[key]
            line = longer if len(longer) <= _CONTATTI_MAX else line
    return line


def conto_postale(ente: Row[Any], tipo: Row[Any] | None) -> ContoPostale | None:
    """Return what the postal slip needs: a postal account of the tipo, and Poste's authorisation of the ente.

    Without an account of its own the tipo has the one where its money goes, if that is postal.
    """
    if tipo is None:
        return None
    numero = tipo.conto_postale or conto_from_iban(tipo.iban_postale or tipo.iban or ente.iban)
    if not numero or not ente.autorizzazione_stampa:
        return None
    intestatario = tipo.intestatario_conto_postale or ente.beneficiario or ente.nome
    return ContoPostale(numero, intestatario, ente.autorizzazione_stampa)


def find_avviso(db: Database, anagrafe: Anagrafe, version_id: str, now: datetime) -> Avviso:
    """Return the notice that an address of ours leads to, with the amounts of today.

    A version that was replaced leads to the one in its place, as long as the IUV on the paper is the same.
    Raises: AvvisoNonTrovato (cancelled, paid, never there).
    """
    with db.reading() as session:
        row = depositati.find_version(session, version_id)
        if row is not None and not row.attuale:
            current = dovuti.find_attuale(session, row.ente_id, row.iud)
            row = current if current is not None and current.iuv == row.iuv else None
        logo = None if row is None else loghi.find(session, row.ente_id)
    configurato = None if row is None else anagrafe.find_by_id(row.ente_id, now)
    avviso = None if row is None or configurato is None else build_avviso(configurato, row, logo)
    if avviso is None:
        raise AvvisoNonTrovato("avviso non trovato: annullato, già pagato o mai esistito")
    return avviso
