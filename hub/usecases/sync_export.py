"""Bring the daily export of an ente to what a configuration says; the secrets of its server are kept sealed.

Switched on for the first time it begins from now; switched off and on again it goes on from where it was.
"""

from __future__ import annotations

from typing import Any

from hub.domain.configurazione import Differenza
from hub.domain.export_giornaliero import ExportGiornaliero
from hub.formats.segreti import Cassaforte
from hub.store import export_giornalieri
from hub.usecases.sync_credenziali import Confronto
from hub.usecases.sync_inoltro import sealed

_SECRETS = {"password": "sftp_password_cifrata", "chiave_privata": "sftp_chiave_cifrata"}


def sync_export(
    confronto: Confronto, cassaforte: Cassaforte, subject: str, ente_id: int | None, wanted: ExportGiornaliero | None
) -> None:
    """Compare and, where the comparison says so, write (`ente_id` None: the ente is not there yet)."""
    if wanted is None:
        return
    name = f"{subject}, export_giornaliero"
    row = None if ente_id is None else export_giornalieri.find(confronto.session, ente_id)
    values = _columns(wanted)
    if row is None:
        confronto.found.append(Differenza("aggiunge", name))
        changed = values
    else:
        changed = confronto.compare(name, row, values)
    for campo, column in _SECRETS.items():
        known = None if row is None else getattr(row, column)
        clear = None if wanted.sftp is None else getattr(wanted.sftp, campo)
        if clear is None:
            if known is not None:
                confronto.found.append(Differenza("revoca", f"{name}, sftp: {campo}"))
                changed[column] = None
            continue
        resealed = sealed(confronto, cassaforte, f"{name}, sftp", campo, known, clear)
        if resealed is not None:
            changed[column] = resealed
    if wanted.attivo and (row is None or row.fino_a is None):
        changed["fino_a"] = confronto.now.replace(microsecond=0)
    if not changed or not confronto.write or ente_id is None:
        return
    if row is None:
        export_giornalieri.add(confronto.session, ente_id=ente_id, **changed)
    else:
        export_giornalieri.change(confronto.session, ente_id, **changed)


def _columns(wanted: ExportGiornaliero) -> dict[str, Any]:
    sftp = wanted.sftp
    return {
        "attivo": wanted.attivo,
        "ora": wanted.ora.strftime("%H:%M"),
        "versione": wanted.versione,
        "ricevuta": wanted.ricevuta,
        "tipi": None if wanted.tipi is None else list(wanted.tipi),
        "sftp_host": sftp and sftp.host,
        "sftp_porta": sftp and sftp.porta,
        "sftp_utente": sftp and sftp.utente,
        "sftp_cartella": sftp and sftp.cartella,
        "sftp_chiave_host": sftp and sftp.chiave_host,
    }
