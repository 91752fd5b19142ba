"""Every example client, in every language that can be had here, told its story by a living hub.

`pytest tests/interop/test_esempi.py`; a language that is not on the machine is skipped, with the name of its package.
"""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.interop.conftest import Client, play_story
from tests.interop.hub import CARRELLO, RunningHub
from tests.interop.lingue import FLUSSO, LINGUE, MENSA, TRIBUTI, ZTL, LinguaAssente, command

PERMESSI = [f"{ente}:{codice}:{importo}" for (ente, codice), importo in zip(
    CARRELLO.items(), ("35.00", "20.00"), strict=True
)]  # fmt: skip
Run = Callable[[str, Mapping[str, str | list[str]]], list[str]]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where programs are compiled, once for all their stories."""
    return tmp_path_factory.mktemp("esempi")


@pytest.fixture(params=LINGUE)
def run(request: pytest.FixtureRequest, built: Path, running_hub: RunningHub) -> Run:
    """The command of a program in one of the languages, given its name and options."""

    def of(program: str, options: Mapping[str, str | list[str]]) -> list[str]:
        try:
            return command(request.param, built, program, running_hub, options)
        except LinguaAssente as reason:
            pytest.skip(str(reason))

    return of


def test_the_canteen_is_paid(run: Run, running_hub: RunningHub, tmp_path: Path) -> None:
    receipt = play_story(running_hub, [*run(MENSA, {"attesa": "60"}), "--json"], tmp_path)

    assert (receipt["esito"], receipt["importo"], len(receipt["iuv"])) == ("0", "12.50", 17)
    assert receipt["iur"]


def test_the_canteen_reads_why_it_was_refused(run: Run, tmp_path: Path) -> None:
    done = subprocess.run(
        run(MENSA, {"password": "Sbagliata123"}), cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (1, "") and "PAA_ENTE_NON_VALIDO" in done.stderr


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"tipo": "LAMPADE"}, "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO"),
        ({"tassonomia": "lampade"}, "datiSpecificiRiscossione"),
    ],
)
def test_the_canteen_asks_for_the_tipo_that_it_is_told(
    run: Run, tmp_path: Path, options: dict[str, str], refusal: str
) -> None:
    done = subprocess.run(run(MENSA, options), cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (1, "") and refusal in done.stderr


def test_the_tax_office_prints_a_notice_that_is_paid_at_a_counter(
    run: Run, running_hub: RunningHub, tmp_path: Path
) -> None:
    pdf = tmp_path / "avviso.pdf"
    client = Client([*run(TRIBUTI, {"attesa": "60", "pdf": str(pdf)}), "--json"], tmp_path)
    try:
        notice = client.step("avviso")
        assert pdf.read_bytes().startswith(b"%PDF") and notice["numero"] == f"3{notice['iuv']}"
        running_hub.pay_notice(notice["numero"])
        receipt = client.step("ricevuta")
        assert client.end() == 0
    finally:
        client.stop()

    assert (receipt["esito"], receipt["importo"], receipt["iuv"]) == ("0", "84.30", notice["iuv"])
    assert receipt["iud"] == notice["iud"]


def test_a_permit_of_two_towns_is_paid_once_and_each_has_its_receipt(
    run: Run, running_hub: RunningHub, tmp_path: Path
) -> None:
    client = Client([*run(ZTL, {"attesa": "60", "permesso": PERMESSI}), "--json"], tmp_path)
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
    assert len({one["iuv"] for one in found}) == len({one["iud"] for one in found}) == 2


def test_who_has_no_leave_to_collect_for_a_town_is_refused(run: Run, tmp_path: Path) -> None:
    wrong = run(ZTL, {"permesso": PERMESSI, "password-stazione": "sbagliata99"})

    done = subprocess.run(wrong, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (1, "") and "PAA_ENTE_NON_VALIDO" in done.stderr


def write_elenco(folder: Path, names: str) -> Path:
    """Three debts, the second of which cannot be loaded: its amount has a comma."""
    elenco = folder / "elenco.csv"
    elenco.write_text(
        "\ufeffiud;codice_fiscale;nome;importo;scadenza;causale\n"
        f'{names}-1;RSSMRA80A01H501U;Niccolò D\'Aquì;84.30;2099-12-31;"Tassa rifiuti; prima ""rata"""\n'
        f'{names}-2;RSSMRA80A01H501U;Mario Rossi;84,30;2099-12-31;"Tassa rifiuti; seconda ""rata"""\n'
        f"{names}-3;12345678903;Bar Sport srl;210.00;2099-12-31;Tassa rifiuti\n",
        encoding="utf-8",
    )
    return elenco


def test_a_bill_run_is_loaded_and_each_debt_has_a_number_and_a_notice(run: Run, tmp_path: Path) -> None:
    names, folder = uuid.uuid4().hex[:12], tmp_path / "avvisi"
    options = {"elenco": str(write_elenco(tmp_path, names)), "attesa": "60", "cartella": str(folder), "iuf": names}
    words = [*run(FLUSSO, options), "--json"]

    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=90)
    again = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=90)

    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["passo"] for step in steps] == ["caricato", "avviso", "avviso", "scarto"], done.stderr
    # A row that cannot be loaded holds back no other, and the office hears of it.
    assert done.returncode == 1
    assert steps[0]["nome"] == f"C_PROVA-{names}-1_3"
    assert [step["iud"] for step in steps[1:]] == [f"{names}-1", f"{names}-3", f"{names}-2"]
    assert steps[3]["codice"] and steps[3]["motivo"]
    numbers = [step["iuv"] for step in steps[1:3]]
    assert [step["avviso"] for step in steps[1:3]] == [f"3{iuv}" for iuv in numbers]
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"avviso_{iuv}.pdf" for iuv in numbers)
    assert all(path.read_bytes().startswith(b"%PDF") for path in folder.iterdir())
    # The upload of a flow whose name was used is refused; the words of the refusal are told.
    assert (again.returncode, again.stdout) == (1, "") and "Rifiutato. 400: " in again.stderr and names in again.stderr


def test_a_bill_run_whose_list_cannot_be_read_is_not_begun(run: Run, tmp_path: Path) -> None:
    done = subprocess.run(
        run(FLUSSO, {"elenco": "manca.csv"}), cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (1, "") and "L'elenco non si legge" in done.stderr
