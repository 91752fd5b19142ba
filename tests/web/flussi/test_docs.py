"""docs/flussi.md tells every code that these doors answer, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from hub.web import problemi

PAGE = (Path(__file__).resolve().parents[3] / "docs/flussi.md").read_text(encoding="utf-8")


def test_every_code_of_the_doors_is_in_the_page_with_its_status() -> None:
    told = set(re.findall(r"^\| (\d+) \| `(\w+)", PAGE, re.MULTILINE))
    own = {(str(status), codice) for _, status, codice, _ in problemi._PROBLEMI if codice}
    own |= {(str(status), codice) for status, (codice, _, _) in problemi._HTTP.items()}
    own.add(("500", problemi._INTERNO[0]))

    assert own <= told
    assert {codice for _, codice in told - own} == {
        "PAA_IMPORT_FLUSSO_IN_CARICAMENTO", "PAA_IMPORT_FLUSSO_DUPLICATO", "PAA_IMPORT_NOME_FILE_ERR",
        "PAA_IMPORT_FILE_VERSIONE_ERR", "PAA_IMPORT_ENTE_ERR", "PAA_IMPORT_NO_CSV", "PAA_IMPORT_ERROR",
    }  # fmt: skip
