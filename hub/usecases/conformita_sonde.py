"""The live questions of a report of conformance: to the endpoint of the ente, and to the hub itself.

Source: docs/inoltro-esito.md; pa-per-ente, 1.1 to 1.6.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hub.domain.conformita import del_hub, inoltro
from hub.domain.conformita.domanda import Chiedi, Domanda
from hub.domain.conformita.prove import Sonda
from hub.domain.inoltro import InvioEsito
from hub.formats.conformita_callback import GRANDE_BYTES, corpo_esito, read_sonda_callback
from hub.formats.conformita_sonde import PERCORSO, domande_hub, is_schema, read_sonda_hub, schemi_del_wsdl
from hub.formats.istanti import giorno_di

Firma = Callable[[InvioEsito, datetime], Mapping[str, str]]
_VECCHIA = timedelta(minutes=10)
_RT = b"<RT>ricevuta di prova della conformita</RT>"


@dataclass(frozen=True, slots=True)
class Ascolto:
    """The endpoint of an ente. `chiave`: that signs, empty when it is not known. `iud`: a dovuto that it knows."""

    url: str
    dominio: str
    iud: str
    iuv: str
    chiave: str = field(default="", repr=False)


def interroga_callback(
    chiedi: Chiedi, firma: Firma, ascolto: Ascolto, now: datetime, told: Callable[[str], None] = lambda name: None
) -> dict[str, Sonda]:
    """Tell the endpoint outcomes as the hub does, good ones and others; return what it answered, by question."""
    event = f"conformita{secrets.token_hex(10)}"
    # Who has not given a key does not check signatures: any will do.
    key = ascolto.chiave or secrets.token_hex(32)

    def body(codice_esito: str = "0", rt: bytes | None = _RT, iud: str = ascolto.iud) -> bytes:
        return corpo_esito(ascolto.dominio, iud, ascolto.iuv, giorno_di(now), now, codice_esito=codice_esito, rt=rt)

    def signed(corpo: bytes, sequenza: int, evento: str = event, at: datetime = now) -> Domanda:
        invio = InvioEsito(ascolto.url, f"{evento}-{sequenza}", sequenza, corpo, key)
        headers = {"Content-Type": "application/json", "Accept": "application/json", **firma(invio, at)}
        return Domanda(ascolto.url, "POST", headers, corpo)

    good = signed(body(), 3)
    unsigned = {"Content-Type": "application/json", "Accept": "application/json"}
    questions = {
        inoltro.NEGATIVO: signed(body("1"), 1),
        inoltro.BUONO: good,
        inoltro.RIPETUTO: good,
        inoltro.ANCORA: good,
        inoltro.VECCHIA_SEQUENZA: signed(body("1"), 2),
        inoltro.SECONDO: signed(body(), 4),
        inoltro.SENZA_RT: signed(body(rt=None), 5),
        inoltro.GRANDE: signed(body(rt=b"R" * GRANDE_BYTES), 6),
        inoltro.SCONOSCIUTO: signed(body(iud=f"CONFORMITA-{secrets.token_hex(8)}"), 1, event[::-1]),
        inoltro.MANOMESSO: replace(signed(body(), 7), corpo=body("1")),
        inoltro.SENZA_FIRMA: Domanda(ascolto.url, "POST", unsigned, body()),
        inoltro.SCADUTO: signed(body(), 8, at=now - _VECCHIA),
        inoltro.NON_JSON: signed(b"questo non e' JSON", 9),
        inoltro.METODO: Domanda(ascolto.url, "GET"),
    }
    found = {}
    for name, domanda in questions.items():
        told(name)
        found[name] = read_sonda_callback(name, chiedi(domanda))
    return found


@dataclass(frozen=True, slots=True)
class HubDaProvare:
    """The hub as a client sees it. `password`: of the ente, None when it is not known; `tipo`: one of the ente's.

    `correlazione`: gives the reference of our questions, one for each. `giorni_certificato`: of an address, None when
    it is not https.
    """

    url: str
    ente: str
    tipo: str
    password: str | None = field(repr=False)
    correlazione: Callable[[], str]
    giorni_certificato: Callable[[str], int | None]


def interroga_hub(
    chiedi: Chiedi, hub: HubDaProvare, told: Callable[[str], None] = lambda name: None
) -> dict[str, Sonda]:
    """Ask the hub what a client may ask, rightly and wrongly; return what it answered, by question."""
    found = {}
    service = hub.url.rstrip("/") + PERCORSO
    for name, domanda in domande_hub(hub.url, hub.ente, hub.password, hub.tipo, hub.correlazione).items():
        told(name)
        ritorno = chiedi(domanda)
        if name == del_hub.WSDL:
            ritorno = replace(ritorno, giorni_certificato=hub.giorni_certificato(hub.url))
            found[del_hub.SCHEMI] = _schemi(chiedi, schemi_del_wsdl(ritorno.corpo, service))
        found[name] = read_sonda_hub(name, ritorno, hub.password)
    return found


def _schemi(chiedi: Chiedi, addresses: tuple[str, ...]) -> Sonda:
    """One question for all schemas: what is wrong with the first that is."""
    for address in addresses:
        ritorno = chiedi(Domanda(address, "GET"))
        if ritorno.stato != 200 or not is_schema(ritorno.corpo):
            said = ritorno.errore or f"HTTP {ritorno.stato}"
            return Sonda(del_hub.SCHEMI, 200, note={"schemi": f"{address[:200]}: non è uno schema ({said})"})
    return Sonda(del_hub.SCHEMI, 200, note={"schemi": "" if addresses else "il WSDL non nomina schemi"})
