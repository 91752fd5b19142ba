"""The printed notice: what it says, and the two texts that machines read on it.

Source: pagoPA, technical guide of the payment notice, "Codice QR"; Poste Italiane, "bollettino PA" inside the notice,
Data Matrix of 256 characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from hub.domain.documenti import Soggetto

IMPORTO_MAX_CENT = 99_999_999_999  # 999999999.99, the ceiling of the notice
# The postal slip has ten digits for the amount, and import admits eleven: above this the notice goes without the slip.
# Source: flows, 5.4, defects.
BOLLETTINO_MAX_CENT = 9_999_999_999

_CIFRE_18 = re.compile(r"[0-9]{18}")
_CIFRE_11 = re.compile(r"[0-9]{11}")
_CONTO = re.compile(r"[0-9]{1,12}")
_IBAN_POSTALE = re.compile(r"IT[0-9]{2}[A-Z]07601[0-9]{17}")
_NON_POSTALE = re.compile(r"[^A-Z0-9 &',\-.:_]")
# Letters that have no accent to strip, and the marks that word processors write in place of the plain ones.
_TRASLITTERAZIONI = str.maketrans(
    {"Ł": "L", "Đ": "D", "Ð": "D", "Ø": "O", "Æ": "AE", "Œ": "OE", "Þ": "TH", "’": "'", "‘": "'", "–": "-", "—": "-"}
)


@dataclass(frozen=True, slots=True)
class EnteCreditore:
    """Who is to be paid, as the notice names it. `logo` is a picture's bytes; empty texts are left out of the paper.

    `cod_ipa_ente` is not printed: by it the ente's own template is found.
    """

    nome: str
    codice_fiscale: str
    cbill: str = ""
    settore: str = ""
    contatti: str = ""
    logo: bytes | None = None
    cod_ipa_ente: str = ""


@dataclass(frozen=True, slots=True)
class ContoPostale:
    """What turns a notice into one with a postal slip. `autorizzazione` is Poste's, of the form `AUT... DEL ...`.

    Raises: ValueError (`numero` is not one to twelve digits).
    """

    numero: str
    intestatario: str
    autorizzazione: str

    def __post_init__(self) -> None:
        if not _CONTO.fullmatch(self.numero):
            raise ValueError("postal account: one to twelve digits expected")


@dataclass(frozen=True, slots=True)
class Avviso:
    """A notice of a single payment.

    Shape: `importo_cent` is all that the payer is asked for (with a second beneficiary: both shares); `causale` the
    text for people where there is one; `scadenza` None where the tipo does not print it; `conto_postale` only where
    the tipo has a postal account and the ente has Poste's authorisation.
    Raises: ValueError (a part that no notice can have): our mistake, the data were validated when they came in.

    >>> avviso = Avviso(
    ...     ente=EnteCreditore("Comune di Prova", "12345678903"),
    ...     destinatario=Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi"),
    ...     causale="TARI 2024 saldo", importo_cent=12050, scadenza=None,
    ...     iuv="01000000000000144", numero_avviso="301000000000000144",
    ...     conto_postale=ContoPostale("12345678", "Comune di Prova", "AUT. DB/1234 DEL 01/01/2020"))
    >>> qr_text(avviso)
    'PAGOPA|002|301000000000000144|12345678903|12050'
    >>> codeline(avviso)
    '18301000000000000144120000123456781000000120503896'
    >>> avviso.nome_file
    'avviso_12345678903_01000000000000144'
    """

    ente: EnteCreditore
    destinatario: Soggetto
    causale: str
    importo_cent: int
    scadenza: date | None
    iuv: str
    numero_avviso: str
    conto_postale: ContoPostale | None = None

    def __post_init__(self) -> None:
        if not _CIFRE_18.fullmatch(self.numero_avviso) or len(self.iuv) not in (15, 17):
            raise ValueError("notice: 18 digits and an IUV of 15 or 17 expected")
        if not self.numero_avviso.endswith(self.iuv):
            raise ValueError("notice: number and IUV do not belong together")
        if not _CIFRE_11.fullmatch(self.ente.codice_fiscale):
            raise ValueError("notice: the ente's tax code has eleven digits")
        if not 0 < self.importo_cent <= IMPORTO_MAX_CENT:
            raise ValueError("notice: amount out of range")

    @property
    def nome_file(self) -> str:
        """Return the name of the PDF, without extension. Source: pa-per-ente, paaSILImportaDovuto, azione S."""
        return f"avviso_{self.ente.codice_fiscale}_{self.iuv}"

    @property
    def has_bollettino(self) -> bool:
        """Tell whether the postal slip is printed: its amount has no room above 99 999 999.99 euro."""
        return self.conto_postale is not None and self.importo_cent <= BOLLETTINO_MAX_CENT


def qr_text(avviso: Avviso) -> str:
    """Return what the QR code of the notice says. Source: technical guide of the notice, "Codice QR", version 002."""
    return f"PAGOPA|002|{avviso.numero_avviso}|{avviso.ente.codice_fiscale}|{avviso.importo_cent}"


def codeline(avviso: Avviso) -> str:
    """Return the fifty characters at the foot of the postal slip: notice, account, amount in cents, document 896.

    Raises: ValueError when the notice has no postal slip.
    """
    if avviso.conto_postale is None or not avviso.has_bollettino:
        raise ValueError("notice without a postal slip")
    return f"18{avviso.numero_avviso}12{avviso.conto_postale.numero:0>12}10{avviso.importo_cent:010d}3896"


def data_matrix_text(avviso: Avviso) -> str:
    """Return what the Data Matrix of the postal slip says: 256 characters, each part at its place.

    Raises: ValueError when the notice has no postal slip.
    """
    parts = (
        "codfase=NBPA;",
        codeline(avviso),
        "1P1",
        avviso.ente.codice_fiscale,
        postale(avviso.destinatario.codice, 16),
        postale(avviso.destinatario.anagrafica, 40),
        postale(avviso.causale, 110),
        " " * 12,
        "A",
    )
    return "".join(parts)


def postale(text: str, length: int) -> str:
    """Return the text in the characters that the postal slip carries, cut and padded to `length`.

    Accents go first, so that names stay readable; every other character that is not admitted becomes a blank.

    >>> postale("Niccolò D’Aquì-Ðuka & figli (eredi)", 40)
    "NICCOLO D'AQUI-DUKA & FIGLI  EREDI      "
    >>> postale("Straße 1", 5)
    'STRAS'
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).upper().translate(_TRASLITTERAZIONI))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return _NON_POSTALE.sub(" ", plain.upper())[:length].ljust(length)


def conto_from_iban(iban: str) -> str | None:
    """Return the number of a postal account, without leading zeros; None when the IBAN is not Poste Italiane's.

    >>> conto_from_iban("IT60X0760103200000012345678")
    '12345678'
    >>> conto_from_iban("IT60X0542811101000000123456") is None
    True
    """
    canonical = "".join(iban.split()).upper()
    if not _IBAN_POSTALE.fullmatch(canonical):
        return None
    return canonical[15:].lstrip("0") or None
