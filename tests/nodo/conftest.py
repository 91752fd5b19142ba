"""The world, the simulated node and a stub hub that takes its receipts, for this folder's tests."""

from tests.adapters.conftest import hub, simulator
from tests.world import small_world, world

__all__ = ["hub", "simulator", "small_world", "world"]
