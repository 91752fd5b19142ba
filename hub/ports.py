"""What the hub asks of the outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import BinaryIO, Protocol

from hub.domain.acquisizione_fdr import DomandaFdr, Elenco, FlussoElencato, Scarico
from hub.domain.archiviato import FileArchiviato
from hub.domain.archivio import ChiaveArchivio, PagamentoPsp, RispostaArchivio
from hub.domain.delivery import Delivery, Stazione
from hub.domain.export_giornaliero import Recapito
from hub.domain.inoltro import InvioEsito
from hub.domain.pagamento_online import PagamentoOnline, TentativoCercato, Trovato
from hub.domain.prelievo import Prelievo
from hub.domain.prove_nodo import GuastoAttivo, Prova
from hub.domain.servizi_rest import ChiaviServizio, Servizio


class Via(Protocol):
    """One way of finding out what became of an attempt: by state, by list, by copy, by REST receipt.

    It asks once, changes nothing on the other side and never raises for what the other side does.
    Source: node, 2.3 to 2.5, 2.14.
    """

    @property
    def nome(self) -> str:
        """Its name in logs and lists: stato, pendenti, copia, ricevuta."""
        ...

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        """Look for one attempt."""
        ...


class Nodo(Protocol):
    """The pagoPA node behind one transport, seen from an intermediary: one for each profile of a station.

    The profile is `pagamento_online` of the station. To add one: a class with these five in `adapters/`, its name among
    `PROFILI` (hub.domain.configurazione), a line in `app_uscite.build_nodi`. No use case, job or command changes: the
    topic of its messages is `nodo.<profile>`, so that what was written for one transport leaves by it, even when the
    station has another one meanwhile.
    """

    @property
    def vie(self) -> Sequence[Via]:
        """The ways of finding out that this transport has, in the order in which they are asked."""
        ...

    @property
    def is_repeatable(self) -> bool:
        """Whether the same bytes may be sent again when nobody knows what became of them: nothing is started twice."""
        ...

    @property
    def servizio(self) -> Servizio | None:
        """The REST service whose keys a station must lend it; None: the password of the station is enough."""
        ...

    def write(self, pagamento: PagamentoOnline) -> bytes:
        """The exact bytes that will leave, without secrets. No network: they are stored before anything is sent.

        Raises: Misconfigured (the station cannot send this payment), InvalidRequest (the node would refuse it).
        """
        ...

    def send(self, stazione: Stazione, payload: bytes, correlation_id: str) -> Delivery:
        """Send what `write` wrote, with the station's secrets; DELIVERED carries `response["url"]` for the payer.

        Source: node, nodoInviaCarrelloRPT (2.2), nodoInviaRPT (2.1), Checkout carts (2.11).
        """
        ...


class Posizioni(Protocol):
    """The platform's archive of debt positions."""

    def publish(self, body: bytes, chiavi: ChiaviServizio, correlation_id: str) -> Delivery:
        """Create, change or close a position; the same body twice is once.

        DELIVERED: it stands there as wanted, `response["stato"]`; REFUSED: it will not (class D: it was paid there);
        TRY_AGAIN, UNKNOWN: to be published again. Source: node, ACA and debt positions (2.13).
        """
        ...


class Ricevute(Protocol):
    """The receipts that the platform keeps."""

    def ask(self, dominio: str, iur: str, iuv: str, chiavi: ChiaviServizio, correlation_id: str) -> Trovato:
        """Ask for one receipt by its IUR (`iuv` may be empty): `documento` when it is there.

        Otherwise UNKNOWN: not there, or no answer; TRY_AGAIN: a pause is asked for; REFUSED: it will not be told.
        Source: node, BizEvents receipts (2.14).
        """
        ...


class SistemaEnte(Protocol):
    """The software of the entes, called at the addresses that they configured."""

    def push_esito(self, invio: InvioEsito) -> Delivery:
        """Tell an outcome, signed.

        DELIVERED: acknowledged (2xx without `faultCode`); TRY_AGAIN: not taken; REFUSED: the address may not be called;
        UNKNOWN: it may have arrived. Source: pa-per-ente, push of the outcome (4.2).
        """
        ...


class Firme(Protocol):
    """XML signatures, whose cryptography is a library's."""

    def verify(self, document: bytes, certificate: bytes) -> Mapping[str, bytes] | None:
        """Verify the one signature of a document with the key of a certificate (DER).

        Returns the signed elements by their wsu:Id, as the canonical bytes that were verified: these are to be used,
        not the document. None when anything does not verify. The form of the signature was judged before
        (`formats.ws_security`).
        """
        ...


