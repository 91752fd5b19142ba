"""A file out of a request: the one non-empty part of a form, or the body itself. Source: flows, 1.2; RFC 7578.

Its sums are made while its bytes come. Of a form only small fields are held in memory; a body is never.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO, cast

from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from hub.domain.arrivo import FileArrivato
from hub.domain.errors import CaricamentoNonValido, FileTroppoGrande, SpazioEsaurito, TipoContenutoNonAmmesso
from hub.web.context import arrivals_folder, runtime

# Boundaries, heads of parts and a token beside a file that is just within its limit.
FRAME_BYTES = 64 * 1024
# What a zip is called.
ZIP = ("application/zip", "application/x-zip-compressed", "application/octet-stream")
_FORM = "multipart/form-data"
# A token and a file; what a form library adds fits too.
_PARTS_MAX = 20
# The parser counts the block that it is reading.
_FIELDS_BYTES_MAX = 512 * 1024
_IN_MEMORY_BYTES = 1024 * 1024
_BLOCK = 256 * 1024


class _Weighed:
    """A file that sums up what is written into it. Raises: SpazioEsaurito (there is no room for it)."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size_bytes = 0
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    def note(self, data: bytes) -> None:
        self.size_bytes += len(data)
        self._sha256.update(data)
        self._md5.update(data)

    def write(self, data: bytes) -> int:
        self.note(data)
        try:
            return self.file.write(data)
        except OSError as error:
            raise _no_room() from error

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self.file.seek(offset, whence)
        except OSError as error:
            raise _no_room() from error

    def named(self, nome: str, media: str) -> FileArrivato:
        sums = (self._sha256.hexdigest(), self._md5.hexdigest())
        return FileArrivato(nome, self.file, self.size_bytes, *sums, media)


@contextmanager
def read_form() -> Iterator[tuple[FileArrivato, dict[str, str]]]:
    """Give the one file of a form and its fields.

    Raises: FileTroppoGrande, TipoContenutoNonAmmesso, CaricamentoNonValido (no form, no file, several).
    """
    _check_length()
    if request.mimetype != _FORM:
        raise TipoContenutoNonAmmesso(f"contenuto {request.mimetype[:60]!r} non ammesso: mandare {_FORM}")
    with ExitStack() as stack:

        def keep(*_about: object, **_more: object) -> _Weighed:
            return stack.enter_context(_laid_down())

        parser = FormDataParser(
            stream_factory=keep,  # type: ignore[arg-type]  # it is asked to write and to seek, nothing else
            max_form_memory_size=_FIELDS_BYTES_MAX,
            max_form_parts=_PARTS_MAX,
            silent=False,
        )
        try:
            _, form, files = parser.parse(request.stream, request.mimetype, None, dict(request.mimetype_params))
        except (ValueError, RequestEntityTooLarge) as error:
            sentence = "la richiesta non è un modulo multipart leggibile: controllare il boundary e le parti"
            raise CaricamentoNonValido(sentence) from error
        yield _only(list(files.values())), {name: form[name] for name in form}


@contextmanager
def read_file(nome: str, media: tuple[str, ...]) -> Iterator[FileArrivato]:
    """Give the file of a request: of a form, or the body itself, then of one of these media types and with this name.

    Raises: FileTroppoGrande, TipoContenutoNonAmmesso, CaricamentoNonValido.
    """
    if request.mimetype == _FORM:
        with read_form() as (arrivato, _fields):
            yield arrivato
        return
    _check_length()
    if request.mimetype not in media:
        allowed = ", ".join((_FORM, *media))
        raise TipoContenutoNonAmmesso(f"contenuto {request.mimetype[:60]!r} non ammesso: mandare {allowed}")
    if not nome:
        raise CaricamentoNonValido("manca il nome del file: aggiungere ?nome= all'indirizzo, oppure mandare un modulo")
    with _laid_down() as weighed:
        while block := request.stream.read(_BLOCK):
            weighed.write(block)
        if not weighed.size_bytes:
            raise CaricamentoNonValido("la richiesta è vuota: mandare il file come contenuto")
        yield weighed.named(nome, request.mimetype)


@contextmanager
def _laid_down() -> Iterator[_Weighed]:
    """Give a place for a file, without a name: whatever happens, nothing of it is left."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=arrivals_folder())
    try:
        yield _Weighed(cast(BinaryIO, file))
    finally:
        # What it could not write it tries again.
        with suppress(OSError):
            file.close()


def _no_room() -> SpazioEsaurito:
    return SpazioEsaurito("non c'è posto per il file: riprovare più tardi")


def _check_length() -> None:
    """Judge the length by what the request says: of one that is too long, nothing was taken."""
    ceiling = runtime().config.upload_ceiling_bytes
    # What is read below is bounded by this, whatever server is in front.
    request.max_content_length = ceiling + FRAME_BYTES
    if (request.content_length or 0) > ceiling + FRAME_BYTES:
        raise FileTroppoGrande(f"la richiesta supera i {ceiling} byte che un file può avere: dividere il flusso")


def _only(files: list[FileStorage]) -> FileArrivato:
    found = []
    for file in files:
        weighed = cast(_Weighed, file.stream)
        if weighed.size_bytes:
            found.append(weighed.named(file.filename or "", file.mimetype or "application/octet-stream"))
    if len(found) != 1:
        how = "nessun file, o un file vuoto" if not found else f"{len(found)} file"
        raise CaricamentoNonValido(f"la richiesta porta {how}: ne serve uno solo, lo zip del flusso")
    return found[0]
