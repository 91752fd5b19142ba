"""Write the documents that are made from the code: `python -m docs`, or `make docs`."""

from __future__ import annotations

from docs import cruscotto, guasti

if __name__ == "__main__":
    for page in (guasti, cruscotto):
        page.FILE.write_text(page.render(), encoding="utf-8")
        print(page.FILE)  # noqa: T201 - a command
