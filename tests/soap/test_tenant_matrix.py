"""Comune Vicino, with good credentials of its own, goes after everything of Comune di Prova by each operation.

Whatever it asks for, by whatever key and under whatever name: it sees nothing of Prova and changes nothing of Prova.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from hub.domain.credenziali import Genere
from hub.domain.guasti import OPERAZIONI_ENTE
from hub.formats.segreti import hash_password
from hub.runtime import PEER_CERTIFICATE
from hub.store import schema
from hub.usecases.change_credenziale import add_credenziale, new_token
from tests.certificates import make_identity, pin
from tests.factories import CODICE_FISCALE, encode, make_documento, make_rt, make_voce
from tests.soap.requests_of_all import IN_BODY, values_of
from tests.soap.stage import GOOD, OWN, Stage, code_of, open_stage
from tests.soap.walk.carrello import hash_of
from tests.soap.walk.chiedi_pagati import Chiavi, stored
from tests.versamenti import Versamento
from tests.world import INTERMEDIARIO, PASSWORDS, World

APPLICAZIONE = "Gestionale2345"
TOKEN_DI_VICINO = new_token()
TLS = make_identity("TLS di Comune Vicino", "ec")
CAUSALE, NOME = "Riservata di Prova", "Debitrice Riservata"
ENTE = "PAA_ENTE_NON_VALIDO"
SESSIONE = "PAA_ID_SESSION_NON_VALIDO"
TOKEN = "PAA_REQUEST_TOKEN_NON_VALIDO"
TIPO = "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO"
# A tipo that Prova has and Vicino has not.
TIPO_DI_PROVA = "SANZIONE"


@dataclass(frozen=True)
class Prey:
    """What Comune di Prova has: sessions that wait and that are paid, a dovuto to be paid, flows."""

    stage: Stage
    in_attesa: str
    carrello: str
    pagata: str
    iuv_pagato: str
    iud_pagato: str
    iuv: str
    iud: str
    iud_di_prova: str
    iuv_registrato: str
    # More of its IUD: who uses one makes it its own too.
    altri_iud: Iterator[str]
    token_import: str
    token_export: str
    token_scaduti: str


@dataclass(frozen=True)
class Probe:
    """One way to go after it: fields of the request, by names of the prey in braces; the codes that may answer."""

    what: str
    operation: str
    fields: dict[str, Any] = field(default_factory=dict)
    codes: frozenset[str] = frozenset({GOOD})

    def values(self, prey: Prey) -> dict[str, Any]:
        filled = {name: _filled(value, prey) for name, value in self.fields.items()}
        return values_of(self.operation, "C_VICINO") | filled

    def __str__(self) -> str:
        return f"{self.operation}-{self.what}"


def _filled(value: Any, prey: Prey) -> Any:
    if callable(value):
        return value(prey)
    return value.format(**vars(prey)) if isinstance(value, str) else value


def probe(operation: str, what: str, *codes: str, **fields: Any) -> Probe:
    return Probe(what, operation, fields, frozenset(codes or {GOOD}))


VICINO = hash_of("C_VICINO")


def _elementi(ente: str, hash: str, **voce: Any) -> dict[str, Any]:
    dovuti = encode(make_documento(make_voce(**voce)).xml)
    return {"elementoListaDovuti": [{"codIpaEnte": ente, "password": hash, "dovuti": dovuti}]}


def _versamento(iud: str, **fields: Any) -> str:
    return encode(Versamento(iud, **fields).xml)


INVIA, CARRELLO, VERIFICA = "paaSILInviaDovuti", "paaSILInviaCarrelloDovuti", "paaSILVerificaAvviso"
PAGATI, RICEVUTA, ESITO = "paaSILChiediPagati", "paaSILChiediPagatiConRicevuta", "paaSILChiediEsitoCarrelloDovuti"
IMPORTA, REGISTRA = "paaSILImportaDovuto", "paaSILRegistraPagamento"
SISTEMA = "PAA_SYSTEM_ERROR"
NESSUNO = None
PROBES = (
    probe(INVIA, "its IUD is Vicino's to use", dovuti=lambda prey: encode(make_documento(make_voce(iud=prey.iud)).xml)),
    probe(INVIA, "its tipo", TIPO, dovuti=lambda prey: encode(make_documento(make_voce(tipo=TIPO_DI_PROVA)).xml)),
    probe(CARRELLO, "an element of its own", ENTE, listaDovuti=lambda prey: _elementi("C_PROVA", "0" * 64)),
    probe(CARRELLO, "an element under the hash of Vicino", ENTE, listaDovuti=lambda _: _elementi("C_PROVA", VICINO)),
    probe(CARRELLO, "its tipo", TIPO, listaDovuti=lambda prey: _elementi("C_VICINO", VICINO, tipo=TIPO_DI_PROVA)),
    probe(VERIFICA, "its IUV", "PAA_IUV_NON_VALIDO", identificativoUnivocoVersamento="{iuv}"),
    probe(VERIFICA, "its paid IUV", "PAA_IUV_NON_VALIDO", identificativoUnivocoVersamento="{iuv_pagato}"),
    probe(ESITO, "its cart", SESSIONE, idSessionCarrello="{carrello}"),
    probe(ESITO, "its paid session", SESSIONE, idSessionCarrello="{pagata}"),
    probe(PAGATI, "its cart", SESSIONE, idSession="{carrello}"),
    probe(PAGATI, "its paid session", SESSIONE, idSession="{pagata}"),
    probe(PAGATI, "its waiting session", SESSIONE, idSession="{in_attesa}"),
    probe(RICEVUTA, "its paid session", SESSIONE, idSession="{pagata}", identificativoUnivocoVersamento=NESSUNO),
    probe(RICEVUTA, "its paid IUV", "PAA_IUV_NON_VALIDO", identificativoUnivocoVersamento="{iuv_pagato}"),
    probe(RICEVUTA, "its IUV", "PAA_IUV_NON_VALIDO", identificativoUnivocoVersamento="{iuv}"),
    probe(
        RICEVUTA,
        "its paid IUD",
        "PAA_IUD_NON_VALIDO",
        identificativoUnivocoVersamento=NESSUNO,
        identificativoUnivocoDovuto="{iud_pagato}",
    ),
    probe(IMPORTA, "its IUD is Vicino's to use", dovuto=lambda prey: _versamento(next(prey.altri_iud))),
    probe(IMPORTA, "its IUV", "PAA_IUV_NON_VALIDO", dovuto=lambda prey: _versamento("NUOVO", iuv=prey.iuv)),
    probe(IMPORTA, "change it", SISTEMA, dovuto=lambda prey: _versamento(prey.iud_di_prova, azione="M")),
    probe(IMPORTA, "cancel it", SISTEMA, dovuto=lambda prey: _versamento(prey.iud_di_prova, azione="A")),
    probe(IMPORTA, "print it", "PAA_IUV_NON_VALIDO", dovuto=lambda prey: _versamento("X", azione="S", iuv=prey.iuv)),
    probe(REGISTRA, "its IUV", identificativoUnivocoVersamento="{iuv_registrato}"),
    probe("paaSILChiediAvvisiPendenti", "its notices", dateTo="2027-12-31"),
    probe("paaSILChiediPosizioniAperte", "its citizen"),
    probe("paaSILChiediPosizioniAperte", "everybody's citizen", ENTE, codIpaEnte=NESSUNO),
    probe("paaSILChiediStoricoPagamenti", "its citizen"),
    probe("paaSILChiediStoricoPagamenti", "everybody's citizen", ENTE, codIpaEnte=NESSUNO),
    probe("paaSILAutorizzaImportFlusso", "a place of its own"),
    probe("paaSILChiediStatoImportFlusso", "its flow", TOKEN, requestToken="{token_import}"),
    probe("paaSILPrenotaExportFlusso", "its tipo", TIPO, identificativoTipoDovuto=TIPO_DI_PROVA),
    probe("paaSILPrenotaExportFlussoIncrementaleConRicevuta", "its tipo", TIPO, identificativoTipoDovuto=TIPO_DI_PROVA),
    probe("paaSILChiediStatoExportFlusso", "its export", TOKEN, requestToken="{token_export}"),
    probe("paaSILChiediStatoExportFlusso", "its other export", TOKEN, requestToken="{token_scaduti}"),
    probe("paaSILPrenotaExportFlussoScaduti", "its tipo", TIPO, tipiDovuto=TIPO_DI_PROVA),
    probe("paaSILChiediStatoExportFlussoScaduti", "its export", TOKEN, requestToken="{token_scaduti}"),
)


def lay_prey(world: World, stage: Stage) -> Prey:
    def documento() -> Any:
        return make_documento(make_voce(causale=CAUSALE), nome=NOME)

    pagata = world.begin(documento())
    tentativo = world.tentativo(pagata)
    world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
    world.apply()
    free = [_riservato(stage) for _ in range(11)]
    carrello = {"password": OWN, "listaDovuti": _elementi("C_PROVA", hash_of("C_PROVA"), causale=CAUSALE)}
    tokens = {
        operation: stage.post(operation, values_of(operation), "C_PROVA").findtext("requestToken")
        for operation in (
            "paaSILAutorizzaImportFlusso",
            "paaSILPrenotaExportFlusso",
            "paaSILPrenotaExportFlussoScaduti",
        )
    }
    return Prey(
        stage=stage,
        in_attesa=world.invia(documento()),
        carrello=stage.post(CARRELLO, carrello, "C_PROVA").findtext("idSessionCarrello"),
        pagata=pagata,
        iuv_pagato=tentativo.iuv,
        iud_pagato=world.dovuti(pagata)[0].iud,
        iuv=free[0].iuv,
        iud=free[0].iud,
        iud_di_prova=free[1].iud,
        iuv_registrato=free[2].iuv,
        altri_iud=iter([chiavi.iud for chiavi in free[3:]]),
        token_import=tokens["paaSILAutorizzaImportFlusso"],
        token_export=tokens["paaSILPrenotaExportFlusso"],
        token_scaduti=tokens["paaSILPrenotaExportFlussoScaduti"],
    )


def _riservato(stage: Stage) -> Chiavi:
    """A dovuto of Prova that waits to be paid."""
    pagatore = {"tipo": "F", "codice": CODICE_FISCALE, "anagrafica": NOME}
    return stored(stage, "INSERIMENTO_DOVUTO", causale=CAUSALE, pagatore=pagatore)


@pytest.fixture(scope="module")
def prey(backend: str, _servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prey]:
    with open_stage(backend, _servers, tmp_path_factory) as stage:
        world = stage.world
        application = {"applicazione": "gestionale", "hash": hash_password(APPLICAZIONE)}
        world.lay(schema.credenziali, ente_id=2, created_at=world.clock(), **application)
        add_credenziale(world.db, "C_VICINO", "portale", TOKEN_DI_VICINO, None, None, world.clock())
        pin(world, TLS, Genere.CERTIFICATO, ente_id=2, applicazione="sportello")
        yield lay_prey(world, stage)


@pytest.fixture
def unharmed(prey: Prey) -> Iterator[None]:
    """What belongs to Comune di Prova is the same after the test."""
    before = _of_prova(prey.stage.world)
    yield
    assert _of_prova(prey.stage.world) == before


def _of_prova(world: World) -> dict[str, list[Any]]:
    """Every row that is Prova's, by table; of tables that know no ente, every row."""
    found = {}
    owner = {"ente_id": 1, "dominio": INTERMEDIARIO, "codice_fiscale": INTERMEDIARIO, "cod_ipa_ente": "C_PROVA"}
    with world.db.reading() as session:
        for table in schema.metadata.sorted_tables:
            if table is schema.revisione_configurazione:
                # The installation's own: a tipo that Vicino has added moves it on.
                continue
            query = select(table)
            marks = [table.c[name] == value for name, value in owner.items() if name in table.c]
            if marks:
                query = query.where(marks[0])
            found[table.name] = sorted(map(repr, session.execute(query)))
    return found


