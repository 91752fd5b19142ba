"""The page templates of the printed notice: ours, and that of an ente which has its own.

An ente's lives in a folder of its own, `<folder of the templates>/<codIpaEnte>/avviso.typ`, beside its pictures and, in
`fonts/`, its fonts. It reads nothing outside that folder, and a package, which would come from the network, is refused.
Source: flows, 5.1.
"""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typst

from hub.domain.errors import Misconfigured

_CARTELLA = Path(__file__).with_name("stampa")
NOSTRO = _CARTELLA / "avviso.typ"
_NOME = "avviso.typ"
_COD_IPA_ENTE = re.compile(r"[A-Z0-9_]{1,35}")
# Of an ente's folder: a page, a few pictures and fonts.
_FILES_MAX = 100
# A thread prints for many enti in turn; a compiler holds what its template reads.
_COMPILERS_MAX = 16
_PACKAGE = re.compile(rb"""["']\s*@""")

_local = threading.local()


class ModelloRotto(Misconfigured):
    """A template of an ente that cannot be used; the message says where and why, for who edits it."""


class NonDisegnabile(ValueError):
    """No font at hand draws one of the letters, and PDF/UA asks that each be drawn."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A compiler, and what its template was made of when it was checked."""

    stamp: tuple[tuple[str, int, int], ...]
    compiler: typst.Compiler


def find_modello(modelli: Path | None, cod_ipa_ente: str) -> Path | None:
    """Return the template that an ente has of its own, None when there is none."""
    if modelli is None or not _COD_IPA_ENTE.fullmatch(cod_ipa_ente):
        return None
    path = modelli / cod_ipa_ente / _NOME
    return path if path.is_file() else None


def compile_pdf(data: dict[str, Any], modello: Path = NOSTRO) -> bytes:
    """Return the PDF (tagged, PDF/UA-1) that a template makes of the data. Equal data give equal bytes.

    Raises: NonDisegnabile, ModelloRotto.
    """
    compiler = _compiler(modello)
    inputs = {"avviso": json.dumps(data)}
    try:
        pdf = compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=["ua-1"], timestamp=0)
    except typst.TypstError as error:
        if "could not be displayed" in error.message:
            raise NonDisegnabile(error.message) from error
        raise ModelloRotto(f"modello {modello}: {error.diagnostic.strip()}") from error
    assert isinstance(pdf, bytes)
    return pdf


def _compiler(modello: Path) -> typst.Compiler:
    """Return this thread's compiler of a template: it may not be entered twice at once. Raises: ModelloRotto."""
    held: dict[Path, _Held] = _local.__dict__.setdefault("compilers", {})
    folder = modello.parent
    known = held.get(modello)
    try:
        stamp = () if modello is NOSTRO else _stamp(folder)
        if known is None or known.stamp != stamp:
            if modello is not NOSTRO:
                _check_folder(folder)
            if len(held) >= _COMPILERS_MAX:
                held.clear()
            fonts = _fonts() if modello is NOSTRO else _fonts_of(folder)
            known = held[modello] = _Held(stamp, typst.Compiler(modello, root=folder, font_paths=fonts))
    except OSError as error:
        raise ModelloRotto(f"modello {modello}: non leggibile ({error.strerror})") from error
    return known.compiler


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return name, time and size of all that is in a folder: a few dozen microseconds. Raises: ModelloRotto."""
    found = []
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(parent, name)
            status = os.lstat(path)
            found.append((path, status.st_mtime_ns, status.st_size))
            if len(found) > _FILES_MAX:
                raise ModelloRotto(f"modello {folder / _NOME}: più di {_FILES_MAX} file nella sua cartella")
    return tuple(sorted(found))


def _check_folder(folder: Path) -> None:
    """Refuse what would lead out: the compiler keeps paths inside, but follows links and fetches packages.

    Raises: ModelloRotto.
    """
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if not path.resolve().is_relative_to(root):
            raise ModelloRotto(f"modello {folder / _NOME}: {path.name} porta fuori dalla sua cartella")
        if path.suffix == ".typ" and path.is_file() and _PACKAGE.search(path.read_bytes()):
            raise ModelloRotto(f"modello {folder / _NOME}: {path.name} nomina un pacchetto (@...), che sta in rete")


@cache
def _fonts() -> typst.Fonts:
    """Return our fonts and those that come with the compiler, never the machine's: the page is the same everywhere."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[_CARTELLA / "fonts"])


def _fonts_of(folder: Path) -> typst.Fonts:
    own = folder / "fonts"
    if not own.is_dir():
        return _fonts()
    return typst.Fonts(include_system_fonts=False, font_paths=[_CARTELLA / "fonts", own])
