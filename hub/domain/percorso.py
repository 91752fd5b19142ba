"""Paths of the archive: relative, with slashes, made by the hub alone."""

from __future__ import annotations

from pathlib import PurePosixPath


def parts_of(path: str) -> tuple[str, ...]:
    """Return the parts of a path of the archive.

    Raises: ValueError when it leads out of it: our mistake, not a caller's.

    >>> parts_of("C_PROVA/IMPORT/2026_11/x.zip")
    ('C_PROVA', 'IMPORT', '2026_11', 'x.zip')
    >>> parts_of("C_PROVA/../x.zip")
    Traceback (most recent call last):
    ValueError: a path of the archive stays inside it
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\0" in path or not pure.parts:
        raise ValueError("a path of the archive stays inside it")
    return pure.parts
