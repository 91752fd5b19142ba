"""The cases of the public suites about settlement flows, turned around into what the hub must do. Source: node, 8.4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row

from adapters.nodo.fake import Simulator, SimulatorServer
from adapters.nodo.fake_fdr import REST, SOAP
from adapters.nodo.fake_node import StazioneNota
from adapters.nodo.faults_script import rule_from_text
from adapters.nodo.fdr_http import Tempi
from adapters.nodo.fdr_prodotti import Difetto, FlussoProdotto, Pagamento
from adapters.nodo.fdr_rest import FdrRest
from adapters.nodo.fdr_soap import FdrSoap
from adapters.nodo.trasporto import Attese
from hub.domain.acquisizione_fdr import DomandaFdr, EsitoDomanda, Trasporto
from hub.domain.delivery import Stazione
from hub.formats.fdr_soap import build_chiedi_elenco
from hub.store import acquisizioni_fdr, riscontri_fdr, schema
from tests.factories import make_documento
from tests.rendicontazioni import OGGI, RITMO, Rendicontazione, make_flusso, make_pagamento
from tests.ricevute import VICINO, make_transfer, pay
from tests.world import INTERMEDIARIO, PASSWORD_STAZIONE, STAZIONE, World

IUV = "01000000000000144"
_TEMPI = Tempi(Attese(2.0, 10.0, 10.0), 30.0)
_CONFIGURAZIONE = """
    PPT_DOMINIO_SCONOSCIUTO PPT_DOMINIO_DISABILITATO PPT_INTERMEDIARIO_PA_SCONOSCIUTO PPT_INTERMEDIARIO_PA_DISABILITATO
    PPT_STAZIONE_INT_PA_SCONOSCIUTA PPT_STAZIONE_INT_PA_DISABILITATA PPT_AUTENTICAZIONE PPT_AUTORIZZAZIONE""".split()


class Scena:
    """The hub's jobs in front of the simulator on a port, over one transport."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.clock.now = OGGI + timedelta(hours=1)
        stazione = StazioneNota(STAZIONE, INTERMEDIARIO, PASSWORD_STAZIONE)
        self.node = Simulator("http://127.0.0.1:9", clock=world.clock, stazioni=(stazione,))
        self._server = SimulatorServer("127.0.0.1", 0, self.node)
        self._server.start()
        self.soap = FdrSoap(self._server.url + SOAP, _TEMPI)
        self.hub = Rendicontazione(world, None)
        self.hub.porte = {Trasporto.SOAP: self.soap, Trasporto.REST: FdrRest(self._server.url + REST, _TEMPI, 2)}

    def close(self) -> None:
        self._server.close()

    def over_rest(self) -> None:
        sealed = self.world.runtime.cassaforte.seal("chiave-di-prova-1")
        self.world.lay(schema.servizi_rest, stazione_id=STAZIONE, servizio="fdr", chiave_cifrata=sealed)

    def add(self, *flussi: FlussoProdotto) -> None:
        for flusso in flussi:
            self.node.ledger_fdr.add(flusso)

    def fault(self, text: str) -> None:
        self.node.faults.add(rule_from_text(text))

    def day(self) -> None:
        """A day passes and the jobs work."""
        self.world.clock.advance(86_400)
        self.hub.tutto()

    def match(self) -> Row[Any]:
        """Every job works, then receipts are looked for; the one flow that there is."""
        self.hub.tutto()
        self.hub.abbina()
        return self.hub.one()

    def found(self, row: Row[Any]) -> list[tuple[bool, bool]]:
        with self.world.db.reading() as session:
            return [(bool(one.has_ricevuta), bool(one.has_posizione)) for one in riscontri_fdr.righe_of(session, row)]

    def asked(self, operation: str) -> int:
        return sum(one["operazione"] == operation for one in self.node.ledger_fdr.as_json()["domande"])


@dataclass(frozen=True, slots=True)
class Caso:
    """`play` None: not played, `reason` says why. `is_missing`: the hub does not do it yet."""

    number: int
    source: str
    words: str
    play: Callable[[Scena], None] | None
    reason: str = ""
    is_missing: bool = False

    def __str__(self) -> str:
        return f"{self.number}-{self.source.replace(' ', '_')}"


CASI: list[Caso] = []


