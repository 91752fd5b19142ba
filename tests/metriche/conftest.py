"""The world, for this folder's tests."""

from tests.world import small_world, world

__all__ = ["small_world", "world"]
