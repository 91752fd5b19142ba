"""What is wrong with a row of a flow, as a value; what the file of rejects says of it.

Source: flows, 2.3 to 2.5; defect 4 (12): codes are always separated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

SINTASSI = "PAA_IMPORT_SINTASSI_CSV"
# The text of a row that cannot be read at all; it stands alone, without a bar.
ILLEGGIBILE = "ERRORE GENERICO NELLA LETTURA DELLA RIGA DEL CSV"


@dataclass(frozen=True, slots=True)
class Scarto:
    """One reason why a row is refused.

    `riga` counts data rows from 1; `campo` is the column's canonical name, empty for the row as a whole; `rimedio`
    says what to write instead. The value may be a person's: it is kept out of `repr`, and so of every log.
    """

    riga: int
    campo: str
    valore: str = field(repr=False)
    codice: str
    messaggio: str
    rimedio: str = ""


def rifiuto(scarti: Sequence[Scarto]) -> tuple[str, str]:
    """Return `cod_rifiuto` and `de_rifiuto` of a rejected row.

    >>> rifiuto([Scarto(1, "IUD", "", SINTASSI, "IUD NON PRESENTE")])
    ('PAA_IMPORT_SINTASSI_CSV', '|IUD NON PRESENTE')
    >>> rifiuto([Scarto(1, "", "", SINTASSI, ILLEGGIBILE)])
    ('PAA_IMPORT_SINTASSI_CSV', 'ERRORE GENERICO NELLA LETTURA DELLA RIGA DEL CSV')
    >>> rifiuto([Scarto(1, "a", "-", SINTASSI + "_CAP", "CAP"), Scarto(1, "b", "-", SINTASSI + "_IUD", "IUD")])
    ('|PAA_IMPORT_SINTASSI_CSV_CAP|PAA_IMPORT_SINTASSI_CSV_IUD', '|CAP|IUD')
    """
    if scarti[0].messaggio == ILLEGGIBILE:
        return scarti[0].codice, ILLEGGIBILE
    testi = "".join(f"|{scarto.messaggio}" for scarto in scarti)
    # Structure has one code for all that is wrong, and duplicates stand alone; rules are a list.
    is_list = any(scarto.codice.startswith(SINTASSI + "_") for scarto in scarti)
    codici = "".join(f"|{scarto.codice}" for scarto in scarti) if is_list else scarti[0].codice
    return codici, testi
