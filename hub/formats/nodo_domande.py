"""The questions to the node whose answer is not a state: the list of pending RPTs, the copy of a receipt.

Source: NodoPerPa contract; node, nodoChiediListaPendentiRPT (2.5), nodoChiediCopiaRT (2.4).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from hub.domain.delivery import ChiaveRpt, Stazione
from hub.formats.blocchi import by_name, local_name, text_of
from hub.formats.istanti import ROMA
from hub.formats.nodo_messaggi import (
    FaultNodo,
    RispostaNonLeggibile,
    chiave_fields,
    envelope_of,
    fault_of,
    fields,
    number_of,
    payload_of,
)
from hub.formats.xml import Limits

# A receipt may carry attachments: the answer is as long as the request that would have brought it.
_LIMITS_COPIA = Limits(bytes_max=4 * 1024 * 1024, depth_max=16, tags_max=1000)
# The longest list that we ask for has five elements for each of its thousand RPTs.
_LIMITS_LISTA = Limits(bytes_max=4 * 1024 * 1024, depth_max=16, tags_max=20_000)
PENDENTI_MAX = 1000
# Bytes of an XOP include that leads nowhere: the part it names is not in an answer that we read.
_XOP = "Include"


@dataclass(frozen=True, slots=True)
class RispostaCopia:
    """The answer to nodoChiediCopiaRT: the document as it is, or a fault."""

    rt: bytes = b""
    fault: FaultNodo | None = None


@dataclass(frozen=True, slots=True)
class RispostaPendenti:
    """The answer to nodoChiediListaPendentiRPT: each RPT with its state; `totale`: as many as the node says it gave."""

    totale: int = 0
    pendenti: tuple[tuple[ChiaveRpt, str], ...] = ()
    fault: FaultNodo | None = None


def build_chiedi_copia_rt(stazione: Stazione, chiave: ChiaveRpt) -> bytes:
    """Return the envelope of nodoChiediCopiaRT, password included: a question is asked at once and not stored."""
    return envelope_of("nodoChiediCopiaRT", _caller(stazione) + chiave_fields(chiave))


def build_chiedi_lista_pendenti(
    stazione: Stazione, dominio: str | None, da: datetime, a: datetime, dimensione: int = PENDENTI_MAX
) -> bytes:
    """Return the envelope of nodoChiediListaPendentiRPT. `dominio` None: every one of the station.

    `da`, `a`: aware instants in either order; the node refuses a range that goes backwards, so they are put in order.
    Raises: ValueError when `dimensione` is not positive.
    """
    if dimensione < 1:
        raise ValueError("a list has a positive length")
    first, last = (
        one.astimezone(ROMA).replace(tzinfo=None).isoformat(timespec="seconds") for one in (min(da, a), max(da, a))
    )
    wanted = fields(identificativoDominio=dominio) if dominio else ""
    body = _caller(stazione) + wanted + fields(rangeDa=first, rangeA=last, dimensioneLista=str(dimensione))
    return envelope_of("nodoChiediListaPendentiRPT", body)


def read_chiedi_copia_rt_risposta(data: bytes) -> RispostaCopia:
    """Return the answer. Raises: RispostaNonLeggibile (also neither document nor fault, or no base64), FaultSoap."""
    children = by_name(payload_of(data, "nodoChiediCopiaRTRisposta", _LIMITS_COPIA))
    fault = fault_of(children)
    if fault is not None:
        return RispostaCopia(fault=fault)
    element = children.get("rt")
    if element is None or any(local_name(child) == _XOP for child in element):
        raise RispostaNonLeggibile("risposta senza rt e senza fault")
    try:
        rt = base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RispostaNonLeggibile("rt non è base64") from error
    if not rt:
        raise RispostaNonLeggibile("rt vuota")
    return RispostaCopia(rt)


def read_chiedi_lista_pendenti_risposta(data: bytes) -> RispostaPendenti:
    """Return the answer; no list and no fault is an empty list. Raises: RispostaNonLeggibile, FaultSoap."""
    children = by_name(payload_of(data, "nodoChiediListaPendentiRPTRisposta", _LIMITS_LISTA))
    fault = fault_of(children)
    if fault is not None:
        return RispostaPendenti(fault=fault)
    lista = children.get("listaRPTPendenti")
    pendenti = []
    for child in lista if lista is not None else ():
        if local_name(child) == "rptPendente":
            one = by_name(child)
            chiave = ChiaveRpt(
                text_of(one, "identificativoDominio"),
                text_of(one, "identificativoUnivocoVersamento"),
                text_of(one, "codiceContestoPagamento"),
            )
            pendenti.append((chiave, text_of(one, "stato")))
    return RispostaPendenti(number_of(text_of(by_name(lista), "totRestituiti")) or 0, tuple(pendenti))


def _caller(stazione: Stazione) -> str:
    return fields(
        identificativoIntermediarioPA=stazione.intermediario,
        identificativoStazioneIntermediarioPA=stazione.id,
        password=stazione.password,
    )
