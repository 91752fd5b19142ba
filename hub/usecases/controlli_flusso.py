"""The rules of a row of an import flow, all of them tried: what its texts must mean.

The rules of one dovuto that the web services ask too are theirs; only the codes are the file's.
Source: flows, 2.4, in the order of the table; defects 1, 5 and 6 (12).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.documenti import TIPO_MARCA
from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.iud import PREFISSO_RISERVATO
from hub.domain.iuv import check_fornito
from hub.domain.scarto import SINTASSI, Scarto
from hub.domain.tassonomia import Tassonomia
from hub.domain.tipo_versamento import is_valid as is_tipo_versamento
from hub.formats import iban
from hub.formats.codice_fiscale import ANONIMO, is_valid_partita_iva, is_valid_persona
from hub.formats.importi import IMPORTO_MAX_CENT, text_from_cent
from hub.formats.tassonomia import bundled
from hub.formats.territorio import ITALIA, is_cap, is_nazione, is_provincia
from hub.usecases.controlli_dovuti import DATI_SPECIFICI_FLUSSO, EMAIL, is_printable

AZIONI = ("I", "M", "A")
_IBAN_LENGTH = 27
_MASSIMO = "al massimo 999999999.99"

# Few values in many rows.
_is_tipo_versamento = lru_cache(256)(is_tipo_versamento)
_is_dati_specifici = lru_cache(4096)(lambda text: DATI_SPECIFICI_FLUSSO.fullmatch(text) is not None)


@dataclass(frozen=True, slots=True)
class _Regola:
    """A rule: the column as the file and as the dovuto call it, the rule, what to write."""

    campo: str
    attributo: str
    messaggio: str
    rimedio: str


_LUOGHI = {
    "_INDIRIZZO": _Regola(
        "indirizzoPagatore", "indirizzo", "indirizzo con caratteri non ammessi", "lettere, cifre e segni della tastiera"
    ),
    "_CIVICO": _Regola(
        "civicoPagatore", "civico", "civico con caratteri non ammessi", "lettere senza accenti, cifre e segni"
    ),
    "_NAZ": _Regola("nazionePagatore", "nazione", "nazione sconosciuta", "il codice ISO di due lettere, come IT"),
    "_PROV": _Regola("provinciaPagatore", "provincia", "provincia sconosciuta", "la sigla di una provincia italiana"),
    "_CAP": _Regola("capPagatore", "cap", "CAP non valido", "da 1 a 16 lettere e cifre, senza spazi"),
}
_REGOLE = {
    "_AZIONE": _Regola("azione", "azione", "azione non valida", "I, M oppure A, maiuscola"),
    "_IUD": _Regola("IUD", "iud", "IUD non valido", "un codice che non inizia per 000, della piattaforma"),
    "_TIPO_DOVUTO_INESISTENTE": _Regola(
        "tipoDovuto", "tipo", "tipo dovuto inesistente per l'ente", "il codice di un tipo dell'ente: pontepa tipo list"
    ),
    "_TIPO_DOVUTO_NON_ATTIVO_PER_ENTE": _Regola(
        "tipoDovuto", "tipo", "tipo dovuto non attivo per l'ente", "un tipo attivo, oppure attivare questo"
    ),
    "_TIPO_DOVUTO_NON_VALIDO_MARCA_DA_BOLLO": _Regola(
        "tipoDovuto", "tipo", "la marca da bollo digitale non si carica con i flussi", "un altro tipo dovuto"
    ),
    "_ID_UNIV_FG": _Regola(
        "tipoIdentificativoUnivoco", "pagatore_tipo", "tipo di soggetto non valido", "F persona, G organizzazione"
    ),
    "_COD_FISC": _Regola(
        "codiceIdentificativoUnivoco", "pagatore_codice", "codice fiscale del pagatore non valido",
        "16 caratteri, oppure 11 cifre, con carattere di controllo esatto; ANONIMO solo con F e se il tipo lo ammette",
    ),
    "_P_IVA": _Regola(
        "codiceIdentificativoUnivoco", "pagatore_codice", "partita IVA del pagatore non valida",
        "con tipo G le 11 cifre con cifra di controllo esatta",
    ),
    "_EMAIL": _Regola("mailPagatore", "mail", "indirizzo di posta non valido", "per esempio nome@example.org, o nulla"),
    "_DATA_SCADENZA_PAGAMENTO_NON_PRESENTE": _Regola(
        "dataEsecuzionePagamento", "scadenza", "manca la data di scadenza", "il tipo dovuto la vuole: AAAA-MM-GG"
    ),
    "_IMPORTO": _Regola("importoDovuto", "importo_cent", "importo non ammesso", f"più di zero, {_MASSIMO}"),
    "_COMMISSIONI_PA": _Regola(
        "commissioneCaricoPa", "commissione_cent", "commissione non ammessa", f"zero o più, {_MASSIMO}"
    ),
    "_TIPO_VERS": _Regola(
        "tipoVersamento", "tipo_versamento", "tipo di versamento non valido",
        "ALL da solo, oppure BBT, BP, AD, CP, PO, OBEP uniti da una barra verticale",
    ),
    "_DATI_RISCOSS": _Regola(
        "datiSpecificiRiscossione", "dati_specifici", "dati specifici di riscossione non validi",
        "una cifra fra 0, 1, 2, 6, 7, 8 e 9, una barra e da 3 a 138 caratteri senza spazi, per esempio 9/0101101IM/",
    ),
    "_COD_FISC_ENTE_SECONDARIO": _Regola(
        "codiceFiscaleEnteSecondario", "secondario_codice", "codice fiscale dell'ente secondario non valido",
        "le 11 cifre con cifra di controllo esatta",
    ),
    "_IBAN_ACCREDITO_ENTE_SECONDARIO": _Regola(
        "ibanAccreditoEnteSecondario", "secondario_iban", "IBAN dell'ente secondario non valido",
        f"un IBAN di {_IBAN_LENGTH} caratteri, senza spazi, con cifre di controllo esatte",
    ),
    "_DATI_RISCOSS_ENTE_SECONDARIO": _Regola(
        "datiSpecificiRiscossioneEnteSecondario", "secondario_dati_specifici",
        "codice assente dalla tassonomia o non in vigore",
        "un codice della tassonomia pagoPA valido oggi, per esempio 9/0201133IM/",
    ),
    "_IMPORTO_VERS_ENTE_SECONDARIO": _Regola(
        "importoVersamentoEnteSecondario", "secondario_importo_cent", "importo dell'ente secondario non ammesso",
        f"più di zero; insieme a importoDovuto {_MASSIMO}",
    ),
    **_LUOGHI,
    **{
        f"{codice}_ENTE_SECONDARIO": _Regola(
            regola.campo.replace("Pagatore", "EnteSecondario"), f"secondario_{regola.attributo}",
            f"ente secondario: {regola.messaggio}", regola.rimedio,
        )
        for codice, regola in _LUOGHI.items()
    },
}  # fmt: skip


class Regole:
    """The rules for one ente. Without `tipi` (no database) what they decide is not asked."""

    def __init__(
        self,
        tipi: Mapping[str, Row[Any]] | None,
        segregazione: str | None,
        *,
        are_15_admitted: bool,
        tassonomia: Tassonomia | None = None,
        giorno: date | None = None,
    ) -> None:
        """`tassonomia`: None, the one that ships with the hub; `giorno`: on which the dovuti come to be."""
        self._tassonomia = bundled() if tassonomia is None else tassonomia
        self._giorno = giorno
        self._tipi = tipi
        self._segregazione = segregazione
        self._are_15_admitted = are_15_admitted

    def __call__(self, dovuto: DovutoImportato) -> list[Scarto]:
        """Return all that the row breaks; `azione` alone, when it is none."""
        if dovuto.azione not in AZIONI:
            return [_scarto(dovuto, "_AZIONE")]
        found = [_scarto(dovuto, codice) for codice in self._broken(dovuto)]
        if dovuto.iuv and (refused := self._iuv(dovuto)) is not None:
            found.append(refused)
        if dovuto.bilancio and (refused := _bilancio(dovuto)) is not None:
            found.append(refused)
        return found

    def _broken(self, dovuto: DovutoImportato) -> Iterator[str]:
        if dovuto.iud.startswith(PREFISSO_RISERVATO):
            yield "_IUD"
        yield from self._tipo(dovuto)
        if (broken := self._pagatore(dovuto)) is not None:
            yield broken
        yield from _luogo(dovuto.indirizzo, dovuto.civico, dovuto.nazione, dovuto.provincia, dovuto.cap)
        if dovuto.mail and not EMAIL.fullmatch(dovuto.mail):
            yield "_EMAIL"
        if not 0 < dovuto.importo_cent <= IMPORTO_MAX_CENT:
            yield "_IMPORTO"
        if dovuto.commissione_cent is not None and not 0 <= dovuto.commissione_cent <= IMPORTO_MAX_CENT:
            yield "_COMMISSIONI_PA"
        if not _is_tipo_versamento(dovuto.tipo_versamento):
            yield "_TIPO_VERS"
        if not _is_dati_specifici(dovuto.dati_specifici):
            yield "_DATI_RISCOSS"
        if dovuto.multi_beneficiario:
            yield from _secondario(dovuto, has_good_code=self._has_good_code(dovuto))

    def _tipo(self, dovuto: DovutoImportato) -> Iterator[str]:
        if dovuto.tipo == TIPO_MARCA:
            yield "_TIPO_DOVUTO_NON_VALIDO_MARCA_DA_BOLLO"
        if self._tipi is None:
            return
        tipo = self._tipi.get(dovuto.tipo)
        if tipo is None:
            yield "_TIPO_DOVUTO_INESISTENTE"
            return
        if not tipo.attivo:
            yield "_TIPO_DOVUTO_NON_ATTIVO_PER_ENTE"
        if dovuto.scadenza is None and tipo.scadenza_obbligatoria:
            yield "_DATA_SCADENZA_PAGAMENTO_NON_PRESENTE"

    def _pagatore(self, dovuto: DovutoImportato) -> str | None:
        codice = dovuto.pagatore_codice
        if dovuto.pagatore_tipo == "F":
            is_good = self._is_anonimo_allowed(dovuto.tipo) if codice == ANONIMO else is_valid_persona(codice)
            return None if is_good else "_COD_FISC"
        if dovuto.pagatore_tipo == "G":
            return None if is_valid_partita_iva(codice) else "_P_IVA"
        return "_ID_UNIV_FG"

    def _is_anonimo_allowed(self, codice_tipo: str) -> bool:
        if self._tipi is None:
            return True
        tipo = self._tipi.get(codice_tipo)
        return tipo is not None and bool(tipo.anonimo)

    def _has_good_code(self, dovuto: DovutoImportato) -> bool:
        voce = self._tassonomia.find(dovuto.secondario_dati_specifici)
        # What is there already keeps its code: it must still be possible to change and to cancel it.
        giorno = self._giorno if dovuto.azione == "I" else None
        return voce is not None and (giorno is None or voce.is_in_force(giorno))

    def _iuv(self, dovuto: DovutoImportato) -> Scarto | None:
        are_15_admitted = self._are_15_admitted or dovuto.azione != "I"
        segregazione = self._segregazione
        if segregazione is None:
            # Which ente it is decides how the number begins, and what its check digits are when it has fifteen.
            if len(dovuto.iuv) == 15 and dovuto.iuv.isdecimal() and dovuto.iuv[:2] != "00" and are_15_admitted:
                return None
            segregazione = dovuto.iuv[:2]
        try:
            # M and A name numbers that the hub drew too, which are in nobody's own space.
            is_free = dovuto.genera_iuv or dovuto.azione != "I"
            check_fornito(dovuto.iuv, segregazione, is_free=is_free, are_15_admitted=are_15_admitted)
        except errors.IuvNonValido as error:
            rimedio = (error.description or "").partition(": ")[2]
            return Scarto(dovuto.riga, "codIuv", dovuto.iuv, f"{SINTASSI}_IUV", "IUV non valido", rimedio)
        return None


def _scarto(dovuto: DovutoImportato, codice: str) -> Scarto:
    regola = _REGOLE[codice]
    value = getattr(dovuto, regola.attributo)
    text = "" if value is None else _euro(value) if isinstance(value, int) else str(value)
    return Scarto(dovuto.riga, regola.campo, text, SINTASSI + codice, regola.messaggio, regola.rimedio)


def _euro(importo_cent: int) -> str:
    """The amount as it is written in the file; a sign is what some are refused for."""
    return ("-" if importo_cent < 0 else "") + text_from_cent(abs(importo_cent))


def _bilancio(dovuto: DovutoImportato) -> Scarto | None:
    from hub.formats.bilancio import sum_bilancio  # few flows have accounts, and only they need a parser of XML

    try:
        total = sum_bilancio(dovuto.bilancio)
    except ValueError as error:
        rimedio = str(error)
    else:
        if total == dovuto.importo_cent:
            return None
        rimedio = f"gli importi sommano a {_euro(total)}, importoDovuto è {_euro(dovuto.importo_cent)}: uguagliarli"
    shown = dovuto.bilancio[:200]
    return Scarto(dovuto.riga, "bilancio", shown, f"{SINTASSI}_BILANCIO", "bilancio non valido", rimedio)


def _luogo(indirizzo: str, civico: str, nazione: str, provincia: str, cap: str) -> Iterator[str]:
    if indirizzo and not (indirizzo.isascii() and indirizzo.isprintable()) and not is_printable(indirizzo):
        yield "_INDIRIZZO"
    if civico and not (civico.isascii() and civico.isprintable()):
        yield "_CIVICO"
    if nazione and not is_nazione(nazione):
        yield "_NAZ"
    if provincia and nazione == ITALIA and not is_provincia(provincia):
        yield "_PROV"
    # The file's own rule is the same for every nation.
    if cap and not is_cap(cap, ""):
        yield "_CAP"


def _secondario(dovuto: DovutoImportato, *, has_good_code: bool) -> Iterator[str]:
    if not is_valid_partita_iva(dovuto.secondario_codice):
        yield "_COD_FISC_ENTE_SECONDARIO"
    if len(dovuto.secondario_iban) != _IBAN_LENGTH or not iban.is_valid(dovuto.secondario_iban):
        yield "_IBAN_ACCREDITO_ENTE_SECONDARIO"
    for codice in _luogo(
        dovuto.secondario_indirizzo, dovuto.secondario_civico, dovuto.secondario_nazione, dovuto.secondario_provincia,
        dovuto.secondario_cap,
    ):  # fmt: skip
        yield f"{codice}_ENTE_SECONDARIO"
    if not has_good_code:
        yield "_DATI_RISCOSS_ENTE_SECONDARIO"
    if (dovuto.secondario_importo_cent or 0) <= 0 or dovuto.totale_cent > IMPORTO_MAX_CENT:
        yield "_IMPORTO_VERS_ENTE_SECONDARIO"
