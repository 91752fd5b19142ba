"""The tracciato of import: dovuti to insert, modify or cancel. A version states only its difference.

A row is bound by position: files in use spell the same column in several ways. Source: flows, 2.1 to 2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import gt, itemgetter
from typing import Any, ClassVar

from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.scarto import ILLEGGIBILE, SINTASSI, Scarto
from hub.formats.tracciati.colonne import Bandiera, Colonna, Giorno, Importo, Maiuscole, Modi, Testo
from hub.formats.tracciati.righe import SEPARATORE, Riga, split

_IMPORTO = "cifre, un punto e due decimali, per esempio 120.50"
_GIORNO = "una data che esiste, nella forma AAAA-MM-GG"
# Between the columns of the first version and `azione`, in the order in which the versions have added them.
_ADDED = DovutoImportato._fields[20:-1]
_AZIONE = "azione"
_EMPTY: dict[str, Any] = {"genera_iuv": False, "multi_beneficiario": False, "secondario_importo_cent": None}
# Columns of the second beneficiary: without the flag nobody looks at them, with it these five must be there.
_ONLY_WITH_FLAG = slice(22, 34)
_IGNORED = [""] * 12
_required_with_flag = itemgetter(22, 23, 24, 31, 33)


class ImportDovuti:
    """What every version shares: the columns as declared, rows read and written by them."""

    version: ClassVar[str]
    colonne: ClassVar[tuple[Colonna, ...]] = ()
    # The fields of a DovutoImportato that the columns become.
    nomi: ClassVar[tuple[str, ...]] = ()

    _required: ClassVar[Callable[[Sequence[str]], tuple[str, ...]]]
    _lengths: ClassVar[tuple[int, ...]]
    _typed: ClassVar[tuple[tuple[int, Callable[[str], Any]], ...]]
    _absent: ClassVar[tuple[Any, ...]]
    _flag: ClassVar[int] = -1

    def __init_subclass__(cls) -> None:
        declared: dict[str, Colonna] = {}
        for base in reversed(cls.__mro__):
            declared |= {name: value for name, value in vars(base).items() if isinstance(value, Colonna)}
        last = declared.pop(_AZIONE)
        cls.colonne = (*declared.values(), last)
        cls.nomi = (*declared, _AZIONE)
        cls._lengths = tuple(colonna.length_max for colonna in cls.colonne)
        cls._required = itemgetter(*(i for i, colonna in enumerate(cls.colonne) if colonna.required))
        cls._typed = tuple((i, colonna.read) for i, colonna in enumerate(cls.colonne) if colonna.is_typed)
        absent = [name for name in _ADDED if name not in declared]
        cls._absent = tuple(_EMPTY.get(name, "") for name in absent)

    @classmethod
    def intestazione(cls) -> str:
        """Return the canonical header, without line end."""
        return SEPARATORE.join(colonna.nome for colonna in cls.colonne)

    @classmethod
    def read_riga(cls, riga: Riga) -> DovutoImportato | tuple[Scarto, ...]:
        """Return the dovuto of a row of a file, or all that is wrong with its structure."""
        if riga.difetto:
            return (_unreadable(riga.numero, riga.difetto),)
        try:
            campi = split(riga.testo)
        except ValueError as error:
            return (_unreadable(riga.numero, str(error)),)
        return cls.read(riga.numero, campi)

    @classmethod
    def read(cls, riga: int, campi: Sequence[str]) -> DovutoImportato | tuple[Scarto, ...]:
        """Return the dovuto of a row's fields, or all that is wrong with its structure."""
        if len(campi) != len(cls._lengths):
            return (cls._columns_refusal(riga, len(campi)),)
        values: list[Any] = list(map(str.strip, campi))
        has_second = cls._flag >= 0 and values[cls._flag].lower() == "true"
        if cls._flag >= 0 and not has_second:
            values[_ONLY_WITH_FLAG] = _IGNORED
        # The usual row passes with a few calls into C; only one that does not is looked at column by column.
        if any(map(gt, map(len, values), cls._lengths)) or not all(cls._required(values)):
            return cls._refusals(riga, values)
        if has_second and not all(_required_with_flag(values)):
            return cls._refusals(riga, values)
        said = values.copy()
        try:
            for index, read in cls._typed:
                said[index] = read(said[index])
        except ValueError:
            return cls._refusals(riga, values)
        said[-1:-1] = cls._absent
        return DovutoImportato._make((riga, *said))

    @classmethod
    def write(cls, dovuto: DovutoImportato) -> list[str]:
        """Return the texts of a dovuto in the order of the columns; join them with `join`."""
        values = (*dovuto[1:-1], dovuto.azione)[: len(cls.colonne) - 1]
        texts = [colonna.write(value) for colonna, value in zip(cls.colonne, (*values, dovuto.azione), strict=True)]
        if cls._flag >= 0 and not dovuto.multi_beneficiario:
            texts[_ONLY_WITH_FLAG] = _IGNORED
        return texts

    @classmethod
    def _refusals(cls, riga: int, texts: Sequence[str]) -> tuple[Scarto, ...]:
        has_second = cls._flag >= 0 and texts[cls._flag].lower() == "true"
        needed = _required_with_flag(cls.colonne) if has_second else ()
        found = []
        for colonna, text in zip(cls.colonne, texts, strict=True):
            problem = colonna.problem(text)
            if not text and colonna in needed:
                problem = f"{colonna.chiave} NON PRESENTE"
            if problem is not None:
                found.append(Scarto(riga, colonna.nome, text[:200], SINTASSI, problem, colonna.regola))
        return tuple(found)

    @classmethod
    def _columns_refusal(cls, riga: int, found: int) -> Scarto:
        wanted = len(cls.colonne)
        rimedio = f"la versione {cls.version} ha {wanted} colonne, la riga ne ha {found}"
        if found < wanted:
            return _unreadable(riga, rimedio)
        return Scarto(riga, "", "", SINTASSI, "Too many columns", rimedio)


