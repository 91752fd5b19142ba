"""The keys in PONTEPA_SECRET_KEY: one, or several with commas between while one takes the place of another.

The first signs and seals, each of them verifies and opens. A key is at least as long as its digest; a comma beside less
is a character of a key, as it was before there could be several.
"""

from __future__ import annotations

from functools import lru_cache

# An HMAC-SHA256 key shorter than its digest is the weakest link; `openssl rand -hex 32` gives 64 characters.
KEY_MIN = 32


@lru_cache(maxsize=16)
def keys_of(secret: str) -> tuple[str, ...]:
    """Return the keys, the one that signs first; of an empty text an empty one.

    >>> [len(key) for key in keys_of("a" * 64 + ", " + "b" * 32)], keys_of("una frase, non due")
    ([64, 32], ('una frase, non due',))
    """
    parts = tuple(part.strip() for part in secret.split(","))
    return tuple(dict.fromkeys(parts)) if all(len(part) >= KEY_MIN for part in parts) else (secret,)
