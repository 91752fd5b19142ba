"""The journal names what was done to it: an event that was changed, removed, swapped, a tail or a chain cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from hub.domain.giornale import ORIGINE, impronta_of
from hub.formats.firma_giornale import FirmaGiornale
from hub.store import giornale as kept
from hub.store.lettura import TRATTO
from hub.store.schema import giornale, giornale_catene, giornale_firme
from hub.usecases.firma_giornale import purge, sign_heads
from tests.giornale.mondo import FIRMA, OGGI, ids, look, make_evento, rows, write
from tests.soap.stage import open_stage
from tests.world import World

DOMANI = OGGI + timedelta(days=1)
TRENTA = timedelta(days=30)


@pytest.fixture(scope="module")
def _scritto(backend: str, _servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Thirty events of Comune di Prova and ten of Comune Vicino, signed after the first twenty and the first five."""
    with open_stage(backend, _servers, tmp_path_factory) as stage:
        db = stage.world.db
        write(db, *(make_evento(number) for number in range(20)), *(make_evento(n, "C_VICINO") for n in range(5)))
        sign_heads(db, FIRMA, OGGI + timedelta(minutes=1))
        write(db, *(make_evento(n) for n in range(20, 30)), *(make_evento(n, "C_VICINO") for n in range(5, 10)))
        yield stage.world


@pytest.fixture
def scritto(_scritto: World) -> Iterator[World]:
    """The same events for every test: what one has done to them is undone at its end."""
    tables = (giornale_catene, giornale, giornale_firme)
    with _scritto.db.reading() as session:
        before = [[dict(row._mapping) for row in session.execute(select(table))] for table in tables]
    yield _scritto
    with _scritto.db.transaction() as session:
        for table in reversed(tables):
            session.execute(delete(table))
        for table, kept_rows in zip(tables, before, strict=True):
            session.execute(insert(table), kept_rows)


def in_catena(numero: int, nome: str = "C_PROVA") -> Any:
    of = select(giornale_catene.c.id).where(giornale_catene.c.nome == nome).scalar_subquery()
    return (giornale.c.catena_id == of) & (giornale.c.numero == numero)


def change(world: World, *statements: Any) -> None:
    with world.db.transaction() as session:
        for statement in statements:
            session.execute(statement)


def test_a_chain_begins_at_the_origin_and_each_event_follows_the_one_before(scritto: World) -> None:
    found = rows(scritto.db)

    assert [row.numero for row in found] == list(range(1, 31))
    assert [row.durata_ms for row in found] == list(range(30))
    assert [bytes(row.precedente) for row in found] == [ORIGINE, *(bytes(row.impronta) for row in found[:-1])]
    assert all(impronta_of(kept.riga_of(row, "C_PROVA")) == bytes(row.impronta) for row in found)
    assert found[3].at == make_evento(3).at and found[3].at.utcoffset() == timedelta(0)


def test_what_was_written_and_signed_is_in_order(scritto: World) -> None:
    assert look(scritto.db) == []


def test_rows_that_lie_in_another_order_are_read_in_the_order_of_their_numbers(scritto: World) -> None:
    """Many processes write, and PostgreSQL puts a row where there is room."""
    moves = (update(giornale).where(in_catena(n)).values(durata_ms=giornale.c.durata_ms) for n in (12, 3, 27))
    # Once it knows how few they are it walks over them as they lie.
    change(scritto, *moves, text("ANALYZE giornale"))

    assert look(scritto.db, tratto=TRATTO) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", OGGI - timedelta(days=1)), ("verso", "USCITA"), ("operazione", "altra"), ("esito", "KO"),
        ("codice", "PAA_SEMANTICA"), ("durata_ms", 7000), ("correlation_id", "x"), ("ricevuto", b"x" * 32),
        ("ricevuto", None), ("inviato", b"y" * 32), ("precedente", b"z" * 32), ("impronta", b"w" * 32),
    ],
)  # fmt: skip
def test_an_event_that_was_changed_is_named(scritto: World, column: str, value: Any) -> None:
    change(scritto, update(giornale).where(in_catena(12)).values({column: value}))

    (found,) = look(scritto.db)

    assert (found.tabella, found.id, found.ente_id) == ("giornale", "C_PROVA/12", 1)
    assert "è stato cambiato" in found.dettaglio


