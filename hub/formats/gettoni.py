"""Bearer tokens of callers: `ppa_<name>_<secret>`. The name is public and finds the row; the hash is of the whole.

Shape: 12 hexadecimal digits, 43 characters of base64url (256 bits drawn). Source: RFC 6750, 2.1.
"""

from __future__ import annotations

import re
import secrets

_TOKEN = re.compile(r"ppa_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


def draw_token() -> tuple[str, str]:
    """Return a new token and its name."""
    name = secrets.token_hex(6)
    return f"ppa_{name}_{secrets.token_urlsafe(32)}", name


def token_name(token: str) -> str | None:
    """Return the name in a token, None when the text is no token of ours.

    >>> token_name("ppa_0123456789ab_" + "x" * 43)
    '0123456789ab'
    >>> token_name("ppa_0123456789ab_corto")
    """
    match = _TOKEN.fullmatch(token)
    return match and match.group(1)
