"""Pending notices, open positions and past payments, 2.10 and 2.11."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.factories import CODICE_FISCALE
from tests.soap.portale import ADMIN_PASSWORD
from tests.soap.stage import GOOD, OWN, Stage
from tests.soap.walk.frame import Row, Table, beside, defect, row
from tests.world import PASSWORDS

ENTE = "PAA_ENTE_NON_VALIDO"
DA, A, INTERVALLO = "PAA_DATE_FROM_NON_VALIDO", "PAA_DATE_TO_NON_VALIDO", "PAA_INTERVALLO_DATE_NON_VALIDO"
TIPO = "PAA_TIPO_IDENTIFICATIVO_PAGATORE_NON_VALIDO"
CODICE = "PAA_CODICE_IDENTIFICATIVO_PAGATORE_NON_PRESENTE"
AVVISI, POSIZIONI = "paaSILChiediAvvisiPendenti", "paaSILChiediPosizioniAperte"
STORICO = "paaSILChiediStoricoPagamenti"


@dataclass
class Avvisi:
    ente: str = "C_PROVA"
    password: str = OWN
    da: str | None = "2026-11-01"
    a: str | None = "2026-11-20"

    def ask(self, stage: Stage) -> str:
        values = {"password": self.password, "codIpaEnte": self.ente, "dateFrom": self.da, "dateTo": self.a}
        return stage.ask(AVVISI, {name: value for name, value in values.items() if value is not None})


@dataclass
class Posizioni:
    """Asked by the administrator ente about every ente, unless the fields say otherwise."""

    operation = POSIZIONI
    ente: str | None = None
    password: str = ADMIN_PASSWORD
    tipo: str | None = "F"
    codice: str | None = CODICE_FISCALE

    def dates(self) -> dict[str, Any]:
        return {}

    def ask(self, stage: Stage) -> str:
        persona = {"tipoIdentificativoUnivoco": self.tipo, "codiceIdentificativoUnivoco": self.codice}
        values = {
            "password": self.password,
            "codIpaEnte": self.ente,
            "identificativoUnivocoPersonaFG": {name: value for name, value in persona.items() if value is not None},
        } | self.dates()
        return stage.ask(self.operation, {name: value for name, value in values.items() if value is not None})


@dataclass
class Storico(Posizioni):
    operation = STORICO
    da: str | None = "2026-11-01T08:00:00"
    a: str | None = "2026-11-20T18:30:00"

    def dates(self) -> dict[str, Any]:
        return {"dataFrom": self.da, "dataTo": self.a}


WRONG = {"password": "Sbagliata123"}
CITTADINO: tuple[Row, ...] = (
    row(
        "1",
        "password of neither, or unknown ente",
        defect(ENTE, **WRONG),
        defect(ENTE, ente="C_IGNOTO"),
        # An ente that does not say that it asks about itself; one that asks about another.
        defect(ENTE, password=PASSWORDS["C_PROVA"], keeps="ente"),
        defect(ENTE, password=PASSWORDS["C_PROVA"], ente="C_VICINO"),
    ),
    beside(
        "own",
        "an ente asks about itself",
        defect(GOOD, password=PASSWORDS["C_PROVA"], ente="C_PROVA", keeps="password ente tipo codice da a"),
    ),
    row("2", "kind of payer not F or G", defect(TIPO, tipo="X"), defect(TIPO, tipo=None)),
    row("3", "code of the payer missing", defect(CODICE, codice=None), defect(CODICE, codice=" ")),
)
TABLES = (
    Table(
        "2.10",
        AVVISI,
        Avvisi,
        (
            row("1", "unknown ente, or password", defect(ENTE, ente="C_IGNOTO"), defect(ENTE, **WRONG)),
            beside("state", "the ente's state is not checked", defect(GOOD, ente="C_SPENTO", keeps="password da a")),
            row("2", "dateFrom missing", defect(DA, da=None), defect(DA, da="ieri")),
            row("3", "dateTo missing", defect(A, a=None), defect(A, a="2026-02-30")),
            row("4", "dateTo before dateFrom", defect(INTERVALLO, a="2026-10-31", keeps="da")),
        ),
    ),
    Table("2.11", POSIZIONI, Posizioni, CITTADINO),
    Table(
        "2.11",
        STORICO,
        Storico,
        (
            *CITTADINO,
            row("4", "dataFrom missing", defect(DA, da=None), defect(DA, da="ieri")),
            row("5", "dataTo is no instant", defect(A, a="domani")),
            row("6", "dataTo before dataFrom", defect(INTERVALLO, a="2026-11-01T07:59:59", keeps="da")),
        ),
    ),
)
