"""`pontepa archivio check`, and what the other commands say of files whose time to be kept is over."""

from __future__ import annotations

import json
from datetime import timedelta

from hub.ports import Archivio
from hub.store import pulizie_archivio, schema
from tests.flussi import lay_import
from tests.pulizia import DAY, MESE, keep, paths
from tests.test_cli import Shell
from tests.world import World


def lay_export(world: World, stato: str = "EXPORT_ESEGUITO", file: str | None = None, age: timedelta = DAY) -> str:
    at = world.clock() - age
    world.lay(
        schema.prenotazioni_export, request_token="un-export", ente_id=1, genere="PAGATI", stato=stato, file=file,
        created_at=at, updated_at=at, eseguibile_at=at, finished_at=at,
    )  # fmt: skip
    return "un-export"


def test_a_check_tells_what_would_go_and_removes_nothing(world: World, desk: Shell, archivio: Archivio) -> None:
    named = lay_import(world, file_iuv=None).file
    lost = f"C_PROVA/IMPORT/{MESE}/di-nessuno/aaaaaaaa/C_PROVA-F9-1_3.zip"
    old = f"C_PROVA/EXPORT/{MESE}/1_ESTRAZIONE_DOVUTI_x.zip"
    lay_export(world, file=old, age=100 * DAY)
    for path in (named, lost, old):
        keep(archivio, path)

    without = json.loads(desk.good("archivio", "check", "--json"))
    desk.env["PONTEPA_CONSERVA_EXPORT_GIORNI"] = "90"
    found = json.loads(desk.good("archivio", "check", "--json"))

    gone = {"motivo": "SCONOSCIUTO", "path": lost, "size_bytes": 10, "giorni": 30}
    assert without == {"da_togliere": [gone], "mancanti": []}
    assert found["da_togliere"] == [
        {"motivo": "EXPORT_SCADUTO", "path": old, "size_bytes": 10, "giorni": None}, gone,
    ]  # fmt: skip
    assert "da togliere: 2 file, 20 byte" in desk.good("archivio", "check")
    assert paths(archivio) == {named, lost, old}


def test_a_check_ends_in_error_when_a_named_file_is_missing(world: World, desk: Shell, archivio: Archivio) -> None:
    row = lay_import(world)
    keep(archivio, row.file)
    export = lay_export(world, file=f"C_PROVA/EXPORT/{MESE}/1_ESTRAZIONE_DOVUTI_x.zip")

    ran = desk.run("archivio", "check", "--json")

    assert ran.exit_code == 1 and "mancano dall'archivio 2 file" in ran.stderr
    assert json.loads(ran.stdout)["mancanti"] == [
        {"registro": "flusso", "request_token": row.request_token, "path": row.file_iuv},
        {"registro": "export", "request_token": export, "path": f"C_PROVA/EXPORT/{MESE}/1_ESTRAZIONE_DOVUTI_x.zip"},
    ]
    assert "mancanti: 2 file" in desk.run("archivio", "check").stdout


def test_a_check_of_an_archive_in_order_says_so(world: World, desk: Shell, archivio: Archivio) -> None:
    lay_import(world, file=None, file_iuv=None, file_rimossi_at=world.clock())
    lay_export(world, "EXPORT_CANCELLATO")

    assert desk.good("archivio", "check").splitlines() == ["da togliere: 0 file, 0 byte", "mancanti: 0 file"]


def test_a_file_whose_time_is_over_is_said_to_be_gone_and_why(world: World, desk: Shell) -> None:
    row = lay_import(world, file=None, file_iuv=None, file_rimossi_at=world.clock())
    export = lay_export(world, "EXPORT_CANCELLATO")

    for options in ((), ("--originale",), ("--iuv",)):
        said = desk.bad("flusso", "scarica", row.request_token, *options)
        assert "sono stati tolti il" in said and "PONTEPA_CONSERVA_FLUSSI_GIORNI" in said
    said = desk.bad("export", "scarica", export)
    assert "è stato tolto il" in said and "PONTEPA_CONSERVA_EXPORT_GIORNI" in said
    assert json.loads(desk.good("flusso", "show", row.request_token, "--json"))["file_rimossi_at"] is not None
    assert json.loads(desk.good("export", "list", "--json"))[0]["stato"] == "EXPORT_CANCELLATO"


def test_a_suspended_sweep_is_told_and_resumed(world: World, desk: Shell) -> None:
    with world.db.transaction() as session:
        pulizie_archivio.suspend(session, world.clock())
    when = f"{world.clock():%Y-%m-%d %H:%M} UTC"

    told = desk.good("archivio", "check"), desk.run("doctor").stdout
    since = json.loads(desk.good("archivio", "check", "--json"))["sospesa_at"]

    assert all(f"dal {when}" in one and "pontepa archivio resume" in one for one in told)
    assert since == world.clock().isoformat()
    assert "la pulizia riprende" in desk.good("archivio", "resume")
    assert "non era sospesa" in desk.good("archivio", "resume")
    assert "sospesa" not in desk.good("archivio", "check") + desk.run("doctor").stdout
