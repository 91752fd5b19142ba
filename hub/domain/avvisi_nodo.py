"""What an ente declares for the node: notices on demand, its silent archive. Source: node, 3.6 and 3.0.1."""

from __future__ import annotations

from dataclasses import dataclass, field

# What is answered when the archive of the ente is silent: that nothing can be said now, or what the hub has stored.
RIPIEGO_ARCHIVIO = ("errore", "memorizzato")

# What the data of a service may say of a notice that is asked for; the first two are always needed, the amount too
# where the tipo has none of its own.
CAMPI_SERVIZIO = ("codice_fiscale", "anagrafica", "importo", "causale")


@dataclass(frozen=True, slots=True)
class ServizioAvviso:
    """A service of the catalogue through which notices of a tipo are made at a PSP.

    `campi`: what the data say (`CAMPI_SERVIZIO`) -> the name of the XML element that says it.
    """

    id_servizio: str
    id_soggetto: str
    tipo: str
    causale: str
    campi: dict[str, str] = field(default_factory=dict)
