"""paaSILImportaDovuto, tables 2.5: the common checks for each action, then those of the action.

The caller is known before the document is read (defect 1 of section 8): row 2 stands before row 1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from hub.store import schema
from tests.soap.stage import OWN, Stage, encoded
from tests.soap.walk.frame import Row, Table, defect, row, unreachable
from tests.versamenti import EnteSecondario, Versamento, own_iuv
from tests.world import PASSWORD_REFEZIONE

ENTI = {"C_PROVA": 1, "C_VICINO": 2}
# Said of the IUV: one that nobody has, or the one of the stored dovuto.
NUOVO = "uno nuovo"
SUO = "il suo"


@dataclass
class Caso(Versamento):
    iud: str | None = "uno nuovo"
    ente: str = "C_PROVA"
    password: str = OWN
    genera_iuv: str | None = None
    secondari: tuple[str, ...] = ()
    coda: str = ""
    # The state of another dovuto that has the IUD, of another that has the IUV.
    iud_preso: str | None = None
    iuv_preso: str | None = None
    # The dovuto that the action is about: its state (None: there is none), its IUV, its tipo.
    archivio: str | None = "INSERIMENTO_DOVUTO"
    iuv_archivio: str | None = None
    tipo_archivio: str = "TARI"

    def ask(self, stage: Stage) -> str:
        iud = stage.iud()
        iuv = own_iuv(next(stage.number), ENTI.get(self.ente, 1))
        if self.azione in ("M", "A", "S") and self.archivio is not None:
            suo = iuv if self.iuv == SUO or self.iuv_archivio == SUO else None
            self._store(stage, iud, suo, self.archivio, tipo=self.tipo_archivio)
        if self.iud_preso is not None:
            self._store(stage, iud, None, self.iud_preso)
        if self.iuv_preso is not None:
            self._store(stage, stage.iud(), iuv, self.iuv_preso)
        written = Versamento(**{one.name: getattr(self, one.name) for one in fields(Versamento)})
        written.iud = iud if self.iud == NUOVO else self.iud
        written.iuv = iuv if self.iuv in (NUOVO, SUO) else self.iuv
        values: dict[str, Any] = {"password": self.password, "dovuto": encoded(written.xml.decode() + self.coda)}
        values["flagGeneraIuv"] = self.genera_iuv
        if self.secondari:
            items = [{"dovutiEntiSecondari": item and encoded(item)} for item in self.secondari]
            values["listaDovutiEntiSecondari"] = {"elementoListaDovutiEntiSecondari": items}
        return stage.ask("paaSILImportaDovuto", values, self.ente)

    def _store(self, stage: Stage, iud: str, iuv: str | None, stato: str, tipo: str = "TARI") -> None:
        ente = self.ente if self.ente in ENTI else "C_PROVA"
        written = Versamento(iud, iuv=iuv, tipo=tipo)
        values = {"password": OWN, "dovuto": encoded(written.xml.decode())}
        assert stage.ask("paaSILImportaDovuto", values, ente) == "ok"
        (dovuto,) = stage.world.rows(schema.dovuti, ente_id=ENTI[ente], iud=iud)
        stage.world.change(schema.dovuti, "id", dovuto.id, stato=stato, attuale=stato != "ANNULLATO")


@dataclass
class CasoModifica(Caso):
    azione: str | None = "M"


@dataclass
class CasoAnnulla(Caso):
    azione: str | None = "A"


@dataclass
class CasoStampa(Caso):
    azione: str | None = "S"
    iuv: str | None = SUO


ENTE = "PAA_ENTE_NON_VALIDO"
XML = "PAA_XML_NON_VALIDO"
IUV = "PAA_IUV_NON_VALIDO"
IUD = "PAA_IUD_NON_VALIDO"
TIPO = "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO"
CODICE = "PAA_CODICE_FISCALE_NON_VALIDO"
SCADENZA = "PAA_IMPORT_DATA_SCADENZA_PAGAMENTO_OBBLIGATORIA"
SISTEMA = "PAA_SYSTEM_ERROR"
DATI = "PAA_DATI_SPECIFICI_RISCOSSIONE_NON_VALIDO"
IUD_DOPPIO = "PAA_IMPORT_IUD_DUPLICATO"
IUV_DOPPIO = "PAA_IMPORT_IUV_DUPLICATO"

COMUNI: tuple[Row, ...] = (
    row(
        "2",
        "unknown ente; state INSERITO; password",
        defect(ENTE, ente="C_IGNOTO"),
        defect(ENTE, ente="C_SPENTO"),
        defect(ENTE, password="Sbagliata123"),
    ),
    row(
        "1",
        "inner XML invalid",
        defect(XML, coda="<"),
        defect(XML, importo="16.0"),
        defect(XML, azione=None),
        defect(XML, scadenza="31/12/2026"),
    ),
    row(
        "3",
        "azione not I, M, A, S (case-sensitive)",
        defect("PAA_AZIONE_NON_VALIDO", azione="9"),
        defect("PAA_AZIONE_NON_VALIDO", azione="i"),
        defect("PAA_AZIONE_NON_VALIDO", azione=" "),
    ),
    row(
        "4",
        "IUV malformed",
        defect(IUV, iuv="01100000000000149"),
        defect(IUV, iuv="02100000000000189"),
        defect(IUV, iuv="01000000000000144"),
        defect(IUV, iuv="0110000000000014"),
        defect(IUV, iuv="011000000000001I8"),
        defect(IUV, iuv="000000000000141"),
        defect(IUV, iuv="RF69020300000000123450000"),
        defect(IUV, iuv="RF64019900000000000010000"),
    ),
    unreachable("5", "technical user missing", "there is no technical user to miss"),
    unreachable(
        "6",
        "commissioneCaricoPA over 999999999.99; amount 0 or over 999999999.99",
        "the schema's bounds are the same: row 1",
        defect(XML, importo="0.00"),
        defect(XML, importo="1000000000.00"),
        defect(XML, commissione="1000000000.00"),
    ),
    row("7", "bilancio sum is not the amount", defect("PAA_IMPORTO_BILANCIO_NON_VALIDO", bilancio="3.33")),
    row(
        "8",
        "tipo absent, not configured or inactive, the digital stamp",
        defect("PAA_IDENT_TIPO_DOVUTO_NON_PRESENTE", tipo="  "),
        defect(TIPO, tipo="IGNOTO"),
        defect(TIPO, tipo="CHIUSO"),
        defect(TIPO, tipo="MARCA_BOLLO_DIGITALE"),
    ),
    row(
        "9",
        "no soggettoPagatore",
        defect("PAA_SOGG_PAG_NON_VALORIZZATO", has_pagatore=False, keeps="codice_pagatore tipo_pagatore"),
    ),
    row(
        "10",
        "tipoVersamento invalid",
        defect("PAA_TIPO_VERSAMENTO_NON_VALIDO", tipo_versamento="ALL|BBT"),
        defect("PAA_TIPO_VERSAMENTO_NON_VALIDO", tipo_versamento="XYZ"),
    ),
    row(
        "11",
        "IUD missing or starting with 000",
        defect(IUD, iud=None),
        defect(IUD, iud="  "),
        defect(IUD, iud="000ABC"),
    ),
    row("12", "causale blank", defect("PAA_CAUSALE_NON_PRESENTE", causale="  ")),
    row("13", "datiSpecificiRiscossione", defect(DATI, dati_specifici="9/0101101\u00a0IM/")),
    row(
        "14",
        "payer code",
        defect(CODICE, codice_pagatore="RSSMRA80A01H501X"),
        defect("PAA_P_IVA_NON_VALIDO", tipo_pagatore="G", codice_pagatore="12345678901"),
        defect(CODICE, codice_pagatore="ANONIMO", keeps="tipo"),
        defect(CODICE, codice_pagatore="ANONIMO", tipo_pagatore="G", tipo="DONAZIONI", keeps="ente"),
    ),
)
# Each row by its first defect: what the documents of all actions share is walked whole with `I`.
COMUNI_BREVI = tuple(replace(one, defects=one.defects[:1]) for one in COMUNI)
SVANITO = unreachable(
    "s1",
    "the tipo vanished between validation and store",
    "only in the two seconds in which a process still knows it: test_paaSILImportaDovuto",
)
PERMESSI = row(
    "s2",
    "the application is not granted the tipo",
    defect("PAA_IMPORT_OPERATORE_NO_PERMESSI", ente="C_VICINO", password=PASSWORD_REFEZIONE, keeps="tipo"),
)
DATE = row(
    "s3",
    "due date missing where the tipo wants or prints it, or past",
    defect(SCADENZA, tipo="SANZIONE", scadenza=None),
    defect(SCADENZA, tipo="BOLLETTA", scadenza=None),
    defect(SCADENZA, tipo="SANZIONE", scadenza="2026-01-01"),
)
SECONDARI = (
    row(
        "i2a",
        "more than one secondary",
        defect("PAA_LIMITAZIONE_ENTI_SECONDARI_ERROR", secondari=(EnteSecondario().xml.decode(),) * 2),
    ),
    row("i2b", "secondary XML", defect(XML, secondari=(EnteSecondario(importo="5").xml.decode(),))),
    row(
        "i2c",
        "taxonomy of the secondary",
        defect(DATI, secondari=(EnteSecondario(dati_specifici="9/0299999IM/").xml.decode(),)),
    ),
)

TABLES = (
    Table(
        "2.5 I",
        "paaSILImportaDovuto",
        Caso,
        (
            *COMUNI,
            *SECONDARI,
            SVANITO,
            PERMESSI,
            DATE,
            row(
                "s4",
                "IUD already registered, unless only cancelled rows are left",
                defect(IUD_DOPPIO, iud_preso="INSERIMENTO_DOVUTO", keeps="iud"),
                defect(IUD_DOPPIO, iud_preso="PAGAMENTO_INIZIATO", keeps="iud"),
                defect(IUD_DOPPIO, iud_preso="COMPLETATO", keeps="iud"),
            ),
            row(
                "s5",
                "IUV already registered, unless only cancelled rows are left",
                defect(IUV_DOPPIO, iuv=NUOVO, iuv_preso="INSERIMENTO_DOVUTO"),
                defect(IUV_DOPPIO, iuv=NUOVO, iuv_preso="COMPLETATO"),
            ),
        ),
    ),
    Table(
        "2.5 M",
        "paaSILImportaDovuto",
        CasoModifica,
        (
            *COMUNI_BREVI,
            *SECONDARI,
            row(
                "m1",
                "IUD unknown among live dovuti, or not payable",
                defect(SISTEMA, archivio=None, keeps="iuv_archivio tipo_archivio"),
                defect(SISTEMA, archivio="PAGAMENTO_INIZIATO", keeps="iuv_archivio tipo_archivio"),
                defect(SISTEMA, archivio="COMPLETATO", keeps="iuv_archivio tipo_archivio"),
                defect(SISTEMA, archivio="ANNULLATO", keeps="iuv_archivio tipo_archivio"),
            ),
            SVANITO,
            PERMESSI,
            DATE,
            row("m2", "another tipo", defect("PAA_IMPORT_TIPO_DOVUTO_NON_MODIFICABILE", tipo_archivio="MENSA")),
            row(
                "m3",
                "another IUV, given or drawn",
                defect(IUV_DOPPIO, iuv_archivio=SUO, genera_iuv="true", keeps="iuv"),
                defect(IUV_DOPPIO, iuv_archivio=SUO, iuv=own_iuv(900_001), keeps="ente"),
            ),
            row(
                "m4",
                "no IUV where there is one",
                defect("PAA_IMPORT_IUV_NO_NULLABLE", iuv_archivio=SUO, genera_iuv=None),
            ),
            row(
                "m5",
                "the new IUV is taken",
                defect(IUV_DOPPIO, iuv=NUOVO, iuv_preso="INSERIMENTO_DOVUTO", keeps="iuv_archivio"),
            ),
        ),
    ),
    Table(
        "2.5 A",
        "paaSILImportaDovuto",
        CasoAnnulla,
        (
            *COMUNI_BREVI,
            row(
                "a1",
                "IUD unknown among live dovuti, or not payable",
                defect(SISTEMA, archivio=None),
                defect(SISTEMA, archivio="PAGAMENTO_INIZIATO"),
                defect(SISTEMA, archivio="COMPLETATO"),
                defect(SISTEMA, archivio="ANNULLATO"),
            ),
            SVANITO,
            PERMESSI,
        ),
    ),
    Table(
        "2.5 S",
        "paaSILImportaDovuto",
        CasoStampa,
        (
            *COMUNI_BREVI,
            row("p1", "no IUV, or flagGeneraIuv", defect(SISTEMA, iuv=None), defect(SISTEMA, genera_iuv="true")),
            row(
                "p2",
                "no live dovuto with that IUV",
                defect(IUV, archivio=None),
                defect(IUV, archivio="COMPLETATO"),
                defect(IUV, archivio="ANNULLATO"),
            ),
        ),
    ),
)
