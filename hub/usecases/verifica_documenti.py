"""What must hold of documents: their bytes are those that came or left, and the rows say what they say.

No document is shown: they name the payer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from hub.domain.documenti import Rt
from hub.domain.errors import NotFound
from hub.domain.errors_nodo import RicevutaNonLeggibile, RtNonLeggibile
from hub.domain.ricevuta import Primitiva, Segnalazione
from hub.domain.stati import CARRELLO_BY_ESITO
from hub.domain.verifica import Rilievo, euro, mostrabile
from hub.formats.ricevuta import content_of, payload_of
from hub.formats.rt import read_rt
from hub.ports import Archivio
from hub.store import documenti_conservati
from hub.store.lettura import Lettura, rilievo

_BLOCK_BYTES = 1024 * 1024
# The receipts of which the digest is that of the receipt without what carries it.
_NUOVE = (Primitiva.SEND_RT, Primitiva.SEND_RT_V2)
# What an operator was told of: the amounts need not agree.
_SEGNALATE = (Segnalazione.IMPORTO_DIVERSO, Segnalazione.TRASFERIMENTI_DIVERSI)


def ricevuta_intatta(lettura: Lettura) -> Iterator[Rilievo]:
    """Every receipt that was kept has the bytes that came: its digest is theirs.

    Source: node, paaInviaRT (3.9), idempotency (3.0.6): what was answered OK the node may forget.
    """
    for row in documenti_conservati.ricevute(lettura):
        raw = bytes(row.raw)
        if not raw:
            yield rilievo(row, "rt_ricevute", "i byte della ricevuta mancano")
        elif _digest(row, raw) != row.sha256:
            yield rilievo(row, "rt_ricevute", "i byte non sono quelli arrivati: l'impronta SHA-256 è un'altra")


def rpt_intatta(lettura: Lettura) -> Iterator[Rilievo]:
    """Every RPT is kept as it left: its digest is that of its bytes. Source: node, 2.0.5 (the same bytes again)."""
    for row in documenti_conservati.rpt(lettura):
        if hashlib.sha256(row.rpt).hexdigest() != row.rpt_sha256:
            yield rilievo(row, "tentativi", "i byte della RPT non sono quelli scritti: l'impronta SHA-256 è un'altra")


def esito_carrello(lettura: Lettura) -> Iterator[Rilievo]:
    """A carrello with an outcome has the document that says it: a receipt, or what an ente or the hub has declared.

    Source: node, outcome of an RT (4.5); pa-per-ente, effect of a receipt (5.3).
    """
    for row in documenti_conservati.carrelli_con_esito(lettura):
        if row.documento is None:
            words = f"{mostrabile(row.stato)}, ma non c'è né la ricevuta né una registrazione dell'esito"
            yield rilievo(row, "carrelli", words)
            continue
        rt = _read(row)
        if rt is None:
            yield rilievo(row, "carrelli", "il documento del suo esito non si legge")
        elif CARRELLO_BY_ESITO[rt.codice_esito] != row.stato:
            words = f"{mostrabile(row.stato)}, ma il documento del suo esito dice {rt.codice_esito}"
            yield rilievo(row, "carrelli", words)


def importo_pagato(lettura: Lettura) -> Iterator[Rilievo]:
    """What was written as paid on a dovuto is the amount of its line in the receipt, unless that was flagged.

    Of what an ente has declared, the one line is that of the dovuto with its IUR. Source: node, 3.9 step 6, 3.5.1.
    """
    for row, dovuti in documenti_conservati.with_conclusi(lettura):
        rt = _read(row)
        if rt is None or any(flag in (row.segnalazioni or "") for flag in _SEGNALATE):
            continue
        if row.rt_id is None:
            said = [(line.iur, line.importo_cent) for line in rt.pagamenti]
            kept = [(one.iur, one.importo_pagato_cent) for one in dovuti if one.importo_pagato_cent]
            is_right = sorted(said) == sorted(kept) or not any(cent for _, cent in said) and not kept
        else:
            lines = [line.importo_cent for line in rt.pagamenti]
            # A second share of the ente's own is a line after those of the dovuti.
            wanted = (lines + [0] * len(dovuti))[: len(dovuti)]
            is_right = [one.importo_pagato_cent or 0 for one in dovuti] == wanted
        if not is_right:
            paid_cent = sum(one.importo_pagato_cent or 0 for one in dovuti)
            told_cent = sum(line.importo_cent for line in rt.pagamenti)
            words = f"sui dovuti risultano pagati {euro(paid_cent)}, il documento dell'esito dice {euro(told_cent)}"
            yield rilievo(row, "carrelli", words)


def file_intatto(lettura: Lettura, archivio: Archivio) -> Iterator[Rilievo]:
    """A file that a row names is in the archive, with the size and the digest that it had. Raises: OutOfService.

    Of exports and results no digest is kept: `pontepa archivio check` says whether they are there.
    Source: flows, 1.2; node, 6.3 (the bytes of a flow are kept).
    """
    for table, row in documenti_conservati.file_con_impronta(lettura):
        reason = _reason(archivio, row)
        if reason is not None:
            yield rilievo(row, table, reason)


def _digest(row: Row[Any], raw: bytes) -> str | None:
    if row.primitiva not in _NUOVE:
        return hashlib.sha256(raw).hexdigest()
    try:
        return hashlib.sha256(content_of(payload_of(raw, row.charset))).hexdigest()
    except (RicevutaNonLeggibile, LookupError):  # also a charset that no machine knows
        return None


def _read(row: Row[Any]) -> Rt | None:
    """What the document of an outcome says; None when there is none, or it cannot be read."""
    if row.documento is None:
        return None
    try:
        return read_rt(bytes(row.documento))
    except RtNonLeggibile:
        return None


def _reason(archivio: Archivio, row: Row[Any]) -> str | None:
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with archivio.open(row.file) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                size_bytes += len(block)
    except NotFound:
        return "il suo file non è nell'archivio"
    except ValueError:
        return "il percorso del suo file non è uno dell'archivio"
    if row.size_bytes is not None and size_bytes != row.size_bytes:
        return f"il suo file ha {size_bytes} byte, ne aveva {row.size_bytes}"
    if row.sha256 is not None and digest.hexdigest() != row.sha256:
        return "il suo file non è quello ricevuto: l'impronta SHA-256 è un'altra"
    return None


