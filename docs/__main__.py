"""Write the documents that are made from the code: `python -m docs`, or `make docs`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from docs import conformita, cruscotto, guasti
from docs.pagine import modello, tracciati
from tests.racconto import play
from tests.soap.walk.tables import TABLES

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pontepa-racconto-") as folder:
        racconto = play(Path(folder))
    written = {page.FILE: page.render() for page in (guasti, cruscotto, tracciati, conformita)}
    written |= {tracciati.FOLDER / name: text for name, text in tracciati.examples(racconto).items()}
    written |= {modello.FOLDER / name: text for name, text in modello.pages(racconto, TABLES).items()}
    for path, text in written.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)  # noqa: T201 - a command