class ImportDovuti_1_0(ImportDovuti):
    """The first version. Source: flows, 2.2, columns 0 to 18 and `azione`."""

    version = "1_0"
    iud = Testo("IUD", 35, required=True, chiave_lunga="COD_IUD", regola="un codice che non inizia per 000")
    iuv = Testo("codIuv", 35, regola="vuoto, oppure uno IUV di 15, 17 o 25 caratteri")
    pagatore_tipo = Maiuscole("tipoIdentificativoUnivoco", 1, required=True, regola="F persona, G organizzazione")
    pagatore_codice = Maiuscole(
        "codiceIdentificativoUnivoco", 35, required=True, regola="codice fiscale, partita IVA, oppure ANONIMO"
    )
    anagrafica = Testo("anagraficaPagatore", 70, required=True)
    indirizzo = Testo("indirizzoPagatore", 70)
    civico = Testo("civicoPagatore", 16)
    cap = Testo("capPagatore", 16, regola="lettere e cifre")
    localita = Testo("localitaPagatore", 35)
    provincia = Maiuscole("provinciaPagatore", 2, regola="sigla della provincia")
    nazione = Maiuscole("nazionePagatore", 2, regola="codice di due lettere della nazione, per esempio IT")
    mail = Testo("mailPagatore", 256, chiave="EMAIL_PAGATORE", regola="un indirizzo di posta")
    scadenza = Giorno(
        "dataEsecuzionePagamento", 10, required=True, chiave="DATA_SCADENZA_PAGAMENTO", regola=_GIORNO
    )  # fmt: skip
    importo_cent = Importo("importoDovuto", 15, required=True, regola=_IMPORTO)
    commissione_cent = Importo("commissioneCaricoPa", 15, regola=_IMPORTO)
    tipo = Testo("tipoDovuto", 64, required=True, regola="il codice di un tipo attivo dell'ente")
    tipo_versamento = Modi(
        "tipoVersamento", 32, regola="ALL da solo, oppure BBT, BP, AD, CP, PO, OBEP uniti da una barra verticale"
    )
    causale = Testo("causaleVersamento", 140, required=True)
    dati_specifici = Testo(
        "datiSpecificiRiscossione", 140, required=True, regola="categoria, barra e codice, per esempio 9/0101101IM/"
    )
    azione = Testo(_AZIONE, 1, required=True, regola="I inserisce, M modifica, A annulla; maiuscola")