class ArchivioEsterno(Protocol):
    """The external archive of an ente, which answers itself for what it is owed. Each question is asked once.

    Source: pa-per-ente, ente as archive (4.3).
    """

    def verifica(self, url: str, chiave: ChiaveArchivio, psp: str) -> RispostaArchivio:
        """Old model: whether and how much may be paid (paaSILVerificaEsterna)."""
        ...

    def attiva(self, url: str, chiave: ChiaveArchivio, pagamento: PagamentoPsp) -> RispostaArchivio:
        """Old model: the PSP begins the payment; the answer carries the `dovuto` (paaSILAttivaEsterna)."""
        ...

    def verifica_avviso(self, url: str, chiave: ChiaveArchivio, numero_avviso: str) -> RispostaArchivio:
        """New model: whether and how much may be paid (paExternalVerifyPaymentNotice)."""
        ...


class Recapiti(Protocol):
    """The servers on which enti want their files left."""

    def leave(
        self, recapito: Recapito, nome: str, contenuto: BinaryIO, size_bytes: int, tentativo: int
    ) -> Delivery:
        """Leave a file under its name, whole or not at all. `tentativo` tells its attempts apart, from 1.

        DELIVERED: it is there; REFUSED: the address may not be called, the server is not who it must be, another file
        has the name; TRY_AGAIN: it is not there; UNKNOWN: the renaming was asked for and nobody said how it went.
        """
        ...

    def ask(self, recapito: Recapito, nome: str, size_bytes: int) -> Delivery:
        """Ask whether a file is there: DELIVERED, TRY_AGAIN (no), REFUSED (another one is), UNKNOWN (no answer)."""
        ...


class Archivio(Protocol):
    """Where received and produced files are kept. Paths are relative, with slashes, made by the hub alone."""

    def write(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Give a stream to write; the file is there, whole and in place of another, when the block ends well.

        When it does not, there is nothing new. Raises: OutOfService (no room, no answer).
        """
        ...

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Give a file to read, with `seek`. Raises: NotFound, OutOfService."""
        ...

    def size_bytes(self, path: str) -> int | None:
        """The size of a file; None when there is none. Raises: OutOfService."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file, or find that there is none. Raises: OutOfService."""
        ...

    def pages(self, folder: str = "") -> Iterator[Sequence[FileArchiviato]]:
        """List the files under a folder, all of them without one: page by page in constant memory, in no order.

        Ages are by the clock of the store when the listing began. What comes and goes meanwhile may be told or not.
        Raises: OutOfService.
        """
        ...


class FlussiRendicontazione(Protocol):
    """The settlement flows (FdR) that the node has for an ente. What fails is a value, never raised."""

    def elenca(self, domanda: DomandaFdr, dal: datetime) -> Elenco:
        """List the flows, at least those published since an instant: a list may be longer, and tells things twice.

        Source: node, nodoChiediElencoFlussiRendicontazione (2.6), FdR REST (2.12).
        """
        ...

    def scarica(self, domanda: DomandaFdr, flusso: FlussoElencato, copia: BinaryIO) -> Scarico:
        """Write the bytes of a flow as they come, in constant memory; when the answer is not OK they count for nothing.

        Source: node, nodoChiediFlussoRendicontazione (2.7), FdR REST (2.12).
        """
        ...


class FonteTassonomia(Protocol):
    """Where pagoPA publishes the taxonomy."""

    def fetch(self, etag: str | None) -> Prelievo:
        """Ask for the table. `etag`: of the one that we have; what fails is a value, never raised.

        Source: flows, 7.3.
        """
        ...


class Simulatore(Protocol):
    """The controls of a node that is simulated. Nothing here raises for what the other side does."""

    def guasti(self) -> Sequence[GuastoAttivo] | None:
        """The faults in force; None: the node is no simulator of ours, or does not answer."""
        ...

    def accendi(self, prova: Prova, volte: int | None) -> bool:
        """Let something go wrong so many times, None: always; whether that was taken."""
        ...

    def spegni(self) -> bool:
        """End all faults; whether that was taken."""
        ...

    def azzera(self) -> bool:
        """Let the simulated node forget all that it has received; whether that was taken."""
        ...
