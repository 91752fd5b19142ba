"""A report of conformance: the evidence of an ente's integrator gathered, judged and told. It writes nothing.

Source: pa-per-ente; flows; docs/inoltro-esito.md: the rules are in `hub.domain.conformita`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from hub import __version__
from hub.domain.conformita import giudica
from hub.domain.conformita.domanda import Chiedi
from hub.domain.conformita.operazioni import SCRIVONO
from hub.domain.conformita.prove import Chiamata, Flusso, Prove, Sonda, TipoNoto
from hub.domain.conformita.rapporto import Rapporto
from hub.domain.errors import Misconfigured
from hub.domain.iuv import build_iuv
from hub.formats.conformita_documenti import Lettura
from hub.formats.istanti import giorno_di
from hub.formats.segreti import Cassaforte
from hub.store import enti, eventi_esito, tipi
from hub.store.database import Database
from hub.usecases.conformita_chiamate import nuova_correlazione, raccogli
from hub.usecases.conformita_flussi import prova_flussi
from hub.usecases.conformita_sonde import Ascolto, Firma, HubDaProvare, interroga_callback, interroga_hub
from hub.usecases.tassonomia_vigente import tassonomia_vigente

Detto = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Incarico:
    """What a report is about. What is empty or None is not looked at.

    `chiave`: of the endpoint, when it is not the one configured; `iud`: a dovuto the endpoint knows; `password`: of the
    ente, for the questions to the hub that need one.
    """

    cod_ipa_ente: str
    applicazione: str | None = None
    da: datetime | None = None
    are_anonime: bool = False
    flussi: Path | None = None
    callback: str = ""
    chiave: str = field(default="", repr=False)
    iud: str = ""
    hub: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Mezzi:
    """Whom the live questions are put through. `giorni_certificato`: of an https address."""

    callback: Chiedi
    hub: Chiedi
    firma: Firma
    giorni_certificato: Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Impostazioni:
    """Of the installation. `secret_key`: marks our own questions, so that the next report leaves them out."""

    secret_key: str = field(repr=False)
    cassaforte: Cassaforte
    iuv_quindici_fino_al: date


def fai_rapporto(
    db: Database, incarico: Incarico, mezzi: Mezzi, impostazioni: Impostazioni, now: datetime, told: Detto
) -> Rapporto:
    """Gather, judge and return the report. `told`: says how far it is.

    Raises: NotFound (the ente), OSError (the folder of flows).
    """
    with db.reading() as session:
        ente = enti.by_cod_ipa(session, incarico.cod_ipa_ente)
        configured = tipi.of_ente(session, ente.id)
        tassonomia = tassonomia_vigente(session)
    lettura = Lettura(
        ente.codice_segregazione, tassonomia, giorno_di(now), giorno_di(now) < impostazioni.iuv_quindici_fino_al
    )
    told("chiamate registrate")
    raccolta = raccogli(
        db, ente.cod_ipa_ente, lettura, impostazioni.secret_key, applicazione=incarico.applicazione, da=incarico.da,
        are_anonime=incarico.are_anonime, told=lambda number: told(f"chiamate registrate: {number}"),
    )  # fmt: skip
    flussi, impronte = _flussi(db, incarico, impostazioni, now, told)
    sonde_callback, has_chiave = _callback(
        db, ente, configured, incarico, mezzi, impostazioni, raccolta.chiamate, now, told
    )
    prove = Prove(
        cod_ipa_ente=ente.cod_ipa_ente,
        adesso=now,
        tipi={row.codice: _tipo(row) for row in configured},
        chiamate=raccolta.chiamate,
        flussi=flussi,
        callback=incarico.callback,
        has_chiave=has_chiave,
        sonde_callback=sonde_callback,
        indirizzo_hub=incarico.hub,
        sonde_hub=_hub(ente, configured, incarico, mezzi, impostazioni, told),
        inoltro=bool(ente.inoltro_esito) and any(row.notifica_esito for row in configured),
    )
    return _rapporto(ente, incarico, prove, raccolta.escluse, (*raccolta.impronte, *impronte), now)


def _tipo(row: Row[Any]) -> TipoNoto:
    return TipoNoto(bool(row.attivo), bool(row.anonimo), bool(row.scadenza_obbligatoria), row.importo_cent)


def _flussi(
    db: Database, incarico: Incarico, impostazioni: Impostazioni, now: datetime, told: Detto
) -> tuple[tuple[Flusso, ...], tuple[str, ...]]:
    if incarico.flussi is None:
        return (), ()
    limit = impostazioni.iuv_quindici_fino_al
    found = list(
        prova_flussi(incarico.flussi, incarico.cod_ipa_ente, now, limit, db, lambda name: told(f"flusso {name}"))
    )
    return tuple(one for one, _ in found), tuple(f"{one.nome} {digest}" for one, digest in found)


def _callback(
    db: Database, ente: Row[Any], configured: Sequence[Row[Any]], incarico: Incarico, mezzi: Mezzi,
    impostazioni: Impostazioni, chiamate: Sequence[Chiamata], now: datetime, told: Detto,
) -> tuple[dict[str, Sonda], bool]:  # fmt: skip
    if not incarico.callback:
        return {}, False
    chiave = incarico.chiave or _chiave_configurata(db, ente, configured, incarico.callback, impostazioni.cassaforte)
    sent = [
        voce.iud
        for one in chiamate if one.operazione in SCRIVONO and one.is_riuscita
        for documento in one.documenti for voce in documento.voci
    ]  # fmt: skip
    iud = incarico.iud or (sent[-1] if sent else "CONFORMITA-1")
    iuv = next((one.risposta.iuv for one in reversed(chiamate) if one.risposta.iuv), "")
    ascolto = Ascolto(
        incarico.callback, ente.codice_fiscale, iud, iuv or build_iuv(int(ente.codice_segregazione or 0), 1), chiave
    )
    sonde = interroga_callback(
        mezzi.callback, mezzi.firma, ascolto, now, lambda name: told(f"punto di ascolto: {name}")
    )
    return sonde, bool(chiave)


def _chiave_configurata(
    db: Database, ente: Row[Any], configured: Sequence[Row[Any]], url: str, cassaforte: Cassaforte
) -> str:
    """The key of the endpoint that has this address; empty when none has, or it cannot be opened here."""
    with db.reading() as session:
        endpoints = [eventi_esito.find_endpoint(session, ente.id, row.codice) for row in configured]
    for endpoint in endpoints:
        if endpoint is not None and endpoint.url == url:
            try:
                return cassaforte.open(endpoint.chiave_cifrata)
            except Misconfigured:
                return ""
    return ""


def _hub(
    ente: Row[Any], configured: Sequence[Row[Any]], incarico: Incarico, mezzi: Mezzi, impostazioni: Impostazioni,
    told: Detto,
) -> dict[str, Sonda]:  # fmt: skip
    if not incarico.hub:
        return {}
    tipo = next((row.codice for row in configured if row.attivo and not row.scadenza_obbligatoria), "")
    tipo = tipo or next((row.codice for row in configured if row.attivo), "TARI")
    hub = HubDaProvare(
        incarico.hub, ente.cod_ipa_ente, tipo, incarico.password,
        lambda: nuova_correlazione(impostazioni.secret_key), mezzi.giorni_certificato,
    )  # fmt: skip
    return interroga_hub(mezzi.hub, hub, lambda name: told(f"hub: {name}"))


def _rapporto(
    ente: Row[Any], incarico: Incarico, prove: Prove, escluse: int, impronte: Sequence[str], now: datetime
) -> Rapporto:
    # What was answered live is evidence too.
    live = [f"{one.nome} {one.stato} {one.fault_code} {one.errore}" for sonde in (prove.sonde_callback, prove.sonde_hub)
            for one in sonde.values()]  # fmt: skip
    instants = [one.istante for one in prove.chiamate]
    return Rapporto(
        id=str(uuid.uuid4()),
        istante=now,
        versione=__version__,
        cod_ipa_ente=ente.cod_ipa_ente,
        nome_ente=ente.nome,
        verdetti=giudica(prove),
        digest=hashlib.sha256("\n".join((*impronte, *live)).encode()).hexdigest(),
        applicazione=incarico.applicazione,
        da=incarico.da,
        chiamate=len(prove.chiamate),
        chiamate_escluse=escluse,
        prima=min(instants, default=None),
        ultima=max(instants, default=None),
        flussi=len(prove.flussi),
        callback=prove.callback,
        indirizzo_hub=prove.indirizzo_hub,
    )
