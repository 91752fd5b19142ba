"""paaSILRegistraPagamento, table 2.6."""

from __future__ import annotations

from dataclasses import dataclass

from tests.soap.stage import OWN, Stage
from tests.soap.walk.frame import Table, defect, row
from tests.versamenti import own_iuv

ENTE = "PAA_ENTE_NON_VALIDO"


@dataclass
class Caso:
    ente: str = "C_PROVA"
    password: str = OWN

    def ask(self, stage: Stage) -> str:
        values = {
            "codIpaEnte": self.ente,
            "password": self.password,
            "identificativoUnivocoVersamento": own_iuv(next(stage.number)),
            "singoloImportoPagato": "10.00",
            "dataEsitoSingoloPagamento": "2026-11-20",
            "identificativoUnivocoRiscossione": "IUR1",
            "tipoIstitutoAttestante": "B",
            "codiceIstitutiAttestante": "UNCRITMM",
            "denominazioneAttestante": "Banca di prova",
        }
        return stage.ask("paaSILRegistraPagamento", values)


TABLES = (
    Table(
        "2.6",
        "paaSILRegistraPagamento",
        Caso,
        (
            row("1", "ente unknown", defect(ENTE, ente="C_IGNOTO")),
            row("2", "ente in state INSERITO", defect("PAA_STATO_ENTE_NON_VALIDO", ente="C_SPENTO")),
            row("3", "password", defect(ENTE, password="Sbagliata123")),
        ),
    ),
)
