"""The causale of a transfer, as banks and reconcilers read it. Source: node, 4.4; AgID guidelines."""

from __future__ import annotations

from hub.domain import iuv as iuv_rules
from hub.formats.importi import text_from_cent
from hub.formats.testi import sepa

CAUSALE_MAX = 140


def causale_rpt(iuv: str, importo_cent: int, testo: str) -> str:
    """Return the causale that banks and reconcilers read: `/RFB/<IUV>/<amount>/TXT/<text>`, at most 140 characters.

    An ISO 11649 IUV is written `/RFS/` and in groups of four. The text is reduced to what a SEPA field carries.
    Source: node, 4.4; AgID guidelines, causale di versamento.

    >>> causale_rpt("01000000000000144", 1234, "Tassa rifiuti 2026 – città")
    '/RFB/01000000000000144/12.34/TXT/Tassa rifiuti 2026 - citta'
    >>> causale_rpt("RF45W9", 100, "")
    '/RFS/RF45 W9/1.00'
    """
    if iuv_rules.is_valid_rf(iuv):
        head = f"/RFS/{iuv_rules.format_avviso(iuv)}/{text_from_cent(importo_cent)}"
    else:
        head = f"/RFB/{iuv}/{text_from_cent(importo_cent)}"
    text = sepa(testo, CAUSALE_MAX)
    return f"{head}/TXT/{text}"[:CAUSALE_MAX].rstrip() if text else head
