"""The part of the configuration file that says how a station asks for settlement flows. Source: node, 1.4."""

from __future__ import annotations

from hub.domain.acquisizione_fdr import Trasporto
from hub.formats.campi import Campi


def read_fdr(campi: Campi) -> str | None:
    """Return the transport; None when the file does not speak of it."""
    rule = f"uno fra {', '.join(Trasporto)}"
    return campi.optional_text("fdr", check=lambda text: text in tuple(Trasporto), rule=rule)
