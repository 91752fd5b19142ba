"""Documents that tests arrange: give only what matters to the case."""

from __future__ import annotations

import base64
import itertools
import uuid
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from hub.domain.avviso import Avviso, ContoPostale, EnteCreditore
from hub.domain.documenti import Organizzazione, Rpt, Rt, SingoloRt, Soggetto
from hub.formats.rpt import read_rpt
from hub.formats.rt import render_rt

NS_ENTE = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
CODICE_FISCALE = "RSSMRA80A01H501U"
PARTITA_IVA = "12345678903"
HASH_MARCA = "3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8="
_progressivo = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Voce:
    """One payable item, every text as it is written in the document; None leaves the element out."""

    iud: str
    importo: str = "12.50"
    tipo: str = "TARI"
    causale: str = "Tassa rifiuti"
    dati_specifici: str = "9/0101101IM/"
    marca: tuple[str, str, str] | None = None
    bilancio: str | None = None


@dataclass(frozen=True, slots=True)
class Documento:
    """A `Dovuti` document before it is written."""

    voci: tuple[Voce, ...]
    tipo_pagatore: str = "F"
    codice_pagatore: str = CODICE_FISCALE
    nome: str = "Mario Rossi"
    email: str | None = "mario.rossi@example.org"
    indirizzo: str | None = None
    cap: str | None = None
    nazione: str | None = None
    tipo_versamento: str = "ALL"
    iuv: str | None = None

    @property
    def xml(self) -> bytes:
        return (
            f'<Dovuti xmlns="{NS_ENTE}"><versioneOggetto>6.2.0</versioneOggetto><soggettoPagatore>'
            f"<identificativoUnivocoPagatore>{_element('tipoIdentificativoUnivoco', self.tipo_pagatore)}"
            f"{_element('codiceIdentificativoUnivoco', self.codice_pagatore)}</identificativoUnivocoPagatore>"
            f"{_element('anagraficaPagatore', self.nome)}{_element('indirizzoPagatore', self.indirizzo)}"
            f"{_element('capPagatore', self.cap)}{_element('nazionePagatore', self.nazione)}"
            f"{_element('e-mailPagatore', self.email)}</soggettoPagatore><datiVersamento>"
            f"{_element('tipoVersamento', self.tipo_versamento)}"
            f"{_element('identificativoUnivocoVersamento', self.iuv)}"
            f"{''.join(_voce(voce) for voce in self.voci)}</datiVersamento></Dovuti>"
        ).encode()


def _element(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"


def _voce(voce: Voce) -> str:
    marca = bilancio = ""
    if voce.marca is not None:
        names = ("tipoBollo", "hashDocumento", "provinciaResidenza")
        fields = "".join(_element(name, text) for name, text in zip(names, voce.marca, strict=True))
        marca = f"<datiMarcaBolloDigitale>{fields}</datiMarcaBolloDigitale>"
    if voce.bilancio is not None:
        bilancio = (
            "<bilancio><capitolo><codCapitolo>C1</codCapitolo><accertamento><codAccertamento>A1</codAccertamento>"
            f"<importo>{voce.bilancio}</importo></accertamento></capitolo></bilancio>"
        )
    return (
        f"<datiSingoloVersamento>{_element('identificativoUnivocoDovuto', voce.iud)}"
        f"{_element('importoSingoloVersamento', voce.importo)}{_element('identificativoTipoDovuto', voce.tipo)}"
        f"{_element('causaleVersamento', voce.causale)}{_element('datiSpecificiRiscossione', voce.dati_specifici)}"
        f"{marca}{bilancio}</datiSingoloVersamento>"
    )


def make_iud() -> str:
    return f"IUD-{next(_progressivo):06d}"


def make_voce(**values: Any) -> Voce:
    return Voce(**({"iud": make_iud()} | values))


def make_documento(*voci: Voce, **values: Any) -> Documento:
    """A document that every check of paaSILInviaDovuti accepts."""
    return Documento(voci or (make_voce(),), **values)


def make_rt(rpt_bytes: bytes, esito: int = 0, **changes: Any) -> bytes:
    """The receipt of an RPT: all lines paid for 0, the first alone for 2 and 4, none for 1 and 3."""
    return render_rt(replace(rt_of(read_rpt(rpt_bytes), esito), **changes))


def rt_of(rpt: Rpt, esito: int) -> Rt:
    paid = {0: rpt.versamenti, 2: rpt.versamenti[:1], 4: rpt.versamenti[:1]}.get(esito, ())
    pagamenti = tuple(
        SingoloRt(
            importo_cent=versamento.importo_cent if versamento in paid else 0,
            esito="PAGATA" if versamento in paid else "NON PAGATA",
            data_esito=date(2026, 11, 20),
            iur=f"IUR{number:08d}" if versamento in paid else "n/a",
            causale=versamento.causale,
            dati_specifici=versamento.dati_specifici,
        )
        for number, versamento in enumerate(rpt.versamenti, 1)
        if paid
    )
    return Rt(
        versione="6.2.0",
        dominio=rpt.dominio,
        stazione=rpt.stazione,
        id_messaggio=uuid.uuid4().hex,
        messaggio_at="2026-11-20T10:11:12",
        riferimento_messaggio=rpt.id_messaggio,
        riferimento_data=rpt.data_esecuzione,
        attestante=Organizzazione(tipo="G", codice="97735020584", denominazione="PSP di prova"),
        ente=rpt.ente,
        pagatore=rpt.pagatore,
        codice_esito=esito,
        importo_cent=sum(pagamento.importo_cent for pagamento in pagamenti),
        iuv=rpt.iuv,
        ccp=rpt.ccp,
        pagamenti=pagamenti,
    )


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def make_avviso(**changes: Any) -> Avviso:
    """A notice with a postal slip: the worked example of the notice-number rules."""
    example = Avviso(
        ente=EnteCreditore(
            "Comune di Prova",
            PARTITA_IVA,
            cbill="ab123",
            settore="Ufficio Tributi",
            contatti="Piazza della Repubblica 1, 00100 Roma - tel. 06 1234567 - tributi@comune.prova.example",
        ),
        destinatario=Soggetto("F", CODICE_FISCALE, "Mario Rossi", "Via Roma", "1", "00100", "Roma", "RM"),
        causale="TARI 2024 saldo",
        importo_cent=12050,
        scadenza=date(2026, 12, 31),
        iuv="01000000000000144",
        numero_avviso="301000000000000144",
        conto_postale=ContoPostale("12345678", "Comune di Prova - Tesoreria", "AUT. DB/SISB/P1 1234 DEL 01/01/2020"),
    )
    return replace(example, **changes)
