"""Which URLs of an ente may be called: https only, to addresses that `adapters.indirizzi` lets pass."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from adapters.indirizzi import IndirizzoNonAmmesso, judge

_LENGTH_MAX = 2048
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Bersaglio:
    """Where a call goes. `host`: the name, for certificate and Host; `addresses`: judged, in the order to try."""

    scheme: str
    host: str
    port: int
    target: str
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


def find_bersaglio(url: str, *, is_open: bool, timeout_s: float) -> Bersaglio:
    """Return where to connect for this URL, judged now.

    `is_open`: the demo and the workbench, where http and private addresses are allowed too.
    Raises: IndirizzoNonAmmesso, NomeNonRisolto.
    """
    scheme, host, port, target = _split(url, is_open)
    return Bersaglio(scheme, host, port, target, judge(host, port, is_open=is_open, timeout_s=timeout_s))


def _split(url: str, is_open: bool) -> tuple[str, str, int, str]:
    if not url or len(url) > _LENGTH_MAX or any(char <= " " or char in '\\"<>\x7f' for char in url):
        raise IndirizzoNonAmmesso("l'indirizzo è vuoto, troppo lungo o contiene caratteri non ammessi")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise IndirizzoNonAmmesso("l'indirizzo non si legge") from error
    if parts.scheme != "https" and not (is_open and parts.scheme == "http"):
        raise IndirizzoNonAmmesso("l'indirizzo non comincia con https://")
    if "@" in parts.netloc or parts.fragment:
        raise IndirizzoNonAmmesso("l'indirizzo contiene credenziali o un frammento")
    if not parts.hostname or port == 0 or "%" in parts.hostname:
        raise IndirizzoNonAmmesso("l'indirizzo non ha un nome valido")
    try:
        host = parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode("ascii")
        target = ((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode("ascii").decode()
    except UnicodeError as error:
        raise IndirizzoNonAmmesso("l'indirizzo ha un nome non valido o caratteri da codificare") from error
    return parts.scheme, host, port or _PORTS[parts.scheme], target
