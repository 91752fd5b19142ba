"""The codes that a flow has used so far, in little memory: 16 to 32 bytes each where a set of texts takes 150."""

from __future__ import annotations

from array import array

_64_BITS = (1 << 64) - 1
_SLOTS_FIRST = 1024


class Visti:
    """A set of texts, kept as hashes of 64 bits in a table at most half full.

    Two texts may share a hash: once in forty million flows of a million rows. The hash is keyed anew in each process,
    so that nobody can make a file of texts that do.

    >>> visti = Visti()
    >>> visti.add("TARI-1")
    >>> "TARI-1" in visti, "TARI-2" in visti
    (True, False)
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _SLOTS_FIRST))
        self._mask = _SLOTS_FIRST - 1
        self._count = 0

    def __contains__(self, text: str) -> bool:
        key = (hash(text) & _64_BITS) or 1
        return self._slots[self._place(key)] == key

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> None:
        key = (hash(text) & _64_BITS) or 1
        place = self._place(key)
        if self._slots[place] == key:
            return
        self._slots[place] = key
        self._count += 1
        if self._count * 2 > self._mask:
            self._grow()

    def _place(self, key: int) -> int:
        """Where the key is, or the free slot where it would be."""
        slots, mask = self._slots, self._mask
        place = key & mask
        while slots[place] not in (0, key):
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        keys = self._slots
        self._mask = self._mask * 2 + 1
        self._slots = array("Q", bytes(8 * (self._mask + 1)))
        for key in keys:
            if key:
                self._slots[self._place(key)] = key
