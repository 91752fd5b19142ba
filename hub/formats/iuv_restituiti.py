"""The IUVs in a file that was given back with the accepted rows of a flow (`..._IUV.zip`). Source: flows, 1.5."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from hub.domain.errors import FlussoRifiutato
from hub.domain.flussi import VERSIONI_IMPORT
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import read_righe, split

SUFFISSO = "_IUV.zip"


def read_iuv(file: BinaryIO, versione: str) -> Iterator[str]:
    """Give the IUV of each row, empty when it has none, in constant memory.

    Raises: FlussoRifiutato (not such a file).
    """
    if versione not in VERSIONI_IMPORT:
        raise FlussoRifiutato("PAA_IMPORT_FILE_VERSIONE_ERR", f"versione del tracciato {versione[:20]!r} non gestita")
    place = VERSIONI[versione].nomi.index("iuv")
    try:
        with zipfile.ZipFile(file) as opened, opened.open(opened.infolist()[0]) as csv:
            for riga in islice(read_righe(csv), 1, None):
                yield split(riga.testo)[place].strip()
    except (zipfile.BadZipFile, ValueError, IndexError, EOFError, NotImplementedError) as error:
        raise FlussoRifiutato("PAA_IMPORT_ERROR", "il file degli IUV non si legge") from error
