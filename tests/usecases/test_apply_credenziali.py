"""Credentials of every kind in the configuration file: given, kept, exported, taken away; and what cannot work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.domain.configurazione import INVARIATO, Applicazione, Configurazione, ConfigurazioneNonValida
from hub.domain.credenziali import Genere
from hub.domain.errors import Conflict, InvalidRequest
from hub.formats.certificati import read_certificato
from hub.formats.configurazione import read_applicazione, read_configurazione, read_ente, render_configurazione
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte
from hub.store import credenziali, enti
from hub.store.database import Database
from hub.usecases.apply_config import apply
from hub.usecases.change_credenziale import (
    add_credenziale,
    new_certificato,
    new_password,
    new_token,
    rotate_credenziale,
)
from hub.usecases.export_config import export_config
from tests.certificates import make_identity

NOW = datetime.now(UTC).replace(microsecond=0)
CASSAFORTE = Cassaforte("9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2)
FIRST, SECOND = make_identity("prima", "ec"), make_identity("seconda", "ec")


@pytest.fixture(scope="module")
def demo() -> Configurazione:
    return read_configurazione(resource("examples", "demo.yaml").read_bytes())


def _with(demo: Configurazione, **changes: Any) -> Configurazione:
    return replace(demo, enti=(replace(demo.enti[0], **changes),))


def _kinds(db: Database, applicazione: str | None) -> list[str]:
    with db.reading() as session:
        rows = credenziali.attive(session, enti.by_cod_ipa(session, "C_PROVA").id, NOW)
    return sorted(row.genere for row in rows if row.applicazione == applicazione)


def _mensa(**values: Any) -> tuple[Applicazione, ...]:
    return (Applicazione("mensa", software_house="Rossi srl", **values),)


def test_all_kinds_are_given_exported_and_applied_again_without_change(db: Database, demo: Configurazione) -> None:
    wanted = _with(
        demo, autenticazione=("firma", "certificato"), firme=(FIRST.read,),
        applicazioni=_mensa(certificati=(FIRST.read, SECOND.read), password="Mensa1234567", tipi=("MENSA",)),
    )  # fmt: skip
    apply(db, wanted, CASSAFORTE, NOW)
    add_credenziale(db, "C_PROVA", "mensa", new_token(), None, None, NOW)

    text = render_configurazione(export_config(db, NOW))

    (ente,) = read_configurazione(text.encode()).enti
    assert ente.applicazioni and (ente.autenticazione, ente.firme) == (("firma", "certificato"), (FIRST.read,))
    (mensa,) = ente.applicazioni
    assert (mensa.software_house, mensa.token, mensa.password) == ("Rossi srl", INVARIATO, INVARIATO)
    assert mensa.certificati == (FIRST.read, SECOND.read) and mensa.tipi == ("MENSA",)
    assert _kinds(db, "mensa") == ["certificato", "certificato", "password", "token"]
    assert apply(db, read_configurazione(text.encode()), CASSAFORTE, NOW) == []


def test_a_certificate_left_out_of_its_list_is_revoked_and_the_rest_stays(db: Database, demo: Configurazione) -> None:
    both = _mensa(certificati=(FIRST.read, SECOND.read), password="Mensa1234567")
    apply(db, _with(demo, applicazioni=both), CASSAFORTE, NOW)

    found = apply(db, _with(demo, applicazioni=_mensa(certificati=(SECOND.read,))), CASSAFORTE, NOW)

    assert [str(one) for one in found] == [
        f"revoca ente C_PROVA, applicazione mensa, certificato {FIRST.read.impronta[:16]} (non è nel file)"
    ]
    assert _kinds(db, "mensa") == ["certificato", "password"]


def test_a_changed_grant_reaches_every_credential_of_the_application(db: Database, demo: Configurazione) -> None:
    apply(db, _with(demo, applicazioni=_mensa(firme=(FIRST.read,), password="Mensa1234567")), CASSAFORTE, NOW)
    apply(db, _with(demo, applicazioni=_mensa(operazioni=("paaSILInviaDovuti",))), CASSAFORTE, NOW)

    with db.reading() as session:
        rows = credenziali.attive(session, enti.by_cod_ipa(session, "C_PROVA").id, NOW)
    assert [row.operazioni for row in rows if row.applicazione == "mensa"] == [["paaSILInviaDovuti"]] * 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"autenticazione": ("firma",)}, "nessuna credenziale"),
        ({"applicazioni": (Applicazione("mensa"),)}, "nessuna credenziale"),
        ({"applicazioni": (Applicazione("mensa", token=INVARIATO),)}, "pontepa credenziale add"),
    ],
)
def test_what_nobody_could_use_is_refused(
    db: Database, demo: Configurazione, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurazioneNonValida, match=words):
        apply(db, _with(demo, **changes), CASSAFORTE, NOW)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"token": "ppa_0123456789ab_" + "x" * 43}, "token"),
        ({"certificati": ["non è un certificato"]}, "certificati[0]"),
        ({"certificati": [FIRST.pem + SECOND.pem]}, "certificati[0]"),
        ({"certificati": [FIRST.pem + FIRST.key_pem.decode()]}, "certificati[0]"),
        ({"certificati": [7]}, "certificati[0]"),
        ({"certificati": FIRST.pem}, "certificati"),
        ({"firme": [FIRST.pem] * 21}, "firme"),
        ({"firme": ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]}, "firme[0]"),
    ],
)
def test_a_credential_that_is_none_is_named(values: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigurazioneNonValida) as caught:
        read_applicazione({"nome": "mensa", **values})

    assert [problem[0] for problem in caught.value.problems] == [path]
    assert "PRIVATE KEY" not in str(caught.value)


def test_two_applications_may_not_share_a_certificate(demo: Configurazione) -> None:
    ente = {
        "codIpaEnte": "C_PROVA", "codice_fiscale": "12345678903", "nome": "Comune", "stazione": "12345678903_01",
        "codice_segregazione": "01", "iban": "IT60X0542811101000000123456",
        "applicazioni": [{"nome": nome, "certificati": [FIRST.pem]} for nome in ("mensa", "tributi")],
    }  # fmt: skip

    with pytest.raises(ConfigurazioneNonValida, match="stesso certificato"):
        read_ente(ente)


@pytest.mark.parametrize("kind", ["rsa1024"])
def test_a_weak_key_is_refused(kind: str) -> None:
    with pytest.raises(InvalidRequest, match="2048"):
        read_certificato(make_identity("debole", kind).pem)


def test_what_a_new_credential_may_not_be(db: Database, demo: Configurazione) -> None:
    apply(db, demo, CASSAFORTE, NOW)
    first = new_certificato(Genere.CERTIFICATO, FIRST.read, NOW)
    add_credenziale(db, "C_PROVA", "tributi", first, None, None, NOW)

    with pytest.raises(Conflict, match="già di qualcuno"):
        add_credenziale(db, "C_PROVA", "mensa", first, None, None, NOW)
    with pytest.raises(Conflict, match="altri permessi"):
        add_credenziale(db, "C_PROVA", "tributi", new_token(), ("MENSA",), None, NOW)
    with pytest.raises(Conflict, match="rotate"):
        add_credenziale(db, "C_PROVA", "tributi", new_password(), None, None, NOW)
    with pytest.raises(InvalidRequest, match="scaduto"):
        new_certificato(Genere.FIRMA, FIRST.read, NOW + timedelta(days=400))


def test_a_credential_added_to_an_application_grants_what_the_others_do(db: Database, demo: Configurazione) -> None:
    apply(db, demo, CASSAFORTE, NOW)
    add_credenziale(db, "C_PROVA", "tributi", new_token(), None, None, NOW)

    with db.reading() as session:
        rows = credenziali.attive(session, enti.by_cod_ipa(session, "C_PROVA").id, NOW)
    assert [row.tipi for row in rows if row.genere == Genere.TOKEN] == [["TARI", "MULTE"]]




def test_limits_of_an_application_are_kept_exported_and_stay_when_its_secret_changes(
    db: Database, demo: Configurazione
) -> None:
    paced = _mensa(password="Mensa1234567", chiamate_al_secondo=5, chiamate_insieme=2)
    apply(db, _with(demo, applicazioni=paced), CASSAFORTE, NOW)
    add_credenziale(db, "C_PROVA", "mensa", new_token(), None, None, NOW)
    rotate_credenziale(db, "C_PROVA", "mensa", new_password(), timedelta(), NOW)

    text = render_configurazione(export_config(db, NOW))

    (ente,) = read_configurazione(text.encode()).enti
    assert ente.applicazioni
    assert (ente.applicazioni[0].chiamate_al_secondo, ente.applicazioni[0].chiamate_insieme) == (5, 2)
    with db.reading() as session:
        rows = credenziali.attive(session, enti.by_cod_ipa(session, "C_PROVA").id, NOW)
    assert {row.chiamate_al_secondo for row in rows if row.applicazione == "mensa"} == {5}
    assert {str(one) for one in apply(db, _with(demo, applicazioni=_mensa()), CASSAFORTE, NOW)} == {
        "modifica ente C_PROVA, applicazione mensa: chiamate_al_secondo 5 -> (vuoto)",
        "modifica ente C_PROVA, applicazione mensa: chiamate_insieme 2 -> (vuoto)",
    }


@pytest.mark.parametrize(("key", "value"), [("chiamate_al_secondo", 0), ("chiamate_insieme", 65)])
def test_limits_that_make_no_sense_are_refused(key: str, value: int) -> None:
    with pytest.raises(ConfigurazioneNonValida, match=f"{key}: '{value}' non ammesso: un numero intero fra 1 e"):
        read_applicazione({"nome": "mensa", "password": "Mensa1234567", key: value})
