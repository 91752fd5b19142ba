"""The checks of a document `Versamento`, in the order of the table; what is repaired rather than refused.

Source: pa-per-ente, paaSILImportaDovuto (2.5), common checks (numbers in the comments).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from unicodedata import combining, normalize

from hub.domain import errors, iud
from hub.domain.documenti import TIPO_MARCA, DocumentoVersamento, QuotaSecondaria, Soggetto
from hub.domain.tassonomia import Tassonomia
from hub.domain.tipo_versamento import TUTTI
from hub.domain.tipo_versamento import validate as validate_tipo_versamento
from hub.formats.codice_fiscale import compact
from hub.formats.importi import IMPORTO_MAX_CENT
from hub.formats.territorio import ITALIA, is_cap, is_nazione, is_provincia
from hub.usecases.authenticate import Chiamante
from hub.usecases.controlli_dovuti import DATI_SPECIFICI, check_pagatore

AZIONI = ("I", "M", "A", "S")
_NOT_ASCII = re.compile(r"[^\x20-\x7e]")


def check_azione(documento: DocumentoVersamento) -> None:
    """Check 3. Raises: AzioneNonValida."""
    if documento.azione not in AZIONI:
        raise errors.AzioneNonValida(
            f"azione {documento.azione!r} non valida", f"azione: ammesse {', '.join(AZIONI)}, maiuscole"
        )


def check_versamento(documento: DocumentoVersamento, chiamante: Chiamante) -> DocumentoVersamento:
    """Checks 7 to 14 (6: the schema refuses amounts out of range); return the document as it will be kept.

    Kept: tipoVersamento canonical, payer's code in capitals, address repaired.
    Raises: BilancioNonValido, TipoDovutoAssente, TipoDovutoNonValido, PagatoreAssente, TipoVersamentoNonValido,
    IudNonValido, CausaleNonPresente, DatiSpecificiNonValidi, CodiceFiscaleNonValido, PartitaIvaNonValida.
    """
    where = "datiVersamento"
    if documento.bilancio_cent is not None and documento.bilancio_cent != documento.importo_cent:  # 7
        raise errors.BilancioNonValido(
            "la somma degli importi del bilancio è diversa dall'importo del dovuto",
            f"{where}/bilancio: somma {documento.bilancio_cent} centesimi, importo {documento.importo_cent}",
        )
    is_anonimo_allowed = _check_tipo(documento.tipo, chiamante)  # 8
    if documento.pagatore is None:  # 9
        raise errors.PagatoreAssente(
            "soggettoPagatore non valorizzato", "soggettoPagatore: obbligatorio per ogni azione, anche A e S"
        )
    tipo_versamento = validate_tipo_versamento(documento.tipo_versamento) or TUTTI  # 10
    if not iud.is_valid(documento.iud):  # 11
        raise errors.IudNonValido(
            f"IUD {documento.iud!r} non valido",
            f"{where}/identificativoUnivocoDovuto: obbligatorio, al più 35 caratteri, non deve iniziare per 000",
        )
    if not documento.causale:  # 12
        raise errors.CausaleNonPresente("causaleVersamento assente", f"{where}/causaleVersamento: non può essere vuota")
    if not DATI_SPECIFICI.fullmatch(documento.dati_specifici):  # 13
        raise errors.DatiSpecificiNonValidi(
            f"datiSpecificiRiscossione {documento.dati_specifici!r} non valido",
            f"{where}/datiSpecificiRiscossione: una cifra fra 0, 1, 2 e 9, barra, da 3 a 138 caratteri senza spazi",
        )
    pagatore = repair_pagatore(documento.pagatore)
    check_pagatore(pagatore, is_anonimo_allowed=is_anonimo_allowed)  # 14
    return replace(documento, pagatore=pagatore, tipo_versamento=tipo_versamento)


def _check_tipo(codice: str, chiamante: Chiamante) -> bool:
    campo = "datiVersamento/identificativoTipoDovuto"
    if not codice:
        raise errors.TipoDovutoAssente("identificativoTipoDovuto non presente", f"{campo}: non può essere vuoto")
    tipo = chiamante.configurato.tipi.get(codice)
    if tipo is None or not tipo.attivo or codice == TIPO_MARCA:
        raise errors.TipoDovutoNonValido(
            f"tipo dovuto {codice} non utilizzabile dall'ente {chiamante.ente.cod_ipa_ente}",
            f"{campo}: valore {codice}, deve essere un tipo attivo dell'ente, non la marca da bollo digitale",
        )
    return bool(tipo.anonimo)


def check_secondario(quota: QuotaSecondaria, tassonomia: Tassonomia, day: date | None) -> None:
    """`day`: of a new dovuto; None for one that is there, which keeps a code that has ended since.

    Raises: DatiSpecificiNonValidi (the code is not in the taxonomy, or not valid on that day).
    """
    campo = "dovutiEntiSecondari/datiVersamentoEntiSecondari/datiSpecificiRiscossione"
    voce = tassonomia.find(quota.dati_specifici)
    if voce is None:
        raise errors.DatiSpecificiNonValidi(
            f"datiSpecificiRiscossione {quota.dati_specifici!r} dell'ente secondario non è nella tassonomia",
            f"{campo}: codice sconosciuto",
        )
    if day is not None and not voce.is_in_force(day):
        raise errors.DatiSpecificiNonValidi(
            f"datiSpecificiRiscossione {quota.dati_specifici!r} dell'ente secondario non è in vigore",
            f"{campo}: codice valido dal {voce.valido_dal} al {voce.valido_al}",
        )


def own_share(importo_cent: int, quota: QuotaSecondaria | None, *, is_included: bool) -> int:
    """Return the ente's own part of the amount.

    `is_included`: the secondary share is part of the amount given; else it is added to it.
    Raises: ImportoNonValido (nothing is left, or the payer would be asked more than any notice can say).
    """
    if quota is None:
        return importo_cent
    own_cent = importo_cent - quota.importo_cent if is_included else importo_cent
    if own_cent <= 0 or own_cent + quota.importo_cent > IMPORTO_MAX_CENT:
        raise errors.ImportoNonValido(
            "l'importo del dovuto e la quota dell'ente secondario non stanno insieme",
            f"datiVersamento/importoSingoloVersamento: {importo_cent} centesimi, quota secondaria "
            f"{quota.importo_cent}, {'compresa' if is_included else 'aggiunta'}",
        )
    return own_cent


def repair_pagatore(pagatore: Soggetto) -> Soggetto:
    """Return the payer with what nobody can use dropped: never a fault.

    Unknown nation; province unknown or abroad; postal code wrong for the nation, or without one. Address and civic
    number lose accents, their other foreign characters become blanks. The code comes out in capitals.
    """
    nazione = pagatore.nazione if pagatore.nazione and is_nazione(pagatore.nazione) else None
    provincia, cap = pagatore.provincia, pagatore.cap
    return replace(
        pagatore,
        codice=compact(pagatore.codice),
        nazione=nazione,
        provincia=provincia if nazione == ITALIA and provincia and is_provincia(provincia) else None,
        cap=cap if nazione and cap and is_cap(cap, nazione) else None,
        indirizzo=_plain(pagatore.indirizzo),
        civico=_plain(pagatore.civico),
    )


def _plain(text: str | None) -> str | None:
    if not text:
        return None
    decomposed = "".join(character for character in normalize("NFKD", text) if not combining(character))
    return _NOT_ASCII.sub(" ", decomposed).strip() or None
