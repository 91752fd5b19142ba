"""`pontepa segreti reseal`: one key takes the place of another, and what was sealed is read all the while."""

from __future__ import annotations

import json

import pytest

from hub.config import DEVELOPMENT_SECRET_KEY as OLD
from hub.formats.segreti import Cassaforte
from hub.store import schema, sigilli
from hub.usecases.richiudi_segreti import richiudi_segreti
from tests.test_cli import Shell
from tests.world import World

NEW = "9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2
ENDPOINTS = 60


def clear(world: World, keys: str) -> dict[str, str]:
    """Every secret in clear, by its place."""
    cassaforte = Cassaforte(keys)
    with world.db.reading() as session:
        return {one.place: cassaforte.open(one.sealed) for one in sigilli.everywhere(session)}


def sealed(world: World) -> list[str]:
    with world.db.reading() as session:
        return [one.sealed for one in sigilli.everywhere(session)]


@pytest.fixture
def segreti(world: World) -> dict[str, str]:
    """A secret in every table that has some; returns them by place."""
    seal = Cassaforte(OLD).seal
    stazione = world.rows(schema.stazioni)[0].id
    world.change(schema.stazioni, "id", stazione, chiave_certificato_cifrata=seal("SEGRETO di TLS"))
    world.change(schema.enti, "id", 1, chiave_ritorno_cifrata=seal("SEGRETO del ritorno"))
    world.lay(schema.servizi_rest, stazione_id=stazione, servizio="carts", chiave_cifrata=seal("SEGRETO prima"),
              chiave_secondaria_cifrata=seal("SEGRETO seconda"))  # fmt: skip
    world.lay(schema.export_giornalieri, ente_id=1, attivo=True, ora="02:00", versione="1.0", ricevuta=False,
              sftp_password_cifrata=seal("SEGRETO sftp"), sftp_chiave_cifrata=seal("SEGRETO ssh"))  # fmt: skip
    for number in range(ENDPOINTS):
        world.lay(schema.endpoint_esito, ente_id=1, tipo=f"T{number}", url="https://x.example.org",
                  chiave_cifrata=seal(f"SEGRETO {number}"), tentativi_max=3)  # fmt: skip
    found = clear(world, OLD)
    assert {f"SEGRETO {one}" for one in ("seconda", "ssh", "del ritorno", "di TLS")} <= {*found.values()}
    return found


def test_every_secret_is_sealed_with_the_first_key_and_says_the_same(
    world: World, desk: Shell, segreti: dict[str, str]
) -> None:
    desk.env["PONTEPA_SECRET_KEY"] = f"{NEW},{OLD}"
    before = desk.run("segreti", "reseal", "--check")
    done = json.loads(desk.good("segreti", "reseal", "--json"))
    texts = sealed(world)
    again = desk.good("segreti", "reseal")

    assert before.exit_code == 1 and "le altre chiavi servono ancora" in before.stderr
    assert f"da cifrare di nuovo: {len(segreti)}" in before.stdout
    assert done == {"attuali": 0, "altre": len(segreti), "richiusi": len(segreti), "illeggibili": []}
    assert clear(world, NEW) == segreti
    assert again == f"con la prima chiave: {len(segreti)}; cifrati di nuovo: 0\n" and sealed(world) == texts
    assert "da cifrare di nuovo: 0" in desk.good("segreti", "reseal", "--check")


def test_what_no_key_opens_is_named_and_left_alone(world: World, desk: Shell, segreti: dict[str, str]) -> None:
    desk.env["PONTEPA_SECRET_KEY"] = NEW
    texts = sealed(world)

    ran = desk.run("segreti", "reseal")

    assert ran.exit_code == 1 and "nessuna chiave di PONTEPA_SECRET_KEY apre" in ran.stderr
    assert all(place in ran.stderr for place in segreti) and not any(one in ran.stderr for one in segreti.values())
    assert sealed(world) == texts


def test_an_interrupted_command_goes_on_where_it_was(world: World, segreti: dict[str, str]) -> None:
    cassaforte = Cassaforte(f"{NEW},{OLD}")

    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        richiudi_segreti(world.db, cassaforte, interrupted)
    half = richiudi_segreti(world.db, cassaforte, lambda *_: None, is_trial=True)
    rest = richiudi_segreti(world.db, cassaforte, lambda *_: None)

    assert 0 < half.attuali < len(segreti) and half.richiusi == 0
    assert rest.richiusi == half.altre == len(segreti) - half.attuali
    assert clear(world, NEW) == segreti


def test_a_secret_that_changes_meanwhile_is_not_written_over(world: World, segreti: dict[str, str]) -> None:
    with world.db.reading() as session:
        one = next(iter(sigilli.everywhere(session)))
    with world.db.transaction() as session:
        assert sigilli.replace(session, one, "nuovo")

        assert not sigilli.replace(session, one, "vecchio")
