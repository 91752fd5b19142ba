"""The part of the configuration file for the questions of the node about notices. Source: node, 3.0.1, 3.2, 3.6."""

from __future__ import annotations

from typing import Any

from hub.domain.avvisi_nodo import CAMPI_SERVIZIO, RIPIEGO_ARCHIVIO, ServizioAvviso
from hub.domain.posizione import METADATI_MAX
from hub.formats.campi import Campi

_CODICE = r"\S{5}"
_CODICE_RULE = "5 caratteri senza spazi"
# An element of the data, without prefix.
_ELEMENTO = r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}"
_TESTO_MAX = 140


def read_ripiego(campi: Campi) -> str:
    """Return what is answered when the archive of the ente is silent."""
    return campi.choice("ripiego_archivio", RIPIEGO_ARCHIVIO, RIPIEGO_ARCHIVIO[0])


def read_metadati(campi: Campi) -> dict[str, str] | None:
    """Return the metadata that the positions of a tipo carry; None when there are none."""
    return campi.pairs("metadati", METADATI_MAX, _TESTO_MAX) or None


def read_servizi(campi: Campi) -> tuple[ServizioAvviso, ...] | None:
    """Return the services through which notices may be asked for; None when the file does not speak of them."""
    items = campi.items("servizi_avviso")
    if items is None:
        return None
    servizi: dict[tuple[str, str], ServizioAvviso] = {}
    for path, item in items:
        one = _read_servizio(item, path, campi)
        if (one.id_servizio, one.id_soggetto) in servizi:
            campi.problems.add(path, f"il servizio {one.id_servizio} {one.id_soggetto} è già nella lista")
        servizi[one.id_servizio, one.id_soggetto] = one
    return tuple(servizi.values())


def _read_servizio(value: Any, path: str, outer: Campi) -> ServizioAvviso:
    campi = Campi(value, path, outer.problems, ("id_servizio", "id_soggetto", "tipo", "causale", "campi"))
    inner = campi.mapping("campi", CAMPI_SERVIZIO)
    names: dict[str, str] = {}
    if inner is None:
        outer.problems.add(f"{path}.campi", "manca: servono almeno codice_fiscale e anagrafica")
    else:
        for key in CAMPI_SERVIZIO:
            is_needed = key in CAMPI_SERVIZIO[:2]
            read = inner.text if is_needed else inner.optional_text
            name = read(key, pattern=_ELEMENTO, rule="nome di un elemento XML, senza prefisso")
            if name:
                names[key] = name
    return ServizioAvviso(
        id_servizio=campi.text("id_servizio", pattern=_CODICE, rule=_CODICE_RULE),
        id_soggetto=campi.text("id_soggetto", pattern=_CODICE, rule=_CODICE_RULE),
        tipo=campi.text("tipo", length_max=64),
        causale=campi.text("causale", length_max=_TESTO_MAX),
        campi=names,
    )
