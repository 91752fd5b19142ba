"""The SFTP servers of the entes: one bounded visit for each file, to a server that shows the pinned key.

Written under a name of its own and renamed: only the renaming can have an unknown end, everything before it left
nothing under the file's name. Source: draft-ietf-secsh-filexfer-02 (6.5, 6.8, rename refuses a name that is taken).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from adapters.indirizzi import IndirizzoNonAmmesso, NomeNonRisolto
from adapters.sftp.client import Limiti
from adapters.sftp.visita import FAILED, ChiaveDiversa, NonEntrata, Visita
from hub.domain.delivery import Delivery, Outcome
from hub.domain.export_giornaliero import Recapito
from hub.formats.testi import clean

_DETAIL_MAX = 300
# Nothing has the name, and it could be written there.
ASSENTE = "ASSENTE"


@dataclass(frozen=True, slots=True)
class _Nomi:
    """Where a file goes. `unfinished`: of this attempt alone, so that two senders never write into one file."""

    folder: str
    final: str
    unfinished: str

    @classmethod
    def of(cls, recapito: Recapito, nome: str, tentativo: int) -> _Nomi:
        folder = f"{recapito.cartella.rstrip('/')}/" if recapito.cartella else ""
        return cls(folder or ".", f"{folder}{nome}", f"{folder}.{nome}.{tentativo}.parte")


class Deposito:
    """The files on one server. See `hub.ports.Recapiti`."""

    def __init__(self, recapito: Recapito, limiti: Limiti, *, is_open: bool) -> None:
        self._recapito, self._limiti, self._is_open = recapito, limiti, is_open

    def leave(self, nome: str, contenuto: BinaryIO, size_bytes: int, tentativo: int) -> Delivery:
        def work(visita: Visita) -> Delivery:
            nomi = _Nomi.of(self._recapito, nome, tentativo)
            taken = _judge(visita.sftp, nomi, size_bytes)
            if taken.code != ASSENTE:
                return taken
            for earlier in range(1, tentativo):
                _remove(visita.sftp, _Nomi.of(self._recapito, nome, earlier).unfinished)
            try:
                # Asks for the size at the end: a disk that is full shows itself here.
                visita.sftp.putfo(contenuto, nomi.unfinished, size_bytes, confirm=True)
            except FAILED as error:
                _remove(visita.sftp, nomi.unfinished)
                return visita.failed(error, "il file non è stato scritto")
            return _rename(visita, nomi, size_bytes)

        return self._visit(Outcome.TRY_AGAIN, work)

    def ask(self, nome: str, size_bytes: int) -> Delivery:
        nomi = _Nomi.of(self._recapito, nome, 1)
        return self._visit(Outcome.UNKNOWN, lambda visita: _judge(visita.sftp, nomi, size_bytes))

    def _visit(self, absent: Outcome, work: Callable[[Visita], Delivery]) -> Delivery:
        """Do something on the server; `absent`: what it means that one cannot get in, or not to the end."""
        deadline = time.monotonic() + self._limiti.total_s
        try:
            with Visita(self._recapito, self._limiti, deadline, is_open=self._is_open) as visita:
                try:
                    return work(visita)
                except FAILED as error:
                    failed = visita.failed(error, "il server SFTP non ha risposto per intero")
                    return Delivery(absent, failed.code, failed.detail)
        except IndirizzoNonAmmesso as error:
            return Delivery(Outcome.REFUSED, "INDIRIZZO_NON_AMMESSO", str(error))
        except ChiaveDiversa as error:
            # Another server under the same name: nothing was shown to it, and a person must look.
            outcome = Outcome.REFUSED if absent == Outcome.TRY_AGAIN else absent
            return Delivery(outcome, "CHIAVE_HOST_DIVERSA", str(error))
        except NomeNonRisolto as error:
            return Delivery(absent, "NOME_NON_RISOLTO", str(error))
        except NonEntrata as error:
            return Delivery(absent, error.code, clean(str(error), _DETAIL_MAX))


def _judge(sftp: Any, nomi: _Nomi, size_bytes: int) -> Delivery:
    """Look under a name: DELIVERED, the file is there whole; TRY_AGAIN, nothing is; REFUSED, something else is."""
    found = _size_bytes(sftp, nomi.final)
    if found is None:
        if _size_bytes(sftp, nomi.folder) is None:
            return Delivery(Outcome.TRY_AGAIN, "CARTELLA_ASSENTE", f"sul server non c'è la cartella {nomi.folder}")
        return Delivery(Outcome.TRY_AGAIN, ASSENTE)
    if found == size_bytes:
        return Delivery(Outcome.DELIVERED)
    detail = f"sul server c'è già {nomi.final}, di {found} byte invece di {size_bytes}"
    return Delivery(Outcome.REFUSED, "FILE_DIVERSO", clean(detail, _DETAIL_MAX))


def _size_bytes(sftp: Any, name: str) -> int | None:
    try:
        return sftp.stat(name).st_size or 0
    except FileNotFoundError:
        return None


def _rename(visita: Visita, nomi: _Nomi, size_bytes: int) -> Delivery:
    try:
        visita.sftp.rename(nomi.unfinished, nomi.final)
    except FAILED as error:
        is_no = isinstance(error, OSError) and not isinstance(error, TimeoutError) and visita.is_alive
        if not is_no:
            code = visita.failed(error, "").code
            return Delivery(Outcome.UNKNOWN, code, "il server non ha detto se ha rinominato")
        # Whoever had this file before may have come back from a long sleep and put it there.
        taken = _judge(visita.sftp, nomi, size_bytes)
        _remove(visita.sftp, nomi.unfinished)
        return visita.failed(error, "il file non è stato rinominato") if taken.outcome == Outcome.TRY_AGAIN else taken
    return Delivery(Outcome.DELIVERED)


def _remove(sftp: Any, name: str) -> None:
    """Clear away what an attempt left, if it is there and if we may."""
    try:
        sftp.remove(name)
    except FAILED:
        pass  # it is in nobody's way
