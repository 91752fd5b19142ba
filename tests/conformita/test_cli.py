"""`pontepa conformance`: what it writes and prints, how it ends; and the page of its rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs import conformita
from hub.domain.conformita import REGOLE
from tests.conformita.mensa_rotto import MensaRotta
from tests.conformita.stage import serve
from tests.test_cli import Shell
from tests.world import World, small_world

__all__ = ["small_world"]
FILES = ["conformita.html", "conformita.json", "conformita.xml"]


@pytest.fixture
def shell(small_world: World, tmp_path: Path) -> Shell:
    shell = Shell(small_world.db.url)
    shell.env["PONTEPA_DATA_DIR"] = str(tmp_path)
    return shell


def test_nothing_seen_ends_with_0_and_says_so(shell: Shell, tmp_path: Path) -> None:
    ended = shell.run("conformance", "--ente", "C_PROVA", "--uscita", str(tmp_path / "r"), "--senza-hub")

    assert ended.exit_code == 0
    assert "nessuna chiamata registrata" in ended.stderr and "certificato autofirmato" in ended.stdout
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == FILES


def test_a_violation_is_printed_with_its_mend_and_ends_with_1(small_world: World, shell: Shell, tmp_path: Path) -> None:
    with serve(small_world) as banco:
        client = MensaRotta(banco.url)
        client.importo_con_un_decimale()
    arguments = ("conformance", "--ente", "C_PROVA", "--uscita", str(tmp_path / "r"), "--senza-hub")

    ended = shell.run(*arguments)
    as_json = json.loads(shell.run(*arguments, "--json").stdout)
    later = shell.run(*arguments, "--da", "2999-01-01T00:00:00")

    assert ended.exit_code == 1 and ended.stderr.endswith("regole violate: 1\n")
    assert "CON-11 VIOLATA: Gli importi hanno il punto" in ended.stdout and "Scrivere 10.50" in ended.stdout
    assert as_json["conto"]["VIOLATA"] == 1 and as_json["prove"]["chiamate"] == 1
    assert later.exit_code == 0


def test_a_report_is_verified_with_the_files_beside_it(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    shell.good("conformance", "--ente", "C_PROVA", "--uscita", str(folder), "--senza-hub")
    xml = folder / "conformita.xml"

    said = json.loads(shell.good("conformance", "--verifica", str(xml), "--json"))
    assert (said["ente"], said["autofirmato"], said["conforme"]) == ("C_PROVA", True, True)
    assert said["allegati"] == {"conformita.html": "intero", "conformita.json": "intero"}

    (folder / "conformita.html").write_text("un'altra pagina")
    assert "non è quello firmato" in shell.run("conformance", "--verifica", str(xml)).stderr

    xml.write_bytes(xml.read_bytes().replace(b"C_PROVA", b"C_ALTRO"))
    ended = shell.run("conformance", "--verifica", str(xml))
    assert ended.exit_code == 1 and "la firma non c'è, o non è di questo documento" in ended.stderr


def test_a_key_of_ones_own_signs_and_another_certificate_is_not_taken_for_it(shell: Shell, tmp_path: Path) -> None:
    from tests.conformita.test_rapporto import IDENTITA, ec_identity

    key, mine, other = (tmp_path / name for name in ("k.pem", "c.pem", "d.pem"))
    identity = ec_identity()
    key.write_bytes(identity.chiave)
    mine.write_bytes(identity.certificato)
    other.write_bytes(IDENTITA.certificato)
    folder = tmp_path / "r"
    shell.good(
        "conformance", "--ente", "C_PROVA", "--uscita", str(folder), "--senza-hub", "--chiave", str(key),
        "--certificato", str(mine),
    )  # fmt: skip
    xml = str(folder / "conformita.xml")

    assert "Regione di prova" in shell.good("conformance", "--verifica", xml, "--certificato", str(mine))
    assert "un altro certificato" in shell.run("conformance", "--verifica", xml, "--certificato", str(other)).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ente", "C_PROVA"), "servono --ente e --uscita"),
        (("--ente", "C_PROVA", "--uscita", "r", "--da", "ieri"), "atteso un istante"),
    ],
)
def test_wrong_usage_ends_with_2(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    ended = shell.run("conformance", *arguments)

    assert ended.exit_code == 2 and words in ended.stderr


def test_an_unknown_ente_is_refused(shell: Shell, tmp_path: Path) -> None:
    ended = shell.run("conformance", "--ente", "C_NESSUNO", "--uscita", str(tmp_path), "--senza-hub")

    assert ended.exit_code == 1 and "C_NESSUNO" in ended.stderr


def test_the_page_of_the_rules_is_the_one_the_code_generates() -> None:
    """Written again with `make docs`."""
    page = conformita.FILE.read_text(encoding="utf-8")

    assert page == conformita.render()
    assert all(f"| {regola.codice}" in page for regola in REGOLE)
