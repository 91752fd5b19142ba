"""The certificate that a station shows to the node: read, kept with a sealed key, given back without it, taken away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from structlog.testing import capture_logs

from hub.domain.configurazione import INVARIATO, Configurazione, ConfigurazioneNonValida
from hub.formats.configurazione import read_configurazione, render_configurazione
from hub.formats.segreti import Cassaforte
from hub.store import stazioni
from hub.store.database import Database
from hub.usecases import scadenze_stazioni
from hub.usecases.apply_config import apply, plan
from hub.usecases.export_config import export_config
from hub.usecases.stazione_nodo import stazione_of
from tests.certificates import make_identity

BEGIN = datetime(2026, 1, 10, tzinfo=UTC)
NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
CASSAFORTE = Cassaforte("9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2)
AUTHORITY = make_identity("Autorità", "ec", begin=BEGIN)
FIRST = make_identity("hub.example.org", "ec", issuer=AUTHORITY, begin=BEGIN)
# The same name and key, another certificate; and a stranger.
RENEWED = make_identity("hub.example.org", "ec", issuer=AUTHORITY, begin=BEGIN, days=800)
OTHER = make_identity("altro.example.org", "rsa2048", begin=BEGIN)
KEY = FIRST.key_pem.decode()
ENCRYPTED = FIRST.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()


def read(certificato: Any = None, **values: Any) -> Configurazione:
    stazione = {"id": "12345678903_01", "intermediario": "12345678903", "password": "password01"} | values
    if certificato is not None:
        stazione["certificato"] = certificato
    return read_configurazione(render_configurazione({"stazioni": [stazione], "enti": []}).encode())


GOOD = {"pem": FIRST.pem + AUTHORITY.pem, "chiave": KEY}


def kept(db: Database) -> Any:
    with db.reading() as session:
        return stazioni.by_id(session, "12345678903_01")


def test_the_certificate_is_kept_and_its_key_is_sealed(db: Database) -> None:
    apply(db, read(GOOD), CASSAFORTE, NOW)

    row = kept(db)
    assert "PRIVATE KEY" not in row.certificato + row.chiave_certificato_cifrata
    identita = stazione_of(row, CASSAFORTE).identita
    assert identita is not None and identita.certificato == GOOD["pem"].strip()
    assert "PRIVATE KEY" in identita.chiave and "PRIVATE KEY" not in repr(identita)


def test_a_second_time_nothing_changes_and_without_the_word_it_stays(db: Database) -> None:
    apply(db, read(GOOD), CASSAFORTE, NOW)

    assert [one for one in plan(db, read(GOOD), CASSAFORTE, NOW) if one.is_change] == []
    apply(db, read(), CASSAFORTE, NOW)
    assert kept(db).certificato is not None


def test_what_is_given_back_can_be_applied_and_tells_no_key(db: Database) -> None:
    apply(db, read(GOOD), CASSAFORTE, NOW)

    values = export_config(db, NOW)

    assert values["stazioni"][0]["certificato"] == {"pem": GOOD["pem"].strip(), "chiave": INVARIATO}
    again = read_configurazione(render_configurazione(values).encode())
    assert [one for one in plan(db, again, CASSAFORTE, NOW) if one.is_change] == []


def test_a_renewed_certificate_may_keep_its_key(db: Database) -> None:
    apply(db, read(GOOD), CASSAFORTE, NOW)

    found = apply(db, read({"pem": RENEWED.pem, "chiave": INVARIATO}), CASSAFORTE, NOW)

    (change,) = [one for one in found if one.is_change]
    assert "fino al 2027-01-10" in str(change) and "fino al 2028-03-20" in str(change)
    assert kept(db).certificato == RENEWED.pem.strip()


def test_a_certificate_of_another_key_cannot_take_the_place(db: Database) -> None:
    apply(db, read(GOOD), CASSAFORTE, NOW)

    with pytest.raises(ConfigurazioneNonValida, match="la chiave privata non è quella del certificato"):
        apply(db, read({"pem": OTHER.pem, "chiave": INVARIATO}), CASSAFORTE, NOW)


def test_a_key_that_is_not_there_cannot_stay(db: Database) -> None:
    with pytest.raises(ConfigurazioneNonValida, match="non è ancora registrata"):
        apply(db, read({"pem": FIRST.pem, "chiave": INVARIATO}), CASSAFORTE, NOW)


def test_an_empty_certificate_takes_it_away(db: Database) -> None:
    apply(db, read(GOOD), CASSAFORTE, NOW)

    apply(db, read({}), CASSAFORTE, NOW)

    row = kept(db)
    assert (row.certificato, row.chiave_certificato_cifrata) == (None, None)
    assert stazione_of(row, CASSAFORTE).identita is None
    assert [one for one in plan(db, read({}), CASSAFORTE, NOW) if one.is_change] == []


@pytest.mark.parametrize(
    ("certificato", "reason"),
    [
        ({"pem": FIRST.pem}, "pem e chiave vanno insieme"),
        ({"chiave": KEY}, "pem e chiave vanno insieme"),
        ({"pem": FIRST.pem + KEY, "chiave": KEY}, "senza la chiave privata"),
        ({"pem": "niente", "chiave": KEY}, "non si legge"),
        ({"pem": FIRST.pem, "chiave": "niente"}, "la chiave privata non si legge"),
        ({"pem": FIRST.pem, "chiave": ENCRYPTED}, "senza frase segreta"),
        ({"pem": FIRST.pem, "chiave": OTHER.key_pem.decode()}, "non è quella del certificato"),
        ({"pem": FIRST.pem, "chiave": KEY, "colore": "rosso"}, "colore"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_refused_and_its_key_is_not_told(
    certificato: dict[str, str], reason: str
) -> None:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        read(certificato)

    assert reason in str(refusal.value)
    assert "PRIVATE" not in str(refusal.value)


def test_what_ends_is_known_and_told_in_time(db: Database) -> None:
    services = {"checkout": {"chiave": "0123456789abcdef", "scade_il": "2026-06-30"}, "fdr": {"chiave": "0" * 32}}
    apply(db, read(GOOD, servizi_rest=services), CASSAFORTE, NOW)

    with db.reading() as session:
        found = scadenze_stazioni.scadenze_stazioni(session)
    with capture_logs() as early:
        scadenze_stazioni.run_once(db, timedelta(days=30), NOW)
    with capture_logs() as late:
        scadenze_stazioni.run_once(db, timedelta(days=30), datetime(2027, 1, 1, tzinfo=UTC))

    assert [(one.cosa, one.scade_at) for one in found] == [
        # Midnight of Rome after its last day.
        ("chiave checkout", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("certificato", BEGIN + timedelta(days=365)),
    ]
    assert early == []
    assert [(one["event"], one["cosa"]) for one in late] == [
        ("credential_expiring", "chiave checkout"), ("credential_expiring", "certificato"),
    ]  # fmt: skip
