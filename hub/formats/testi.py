"""Free text on its way out: control characters, blanks, length, and the characters that a SEPA field carries.

Source: node, 4.4 (causale of the RPT); EPC217-08, SEPA basic Latin set.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

_TRANSLITERATIONS = str.maketrans(
    {
        "€": "EUR", "£": "GBP", "$": "USD", "&": "e", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE",
        "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
        "’": "'", "‘": "'", "`": "'", "´": "'", '"': "'", "“": "'", "”": "'", "«": "'", "»": "'",
        "–": "-", "—": "-", "‐": "-", "‑": "-", "_": "-", "…": "...", "°": "o", "º": "o", "ª": "a",
        "[": "(", "]": ")", "{": "(", "}": ")", "\\": "/", "|": "/", ";": ",", "%": " per cento ",
    }
)  # fmt: skip
_NOT_SEPA = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")


def clean(text: str | None, length_max: int) -> str:
    """Return the text without control characters, blanks collapsed, cut at `length_max`; empty when nothing is left.

    >>> clean("  via\\tRoma\\x00\\n 1 ", 70)
    'via Roma 1'
    """
    if not text:
        return ""
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") else c for c in text)
    return " ".join(visible.split())[:length_max].rstrip()


def sepa(text: str | None, length_max: int) -> str:
    """Return the text in the characters that a SEPA field carries: accents dropped, the rest transliterated or blanked.

    >>> sepa("Tariffa rifiuti – città «A» 50€", 140)
    "Tariffa rifiuti - citta 'A' 50EUR"
    """
    if not text:
        return ""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(_TRANSLITERATIONS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return clean(_NOT_SEPA.sub(" ", plain), length_max)


def rome_text(instant: datetime) -> str:
    """Return the instant as Europe/Rome local time, seconds, no offset: the form that the node's documents use.

    Raises: ValueError when the instant is naive.
    """
    if instant.tzinfo is None:
        raise ValueError("aware instant expected")
    return instant.astimezone(ZoneInfo("Europe/Rome")).strftime("%Y-%m-%dT%H:%M:%S")
