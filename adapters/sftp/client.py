"""The SFTP servers of the entes, for whoever may have a file to leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from hub.domain.delivery import Delivery
from hub.domain.export_giornaliero import Recapito


@dataclass(frozen=True, slots=True)
class Limiti:
    """What one visit may cost. `answer_s`: for each answer; `total_s`: from the name server to the farewell."""

    total_s: float
    connect_s: float = 10.0
    answer_s: float = 60.0


class SftpClient:
    """The servers of the entes. Safe to share between threads. `is_open`: private addresses too (workbench).

    The library is half a second and 7 MiB: every process of the hub knows this class, the one that sends pays for it.
    """

    def __init__(self, *, is_open: bool, limiti: Limiti) -> None:
        self._is_open = is_open
        self._limiti = limiti

    def leave(self, recapito: Recapito, nome: str, contenuto: BinaryIO, size_bytes: int, tentativo: int) -> Delivery:
        """Leave a file. See `hub.ports.Recapiti.leave`."""
        from adapters.sftp.deposito import Deposito

        return Deposito(recapito, self._limiti, is_open=self._is_open).leave(nome, contenuto, size_bytes, tentativo)

    def ask(self, recapito: Recapito, nome: str, size_bytes: int) -> Delivery:
        """Ask whether a file is there. See `hub.ports.Recapiti.ask`."""
        from adapters.sftp.deposito import Deposito

        return Deposito(recapito, self._limiti, is_open=self._is_open).ask(nome, size_bytes)