@pytest.mark.parametrize("numeri", [(1,), (12,), (14,), (12, 13, 14)])
def test_events_that_were_removed_are_named(scritto: World, numeri: tuple[int, ...]) -> None:
    change(scritto, *(delete(giornale).where(in_catena(numero)) for numero in numeri))

    (found,) = look(scritto.db)

    assert found.id == "C_PROVA/" + (str(numeri[0]) if len(numeri) == 1 else f"{numeri[0]}-{numeri[-1]}")
    assert "sono stati tolti" in found.dettaglio


@pytest.mark.parametrize(("one", "other"), [(4, 5), (4, 26), (1, 30)])
def test_events_that_were_swapped_are_named(scritto: World, one: int, other: int) -> None:
    moves = ((one, 999), (other, one), (999, other))
    change(scritto, *(update(giornale).where(in_catena(old)).values(numero=new) for old, new in moves))

    found = look(scritto.db)

    assert ids(found) == [f"C_PROVA/{one}", f"C_PROVA/{other}"]
    assert f"c'è l'evento {other}" in found[0].dettaglio and f"c'è l'evento {one}" in found[1].dettaglio


def test_events_that_changed_chain_are_named(scritto: World) -> None:
    first, second = (in_catena(3, nome) for nome in ("C_PROVA", "C_VICINO"))
    catene = {row.nome: row.catena_id for row in _chains(scritto)}
    change(
        scritto,
        update(giornale).where(first).values(catena_id=999),
        update(giornale).where(second).values(catena_id=catene["C_PROVA"]),
        update(giornale).where(giornale.c.catena_id == 999).values(catena_id=catene["C_VICINO"]),
    )

    assert sorted(ids(look(scritto.db))) == ["C_PROVA/3", "C_VICINO/3"]


def _chains(world: World) -> Any:
    with world.db.reading() as session:
        return session.execute(select(giornale_catene.c.nome, giornale_catene.c.id.label("catena_id"))).all()


def test_a_tail_that_was_cut_off_is_named(scritto: World) -> None:
    change(scritto, *(delete(giornale).where(in_catena(numero)) for numero in (29, 30)))

    (found,) = look(scritto.db)

    assert found.id == "C_PROVA/29-30" and "scritta nella catena" in found.dettaglio


def end_at(world: World, numero: int) -> list[Any]:
    """Statements that let a chain end at an event, as if no other had ever come."""
    last = rows(world.db)[numero - 1]
    ended = update(giornale_catene).where(giornale_catene.c.nome == "C_PROVA")
    cut = [delete(giornale).where(in_catena(number)) for number in range(numero + 1, 31)]
    return [*cut, ended.values(ultimo_numero=numero, ultima_impronta=last.impronta)]


def test_a_tail_that_was_cut_off_with_its_end_is_named_by_the_signed_head(scritto: World) -> None:
    change(scritto, *end_at(scritto, 15))

    (found,) = look(scritto.db)

    assert found.id == "C_PROVA/16-20" and "firmata il 2026-11-20" in found.dettaglio


def rewrite(world: World, begin: int, end: int = 30) -> list[Any]:
    """Statements that change an event and give it and all that follow new hashes, as who has the database may."""
    statements, last, following = [], ORIGINE, rows(world.db)[begin - 1 : end]
    for number, row in enumerate(following):
        riga = kept.riga_of(row, "C_PROVA")
        riga = replace(riga, esito="KO") if not number else replace(riga, precedente=last)
        last = impronta_of(riga)
        values = {"esito": riga.esito, "precedente": riga.precedente, "impronta": last}
        statements.append(update(giornale).where(in_catena(row.numero)).values(values))
    ended = update(giornale_catene).where(giornale_catene.c.nome == "C_PROVA")
    return [*statements, *([ended.values(ultima_impronta=last)] if end == 30 else [])]


