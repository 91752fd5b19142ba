"""Callers that go on whatever happens to the installation, and what each of their calls was told."""

from __future__ import annotations

import base64
import itertools
import threading
from collections import Counter
from collections.abc import Sequence

import urllib3

from tests.factories import make_documento
from tests.flows.plant import NS, PASSWORD, SERVICE, field

# Longer than SQLite waits for another writer.
_TIMEOUT_S = 90
_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "paaSILInviaDovuti"}


class Carico:
    """Threads that send dovuti; who finds a door closed goes to the next one, as behind a balancer.

    `accolte`: the sessions that were promised; `esiti`: how many calls were accepted, told with 503 when to come back,
    found a closed door, or were cut off; `sbagliate`: answers that no caller should get.
    """

    def __init__(self, urls: Sequence[str], threads: int = 4) -> None:
        self.accolte: list[str] = []
        self.sbagliate: list[str] = []
        self.esiti: Counter[str] = Counter()
        self._urls = itertools.cycle(urls)
        self._doors = len(urls)
        self._http = urllib3.PoolManager(maxsize=threads, retries=False, timeout=_TIMEOUT_S)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Carico:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self) -> None:
        while not self._over.wait(0.02):
            self._send()

    def _send(self) -> None:
        header = f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
        dovuti = base64.b64encode(make_documento().xml).decode()
        body = (
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{header}</s:Header><s:Body>'
            f'<e:paaSILInviaDovuti xmlns:e="{NS}"><password>{PASSWORD}</password><dovuti>{dovuti}</dovuti>'
            "<showMyPay>NONE</showMyPay></e:paaSILInviaDovuti></s:Body></s:Envelope>"
        )
        for _ in range(self._doors):
            try:
                answer = self._http.request("POST", next(self._urls) + SERVICE, body=body.encode(), headers=_HEADERS)
            except urllib3.exceptions.NewConnectionError:
                self.esiti["nessuno"] += 1
                continue
            except urllib3.exceptions.HTTPError:
                self.esiti["interrotte"] += 1
                continue
            text = answer.data.decode(errors="replace")
            if answer.status == 200 and "<idSession>" in text:
                self.accolte.append(field(text, "idSession"))
                self.esiti["accolte"] += 1
                return
            if answer.status == 503 and "Retry-After" in answer.headers:
                self.esiti["503"] += 1
                continue
            self.esiti["sbagliate"] += 1
            self.sbagliate.append(f"{answer.status} {text[:300]}")
            return
