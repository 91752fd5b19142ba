"""The calls that the pages about the operations show, played to a hub from the first to the last.

The hub is the real one over a real database, asked through its contract. Its clock stands still and its randomness
has a seed that each call renews, so that the same program gives the same bytes.
"""

from __future__ import annotations

import base64
import io
import os
import random
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from hub.formats.resources import resource
from hub.formats.segreti import hash_elemento
from hub.formats.xml import parse
from hub.soap.contract import SOAP_ENV, load_contract
from hub.soap.ente import PATH, RELAXED
from hub.store import schema
from tests import esportazioni
from tests.factories import make_rt
from tests.importati import Stabilimento
from tests.soap.requests_of_all import IN_BODY
from tests.soap.zeep_client import check_answer, open_door
from tests.world import PASSWORD_STAZIONE, PASSWORDS, World

ADESSO = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ENTE, VICINO = "C_PROVA", "C_VICINO"
DOMINI = {ENTE: "12345678903", VICINO: "98765432103"}
RITORNO = "https://sportello.example.org/esito?pratica=17"
CITTADINO = [("tipoIdentificativoUnivoco", "F"), ("codiceIdentificativoUnivoco", "RSSMRA80A01H501U")]
FLUSSO = "C_PROVA-TARI2026-1_3"
TRACCIATI = Path(__file__).parents[1] / "docs/tracciati"
RIGA_ERRATA = b"TARI-2026-000203;;F;;Luigi Bianchi;;;;;;;;2026-12-31;64.10;;TARI;ALL;TARI 2026;9/0101101IM/;;true;I\n"

_PAGATORE = """\
  <pay_i:soggettoPagatore>
    <pay_i:identificativoUnivocoPagatore>
      <pay_i:tipoIdentificativoUnivoco>F</pay_i:tipoIdentificativoUnivoco>
      <pay_i:codiceIdentificativoUnivoco>RSSMRA80A01H501U</pay_i:codiceIdentificativoUnivoco>
    </pay_i:identificativoUnivocoPagatore>
    <pay_i:anagraficaPagatore>Mario Rossi</pay_i:anagraficaPagatore>
    <pay_i:e-mailPagatore>mario.rossi@example.org</pay_i:e-mailPagatore>
  </pay_i:soggettoPagatore>
"""
_DOVUTI = """\
<pay_i:Dovuti xmlns:pay_i="http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/">
  <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
{pagatore}  <pay_i:datiVersamento>
    <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>
    <pay_i:datiSingoloVersamento>
      <pay_i:identificativoUnivocoDovuto>{iud}</pay_i:identificativoUnivocoDovuto>
      <pay_i:importoSingoloVersamento>{importo}</pay_i:importoSingoloVersamento>
      <pay_i:identificativoTipoDovuto>{tipo}</pay_i:identificativoTipoDovuto>
      <pay_i:causaleVersamento>{causale}</pay_i:causaleVersamento>
      <pay_i:datiSpecificiRiscossione>{dati}</pay_i:datiSpecificiRiscossione>
    </pay_i:datiSingoloVersamento>
  </pay_i:datiVersamento>
</pay_i:Dovuti>
"""
_VERSAMENTO = """\
<pay_i:Versamento xmlns:pay_i="http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/">
  <pay_i:versioneOggetto>6.2.0</pay_i:versioneOggetto>
{pagatore}  <pay_i:datiVersamento>
    <pay_i:dataEsecuzionePagamento>{scadenza}</pay_i:dataEsecuzionePagamento>
    <pay_i:tipoVersamento>ALL</pay_i:tipoVersamento>
{iuv}    <pay_i:identificativoUnivocoDovuto>{iud}</pay_i:identificativoUnivocoDovuto>
    <pay_i:importoSingoloVersamento>{importo}</pay_i:importoSingoloVersamento>
    <pay_i:identificativoTipoDovuto>{tipo}</pay_i:identificativoTipoDovuto>
    <pay_i:causaleVersamento>{causale}</pay_i:causaleVersamento>
    <pay_i:datiSpecificiRiscossione>9/0101101IM/</pay_i:datiSpecificiRiscossione>
  </pay_i:datiVersamento>
  <pay_i:azione>{azione}</pay_i:azione>
</pay_i:Versamento>
"""
_IUV = "    <pay_i:identificativoUnivocoVersamento>{}</pay_i:identificativoUnivocoVersamento>\n"


