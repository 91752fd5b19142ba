"""The checks of a document `Dovuti` and of the payer, in the order of the table; the first failure is the answer.

Source: pa-per-ente, paaSILInviaDovuti, table of checks (numbers in the comments), shared by paaSILInviaCarrelloDovuti.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import combining, normalize
from urllib.parse import urlsplit

from hub.domain import errors, iud
from hub.domain.documenti import TIPO_MARCA, DocumentoDovuti, SingoloDovuto, Soggetto
from hub.domain.tipo_versamento import is_valid as is_tipo_versamento
from hub.formats.codice_fiscale import is_valid_partita_iva, is_valid_persona
from hub.formats.territorio import is_cap, is_nazione
from hub.store import dovuti
from hub.store.database import Database

if TYPE_CHECKING:
    # Who authenticates brings in libraries that a flow does without.
    from hub.usecases.authenticate import Chiamante

_HASH_MAX = 72
_URL_MAX = 2048
_BLANK_OR_CONTROL = re.compile(r"[\s\x00-\x1f]")
# As the facets of the documents say; the categories of the taxonomy that came later are for files alone.
DATI_SPECIFICI = re.compile(r"[0129]/\S{3,138}")
DATI_SPECIFICI_FLUSSO = re.compile(r"[0126789]/\S{3,138}")
EMAIL = re.compile(r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9.-]+")
_ASCII = re.compile(r"[\x20-\x7e]*")


def check_testata(documento: DocumentoDovuti, chiamante: Chiamante) -> None:
    """Checks 6 to 8. Raises: IuvNonValido, TipoVersamentoNonValido, CodiceFiscaleNonValido, PartitaIvaNonValida."""
    if documento.iuv is not None:
        raise errors.IuvNonValido(
            "identificativoUnivocoVersamento non ammesso: lo IUV è assegnato dall'hub",
            "datiVersamento/identificativoUnivocoVersamento deve essere assente",
        )
    if not is_tipo_versamento(documento.tipo_versamento):
        raise errors.TipoVersamentoNonValido(
            f"tipoVersamento {documento.tipo_versamento!r} non valido",
            "datiVersamento/tipoVersamento: ALL da solo, oppure BBT, BP, AD, CP, PO, OBEP uniti da una barra verticale",
        )
    tipi = [chiamante.configurato.tipi.get(dovuto.tipo) for dovuto in documento.dovuti]
    check_pagatore(documento.pagatore, is_anonimo_allowed=all(tipo is not None and tipo.anonimo for tipo in tipi))


def check_pagatore(pagatore: Soggetto, *, is_anonimo_allowed: bool) -> None:
    """Check 8. Raises: CodiceFiscaleNonValido, PartitaIvaNonValida."""
    campo = "soggettoPagatore/identificativoUnivocoPagatore/codiceIdentificativoUnivoco"
    if pagatore.codice == "ANONIMO":
        if pagatore.tipo != "F" or not is_anonimo_allowed:
            raise errors.CodiceFiscaleNonValido(
                "pagatore ANONIMO non ammesso per i tipi dovuto della richiesta",
                f"{campo}: ANONIMO è ammesso solo con tipo F e tipi dovuto che lo consentono",
            )
    elif pagatore.tipo == "F" and not (is_valid_persona(pagatore.codice) or is_valid_partita_iva(pagatore.codice)):
        raise errors.CodiceFiscaleNonValido(
            "codice fiscale del pagatore non valido",
            f"{campo}: con tipo F serve un codice fiscale o una partita IVA con carattere di controllo esatto",
        )
    elif pagatore.tipo == "G" and not is_valid_partita_iva(pagatore.codice):
        raise errors.PartitaIvaNonValida(
            "partita IVA del pagatore non valida",
            f"{campo}: con tipo G servono undici cifre con cifra di controllo esatta",
        )


def check_dovuti(db: Database, documento: DocumentoDovuti, chiamante: Chiamante, seen: set[str] | None = None) -> None:
    """Checks 9 to 18, dovuto by dovuto. `seen`: IUD of the ente in the elements before this one, added to.

    Raises: a HubError per row of the table.
    """
    with db.reading() as session:
        taken = dovuti.existing_iud(session, chiamante.ente.id, [dovuto.iud for dovuto in documento.dovuti])
    check_dovuti_new(documento, chiamante, set() if seen is None else seen, taken)


def check_dovuti_new(
    documento: DocumentoDovuti, chiamante: Chiamante, seen: set[str], taken: frozenset[str] = frozenset()
) -> None:
    """Checks 9 to 18 with the IUD that the ente has used before, `taken`, already known.

    Raises: a HubError per row of the table.
    """
    for index, dovuto in enumerate(documento.dovuti, 1):
        where = f"datiSingoloVersamento[{index}]"
        if not iud.is_valid(dovuto.iud):  # 9
            raise errors.IudNonValido(
                f"IUD {dovuto.iud!r} non valido",
                f"{where}/identificativoUnivocoDovuto: non vuoto, al più 35 caratteri, non deve iniziare per 000",
            )
        if dovuto.iud in taken or dovuto.iud in seen:  # 10
            raise errors.IudDuplicato(
                f"IUD {dovuto.iud} già presente per l'ente {chiamante.ente.cod_ipa_ente}",
                f"{where}/identificativoUnivocoDovuto: ogni IUD si usa una volta sola",
            )
        seen.add(dovuto.iud)
        _check_tipo(dovuto, where, chiamante)  # 11-14
        _check_importi(dovuto, where)  # 15-18


def _check_tipo(dovuto: SingoloDovuto, where: str, chiamante: Chiamante) -> None:
    tipo = chiamante.configurato.tipi.get(dovuto.tipo)
    campo = f"{where}/identificativoTipoDovuto"
    if tipo is None:
        raise errors.TipoDovutoNonValido(
            f"tipo dovuto {dovuto.tipo} non configurato per l'ente {chiamante.ente.cod_ipa_ente}",
            f"{campo}: valore {dovuto.tipo}, deve essere un tipo dell'ente",
        )
    granted = chiamante.tipi is None or dovuto.tipo in chiamante.tipi
    if not tipo.attivo or not granted:
        reason = "non attivo" if granted else "non concesso all'applicazione chiamante"
        raise errors.TipoDovutoNonAbilitato(
            f"tipo dovuto {dovuto.tipo} {reason}", f"{campo}: valore {dovuto.tipo}, {reason}"
        )
    if dovuto.tipo != TIPO_MARCA:
        if dovuto.marca is not None:
            raise errors.MarcaNonValida(
                f"datiMarcaBolloDigitale non ammessi per il tipo dovuto {dovuto.tipo}",
                f"{where}/datiMarcaBolloDigitale: solo con tipo {TIPO_MARCA}",
            )
        return
    if tipo.importo_cent is not None and dovuto.importo_cent != tipo.importo_cent:
        raise errors.ImportoMarcaNonValido(
            "importo della marca da bollo digitale diverso da quello configurato",
            f"{where}/importoSingoloVersamento: attesi {tipo.importo_cent} centesimi, ricevuti {dovuto.importo_cent}",
        )
    marca = dovuto.marca
    if marca is None or not marca.hash_documento.strip() or len(marca.hash_documento) > _HASH_MAX:
        raise errors.MarcaNonValida(
            "dati della marca da bollo digitale mancanti o non validi",
            f"{where}/datiMarcaBolloDigitale: tipoBollo, hashDocumento (al più {_HASH_MAX} caratteri), "
            "provinciaResidenza",
        )


def _check_importi(dovuto: SingoloDovuto, where: str) -> None:
    if not DATI_SPECIFICI.fullmatch(dovuto.dati_specifici):
        raise errors.DatiSpecificiNonValidi(
            f"datiSpecificiRiscossione {dovuto.dati_specifici!r} non valido",
            f"{where}/datiSpecificiRiscossione: una cifra fra 0, 1, 2 e 9, barra, da 3 a 138 caratteri senza spazi",
        )
    if dovuto.importo_cent <= 0:
        raise errors.ImportoNonValido(
            "importoSingoloVersamento deve essere maggiore di zero", f"{where}/importoSingoloVersamento"
        )
    if dovuto.bilancio_cent is not None and dovuto.bilancio_cent != dovuto.importo_cent:
        raise errors.BilancioNonValido(
            "la somma degli importi del bilancio è diversa dall'importo del dovuto",
            f"{where}/bilancio: somma {dovuto.bilancio_cent} centesimi, importo {dovuto.importo_cent}",
        )
    if not dovuto.causale.strip():
        raise errors.CausaleNonPresente("causaleVersamento assente", f"{where}/causaleVersamento: non può essere vuota")


def check_anagrafica(pagatore: Soggetto) -> None:
    """Refuse a payer who cannot go straight to the payment; all rules are tried, the last that fails is told.

    Raises: AnagraficaNonValida.
    """
    failed: str | None = None
    if not pagatore.email or not EMAIL.fullmatch(pagatore.email):
        failed = "soggettoPagatore/e-mailPagatore: assente o non valida"
    if not pagatore.anagrafica.strip():
        failed = "soggettoPagatore/anagraficaPagatore: assente"
    if pagatore.cap:
        if not pagatore.nazione or not is_nazione(pagatore.nazione):
            failed = "soggettoPagatore/capPagatore: presente senza una nazionePagatore conosciuta"
        elif not is_cap(pagatore.cap, pagatore.nazione):
            failed = f"soggettoPagatore/capPagatore: non valido per la nazione {pagatore.nazione}"
    for campo, value in (("indirizzoPagatore", pagatore.indirizzo), ("civicoPagatore", pagatore.civico)):
        if value and not is_printable(value):
            failed = f"soggettoPagatore/{campo}: contiene caratteri non ammessi"
    if failed is not None:
        raise errors.AnagraficaNonValida("anagrafica del pagatore non valida", failed)


def is_printable(value: str) -> bool:
    """Whether nothing but printable ASCII is left once accents are taken off."""
    return _ASCII.fullmatch("".join(char for char in normalize("NFKD", value) if not combining(char))) is not None


def check_url(url: str) -> None:
    """Refuse a return address that no browser should be sent to; empty is fine. Raises: UrlNonValida."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        good = False
    if not good or len(url) > _URL_MAX or _BLANK_OR_CONTROL.search(url):
        raise errors.UrlNonValida(
            "enteSILInviaRispostaPagamentoUrl non è un indirizzo web valido",
            f"enteSILInviaRispostaPagamentoUrl: deve iniziare per http:// o https://, al più {_URL_MAX} caratteri",
        )