def _said(stage: Stage) -> list[bytes]:
    """The last answer and every document inside it, under two levels of base64."""
    assert stage.last is not None
    texts = [stage.last.body]
    for _ in range(2):
        texts += [_decoded(word) for text in texts for word in re.findall(rb"[A-Za-z0-9+/\s]{24,}={0,2}", text)]
    return texts


def assert_nothing_seen(stage: Stage) -> None:
    for text in _said(stage):
        for secret in (CAUSALE, NOME):
            assert secret.encode() not in text


def _decoded(word: bytes) -> bytes:
    try:
        return base64.b64decode(word)
    except ValueError:
        return b""


# What Vicino may show: a password, and what stands beside the envelope.
CREDENTIALS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "ente": (PASSWORDS["C_VICINO"], {}),
    "applicazione": (APPLICAZIONE, {}),
    "token": (None, {"HTTP_AUTHORIZATION": f"Bearer {TOKEN_DI_VICINO.chiaro}"}),
    "certificato": (None, {PEER_CERTIFICATE: TLS.der}),
}


@pytest.fixture(params=CREDENTIALS)
def password(prey: Prey, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """A credential of Vicino: its password, None when it is shown beside the envelope."""
    password, prey.stage.shown = CREDENTIALS[request.param]
    yield password
    prey.stage.shown = {}


def showing(password: str | None, probe: Probe, values: dict[str, Any]) -> dict[str, Any]:
    """The request with that password; where the contract wants one all the same it is blank."""
    return values | {"password": "" if password is None and probe.operation == CARRELLO else password}


def test_every_operation_of_the_contract_is_tried() -> None:
    assert {probe.operation for probe in PROBES} == set(OPERAZIONI_ENTE)


SHOWN = [
    probe(PAGATI, "its paid session", idSession="{pagata}"),
    probe(RICEVUTA, "its paid IUV", identificativoUnivocoVersamento="{iuv_pagato}"),
    probe("paaSILChiediAvvisiPendenti", "its notices", dateTo="2027-12-31"),
    probe("paaSILChiediPosizioniAperte", "its citizen"),
    probe("paaSILChiediStoricoPagamenti", "its citizen"),
]


@pytest.mark.parametrize("probe", SHOWN, ids=str)
def test_prova_itself_sees_what_vicino_is_after(prey: Prey, probe: Probe) -> None:
    """Or the other tests would find nothing because there is nothing."""
    values = probe.values(prey) | {"password": PASSWORDS["C_PROVA"], "codIpaEnte": "C_PROVA"}

    assert prey.stage.ask(probe.operation, values) == GOOD
    assert any(CAUSALE.encode() in text for text in _said(prey.stage))


@pytest.mark.parametrize("probe", PROBES, ids=str)
def test_what_is_provas_does_not_exist_for_vicino(
    prey: Prey, unharmed: None, probe: Probe, password: str | None
) -> None:
    values = showing(password, probe, probe.values(prey))

    code = prey.stage.ask(probe.operation, values, "C_VICINO")

    assert code in probe.codes
    assert_nothing_seen(prey.stage)


@pytest.mark.parametrize("probe", PROBES, ids=str)
def test_vicino_under_the_name_of_prova_is_nobody(
    prey: Prey, unharmed: None, probe: Probe, password: str | None
) -> None:
    """The name stands in the header or in the body, as the operation wants it."""
    values = showing(password, probe, probe.values(prey))
    if probe.operation in IN_BODY:
        values["codIpaEnte"] = "C_PROVA"

    assert prey.stage.ask(probe.operation, values, "C_PROVA") == ENTE
    assert_nothing_seen(prey.stage)


NAMED_IN_BODY = [probe for probe in PROBES if probe.operation in IN_BODY and "codIpaEnte" not in probe.fields]


@pytest.mark.parametrize("header", ["C_VICINO", "C_PROVA"])
@pytest.mark.parametrize("probe", NAMED_IN_BODY, ids=str)
def test_a_header_where_none_belongs_changes_nothing(prey: Prey, unharmed: None, probe: Probe, header: str) -> None:
    """The body alone says who calls: with the other's name there the caller is nobody, with its own it is Vicino."""
    head = (
        '<h:intestazionePPT xmlns:h="http://www.regione.veneto.it/pagamenti/ente/ppthead">'
        f"<codIpaEnte>{header}</codIpaEnte></h:intestazionePPT>"
    )
    values = probe.values(prey) | {"password": PASSWORDS["C_VICINO"]}
    answers = []
    for ente in ("C_PROVA", "C_VICINO"):
        envelope = prey.stage.envelope(probe.operation, values | {"codIpaEnte": ente}).decode()
        envelope = re.sub(r"<(\w+):Header/>", rf"<\1:Header>{head}</\1:Header>", envelope)
        assert head in envelope
        answers.append(code_of(prey.stage.send(envelope.encode())))
        assert_nothing_seen(prey.stage)

    assert answers[0] == ENTE
    assert answers[1] in probe.codes


# An unknown IUV is recorded as paid, for whoever says so: there the second answer is about the caller's own.
BY_KEY = [
    probe
    for probe in PROBES
    if probe.operation != REGISTRA and any("{" in text for text in probe.fields.values() if isinstance(text, str))
]


@pytest.mark.parametrize("probe", BY_KEY, ids=str)
def test_what_is_provas_and_what_never_was_get_the_same_answer(prey: Prey, probe: Probe) -> None:
    """Or a caller could find out what exists elsewhere."""
    known = {value: value[:-6] + "987654" for value in vars(prey).values() if isinstance(value, str)}
    values = probe.values(prey) | {"password": PASSWORDS["C_VICINO"]}
    elsewhere = {name: known.get(value, value) if isinstance(value, str) else value for name, value in values.items()}

    bodies = []
    for fields in (values, elsewhere):
        prey.stage.ask(probe.operation, fields, "C_VICINO")
        assert prey.stage.last is not None
        body = prey.stage.last.body.decode()
        for mine, other in known.items():
            body = body.replace(mine, "*").replace(other, "*")
        bodies.append(body)

    assert bodies[0] == bodies[1]
