"""The checks of a second beneficiary, in order. Source: pa-per-ente, paaSILInviaCarrelloDovuti, after check (4)."""

from __future__ import annotations

from datetime import date

from hub.domain.documenti import QuotaSecondaria
from hub.domain.errors import EnteSecondarioNonValido
from hub.domain.tassonomia import Tassonomia
from hub.formats import iban, territorio
from hub.formats.codice_fiscale import is_valid_partita_iva, is_valid_persona
from hub.usecases.controlli_dovuti import is_printable

_IBAN_LENGTH = 27


def check_quota(quota: QuotaSecondaria, tassonomia: Tassonomia, day: date) -> None:
    """Raises: EnteSecondarioNonValido; its description names the element and the rule, never a person's data."""
    problem = _problem(quota) or _money_problem(quota, tassonomia, day)
    if problem is not None:
        raise EnteSecondarioNonValido("dati dell'ente secondario non validi", problem)


def _problem(quota: QuotaSecondaria) -> str | None:
    if not (is_valid_partita_iva(quota.codice_fiscale) or is_valid_persona(quota.codice_fiscale)):
        return "codiceFiscaleBeneficiario: codice fiscale o partita IVA con carattere di controllo errato"
    if len(quota.iban) != _IBAN_LENGTH or not iban.is_valid(quota.iban):
        return f"ibanAccreditoBeneficiario: atteso un IBAN di {_IBAN_LENGTH} caratteri con cifre di controllo esatte"
    for campo, value in (("indirizzoBeneficiario", quota.indirizzo), ("civicoBeneficiario", quota.civico)):
        if value and not is_printable(value):
            return f"{campo}: contiene caratteri non ammessi"
    return _place_problem(quota)


def _place_problem(quota: QuotaSecondaria) -> str | None:
    if quota.nazione and not territorio.is_nazione(quota.nazione):
        return "nazioneBeneficiario: codice di due lettere sconosciuto"
    nazione = quota.nazione or territorio.ITALIA
    if quota.cap and not territorio.is_cap(quota.cap, nazione):
        return f"capBeneficiario: non valido per la nazione {nazione}"
    if nazione != territorio.ITALIA:
        return None
    if quota.provincia and not territorio.is_provincia(quota.provincia.upper()):
        return "provinciaBeneficiario: sigla sconosciuta"
    if quota.localita and quota.provincia and not territorio.is_comune(quota.localita, quota.provincia.upper()):
        return "localitaBeneficiario: comune sconosciuto nella provincia indicata"
    return None


def _money_problem(quota: QuotaSecondaria, tassonomia: Tassonomia, day: date) -> str | None:
    voce = tassonomia.find(quota.dati_specifici)
    if voce is None:
        return "datiSpecificiRiscossione: codice assente dalla tassonomia pagoPA"
    if not voce.is_in_force(day):
        return f"datiSpecificiRiscossione: codice valido dal {voce.valido_dal} al {voce.valido_al}"
    if quota.importo_cent <= 0:
        return "importoSingoloVersamento: deve essere maggiore di zero"
    return None
