"""Bring the addresses that the hub calls for an ente, and their sealed keys, to what a configuration says.

A key or an address that the file does not speak of stays as it is: what switches the push off is `inoltro_esito` of the
ente or `notifica_esito` of the tipo.
"""

from __future__ import annotations

from hub.domain.configurazione import INVARIATO, Differenza, EndpointEsito, Ente
from hub.domain.errors import Misconfigured
from hub.formats.segreti import Cassaforte
from hub.store import enti, eventi_esito
from hub.usecases.sync_credenziali import Confronto


def sync_inoltro(confronto: Confronto, cassaforte: Cassaforte, subject: str, ente_id: int | None, wanted: Ente) -> None:
    """Compare and, where the comparison says so, write (`ente_id` None: the ente is not there yet)."""
    if wanted.chiave_ritorno is not None:
        row = None if ente_id is None else enti.by_id(confronto.session, ente_id)
        resealed = sealed(
            confronto, cassaforte, subject, "chiave_ritorno", row and row.chiave_ritorno_cifrata, wanted.chiave_ritorno
        )
        if resealed is not None and confronto.write and ente_id is not None:
            enti.change(confronto.session, ente_id, chiave_ritorno_cifrata=resealed)
    for tipo in wanted.tipi or ():
        if tipo.endpoint_esito is not None:
            name = f"{subject}, tipo {tipo.codice}, endpoint_esito"
            _endpoint(confronto, cassaforte, name, ente_id, tipo.codice, tipo.endpoint_esito)


def _endpoint(
    confronto: Confronto,
    cassaforte: Cassaforte,
    name: str,
    ente_id: int | None,
    codice: str,
    wanted: EndpointEsito,
) -> None:
    row = None if ente_id is None else eventi_esito.find_endpoint(confronto.session, ente_id, codice)
    values = {
        "url": wanted.url,
        "client_id": wanted.client_id,
        "mail": wanted.mail,
        "tentativi_max": wanted.tentativi_max,
    }
    if row is None:
        if wanted.chiave == INVARIATO:
            confronto.problems.append((name, f'la chiave "{INVARIATO}" non è ancora registrata'))
            return
        confronto.found.append(Differenza("aggiunge", name))
        if confronto.write:
            chiave = cassaforte.seal(wanted.chiave)
            eventi_esito.add_endpoint(confronto.session, ente_id=ente_id, tipo=codice, chiave_cifrata=chiave, **values)
        return
    changed = confronto.compare(name, row, values)
    resealed = sealed(confronto, cassaforte, name, "chiave", row.chiave_cifrata, wanted.chiave)
    if resealed is not None:
        changed["chiave_cifrata"] = resealed
    if changed and confronto.write and ente_id is not None:
        eventi_esito.change_endpoint(confronto.session, ente_id, codice, **changed)


def sealed(
    confronto: Confronto, cassaforte: Cassaforte, subject: str, campo: str, known: str | None, clear: str
) -> str | None:
    """The sealed text to keep; None when what is there stays."""
    if clear == INVARIATO:
        if known is None:
            confronto.problems.append((subject, f'{campo} "{INVARIATO}" non è ancora registrata'))
        return None
    if known is not None and _opens(cassaforte, known, clear):
        return None
    confronto.found.append(Differenza("modifica", subject, campo, INVARIATO if known else "", INVARIATO))
    return cassaforte.seal(clear)


def _opens(cassaforte: Cassaforte, sealed: str, clear: str) -> bool:
    try:
        return cassaforte.open(sealed) == clear
    except Misconfigured:
        return False  # sealed with a key of another time: sealing it again is the cure
