"""Download of a flow's files by a signed link. Source: flows, 1.5 and 3.1; defect 8 (12).

The link opens the one file it was made for. A file that is still being written is waited for, between the server's
loop and the archive: no thread is held meanwhile.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import PurePosixPath
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Request, Response, g, request
from werkzeug.wsgi import FileWrapper

from hub.domain.errors import GettoneNonValido, NotFound, OutOfService
from hub.formats.gettoni_firmati import Scarico, read_scarico
from hub.runtime import Runtime
from hub.web.context import runtime
from hub.web.long_road import PACED

DOWNLOAD = "/public/mybox/download"
ENDPOINT = "download_flusso"
# Source: flows, 1.5: the original waits so long.
_WAIT_S = 20.0
_BLOCK = 64 * 1024


def register(app: Flask) -> None:
    app.add_url_rule(f"{DOWNLOAD}/<ente_id>", ENDPOINT, download)


def download(ente_id: str) -> Response:
    """Give a file as an attachment, or a part of it. 401: the link does not open it (any more); 404: there is none."""
    file = _allowed(runtime(), request, ente_id)
    g.log = {"ente": ente_id, "file": file}
    with ExitStack() as stack:
        content = stack.enter_context(runtime().archivio.open(file))
        size_bytes = content.seek(0, 2)
        content.seek(0)
        response = Response(FileWrapper(content, _BLOCK), mimetype="application/octet-stream")
        response.content_length = size_bytes
        response.headers["Content-Disposition"] = _attachment(PurePosixPath(file).name)
        response.make_conditional(request.environ, accept_ranges=True, complete_length=size_bytes)
        response.call_on_close(stack.pop_all().close)
    return response


def waiting(app: WSGIApplication, run: Runtime) -> WSGIApplication:
    """Return an application that waits, up to a limit, before it gives a file that is not there yet.

    Only under a server that takes an empty block for "ask again in a moment".
    """

    def waited(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if PACED not in environ or not environ.get("PATH_INFO", "").startswith(f"{DOWNLOAD}/"):
            return app(environ, start_response)
        return _wait(lambda: _is_awaited(run, environ), lambda: app(environ, start_response))

    return waited


def _wait(is_awaited: Callable[[], bool], answer: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until and is_awaited():
        yield b""
    parts = answer()
    try:
        yield from parts
    finally:
        getattr(parts, "close", lambda: None)()


def _is_awaited(run: Runtime, environ: WSGIEnvironment) -> bool:
    """Whether a link is good and its file is not there; whatever else is wrong, the page tells at once."""
    try:
        file = _allowed(run, Request(environ), environ["PATH_INFO"].removeprefix(f"{DOWNLOAD}/"))
        return run.archivio.size_bytes(file) is None
    except (NotFound, GettoneNonValido, OutOfService):
        return False


def _allowed(run: Runtime, asked: Request, ente_id: str) -> str:
    """Return the path under the archive of what is asked for.

    Raises: NotFound (no token), GettoneNonValido (forged, expired, or of another file, ente or kind).
    """
    token = asked.args.get("securityToken", "")
    if not token:
        raise NotFound("manca il securityToken: usare l'indirizzo intero, come è stato dato")
    what = Scarico(asked.args.get("type", ""), ente_id, asked.args.get("filename", ""))
    if read_scarico(run.config.secret_key, token, run.clock()) != what:
        raise GettoneNonValido("il collegamento non apre (più) questo file: chiederne uno nuovo, con lo stato")
    return what.file


def _attachment(name: str) -> str:
    """Return the header that names an attachment. Source: RFC 6266; RFC 8187."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace('"', "").replace("\\", "")
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{extended}'
