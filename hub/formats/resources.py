"""Where the files that travel with the code are: contracts, schemas, migrations, examples."""

from __future__ import annotations

from pathlib import Path

KINDS = frozenset({"wsdl", "schemas", "migrations", "examples"})


def resource(kind: str, name: str = "") -> Path:
    """Return the path of a file (or, without a name, of the folder) that ships with the hub.

    An installed wheel carries the folders in `hub/_bundle`; a clone has them at its top.
    Raises: ValueError (unknown kind, name outside the folder), FileNotFoundError.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of resource: {kind}")
    package = Path(__file__).resolve().parents[1]
    bundled = package / "_bundle" / kind
    # The bundle wins: beside an installed package stand the folders of others, not ours.
    folder = bundled if bundled.is_dir() else package.parent / kind
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"resource outside its folder: {name}")
    if not path.exists():
        raise FileNotFoundError(f"{kind}/{name} not found in {folder}")
    return path
