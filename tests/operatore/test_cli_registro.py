"""`pontepa flusso list | show | scarica | annulla`, `pontepa export`: what an operator of the machine sees and gets."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.sftp.fake import SftpFinto
from hub.config_reading import load_config
from hub.formats.segreti import Cassaforte
from hub.ports import Archivio
from hub.store import schema
from tests.flussi import lay_flusso, lay_import, stati_di
from tests.test_cli import Shell
from tests.world import World


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scaricati").mkdir()
    return tmp_path / "scaricati"


def keep(archivio: Archivio, path: str, data: bytes) -> str:
    with archivio.write(path) as file:
        file.write(data)
    return path


def test_flows_are_listed_newest_first_and_chosen_by_ente_day_and_state(world: World, desk: Shell) -> None:
    day = timedelta(days=1)
    lay_import(world, "C_PROVA-F1-1_3", received_at=world.clock() - 3 * day)
    lay_import(world, "C_VICINO-F2-1_4", ente_id=2, stato_flusso="ANNULLATO", operatore="rossi")
    lay_import(world, "C_PROVA-F3-1_0", stato="IMPORT_ABORTITO", stato_flusso=None, codice_errore="PAA_IMPORT_NO_CSV")
    lay_import(world, "C_PROVA-F4-1_0", stato="AUTORIZZATO", stato_flusso=None, received_at=None)
    today = world.clock().date()

    def listed(*options: str) -> list[str]:
        rows = json.loads(desk.good("flusso", "list", "--json", *options))
        return [row["nome_file"].split("-")[1] for row in rows]

    assert listed() == ["F3", "F2", "F1"]
    assert "jti" not in desk.good("flusso", "list", "--json")
    assert listed("--ente", "C_PROVA") == ["F3", "F1"]
    assert listed("--dal", str(today - day)) == ["F3", "F2"]
    assert listed("--al", str(today - 2 * day)) == ["F1"]
    assert listed("--stato", "ANNULLATO") == ["F2"]
    assert listed("--stato", "IMPORT_ABORTITO") == ["F3"]
    assert listed("--limit", "1") == ["F3"]
    assert "C_VICINO  C_VICINO-F2-1_4.zip" in desk.good("flusso", "list")
    assert "C_NESSUNO sconosciuto" in desk.bad("flusso", "list", "--ente", "C_NESSUNO")


def test_a_flow_is_shown_by_token_and_by_name_with_its_progress(world: World, desk: Shell) -> None:
    row = lay_import(
        world, stato="IMPORT_IN_ELAB", stato_flusso="LOAD_FLOW", righe_totali=300, righe_caricate=290, csv_bytes=1000,
        csv_letti=250, finished_at=None, started_at=world.clock() - timedelta(seconds=100),
    )  # fmt: skip

    shown = json.loads(desk.good("flusso", "show", row.request_token, "--json"))

    assert (shown["righe"], shown["caricate"], shown["scartate"], shown["percento"]) == (300, 290, 10, 25)
    assert shown["righe_al_secondo"] in range(1, 4) and shown["rimasti_s"] >= 300
    assert json.loads(desk.good("flusso", "show", "C_PROVA-F1-1_3.zip", "--json"))["percento"] == 25
    assert "LOAD_FLOW" in desk.good("flusso", "show", "C_PROVA-F1-1_3")
    assert "flusso C_PROVA-F9-1_3 sconosciuto" in desk.bad("flusso", "show", "C_PROVA-F9-1_3")


def test_a_name_means_the_file_that_became_a_flow(world: World, desk: Shell) -> None:
    """Before the name is burned the same file may have been refused, and it may be tried again after."""
    lay_import(world, stato="IMPORT_ABORTITO", stato_flusso=None, received_at=world.clock() - timedelta(hours=1))
    loaded = lay_import(world)
    lay_import(world, stato="IMPORT_ABORTITO", stato_flusso=None)

    shown = json.loads(desk.good("flusso", "show", "C_PROVA-F1-1_3", "--json"))

    assert shown["request_token"] == loaded.request_token


def test_results_and_the_original_are_downloaded_under_their_names(
    world: World, desk: Shell, archivio: Archivio, folder: Path
) -> None:
    original = keep(archivio, "C_PROVA/IMPORT/2026_11/t/C_PROVA-F1-1_3.zip", b"originale")
    base = "C_PROVA/IMPORT_ELABORATI/2026_11/C_PROVA-F1-1_3/C_PROVA-F1-1_3"
    iuv, scarti = keep(archivio, f"{base}_IUV.zip", b"iuv"), keep(archivio, f"{base}_SCARTI.zip", b"scarti")
    row = lay_import(world, file=original, file_iuv=iuv, file_scarti=scarti)
    scarica = ("flusso", "scarica", row.request_token, "--in", str(folder))

    assert desk.good(*scarica).splitlines() == [
        str(folder / "C_PROVA-F1-1_3_SCARTI.zip"), str(folder / "C_PROVA-F1-1_3_IUV.zip"),
    ]  # fmt: skip
    assert desk.good(*scarica, "--originale") == f"{folder / 'C_PROVA-F1-1_3.zip'}\n"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "C_PROVA-F1-1_3.zip": b"originale", "C_PROVA-F1-1_3_IUV.zip": b"iuv", "C_PROVA-F1-1_3_SCARTI.zip": b"scarti",
    }  # fmt: skip
    assert "c'è già" in desk.bad(*scarica, "--iuv")
    assert "non ha: avvisi" in desk.bad(*scarica, "--avvisi")


def test_a_flow_without_results_or_whose_file_is_gone_says_so(world: World, desk: Shell, folder: Path) -> None:
    refused = lay_import(world, stato="IMPORT_ABORTITO", codice_errore="PAA_IMPORT_NO_CSV", file_iuv=None)
    gone = lay_import(world, "C_PROVA-F2-1_3")
    scarica = ("flusso", "scarica", "--in", str(folder))

    assert "(PAA_IMPORT_NO_CSV) non ha risultati" in desk.bad(*scarica, refused.request_token)
    assert "assente dall'archivio" in desk.bad(*scarica, gone.request_token)
    assert list(folder.iterdir()) == []


def test_a_flow_is_cancelled_after_a_yes(world: World, desk: Shell) -> None:
    flusso = lay_flusso(world, 3)

    result = desk.run("flusso", "annulla", "C_PROVA-F1-1_3")
    assert result.exit_code == 1 and stati_di(world, flusso) == [("INSERIMENTO_DOVUTO", True)] * 3
    said = desk.good("flusso", "annulla", "C_PROVA-F1-1_3", "--si")

    assert said == "flusso C_PROVA-F1-1_3.zip annullato: dovuti annullati 3, lasciati 0 pagati e 0 in pagamento\n"
    assert stati_di(world, flusso) == [("ANNULLATO", False)] * 3
    assert world.one(schema.flussi_import).annullato_da
    again = json.loads(desk.good("flusso", "annulla", flusso.request_token, "--si", "--json"))
    assert again == {"annullati": 3, "pagati": 0, "in_pagamento": 0}


def test_what_is_not_loaded_is_not_cancelled(world: World, desk: Shell) -> None:
    lay_import(world, stato="IMPORT_IN_ELAB", stato_flusso="LOAD_FLOW")

    assert "si annulla solo un flusso CARICATO" in desk.bad("flusso", "annulla", "C_PROVA-F1-1_3", "--si")


def lay_export(world: World, token: str, **values: object) -> None:
    row = {
        "request_token": token, "ente_id": 1, "genere": "PAGATI", "versione": "1.3", "stato": "EXPORT_ESEGUITO",
        "eseguibile_at": world.clock(), "created_at": world.clock(), "updated_at": world.clock(),
    }  # fmt: skip
    world.lay(schema.prenotazioni_export, **(row | values))


def test_exports_are_listed_shown_and_downloaded(world: World, desk: Shell, archivio: Archivio, folder: Path) -> None:
    path = keep(archivio, "C_PROVA/EXPORT/2026_11/C_PROVA-1_ESTRAZIONE_DOVUTI.zip", b"pagati")
    lay_export(world, "t-1", file=path, righe=7)
    lay_export(world, "t-2", stato="LOAD_EXPORT", ente_id=2, tipi=["TARI"])

    booked = world.rows(schema.prenotazioni_export)[0]
    window = {name: world.clock() for name in ("istante_da", "istante_a", "created_at", "updated_at")}
    world.lay(schema.consegne_export, ente_id=1, prenotazione_id=booked.id, stato="CONSEGNATA", **window)

    rows = json.loads(desk.good("export", "list", "--json"))
    assert [row["consegna"] for row in rows] == [None, "CONSEGNATA"]
    assert [(row["request_token"], row["cod_ipa_ente"]) for row in rows] == [("t-2", "C_VICINO"), ("t-1", "C_PROVA")]
    assert "t-1" not in desk.good("export", "list", "--stato", "LOAD_EXPORT")
    assert "t-2" not in desk.good("export", "list", "--ente", "C_PROVA")
    assert json.loads(desk.good("export", "show", "t-1", "--json"))["righe"] == 7
    assert desk.good("export", "scarica", "t-1", "--in", str(folder)) == f"{folder / Path(path).name}\n"
    assert (folder / Path(path).name).read_bytes() == b"pagati"
    assert "LOAD_EXPORT: non c'è un file" in desk.bad("export", "scarica", "t-2")
    assert "export t-9 sconosciuto" in desk.bad("export", "show", "t-9")


def test_the_server_of_an_ente_can_be_tried_and_is_not_written_on(world: World, desk: Shell) -> None:
    sealed = Cassaforte(load_config(None, desk.env).secret_key).seal("SegretoSftp")
    assert "non ha un recapito SFTP" in desk.bad("export", "prova", "C_PROVA")
    with SftpFinto() as finto:
        row = {"attivo": True, "ora": "02:00", "versione": "1.0", "ricevuta": False, "sftp_host": "127.0.0.1"}
        world.lay(
            schema.export_giornalieri, ente_id=1, sftp_porta=finto.port, sftp_utente=finto.utente, sftp_cartella="",
            sftp_chiave_host=finto.chiave_host, sftp_password_cifrata=sealed, **row,
        )  # fmt: skip
        assert "lascia entrare" in desk.good("export", "prova", "C_PROVA")
        finto.cartelle.remove("")
        assert "CARTELLA_ASSENTE" in desk.bad("export", "prova", "C_PROVA")
        finto.password = "Altra"
        assert "non si possono lasciare file (AuthenticationException)" in desk.bad("export", "prova", "C_PROVA")
        assert finto.files == {}
