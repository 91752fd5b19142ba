"""Tokens of flows: what they open, and that nothing else opens it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from hub.formats.gettoni_firmati import (
    DOWNLOAD,
    UPLOAD,
    Autorizzazione,
    Scarico,
    Uso,
    autorizzazione_token,
    derive_key,
    read,
    read_autorizzazione,
    read_scarico,
    scarico_token,
    sign,
)

SECRET = "9f0d6c1b7a3e58422fd1c0be96a7d3e4"
NOW = datetime(2026, 11, 21, 16, tzinfo=UTC)
UPLOAD_OF = Autorizzazione("6f0e0b9e-3c1d-4f6a-9b3e-0d7c2a1b4c5d", "C_PROVA", "a" * 32)
FILE = Scarico("FLUSSI_EXPORT", "C_PROVA", "EXPORT/2026_11/C_PROVA-7_ESTRAZIONE.zip")


def claims_of(token: str) -> dict[str, object]:
    return jwt.decode(token, options={"verify_signature": False})


def test_an_authorization_says_what_it_was_made_for() -> None:
    token = autorizzazione_token(SECRET, UPLOAD_OF, NOW)

    assert read_autorizzazione(SECRET, token, NOW) == UPLOAD_OF
    assert jwt.get_unverified_header(token)["alg"] == "HS512"
    assert claims_of(token) == {
        "sub": UPLOAD_OF.request_token,
        "ente": "C_PROVA",
        "type": "FLUSSI_IMPORT",
        "importPath": None,
        "kind": "ws",
        "jti": "a" * 32,
        "aud": "pontepa:flussi:upload",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 3600,
    }


def test_a_download_is_of_one_file_of_one_ente_and_of_one_kind() -> None:
    token = scarico_token(SECRET, FILE, NOW)

    assert read_scarico(SECRET, token, NOW) == FILE
    assert claims_of(token)["exp"] == int(NOW.timestamp()) + 7200


@pytest.mark.parametrize(
    ("seconds", "upload", "download"), [(0, True, True), (3599, True, True), (3600, False, True), (7200, False, False)]
)
def test_an_upload_lasts_an_hour_and_a_download_two(seconds: int, upload: bool, download: bool) -> None:
    later = NOW + timedelta(seconds=seconds)

    found = read_autorizzazione(SECRET, autorizzazione_token(SECRET, UPLOAD_OF, NOW), later)

    assert (found is not None) == upload
    assert (read_scarico(SECRET, scarico_token(SECRET, FILE, NOW), later) is not None) == download


def test_a_token_of_one_use_is_no_token_for_another() -> None:
    upload, download = autorizzazione_token(SECRET, UPLOAD_OF, NOW), scarico_token(SECRET, FILE, NOW)

    assert read_scarico(SECRET, upload, NOW) is None
    assert read_autorizzazione(SECRET, download, NOW) is None
    # Not even with the other's audience written into it: the keys differ too.
    forged = sign(SECRET, Uso("flussi/download", UPLOAD.audience), claims_of(upload), NOW, timedelta(hours=1))
    assert read_autorizzazione(SECRET, forged, NOW) is None
    assert read(SECRET, DOWNLOAD, forged, NOW) is None


def unsigned(claims: dict[str, object]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def altered(token: str) -> str:
    """The token with another ente in it and the old signature."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | {"ente": "C_VICINO"}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


GOOD = autorizzazione_token(SECRET, UPLOAD_OF, NOW)
KEY = derive_key(SECRET, UPLOAD.name, "sha512")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "\N{SNOWMAN}",
        GOOD[:-2],
        altered(GOOD),
        unsigned(claims_of(GOOD)),
        jwt.encode(claims_of(GOOD), "", algorithm="none"),
        jwt.encode(claims_of(GOOD), KEY, algorithm="HS256"),
        jwt.encode(claims_of(GOOD), SECRET.encode() * 2, algorithm="HS512"),
        jwt.encode(claims_of(GOOD) | {"type": "FLUSSI_EXPORT"}, KEY, algorithm="HS512"),
        jwt.encode({**claims_of(GOOD), "exp": 10**30}, KEY, algorithm="HS512"),
        jwt.encode({name: value for name, value in claims_of(GOOD).items() if name != "jti"}, KEY, algorithm="HS512"),
        jwt.encode({name: value for name, value in claims_of(GOOD).items() if name != "exp"}, KEY, algorithm="HS512"),
        jwt.encode(claims_of(GOOD) | {"lungo": "x" * 5000}, KEY, algorithm="HS512"),
        autorizzazione_token("0" * 32, UPLOAD_OF, NOW),
    ],
    ids=[
        "empty", "letters", "not ascii", "cut", "another ente", "alg none by hand", "alg none", "another algorithm",
        "installation key", "another type", "no end of time", "no id", "no expiry", "too long", "another installation",
    ],
)  # fmt: skip
def test_nothing_else_opens_the_upload(token: str) -> None:
    assert read_autorizzazione(SECRET, token, NOW) is None


def test_the_first_key_signs_and_every_one_verifies() -> None:
    old, new = "a1" * 32, "b2" * 32
    of_old, of_new = (autorizzazione_token(key, UPLOAD_OF, NOW) for key in (old, new))

    for keys in (f"{old},{new}", f"{new}, {old}"):
        assert all(read_autorizzazione(keys, token, NOW) == UPLOAD_OF for token in (of_old, of_new))
    assert read_autorizzazione(new, autorizzazione_token(f"{new},{old}", UPLOAD_OF, NOW), NOW) == UPLOAD_OF
    assert read_autorizzazione(new, of_old, NOW) is None
    assert read_autorizzazione(f"{new},{old}", autorizzazione_token("c3" * 32, UPLOAD_OF, NOW), NOW) is None