def caso(number: int, source: str, words: str) -> Callable[[Callable[[Scena], None]], Callable[[Scena], None]]:
    def keep(play: Callable[[Scena], None]) -> Callable[[Scena], None]:
        CASI.append(Caso(number, source, words, play))
        return play

    return keep


@caso(97, "EC-BKO-01", "codes 0 and 9: 0 matched to its RT, 9 to its RPT, whose lock is released")
def reconcile(scena: Scena) -> None:
    world = scena.world
    paid = world.begin(make_documento())
    world.relay()
    world.conclude(paid, 0)
    open_one = world.begin(make_documento())
    world.relay()
    (dovuto,), carrello = world.dovuti(paid), world.carrello(open_one)
    scena.add(
        make_flusso(
            Pagamento(dovuto.iuv, dovuto.iur, dovuto.importo_pagato_cent, dovuto.data_esito),
            Pagamento(carrello.iuv, "SENZARICEVUTA", carrello.importo_cent, date(2026, 11, 18), "9"),
        )
    )

    row = scena.match()

    assert (row.stato, scena.found(row)) == ("MATCHED", [(True, True), (True, True)])
    assert (world.carrello(open_one).stato, world.tentativo(open_one).stato) == ("PAGATO", "CHIUSO")


@caso(98, "EC-AUX-05", "same id, newer instant: downloaded again, the old version superseded")
def replaced(scena: Scena) -> None:
    flusso = make_flusso(make_pagamento(1), make_pagamento(2))
    scena.add(flusso)
    scena.hub.tutto()
    newer = OGGI + timedelta(hours=2)
    scena.add(replace(flusso, pagamenti=(make_pagamento(1),), revisione=2, generato_at=newer))
    scena.day()

    assert [row.attiva for row in scena.hub.rows()] == [False, True]
    assert scena.hub.attive() == [("01000000000000001", 1001)]


@caso(99, "CEFRSEM1-10, CFRSEM1-5", "wrong caller or domain: the ente's import stops, others go on")
def refused(scena: Scena) -> None:
    scena.add(make_flusso(), make_flusso(dominio=VICINO))
    for code in _CONFIGURAZIONE:
        scena.world.clock.advance(7 * 3600)
        scena.fault(f"nodoChiediElencoFlussiRendicontazione:fault={code},times=1")
        scena.hub.elenca()
        scena.hub.elenca()
        stopped = [row for row in scena.world.rows(schema.acquisizioni_fdr) if row.ferma]
        assert [row.codice for row in stopped] == [code]
        with scena.world.db.transaction() as session:
            acquisizioni_fdr.make_due(session, scena.world.clock())
        scena.hub.tutto()
    assert {row.stato for row in scena.hub.rows()} == {"PARSED"} and len(scena.hub.rows()) == 2


@caso(100, "CFRSEM10", "unknown flow id: retried, then manual")
def unknown(scena: Scena) -> None:
    scena.add(make_flusso(difetti=frozenset({Difetto.MANCANTE})))
    scena.hub.tutto()
    row = scena.hub.one()
    assert (row.stato, row.motivo.split(":")[0]) == ("DOWNLOAD_ERROR", "PPT_ID_FLUSSO_SCONOSCIUTO")
    assert row.next_attempt_at is not None
    for _ in range(31):
        scena.day()
    assert scena.hub.one().next_attempt_at is None


@caso(101, "CEFRSIN16.1, 18", "a list without domain and PSP is answered: the hub may leave both out")
def without_domain(scena: Scena) -> None:
    scena.add(make_flusso(), make_flusso(dominio=VICINO))
    stazione = Stazione(STAZIONE, INTERMEDIARIO, PASSWORD_STAZIONE)
    body = build_chiedi_elenco(DomandaFdr(stazione, ""))
    assert b"identificativoPSP" not in body
    # The hub names the domain: what it keeps belongs to one ente.
    elenco = scena.soap.elenca(DomandaFdr(stazione, INTERMEDIARIO), OGGI)
    assert elenco.esito == EsitoDomanda.OK and len(elenco.flussi) == 1