@dataclass(frozen=True)
class Chiamata:
    """A call as it went: the bytes sent and the bytes that came back."""

    operazione: str
    titolo: str
    richiesta: bytes
    risposta: bytes

    @property
    def esito(self) -> Any:
        """The payload of the answer."""
        return parse(self.risposta).find(f"{{{SOAP_ENV}}}Body")[0]


@contextmanager
def seeded() -> Iterator[random.Random]:
    """Make what the system calls random follow a seed: that of identifiers, tokens and secrets.

    Threads that were there before are none of the story's, and draw what they always drew.
    """
    source, genuine = random.Random("PontePA"), os.urandom
    strangers = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}

    def drawn(size: int) -> bytes:
        return genuine(size) if threading.get_ident() in strangers else source.randbytes(size)

    with mock.patch.object(os, "urandom", drawn), mock.patch.object(random, "_urandom", drawn):
        yield source


def dovuti(iud: str, importo: str, tipo: str = "MENSA", causale: str = "Mensa scolastica, novembre 2026") -> str:
    dati = "9/0107101TS/" if tipo == "MENSA" else "9/0101101IM/"
    return _DOVUTI.format(pagatore=_PAGATORE, iud=iud, importo=importo, tipo=tipo, causale=causale, dati=dati)


def versamento(iud: str, azione: str, importo: str = "87.40", iuv: str = "", **changes: str) -> str:
    values = {"tipo": "TARI", "causale": "Tassa rifiuti 2026, rata unica", "scadenza": "2026-12-31"} | changes
    return _VERSAMENTO.format(
        pagatore=_PAGATORE, iud=iud, azione=azione, importo=importo, iuv=_IUV.format(iuv) if iuv else "", **values
    )


def busta(operazione: str, campi: list[tuple[str, Any]], ente: str = ENTE) -> bytes:
    """A request as a person would write it; a list is an element with children."""
    testata = "  <soapenv:Header/>\n"
    spazi = 'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\n    '
    if operazione not in IN_BODY:
        spazi += 'xmlns:ppt="http://www.regione.veneto.it/pagamenti/ente/ppthead"\n    '
        testata = (
            "  <soapenv:Header>\n    <ppt:intestazionePPT>\n"
            f"      <codIpaEnte>{ente}</codIpaEnte>\n    </ppt:intestazionePPT>\n  </soapenv:Header>\n"
        )
    if operazione in ("paaSILChiediPosizioniAperte", "paaSILChiediStoricoPagamenti"):
        spazi += 'xmlns:pay_i="http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"\n    '
    spazi += 'xmlns:ente="http://www.regione.veneto.it/pagamenti/ente/"'
    corpo = "".join(_elemento(nome, valore, 6) for nome, valore in campi)
    return (
        f"<soapenv:Envelope {spazi}>\n{testata}  <soapenv:Body>\n    <ente:{operazione}>\n{corpo}"
        f"    </ente:{operazione}>\n  </soapenv:Body>\n</soapenv:Envelope>\n"
    ).encode()


def _elemento(nome: str, valore: Any, rientro: int) -> str:
    spazio = " " * rientro
    if isinstance(valore, str):
        return f"{spazio}<{nome}>{escape(valore)}</{nome}>\n"
    return f"{spazio}<{nome}>\n{''.join(_elemento(*figlio, rientro + 2) for figlio in valore)}{spazio}</{nome}>\n"


def encoded(documento: str) -> str:
    return base64.b64encode(documento.encode()).decode()


