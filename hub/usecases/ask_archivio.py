"""Ask an ente's external archive what is owed under an IUV: for an operator now, for the node's questions later.

Source: pa-per-ente, ente as archive (4.3).
"""

from __future__ import annotations

from enum import StrEnum

from hub.domain.archivio import ChiaveArchivio, RispostaArchivio
from hub.domain.errors import InvalidRequest, Misconfigured
from hub.domain.iuv import compact, numero_avviso
from hub.ports import ArchivioEsterno
from hub.store import enti, stazioni
from hub.store.database import Database

# Who asks when no PSP does. Source: node, the WISP triple (2.2, rule 3).
PSP_DI_PROVA = "AGID_01"
_IUV_MAX = 35


class Modello(StrEnum):
    """Which question is asked: `unico`, the notice's; `precedente`, the one that carries the CCP."""

    UNICO = "unico"
    PRECEDENTE = "precedente"


def ask_archivio(
    db: Database, archivio: ArchivioEsterno, cod_ipa_ente: str, iuv: str, modello: Modello = Modello.UNICO
) -> RispostaArchivio:
    """Ask once and return the answer; nothing is written, here or there.

    Raises: NotFound (unknown ente), Misconfigured (it has no external archive), InvalidRequest, IuvNonValido.
    """
    with db.reading() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        stazione = stazioni.by_id(session, ente.stazione_id)
    if not ente.url_archivio_esterno:
        raise Misconfigured(f"l'ente {cod_ipa_ente} non ha url_archivio_esterno")
    iuv = compact(iuv)
    if not (1 <= len(iuv) <= _IUV_MAX and iuv.isascii() and iuv.isalnum()):
        raise InvalidRequest("IUV non valido: da 1 a 35 lettere e cifre")
    chiave = ChiaveArchivio(stazione.intermediario, stazione.id, ente.codice_fiscale, iuv)
    if modello == Modello.UNICO:
        return archivio.verifica_avviso(ente.url_archivio_esterno, chiave, numero_avviso(iuv))
    return archivio.verifica(ente.url_archivio_esterno, chiave, PSP_DI_PROVA)
