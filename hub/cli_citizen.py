"""The demo's citizen: follows the payer's pages as a browser without JavaScript would, and pays."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

# The wait for the node is one reload a second.
_STEPS_MAX = 60
_TIMEOUT_S = 10.0
# Our own pages are a few kilobytes.
_PAGE_MAX_BYTES = 1024 * 1024


class CitizenLost(Exception):
    """The pages led nowhere; the message says where, in Italian."""


@dataclass
class _Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Page(HTMLParser):
    """What a citizen can act on in a page: forms, the reload (empty: of the same address), the button home."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self.reload: str | None = None
        self.home: str | None = None
        self._form: _Form | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._form = _Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.reload = given.get("content", "").partition("=")[2].strip()
        elif tag == "a" and given.get("href", "").endswith("/torna"):
            self.home = given["href"]
        elif self._form is not None and given.get("name"):
            if tag == "button" or given.get("type") == "submit":
                self._form.buttons.append((given["name"], given.get("value", "")))
            elif tag == "input":
                self._form.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


@dataclass(frozen=True, slots=True)
class Walk:
    """Where the citizen went. `last_url`: the address of the ente, with the outcome in its query."""

    visited: tuple[str, ...]
    last_url: str


def pay(url: str, home_url: str) -> Walk:
    """Open `url`, confirm, pay, and come back to `home_url`, which is not opened.

    Raises: CitizenLost.
    """
    visited: list[str] = []
    form: dict[str, str] | None = None
    for _ in range(_STEPS_MAX):
        if url.startswith(home_url):
            return Walk(tuple(visited), url)
        visited.append(url)
        status, location, text = _fetch(url, form)
        form = None
        if location is not None:
            url = urljoin(url, location)
            continue
        if status != 200:
            raise CitizenLost(f"{url.partition('?')[0]} ha risposto {status}")
        page = _Page(text)
        if (chosen := _choose(page)) is not None:
            url, form = urljoin(url, chosen[0]), chosen[1]
        elif page.reload is not None:
            time.sleep(0.25)
            url = urljoin(url, page.reload)
        elif page.home is not None:
            url = urljoin(url, page.home)
        else:
            raise CitizenLost(f"{url.partition('?')[0]} non porta da nessuna parte")
    raise CitizenLost(f"dopo {_STEPS_MAX} passi il pagamento non è concluso")


def _choose(page: _Page) -> tuple[str, dict[str, str]] | None:
    """Return address and fields of the form to send: the one that pays when there is one."""
    forms = [form for form in page.forms if form.method == "post"]
    for form in forms:
        for name, value in [*form.buttons, *form.fields.items()]:
            if (name, value) == ("azione", "paga"):
                return form.action, {**form.fields, name: value}
    return (forms[0].action, forms[0].fields) if forms else None


def _fetch(url: str, form: dict[str, str] | None) -> tuple[int, str | None, str]:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        raise CitizenLost(f"indirizzo inatteso: {url.partition('?')[0]}")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=_TIMEOUT_S)
    try:
        if form is None:
            connection.request("GET", target)
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", target, urlencode(form), headers)
        answer = connection.getresponse()
        text = answer.read(_PAGE_MAX_BYTES).decode("utf-8", "replace")
        location = answer.getheader("Location") if 300 <= answer.status < 400 else None
        return answer.status, location, text
    except (OSError, http.client.HTTPException) as error:
        raise CitizenLost(f"{parts.netloc} non risponde ({type(error).__name__})") from error
    finally:
        connection.close()
