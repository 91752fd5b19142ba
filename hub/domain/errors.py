"""The tree of the hub's refusals.

    HubError
    ├── InvalidRequest    the caller sent something wrong: fix the data
    ├── NotAllowed        credentials, grants, states that forbid
    ├── NotFound          no such thing for this caller
    ├── Conflict          the thing exists with another content or state
    ├── OutOfService      a part of the hub or of the outside does not answer
    └── Misconfigured     the installation is wrong: the operator's to mend

A class per fault code (its `code`); the message is one Italian sentence that names the thing. `description` adds
element, value (never a secret) and rule. Source of the codes: pa-per-ente, list of faults; paForNode, catalogue PAA.
"""

from __future__ import annotations


class HubError(Exception):
    """A refusal with a code that a door can answer. `serial`: of the fault, where the contract fixes one."""

    code = "PAA_SYSTEM_ERROR"
    serial: int | None = None

    def __init__(
        self, message: str, description: str | None = None, *, id: str | None = None, reason: str | None = None
    ) -> None:
        """`reason`: what the caller must not learn and the log line says (never a secret)."""
        super().__init__(message)
        self.description = description or message
        self.id = id
        self.reason = reason


class InvalidRequest(HubError):
    pass


class NotAllowed(HubError):
    pass


class NotFound(HubError):
    pass


class Conflict(HubError):
    pass


class OutOfService(HubError):
    pass


class Sovraccarico(OutOfService):
    """There was no room for this request in time: it may come again just as it is."""


class Misconfigured(HubError):
    pass


class SpazioEsaurito(OutOfService):
    """There was no room to write what was asked: nothing of it was kept, and it may be asked again."""


class DatabaseRipristinato(OutOfService):
    """The database has forgotten what was done with it: nothing may go on before the operator has said how."""

    def __init__(self) -> None:
        super().__init__(
            "il database è più vecchio di quando l'hub lo ha usato, come una copia ripristinata: prima di ripartire "
            "eseguire `pontepa db restored` (docs/esercizio.md)"
        )


class RichiestaNonEseguibile(InvalidRequest):
    """PAA_SYSTEM_ERROR, an answer of the contract: the reason stands in `description`."""


class EnteNonValido(NotAllowed):
    code = "PAA_ENTE_NON_VALIDO"


class StatoEnteNonValido(NotAllowed):
    code = "PAA_STATO_ENTE_NON_VALIDO"


class TroppoSpesso(NotAllowed):
    """The caller is to wait: the door answers 429 with `retry_after_s`."""

    code = "PAA_SYSTEM_ERROR"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TroppiTentativi(TroppoSpesso):
    """Too many wrong passwords from one source."""


class TroppeRichieste(TroppoSpesso):
    """An application calls more often, or more at once, than it may."""


class XmlDovutiNonValido(InvalidRequest):
    code = "PAA_XML_NON_VALIDO"


class IuvNonValido(InvalidRequest):
    code = "PAA_IUV_NON_VALIDO"


class IudNonValido(InvalidRequest):
    code = "PAA_IUD_NON_VALIDO"


class IudDuplicato(Conflict):
    code = "PAA_IUD_DUPLICATO"


class TipoVersamentoNonValido(InvalidRequest):
    code = "PAA_TIPO_VERSAMENTO_NON_VALIDO"


class CodiceFiscaleNonValido(InvalidRequest):
    code = "PAA_CODICE_FISCALE_NON_VALIDO"


class PartitaIvaNonValida(InvalidRequest):
    code = "PAA_P_IVA_NON_VALIDO"


class TipoDovutoNonValido(InvalidRequest):
    code = "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO"


class TipoDovutoNonAbilitato(NotAllowed):
    code = "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_ABILITATO"


class ImportoMarcaNonValido(InvalidRequest):
    code = "PAA_IMPORTO_MARCA_BOLLO_DIGITALE_NON_VALIDA"


class MarcaNonValida(InvalidRequest):
    code = "PAA_MARCA_BOLLO_DIGITALE_NON_VALIDA"


class DatiSpecificiNonValidi(InvalidRequest):
    code = "PAA_DATI_SPECIFICI_RISCOSSIONE_NON_VALIDO"


class ImportoNonValido(InvalidRequest):
    code = "PAA_IMPORTO_SINGOLO_VERSAMENTO_NON_VALIDO"


class BilancioNonValido(InvalidRequest):
    code = "PAA_IMPORTO_BILANCIO_NON_VALIDO"


class CausaleNonPresente(InvalidRequest):
    code = "PAA_CAUSALE_NON_PRESENTE"


class AnagraficaNonValida(InvalidRequest):
    code = "PAA_ANAGRAFICA_NON_VALIDA"


class UrlNonValida(InvalidRequest):
    code = "PAA_URL_NON_VALIDA"


class EnteInserito(EnteNonValido):
    """The ente of paaSILImportaDovuto is not active yet. Source: pa-per-ente, 2.5, check 2."""

    serial = 0


class StatoEnteInserito(StatoEnteNonValido):
    """The ente of paaSILRegistraPagamento is not active yet. Source: pa-per-ente, 2.6."""

    serial = 0


class AzioneNonValida(InvalidRequest):
    code = "PAA_AZIONE_NON_VALIDO"


class TipoDovutoAssente(InvalidRequest):
    code = "PAA_IDENT_TIPO_DOVUTO_NON_PRESENTE"


