"""The printed notice as a PDF (tagged, PDF/UA-1) and the ZIP that carries it.

The page is `stampa/avviso.typ`, or one of the ente's own (docs/avvisi.md); this file gives it its texts, already as
they are printed.
Source: pagoPA, technical guide of the payment notice, annex 2 (lengths, QR code); Poste Italiane, "bollettino PA".
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zxingcpp

from hub.domain import avviso as regole
from hub.domain.avviso import Avviso
from hub.domain.documenti import Soggetto
from hub.domain.iuv import format_avviso
from hub.formats.importi import italiano_from_cent
from hub.formats.loghi import logo_svg
from hub.formats.modelli import NOSTRO, ModelloRotto, NonDisegnabile, compile_pdf, find_modello
from hub.formats.testi import clean
from hub.log import get_logger

# What the paper has room for. Source: technical guide, annex 2; the ente's name since version 3.5.1 (February 2026).
_OGGETTO_MAX = 90
_ENTE_MAX = 100
_SETTORE_MAX = 50
_CONTATTI_MAX = 100
_NOME_MAX = 70
_VIA_MAX = 90
_LOCALITA_MAX = 50
_CODICE_MAX = 16
_CBILL_MAX = 5
_INTESTATARIO_MAX = 50
_BOLLETTINO_NOME_MAX = 35
_AUTORIZZAZIONE_MAX = 50

# A run of characters without a blank must fit the narrowest box: so many of the narrow kind, half as many of the wide.
_PAROLA_MAX = 48
_LARGHI = re.compile(r"[^a-z0-9.,:;'()\-/]|[mw]")

_AUTORIZZAZIONE = re.compile(r"(?=\bDEL\b)", re.IGNORECASE)

# A ZIP entry's time is of no use here, and without it equal notices give equal bytes. The oldest that ZIP can say.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

# What our own font draws beside the Latin letters of Unicode's first blocks, which end before 0x180.
_SEGNI = "–—‘’‚“”„†‡•…‹›€™\N{ZERO WIDTH SPACE}"
_LATINI_FINE = 0x180

# Templates that could not be used, as they were told in the log: once for each thing that was wrong.
_told: set[str] = set()
_TOLD_MAX = 1000


def render_avviso(avviso: Avviso, modelli: Path | None = None) -> bytes:
    """Return the notice as a PDF of one A4 page. Equal notices give equal bytes.

    `modelli`: the folder where enti have templates of their own; one that cannot be used is told in the log, and ours
    takes its place. Letters that no font at hand can draw are printed as `?`; a logo that cannot be read is left out.
    """
    modello = find_modello(modelli, avviso.ente.cod_ipa_ente)
    if modello is not None:
        try:
            return render_con(avviso, modello)
        except ModelloRotto as error:
            _tell(avviso.ente.cod_ipa_ente, str(error))
    return render_con(avviso, NOSTRO)


def render_con(avviso: Avviso, modello: Path) -> bytes:
    """Return the notice as this template makes it. Raises: ModelloRotto."""
    data = _data(avviso)
    try:
        return compile_pdf(data, modello)
    except NonDisegnabile:
        # Which letters cannot be drawn, only the compiler's refusal tells.
        plain = _each_text(data, _latino)
    try:
        return compile_pdf(plain, modello)
    except NonDisegnabile as error:
        raise ModelloRotto(f"modello {modello}: {error}") from error


def _tell(cod_ipa_ente: str, problem: str) -> None:
    if problem not in _told and len(_told) < _TOLD_MAX:
        _told.add(problem)
        get_logger().error("modello_rotto", ente=cod_ipa_ente, problem=problem)


def zip_avviso(avviso: Avviso, pdf: bytes) -> bytes:
    """Return the ZIP with the PDF as its only entry, `avviso_{tax code of the ente}_{IUV}.pdf`.

    Source: pa-per-ente, paaSILImportaDovuto, `base64ZipAvviso`.
    """
    entry = zipfile.ZipInfo(f"{avviso.nome_file}.pdf", _ZIP_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, pdf)
    return out.getvalue()


def _data(avviso: Avviso) -> dict[str, Any]:
    """Return what the template places: each text cleaned, cut and in the form that is printed."""
    ente, destinatario = avviso.ente, avviso.destinatario
    return {
        "oggetto": _text(avviso.causale, _OGGETTO_MAX),
        "ente": {
            "nome": _text(ente.nome, _ENTE_MAX),
            "codice": ente.codice_fiscale,
            "cbill": _text(ente.cbill, _CBILL_MAX).upper() or "-",
            "settore": _text(ente.settore, _SETTORE_MAX),
            "contatti": _text(ente.contatti, _CONTATTI_MAX),
            "logo": logo_svg(ente.logo) if ente.logo else None,
        },
        "destinatario": {
            "nome": _text(destinatario.anagrafica, _NOME_MAX),
            "codice": _text(destinatario.codice, _CODICE_MAX).upper(),
            "indirizzo": _indirizzo(destinatario),
        },
        "importo": italiano_from_cent(avviso.importo_cent),
        "scadenza": f"{avviso.scadenza:%d/%m/%Y}" if avviso.scadenza else None,
        "numero": format_avviso(avviso.numero_avviso),
        "qr": _qr_svg(regole.qr_text(avviso)),
        "bollettino": _bollettino(avviso),
    }


def _bollettino(avviso: Avviso) -> dict[str, Any] | None:
    conto = avviso.conto_postale
    if conto is None or not avviso.has_bollettino:
        return None
    autorizzazione = _text(conto.autorizzazione, _AUTORIZZAZIONE_MAX)
    return {
        "conto": conto.numero,
        "intestatario": _text(conto.intestatario, _INTESTATARIO_MAX),
        "destinatario": _text(avviso.destinatario.anagrafica, _BOLLETTINO_NOME_MAX),
        "autorizzazione": [part.strip() for part in _AUTORIZZAZIONE.split(autorizzazione, maxsplit=1) if part],
        "codeline": regole.codeline(avviso),
        "data_matrix": _data_matrix_svg(regole.data_matrix_text(avviso)),
    }


def _indirizzo(soggetto: Soggetto) -> list[str]:
    """Return the lines of the address: street, number; postal code, town, province. What is missing leaves no trace."""
    provincia = f"({soggetto.provincia})" if soggetto.provincia else ""
    lines = (
        ((soggetto.indirizzo, soggetto.civico), _VIA_MAX),
        ((soggetto.cap, soggetto.localita, provincia), _LOCALITA_MAX),
    )
    texts = (_text(" ".join(part for part in parts if part), length_max) for parts, length_max in lines)
    return [text for text in texts if text]


def _text(text: str | None, length_max: int) -> str:
    """Return the text as it is printed: without control characters, those that turn writing round included, and cut."""
    visible = "".join(c for c in text or "" if unicodedata.category(c) != "Cf")
    visible = unicodedata.normalize("NFC", clean(visible, len(visible)))
    if len(visible) > length_max:
        visible = visible[: length_max - 1].rstrip() + "…"
    return " ".join(_breakable(word) for word in visible.split(" "))


def _breakable(word: str) -> str:
    """Return the word, with leave to break anywhere if it would outgrow its box; words of any language stay whole."""
    width = len(word) + len(_LARGHI.findall(word))
    return word if width <= _PAROLA_MAX else "\N{ZERO WIDTH SPACE}".join(word)


def _latino(text: str) -> str:
    """Return the text in letters that our own font draws: other letters lose their marks, or become `?`."""
    return "".join(c if ord(c) < _LATINI_FINE or c in _SEGNI else _base(c) for c in text)


def _base(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0]
    return base if ord(base) < _LATINI_FINE else "?"


def _each_text(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, dict):
        return {key: _each_text(value, change) for key, value in data.items()}
    if isinstance(data, list):
        return [_each_text(value, change) for value in data]
    return change(data) if isinstance(data, str) else data


def _qr_svg(text: str) -> str:
    # Version 4, level M, UTF-8: the technical guide of the notice, "Codice QR".
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M", version=4)
    return str(code.to_svg(add_quiet_zones=False))


def _data_matrix_svg(text: str) -> str:
    return str(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix).to_svg(add_quiet_zones=False))
