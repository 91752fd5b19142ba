"""The world, for the tests that speak through the contracts."""

from tests.world import small_world, world

__all__ = ["small_world", "world"]
