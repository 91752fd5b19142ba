"""The world, for this folder's tests."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.world import small_world, world

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