class Racconto:
    """The whole story. `chiamate` are those of the operations, `http` what goes by HTTP alone."""

    def __init__(self, world: World, source: random.Random) -> None:
        world.clock.now = ADESSO
        self._world, self._source = world, source
        self._door = open_door(world)
        self._schema = load_contract(resource("wsdl", "pa-per-ente.wsdl"), RELAXED).schema
        self.chiamate: list[Chiamata] = []
        self.http: dict[str, tuple[str, str]] = {}
        self._paga_dal_sito()
        self._paga_insieme()
        self._conserva()
        self._carica_un_flusso()
        self._esporta()
        self._mostra_al_cittadino()

    def di(self, operazione: str) -> list[Chiamata]:
        """The calls of an operation that its page shows."""
        return [one for one in self.chiamate if one.operazione == operazione and one.titolo]

    def _call(self, operazione: str, titolo: str, *campi: tuple[str, Any], ente: str = ENTE) -> Any:
        self._source.seed(f"{operazione} {titolo} {len(self.chiamate)}" if not titolo else f"{operazione} {titolo}")
        nel_corpo = [("codIpaEnte", ente)] if operazione in IN_BODY else []
        segreto = [("password", PASSWORDS[ente])]
        # The order of the contract: the ente first, but where it asks about citizens.
        prima = segreto + nel_corpo if _is_password_first(operazione) else nel_corpo + segreto
        if operazione == "paaSILChiediStatoImportFlusso":
            campi, prima = (campi[0], *segreto, *campi[1:]), []
        richiesta = busta(operazione, [*prima, *campi], ente)
        answer = self._door.post(PATH, richiesta, {"X-Correlation-Id": "0" * 32})
        check_answer(answer, self._schema)
        done = Chiamata(operazione, titolo, richiesta, answer.body)
        assert done.esito.find("fault") is None or titolo.startswith("rifiuto"), answer.body
        self.chiamate.append(done)
        return done.esito

    def _pay(self, id_session: str) -> None:
        """The citizen goes on and pays, and the receipts arrive."""
        world = self._world
        world.start(id_session)
        world.relay()
        for carrello in sorted(world.rows(schema.carrelli, id_session=id_session), key=lambda row: row.posizione):
            tentativo = world.one(schema.tentativi, carrello_id=carrello.id)
            world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
        world.apply()

    def _paga_dal_sito(self) -> None:
        invia, ricevuta = "paaSILInviaDovuti", "paaSILChiediPagatiConRicevuta"
        documento = encoded(dovuti("MENSA-2026-000017", "42.50"))
        indirizzo = ("enteSILInviaRispostaPagamentoUrl", RITORNO)
        answer = self._call(invia, "un dovuto da pagare subito", ("dovuti", documento), indirizzo)
        id_session = answer.findtext("idSession")
        self._call("paaSILChiediPagati", "rifiuto, nessuno ha ancora pagato", ("idSession", id_session))
        self._pay(id_session)
        self._call("paaSILChiediPagati", "dopo il pagamento", ("idSession", id_session))
        self._call(ricevuta, "per sessione, dopo il pagamento", ("idSession", id_session))
        self._come_back(id_session)
        sbagliato = encoded(dovuti("MENSA-2026-000018", "42.5"))
        self._call(invia, "rifiuto, un importo con un solo decimale", ("dovuti", sbagliato), indirizzo)

    def _come_back(self, id_session: str) -> None:
        sessione = self._world.sessione(id_session)
        path = f"/paga/ritorno?idDominio={DOMINI[ENTE]}&idSession={sessione.id_sessione_nodo}&esito=OK"
        self._source.seed("ritorno")
        _, headers, _ = self._get(path)
        self.http["ritorno"] = (path, headers["Location"])
        token = parse_qs(urlsplit(headers["Location"]).query)["pollingToken"][0]
        self._source.seed("esito")
        path = f"/public/carrello/outcome?pollingToken={token}"
        self.http["polling"] = (path, self._get(path)[2].decode().strip())

    def _paga_insieme(self) -> None:
        elementi = [
            ("elementoListaDovuti", [
                ("codIpaEnte", ente), ("password", hash_elemento(PASSWORD_STAZIONE, DOMINI[ente])),
                ("dovuti", encoded(dovuti(f"ZTL-{ente}-1", importo, "TARI", "Permesso di accesso, un giorno"))),
            ])
            for ente, importo in ((ENTE, "12.00"), (VICINO, "8.00"))
        ]  # fmt: skip
        answer = self._call(
            "paaSILInviaCarrelloDovuti", "un permesso di due comuni, pagato insieme", ("listaDovuti", elementi),
            ("enteSILInviaRispostaPagamentoUrl", RITORNO),
        )  # fmt: skip
        id_session = answer.findtext("idSessionCarrello")
        self._pay(id_session)
        chiave = ("idSessionCarrello", id_session)
        self._call("paaSILChiediEsitoCarrelloDovuti", "dopo il pagamento", chiave)

    def _importa(self, titolo: str, documento: str, *campi: tuple[str, str]) -> Any:
        """Keep, change or cancel; without a title it is no call for the page."""
        return self._call("paaSILImportaDovuto", titolo, ("dovuto", encoded(documento)), *campi)

    def _conserva(self) -> None:
        genera = ("flagGeneraIuv", "true")
        inserito = self._importa("inserire (`I`)", versamento("TARI-2026-000101", "I"), genera)
        iuv = inserito.findtext("identificativoUnivocoVersamento")
        self._importa("modificare (`M`)", versamento("TARI-2026-000101", "M", "91.20", iuv))
        altro = self._importa("", versamento("TARI-2026-000102", "I"), genera)
        iuv_altro = altro.findtext("identificativoUnivocoVersamento")
        self._importa("annullare (`A`)", versamento("TARI-2026-000102", "A", iuv=iuv_altro))
        scaduto = versamento(
            "MULTA-2026-000007", "I", "41.00", tipo="SANZIONE", causale="Verbale 7 del 2026", scadenza="2026-11-25"
        )
        self._importa("", scaduto, genera)
        chiave = ("identificativoUnivocoVersamento", iuv)
        self._call("paaSILVerificaAvviso", "pagare ciò che è già stato caricato", chiave)
        giorni = ("dateFrom", "2026-11-20"), ("dateTo", "2026-11-20")
        self._call("paaSILChiediAvvisiPendenti", "gli avvisi di un giorno", *giorni)
        self._call(
            "paaSILChiediPosizioniAperte", "che cosa deve un cittadino",
            ("identificativoUnivocoPersonaFG", [(f"pay_i:{nome}", valore) for nome, valore in CITTADINO]),
        )  # fmt: skip
        self._call(
            "paaSILRegistraPagamento", "un versamento fatto alla cassa del comune", chiave,
            ("singoloImportoPagato", "91.20"), ("dataEsitoSingoloPagamento", "2026-11-20"),
            ("identificativoUnivocoRiscossione", "CASSA-2026-000031"), ("tipoIstitutoAttestante", "G"),
            ("codiceIstitutiAttestante", "12345678903"), ("denominazioneAttestante", "Comune di Prova, cassa"),
        )  # fmt: skip

    def _carica_un_flusso(self) -> None:
        answer = self._call("paaSILAutorizzaImportFlusso", "prima di mandare il file")
        self._upload(answer.findtext("authorizationToken"))
        self._source.seed("flusso")
        Stabilimento(self._world).finish()
        wanted = [(name, "true") for name in ("fileScarti", "fileIUV", "fileAvvisi")]
        chiave = ("requestToken", answer.findtext("requestToken"))
        stato = self._call("paaSILChiediStatoImportFlusso", "a caricamento finito", chiave, *wanted)
        self._download("scarico", stato.findtext("urlFileScarti"))

    def _download(self, name: str, address: str) -> None:
        url = urlsplit(address)
        _, _, data = self._get(f"{url.path}?{url.query}")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            (inside,) = archive.namelist()
            self.http[name] = (address, archive.read(inside).decode())

    def _upload(self, token: str) -> None:
        # The good rows of the example of the layout, and one without a payer.
        csv = (TRACCIATI / "C_PROVA-ESEMPIO-1_3.csv").read_bytes() + RIGA_ERRATA
        archivio = io.BytesIO()
        with zipfile.ZipFile(archivio, "w") as opened:
            opened.writestr(zipfile.ZipInfo(f"{FLUSSO}.csv", (2026, 11, 20, 9, 0, 0)), csv)
        limite = "confine"
        parti = (
            f'--{limite}\r\nContent-Disposition: form-data; name="authorizationToken"\r\n\r\n{token}\r\n'
            f'--{limite}\r\nContent-Disposition: form-data; name="file"; filename="{FLUSSO}.zip"\r\n'
            "Content-Type: application/zip\r\n\r\n"
        )
        corpo = parti.encode() + archivio.getvalue() + f"\r\n--{limite}--\r\n".encode()
        self._source.seed("carico")
        answer = self._door.post(
            "/public/mybox/uploadFlusso", corpo, {"Content-Type": f"multipart/form-data; boundary={limite}"}
        )
        self.http["carico"] = (parti.replace("\r\n", "\n"), answer.body.decode().strip())

    def _esporta(self) -> None:
        self._world.clock.advance(timedelta(hours=1).total_seconds())
        giorni = ("dateFrom", "2026-11-20"), ("dateTo", "2026-11-20")
        pagati = self._call("paaSILPrenotaExportFlusso", "i pagati di un giorno", *giorni, ("versioneTracciato", "1.3"))
        self._call(
            "paaSILPrenotaExportFlussoIncrementaleConRicevuta", "tutto ciò che è cambiato da un istante in poi",
            ("dateFrom", "2026-11-19T10:00:00"), ("ricevuta", "true"), ("incrementale", "true"),
            ("versioneTracciato", "1.3"),
        )  # fmt: skip
        self._world.clock.now = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
        scaduti = self._call(
            "paaSILPrenotaExportFlussoScaduti", "gli scaduti di due tipi",
            ("dataScadenza", "2026-11-25"), ("tipiDovuto", "SANZIONE;TARI"),
        )  # fmt: skip
        while esportazioni.tick(self._world):
            pass
        chiave = ("requestToken", pagati.findtext("requestToken"))
        stato = self._call("paaSILChiediStatoExportFlusso", "a file pronto", chiave)
        self._download("export_pagati", stato.findtext("downloadUrl"))
        chiave = ("requestToken", scaduti.findtext("requestToken"))
        stato = self._call("paaSILChiediStatoExportFlussoScaduti", "a file pronto", chiave)
        self._download("export_scaduti", stato.findtext("downloadUrl"))

    def _mostra_al_cittadino(self) -> None:
        self._call(
            "paaSILChiediStoricoPagamenti", "che cosa ha pagato un cittadino",
            ("identificativoUnivocoPersonaFG", [(f"pay_i:{nome}", valore) for nome, valore in CITTADINO]),
            ("dataFrom", "2026-11-20T00:00:00"), ("dataTo", "2026-11-20T00:00:00"),
        )  # fmt: skip

    def _get(self, address: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(address)
        environ = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": parts.path, "QUERY_STRING": parts.query,
            "REMOTE_ADDR": "192.0.2.9", "SERVER_NAME": "hub.invalid", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
        }  # fmt: skip
        started: list[tuple[str, list[tuple[str, str]]]] = []
        chunks = self._door.wsgi(environ, lambda status, headers, _=None: started.append((status, headers)))
        body = b"".join(chunks)
        status = int(started[0][0][:3])
        assert status < 400, (address, status, body)
        return status, dict(started[0][1]), body


def _is_password_first(operazione: str) -> bool:
    return operazione in (
        "paaSILChiediAvvisiPendenti", "paaSILChiediPosizioniAperte", "paaSILChiediStoricoPagamenti",
    )  # fmt: skip


def play(folder: Path) -> Racconto:
    """Play the story over a new database in `folder`."""
    from tests.conftest import _migrate
    from tests.world import open_world

    url = f"sqlite:///{folder / 'racconto.db'}"
    _migrate(url)
    with seeded() as source, open_world(url) as world:
        return Racconto(world, source)
