"""The example clients in Python, run as their reader would run them."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path

from hub.formats.resources import resource
from tests.interop.conftest import Client, play_story
from tests.interop.hub import CARRELLO, RunningHub

PERMESSI = [f"--permesso={ente}:{codice}:{importo}" for (ente, codice), importo in zip(
    CARRELLO.items(), ("35.00", "20.00"), strict=True
)]  # fmt: skip


def command(name: str, hub: RunningHub, *more: str) -> list[str]:
    return [sys.executable, str(resource("examples", name)), "--wsdl", hub.wsdl, "--attesa", "60", "--json", *more]


def test_the_canteen_is_paid(running_hub: RunningHub, tmp_path: Path) -> None:
    receipt = play_story(running_hub, command("mensa_client.py", running_hub), tmp_path)

    assert (receipt["esito"], receipt["importo"]) == ("0", "12.50")


def test_a_permit_of_two_towns_is_paid_once_and_each_has_its_receipt(running_hub: RunningHub, tmp_path: Path) -> None:
    client = Client(command("ztl_client.py", running_hub, *PERMESSI), tmp_path)
    try:
        sent = client.step("inviato")
        running_hub.pay(sent["url"])
        found = [client.step("esito"), client.step("esito")]
        assert client.end() == 0
    finally:
        client.stop()

    assert [(one["ente"], one["stato"], one["importo"]) for one in found] == [
        ("C_PROVA", "PAGATO", "35.00"), ("C_VICINO", "PAGATO", "20.00")
    ]  # fmt: skip
    assert [one["iud"] for one in found] == sent["iud"]
    assert len({one["iuv"] for one in found}) == 2


ELENCO = "iud;codice_fiscale;nome;importo;scadenza;causale\n"


def test_a_bill_run_is_loaded_and_each_debt_has_a_number_and_a_notice(running_hub: RunningHub, tmp_path: Path) -> None:
    run = uuid.uuid4().hex[:12]
    elenco = tmp_path / "elenco.csv"
    elenco.write_text(
        f"{ELENCO}{run}-1;RSSMRA80A01H501U;Mario Rossi;84.30;2099-12-31;Tassa rifiuti, prima rata\n"
        f"{run}-2;RSSMRA80A01H501U;Mario Rossi;84,30;2099-12-31;Tassa rifiuti, seconda rata\n"
        f"{run}-3;12345678903;Bar Sport srl;210.00;2099-12-31;Tassa rifiuti\n"
    )
    wanted = [*command("tributi_flusso.py", running_hub, "--cartella", str(tmp_path / "avvisi")), str(elenco)]

    done = subprocess.run(wanted, cwd=tmp_path, capture_output=True, text=True, timeout=90)

    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["passo"] for step in steps] == ["caricato", "avviso", "avviso", "scarto"], done.stderr
    # A row that cannot be loaded holds back no other, and the office hears of it.
    assert done.returncode == 1
    assert [step["iud"] for step in steps[1:]] == [f"{run}-1", f"{run}-3", f"{run}-2"]
    assert steps[3]["codice"]
    numbers = [step["iuv"] for step in steps[1:3]]
    assert sorted(path.name for path in (tmp_path / "avvisi").iterdir()) == sorted(
        f"avviso_{iuv}.pdf" for iuv in numbers
    )
    assert all(path.read_bytes().startswith(b"%PDF") for path in (tmp_path / "avvisi").iterdir())


def test_who_has_no_leave_to_collect_for_a_town_is_refused(running_hub: RunningHub, tmp_path: Path) -> None:
    wrong = command("ztl_client.py", running_hub, *PERMESSI, "--password-stazione", "sbagliata99")

    done = subprocess.run(wrong, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (1, "") and "PAA_ENTE_NON_VALIDO" in done.stderr
