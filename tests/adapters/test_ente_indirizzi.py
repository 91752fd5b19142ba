"""Which addresses of an ente are called, and that the call goes to the very address that was judged."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from adapters.ente.indirizzi import find_bersaglio
from adapters.indirizzi import IndirizzoNonAmmesso, NomeNonRisolto, is_public

HOSTILE = [
    # loopback, in every way of writing it
    "127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1",
    # private, shared, unique-local, site-local
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fc00::1", "fd00:ec2::254", "fec0::1",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1",
    # link-local and the metadata services of the clouds
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "100.100.100.200", "168.63.129.16",
    # unspecified, broadcast, multicast
    "0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1",
    # tunnels that hide another address, documentation, benchmarks, reserved
    "2002:7f00:1::", "2001::1", "2001:0:a00:1::", "192.88.99.1", "2001:db8::1", "192.0.2.1", "198.51.100.7",
    "203.0.113.9", "198.18.0.1", "240.0.0.1", "192.0.0.8", "3fff::1", "4000::1", "::ffff:0:127.0.0.1", "100::1",
    # not an address
    "", "localhost", "127.1", "0x7f000001",
]  # fmt: skip

PUBLIC = ["93.184.216.34", "8.8.8.8", "1.1.1.1", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808",
          "::ffff:8.8.8.8"]  # fmt: skip


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet_is_accepted(address: str) -> None:
    assert is_public(address)


BAD_URLS = [
    "http://93.184.216.34/esiti", "ftp://93.184.216.34/", "file:///etc/passwd",
    "gopher://93.184.216.34/", "//93.184.216.34/",
    "https://", "https:///esiti", "https://utente:chiave@93.184.216.34/", "https://93.184.216.34@127.0.0.1/",
    "https://93.184.216.34/#frammento", "https://93.184.216.34:0/", "https://93.184.216.34:99999/", "https://[::1",
    "https://93.184.216.34/a b", "https://93.184.216.34/\r\nHost: x",
    "https:\\\\93.184.216.34\\",
    "https://fe80::1%25eth0/",
    "https://" + "a" * 64 + ".example.org/", "https://93.184.216.34/è", "", "https://93.184.216.34/" + "a" * 2048,
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_that_is_not_plain_https_is_refused(url: str) -> None:
    with pytest.raises(IndirizzoNonAmmesso):
        find_bersaglio(url, is_open=False, timeout_s=5)


# What the system's resolver itself turns into a private address.
TRICKS = [
    "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://2130706433/", "https://0x7f000001/",
    "https://0177.0.0.1/", "https://127.1/", "https://localhost/", "https://localhost./", "https://LOCALHOST/",
    "https://169.254.169.254/latest/meta-data/", "https://10.0.0.1:8443/", "https://[fe80::1]/", "https://[fd00::1]/",
    "https://0/", "https://[::]/", "https://[64:ff9b::7f00:1]/", "https://１２７.０.０.１/",
]  # fmt: skip


@pytest.mark.parametrize("url", TRICKS)
def test_a_name_is_judged_by_what_it_means(url: str) -> None:
    with pytest.raises((IndirizzoNonAmmesso, NomeNonRisolto)):
        find_bersaglio(url, is_open=False, timeout_s=5)


def test_a_private_address_is_named_in_the_refusal() -> None:
    with pytest.raises(IndirizzoNonAmmesso, match=r"127\.0\.0\.1, che non è un indirizzo pubblico"):
        find_bersaglio("https://127.0.0.1/", is_open=False, timeout_s=5)


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://127.0.0.1:9/esiti"])
def test_on_the_workbench_http_and_private_addresses_may_be_called(url: str) -> None:
    assert find_bersaglio(url, is_open=True, timeout_s=5).addresses == ("127.0.0.1",)


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver is the outside: here it answers as a hostile name server would."""
    _resolver(monkeypatch, [["93.184.216.34", "10.0.0.1"]])

    with pytest.raises(IndirizzoNonAmmesso):
        find_bersaglio("https://sportello.example.org/", is_open=False, timeout_s=5)


def test_a_name_is_resolved_once_and_the_judged_address_is_the_one_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: the second answer of the name server would be private; nobody asks it."""
    asked = _resolver(monkeypatch, [["93.184.216.34"], ["127.0.0.1"]])

    bersaglio = find_bersaglio("https://Sportello.Example.org:8443/a?b=c", is_open=False, timeout_s=5)

    assert (bersaglio.addresses, bersaglio.host) == (("93.184.216.34",), "sportello.example.org")
    assert (bersaglio.authority, bersaglio.target) == ("sportello.example.org:8443", "/a?b=c")
    assert asked == ["sportello.example.org"]


def test_a_name_that_does_not_resolve_may_do_so_later(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolver(monkeypatch, [])

    with pytest.raises(NomeNonRisolto):
        find_bersaglio("https://sportello.example.org/", is_open=False, timeout_s=5)


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer.wait(10) and [])

    with pytest.raises(NomeNonRisolto):
        find_bersaglio("https://sportello.example.org/", is_open=False, timeout_s=0.05)
    answer.set()


def _resolver(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> list[str]:
    """Let the machine's resolver give these answers in turn; the names that were asked are returned."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked
