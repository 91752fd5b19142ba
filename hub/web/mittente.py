"""In whose name a request waits for a thread, told before it is read: fairness needs a name, not a proof.

An ente counts by its own name once somebody has shown its credentials from that address; until then, and for whatever
names no ente, the address counts. So nobody has more turns by writing many names, nor spends those of another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from hub.domain.provenienza import find_source
from hub.web.lane import Chi
from hub.web.rsgi import Scope

ENTI, ALTRI = "enti", "altri"
# The header of the envelope is its beginning; of a body that is longer the rest is data.
_LOOK_BYTES = 16 * 1024
_COD_IPA_ENTE = re.compile(rb"codIpaEnte[^<>]{0,200}>\s{0,20}([A-Za-z0-9_]{1,35})\s{0,20}<")


class Mittenti:
    """`trusted`: proxies in front; `is_known`: whether an ente was authenticated from an address, of late."""

    def __init__(self, trusted: Collection[str] = (), is_known: Callable[[str, str], bool] | None = None) -> None:
        self._trusted = trusted
        self._is_known = is_known

    def source(self, scope: Scope) -> str:
        """Return the address a request comes from."""
        peer = scope.client.rpartition(":")[0].strip("[]")
        if peer not in self._trusted:
            return peer
        forwarded = ",".join(value for name, value in scope.headers.items() if name == "x-forwarded-for")
        return find_source(peer, forwarded, self._trusted)

    def of(self, source: str, body: bytes) -> Chi:
        """Return in whose name a request from an address waits."""
        if self._is_known is not None:
            found = _COD_IPA_ENTE.search(body, 0, _LOOK_BYTES)
            if found is not None:
                ente = found[1].decode("ascii")
                if self._is_known(source, ente):
                    return ENTI, ente
        return ALTRI, source