def test_an_event_that_was_changed_with_its_hash_is_named_by_the_next_one(scritto: World) -> None:
    change(scritto, *rewrite(scritto, 12, 12))

    (found,) = look(scritto.db)

    assert found.id == "C_PROVA/13" and "non segue" in found.dettaglio


def test_a_chain_that_was_written_anew_to_its_end_is_named_by_the_signed_head(scritto: World) -> None:
    change(scritto, *rewrite(scritto, 12))

    (found,) = look(scritto.db)

    assert found.id == "C_PROVA/20" and "non è quella firmata il 2026-11-20" in found.dettaglio


def test_a_whole_chain_that_is_gone_is_missed_by_the_signed_count(world: World) -> None:
    write(world.db, *(make_evento(1, ente) for ente in ("C_PROVA", "C_VICINO", "")))
    sign_heads(world.db, FIRMA, OGGI)
    of = {row.nome: row.catena_id for row in _chains(world)}["C_VICINO"]

    change(
        world,
        delete(giornale).where(giornale.c.catena_id == of),
        delete(giornale_firme).where(giornale_firme.c.catena_id == of),
        delete(giornale_catene).where(giornale_catene.c.id == of),
    )

    (found,) = look(world.db)
    assert (found.tabella, found.id) == ("giornale_catene", "-")


def test_a_signature_that_was_changed_or_made_with_another_key_is_named(scritto: World) -> None:
    other = FirmaGiornale("un'altra chiave, di qualcun altro che non c'entra")
    of_prova = giornale_firme.c.numero == 20

    change(scritto, update(giornale_firme).where(of_prova).values(impronta=b"x" * 32))
    changed = look(scritto.db)
    with scritto.db.transaction() as session:
        (row,) = [one for one in kept.firme(session) if one.numero == 20]
        sigillo = replace(kept.sigillo_of(row), impronta=bytes(rows(scritto.db)[19].impronta))
        values = {"impronta": sigillo.impronta, "chiave": other.pubblica, "firma": other.sign(sigillo.testo)}
        session.execute(update(giornale_firme).where(of_prova).values(values))

    assert ids(changed) == ["C_PROVA/20"] * 2 and "la firma (TESTA)" in changed[0].dettaglio
    (found,) = look(scritto.db)
    assert found.id == "C_PROVA/20" and "PONTEPA_GIORNALE_CHIAVI" in found.dettaglio
    assert look(scritto.db, (FIRMA.pubblica, other.pubblica)) == []


def test_heads_that_nobody_signs_any_more_are_named(scritto: World) -> None:
    later = make_evento(at=OGGI + timedelta(days=3))

    write(scritto.db, later)

    (found,) = look(scritto.db)
    assert found.id == "C_PROVA/31" and "non firma" in found.dettaglio


def test_heads_are_signed_once_a_day_of_rome_when_there_is_something_new(scritto: World) -> None:
    """21 November begins in Rome at 23:00 UTC of the 20th."""
    evening, midnight = OGGI.replace(hour=22, minute=59), OGGI.replace(hour=23)

    assert sign_heads(scritto.db, FIRMA, evening) is False
    sign_heads(scritto.db, FIRMA, midnight)
    sign_heads(scritto.db, FIRMA, midnight + timedelta(hours=5))
    sign_heads(scritto.db, FIRMA, midnight + timedelta(days=1))

    with scritto.db.reading() as session:
        signed = [(row.nome, row.numero, row.giorno.isoformat()) for row in kept.firme(session)]
    assert signed == [
        ("C_PROVA", 20, "2026-11-20"), ("C_PROVA", 30, "2026-11-21"),
        ("C_VICINO", 5, "2026-11-20"), ("C_VICINO", 10, "2026-11-21"),
    ]  # fmt: skip
    assert look(scritto.db) == []


def test_two_workers_sign_the_same_head_once(scritto: World) -> None:
    sigillo = kept.Sigillo("TESTA", "C_PROVA", 20, bytes(rows(scritto.db)[19].impronta), 0, DOMANI)

    with scritto.db.transaction() as session:
        of = kept.find_catena(session, "C_PROVA")
        assert of is not None
        again = kept.add_firma(session, of.id, sigillo, DOMANI.date(), FIRMA.pubblica, FIRMA.sign(sigillo.testo))

    assert again is False


