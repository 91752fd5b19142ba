"""Credentials in the configuration file: the same keys for an ente and for an application."""

from __future__ import annotations

from typing import Any

from hub.domain.configurazione import INVARIATO, Ente
from hub.domain.credenziali import Certificato
from hub.domain.errors import InvalidRequest
from hub.formats.campi import Campi
from hub.formats.certificati import read_certificato

CREDENZIALI = ("password", "token", "certificati", "firme")
# One for each machine, and the next ones during a rotation.
_CERTIFICATES_MAX = 20


def read_credenziali(campi: Campi) -> dict[str, Any]:
    """Return password, token, certificati and firme of one caller; None where the key is absent."""
    rule = f'i token li crea pontepa credenziale add; qui solo "{INVARIATO}"'
    token = campi.optional_text("token", check=lambda text: text == INVARIATO, rule=rule)
    return {
        "password": campi.secret("password", 8, 100, required=False),
        "token": token,
        "certificati": _certificates(campi, "certificati", signs=False),
        "firme": _certificates(campi, "firme", signs=True),
    }


def _certificates(campi: Campi, key: str, *, signs: bool) -> tuple[Certificato, ...] | None:
    items = campi.items(key)
    if items is None:
        return None
    if len(items) > _CERTIFICATES_MAX:
        campi.problems.add(f"{campi.prefix}{key}", f"al massimo {_CERTIFICATES_MAX} certificati")
        return ()
    found: dict[str, Certificato] = {}
    for path, item in items:
        try:
            if not isinstance(item, str):
                raise InvalidRequest("serve il testo PEM del certificato")
            one = read_certificato(item, signs=signs)
        except InvalidRequest as error:
            campi.problems.add(path, str(error))
            continue
        found[one.impronta] = one
    return tuple(found.values())


def note_shared_certificates(ente: Ente, campi: Campi) -> None:
    """Note a certificate that two callers of one ente share: nobody could say which of them is calling."""
    for key in ("certificati", "firme"):
        owners: dict[str, str] = {}
        for name, one in [("ente", ente), *((one.nome, one) for one in ente.applicazioni or ())]:
            for certificato in getattr(one, key) or ():
                if owners.setdefault(certificato.impronta, name) != name:
                    campi.problems.add(
                        f"{campi.prefix}applicazioni",
                        f"{name} e {owners[certificato.impronta]} hanno lo stesso certificato in {key}",
                    )
