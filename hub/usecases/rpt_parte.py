"""The RPTs of one part of a session: the ente's own and, where a second beneficiary has a share, his.

Source: node, from a position to an RPT (4.4), multi-beneficiary cart (2.2).
"""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.documenti import TIPO_MARCA, Organizzazione, QuotaSecondaria, Rpt, SingoloRpt
from hub.domain.iuv import numero_avviso
from hub.domain.pagamento_online import RptPronta
from hub.domain.tassonomia import Tassonomia, dati_rpt
from hub.formats.causale import causale_rpt
from hub.formats.istanti import giorno_di
from hub.formats.rpt import render_rpt
from hub.usecases.parti_sessione import Parte

# The cart of a payment that starts at the ente has this code of origin in its id.
_ORIGINE_CARRELLO = "01"


def draw_id_carrello(dominio: str, now: datetime) -> str:
    """Return the id of an ordinary cart: year, dominio, origin, 18 random digits; never used twice."""
    return f"{giorno_di(now).year}{dominio}{_ORIGINE_CARRELLO}{secrets.randbelow(10**18):018d}"


def draw_id_multibeneficiario(dominio: str, iuv: str) -> str:
    """Return the id of a multi-beneficiary cart: dominio, notice number, hyphen, 5 random digits."""
    return f"{dominio}{numero_avviso(iuv)}-{secrets.randbelow(10**5):05d}"


def build_rpt(parte: Parte, iuv: str, ccp: str, tassonomia: Tassonomia, now: datetime) -> RptPronta:
    """Return the RPT of the ente's own share, and of the second one where that is the ente's too."""
    ente = parte.configurato.ente
    # A dovuto keeps until its payment the code that was good when it came to be.
    day = giorno_di(now if parte.dovuto is None else parte.dovuto.created_at)
    versamenti = []
    for dovuto in parte.documento.dovuti:
        tipo = parte.configurato.tipi.get(dovuto.tipo)
        is_marca = dovuto.tipo == TIPO_MARCA
        versamenti.append(
            SingoloRpt(
                importo_cent=dovuto.importo_cent,
                causale=causale_rpt(iuv, dovuto.importo_cent, dovuto.causale),
                dati_specifici=dovuto.dati_specifici
                if tipo is None
                else dati_rpt(dovuto.dati_specifici, tipo.tassonomia, tipo.descrizione, tassonomia, day),
                iban_accredito=None if is_marca else (tipo.iban if tipo is not None and tipo.iban else ente.iban),
                marca=dovuto.marca if is_marca else None,
            )
        )
    if parte.secondario is not None and parte.altro_beneficiario is None:
        versamenti.append(_versamento_of(parte, parte.secondario, iuv))
    beneficiario = Organizzazione(tipo="G", codice=ente.codice_fiscale, denominazione=ente.nome[:70])
    return _ready(parte, ente, beneficiario, tuple(versamenti), iuv, ccp, now)


def build_rpt_secondaria(parte: Parte, quota: QuotaSecondaria, iuv: str, ccp: str, now: datetime) -> RptPronta:
    """Return the RPT of the second beneficiary's share."""
    beneficiario = Organizzazione(
        tipo="G",
        codice=quota.codice_fiscale,
        denominazione=quota.denominazione[:70],
        indirizzo=quota.indirizzo,
        civico=quota.civico,
        cap=quota.cap,
        localita=quota.localita,
        provincia=quota.provincia,
        nazione=quota.nazione,
    )
    return _ready(parte, parte.configurato.ente, beneficiario, (_versamento_of(parte, quota, iuv),), iuv, ccp, now)


def _versamento_of(parte: Parte, quota: QuotaSecondaria, iuv: str) -> SingoloRpt:
    return SingoloRpt(
        importo_cent=quota.importo_cent,
        causale=causale_rpt(iuv, quota.importo_cent, quota.causale or parte.documento.dovuti[0].causale),
        dati_specifici=quota.dati_specifici,
        iban_accredito=quota.iban,
    )


def _ready(
    parte: Parte,
    ente: Row[Any],
    beneficiario: Organizzazione,
    versamenti: tuple[SingoloRpt, ...],
    iuv: str,
    ccp: str,
    now: datetime,
) -> RptPronta:
    rpt = Rpt(
        dominio=beneficiario.codice,
        stazione=ente.stazione_id,
        id_messaggio=uuid.uuid4().hex,
        creata_at=now,
        pagatore=parte.documento.pagatore,
        ente=beneficiario,
        data_esecuzione=giorno_di(now),
        tipo_versamento="BBT",
        iuv=iuv,
        ccp=ccp,
        versamenti=versamenti,
    )
    return RptPronta(rpt, render_rpt(rpt))
