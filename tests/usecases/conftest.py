"""The world, for this folder's tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from adapters.cartella.client import CartellaArchivio
from hub.ports import Archivio
from tests.world import World, small_world, world

__all__ = ["small_world", "world"]


@pytest.fixture
def password_checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that argon2 has verified something against: the cost of a call that no clock is needed for."""
    checked: list[str] = []
    verify = PasswordHasher.verify

    def counted(hasher: PasswordHasher, hash: str, *args: Any) -> bool:
        checked.append(hash)
        return verify(hasher, hash, *args)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    return checked


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """The address of a server that speaks S3, for the few that need it."""
    from tests.archivi import s3_server

    with s3_server() as address:
        yield address


@pytest.fixture(params=["cartella", "s3"])
def archivio(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Archivio:
    """The archive of the world: a folder, and a bucket."""
    found: Archivio
    if request.param == "cartella":
        found = CartellaArchivio(tmp_path / "archivio")
    else:
        from tests.archivi import new_bucket, s3

        address = request.getfixturevalue("s3_address")
        found = s3(address, new_bucket(address))
    world.runtime = replace(world.runtime, archivio=found)
    return found
