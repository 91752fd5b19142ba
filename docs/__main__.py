"""Write the documents that are made from the code: `python -m docs`, or `make docs`."""

from __future__ import annotations

from docs import guasti

if __name__ == "__main__":
    guasti.FILE.write_text(guasti.render(), encoding="utf-8")
    print(guasti.FILE)  # noqa: T201 - a command
