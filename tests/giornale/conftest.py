"""The world of these tests."""

from tests.world import small_world, world

__all__ = ["small_world", "world"]
