"""Tokens and certificates beside passwords: everything that is shown must be good, and of one application."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.domain.credenziali import Genere
from hub.domain.errors import EnteNonValido
from hub.formats.segreti import hash_password
from hub.store import schema
from hub.usecases.authenticate import Chiamante, Presentazione
from hub.usecases.change_credenziale import (
    add_credenziale,
    new_certificato,
    new_password,
    new_token,
    revoke_credenziale,
    rotate_credenziale,
)
from tests.certificates import make_identity, pin
from tests.world import World, chi

OPERATION = "paaSILInviaDovuti"
TLS = make_identity("TLS di tributi", "ec")
OTHER = make_identity("TLS di un altro", "ec")
BARE = Presentazione("C_PROVA", None, "192.0.2.1")
DAY = timedelta(days=1)


def ask(world: World, shown: Presentazione, operation: str = OPERATION) -> Chiamante:
    return world.runtime.callers.authenticate(shown, operation, world.clock())


def refusal(world: World, shown: Presentazione) -> EnteNonValido:
    with pytest.raises(EnteNonValido) as caught:
        ask(world, shown)
    return caught.value


def lay_token(world: World, ente: str = "C_PROVA", applicazione: str | None = "tributi") -> str:
    nuova = new_token()
    add_credenziale(world.db, ente, applicazione, nuova, None, None, world.clock())
    assert nuova.chiaro is not None
    return nuova.chiaro


def lay_certificate(world: World, applicazione: str | None = "tributi", ente: str = "C_PROVA", identity=TLS) -> None:
    nuova = new_certificato(Genere.CERTIFICATO, identity.read, world.clock())
    add_credenziale(world.db, ente, applicazione, nuova, None, None, world.clock())


def lay_password(world: World, clear: str, applicazione: str | None = "tributi", **grants) -> None:
    add_credenziale(
        world.db, "C_PROVA", applicazione, new_password(clear), grants.get("tipi"), grants.get("operazioni"),
        world.clock(),
    )  # fmt: skip


def test_a_token_alone_opens(world):
    token = lay_token(world)

    assert ask(world, replace(BARE, token=token)).applicazione == "tributi"


def test_a_certificate_alone_opens(world):
    lay_certificate(world)

    assert ask(world, replace(BARE, certificato=TLS.read.impronta)).applicazione == "tributi"


def test_all_that_is_shown_may_belong_to_one_application(small_world):
    lay_password(small_world, "Tributi12345", tipi=("TARI", "MENSA"))
    token = lay_token(small_world)
    lay_certificate(small_world)

    shown = replace(BARE, password="Tributi12345", token=token, certificato=TLS.read.impronta)

    assert ask(small_world, shown).tipi == {"TARI", "MENSA"}


@pytest.mark.parametrize("password", ["Segreto12345", None, "", "Sbagliata123"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"token": ""},
        {"token": "ppa_0123456789ab_" + "x" * 43},
        {"token": "eyJhbGciOiJub25lIn0.e30."},
        {"certificato": ""},
        {"certificato": "0" * 64},
        {"certificato": OTHER.read.impronta},
    ],
)
def test_a_right_password_does_not_help_what_is_wrong_beside_it(small_world, password, wrong):
    lay_token(small_world, applicazione=None)
    lay_certificate(small_world, applicazione=None)

    assert refusal(small_world, replace(BARE, password=password, **wrong)).reason


def test_a_right_token_does_not_help_a_wrong_password(small_world):
    token = lay_token(small_world, applicazione=None)

    assert refusal(small_world, replace(BARE, password="Sbagliata123", token=token)).reason


def test_credentials_of_two_applications_do_not_add_up(small_world):
    token = lay_token(small_world, applicazione="tributi")
    lay_certificate(small_world, applicazione="mensa")

    refusal(small_world, replace(BARE, token=token, certificato=TLS.read.impronta))
    refusal(small_world, replace(BARE, password="Segreto12345", token=token))


def test_credentials_of_another_ente_open_nothing(small_world):
    token = lay_token(small_world, "C_VICINO")
    lay_certificate(small_world, ente="C_VICINO")

    refusal(small_world, replace(BARE, token=token))
    refusal(small_world, replace(BARE, certificato=TLS.read.impronta))


def test_a_certificate_of_signatures_is_not_one_of_connections(small_world):
    pin(small_world, TLS, Genere.FIRMA)

    refusal(small_world, replace(BARE, certificato=TLS.read.impronta))


def test_a_token_is_not_a_password(small_world):
    token = lay_token(small_world, applicazione=None)

    refusal(small_world, replace(BARE, password=token))


@pytest.mark.parametrize("days", [-400, 2])
def test_a_certificate_out_of_its_dates_opens_nothing(small_world, days):
    identity = make_identity(f"fuori di {days}", "ec", begin=small_world.clock() + days * DAY)
    pin(small_world, identity, Genere.CERTIFICATO)

    refusal(small_world, replace(BARE, certificato=identity.read.impronta))


def test_a_certificate_ends_between_two_calls(small_world):
    lay_certificate(small_world)
    shown = replace(BARE, certificato=TLS.read.impronta)
    assert ask(small_world, shown)
    small_world.clock.now = TLS.certificate.not_valid_after_utc

    refusal(small_world, shown)


@pytest.mark.parametrize("kind", list(Genere)[:3])
def test_old_and_new_live_together_until_the_overlap_ends(world, kind):
    def shown(nuova) -> Presentazione:
        values = {"password": nuova.chiaro} if kind is Genere.PASSWORD else {"token": nuova.chiaro}
        return replace(BARE, **({"certificato": nuova.impronta} if kind is Genere.CERTIFICATO else values))

    make = {
        Genere.PASSWORD: lambda _: new_password(),
        Genere.TOKEN: lambda _: new_token(),
        Genere.CERTIFICATO: lambda one: new_certificato(Genere.CERTIFICATO, one.read, world.clock()),
    }[kind]
    old, new = make(TLS), make(OTHER)
    add_credenziale(world.db, "C_PROVA", "tributi", old, None, None, world.clock())
    rotate_credenziale(world.db, "C_PROVA", "tributi", new, DAY, world.clock())

    assert ask(world, shown(old)) and ask(world, shown(new))
    world.clock.now += DAY
    refusal(world, shown(old))
    assert ask(world, shown(new))


def test_one_certificate_is_taken_away_and_the_other_stays(small_world):
    lay_certificate(small_world)
    lay_certificate(small_world, identity=OTHER)
    impronta = TLS.read.impronta

    assert revoke_credenziale(small_world.db, "C_PROVA", "tributi", small_world.clock(), Genere.CERTIFICATO, impronta)

    refusal(small_world, replace(BARE, certificato=impronta))
    assert ask(small_world, replace(BARE, certificato=OTHER.read.impronta))


@pytest.mark.parametrize(
    ("accepted", "is_open"),
    [(None, True), (["password"], True), (["token", "password"], True), (["token"], False), (["firma"], False)],
)
def test_an_ente_says_which_kinds_are_enough(small_world, accepted, is_open):
    small_world.change(schema.enti, "id", 1, autenticazione=accepted)

    if is_open:
        assert ask(small_world, chi())
    else:
        assert "l'ente chiede" in str(refusal(small_world, chi()).reason)


def test_a_password_may_stand_beside_the_kind_that_is_asked_for(small_world):
    small_world.change(schema.enti, "id", 1, autenticazione=["token"])
    token = lay_token(small_world, applicazione=None)

    assert ask(small_world, replace(chi(), token=token))


def test_every_refusal_says_the_same_words_and_names_no_secret(small_world):
    token = lay_token(small_world)
    cases = [
        replace(BARE, token=token[:-1] + "!"), replace(BARE, certificato="0" * 64), BARE,
        replace(BARE, password="Sbagliata123", token=token), replace(BARE, cod_ipa_ente="C_PROVA", password="x"),
    ]  # fmt: skip
    found = [refusal(small_world, case) for case in cases]

    assert len({(str(error), error.description, error.id, error.code) for error in found}) == 1
    assert not any(token in repr(vars(error)) or "Sbagliata123" in repr(vars(error)) for error in found)


def test_a_right_password_beside_a_wrong_token_costs_as_much_as_a_wrong_one(small_world, password_checks):
    """Else the time would say that the password was right."""
    small_world.lay(schema.credenziali, ente_id=1, hash=hash_password("Altra1234567"), created_at=small_world.clock())
    assert ask(small_world, chi())  # from now on the right password is remembered

    def cost(password: str) -> int:
        before = len(password_checks)
        refusal(small_world, replace(BARE, password=password, token="ppa_x"))
        return len(password_checks) - before

    assert cost("Segreto12345") == cost("Sbagliata123") == 3  # two passwords and a token
