"""Who is calling: the ente and the application, from what is shown alone.

Everything that is shown must be good and belong to one application of one ente: a right password beside a wrong token,
certificate or signature opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.conosciuti import Conosciuti
from hub.domain.credenziali import Genere
from hub.domain.errors import EnteNonValido, NotAllowed, TroppiTentativi
from hub.domain.stati import StatoEnte
from hub.formats.gettoni import token_name
from hub.formats.segreti import DUMMY_HASH, verify_password
from hub.store import messaggi_visti
from hub.store.anagrafe import Anagrafe, EnteConfigurato
from hub.store.failures import FailedPasswords
from hub.usecases.passo import Passo

# Verified secrets that are remembered, as keyed digests: argon2id once per credential and process, not per call.
_REMEMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Firma:
    """The signature of the message: by which certificate and on which message. `problema`: why it proves nothing."""

    impronta: str = ""
    message_id: str = ""
    problema: str | None = None


@dataclass(frozen=True, slots=True)
class Presentazione:
    """Who says to be calling, and what is shown for it. `source`: the address of the caller; absent things are None.

    `token`: the text after `Bearer`. `certificato`: the fingerprint of the TLS client certificate; empty when one was
    shown that cannot be read. `at_end`: closed when the call has ended; None: it counts as one that ends at once.
    `opened`: told who it is.
    """

    cod_ipa_ente: str | None
    password: str | None
    source: str
    token: str | None = None
    certificato: str | None = None
    firma: Firma | None = None
    at_end: ExitStack | None = None
    opened: Callable[[Chiamante], None] | None = None


@dataclass(frozen=True, slots=True)
class Chiamante:
    """An authenticated caller. `applicazione` is None for the ente itself; `tipi` None means all."""

    configurato: EnteConfigurato
    applicazione: str | None
    tipi: frozenset[str] | None
    chiamate_al_secondo: int | None = None
    chiamate_insieme: int | None = None
    # Changes when the credential does: what was opened with the old one closes.
    segno: str = ""

    @property
    def ente(self) -> Row[Any]:
        return self.configurato.ente


class _Rifiuto(Exception):
    """Why what is shown opens nothing: for the log alone."""


class Callers:
    """Checks the credentials of callers. Safe to share between threads."""

    def __init__(self, anagrafe: Anagrafe, failures_max: int, passo: Passo | None = None) -> None:
        """`passo`: how often applications may call; None: as they like."""
        self.anagrafe = anagrafe
        self._passo = passo
        self._failures = FailedPasswords(failures_max)
        self._secrets = _Secrets()
        self._known = Conosciuti()

    def is_still(self, cod_ipa_ente: str, applicazione: str | None, segno: str, now: datetime) -> bool:
        """Whether the credential with which somebody entered before is still good."""
        found = self._find(cod_ipa_ente, now)
        rows = [] if found is None else [row for row in found.credenziali if row.applicazione == applicazione]
        return any(_is_in_force(row, now) and hmac.compare_digest(_segno(row), segno) for row in rows)

    def is_known(self, source: str, cod_ipa_ente: str) -> bool:
        """Whether somebody showed good credentials for this ente from this address, in the last minutes."""
        return (source, cod_ipa_ente) in self._known

    def authenticate(
        self,
        chi: Presentazione,
        operation: str | None,
        now: datetime,
        *,
        stato_error: type[NotAllowed] | None = None,
    ) -> Chiamante:
        """Return the caller behind what is shown.

        Whatever is wrong gets the same answer after the same work; what it was stands in the error's `reason`.
        `operation` None: nothing is asked of the web service, whatever the credential grants.
        `stato_error`: the fault for an ente that is still INSERITO; None means that its state is not asked.
        Raises: EnteNonValido, `stato_error`, TroppiTentativi (this source guessed too often), TroppeRichieste.
        """
        self._check_pace(chi)
        code = (chi.cod_ipa_ente or "").strip()
        found = self._find(code, now)
        if found is not None and stato_error is not None and found.ente.stato == StatoEnte.INSERITO:
            raise stato_error(f"l'ente {code} non è ancora attivo (stato {StatoEnte.INSERITO})", id=code)
        return self._open(chi, [found], code, operation, now)

    def authenticate_portale(self, chi: Presentazione, operation: str, now: datetime) -> Chiamante:
        """Return the caller of an operation for portals: the administrator ente, or the ente that is named itself.

        Which of the two it is, the caller's ente says. Raises: EnteNonValido, TroppiTentativi, TroppeRichieste.
        """
        self._check_pace(chi)
        code = (chi.cod_ipa_ente or "").strip()
        candidates = [self.anagrafe.find_amministratore(now), self._find(code, now)]
        return self._open(chi, candidates, code, operation, now)

    def _find(self, code: str, now: datetime) -> EnteConfigurato | None:
        return self.anagrafe.find(code, now) if 0 < len(code) <= 35 else None

    def _check_pace(self, chi: Presentazione) -> None:
        wait_s = self._failures.wait_s(chi.source)
        if wait_s:
            raise TroppiTentativi(
                f"troppe password errate da questo indirizzo: riprovare fra {wait_s} secondi", retry_after_s=wait_s
            )

    def _open(
        self,
        chi: Presentazione,
        enti: Sequence[EnteConfigurato | None],
        code: str,
        operation: str | None,
        now: datetime,
    ) -> Chiamante:
        """Return the caller of the first of these enti that what is shown opens; one failure counts, however many."""
        work = _Work(self._secrets)
        reasons = []
        for found in enti:
            try:
                shown = _matching(chi, found, work, now)
                chiamante = _granted(found, shown, operation, code)
                if chi.firma is not None:
                    self._take(chi.firma, now)
            except _Rifiuto as rifiuto:
                reasons.append(str(rifiuto))
                continue
            self._known.add((chi.source, code))
            if chi.opened is not None:
                chi.opened(chiamante)
            self._count(chi, chiamante)
            return chiamante
        work.spend(self._cost(chi, now) * len(enti))
        self._failures.add(chi.source)
        raise EnteNonValido(
            f"codIpaEnte {code or 'assente'} sconosciuto o password errata",
            "intestazione o corpo, codIpaEnte e password: l'ente deve essere configurato e la password la sua",
            id=code or "n/a",
            reason="; ".join(reasons),
        )

    def signing_certificates(self, cod_ipa_ente: str, now: datetime) -> list[bytes]:
        """Return the certificates (DER) with which messages that name an ente may be signed.

        Its own and the administrator's, who asks about every ente; whose signature opens what is judged afterwards.
        """
        candidates = (self._find(cod_ipa_ente, now), self.anagrafe.find_amministratore(now))
        by_id = {row.id: row for found in candidates if found is not None for row in found.credenziali}
        rows = by_id.values()
        return [row.certificato for row in rows if row.genere == Genere.FIRMA and _is_in_force(row, now)]

    def _count(self, chi: Presentazione, chiamante: Chiamante) -> None:
        """Raises: TroppeRichieste."""
        if self._passo is None:
            return
        ente, nome = chiamante.ente, chiamante.applicazione
        name = f"l'ente {ente.cod_ipa_ente}" if nome is None else f"l'applicazione {nome} di {ente.cod_ipa_ente}"
        limits = (chiamante.chiamate_al_secondo, chiamante.chiamate_insieme)
        leave = self._passo.enter((ente.id, nome), name, *limits)
        if chi.at_end is None:
            leave()
        else:
            chi.at_end.callback(leave)

    def _take(self, firma: Firma, now: datetime) -> None:
        """Take a signed message as the first of its id, durably and before the deed. Raises: _Rifiuto (it is not)."""
        with self.anagrafe.db.transaction() as session:
            is_first = messaggi_visti.add(session, firma.impronta, firma.message_id, now)
        if not is_first:
            raise _Rifiuto("firma: messaggio già ricevuto")

    def note_failure(self, chi: Presentazione) -> None:
        """Count a wrong secret that a deed found out by itself: who guesses is slowed down as for the password."""
        self._failures.add(chi.source)

    def _cost(self, chi: Presentazione, now: datetime) -> int:
        """Slow checks that a refusal of these kinds costs, whether the ente exists or not and whatever it has."""
        return (self.anagrafe.passwords_most(now) if _password(chi) else 0) + (chi.token is not None)


def _password(chi: Presentazione) -> str:
    return (chi.password or "").strip()


def _matching(
    chi: Presentazione, found: EnteConfigurato | None, work: _Work, now: datetime
) -> Sequence[Row[Any]]:
    """Return the credentials behind all that is shown, of one application.

    Raises: _Rifiuto.
    """
    if found is None:
        raise _Rifiuto("ente sconosciuto")
    if chi.firma is not None and chi.firma.problema is not None:
        raise _Rifiuto(f"firma: {chi.firma.problema}")
    firma = None if chi.firma is None else chi.firma.impronta
    left = [row for row in found.credenziali if _is_in_force(row, now)]
    matched: list[Row[Any]] = []
    # The slow ones last, among what the others left.
    for genere, rows in (
        (Genere.CERTIFICATO, lambda rows: _by_impronta(rows, Genere.CERTIFICATO, chi.certificato)),
        (Genere.FIRMA, lambda rows: _by_impronta(rows, Genere.FIRMA, firma)),
        (Genere.TOKEN, lambda rows: _by_token(rows, chi.token, work)),
        (Genere.PASSWORD, lambda rows: _by_password(rows, _password(chi), work)),
    ):
        good = rows(left)
        if good is None:
            continue
        if not good:
            raise _Rifiuto(f"{genere} di nessuno, o non di chi mostra il resto")
        matched += good
        owners = {row.applicazione for row in good}
        left = [row for row in left if row.applicazione in owners]
    if not matched:
        raise _Rifiuto("nessuna credenziale")
    accepted = found.ente.autenticazione
    if accepted is not None and not {row.genere for row in matched} & set(accepted):
        raise _Rifiuto(f"l'ente chiede {' o '.join(accepted)}")
    owner = matched[-1].applicazione
    return [row for row in matched if row.applicazione == owner]


def _is_in_force(row: Row[Any], now: datetime) -> bool:
    """Say whether a credential that was read a moment ago counts at this instant."""
    ends = [end for end in (row.expires_at, row.valido_fino) if end is not None]
    return (row.valido_dal is None or row.valido_dal <= now) and all(now < end for end in ends)


def _by_impronta(rows: Sequence[Row[Any]], genere: Genere, impronta: str | None) -> Sequence[Row[Any]] | None:
    if impronta is None:
        return None
    return [row for row in rows if row.genere == genere and row.impronta == impronta]


def _by_token(rows: Sequence[Row[Any]], token: str | None, work: _Work) -> Sequence[Row[Any]] | None:
    if token is None:
        return None
    name = token_name(token)
    named = [row for row in rows if row.genere == Genere.TOKEN and row.impronta == name]
    return [row for row in named if work.is_secret_of(row, token)]


def _by_password(rows: Sequence[Row[Any]], password: str, work: _Work) -> Sequence[Row[Any]] | None:
    if not password:
        return None
    own = [row for row in rows if row.genere == Genere.PASSWORD]
    found = next((row for row in own if work.is_known(row, password)), None)
    if found is None:
        found = next((row for row in own if work.is_secret_of(row, password)), None)
    return [] if found is None else [found]


def _granted(found: EnteConfigurato | None, shown: Sequence[Row[Any]], operation: str | None, code: str) -> Chiamante:
    """Return the caller with what all its credentials grant. Raises: EnteNonValido (not this operation)."""
    assert found is not None
    applicazione = shown[0].applicazione
    tipi: frozenset[str] | None = None
    for row in shown:
        if operation is not None and row.operazioni is not None and not {"*", operation} & set(row.operazioni):
            sentence = f"l'applicazione {applicazione} non è abilitata a {operation}"
            raise EnteNonValido(sentence, id=code, reason="operazione non concessa")
        if row.tipi is not None:
            tipi = frozenset(row.tipi) if tipi is None else tipi & frozenset(row.tipi)
    limits = (shown[0].chiamate_al_secondo, shown[0].chiamate_insieme)
    return Chiamante(found, applicazione, tipi, *limits, _segno(shown[-1]))


def _segno(row: Row[Any]) -> str:
    return hashlib.sha256(f"{row.hash or row.impronta}".encode()).hexdigest()[:16]


class _Secrets:
    """Digests of the secrets that were verified in this process, by the hash they belong to."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._verified: dict[str, bytes] = {}

    def is_known(self, hash: str, clear: str) -> bool:
        known = self._verified.get(hash)
        return known is not None and hmac.compare_digest(known, self._digest(clear))

    def remember(self, hash: str, clear: str) -> None:
        with self._lock:
            if len(self._verified) >= _REMEMBERED_MAX:
                self._verified.clear()
            self._verified[hash] = self._digest(clear)

    def _digest(self, clear: str) -> bytes:
        return hashlib.blake2b(clear.encode(), key=self._key, digest_size=32).digest()


class _Work:
    """The slow checks of one call, counted: a refusal costs as many whatever was wrong."""

    def __init__(self, known: _Secrets) -> None:
        self._known = known
        self._spent = 0

    def is_known(self, row: Row[Any], clear: str) -> bool:
        return self._known.is_known(row.hash, clear)

    def is_secret_of(self, row: Row[Any], clear: str) -> bool:
        if self.is_known(row, clear):
            return True
        self._spent += 1
        if not verify_password(row.hash, clear):
            return False
        self._known.remember(row.hash, clear)
        return True

    def spend(self, whole: int) -> None:
        """Bring the work of this call to `whole` slow checks."""
        for _ in range(whole - self._spent):
            verify_password(DUMMY_HASH, "nessuna")
