"""Writing the journal: nothing is lost on the way, many may write at once, a full queue holds nobody up and is told."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import structlog
from sqlalchemy import text

from hub.domain.giornale import Esito, Verso
from hub.formats.senza_password import senza_password, senza_segreti
from hub.store import giornale as kept
from hub.usecases.giornale import Giornale
from tests.giornale.mondo import OGGI, look, make_evento, rows, write
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]


def test_every_event_is_kept_as_it_was(world: World) -> None:
    evento = make_evento(
        3, verso=Verso.USCITA, esito=Esito.KO, codice="PPT_SEMANTICA", operazione="nodoInviaRPT", ricevuto=None
    )

    write(world.db, evento)

    (row,) = rows(world.db)
    assert (row.at, row.verso, row.operazione, row.esito) == (evento.at, "USCITA", "nodoInviaRPT", "KO")
    assert (row.codice, row.durata_ms, row.correlation_id) == ("PPT_SEMANTICA", 3, f"{3:032x}")
    assert (row.ricevuto, bytes(row.inviato)) == (None, evento.inviato)


def test_an_event_goes_into_the_chain_of_its_ente_by_code_tax_code_or_id(world: World) -> None:
    said = [("C_PROVA", None), ("12345678903", None), ("", 1), ("98765432103", None), ("", None), ("NESSUNO", None)]

    write(world.db, *(make_evento(n, ente, ente_id=id) for n, (ente, id) in enumerate(said)))

    kept_in = {nome: [row.durata_ms for row in rows(world.db, nome)] for nome in ("C_PROVA", "C_VICINO", "-")}
    assert kept_in == {"C_PROVA": [0, 1, 2], "C_VICINO": [3], "-": [4, 5]}


def test_a_hostile_caller_opens_no_chain_and_leaves_no_word(world: World) -> None:
    words = {"operazione": "RSSMRA80A01H501U", "codice": "Mario", "correlation_id": "x" * 9}

    write(world.db, make_evento(ente="Mario Rossi", **words))

    with world.db.reading() as session:
        assert [row.nome for row in kept.catene(session)] == ["-"]
    (row,) = rows(world.db, "-")
    assert (row.operazione, row.codice) == ("ALTRO", "ALTRO") and row.correlation_id.startswith("sha256:")


def test_who_waits_is_answered_when_the_event_is_durable(world: World) -> None:
    giornale = Giornale(world.db, 100, world.clock)

    is_durable = giornale.annota(make_evento(7), attesa_s=60)
    found = rows(world.db)
    giornale.close()

    assert is_durable and [row.durata_ms for row in found] == [7]


def test_threads_write_one_chain_together(world: World) -> None:
    giornale = Giornale(world.db, 10_000, world.clock)
    starts = threading.Barrier(8)

    def annota(first: int) -> None:
        starts.wait()
        for number in range(first, first + 50):
            giornale.annota(make_evento(number))

    threads = [threading.Thread(target=annota, args=(first,)) for first in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    giornale.close()

    assert sorted(row.durata_ms for row in rows(world.db)) == list(range(400))
    assert giornale.perduti == 0 and look(world.db) == []


def test_several_processes_write_the_same_chains_together(world: World) -> None:
    """Real ones: three chains in three orders; on PostgreSQL who holds one must not wait for who holds another."""
    command = [sys.executable, "-m", "tests.giornale.scrittore", world.db.url, "300"]
    processes = [subprocess.Popen([*command, str(turn)], cwd=ROOT) for turn in range(3)]
    ended = [process.wait(timeout=120) for process in processes]

    assert ended == [0, 0, 0]
    assert [len(rows(world.db, nome)) for nome in ("C_PROVA", "C_VICINO", "-")] == [300, 300, 300]
    assert look(world.db) == []


def test_writers_in_one_process_with_a_connection_each_make_one_chain(world: World) -> None:
    journals = [Giornale(world.db, 1000, world.clock) for _ in range(4)]

    for number in range(200):
        journals[number % 4].annota(make_evento(number))
    for giornale in journals:
        giornale.close()

    assert sorted(row.durata_ms for row in rows(world.db)) == list(range(200))
    assert look(world.db) == []


def test_a_full_queue_drops_counts_and_tells_without_waiting(small_world: World) -> None:
    """Nothing is written while somebody else holds the database; the queue has room for a hundred."""
    with small_world.db.engine.connect().execution_options(pontepa_write=True) as holder, holder.begin():
        with structlog.testing.capture_logs() as lines:
            giornale = Giornale(small_world.db, 100, lambda: OGGI)
            giornale.annota(make_evento(0))
            while giornale._coda:
                pass
            taken = [giornale.annota(make_evento(number)) for number in range(1, 131)]
    giornale.close()

    assert taken == [True] * 100 + [False] * 30
    assert giornale.perduti == 30
    assert [line["event"] for line in lines] == ["journal_full"]
    assert [row.durata_ms for row in rows(small_world.db)] == list(range(101))
    (told,) = rows(small_world.db, "-")
    assert (told.operazione, told.verso, told.esito, told.durata_ms) == ("giornale.perduti", "INTERNO", "ERRORE", 30)
    assert look(small_world.db) == []


def test_a_database_that_comes_back_gets_what_waited(world: World) -> None:
    """The tables are gone for a while: to the writer the same as a database that is down."""
    giornale = Giornale(world.db, 100, world.clock)
    rename = "ALTER TABLE {} RENAME TO {}"
    with world.db.transaction() as session:
        session.execute(text(rename.format("giornale_catene", "altrove")))

    giornale.annota(make_evento(1))
    while giornale._coda:
        pass
    with world.db.transaction() as session:
        session.execute(text(rename.format("altrove", "giornale_catene")))
    giornale.close()

    assert [row.durata_ms for row in rows(world.db)] == [1]


def test_after_its_end_a_journal_takes_no_more(world: World) -> None:
    giornale = Giornale(world.db, 100, world.clock)
    giornale.close()

    assert giornale.annota(make_evento(1)) is False
    assert giornale.perduti == 1


def test_the_digest_of_a_request_does_not_depend_on_its_password() -> None:
    """Who has the digest and the rest of a request could otherwise guess at it, a million words a second."""
    forms = [
        b"<a><password>%s</password></a>", b"<a><ns:password x='1'><![CDATA[%s]]></ns:password ></a>",
        b"<a><passwordMypivot>%s</passwordMypivot><password/></a>",
    ]  # fmt: skip

    for form in forms:
        assert senza_password(form % b"uno") == senza_password(form % b"due")
        assert senza_password(form % b"uno")[1] == 1


def test_a_body_of_passwords_that_nothing_closes_costs_no_more_than_its_length() -> None:
    """Anybody may send one: looked at as the square of its length, 2 MiB would hold a processor for an hour."""
    for opening in (b"<password>", b"<password ", b"<password><![CDATA[", b"</password "):
        body = opening * (2 * 1024 * 1024 // len(opening))

        assert senza_password(body) == (body, 0)
        assert len(senza_segreti(body)) <= 2 * len(body)


def test_what_is_shown_of_a_request_has_no_password_however_it_is_written() -> None:
    forms = [
        b"<wsse:Password Type='#PasswordText'>uno</wsse:Password>", b"<password>uno</passwrd>", b"<password>uno",
        b"<p:passwordMypivot><![CDATA[<uno>]]></p:passwordMypivot>", "<password>uno</password>".encode("utf-16"),
    ]  # fmt: skip

    assert [form for form in forms if b"uno" in senza_segreti(form).replace(b"\0", b"")] == []


def test_a_second_installation_over_the_same_database_goes_on_with_the_chain(world: World) -> None:
    write(world.db, make_evento(1))
    write(world.db, make_evento(2))

    assert [row.numero for row in rows(world.db)] == [1, 2]
    assert look(world.db) == []
