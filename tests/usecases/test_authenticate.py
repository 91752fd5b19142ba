"""Who calls: nobody learns which half of a credential was wrong, and who guesses is slowed down alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.domain.errors import EnteNonValido, HubError, TroppiTentativi
from hub.formats.segreti import hash_password
from hub.store import schema
from hub.store.anagrafe import Anagrafe
from hub.usecases.authenticate import Callers, Presentazione
from tests.world import SOURCE, World, chi

OPERATION = "paaSILInviaDovuti"


def authenticate(world: World, ente: str | None, password: str | None, source: str = SOURCE, operation=OPERATION):
    return world.runtime.callers.authenticate(Presentazione(ente, password, source), operation, world.clock())


def test_the_password_of_an_ente_opens_its_door(world):
    chiamante = authenticate(world, "C_PROVA", "Segreto12345")

    assert (chiamante.ente.cod_ipa_ente, chiamante.applicazione, chiamante.tipi) == ("C_PROVA", None, None)


@pytest.mark.parametrize(
    ("ente", "password"),
    [
        ("C_PROVA", "Sbagliata123"),
        ("C_PROVA", ""),
        ("C_PROVA", None),
        ("C_NESSUNO", "Segreto12345"),
        ("c_prova", "Segreto12345"),
        ("", "Segreto12345"),
        (None, None),
        ("X" * 36, "Segreto12345"),
        ("C_VICINO", "Segreto12345"),
    ],
)
def test_anything_else_does_not(small_world, ente, password):
    with pytest.raises(EnteNonValido):
        authenticate(small_world, ente, password)


def test_an_unknown_ente_and_a_wrong_password_get_the_same_words(small_world):
    def words(ente: str) -> list[str]:
        with pytest.raises(HubError) as caught:
            authenticate(small_world, ente, "Sbagliata123")
        return [text.replace(ente, "*") for text in (str(caught.value), caught.value.description, caught.value.id)]

    assert words("C_PROVA") == words("C_XXXXX")


def test_a_password_is_never_in_the_refusal(small_world):
    with pytest.raises(HubError) as caught:
        authenticate(small_world, "C_PROVA", "Sbagliata123")

    assert "Sbagliata123" not in repr(vars(caught.value)) + str(caught.value)


def test_twenty_wrong_passwords_close_the_door_to_that_source_alone(small_world):
    for _ in range(20):
        with pytest.raises(EnteNonValido):
            authenticate(small_world, "C_PROVA", "Sbagliata123")

    with pytest.raises(TroppiTentativi) as caught:
        authenticate(small_world, "C_PROVA", "Segreto12345")

    assert 1 <= caught.value.retry_after_s <= 61
    assert authenticate(small_world, "C_PROVA", "Segreto12345", source="198.51.100.7").ente.cod_ipa_ente == "C_PROVA"


def test_right_passwords_are_not_counted(small_world):
    for _ in range(30):
        authenticate(small_world, "C_PROVA", "Segreto12345")

    assert authenticate(small_world, "C_PROVA", "Segreto12345")


def lay_credenziale(world: World, password: str, **values) -> None:
    world.lay(schema.credenziali, ente_id=1, hash=hash_password(password), created_at=world.clock(), **values)


def test_an_application_has_its_own_password_tipi_and_operations(small_world):
    lay_credenziale(small_world, "Mensa1234567", applicazione="mensa", tipi=["MENSA"], operazioni=[OPERATION])

    chiamante = authenticate(small_world, "C_PROVA", "Mensa1234567")

    assert (chiamante.applicazione, chiamante.tipi) == ("mensa", frozenset({"MENSA"}))


def test_an_application_may_not_call_what_it_was_not_granted(small_world):
    lay_credenziale(small_world, "Mensa1234567", applicazione="mensa", operazioni=["paaSILChiediPagati"])

    with pytest.raises(EnteNonValido):
        authenticate(small_world, "C_PROVA", "Mensa1234567")


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
def test_a_password_past_its_end_is_wrong(small_world, column):
    lay_credenziale(small_world, "Vecchia12345", **{column: small_world.clock() - timedelta(seconds=1)})

    with pytest.raises(EnteNonValido):
        authenticate(small_world, "C_PROVA", "Vecchia12345")


def test_a_password_in_rotation_still_opens(small_world):
    lay_credenziale(small_world, "Vecchia12345", expires_at=small_world.clock() + timedelta(hours=1))

    assert authenticate(small_world, "C_PROVA", "Vecchia12345")


def test_a_revoked_password_closes_although_it_was_remembered(small_world):
    callers = Callers(Anagrafe(small_world.db, ttl_s=0.0), 20)
    shown = (chi(), OPERATION, small_world.clock())
    assert callers.authenticate(*shown)
    small_world.change(schema.credenziali, "ente_id", 1, revoked_at=small_world.clock())

    with pytest.raises(EnteNonValido):
        callers.authenticate(*shown)


def test_a_refusal_costs_as_much_whether_the_ente_exists_or_not(small_world, password_checks):
    """Else the time would say which enti there are; credentials of others are tried too."""
    lay_credenziale(small_world, "Mensa1234567", applicazione="mensa")

    def cost(ente: str) -> int:
        before = len(password_checks)
        with pytest.raises(EnteNonValido):
            authenticate(small_world, ente, "Sbagliata123")
        return len(password_checks) - before

    assert [cost(ente) for ente in ("C_PROVA", "C_VICINO", "C_NESSUNO")] == [2, 2, 2]
