"""Tables of what leaves towards the node: circuits, one for each station and service."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from hub.store.columns import Instant, metadata

# Shared by all workers: what one has learned spares the others the same refusals, and the commands see it too.
circuiti = Table(
    "circuiti",
    metadata,
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), primary_key=True),
    Column("servizio", String(16), primary_key=True),  # nodo, or a service of domain.servizi_rest
    Column("guasti", Integer, nullable=False, server_default="0"),  # one after the other, without an answer between
    Column("aperture", Integer, nullable=False, server_default="0"),  # one after the other, without a good probe
    Column("aperto_at", Instant),  # None: closed
    Column("riprova_at", Instant),  # open: one call may probe from here on; closed: no call before (429)
    Column("sonda_at", Instant),  # since when a call probes
    Column("ultimo_codice", String(64)),
    Column("ultimo_guasto_at", Instant),
)
