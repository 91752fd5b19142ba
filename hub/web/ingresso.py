"""Who is in: a signed cookie that expires, and a token in each form that is bound to the visit.

Shared by the pages that somebody enters; each has names, a path and a key of its own.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue as Answer

from hub.chiavi import keys_of
from hub.domain.errors import TroppiTentativi
from hub.domain.provenienza import find_source
from hub.formats.gettoni_firmati import Uso, derive_key, read, sign
from hub.web.context import runtime, secret

_VISITA_SHAPE = re.compile(r"[0-9a-f]{32}")
_FIELD_MAX = 128

View = Callable[..., Answer]
# What is remembered of whoever shows this name and password from this address; None: they are wrong.
Riconosci = Callable[[str, str, str], dict[str, Any] | None]


class Ingresso:
    """The entrance to the pages under `prefix`.

    `nome`: of its key and cookies, of the view that is entered and of its templates; `ttl`: until the password again.
    """

    def __init__(self, prefix: str, nome: str, ttl: timedelta, refused: Callable[[], Answer]) -> None:
        """`refused`: what a form is answered that is not ours."""
        self._prefix, self._nome, self._ttl, self._refused = prefix, nome, ttl, refused
        self._uso = Uso(f"web/{nome}", f"pontepa:{nome}", "HS256")
        self._csrf_key = f"web/{nome}/csrf"
        self._cookie = f"pontepa_{nome}"
        # What binds a form to the browser that asked for it, from before anybody has entered.
        self._cookie_visita = f"pontepa_{nome}_visita"

    def claims(self) -> dict[str, Any] | None:
        """What was said of who is in; None: nobody is, or the time is over."""
        return read(secret(), self._uso, request.cookies.get(self._cookie, ""), runtime().clock())

    def page(self, nome: str = "", errore: str = "") -> Response:
        """The form of name and password."""
        visita = self.visita()
        page = render_template(f"{self._nome}_accesso.html", nome=nome, errore=errore, csrf=self.csrf(visita))
        answer = make_response(page)
        self.keep(answer, visita)
        return answer

    def log_in(self, riconosci: Riconosci) -> Answer:
        """Let in who sent the form, in a new visit: what was known of the old one is of no use after the entrance.

        A wrong name and a wrong password get the same answer. `riconosci`: raises TroppiTentativi.
        """
        nome, password = (request.form.get(name, "")[:_FIELD_MAX] for name in ("nome", "password"))
        peer = request.environ.get("REMOTE_ADDR", "")
        source = find_source(peer, request.headers.get("X-Forwarded-For", ""), runtime().config.trusted_proxies)
        try:
            claims = riconosci(nome.strip(), password, source)
        except TroppiTentativi as refusal:
            wait = "Troppi tentativi errati da questo indirizzo: aspetta un minuto e riprova."
            answer = make_response(self.page(nome, wait), 429)
            answer.headers["Retry-After"] = str(refusal.retry_after_s)
            return answer
        if claims is None:
            return self.page(nome, "Nome o password non corretti."), 401
        answer = make_response(redirect(url_for(self._nome), 303))
        self._set(answer, self._cookie, sign(secret(), self._uso, claims, runtime().clock(), self._ttl))
        self._set(answer, self._cookie_visita, secrets.token_hex(16))
        return answer

    def log_out(self) -> Answer:
        """Forget who is in."""
        answer = make_response(redirect(url_for(f"{self._nome}_accesso"), 303))
        answer.delete_cookie(self._cookie, path=self._prefix)
        return answer

    def visita(self) -> str:
        """The visit of this browser; a new one when it has none."""
        return self._given_visita() or secrets.token_hex(16)

    def keep(self, answer: Response, visita: str) -> None:
        """Let the browser keep its visit for as long as who enters is in."""
        self._set(answer, self._cookie_visita, visita)

    def csrf(self, visita: str) -> str:
        """The token of a visit, bound to who is in: one taken from before the entrance is not good after it."""
        return self._csrf_by(keys_of(secret())[0], visita)

    def _is_csrf(self, given: str, visita: str) -> bool:
        return any(
            hmac.compare_digest(given.encode(), self._csrf_by(key, visita).encode()) for key in keys_of(secret())
        )

    def _csrf_by(self, key: str, visita: str) -> str:
        signed = f"{visita}.{request.cookies.get(self._cookie, '')}".encode()
        return hmac.digest(derive_key(key, self._csrf_key), signed, "sha256").hex()

    def from_a_form_of_ours(self, view: View) -> View:
        """Refuse a POST that another site, or an old page, made the browser send."""

        @wraps(view)
        def checked(**values: Any) -> Answer:
            given, visita = request.form.get("csrf", "")[:_FIELD_MAX], self._given_visita()
            # Browsers that say where a request was born are believed when they say: elsewhere.
            is_elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
            if is_elsewhere or not visita or not self._is_csrf(given, visita):
                g.refusal = "csrf"
                return self._refused()
            return view(**values)

        return checked

    def _given_visita(self) -> str:
        given = request.cookies.get(self._cookie_visita, "")
        return given if _VISITA_SHAPE.fullmatch(given) else ""

    def _set(self, answer: Response, name: str, value: str) -> None:
        is_https = runtime().config.public_url.startswith("https://")
        answer.set_cookie(
            name, value, max_age=self._ttl, path=self._prefix, secure=is_https, httponly=True, samesite="Strict"
        )
