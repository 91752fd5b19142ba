"""Files of the archive against the size and the digest that their rows keep."""

from __future__ import annotations

from hub.store import schema
from hub.usecases.verifica import CONTROLLO_FILE, Esame, verifica
from tests.importati import Stabilimento
from tests.tracciati import make_campi
from tests.world import World


def look(world: World) -> Esame:
    (esame,) = verifica(world.db, [CONTROLLO_FILE], world.runtime.archivio, lambda *_: None, limit=10)
    return esame


def bring(world: World) -> str:
    """A flow whose file is in the archive; its path."""
    stabilimento = Stabilimento(world)
    return str(stabilimento.flusso(stabilimento.send("F1", make_campi())).file)


def test_a_file_that_is_as_it_came_is_right(small_world: World) -> None:
    bring(small_world)

    assert look(small_world).totale == 0


def test_a_file_that_was_changed_is_found(small_world: World) -> None:
    path = bring(small_world)
    archivio = small_world.runtime.archivio
    with archivio.open(path) as file:
        data = file.read()
    with archivio.write(path) as file:
        file.write(bytes([data[0] ^ 1]) + data[1:])

    (rilievo,) = look(small_world).rilievi

    assert (rilievo.tabella, rilievo.id, rilievo.ente_id) == ("flussi_import", "1", 1)
    assert "impronta" in rilievo.dettaglio


def test_a_file_that_was_cut_short_is_found(small_world: World) -> None:
    with small_world.runtime.archivio.write(bring(small_world)) as file:
        file.write(b"PK")

    (rilievo,) = look(small_world).rilievi

    assert "ha 2 byte" in rilievo.dettaglio


def test_a_file_that_is_gone_is_found(small_world: World) -> None:
    small_world.runtime.archivio.delete(bring(small_world))

    (rilievo,) = look(small_world).rilievi

    assert "non è nell'archivio" in rilievo.dettaglio


def test_a_path_that_leads_out_of_the_archive_is_found(small_world: World) -> None:
    bring(small_world)
    small_world.change(schema.flussi_import, "id", 1, file="../../etc/passwd")

    assert look(small_world).totale == 1
