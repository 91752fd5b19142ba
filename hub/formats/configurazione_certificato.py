"""The part of the configuration file on the certificate that a station shows to the node. Source: node, 5."""

from __future__ import annotations

from hub.domain.configurazione import INVARIATO
from hub.domain.credenziali import IdentitaTls
from hub.domain.errors import InvalidRequest
from hub.formats.campi import Campi
from hub.formats.identita_tls import CERTIFICATO_MAX, CHIAVE_MAX, check_chiave, read_catena


def read_certificato_stazione(campi: Campi) -> IdentitaTls | None:
    """Return certificate and key, the key perhaps INVARIATO; both empty: none any more. None: not spoken of."""
    inner = campi.mapping("certificato", ("pem", "chiave"))
    if inner is None:
        return None
    pem = (inner.long_text("pem", CERTIFICATO_MAX) or "").strip()
    chiave = (inner.long_text("chiave", CHIAVE_MAX) or "").strip()
    if bool(pem) != bool(chiave):
        campi.problems.add(f"{inner.prefix}pem", "pem e chiave vanno insieme; un certificato {} vuoto lo toglie")
        return None
    try:
        if pem:
            read_catena(pem)
        if pem and chiave != INVARIATO:
            check_chiave(pem, chiave)
    except InvalidRequest as error:
        campi.problems.add(f"{inner.prefix}pem", str(error))
        return None
    return IdentitaTls(pem, chiave)
