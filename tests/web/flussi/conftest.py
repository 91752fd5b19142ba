"""The cast with its passwords, for the doors that files come and go by."""

from __future__ import annotations

from tests.world import small_world, world

__all__ = ["small_world", "world"]