@caso(102, "EC-PSP-04, 05", "IUV and IUR matched to creditorReferenceId and receiptId, own and other's positions")
def reconcile_new_model(scena: Scena) -> None:
    scena.world.lay_avviso(IUV)
    transfers = (make_transfer(1, "30.00"), make_transfer(2, "20.00", VICINO))
    pay(scena.world, iuv=IUV, receipt_id="token-1", transfers=transfers)
    own = Pagamento(IUV, "token-1", 3000, date(2026, 11, 20), indice=1)
    other = Pagamento(IUV, "token-1", 2000, date(2026, 11, 20), indice=2)
    scena.add(make_flusso(own), make_flusso(other, dominio=VICINO))
    scena.hub.tutto()
    scena.hub.abbina()

    rows = {row.dominio: row for row in scena.hub.rows()}
    assert {row.stato for row in rows.values()} == {"MATCHED"}
    assert scena.found(rows[VICINO]) == [(True, False)]


@caso(103, "[R]", "totals that do not add up: INCONSISTENT, not dropped")
def inconsistent(scena: Scena) -> None:
    scena.add(make_flusso(difetti=frozenset({Difetto.TOTALI})))
    scena.hub.tutto()
    assert (scena.hub.one().stato, len(scena.hub.attive())) == ("INCONSISTENT", 2)


@caso(104, "SEM_NIFR_27, 29", "a flow id with a bad date or a wrong PSP part is read all the same")
def odd_names(scena: Scena) -> None:
    names = ("2026-13-45ABI01234-S1", "2026-11-20-S1", "giro_7", "2026-11-20XXXXX-S1")
    scena.add(*(make_flusso(iuf=name) for name in names))
    scena.hub.tutto()
    assert {row.iuf: row.stato for row in scena.hub.rows()} == dict.fromkeys(names, "PARSED")


@caso(105, "FdR3_005_01, 02, 05", "REST: all pages of the list, one flow, its payments; cursor after the commit")
def rest_pages(scena: Scena) -> None:
    scena.over_rest()
    scena.add(*(make_flusso(*map(make_pagamento, range(1, 6)), iuf=f"2026-11-20ABI01234-S{n}") for n in range(5)))
    scena.hub.elenca()
    scena.hub.elenca()
    assert scena.hub.turno().pubblicato_at == OGGI and len(scena.hub.rows()) == 5
    scena.hub.tutto()
    # Pages of two: three of the list, and one of the other ente's; three for each flow.
    assert (scena.asked("fdr.elenco"), scena.asked("fdr.pagamenti"), len(scena.hub.attive())) == (4, 15, 25)


@caso(106, "FdR3_005_03, 04, 06", "REST: a flow not published or unknown is asked for again, not an alarm")
def rest_absent(scena: Scena) -> None:
    scena.over_rest()
    scena.add(
        make_flusso(iuf="2026-11-20ABI01234-S1", difetti=frozenset({Difetto.NON_PUBBLICATO})),
        make_flusso(iuf="2026-11-20ABI01234-S2", difetti=frozenset({Difetto.MANCANTE})),
    )
    scena.hub.tutto()
    rows = scena.hub.rows()
    assert [(row.stato, row.motivo) for row in rows] == [
        ("DOWNLOAD_ERROR", "NON_PUBBLICATO"), ("DOWNLOAD_ERROR", "HTTP_404")
    ]  # fmt: skip
    assert all(row.next_attempt_at == scena.world.clock() + timedelta(days=1) for row in rows)
    assert scena.hub.turno().ferma is False


@caso(107, "FDR3", "REST: revision 2 after 1 supersedes")
def rest_revision(scena: Scena) -> None:
    scena.over_rest()
    flusso = make_flusso(make_pagamento(1), make_pagamento(2))
    scena.add(flusso)
    scena.hub.tutto()
    # The instant of the flow may stay: the revision alone says that it is another one.
    scena.add(replace(flusso, pagamenti=(make_pagamento(9),), revisione=2, pubblicato_at=OGGI + timedelta(hours=3)))
    scena.day()
    assert [(row.revisione, row.attiva) for row in scena.hub.rows()] == [(1, False), (2, True)]
    assert scena.hub.attive() == [("01000000000000009", 1009)]


@caso(108, "RecuperoFdR1_010_03, 04", "SOAP: an empty list is no error; an unknown flow is asked for the next day")
def soap_absent(scena: Scena) -> None:
    scena.hub.tutto()
    assert (scena.hub.turno().errori, scena.hub.turno().ferma, scena.hub.rows()) == (0, False, [])
    scena.world.clock.advance(RITMO.intervallo.total_seconds())
    unknown(scena)
