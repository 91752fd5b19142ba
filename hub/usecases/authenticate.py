"""Who is calling: the ente and the application, from the credential alone."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.errors import EnteNonValido, NotAllowed, TroppiTentativi
from hub.domain.stati import StatoEnte
from hub.formats.segreti import DUMMY_HASH, verify_password
from hub.store.anagrafe import Anagrafe, EnteConfigurato
from hub.store.failures import FailedPasswords

# Verified passwords that are remembered, as keyed digests: argon2id once per credential and process, not per call.
_REMEMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Presentazione:
    """Who says to be calling, and what is shown for it. `source`: the address of the caller; absent things are None."""

    cod_ipa_ente: str | None
    password: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Chiamante:
    """An authenticated caller. `applicazione` is None for the ente's own password; `tipi` None means all."""

    configurato: EnteConfigurato
    applicazione: str | None
    tipi: frozenset[str] | None

    @property
    def ente(self) -> Row[Any]:
        return self.configurato.ente


class Callers:
    """Checks passwords of callers. Safe to share between threads."""

    def __init__(self, anagrafe: Anagrafe, failures_max: int) -> None:
        self.anagrafe = anagrafe
        self._failures = FailedPasswords(failures_max)
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._verified: dict[str, bytes] = {}

    def authenticate(
        self,
        chi: Presentazione,
        operation: str,
        now: datetime,
        *,
        stato_error: type[NotAllowed] | None = None,
    ) -> Chiamante:
        """Return the caller behind what is shown.

        An unknown ente and a wrong password get the same answer after the same work. `stato_error`: the fault for an
        ente that is still INSERITO; None means that its state is not asked.
        Raises: EnteNonValido, `stato_error`, TroppiTentativi (this source guessed too often).
        """
        wait_s = self._failures.wait_s(chi.source)
        if wait_s:
            raise TroppiTentativi(
                f"troppe password errate da questo indirizzo: riprovare fra {wait_s} secondi", retry_after_s=wait_s
            )
        code = (chi.cod_ipa_ente or "").strip()
        found = self.anagrafe.find(code, now) if 0 < len(code) <= 35 else None
        if found is not None and stato_error is not None and found.ente.stato == StatoEnte.INSERITO:
            raise stato_error(f"l'ente {code} non è ancora attivo (stato {StatoEnte.INSERITO})", id=code)
        credenziale = self._find_credenziale(found, (chi.password or "").strip(), now)
        if found is None or credenziale is None:
            self._failures.add(chi.source)
            raise EnteNonValido(
                f"codIpaEnte {code or 'assente'} sconosciuto o password errata",
                "intestazione o corpo, codIpaEnte e password: l'ente deve essere configurato e la password la sua",
                id=code or "n/a",
            )
        if credenziale.operazioni is not None and not {"*", operation} & set(credenziale.operazioni):
            raise EnteNonValido(f"l'applicazione {credenziale.applicazione} non è abilitata a {operation}", id=code)
        granted = None if credenziale.tipi is None else frozenset(credenziale.tipi)
        return Chiamante(found, credenziale.applicazione, granted)

    def _find_credenziale(self, found: EnteConfigurato | None, password: str, now: datetime) -> Row[Any] | None:
        candidates = found.credenziali if found is not None else ()
        digest = hmac.digest(self._key, password.encode(), hashlib.sha256)
        for credenziale in candidates:
            known = self._verified.get(credenziale.hash)
            if known is not None and hmac.compare_digest(known, digest):
                return credenziale
        if not password:
            return None
        for credenziale in candidates:
            if verify_password(credenziale.hash, password):
                with self._lock:
                    if len(self._verified) >= _REMEMBERED_MAX:
                        self._verified.clear()
                    self._verified[credenziale.hash] = digest
                return credenziale
        # The refusal costs the same whether the ente exists or not, and however many credentials it has.
        for _ in range(self.anagrafe.credentials_most(now) - len(candidates)):
            verify_password(DUMMY_HASH, password)
        return None
