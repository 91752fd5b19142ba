"""From the hour of the night to the file on the ente's server: the jobs ticked by hand, a crash at each step."""

from __future__ import annotations

import csv
import io
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row

from adapters.cartella.client import CartellaArchivio
from adapters.sftp.client import Limiti, SftpClient
from adapters.sftp.fake import Guasto, SftpFinto
from hub.formats.istanti import giorno_di, istante_di
from hub.jobs import schedule
from hub.ports import Archivio
from hub.store import outbox, schema
from hub.usecases import esporta, export_giornaliero, relay_outbox
from hub.usecases.consegna_export import LEASE, MARGINE, TOPIC_EXPORT, build_topic
from hub.usecases.relay_outbox import RelayLimits
from tests.esportazioni import pay
from tests.world import World

LIMITS = RelayLimits(slots=2, lease=LEASE, margin=MARGINE, attempts_max=4, per_ente=1)
PATH, NAME = "C_PROVA/EXPORT/2026_11/C_PROVA-1_ESTRAZIONE.zip", "in/C_PROVA-1_ESTRAZIONE.zip"
DATA = b"pagati" * 1000


@pytest.fixture
def finto() -> Iterator[SftpFinto]:
    with SftpFinto() as finto:
        yield finto


def configure(world: World, finto: SftpFinto) -> None:
    world.lay(
        schema.export_giornalieri, ente_id=1, attivo=True, ora="02:00", versione="1.3", ricevuta=True,
        sftp_host="127.0.0.1", sftp_porta=finto.port, sftp_utente=finto.utente, sftp_cartella="in",
        sftp_chiave_host=finto.chiave_host, sftp_password_cifrata=world.runtime.cassaforte.seal("SegretoSftp"),
        fino_a=world.clock() - timedelta(days=1, hours=1),
    )  # fmt: skip


def book(world: World) -> None:
    assert export_giornaliero.run_once(world.db, world.clock()) is True


def produce(world: World) -> None:
    """What the exports' own job does, as its end leaves it."""
    with world.runtime.archivio.write(PATH) as file:
        file.write(DATA)
    (row,) = world.rows(schema.prenotazioni_export)
    world.change(schema.prenotazioni_export, "id", row.id, stato="EXPORT_ESEGUITO", file=PATH)
    assert export_giornaliero.run_once(world.db, world.clock()) is True


def client() -> SftpClient:
    return SftpClient(is_open=True, limiti=Limiti(total_s=20.0, connect_s=5.0, answer_s=5.0))


def relay(world: World, archivio: Archivio | None = None) -> None:
    archivio = archivio or world.runtime.archivio
    topics = {TOPIC_EXPORT: build_topic(world.db, archivio, client(), world.runtime.cassaforte)}
    with ThreadPoolExecutor(LIMITS.slots) as pool:
        relay_outbox.run_once(world.db, topics, pool, LIMITS, world.clock, threading.Event())


def message(world: World) -> Row[Any]:
    return world.one(schema.outbox, topic=TOPIC_EXPORT)


def consegna(world: World) -> str:
    return str(world.one(schema.consegne_export).stato)


def due(world: World, finto: SftpFinto) -> None:
    """A file that waits in the outbox."""
    configure(world, finto)
    book(world)
    produce(world)


def test_the_file_of_the_night_is_on_the_server_of_the_ente(world: World, finto: SftpFinto) -> None:
    due(world, finto)

    relay(world)

    assert finto.files == {NAME: DATA}
    assert (message(world).stato, consegna(world)) == ("CONSEGNATO", "CONSEGNATA")
    assert export_giornaliero.run_once(world.db, world.clock()) is False


def test_a_server_that_is_down_is_tried_again_later(world: World, finto: SftpFinto) -> None:
    due(world, finto)
    world.change(schema.export_giornalieri, "ente_id", 1, sftp_password_cifrata=world.runtime.cassaforte.seal("x"))
    relay(world)
    assert (message(world).stato, message(world).last_code) == ("DA_INVIARE", "AuthenticationException")
    assert consegna(world) == "IN_CONSEGNA"
    mended = world.runtime.cassaforte.seal("SegretoSftp")
    world.change(schema.export_giornalieri, "ente_id", 1, sftp_password_cifrata=mended)
    world.clock.advance(10)

    relay(world)

    assert (finto.files, consegna(world)) == ({NAME: DATA}, "CONSEGNATA")


def test_a_renaming_of_unknown_end_is_asked_about_and_not_repeated(world: World, finto: SftpFinto) -> None:
    due(world, finto)
    finto.guasto = Guasto.CADE_DOPO_RINOMINATO
    relay(world)
    assert (message(world).stato, consegna(world)) == ("SCONOSCIUTO", "IN_CONSEGNA")
    finto.guasto = None
    world.clock.advance(10)

    relay(world)

    assert (message(world).stato, consegna(world)) == ("CONSEGNATO", "CONSEGNATA")
    assert len(finto.commands) == 1