class PagatoreAssente(InvalidRequest):
    code = "PAA_SOGG_PAG_NON_VALORIZZATO"


class LimiteSecondariImport(InvalidRequest):
    code = "PAA_LIMITAZIONE_ENTI_SECONDARI_ERROR"


class ImportTipoInesistente(InvalidRequest):
    code = "PAA_IMPORT_COD_TIPO_DOVUTO_INESISTENTE"


class ImportNonPermesso(NotAllowed):
    code = "PAA_IMPORT_OPERATORE_NO_PERMESSI"


class ImportScadenzaObbligatoria(InvalidRequest):
    code = "PAA_IMPORT_DATA_SCADENZA_PAGAMENTO_OBBLIGATORIA"


class ImportIudDuplicato(Conflict):
    code = "PAA_IMPORT_IUD_DUPLICATO"


class ImportIuvDuplicato(Conflict):
    code = "PAA_IMPORT_IUV_DUPLICATO"


class ImportIuvNonTogliibile(InvalidRequest):
    code = "PAA_IMPORT_IUV_NO_NULLABLE"


class ImportTipoNonModificabile(InvalidRequest):
    code = "PAA_IMPORT_TIPO_DOVUTO_NON_MODIFICABILE"


class FlussoRifiutato(InvalidRequest):
    """A file that is refused as a whole. `stato` is the code that a status call shows. Source: flows, 1.4."""

    def __init__(self, stato: str, message: str) -> None:
        super().__init__(f"{message} ({stato})")
        self.stato = stato
        self.testo = message


class CaricamentoNonValido(InvalidRequest):
    """What is brought to a door of flows is not one file with a name. Source: flows, 1.2."""


class FileTroppoGrande(CaricamentoNonValido):
    """A file, or the request that brings it, over the limit of its ente."""


class TipoContenutoNonAmmesso(CaricamentoNonValido):
    """The body of a request is of a kind that this address does not take."""


class FlussoGiaRicevuto(Conflict):
    """A flow of this file name is here already. `stato` is the code that the import itself would give: flows, 1.4."""

    def __init__(self, stato: str, message: str) -> None:
        super().__init__(message)
        self.stato = stato


class AvvisoNonTrovato(NotFound):
    """The notice of an address of ours: there is nothing to pay there (any more)."""


class IdSessionNonValido(NotFound):
    code = "PAA_ID_SESSION_NON_VALIDO"


class PagamentoNonIniziato(Conflict):
    code = "PAA_PAGAMENTO_NON_INIZIATO"


class PagamentoInCorso(Conflict):
    code = "PAA_PAGAMENTO_IN_CORSO"


class PagamentoAnnullato(Conflict):
    code = "PAA_PAGAMENTO_ANNULLATO"


class PagamentoScaduto(Conflict):
    code = "PAA_PAGAMENTO_SCADUTO"


class DateFromNonValido(InvalidRequest):
    code = "PAA_DATE_FROM_NON_VALIDO"


class DateToNonValido(InvalidRequest):
    code = "PAA_DATE_TO_NON_VALIDO"


class IntervalloDateNonValido(InvalidRequest):
    code = "PAA_INTERVALLO_DATE_NON_VALIDO"


class PasswordMypivotNonValida(NotAllowed):
    """The code is a name that the original forgot to resolve; clients know it like this."""

    code = "CODE_PAA_PASSWORD_ALLINEAMENTO_MYPIVOT_NON_VALIDA"


class VersioneTracciatoNonValida(InvalidRequest):
    code = "PAA_VERSIONE_TRACCIATO_NON_VALIDA"


class TipoDovutoNonInserito(InvalidRequest):
    code = "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_INSERITO"


class RequestTokenNonValido(NotFound):
    code = "PAA_REQUEST_TOKEN_NON_VALIDO"


class TipoPagatoreNonValido(InvalidRequest):
    code = "PAA_TIPO_IDENTIFICATIVO_PAGATORE_NON_VALIDO"


class CodicePagatoreNonPresente(InvalidRequest):
    code = "PAA_CODICE_IDENTIFICATIVO_PAGATORE_NON_PRESENTE"


class GettoneNonValido(NotAllowed):
    """A token that is forged, expired, or made for something else: which of these is nobody's business."""


class GettoneUsato(GettoneNonValido):
    """An authorizationToken that has already brought its file."""


class DovutoNonPagabile(Conflict):
    """A stored dovuto was changed, cancelled, paid or taken by another session: told to the payer, on the page."""


class IuvScaduto(Conflict):
    code = "PAA_IUV_SCADUTO"


class LimiteDovutiCarrello(InvalidRequest):
    code = "PAA_LIMITE_MASSIMO_DOVUTI_CARRELLO"


class LimiteDovutiMultibeneficiari(InvalidRequest):
    code = "PAA_LIMITE_MASSIMO_DOVUTI_MULTIBENEFICIARI"


class LimiteEntiSecondari(InvalidRequest):
    code = "PAA_LIMITE_MASSIMO_DOVUTI_ENTI_SECONDARI"


class EnteSecondarioNonValido(InvalidRequest):
    code = "PAA_ENTE_SECONDARIO_NON_VALIDO"


class ErroreEntiSecondari(InvalidRequest):
    code = "PAA_ERRORE_RECUPERO_DOVUTI_ENTI_SECONDARI"
