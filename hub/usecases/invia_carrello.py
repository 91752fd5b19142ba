"""paaSILInviaCarrelloDovuti: one session over dovuti of several enti, or one dovuto with a second beneficiary.

Source: pa-per-ente, paaSILInviaCarrelloDovuti (2.2); numbers in the comments are those of its checks and of the table
of paaSILInviaDovuti.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub.domain import errors
from hub.domain.documenti import DocumentoDovuti, QuotaSecondaria
from hub.domain.stati import TipoSessione
from hub.domain.tassonomia import Tassonomia
from hub.formats.documenti_ente import decode_base64_field
from hub.formats.dovuti import read_dovuti
from hub.formats.enti_secondari import CAMPO, read_enti_secondari
from hub.formats.istanti import giorno_di
from hub.formats.segreti import Cassaforte, hash_elemento
from hub.store.database import Database
from hub.usecases.authenticate import Callers, Chiamante, Presentazione
from hub.usecases.controlli_dovuti import check_dovuti, check_testata
from hub.usecases.controlli_secondario import check_quota
from hub.usecases.open_sessione import Apertura, open_sessione
from hub.usecases.parti_sessione import own_share
from hub.usecases.tassonomia_vigente import tassonomia_di

OPERATION = "paaSILInviaCarrelloDovuti"
# The node takes carts of at most five RPTs. Source: node, nodoInviaCarrelloRPT.
ELEMENTI_MAX = 5


@dataclass(frozen=True, slots=True)
class Elemento:
    """What is asked for one ente, as written: `hash` in hexadecimal, `dovuti` in base64."""

    cod_ipa_ente: str
    hash: str
    dovuti: str


@dataclass(frozen=True, slots=True)
class RichiestaCarrello:
    """The request as written. `secondari`: the documents of second beneficiaries, in base64; may be empty."""

    elementi: Sequence[Elemento]
    secondari: Sequence[str]


def invia_carrello(
    db: Database,
    callers: Callers,
    cassaforte: Cassaforte,
    chi: Presentazione,
    richiesta: RichiestaCarrello,
    apertura: Apertura,
) -> str:
    """Open a session and return its idSessionCarrello. Nothing is reserved, as in paaSILInviaDovuti.

    Raises: a HubError per check.
    """
    now = apertura.now
    chiamante = callers.authenticate(chi, OPERATION, now)  # (1), (2)
    enti = [_authorise(callers, cassaforte, chi, chiamante, elemento, now) for elemento in richiesta.elementi]  # (3)
    if len(richiesta.elementi) > ELEMENTI_MAX:
        raise errors.LimiteDovutiCarrello(
            f"il carrello ha {len(richiesta.elementi)} elementi",
            f"listaDovuti/elementoListaDovuti: da 1 a {ELEMENTI_MAX} elementi",
        )
    documenti = _read_documenti(db, enti, richiesta.elementi)  # (4)
    secondario = None
    if richiesta.secondari:
        tassonomia = tassonomia_di(callers.anagrafe)
        secondario = _read_secondario(documenti, richiesta.secondari, tassonomia, giorno_di(now))
    if secondario is not None:
        _check_own_share(chiamante, enti[0], documenti[0][1], secondario[1])
    _check_stazione(enti, is_multiple=len(enti) > 1 or secondario is not None)
    righe: list[dict[str, Any]] = [
        {"ente_id": ente.ente.id, "documento": data} for ente, (data, _) in zip(enti, documenti, strict=True)
    ]
    if secondario is not None:
        righe[0]["secondario"] = secondario[0]
    return open_sessione(db, chiamante, TipoSessione.ESTERNO_ANONIMO_MULTIENTE, righe, apertura)


def _authorise(
    callers: Callers,
    cassaforte: Cassaforte,
    chi: Presentazione,
    chiamante: Chiamante,
    elemento: Elemento,
    now: datetime,
) -> Chiamante:
    """Return the caller as one who may ask for the ente of an element.

    Raises: EnteNonValido (unknown ente, wrong hash: the same answer).
    """
    found = callers.anagrafe.find(elemento.cod_ipa_ente, now)
    given = elemento.hash.strip().lower().encode()
    wanted = b"-"
    if found is not None:
        clear = cassaforte.open(found.stazione.password_cifrata)
        wanted = hash_elemento(clear, found.ente.codice_fiscale).encode()
    if found is None or not hmac.compare_digest(given, wanted):
        callers.note_failure(chi)
        raise errors.EnteNonValido(
            f"codIpaEnte {elemento.cod_ipa_ente} sconosciuto o password dell'elemento errata",
            "listaDovuti/elementoListaDovuti/password: SHA-256 di paaSILInviaCarrelloDovuti-{password "
            "dell'intermediario}-{codice fiscale dell'ente}, in esadecimale",
            id=elemento.cod_ipa_ente,
        )
    # The grants of an application are about its own ente; for the others the intermediary's hash speaks.
    tipi = chiamante.tipi if found.ente.id == chiamante.ente.id else None
    return Chiamante(found, chiamante.applicazione, tipi)


def _read_documenti(
    db: Database, enti: Sequence[Chiamante], elementi: Sequence[Elemento]
) -> list[tuple[bytes, DocumentoDovuti]]:
    seen: dict[int, set[str]] = {}
    documenti = []
    for ente, elemento in zip(enti, elementi, strict=True):
        data = decode_base64_field(elemento.dovuti)
        documento = read_dovuti(data)  # 4, 5
        check_testata(documento, ente)  # 6-8
        check_dovuti(db, documento, ente, seen.setdefault(ente.ente.id, set()))  # 9-18
        documenti.append((data, documento))
    return documenti


def _read_secondario(
    documenti: Sequence[tuple[bytes, DocumentoDovuti]], secondari: Sequence[str], tassonomia: Tassonomia, day: date
) -> tuple[bytes, QuotaSecondaria]:
    if len(documenti) != 1 or len(documenti[0][1].dovuti) != 1:
        raise errors.LimiteDovutiMultibeneficiari(
            "con un ente secondario il carrello ha un solo dovuto",
            "listaDovutiEntiSecondari: ammessa con un solo elementoListaDovuti di un solo datiSingoloVersamento",
        )
    if len(secondari) != 1:
        raise errors.LimiteEntiSecondari(
            f"{len(secondari)} enti secondari",
            "listaDovutiEntiSecondari/elementoListaDovutiEntiSecondari: ammesso un solo elemento",
        )
    try:
        data = decode_base64_field(secondari[0], CAMPO)
    except errors.XmlDovutiNonValido as error:
        raise errors.ErroreEntiSecondari("dovutiEntiSecondari non leggibile", error.description) from error
    quota = read_enti_secondari(data)
    check_quota(quota, tassonomia, day)
    return data, quota


def _check_own_share(chiamante: Chiamante, ente: Chiamante, documento: DocumentoDovuti, quota: QuotaSecondaria) -> None:
    if quota.codice_fiscale == ente.ente.codice_fiscale:
        raise errors.EnteSecondarioNonValido(
            "l'ente secondario è lo stesso ente del dovuto", "codiceFiscaleBeneficiario: deve essere di un altro ente"
        )
    if own_share(documento, quota, ente.ente).importo_cent <= 0:
        raise errors.EnteSecondarioNonValido(
            "la quota dell'ente secondario non è minore dell'importo del dovuto",
            "importoSingoloVersamento: l'importo del dovuto comprende la quota dell'ente secondario",
        )
    if any(dovuto.marca is not None for dovuto in documento.dovuti):
        raise errors.EnteSecondarioNonValido(
            "la marca da bollo digitale non ha enti secondari", "datiMarcaBolloDigitale: ammessi senza enti secondari"
        )


def _check_stazione(enti: Sequence[Chiamante], *, is_multiple: bool) -> None:
    """One message carries the whole cart: one station must be able to send it."""
    stazioni = {ente.configurato.stazione.id for ente in enti}
    if len(stazioni) > 1:
        raise errors.RichiestaNonEseguibile(
            "gli enti del carrello usano stazioni diverse",
            f"listaDovuti: enti su {len(stazioni)} stazioni, un carrello parte da una sola",
        )
    if is_multiple and enti[0].configurato.stazione.primitiva_rpt == "nodoInviaRPT":
        raise errors.RichiestaNonEseguibile(
            "la stazione di questi enti non invia carrelli di più RPT", "primitiva_rpt: serve nodoInviaCarrelloRPT"
        )
