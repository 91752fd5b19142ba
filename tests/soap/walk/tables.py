"""All the tables of the walk, in the order of the specification."""

from __future__ import annotations

from tests.soap.walk import carrello, chiedi_pagati, flussi, importa_dovuto, invia_dovuti, portali, registra_pagamento
from tests.soap.walk.frame import Table

TABLES: tuple[Table, ...] = (
    *invia_dovuti.TABLES,
    *carrello.TABLES,
    *chiedi_pagati.TABLES,
    *importa_dovuto.TABLES,
    *registra_pagamento.TABLES,
    *flussi.TABLES,
    *portali.TABLES,
)
