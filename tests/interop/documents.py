"""The documents of the story, as files that a client sends as they are, and the reader of what comes back."""

from __future__ import annotations

import base64
import hashlib
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from tests.interop.hub import CARRELLO, PASSWORD_STAZIONE

NS_INNER = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
PAGATORE = "RSSMRA80A01H501U"
RITORNO = "https://sportello.example.org/esito?pratica=17&anno=2026"
CAUSALE = "Permesso ZTL, targa AA000AA: validità un anno"
TASSONOMIA = "9/0105115AP/"
TIPO_IGNOTO = "ZTL & «città»"


def avviso_of(iud: str) -> str:
    """Return the IUD of the stored dovuto of a story."""
    return f"{iud}-AVVISO"


def esterno_of(iud: str) -> str:
    """Return the IUD of the dovuto that is paid outside."""
    return f"{iud}-ESTERNO"


def in_carrello_of(iud: str, ente: str) -> str:
    """Return the IUD of the dovuto of an ente in the cart."""
    return f"{iud}-{ente}"


def write_documents(folder: Path, iud: str, today: date) -> None:
    """Write what a client needs, one file a document or a value, for the story whose first dovuto is `iud`."""
    scadenza = today + timedelta(days=30)
    documents = {
        "pagatore": PAGATORE,
        "ritorno": RITORNO,
        "oggi": today.isoformat(),
        "carrello": " ".join(CARRELLO),
        "dovuti.xml": dovuti(iud, "73.00", "ZTL"),
        "rifiuto.xml": dovuti(f"{iud}-NO", "73.00", TIPO_IGNOTO),
        "importa-i.xml": versamento(avviso_of(iud), "40.00", scadenza, "I"),
        "importa-m.xml": versamento(avviso_of(iud), "41.50", scadenza, "M"),
        "importa-a.xml": versamento(avviso_of(iud), "41.50", scadenza, "A"),
        "registra.xml": versamento(esterno_of(iud), "40.50", scadenza, "I"),
    }
    for ente, codice_fiscale in CARRELLO.items():
        # Given by who runs the hub; it proves that the caller may ask for that ente. Source: pa-per-ente, 1.4.
        secret = f"paaSILInviaCarrelloDovuti-{PASSWORD_STAZIONE}-{codice_fiscale}"
        documents[f"carrello-{ente}.segreto"] = hashlib.sha256(secret.encode()).hexdigest()
        documents[f"carrello-{ente}.xml"] = dovuti(in_carrello_of(iud, ente), "10.00", "ZTL")
    for name, text in documents.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")


def dovuti(iud: str, importo: str, tipo: str) -> str:
    """Return a `Dovuti` document with one dovuto of Mario Rossi."""
    versamento = (
        "<tipoVersamento>ALL</tipoVersamento><datiSingoloVersamento>"
        f"<identificativoUnivocoDovuto>{escape(iud)}</identificativoUnivocoDovuto>"
        f"<importoSingoloVersamento>{importo}</importoSingoloVersamento>"
        f"<identificativoTipoDovuto>{escape(tipo)}</identificativoTipoDovuto>"
        f"<causaleVersamento>{escape(CAUSALE)}</causaleVersamento>"
        f"<datiSpecificiRiscossione>{TASSONOMIA}</datiSpecificiRiscossione></datiSingoloVersamento>"
    )
    return _document("Dovuti", versamento)


def versamento(iud: str, importo: str, scadenza: date, azione: str) -> str:
    """Return a `Versamento` document: the same dovuto with another amount or action."""
    fields = (
        f"<dataEsecuzionePagamento>{scadenza.isoformat()}</dataEsecuzionePagamento><tipoVersamento>ALL</tipoVersamento>"
        f"<identificativoUnivocoDovuto>{iud}</identificativoUnivocoDovuto>"
        f"<importoSingoloVersamento>{importo}</importoSingoloVersamento>"
        "<identificativoTipoDovuto>ZTL</identificativoTipoDovuto>"
        f"<causaleVersamento>{escape(CAUSALE)}</causaleVersamento>"
        f"<datiSpecificiRiscossione>{TASSONOMIA}</datiSpecificiRiscossione>"
    )
    return _document("Versamento", fields, f"<azione>{azione}</azione>")


def _document(root: str, versamento: str, rest: str = "") -> str:
    return (
        f'<{root} xmlns="{NS_INNER}"><versioneOggetto>6.2.0</versioneOggetto>'
        "<soggettoPagatore><identificativoUnivocoPagatore><tipoIdentificativoUnivoco>F</tipoIdentificativoUnivoco>"
        f"<codiceIdentificativoUnivoco>{PAGATORE}</codiceIdentificativoUnivoco></identificativoUnivocoPagatore>"
        "<anagraficaPagatore>Mario Rossi</anagraficaPagatore><e-mailPagatore>mario.rossi@example.org</e-mailPagatore>"
        f"</soggettoPagatore><datiVersamento>{versamento}</datiVersamento>{rest}</{root}>"
    )


def read_pagati(content: str) -> dict[str, str]:
    """Return what a client reads of the twice encoded `pagati` of a plain answer."""
    payment = etree.fromstring(base64.b64decode(base64.b64decode(content))).find(f"{{{NS_INNER}}}datiPagamento")
    single = payment.find(f"{{{NS_INNER}}}datiSingoloPagamento")
    return {
        "esito": payment.findtext(f"{{{NS_INNER}}}codiceEsitoPagamento"),
        "importo": payment.findtext(f"{{{NS_INNER}}}importoTotalePagato"),
        "iud": single.findtext(f"{{{NS_INNER}}}identificativoUnivocoDovuto"),
        "iur": single.findtext(f"{{{NS_INNER}}}identificativoUnivocoRiscossione"),
        "causale": single.findtext(f"{{{NS_INNER}}}causaleVersamento"),
    }
