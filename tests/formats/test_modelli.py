"""An ente's own page template: found by its code, kept inside its folder, replaced by ours when it cannot be used."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from hub.domain.avviso import Avviso
from hub.formats import avviso as stampa
from hub.formats.avviso import render_avviso, render_con
from hub.formats.modelli import NOSTRO, ModelloRotto, find_modello
from tests.factories import make_avviso
from tests.formats.pages import text_of

HEAD = '#let a = json(bytes(sys.inputs.avviso))\n#set document(title: a.oggetto)\n#set text(lang: "it")\n'


@pytest.fixture
def modelli(tmp_path: Path) -> Path:
    (tmp_path / "modelli" / "C_PROVA").mkdir(parents=True)
    (tmp_path / "segreto.txt").write_text("segreto")
    (tmp_path / "modelli" / "segreto.txt").write_text("segreto")
    return tmp_path / "modelli"


def of_prova(**changes: object) -> Avviso:
    avviso = make_avviso(**changes)
    return replace(avviso, ente=replace(avviso.ente, cod_ipa_ente="C_PROVA"))


def write(modelli: Path, body: str, name: str = "avviso.typ") -> Path:
    path = modelli / "C_PROVA" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(body, encoding="utf-8")
    return path


def test_an_ente_with_a_template_has_its_own_page_and_the_others_ours(modelli: Path) -> None:
    write(modelli, HEAD + "= La pagina di #a.ente.nome\n#a.importo euro, avviso #a.numero")
    other = make_avviso()

    own = text_of(render_avviso(of_prova(), modelli))

    assert own == "La pagina di Comune di Prova 120,50 euro, avviso 3010 0000 0000 0001 44"
    assert render_avviso(other, modelli) == render_avviso(other)


def test_our_template_copied_into_the_folder_gives_the_same_page(modelli: Path) -> None:
    write(modelli, NOSTRO.read_text(encoding="utf-8"))

    assert render_con(of_prova(), modelli / "C_PROVA" / "avviso.typ") == render_avviso(of_prova())


def test_a_changed_template_is_seen_at_the_next_notice(modelli: Path) -> None:
    write(modelli, HEAD + '#include "parte.typ"')
    write(modelli, "prima", "parte.typ")
    assert text_of(render_avviso(of_prova(), modelli)) == "prima"

    write(modelli, "e dopo", "parte.typ")

    assert text_of(render_avviso(of_prova(), modelli)) == "e dopo"


def test_pictures_and_fonts_of_the_folder_are_at_hand(modelli: Path) -> None:
    write(modelli, HEAD + '#set text(font: "Roboto Mono")\n#image("stemma.png", alt: "Stemma")\nfatto')
    Image.new("L", (8, 8)).save(modelli / "C_PROVA" / "stemma.png")
    write(modelli, "non è un font", "fonts/nota.txt")

    assert text_of(render_avviso(of_prova(), modelli)) == "fatto"


def test_letters_that_no_font_draws_are_replaced_there_too(modelli: Path) -> None:
    write(modelli, HEAD + "#a.destinatario.nome")
    avviso = of_prova()

    pdf = render_avviso(replace(avviso, destinatario=replace(avviso.destinatario, anagrafica="李 Rossi")), modelli)

    assert text_of(pdf) == "? Rossi"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("#panic(1)", "panicked"),
        ("= senza titolo", "missing document title"),
        ('#read("/etc/passwd")', "file not found"),
        ('#read("../segreto.txt")', "escape the project root"),
        ('#read("../../segreto.txt")', "escape the project root"),
        ('#import "@preview/cetz:0.2.2"', "nomina un pacchetto"),
        (HEAD + "李", "could not be displayed"),
    ],
)
def test_a_template_that_cannot_be_used_is_told_once_and_ours_takes_its_place(
    modelli: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    monkeypatch.setattr(stampa, "_told", set())
    path = write(modelli, body)

    with capture_logs() as logs:
        pages = [render_avviso(of_prova(), modelli) for _ in range(3)]

    assert pages == [render_avviso(of_prova())] * 3
    (told,) = logs
    assert (told["event"], told["ente"]) == ("modello_rotto", "C_PROVA")
    assert words in told["problem"]
    with pytest.raises(ModelloRotto, match=words):
        render_con(of_prova(), path)


@pytest.mark.parametrize("what", ["file", "folder", "template"])
def test_a_link_out_of_the_folder_is_refused(modelli: Path, what: str) -> None:
    path = modelli / "C_PROVA" / "avviso.typ"
    if what == "template":
        outside = modelli / "altrove.typ"
        outside.write_text(HEAD + "fuori", encoding="utf-8")
        path.symlink_to(outside)
    else:
        write(modelli, HEAD + "dentro")
        assert text_of(render_con(of_prova(), path)) == "dentro"
        os.symlink("/etc/passwd" if what == "file" else "/etc", modelli / "C_PROVA" / "fuori")

    with pytest.raises(ModelloRotto, match="porta fuori dalla sua cartella"):
        render_con(of_prova(), path)


def test_a_folder_of_a_hundred_files_and_more_is_refused(modelli: Path) -> None:
    path = write(modelli, HEAD + "dentro")
    for number in range(101):
        write(modelli, "", f"{number}.txt")

    with pytest.raises(ModelloRotto, match="più di 100 file"):
        render_con(of_prova(), path)


@pytest.mark.parametrize("code", ["", "../C_PROVA", "C_PROVA/../C_PROVA", "c_prova", "C_ALTRO", ".", "C_PROVA\0"])
def test_only_the_code_of_an_ente_leads_to_a_template(modelli: Path, code: str) -> None:
    write(modelli, HEAD)

    assert find_modello(modelli, code) is None
    assert find_modello(None, "C_PROVA") is None
    assert find_modello(modelli, "C_PROVA") == modelli / "C_PROVA" / "avviso.typ"


def test_all_that_a_template_receives_is_in_its_document() -> None:
    document = (Path(__file__).parents[2] / "docs" / "avvisi.md").read_text(encoding="utf-8")

    received = stampa._data(make_avviso())
    names = [f"a.{key}" for key in received]
    inner = [f".{key}" for value in received.values() if isinstance(value, dict) for key in value]
    assert [name for name in names + inner if f"{name}`" not in document and f"{name}.nome`" not in document] == []
