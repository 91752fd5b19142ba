"""The part of the configuration file that is about the printed notice. Source: flows, 5.2, 8.1 and 8.2."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

from hub.domain.avviso import conto_from_iban
from hub.domain.configurazione import Contatti
from hub.formats import iban
from hub.formats.campi import Campi
from hub.formats.loghi import LOGO_SIZE_MAX_BYTES, prepare_logo

CHIAVI_ENTE = ("beneficiario", "codice_cbill", "autorizzazione_stampa", "contatti", "logo")
CHIAVI_TIPO = ("stampa_avviso", "settore", "iban_postale", "conto_postale", "intestatario_conto_postale")

_CONTATTI = {"indirizzo": 100, "telefono": 70, "mail": 100, "sito": 100}
_DATA_URL = "data:image/png;base64,"


def read_stampa_ente(campi: Campi, cartella: Path | None) -> dict[str, Any]:
    """Return the fields of an ente that its notices print. `cartella`: where paths in the file begin, if anywhere."""
    cbill = campi.optional_text("codice_cbill", pattern=r"[A-Za-z0-9]{5}", rule="5 lettere o cifre")
    return {
        "beneficiario": campi.optional_text("beneficiario", length_max=70),
        "codice_cbill": cbill and cbill.upper(),
        "autorizzazione_stampa": campi.optional_text(
            "autorizzazione_stampa", pattern=r"(?i)AUT\b.{1,36}\bDEL\b.+", length_max=50,
            rule="il testo di Poste Italiane, nella forma AUT. ... DEL ..., al massimo 50 caratteri",
        ),
        "contatti": _read_contatti(campi),
        "logo": _read_logo(campi, cartella),
    }  # fmt: skip


def read_stampa_tipo(campi: Campi) -> dict[str, Any]:
    """Return the fields of a tipo that its notices print."""
    rule = "l'IBAN di un conto corrente postale, con le cifre di controllo giuste"
    postale = campi.optional_text("iban_postale", check=_is_postale, rule=rule)
    conto = campi.optional_text("conto_postale", pattern=r"0*[1-9][0-9]{0,11}", length_max=12, rule="da 1 a 12 cifre")
    derived = conto_from_iban(postale or "")
    if conto and derived and conto.lstrip("0") != derived:
        campi.problems.add(f"{campi.prefix}conto_postale", f"{conto} non è il conto dell'iban_postale, {derived}")
    return {
        "stampa_avviso": campi.flag("stampa_avviso", True),
        "settore": campi.optional_text("settore", length_max=50),
        "iban_postale": iban.validate(postale) if postale and _is_postale(postale) else None,
        "conto_postale": conto and conto.lstrip("0"),
        "intestatario_conto_postale": campi.optional_text("intestatario_conto_postale", length_max=50),
    }


def _is_postale(text: str) -> bool:
    return iban.is_valid(text) and conto_from_iban(text) is not None


def _read_contatti(campi: Campi) -> Contatti | None:
    inner = campi.mapping("contatti", tuple(_CONTATTI))
    if inner is None:
        return None
    contatti = Contatti(**{key: inner.optional_text(key, length_max=most) for key, most in _CONTATTI.items()})
    return None if contatti == Contatti() else contatti


def _read_logo(campi: Campi, cartella: Path | None) -> bytes | None:
    """Return the picture ready to print, from base64 or from the file that a path ending in .png names."""
    text = campi.long_text("logo", LOGO_SIZE_MAX_BYTES * 2)
    if text is None:
        return None
    try:
        is_path = text.strip().lower().endswith(".png")
        return prepare_logo(_read_file(text.strip(), cartella) if is_path else _decode(text))
    except ValueError as error:
        campi.problems.add(f"{campi.prefix}logo", str(error))
        return None


def _read_file(path: str, cartella: Path | None) -> bytes:
    if cartella is None:
        raise ValueError("qui un percorso non si può seguire: scrivere il PNG in base64")
    try:
        with (cartella / path).open("rb") as file:
            # One byte more than is admitted: that it is too long is for who looks at it to say.
            return file.read(LOGO_SIZE_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ValueError(f"file {path[:200]!r} non leggibile") from error


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.strip().removeprefix(_DATA_URL).split()), validate=True)
    except binascii.Error as error:
        raise ValueError("non è né base64 né il percorso di un file .png") from error
