"""What a session is made of: for each ente, new dovuti as a document says them or one that is stored.

Source: pa-per-ente, life-cycle of a session (5.2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.documenti import DocumentoDovuti, MarcaBollo, QuotaSecondaria, SingoloDovuto, Soggetto
from hub.domain.errors import DovutoNonPagabile, Misconfigured
from hub.formats.dovuti import read_dovuti
from hub.formats.enti_secondari import read_enti_secondari
from hub.store import dovuti, sessioni
from hub.store.anagrafe import Anagrafe, EnteConfigurato
from hub.store.database import Database


@dataclass(frozen=True, slots=True)
class Parte:
    """What one ente is paid. The amounts of `documento` are the ente's own shares; `dovuto`: the stored row, if any."""

    configurato: EnteConfigurato
    documento: DocumentoDovuti
    secondario: QuotaSecondaria | None = None
    dovuto: Row[Any] | None = None

    @property
    def importo_cent(self) -> int:
        """What the payer is asked, the share of the second beneficiary included."""
        return self.documento.importo_cent + (self.secondario.importo_cent if self.secondario else 0)

    @property
    def altro_beneficiario(self) -> QuotaSecondaria | None:
        """The second share, when it is another body's: the node wants an RPT for each beneficiary, and one of each."""
        if self.secondario is None or self.secondario.codice_fiscale == self.configurato.ente.codice_fiscale:
            return None
        return self.secondario


def read_parti(db: Database, anagrafe: Anagrafe, row: Row[Any], now: datetime) -> list[Parte]:
    """Return the parts of a session, in order.

    Raises: DovutoNonPagabile (a stored dovuto was cancelled), Misconfigured (an ente is no longer there).
    """
    if row.documento is not None:
        return [Parte(configurato_of(anagrafe, row.ente_id, now), read_dovuti(row.documento))]
    stored: dict[int, Row[Any] | None] = {}
    with db.reading() as session:
        elementi = sessioni.elementi(session, row.id_session)
        for elemento in elementi:
            if elemento.dovuto_iud is not None:
                stored[elemento.posizione] = dovuti.find_attuale(session, elemento.ente_id, elemento.dovuto_iud)
    return [
        _parte(configurato_of(anagrafe, elemento.ente_id, now), elemento, stored.get(elemento.posizione))
        for elemento in elementi
    ]


def configurato_of(anagrafe: Anagrafe, ente_id: int, now: datetime) -> EnteConfigurato:
    """Raises: Misconfigured."""
    configurato = anagrafe.find_by_id(ente_id, now)
    if configurato is None:
        raise Misconfigured("l'ente della sessione non è più configurato")
    return configurato


def _parte(configurato: EnteConfigurato, elemento: Row[Any], stored: Row[Any] | None) -> Parte:
    if elemento.dovuto_iud is None:
        secondario = None if elemento.secondario is None else read_enti_secondari(elemento.secondario)
        documento = read_dovuti(elemento.documento)
        return Parte(configurato, own_share(documento, secondario, configurato.ente), secondario)
    if stored is None:
        raise DovutoNonPagabile("il dovuto di questa sessione non c'è più: l'ente lo ha annullato")
    return Parte(configurato, documento_of(stored), secondario_of(stored), stored)


def own_share(documento: DocumentoDovuti, secondario: QuotaSecondaria | None, ente: Row[Any]) -> DocumentoDovuti:
    """Return the document of paaSILInviaCarrelloDovuti with what remains to the ente itself.

    The amount given includes the second beneficiary's share unless the ente has chosen `aggiunta`.
    Source: pa-per-ente, paaSILInviaCarrelloDovuti, state effects.
    """
    if secondario is None or ente.quota_secondaria == "aggiunta":
        return documento
    (dovuto,) = documento.dovuti
    return replace(documento, dovuti=(replace(dovuto, importo_cent=dovuto.importo_cent - secondario.importo_cent),))


def documento_of(row: Row[Any]) -> DocumentoDovuti:
    """A stored dovuto as a document of one item."""
    return DocumentoDovuti(
        versione="6.2.0",
        pagatore=Soggetto(**row.pagatore),
        tipo_versamento=row.tipo_versamento,
        dovuti=(
            SingoloDovuto(
                iud=row.iud,
                importo_cent=row.importo_cent,
                tipo=row.tipo,
                causale=row.causale,
                dati_specifici=row.dati_specifici,
                commissione_cent=row.commissione_cent,
                marca=None if row.marca is None else MarcaBollo(**row.marca),
                bilancio_xml=row.bilancio_xml,
            ),
        ),
        iuv=row.iuv,
    )


def secondario_of(row: Row[Any]) -> QuotaSecondaria | None:
    return None if row.secondario is None else QuotaSecondaria(**row.secondario)
