"""A settlement flow as a PSP makes it: said once, written as FlussoRiversamento and as the REST service's JSON.

Also badly, on request. Source: node, 2.12 (REST), 6.1 (document), 6.2 (codes), 6.3 rule 4 (name of a flow).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from xml.sax.saxutils import escape

NS = "http://www.digitpa.gov.it/schemas/2011/Pagamenti/"
STATI_REST = {"0": "EXECUTED", "3": "REVOKED", "4": "STAND_IN", "8": "STAND_IN_NO_RPT", "9": "NO_RPT"}
# Payments written at a time.
_BLOCCO = 500


class Difetto(StrEnum):
    """What is wrong with a flow, or with how the node gives it."""

    CORROTTO = "corrotto"  # its document breaks off
    TOTALI = "totali"  # the declared amount is a cent more
    CONTEGGIO = "conteggio"  # one payment more is declared
    DOPPIO = "doppio"  # listed twice
    MANCANTE = "mancante"  # listed, unknown when it is asked for
    NON_ELENCATO = "non_elencato"
    ALTRO_ENTE = "altro_ente"  # the document is another ente's
    SENZA_DOCUMENTO = "senza_documento"  # neither fault nor document: delivered by SFTP
    NON_PUBBLICATO = "non_pubblicato"  # REST: listed before it is published


@dataclass(frozen=True, slots=True)
class Pagamento:
    """One payment that a PSP settles. `esito`: as in FlussoRiversamento."""

    iuv: str
    iur: str
    importo_cent: int
    data: date
    esito: str = "0"
    indice: int | None = 1


@dataclass(frozen=True, slots=True)
class FlussoProdotto:
    """A revision of a flow. `sintetici`: payments made while it is written, after the others, each of seven cents."""

    dominio: str
    psp: str
    iuf: str
    generato_at: datetime
    regolato: date
    pagamenti: Sequence[Pagamento] = ()
    revisione: int = 1
    pubblicato_at: datetime | None = None
    nome: str = "Comune di Prova"
    sintetici: int = 0
    difetti: frozenset[Difetto] = field(default=frozenset())

    @property
    def righe(self) -> int:
        return len(self.pagamenti) + self.sintetici

    @property
    def importo_cent(self) -> int:
        """The net sum: revocations take away."""
        known = sum(-one.importo_cent if one.esito == "3" else one.importo_cent for one in self.pagamenti)
        return known + 7 * self.sintetici

    def every(self, da: int = 0, a: int | None = None) -> Iterator[Pagamento]:
        """The payments from one place to another, both counted from 0, the last not included."""
        for position in range(da, self.righe if a is None else min(a, self.righe)):
            if position < len(self.pagamenti):
                yield self.pagamenti[position]
            else:
                yield Pagamento(f"9{position:016d}", f"S{position:019d}", 7, self.regolato)


def nome_flusso(giorno: date, psp: str, libero: str) -> str:
    """Return the name of a flow. Source: node, 6.3 rule 4."""
    return f"{giorno.isoformat()}{psp}-{libero}"


def render_xml(flusso: FlussoProdotto) -> Iterator[bytes]:
    """Yield the document in pieces: it may be longer than the memory."""
    dominio = "99999999990" if Difetto.ALTRO_ENTE in flusso.difetti else flusso.dominio
    righe = flusso.righe + (Difetto.CONTEGGIO in flusso.difetti)
    importo_cent = flusso.importo_cent + (Difetto.TOTALI in flusso.difetti)
    yield (
        f"<?xml version='1.0' encoding='UTF-8'?><r:FlussoRiversamento xmlns:r=\"{NS}\">"
        + _tags(
            versioneOggetto="1.1",
            identificativoFlusso=flusso.iuf,
            dataOraFlusso=_instant(flusso.generato_at),
            identificativoUnivocoRegolamento=f"TRN{flusso.iuf}"[:35],
            dataRegolamento=flusso.regolato.isoformat(),
        )
        + f"<r:istitutoMittente><r:identificativoUnivocoMittente><r:tipoIdentificativoUnivoco>B"
        f"</r:tipoIdentificativoUnivoco>{_tags(codiceIdentificativoUnivoco=flusso.psp)}"
        f"</r:identificativoUnivocoMittente>{_tags(denominazioneMittente='Banca ' + flusso.psp)}</r:istitutoMittente>"
        f"<r:istitutoRicevente><r:identificativoUnivocoRicevente><r:tipoIdentificativoUnivoco>G"
        f"</r:tipoIdentificativoUnivoco>{_tags(codiceIdentificativoUnivoco=dominio)}"
        f"</r:identificativoUnivocoRicevente>{_tags(denominazioneRicevente=flusso.nome)}</r:istitutoRicevente>"
        + _tags(numeroTotalePagamenti=str(righe), importoTotalePagamenti=_euro(importo_cent))
    ).encode()
    for da in range(0, flusso.righe, _BLOCCO):
        yield "".join(_riga(pagamento) for pagamento in flusso.every(da, da + _BLOCCO)).encode()
    yield b"</r:FlussoRi" if Difetto.CORROTTO in flusso.difetti else b"</r:FlussoRiversamento>"


def render_testata(flusso: FlussoProdotto) -> bytes:
    """Return the header of a flow as the REST service answers it."""
    righe, importo = flusso.righe, _numero(flusso.importo_cent)
    values: dict[str, Any] = {
        "status": "INSERTED" if Difetto.NON_PUBBLICATO in flusso.difetti else "PUBLISHED",
        "revision": flusso.revisione,
        "created": _instant(flusso.generato_at),
        "updated": _instant(flusso.generato_at),
        "published": _instant(flusso.pubblicato_at or flusso.generato_at),
        "fdr": flusso.iuf,
        "fdrDate": _instant(flusso.generato_at),
        "regulation": f"TRN{flusso.iuf}"[:35],
        "regulationDate": flusso.regolato.isoformat(),
        "bicCodePouringBank": "ABCDITMM",
        "sender": {
            "type": "BIC_CODE", "id": flusso.psp, "pspId": flusso.psp, "pspName": f"Banca {flusso.psp}",
            "pspBrokerId": flusso.psp, "channelId": f"{flusso.psp}_01",
        },
        "receiver": {
            "id": flusso.dominio,
            "organizationId": "99999999990" if Difetto.ALTRO_ENTE in flusso.difetti else flusso.dominio,
            "organizationName": flusso.nome,
        },
        "computedTotPayments": righe,
        "computedSumPayments": importo,
        "totPayments": righe + (Difetto.CONTEGGIO in flusso.difetti),
        "sumPayments": _numero(flusso.importo_cent + (Difetto.TOTALI in flusso.difetti)),
    }  # fmt: skip
    return _json(values)


def render_pagamenti(flusso: FlussoProdotto, pagina: int, size: int) -> bytes:
    """Return a page of the payments of a flow, counted from 1."""
    da = (pagina - 1) * size
    data = [
        {
            "index": da + place,
            "iuv": one.iuv,
            "iur": one.iur,
            **({} if one.indice is None else {"idTransfer": one.indice}),
            "pay": _numero(one.importo_cent),
            "payStatus": STATI_REST[one.esito],
            "payDate": f"{one.data.isoformat()}T10:00:00Z",
        }
        for place, one in enumerate(flusso.every(da, da + size), 1)
    ]
    body = _json(pagina_di(data, pagina, size, flusso.righe))
    return body[: len(body) // 2] if Difetto.CORROTTO in flusso.difetti else body


def pagina_di(data: list[dict[str, Any]], pagina: int, size: int, total: int) -> dict[str, Any]:
    """Return a page of a list as the REST service shapes it."""
    metadata = {"pageSize": size, "pageNumber": pagina, "totPage": max(1, -(-total // size))}
    return {"metadata": metadata, "count": len(data), "data": data}


def _numero(cent: int) -> str:
    return f"@@{_euro(cent)}@@"


def _json(value: dict[str, Any]) -> bytes:
    # Amounts leave as numbers with their two decimals: no float ever holds one.
    return json.dumps(value).replace('"@@', "").replace('@@"', "").encode()


def _riga(pagamento: Pagamento) -> str:
    indice = {} if pagamento.indice is None else {"indiceDatiSingoloPagamento": str(pagamento.indice)}
    inner = _tags(
        identificativoUnivocoVersamento=pagamento.iuv,
        identificativoUnivocoRiscossione=pagamento.iur,
        **indice,
        singoloImportoPagato=_euro(pagamento.importo_cent),
        codiceEsitoSingoloPagamento=pagamento.esito,
        dataEsitoSingoloPagamento=pagamento.data.isoformat(),
    )
    return f"<r:datiSingoliPagamenti>{inner}</r:datiSingoliPagamenti>"


def _tags(**texts: str) -> str:
    return "".join(f"<r:{name}>{escape(text)}</r:{name}>" for name, text in texts.items())


def _euro(cent: int) -> str:
    sign = "-" if cent < 0 else ""
    return f"{sign}{abs(cent) // 100}.{abs(cent) % 100:02d}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
