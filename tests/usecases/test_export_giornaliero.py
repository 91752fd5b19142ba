"""The daily export of an ente: when it is booked, for which window, and that none is lost or booked twice.

Source: flows, 3.1 (half-open window) and 3.5.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from hub.store import schema
from hub.usecases.export_giornaliero import run_once
from tests.world import World

SFTP = {"sftp_host": "sftp.example.org", "sftp_porta": 22, "sftp_utente": "u", "sftp_chiave_host": "k"}


def at(day: int, hour: int, minute: int = 0, month: int = 5) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def configure(world: World, fino_a: datetime | None, ente_id: int = 1, **values: Any) -> None:
    row = {"attivo": True, "ora": "02:00", "versione": "1.3", "ricevuta": True, "fino_a": fino_a} | values
    with world.db.transaction() as session:
        session.execute(insert(schema.export_giornalieri), {"ente_id": ente_id} | row)


def tick(world: World, now: datetime) -> bool:
    world.clock.now = now
    return run_once(world.db, now)


def windows(world: World) -> list[tuple[datetime, datetime]]:
    return [(row.istante_da, row.istante_a) for row in world.rows(schema.prenotazioni_export)]


def end(world: World, stato: str, file: str | None = None) -> None:
    """The newest booking comes to an end."""
    row = world.rows(schema.prenotazioni_export)[-1]
    world.change(schema.prenotazioni_export, "id", row.id, stato=stato, file=file)


def test_at_its_hour_of_rome_an_incremental_export_is_booked_and_not_before(world: World) -> None:
    configure(world, at(4, 10), tipi=["TARI"])

    assert tick(world, at(4, 23, 59)) is False
    assert world.rows(schema.prenotazioni_export) == []
    assert tick(world, at(5, 0, 0)) is True

    row = world.one(schema.prenotazioni_export)
    assert (row.ente_id, row.genere, row.versione, row.ricevuta, row.tipi) == (1, "PAGATI", "1.3", True, ["TARI"])
    assert (row.incrementale, row.istante_da, row.istante_a) == (True, at(4, 10), at(5, 0))
    assert (row.stato, row.giorno_da, row.applicazione) == ("LOAD_EXPORT", None, None)
    assert world.one(schema.export_giornalieri).fino_a == at(5, 0)
    assert world.one(schema.consegne_export).prenotazione_id == row.id
    assert tick(world, at(5, 0, 1)) is False


def test_every_window_begins_where_the_last_one_ended_whenever_the_worker_comes(world: World) -> None:
    configure(world, at(4, 10))

    for now in (at(5, 0, 3), at(6, 7), at(7, 0)):
        tick(world, now)

    assert windows(world) == [(at(4, 10), at(5, 0)), (at(5, 0), at(6, 0)), (at(6, 0), at(7, 0))]


def test_missed_nights_are_caught_up_in_one_window(world: World) -> None:
    configure(world, at(5, 0))

    tick(world, at(9, 12))

    assert windows(world) == [(at(5, 0), at(9, 0))]


def test_clocks_that_change_leave_no_gap_and_book_once_a_day(world: World) -> None:
    """02:00 is skipped on 29 March; 02:30 comes twice on 25 October."""
    configure(world, at(28, 1, 0, month=3))
    configure(world, at(24, 0, 30, month=10), ente_id=2, ora="02:30", attivo=False)
    for now in (at(29, 0, 59, month=3), at(29, 1, 0, month=3), at(29, 2, 0, month=3), at(30, 0, 0, month=3)):
        tick(world, now)
    world.change(schema.export_giornalieri, "ente_id", 2, attivo=True)
    world.change(schema.export_giornalieri, "ente_id", 1, attivo=False)
    for now in (at(25, 0, 30, month=10), at(25, 1, 30, month=10), at(26, 1, 30, month=10)):
        tick(world, now)

    assert windows(world) == [
        (at(28, 1, month=3), at(29, 1, month=3)), (at(29, 1, month=3), at(30, 0, month=3)),
        (at(24, 0, 30, month=10), at(25, 0, 30, month=10)), (at(25, 0, 30, month=10), at(26, 1, 30, month=10)),
    ]  # fmt: skip


def test_who_is_switched_off_or_never_configured_gets_none(world: World) -> None:
    configure(world, at(1, 0), attivo=False)
    configure(world, None, ente_id=2)

    assert tick(world, at(9, 12)) is False

    assert world.rows(schema.prenotazioni_export) == []


def test_of_several_workers_at_once_one_books(world: World) -> None:
    configure(world, at(4, 10))
    configure(world, at(4, 11), ente_id=2)
    barrier = threading.Barrier(6)
    failed: list[BaseException] = []

    def worker() -> None:
        barrier.wait(30)
        try:
            run_once(world.db, at(5, 1))
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            failed.append(error)

    threads = [threading.Thread(target=worker) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failed == []
    assert sorted(windows(world)) == [(at(4, 10), at(5, 0)), (at(4, 11), at(5, 0))]
    assert len(world.rows(schema.consegne_export)) == 2


def test_without_a_server_the_file_waits_to_be_downloaded(world: World) -> None:
    configure(world, at(4, 10))
    tick(world, at(5, 1))
    assert tick(world, at(5, 1, 5)) is False
    end(world, "EXPORT_ESEGUITO", "C_PROVA/EXPORT/2026_05/x.zip")

    assert tick(world, at(5, 1, 10)) is True

    assert world.one(schema.consegne_export).stato == "DISPONIBILE"
    assert world.rows(schema.outbox) == []
    assert tick(world, at(5, 1, 11)) is False


def test_with_a_server_the_message_is_written_with_the_fact_and_once(world: World) -> None:
    configure(world, at(4, 10), **SFTP)
    tick(world, at(5, 1))
    end(world, "EXPORT_ESEGUITO", "C_PROVA/EXPORT/2026_05/x.zip")

    tick(world, at(5, 2))
    tick(world, at(5, 3))

    message, consegna = world.one(schema.outbox), world.one(schema.consegne_export)
    assert (message.topic, message.chiave, message.ente_id, message.stato) == ("export.sftp", "1", 1, "DA_INVIARE")
    assert (consegna.stato, consegna.messaggio_id) == ("IN_CONSEGNA", message.id)
    assert message.correlation_id == world.one(schema.prenotazioni_export).request_token


def test_a_night_without_payments_is_over_without_a_file(world: World) -> None:
    configure(world, at(4, 10), **SFTP)
    tick(world, at(5, 1))
    end(world, "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO")

    tick(world, at(5, 2))

    assert (world.one(schema.consegne_export).stato, world.rows(schema.outbox)) == ("VUOTA", [])


def test_an_export_that_failed_is_booked_again_for_the_same_window_and_not_for_ever(world: World) -> None:
    """The watermark has passed the window: without it its payments would never be told."""
    configure(world, at(4, 10), **SFTP)
    tick(world, at(5, 1))
    for attempt in range(2, 6):
        end(world, "ERROR_EXPORT")
        assert tick(world, at(5, attempt)) is True
        assert world.one(schema.consegne_export).tentativi == attempt
    assert windows(world) == [(at(4, 10), at(5, 0))] * 5

    end(world, "ERROR_EXPORT")
    tick(world, at(5, 9))

    assert world.one(schema.consegne_export).stato == "FALLITA"
    assert len(windows(world)) == 5
    assert tick(world, at(5, 10)) is False


def test_when_the_booking_is_rolled_back_the_watermark_stays(world: World) -> None:
    """A crash between watermark and booking: the next tick books the same window."""
    configure(world, at(4, 10))
    with world.db.transaction() as session:
        now = {"created_at": at(5, 0), "updated_at": at(5, 0)}
        values = {"request_token": "t", "ente_id": 1, "genere": "PAGATI", "stato": "LOAD_EXPORT", **now}
        session.execute(insert(schema.prenotazioni_export), {**values, "eseguibile_at": at(5, 0)})
    other = world.one(schema.prenotazioni_export)
    world.lay(
        schema.consegne_export, ente_id=1, istante_da=at(4, 10), istante_a=at(5, 0), prenotazione_id=other.id,
        stato="FALLITA", **now,
    )  # fmt: skip

    with pytest.raises(Exception, match="(?i)unique"):
        tick(world, at(5, 1))

    assert world.one(schema.export_giornalieri).fino_a == at(4, 10)
    assert world.rows(schema.prenotazioni_export) == [other]
