"""paaSILInviaDovuti, table 2.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.store import schema
from tests.factories import CODICE_FISCALE, HASH_MARCA, Documento, Voce
from tests.soap.stage import DOVUTI, OWN, Content, Stage, bilancio, element, encoded
from tests.soap.walk.frame import Table, beside, defect, row, unreachable

MARCA = ("01", HASH_MARCA, "RM")
BOLLO = "MARCA_BOLLO_DIGITALE"


@dataclass
class DocumentoDovuti:
    """The `Dovuti` document of a case; `coda` is written after its end, `estraneo` names an element of no schema."""

    iuv: str | None = None
    tipo_versamento: str | None = "ALL"
    tipo_pagatore: str = "F"
    codice_pagatore: str = CODICE_FISCALE
    nome: str | None = "Mario Rossi"
    email: str | None = "mario.rossi@example.org"
    indirizzo: str | None = "Via Roma"
    civico: str | None = "1"
    cap: str | None = None
    nazione: str | None = None
    iud: str | None = None
    importo: str = "16.00"
    tipo: str = "TARI"
    causale: str = "Tassa rifiuti"
    dati_specifici: str = "9/0101101IM/"
    marca: tuple[str, str, str] | None = None
    bilancio: str | None = None
    senza_voci: bool = False
    estraneo: str | None = None
    coda: str = ""

    def xml(self, iud: str) -> str:
        codice = [
            ("tipoIdentificativoUnivoco", self.tipo_pagatore),
            ("codiceIdentificativoUnivoco", self.codice_pagatore),
        ]
        pagatore = [
            ("identificativoUnivocoPagatore", codice),
            ("anagraficaPagatore", self.nome),
            ("indirizzoPagatore", self.indirizzo),
            ("civicoPagatore", self.civico),
            ("capPagatore", self.cap),
            ("nazionePagatore", self.nazione),
            ("e-mailPagatore", self.email),
        ]
        versamento: list[tuple[str, Any]] = [
            ("tipoVersamento", self.tipo_versamento),
            ("identificativoUnivocoVersamento", self.iuv),
        ]
        if not self.senza_voci:
            versamento.append(("datiSingoloVersamento", self._voce(iud)))
        inside = [("versioneOggetto", "6.2.0"), ("soggettoPagatore", pagatore), ("datiVersamento", versamento)]
        if self.estraneo is not None:
            inside.append((self.estraneo, "x"))
        return element("Dovuti", inside, DOVUTI) + self.coda

    def _voce(self, iud: str) -> Content:
        names = ("tipoBollo", "hashDocumento", "provinciaResidenza")
        return [
            ("identificativoUnivocoDovuto", iud if self.iud is None else self.iud),
            ("importoSingoloVersamento", self.importo),
            ("identificativoTipoDovuto", self.tipo),
            ("causaleVersamento", self.causale),
            ("datiSpecificiRiscossione", self.dati_specifici),
            ("datiMarcaBolloDigitale", None if self.marca is None else list(zip(names, self.marca, strict=True))),
            ("bilancio", bilancio(self.bilancio)),
        ]


@dataclass
class Caso(DocumentoDovuti):
    ente: str = "C_PROVA"
    password: str = OWN
    show_mypay: str = "SHORT"
    url: str = "https://sportello.example.org/esito"
    # How the IUD came to be known to Comune di Prova; None: it is not.
    registrato: str | None = None

    def ask(self, stage: Stage) -> str:
        iud = stage.iud()
        if self.registrato is not None:
            register(stage, iud, self.registrato)
        values = {"password": self.password, "dovuti": encoded(self.xml(iud)), "showMyPay": self.show_mypay}
        values["enteSILInviaRispostaPagamentoUrl"] = self.url
        return stage.ask("paaSILInviaDovuti", values, self.ente)


def register(stage: Stage, iud: str, stato: str) -> None:
    """Have the IUD used by Comune di Prova, and its dovuto in a state."""
    id_session = stage.world.begin(Documento((Voce(iud),)))
    (dovuto,) = stage.world.dovuti(id_session)
    stage.world.change(schema.dovuti, "id", dovuto.id, stato=stato)


ENTE = "PAA_ENTE_NON_VALIDO"
XML = "PAA_XML_NON_VALIDO"
MARCA_ERRATA = "PAA_MARCA_BOLLO_DIGITALE_NON_VALIDA"
VOCE = "iud importo tipo causale dati_specifici marca bilancio registrato"

# Rows 4 to 8 judge the whole document, 9 to 18 each of its dovuti: InviaCarrelloDovuti runs the same.
TESTATA = (
    row(
        "4",
        "inner XML not well formed or not valid",
        defect(XML, coda="<"),
        defect(XML, estraneo="altro"),
        defect(XML, importo="16.0", needs={"tipo": "TARI"}),
    ),
    row("5", "no datiSingoloVersamento", defect(XML, senza_voci=True, keeps=VOCE)),
    row(
        "6",
        "identificativoUnivocoVersamento present",
        defect("PAA_IUV_NON_VALIDO", iuv="01000000000000144"),
    ),
    row(
        "7",
        "tipoVersamento not a valid list of tokens",
        defect("PAA_TIPO_VERSAMENTO_NON_VALIDO", tipo_versamento="ALL|BBT"),
        defect("PAA_TIPO_VERSAMENTO_NON_VALIDO", tipo_versamento="XYZ"),
    ),
    row(
        "8",
        "payer code wrong, type F or G; ANONIMO where not every tipo allows it",
        defect("PAA_CODICE_FISCALE_NON_VALIDO", codice_pagatore="RSSMRA80A01H501X"),
        defect("PAA_P_IVA_NON_VALIDO", tipo_pagatore="G", codice_pagatore="12345678901"),
        defect("PAA_CODICE_FISCALE_NON_VALIDO", codice_pagatore="ANONIMO"),
    ),
)
IUD_ERRATO = row(
    "9",
    "IUD blank or starting with 000",
    defect("PAA_IUD_NON_VALIDO", iud="000ABC"),
    defect("PAA_IUD_NON_VALIDO", iud="   "),
)
IUD_NOTO = row(
    "10",
    "IUD already registered for the ente, in any state, cancelled included",
    defect("PAA_IUD_DUPLICATO", registrato="PAGAMENTO_INIZIATO", keeps="iud"),
    defect("PAA_IUD_DUPLICATO", registrato="COMPLETATO", keeps="iud"),
    defect("PAA_IUD_DUPLICATO", registrato="ANNULLATO", keeps="iud"),
    defect("PAA_IUD_DUPLICATO", registrato="SCADUTO_ELABORATO", keeps="iud"),
)
VOCI = (
    row(
        "11",
        "identificativoTipoDovuto not configured for the ente",
        defect("PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO", tipo="IGNOTO"),
    ),
    row("12", "tipo dovuto not active", defect("PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_ABILITATO", tipo="CHIUSO")),
    row(
        "13",
        "tipo is MARCA_BOLLO_DIGITALE and amount is not the configured one",
        defect("PAA_IMPORTO_MARCA_BOLLO_DIGITALE_NON_VALIDA", tipo=BOLLO, importo="1.00", needs={"marca": MARCA}),
    ),
    row(
        "14",
        "stamp data missing or blank, hashDocumento longer than 72, stamp data on another tipo",
        defect(MARCA_ERRATA, tipo=BOLLO, marca=None),
        defect(MARCA_ERRATA, tipo=BOLLO, marca=("01", "  ", "RM")),
        defect(MARCA_ERRATA, tipo="TARI", marca=MARCA),
    ),
    row(
        "15",
        "datiSpecificiRiscossione against pattern",
        defect("PAA_DATI_SPECIFICI_RISCOSSIONE_NON_VALIDO", dati_specifici="9/0101101\u00a0IM/"),
    ),
    unreachable("16", "amount = 0", "the schema's minimum is 0.01: row 4", defect(XML, importo="0.00", keeps="tipo")),
    row(
        "17",
        "bilancio present and its sum is not the amount",
        defect("PAA_IMPORTO_BILANCIO_NON_VALIDO", bilancio="3.33"),
    ),
    row("18", "causale blank", defect("PAA_CAUSALE_NON_PRESENTE", causale="  ")),
)
# Of no table: the original sends the payer wherever it is told to.
INDIRIZZO = beside(
    "hub",
    "the return address is not of the web",
    defect("PAA_URL_NON_VALIDA", url="ftp://sportello.example.org"),
    defect("PAA_URL_NON_VALIDA", url="javascript:alert(1)"),
    defect("PAA_URL_NON_VALIDA", url="https://u:p@sportello.example.org"),
)
ANAGRAFICA = "PAA_ANAGRAFICA_NON_VALIDA"

TABLES = (
    Table(
        "2.1",
        "paaSILInviaDovuti",
        Caso,
        (
            row("1", "unknown codIpaEnte", defect(ENTE, ente="C_IGNOTO")),
            row("2", "ente in state INSERITO", defect("PAA_STATO_ENTE_NON_VALIDO", ente="C_SPENTO")),
            row("3", "wrong password", defect(ENTE, password="Sbagliata123")),
            *TESTATA,
            IUD_ERRATO,
            IUD_NOTO,
            *VOCI,
            row(
                "19",
                "with showMyPay=NONE: e-mail, name, CAP and nazione, address or civic number",
                defect(ANAGRAFICA, show_mypay="NONE", email=None),
                defect(ANAGRAFICA, show_mypay="NONE", nome="  "),
                defect(ANAGRAFICA, show_mypay="NONE", cap="00100"),
                defect(ANAGRAFICA, show_mypay="NONE", cap="00100", nazione="XX"),
                defect(ANAGRAFICA, show_mypay="NONE", cap="1234", nazione="IT"),
                defect(ANAGRAFICA, show_mypay="NONE", indirizzo="Via \u2603"),
                defect(ANAGRAFICA, show_mypay="NONE", civico="\u2603"),
            ),
            INDIRIZZO,
        ),
    ),
)
