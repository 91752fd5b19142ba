"""The inner document `DovutiEntiSecondari`: the share of a dovuto that belongs to a second beneficiary.

Source: PagInf_Dovuti_Pagati 6.2.0, type ctDovutiEntiSecondari; pa-per-ente, 3.2.
"""

from __future__ import annotations

from hub.domain.documenti import QuotaSecondaria
from hub.formats.documenti_ente import read_importo, read_root, texts_of

CAMPO = "dovutiEntiSecondari"

_HINTS = {
    "datiSpecificiRiscossione": (
        "atteso 9, una barra, sette cifre, due lettere, una barra e al massimo 129 caratteri senza spazi"
    ),
}


def read_enti_secondari(data: bytes) -> QuotaSecondaria:
    """Return the one share of a document that its schema accepts: the type has no room for a second one.

    Texts come out trimmed and as written (no rule of IBAN, codes or address is applied), blank optional ones as None.
    Raises: XmlDovutiNonValido; its description names element, value (never the beneficiary's) and rule.
    """
    _versione, versamento = read_root(data, CAMPO, "DovutiEntiSecondari", _HINTS)
    texts = texts_of(versamento)
    return QuotaSecondaria(
        codice_fiscale=texts.get("codiceFiscaleBeneficiario", ""),
        denominazione=texts.get("denominazioneBeneficiario", ""),
        iban=texts.get("ibanAccreditoBeneficiario", ""),
        importo_cent=read_importo(texts, "importoSingoloVersamento", CAMPO),
        dati_specifici=texts["datiSpecificiRiscossione"],
        indirizzo=texts.get("indirizzoBeneficiario"),
        civico=texts.get("civicoBeneficiario"),
        cap=texts.get("capBeneficiario"),
        localita=texts.get("localitaBeneficiario"),
        provincia=texts.get("provinciaBeneficiario"),
        nazione=texts.get("nazioneBeneficiario"),
        causale=texts.get("causaleVersamento"),
    )
