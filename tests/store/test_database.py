"""Transactions: what is returned is durable, who fails harms nobody, a reader waits for no writer."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import bindparam, event, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from hub.domain.errors import OutOfService, Sovraccarico
from hub.store.database import Database, Session
from hub.store.schema import iuv_blocchi

THREADS, WRITES = 16, 25


def add(session: Session, number: int) -> None:
    values = {"codice_fiscale": f"{number:011d}", "codice_segregazione": "01", "prossimo": 1}
    session.execute(insert(iuv_blocchi), values)


def count(db: Database) -> int:
    with db.reading() as session:
        return session.execute(select(func.count()).select_from(iuv_blocchi)).scalar_one()


class Refused(Exception):
    pass


def test_sixteen_threads_lose_nothing(db):
    def write(thread: int) -> None:
        for number in range(WRITES):
            with db.transaction() as session:
                add(session, thread * WRITES + number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(THREADS)))

    assert count(db) == THREADS * WRITES


def test_who_raises_is_undone_and_harms_no_other(db):
    """One thread in four fails after its writing; the rows of the other twelve are all there, its own are not."""

    def write(thread: int) -> int:
        done = 0
        for number in range(WRITES):
            try:
                with db.transaction() as session:
                    add(session, thread * WRITES + number)
                    if thread % 4 == 0:
                        raise Refused
                    done += 1
            except Refused:
                pass
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        done = sum(pool.map(write, range(THREADS)))

    assert count(db) == done == THREADS * WRITES * 3 // 4


def test_who_breaks_a_constraint_harms_no_other(db):
    with db.transaction() as session:
        add(session, 0)

    def write(number: int) -> bool:
        try:
            with db.transaction() as session:
                add(session, number % 20)
        except IntegrityError:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        written = sum(pool.map(write, range(100)))

    assert (written, count(db)) == (19, 20)


def test_what_is_written_before_the_failure_is_undone_too(db):
    with pytest.raises(Refused), db.transaction() as session:
        add(session, 1)
        add(session, 2)
        raise Refused

    assert count(db) == 0


def test_nobody_is_answered_before_his_row_is_durable(sqlite_url):
    """Each thread looks with a connection of another owner as soon as its transaction has returned."""
    db = Database.open(sqlite_url)
    path = sqlite_url.removeprefix("sqlite:///")

    def write(number: int) -> bool:
        with db.transaction() as session:
            add(session, number)
        stranger = sqlite3.connect(path)
        try:
            row = stranger.execute("SELECT 1 FROM iuv_blocchi WHERE codice_fiscale = ?", (f"{number:011d}",))
            return row.fetchone() is not None
        finally:
            stranger.close()

    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(write, range(200)))

    db.close()
    assert all(seen)


def test_writers_who_wait_together_share_a_commit(sqlite_url):
    db = Database.open(sqlite_url)
    commits = 0
    together = threading.Barrier(THREADS)

    @event.listens_for(db.engine, "commit")
    def _count(_: object) -> None:
        nonlocal commits
        commits += 1

    def write(number: int) -> None:
        together.wait()
        with db.transaction() as session:
            add(session, number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(THREADS)))

    assert count(db) == THREADS
    db.close()
    assert commits < THREADS


def lay_deferred(db: Database) -> None:
    """A table whose constraint is judged at the commit."""
    with db.transaction() as session:
        session.execute(text("CREATE TABLE padre (id INTEGER PRIMARY KEY)"))
        session.execute(text("CREATE TABLE figlio (id INTEGER REFERENCES padre (id) DEFERRABLE INITIALLY DEFERRED)"))


def test_a_failed_commit_is_told_to_everyone_in_its_group(sqlite_url):
    """A deferred constraint breaks at the commit: no thread of the group may believe that its row is there."""
    db = Database.open(sqlite_url)
    lay_deferred(db)
    bad_is_in = threading.Event()

    def bad() -> bool:
        try:
            with db.transaction() as session:
                session.execute(text("INSERT INTO figlio VALUES (7)"))
                bad_is_in.set()
                threading.Event().wait(0.3)  # the good ones queue up meanwhile
        except IntegrityError:
            return False
        return True

    def good(number: int) -> bool:
        bad_is_in.wait()
        try:
            with db.transaction() as session:
                add(session, number)
        except IntegrityError:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        failing = pool.submit(bad)
        told = list(pool.map(good, range(4)))

    assert failing.result() is False
    assert count(db) == sum(told)
    db.close()


def test_after_a_failed_commit_the_next_writer_is_served(sqlite_url):
    db = Database.open(sqlite_url)
    lay_deferred(db)
    with pytest.raises(IntegrityError), db.transaction() as session:
        session.execute(text("INSERT INTO figlio VALUES (7)"))

    with db.transaction() as session:
        add(session, 1)

    assert count(db) == 1
    db.close()


def test_nobody_is_told_that_he_is_done_when_sqlite_undid_the_whole_transaction(sqlite_url):
    """A full disk or an I/O error may do it; OR ROLLBACK does the same on demand."""
    db = Database.open(sqlite_url)
    with db.transaction() as session:
        add(session, 0)
    first_is_in, others_may_go = threading.Event(), threading.Event()

    def write(number: int) -> bool:
        try:
            with db.transaction() as session:
                add(session, number)
                if number == 1:
                    first_is_in.set()
                    others_may_go.wait()
                    threading.Event().wait(0.3)  # the others queue up: one group
        except OutOfService:
            return False
        return True

    def undo_all() -> bool:
        try:
            with db.transaction() as session:
                session.execute(text("INSERT OR ROLLBACK INTO iuv_blocchi VALUES ('00000000000', '01', 1)"))
        except (IntegrityError, OutOfService):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(write, 1)
        first_is_in.wait()
        others = [pool.submit(undo_all), *(pool.submit(write, number) for number in range(2, 6))]
        others_may_go.set()
        told = [future.result() for future in (first, *others)]

    assert told[1] is False
    assert count(db) == 1 + sum(told)
    db.close()


_ADD = insert(iuv_blocchi).values({column.name: bindparam(column.name) for column in iuv_blocchi.c})


def run(db: Database, number: int) -> int:
    return db.run(_ADD, {"codice_fiscale": f"{number:011d}", "codice_segregazione": "01", "prossimo": 1})


def test_single_statements_and_transactions_share_groups_and_lose_nothing(db):
    def write(thread: int) -> None:
        for number in range(WRITES):
            if (thread + number) % 2:
                assert run(db, thread * WRITES + number) == 1
            else:
                with db.transaction() as session:
                    add(session, thread * WRITES + number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(THREADS)))

    assert count(db) == THREADS * WRITES


def test_a_single_statement_that_breaks_a_constraint_harms_no_other(db):
    run(db, 0)

    def write(number: int) -> bool:
        try:
            run(db, number if number % 4 else 0)
        except db.driver_error:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        told = list(pool.map(write, range(100)))

    assert told == [bool(number % 4) for number in range(100)]
    assert count(db) == 1 + sum(told)


def test_a_single_statement_is_durable_when_it_returns(db):
    run(db, 1)

    stranger = Database.open(db.engine.url.render_as_string(hide_password=False))
    assert count(stranger) == 1
    stranger.close()


def test_single_statements_of_a_group_whose_commit_fails_are_told(sqlite_url):
    db = Database.open(sqlite_url)
    lay_deferred(db)
    bad_is_in = threading.Event()

    def bad() -> bool:
        try:
            with db.transaction() as session:
                session.execute(text("INSERT INTO figlio VALUES (7)"))
                bad_is_in.set()
                threading.Event().wait(0.3)  # the good ones queue up meanwhile
        except IntegrityError:
            return False
        return True

    def good(number: int) -> bool:
        bad_is_in.wait()
        try:
            run(db, number)
        except (IntegrityError, db.driver_error):
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        failing = pool.submit(bad)
        told = list(pool.map(good, range(4)))

    assert failing.result() is False
    assert count(db) == sum(told)
    assert run(db, 9) == 1
    db.close()


def test_a_single_statement_on_a_database_that_is_not_there_is_out_of_service():
    for url in ("sqlite:////nessuna/cartella.db", "postgresql+psycopg://127.0.0.1:1/nessuno"):
        db = Database.open(url)
        with pytest.raises(OutOfService):
            run(db, 1)


def test_connections_that_the_server_closed_are_not_used_again(postgresql_url):
    db = Database.open(postgresql_url)
    run(db, 1)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with db.transaction() as session:
        session.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))

    with pytest.raises(OutOfService):
        run(db, 2)

    assert run(db, 3) == 1
    assert count(db) == 2
    db.close()


def test_a_reader_does_not_wait_for_a_writer(db):
    with db.transaction() as session:
        add(session, 1)

        assert count(db) == 0


def test_two_processes_on_one_file_wait_for_each_other(sqlite_url):
    """Two engines stand for two processes: the second writer waits for the first instead of being refused."""
    first, second = Database.open(sqlite_url), Database.open(sqlite_url)
    first_is_in = threading.Event()

    def hold() -> None:
        with first.transaction() as session:
            add(session, 1)
            first_is_in.set()
            threading.Event().wait(0.3)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        first_is_in.wait()
        with second.transaction() as session:
            add(session, 2)
        holding.result()

    assert count(first) == 2
    first.close()
    second.close()


def test_sqlite_is_durable_and_keeps_its_references(sqlite_url):
    db = Database.open(sqlite_url)
    with db.reading() as session:
        found = {name: session.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")}
        foreign_keys = session.exec_driver_sql("PRAGMA foreign_keys").scalar()
    db.close()

    assert (found, foreign_keys) == ({"journal_mode": "wal", "synchronous": 2}, 1)


@pytest.mark.parametrize("url", ["sqlite:////nessuna/cartella.db", "postgresql+psycopg://127.0.0.1:1/nessuno"])
def test_a_database_that_is_not_there_is_out_of_service(url):
    db = Database.open(url)

    assert db.ping() is False
    with pytest.raises(OutOfService), db.transaction():
        pass


def test_who_finds_all_connections_taken_is_told_that_there_is_no_room(database_url):
    """Not that the database is away: he may come again just as he is."""
    db = Database.open(database_url, pool_size=1, pool_wait_s=0.01)
    with ExitStack() as taken:
        # SQLite has one more, for who writes.
        for _ in range(1 if db.is_postgresql else 2):
            taken.enter_context(db.reading())

        with pytest.raises(Sovraccarico):
            taken.enter_context(db.reading())

    assert db.ping()
    db.close()


def test_a_database_that_comes_back_is_used_again(tmp_path: Path):
    folder = tmp_path / "disco"
    db = Database.open(f"sqlite:///{folder / 'prova.db'}")
    assert db.ping() is False

    folder.mkdir()

    assert db.ping() is True
    db.close()
