"""What the configuration file says of the printed notice: texts, postal account, logo."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from hub.domain.configurazione import ConfigurazioneNonValida, Contatti, Ente
from hub.formats.configurazione import read_configurazione
from hub.formats.loghi import LOGO_SIZE_MAX_BYTES, prepare_logo
from tests.formats.test_configurazione import GOOD

AUTORIZZAZIONE = "AUT. DB/SISB/P1 1234 DEL 01/01/2020"


def make_png(mode: str = "RGB", size: tuple[int, int] = (250, 250), colour: object = "#0050b0") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")  # type: ignore[arg-type]
    return out.getvalue()


def _text(ente: str = "", tipo: str = "") -> bytes:
    """The good file, with more lines for the ente and more keys for its tipo."""
    text = GOOD.replace("    iban:", "".join(f"    {line}\n" for line in ente.splitlines()) + "    iban:")
    return text.replace('importo: "16.00"', f'importo: "16.00"{tipo and ", " + tipo}').encode()


def _read(ente: str = "", tipo: str = "", cartella: Path | None = None) -> Ente:
    (found,) = read_configurazione(_text(ente, tipo), cartella).enti
    return found


def test_what_the_notice_says_of_the_ente_is_read() -> None:
    ente = _read(
        f"beneficiario: Comune di Prova - Tesoreria\ncodice_cbill: ab12c\nautorizzazione_stampa: {AUTORIZZAZIONE}\n"
        "contatti: {indirizzo: Piazza Roma 1, telefono: '06 123', mail: a@b.example, sito: www.b.example}"
    )

    assert (ente.beneficiario, ente.codice_cbill) == ("Comune di Prova - Tesoreria", "AB12C")
    assert ente.autorizzazione_stampa == AUTORIZZAZIONE
    assert ente.contatti == Contatti("Piazza Roma 1", "06 123", "a@b.example", "www.b.example")


def test_what_the_notice_says_of_the_tipo_is_read() -> None:
    ente = _read(
        tipo="stampa_avviso: false, settore: Ufficio Tributi, intestatario_conto_postale: Tesoreria, "
        "iban_postale: it66 x076 0103 2000 0001 2345 678, conto_postale: '000012345678'"
    )

    assert ente.tipi is not None
    (tipo,) = ente.tipi
    assert (tipo.stampa_avviso, tipo.settore) == (False, "Ufficio Tributi")
    assert tipo.intestatario_conto_postale == "Tesoreria"
    assert (tipo.iban_postale, tipo.conto_postale) == ("IT66X0760103200000012345678", "12345678")


def test_without_these_keys_there_is_a_plain_notice() -> None:
    ente = _read()

    assert (ente.beneficiario, ente.codice_cbill, ente.autorizzazione_stampa) == (None, None, None)
    assert (ente.contatti, ente.logo) == (None, None)
    assert ente.tipi is not None and ente.tipi[0].stampa_avviso


@pytest.mark.parametrize(
    ("ente", "path", "words"),
    [
        ("codice_cbill: ABC1", "codice_cbill", "5 lettere o cifre"),
        ("codice_cbill: 12345", "codice_cbill", "fra virgolette"),
        ("autorizzazione_stampa: AUT. 1234", "autorizzazione_stampa", "AUT. ... DEL"),
        ("autorizzazione_stampa: 1234 DEL 2020", "autorizzazione_stampa", "AUT. ... DEL"),
        (f"autorizzazione_stampa: AUT. {'1' * 40} DEL 2020", "autorizzazione_stampa", "50 caratteri"),
        (f"beneficiario: {'x' * 71}", "beneficiario", "da 1 a 70"),
        ("contatti: Piazza Roma", "contatti", "attese chiavi"),
        ("contatti: {fax: '1'}", "contatti.fax", "chiave sconosciuta"),
        (f"contatti: {{mail: {'x' * 101}}}", "contatti.mail", "da 1 a 100"),
        ("logo: 12", "logo", "fra virgolette"),
        ("logo: '***'", "logo", "né base64 né il percorso"),
        ("logo: loghi/prova.png", "logo", "un percorso non si può seguire"),
        ("logo: cHJvdmE=", "logo", "non è un PNG leggibile"),
    ],
)
def test_a_wrong_value_of_the_ente_is_named_by_its_path(ente: str, path: str, words: str) -> None:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        _read(ente)

    assert words in dict(refusal.value.problems)[f"enti[0].{path}"]


@pytest.mark.parametrize(
    ("tipo", "path", "words"),
    [
        ("stampa_avviso: 1", "stampa_avviso", "true o false"),
        (f"settore: {'x' * 51}", "settore", "da 1 a 50"),
        ("iban_postale: IT60X0542811101000000123456", "iban_postale", "conto corrente postale"),
        ("iban_postale: IT67X0760103200000012345678", "iban_postale", "cifre di controllo"),
        ("conto_postale: '1234567890123'", "conto_postale", "da 1 a 12 cifre"),
        ("conto_postale: '0000'", "conto_postale", "da 1 a 12 cifre"),
        ("conto_postale: 12345678", "conto_postale", "fra virgolette"),
        ("conto_postale: '9', iban_postale: IT66X0760103200000012345678", "conto_postale", "12345678"),
        (f"intestatario_conto_postale: {'x' * 51}", "intestatario_conto_postale", "da 1 a 50"),
    ],
)
def test_a_wrong_value_of_the_tipo_is_named_by_its_path(tipo: str, path: str, words: str) -> None:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        _read(tipo=tipo)

    assert words in dict(refusal.value.problems)[f"enti[0].tipi[0].{path}"]


@pytest.mark.parametrize("form", ["plain", "lines", "address"])
def test_a_logo_in_base64_becomes_greys(form: str) -> None:
    text = base64.b64encode(make_png()).decode()
    if form == "lines":
        text = "|\n" + "\n".join("  " + text[start : start + 76] for start in range(0, len(text), 76))
    elif form == "address":
        text = "data:image/png;base64," + text

    logo = _read(f"logo: {text}").logo

    assert logo == prepare_logo(make_png())
    with Image.open(io.BytesIO(logo)) as image:
        assert (image.mode, image.size) == ("L", (250, 250))


def test_a_logo_in_a_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "prova.png").write_bytes(make_png())

    assert _read("logo: prova.png", cartella=tmp_path).logo == prepare_logo(make_png())
    with pytest.raises(ConfigurazioneNonValida, match=r"logo: file 'altro.png' non leggibile"):
        _read("logo: altro.png", cartella=tmp_path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_a_prepared_logo_is_small_and_comes_out_again_as_it_is(mode: str) -> None:
    ready = prepare_logo(make_png(mode, (900, 450), 0 if mode != "RGBA" else (0, 0, 0, 0)))

    with Image.open(io.BytesIO(ready)) as image:
        assert (image.mode, image.size) == ("L", (300, 150))
    assert prepare_logo(ready) == ready


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (b"", "non è un PNG"),
        (make_png()[:-30], "non è un PNG"),
        (b"GIF89a" + make_png(), "non è un PNG"),
        (make_png("L", (4100, 4100), 0), "16 milioni di punti"),
        (b"\x89PNG" + b"\0" * LOGO_SIZE_MAX_BYTES, "oltre 1024 KiB"),
    ],
    ids=["empty", "cut", "gif", "many_points", "heavy"],
)
def test_what_is_no_logo_is_refused_with_a_sentence(picture: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        prepare_logo(picture)