class ImportDovuti_1_1(ImportDovuti_1_0):
    """A longer causale. Source: flows, 2.2, column 17."""

    version = "1_1"
    causale = Testo("causaleVersamento", 1024, required=True)


class ImportDovuti_1_2(ImportDovuti_1_1):
    """Adds the accounting breakdown; the tipo says whether there must be a due date. Source: flows, 2.2, 12 and 19."""

    version = "1_2"
    scadenza = Giorno("dataEsecuzionePagamento", 10, chiave="DATA_SCADENZA_PAGAMENTO", regola=_GIORNO)
    bilancio = Testo("bilancio", 4096, regola="XML del bilancio su una riga, senza namespace")


class ImportDovuti_1_3(ImportDovuti_1_2):
    """Adds the IUV drawn by the platform. Source: flows, 2.2, column 20."""

    version = "1_3"
    genera_iuv = Bandiera("flgGeneraIuv", 5, chiave="FLAG_GENERA_IUV", regola="true oppure false")


class ImportDovuti_1_4(ImportDovuti_1_3):
    """Adds the second beneficiary, whose columns count only when the flag is true. Source: flows, 2.2, 21 to 33."""

    version = "1_4"
    _flag = 21
    multi_beneficiario = Bandiera("flagMultiBeneficiario", 5, regola="true oppure false")
    secondario_codice = Maiuscole("codiceFiscaleEnteSecondario", 11, regola="le 11 cifre dell'ente secondario")
    secondario_denominazione = Testo("denominazioneEnteSecondario", 70)
    secondario_iban = Maiuscole("ibanAccreditoEnteSecondario", 35, regola="IBAN di 27 caratteri senza spazi")
    secondario_indirizzo = Testo("indirizzoEnteSecondario", 70)
    secondario_civico = Testo("civicoEnteSecondario", 16)
    secondario_cap = Testo("capEnteSecondario", 16, regola="lettere e cifre")
    secondario_localita = Testo("localitaEnteSecondario", 35)
    secondario_provincia = Maiuscole("provinciaEnteSecondario", 35, regola="sigla della provincia")
    secondario_nazione = Maiuscole("nazioneEnteSecondario", 2, regola="codice di due lettere della nazione")
    secondario_dati_specifici = Testo(
        "datiSpecificiRiscossioneEnteSecondario", 140, regola="un codice della tassonomia, per esempio 9/0201133IM/"
    )
    secondario_causale = Testo("causaleVersamentoEnteSecondario", 1024, chiave="CAUSALE_ENTE_SECONDARIO")
    secondario_importo_cent = Importo("importoVersamentoEnteSecondario", 15, regola=_IMPORTO)


VERSIONI: dict[str, type[ImportDovuti]] = {
    one.version: one
    for one in (ImportDovuti_1_0, ImportDovuti_1_1, ImportDovuti_1_2, ImportDovuti_1_3, ImportDovuti_1_4)
}


def _unreadable(riga: int, rimedio: str) -> Scarto:
    return Scarto(riga, "", "", SINTASSI, ILLEGGIBILE, rimedio)


def join(texts: Sequence[str]) -> str:
    """Return a line of the file, without its end: quotes only where a field needs them."""
    return SEPARATORE.join(_quoted(text) if SEPARATORE in text or '"' in text else text for text in texts)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