def old_events(world: World, count: int = 12) -> None:
    """Events of which the first five are forty days old, and one more of that age stands after younger ones."""
    ages = [40] * 5 + [1] * 3 + [40] + [1] * (count - 9)
    write(world.db, *(make_evento(n, at=OGGI - timedelta(days=age)) for n, age in enumerate(ages)))


def test_what_is_old_goes_from_the_beginning_and_the_chain_still_holds(world: World) -> None:
    old_events(world)
    sign_heads(world.db, FIRMA, OGGI)

    removed = purge(world.db, FIRMA, TRENTA, OGGI)
    again = purge(world.db, FIRMA, TRENTA, OGGI)

    assert (removed, again) == (True, False)
    assert [row.numero for row in rows(world.db)] == list(range(6, 13))
    assert look(world.db) == []
    write(world.db, make_evento(99))
    assert look(world.db) == []


def test_a_chain_that_is_all_old_goes_on_with_its_numbers(world: World) -> None:
    write(world.db, *(make_evento(n) for n in range(3)))
    later = OGGI + timedelta(days=60)
    sign_heads(world.db, FIRMA, OGGI)

    purge(world.db, FIRMA, TRENTA, later)
    emptied = (rows(world.db), look(world.db))
    write(world.db, make_evento(4, at=later))

    assert emptied == ([], [])
    assert [row.numero for row in rows(world.db)] == [4]
    assert look(world.db) == []


def test_what_was_signed_of_removed_events_goes_with_them(world: World) -> None:
    for day in range(4):
        write(world.db, make_evento(day, at=OGGI - timedelta(days=60 - day)))
        sign_heads(world.db, FIRMA, OGGI - timedelta(days=60 - day))

    purge(world.db, FIRMA, TRENTA, OGGI)

    with world.db.reading() as session:
        signed = [(row.genere, row.numero) for row in kept.firme(session)]
    assert signed == [("TESTA", 4), ("TAGLIO", 4)]


def test_events_removed_beyond_the_signed_cut_are_named(world: World) -> None:
    old_events(world)
    purge(world.db, FIRMA, TRENTA, OGGI)

    change(world, delete(giornale).where(in_catena(6)))

    assert ids(look(world.db)) == ["C_PROVA/6"]


def test_a_cut_that_nobody_signed_is_named(world: World) -> None:
    old_events(world)
    sign_heads(world.db, FIRMA, OGGI)
    last = rows(world.db)[7]
    values = {
        "catena_id": last.catena_id, "genere": "TAGLIO", "giorno": OGGI.date(), "numero": 8, "at": OGGI, "catene": 0,
        "impronta": last.impronta, "chiave": FIRMA.pubblica, "firma": b"x" * 64,
    }  # fmt: skip

    change(world, insert(giornale_firme).values(values), delete(giornale).where(giornale.c.numero <= 8))

    (found,) = look(world.db)
    assert (found.tabella, found.id) == ("giornale_firme", "C_PROVA/8") and "(TAGLIO)" in found.dettaglio


@pytest.mark.parametrize("tratto", [1, 2, 5, 30, 5000])
def test_stretches_of_any_length_find_the_same(scritto: World, tratto: int) -> None:
    change(
        scritto,
        update(giornale).where(in_catena(5)).values(esito="KO"),
        delete(giornale).where(in_catena(10)),
        update(giornale).where(in_catena(10, "C_VICINO")).values(durata_ms=1),
    )

    found = look(scritto.db, tratto=tratto)

    assert sorted(ids(found)) == ["C_PROVA/10", "C_PROVA/5", "C_VICINO/10"]


def test_many_changed_events_are_all_named(world: World) -> None:
    write(world.db, *(make_evento(n) for n in range(120)))

    change(world, update(giornale).where(giornale.c.numero > 10).values(esito="KO"))

    assert sorted(ids(look(world.db))) == sorted(f"C_PROVA/{n}" for n in range(11, 121))
