"""The command that prints a notice of nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.formats.pages import text_of
from tests.test_cli import Shell, configured, shell

__all__ = ["configured", "shell"]


def test_a_notice_of_nobody_shows_what_the_ente_has_configured(configured: Shell, tmp_path: Path) -> None:
    file = tmp_path / "prova.pdf"

    assert str(file) in configured.good("ente", "prova-avviso", "C_PROVA", str(file), "--tipo", "TARI")

    text = text_of(file.read_bytes())
    assert "Comune di Prova" in text and "PROVA DI STAMPA, NON PAGARE" in text and "1.234,56 Euro" in text


def test_the_template_of_the_ente_is_tried_and_its_mistake_told(
    configured: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    modello = tmp_path / "var" / "modelli" / "C_PROVA" / "avviso.typ"
    modello.parent.mkdir(parents=True)
    modello.write_text('#let a = json(bytes(sys.inputs.avviso))\n#set document(title: "x")\nNostra: #a.oggeto')
    prova = ("ente", "prova-avviso", "C_PROVA", "prova.pdf")

    refusal = configured.bad(*prova)

    assert "oggeto" in refusal and "avviso.typ:3" in refusal
    assert not (tmp_path / "prova.pdf").exists()
    modello.write_text(modello.read_text().replace("oggeto", "oggetto"))
    configured.good(*prova)
    assert text_of((tmp_path / "prova.pdf").read_bytes()).startswith("Nostra: PROVA DI STAMPA")


def test_what_is_not_there_is_a_sentence(configured: Shell, tmp_path: Path) -> None:
    file = str(tmp_path / "prova.pdf")

    assert "C_IGNOTO" in configured.bad("ente", "prova-avviso", "C_IGNOTO", file)
    assert "nessun tipo IGNOTO" in configured.bad("ente", "prova-avviso", "C_PROVA", file, "--tipo", "IGNOTO")
