"""The seven flow operations, 2.7, 2.8 and 2.9."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from hub.store import schema
from tests.soap.stage import GOOD, OWN, Stage, code_of
from tests.soap.walk.frame import Row, Table, beside, defect, row, unreachable

ENTE = "PAA_ENTE_NON_VALIDO"
DA, A, INTERVALLO = "PAA_DATE_FROM_NON_VALIDO", "PAA_DATE_TO_NON_VALIDO", "PAA_INTERVALLO_DATE_NON_VALIDO"
MYPIVOT = "CODE_PAA_PASSWORD_ALLINEAMENTO_MYPIVOT_NON_VALIDA"
TIPO = "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO"
VERSIONE = "PAA_VERSIONE_TRACCIATO_NON_VALIDA"
TOKEN = "PAA_REQUEST_TOKEN_NON_VALIDO"
AUTORIZZA, STATO_IMPORT = "paaSILAutorizzaImportFlusso", "paaSILChiediStatoImportFlusso"
EXPORT, STATO_EXPORT = "paaSILPrenotaExportFlusso", "paaSILChiediStatoExportFlusso"
INCREMENTALE = "paaSILPrenotaExportFlussoIncrementaleConRicevuta"
SCADUTI, STATO_SCADUTI = "paaSILPrenotaExportFlussoScaduti", "paaSILChiediStatoExportFlussoScaduti"
NO_USER = "the hub has no technical users: a caller is its credential"


@dataclass
class Chiamata:
    """What every flow operation is called with; `fields` are those of the body that are not None."""

    operation = AUTORIZZA
    ente: str = "C_PROVA"
    password: str = OWN

    def fields(self, stage: Stage) -> dict[str, Any]:
        return {}

    def ask(self, stage: Stage) -> str:
        fields = {name: value for name, value in self.fields(stage).items() if value is not None}
        return stage.ask(self.operation, {"password": self.password} | fields, self.ente)


@dataclass
class Export(Chiamata):
    operation = EXPORT
    da: str | None = "2026-11-01"
    a: str | None = "2026-11-20"
    tipo: str | None = "TARI"
    versione: str | None = "1.3"

    def fields(self, stage: Stage) -> dict[str, Any]:
        return {
            "dateFrom": self.da,
            "dateTo": self.a,
            "identificativoTipoDovuto": self.tipo,
            "versioneTracciato": self.versione,
        }


@dataclass
class Incrementale(Export):
    operation = INCREMENTALE
    da: str | None = "2026-11-01T08:00:00"
    a: str | None = "2026-11-20T18:30:00"
    mypivot: str | None = None
    incrementale: str = "true"

    def fields(self, stage: Stage) -> dict[str, Any]:
        more = {"ricevuta": "false", "incrementale": self.incrementale, "passwordMypivot": self.mypivot}
        return Export.fields(self, stage) | more


@dataclass
class Scaduti(Chiamata):
    operation = SCADUTI
    scadenza: str | None = "2026-11-20"
    tipi: str | None = "TARI;MENSA"

    def fields(self, stage: Stage) -> dict[str, Any]:
        return {"dataScadenza": self.scadenza, "tipiDovuto": self.tipi}


@dataclass
class Stato(Chiamata):
    """How a booking stands, asked by the ente that may have made it; the state, when one is answered."""

    di: str | None = "C_PROVA"
    stato: str | None = None
    booking = EXPORT
    table = schema.prenotazioni_export
    errore: str | None = None

    def ask(self, stage: Stage) -> str:
        token = str(uuid.uuid4()) if self.di is None else self._book(stage, self.di)
        payload = stage.post(self.operation, {"password": self.password, "requestToken": token}, self.ente)
        code = code_of(payload)
        return payload.findtext("stato") if code == GOOD else code

    def _book(self, stage: Stage, ente: str) -> str:
        good = {EXPORT: Export, SCADUTI: Scaduti, AUTORIZZA: Chiamata}[self.booking]()
        fields = {"password": OWN} | good.fields(stage)
        token = stage.post(self.booking, fields | ({"tipiDovuto": "TARI"} if "tipiDovuto" in fields else {}), ente)
        changes = {name: value for name, value in (("stato", self.stato), ("codice_errore", self.errore)) if value}
        if changes:
            stage.world.change(self.table, "request_token", token.findtext("requestToken"), **changes)
        return token.findtext("requestToken")


@dataclass
class StatoExport(Stato):
    operation = STATO_EXPORT


@dataclass
class StatoScaduti(Stato):
    operation = STATO_SCADUTI
    booking = SCADUTI


@dataclass
class StatoImport(Stato):
    operation = STATO_IMPORT
    booking = AUTORIZZA
    table = schema.flussi_import
    stato: str | None = "LOAD_IMPORT"


def callers(*, state_checked: bool) -> Row:
    words = "verificaEnte with state" if state_checked else "verificaEnte, state not checked"
    wrong = [defect(ENTE, ente="C_IGNOTO"), defect(ENTE, password="Sbagliata123")]
    if state_checked:
        wrong.append(defect(ENTE, ente="C_SPENTO"))
    return row("1", words, *wrong)


def prenota(*mypivot: Row) -> tuple[Row, ...]:
    """The checks of a booking of paid items, in their order; those of passwordMypivot stand in the middle."""
    return (
        callers(state_checked=True),
        row("2", "dateFrom missing", defect(DA, da=None), defect(DA, da=" ")),
        # The incremental one has a default, now: there a date that cannot be read is the mistake of the row.
        row("3", "dateTo missing", defect(A, a="domani") if mypivot else defect(A, a=None)),
        row("4", "dateTo before dateFrom", defect(INTERVALLO, a="2026-10-01T00:00:00" if mypivot else "2026-10-01")),
        *mypivot,
        row("6", "tipo unknown", defect(TIPO, tipo="IGNOTO")),
        unreachable("7", "technical user missing", NO_USER),
        row("8", "layout not among 1.0 to 1.3", defect(VERSIONE, versione="1.4"), defect(VERSIONE, versione="2")),
        beside("marker", "EXPORT_ENTE_SECONDARIO is accepted", defect(GOOD, tipo="EXPORT_ENTE_SECONDARIO", keeps=ALL)),
    )


ALL = "ente password da a mypivot versione"
TOKENS = (
    row("2", "unknown token, or of another ente", defect(TOKEN, di=None), defect(TOKEN, di="C_VICINO")),
    beside(
        "state",
        "the ente's state is not checked",
        defect(TOKEN, ente="C_SPENTO", keeps="di stato errore password"),
    ),
)


def states(*names: str) -> tuple[Row, ...]:
    return tuple(row(f"stato {name}", "the state is told", defect(name, stato=name)) for name in names)


EXPORT_STATES = (
    "LOAD_EXPORT",
    "EXPORT_IN_ELAB",
    "EXPORT_ESEGUITO",
    "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO",
    "ERROR_EXPORT",
    "EXPORT_CANCELLATO",
)
TABLES = (
    Table(
        "2.7",
        AUTORIZZA,
        Chiamata,
        (
            callers(state_checked=False),
            beside("state", "the ente's state is not checked", defect(GOOD, ente="C_SPENTO", keeps="password")),
        ),
    ),
    Table(
        "2.7",
        STATO_IMPORT,
        StatoImport,
        (
            callers(state_checked=False),
            *TOKENS,
            row("3", "the file is still waited for", defect(TOKEN, stato="AUTORIZZATO")),
            row("4", "the error code of the file", defect("PAA_ERRORE_PROVA", errore="PAA_ERRORE_PROVA")),
            *states("LOAD_IMPORT", "IMPORT_IN_ELAB", "IMPORT_ESEGUITO", "IMPORT_ABORTITO"),
        ),
        good="LOAD_IMPORT",
    ),
    Table("2.8", EXPORT, Export, prenota()),
    Table(
        "2.8",
        INCREMENTALE,
        Incrementale,
        prenota(row("5", "passwordMypivot not the configured one", defect(MYPIVOT, mypivot="Altra1234567"))),
    ),
    Table(
        "2.8",
        STATO_EXPORT,
        StatoExport,
        (callers(state_checked=False), *TOKENS, *states(*EXPORT_STATES)),
        good="LOAD_EXPORT",
    ),
    Table(
        "2.9",
        SCADUTI,
        Scaduti,
        (
            callers(state_checked=False),
            row("2", "date missing", defect(DA, scadenza=None), defect(DA, scadenza=" ")),
            row("3", "any tipo unknown", defect(TIPO, tipi="TARI;IGNOTO"), defect(TIPO, tipi="IGNOTO")),
            row(
                "4",
                "blank list",
                defect("PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_INSERITO", tipi=None),
                defect("PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_INSERITO", tipi=" ; "),
            ),
        ),
    ),
    Table(
        "2.9",
        STATO_SCADUTI,
        StatoScaduti,
        (
            callers(state_checked=False),
            *TOKENS,
            unreachable("3", "a duplicated token", "uq_prenotazioni_export_request_token keeps tokens unique"),
            *states(*EXPORT_STATES),
        ),
        good="LOAD_EXPORT",
    ),
)