@pytest.mark.parametrize("has_arrived", [True, False])
def test_after_a_worker_that_died_the_file_is_there_once(world: World, finto: SftpFinto, has_arrived: bool) -> None:
    """It died before or after the file was in its place; the next one asks first."""
    due(world, finto)
    with world.db.transaction() as session:
        assert outbox.claim(session, world.clock(), LEASE, 1, [TOPIC_EXPORT])
    if has_arrived:
        finto.files[NAME] = DATA
    else:
        finto.files["in/.C_PROVA-1_ESTRAZIONE.zip.1.parte"] = DATA[:100]
    relay(world)
    assert message(world).stato == "IN_INVIO"
    world.clock.advance(LEASE.total_seconds() + 1)

    relay(world)

    assert finto.files == {NAME: DATA}
    assert (message(world).stato, consegna(world)) == ("CONSEGNATO", "CONSEGNATA")
    assert len(finto.commands) == (0 if has_arrived else 1)


def test_what_only_a_person_can_mend_is_set_aside_and_can_leave_again(world: World, finto: SftpFinto) -> None:
    due(world, finto)
    good = finto.chiave_host
    with SftpFinto() as other:
        world.change(schema.export_giornalieri, "ente_id", 1, sftp_chiave_host=other.chiave_host)
    relay(world)
    assert (message(world).stato, message(world).last_code) == ("PARCHEGGIATO", "CHIAVE_HOST_DIVERSA")
    assert (consegna(world), finto.files) == ("FALLITA", {})
    world.change(schema.export_giornalieri, "ente_id", 1, sftp_chiave_host=good)
    with world.db.transaction() as session:
        outbox.retry(session, message(world).id, world.clock())

    relay(world)

    assert (message(world).stato, consegna(world), finto.files) == ("CONSEGNATO", "CONSEGNATA", {NAME: DATA})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sftp_host": None}, "CONSEGNA_SPENTA"),
        ({"sftp_password_cifrata": "illeggibile"}, "CHIAVE_ILLEGGIBILE"),
        ({}, "FILE_ASSENTE"),
    ],
)
def test_a_file_that_has_nowhere_to_go_or_is_gone_is_set_aside(
    world: World, finto: SftpFinto, change: dict[str, Any], code: str
) -> None:
    due(world, finto)
    if change:
        world.change(schema.export_giornalieri, "ente_id", 1, **change)
    else:
        world.runtime.archivio.delete(PATH)

    relay(world)

    assert (message(world).stato, message(world).last_code, consegna(world)) == ("PARCHEGGIATO", code, "FALLITA")
    assert finto.visits == 0


def test_an_archive_that_does_not_answer_is_waited_for(world: World, finto: SftpFinto, tmp_path: Path) -> None:
    (tmp_path / "rotto").write_bytes(b"")
    broken = CartellaArchivio(tmp_path / "rotto")
    due(world, finto)
    relay(world, broken)
    assert (message(world).stato, message(world).last_code) == ("DA_INVIARE", "ARCHIVIO_ASSENTE")
    world.change(schema.outbox, "id", message(world).id, stato="SCONOSCIUTO")
    world.clock.advance(10)
    relay(world, broken)
    assert (message(world).stato, message(world).last_code) == ("SCONOSCIUTO", "ARCHIVIO_ASSENTE")
    world.clock.advance(60)

    relay(world)

    assert (finto.files, consegna(world)) == ({NAME: DATA}, "CONSEGNATA")


def test_when_no_attempt_helps_it_is_set_aside(world: World, finto: SftpFinto) -> None:
    due(world, finto)
    finto.guasto = Guasto.RIFIUTA_SCRITTURA
    for _ in range(15):
        relay(world)
        world.clock.advance(86_400)

    assert (message(world).stato, message(world).attempts, consegna(world)) == ("PARCHEGGIATO", 15, "FALLITA")


def test_the_worker_has_a_lane_for_it(world: World, finto: SftpFinto) -> None:
    """The real jobs of a worker: a message whose lane nobody relays would wait for ever."""
    due(world, finto)
    topics = {TOPIC_EXPORT: build_topic(world.db, world.runtime.archivio, client(), world.runtime.cassaforte)}
    stop = threading.Event()
    worker = threading.Thread(target=schedule.run, args=(replace(world.runtime, topics=topics), stop))
    worker.start()
    for _ in range(600):
        if consegna(world) == "CONSEGNATA":
            break
        stop.wait(0.05)
    stop.set()
    worker.join(60)

    assert (consegna(world), finto.files) == ("CONSEGNATA", {NAME: DATA})


def night(world: World, finto: SftpFinto) -> list[str]:
    """Everything that a worker does at two in the morning; the IUVs in the file that is new on the server."""
    known = set(finto.files)
    world.clock.now = istante_di(giorno_di(world.clock()) + timedelta(days=1), time(2)) + timedelta(seconds=5)
    book(world)
    while esporta.run_once(world.db, world.runtime.archivio, world.clock):
        pass
    assert export_giornaliero.run_once(world.db, world.clock()) is True
    relay(world)
    return sorted(iuv for name in set(finto.files) - known for iuv in iuv_in(finto.files[name]))


def iuv_in(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode()
    return [row["codIuv"] for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";")]


def test_night_after_night_every_payment_is_told_once(world: World, finto: SftpFinto) -> None:
    configure(world, finto)
    world.change(schema.export_giornalieri, "ente_id", 1, fino_a=world.clock().replace(microsecond=0))
    world.clock.advance(60)
    paid = [pay(world, number).iuv for number in (1, 2)]

    assert night(world, finto) == sorted(paid)
    assert night(world, finto) == []
    late = pay(world, 3).iuv
    assert night(world, finto) == [late]
    assert [row.stato for row in world.rows(schema.consegne_export)] == ["CONSEGNATA", "VUOTA", "CONSEGNATA"]
