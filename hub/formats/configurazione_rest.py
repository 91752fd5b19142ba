"""The part of the configuration file that says which REST services a station uses. Source: node, 2.11 to 2.14 and 5."""

from __future__ import annotations

from datetime import date

from hub.domain.servizi_rest import Servizio, ServizioRest
from hub.formats.campi import Campi

# The platform's own keys are 32 hexadecimal digits; room is left for another shape.
_CHIAVE_MIN, _CHIAVE_MAX = 16, 128
_KEYS = ("chiave", "chiave_secondaria", "scade_il", "versione")


def read_servizi_rest(campi: Campi) -> tuple[ServizioRest, ...] | None:
    """Return the services of a station; None when the file does not speak of them."""
    services = campi.mapping("servizi_rest", tuple(Servizio))
    if services is None:
        return None
    found = []
    for servizio in Servizio:
        inner = services.mapping(servizio, _KEYS if servizio is Servizio.CHECKOUT else _KEYS[:-1])
        if inner is not None:
            found.append(_read(servizio, inner))
    return tuple(found)


def _read(servizio: Servizio, campi: Campi) -> ServizioRest:
    return ServizioRest(
        servizio=servizio,
        chiave=campi.secret("chiave", _CHIAVE_MIN, _CHIAVE_MAX) or "",
        chiave_secondaria=campi.secret("chiave_secondaria", _CHIAVE_MIN, _CHIAVE_MAX, required=False),
        scade_il=_day(campi, "scade_il"),
        versione=campi.whole("versione", (1, 2), 2),
    )


def _day(campi: Campi, key: str) -> date | None:
    text = campi.optional_text(key, check=_is_day, rule="giorno fra virgolette, per esempio \"2027-06-30\"")
    return date.fromisoformat(text) if text and _is_day(text) else None


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
