"""The story that every SOAP toolkit tells: its steps, what the payer does, what must be true of each.

A client is a program run as `CLIENT WSDL FOLDER STEP...`. For each step, in order, it prints a line of JSON: `passo`,
and the values it read by their name on the wire (or `codice` and `descrizione` of a refusal, or `errore`). What it
sends is in FOLDER: one file a document, the values beside them. What it reads is compared with what a plain HTTP call
and lxml read from the same hub.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from lxml import etree

from tests.interop.documents import avviso_of, esterno_of, in_carrello_of, read_pagati, write_documents
from tests.interop.hub import CARRELLO, RunningHub, request

ENTE, PASSWORD = "C_PROVA", "Segreto12345"
NS_ENTE = "http://www.regione.veneto.it/pagamenti/ente/"

# The states of an export that is booked. Source: pa-per-ente, paaSILChiediStatoExportFlusso (2.8).
STATI_EXPORT = ("LOAD_EXPORT", "EXPORT_IN_ELAB", "EXPORT_ESEGUITO", "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO")

# Every operation of pa-per-ente, for the toolkits that can count those they found.
OPERATIONS = "18"

# By step, the operation of the contract that it needs ("" for none). The order is that of the story.
STEPS = {
    "contratto": "",
    "invia": "paaSILInviaDovuti",
    "non_ancora": "paaSILChiediPagatiConRicevuta",
    "pagati": "paaSILChiediPagati",
    "ricevuta": "paaSILChiediPagatiConRicevuta",
    "rifiuto": "paaSILInviaDovuti",
    "importa": "paaSILImportaDovuto (I)",
    "modifica": "paaSILImportaDovuto (M)",
    "posizioni": "paaSILChiediPosizioniAperte",
    "avvisi": "paaSILChiediAvvisiPendenti",
    "verifica": "paaSILVerificaAvviso",
    "annulla": "paaSILImportaDovuto (A)",
    "registra": "paaSILRegistraPagamento",
    "storico": "paaSILChiediStoricoPagamenti",
    "carrello": "paaSILInviaCarrelloDovuti",
    "esito_carrello": "paaSILChiediEsitoCarrelloDovuti",
    "export": "paaSILPrenotaExportFlusso",
    "stato_export": "paaSILChiediStatoExportFlusso",
    "incrementale": "paaSILPrenotaExportFlussoIncrementaleConRicevuta",
    "scaduti": "paaSILPrenotaExportFlussoScaduti",
    "stato_scaduti": "paaSILChiediStatoExportFlussoScaduti",
    "autorizza": "paaSILAutorizzaImportFlusso",
    "stato_import": "paaSILChiediStatoImportFlusso",
}

# After these steps the payer pays at the address that an earlier one was given.
PAYS_AFTER = {"non_ancora": "invia", "carrello": "carrello"}

# A client that hangs is stopped; each of them waits 30 s at most for one answer or one outcome.
TELLING_TIMEOUT_S = 180

# Of what a client says when it fails.
WORDS_MAX = 1500

Values = dict[str, str]


@dataclass(frozen=True)
class Result:
    """How a step went: green, or why it is not."""

    step: str
    problem: str | None = None

    @property
    def is_green(self) -> bool:
        return self.problem is None


class Story:
    """One telling of the story, with identifiers of its own, so that many can share a hub."""

    def __init__(self, hub: RunningHub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        # With room for the code of an ente after it: an IUD has 35 characters at most.
        self.iud = f"STORIA-{uuid.uuid4().hex[:16]}"
        self.today = datetime.now(ZoneInfo("Europe/Rome")).date()
        self.told: dict[str, Values] = {}
        write_documents(folder, self.iud, self.today)

    def tell(self, command: Sequence[str], cwd: Path) -> list[Result]:
        """Run a client through the whole story. A step that it never told is a result too."""
        results = {name: Result(name, "il passo non è stato raccontato") for name in STEPS}
        errors = self.folder / "stderr"
        with errors.open("w") as output, subprocess.Popen(
            [*command, self.hub.wsdl, str(self.folder), *STEPS],
            cwd=cwd, stdout=subprocess.PIPE, stderr=output, text=True, encoding="utf-8",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            watchdog = threading.Timer(TELLING_TIMEOUT_S, process.kill)
            watchdog.start()
            for line in process.stdout:
                name, problem = self._follow(line)
                results[name] = Result(name, problem)
        watchdog.cancel()
        if process.returncode or not self.told:
            words = errors.read_text(encoding="utf-8", errors="replace").strip()[-WORDS_MAX:]
            results["contratto"] = Result("contratto", f"codice di uscita {process.returncode}: {words}")
        return list(results.values())

    def _follow(self, line: str) -> tuple[str, str | None]:
        """Take a line of the client, do the payer's part, return the step and what is wrong with it."""
        try:
            values = json.loads(line)
            name = values.pop("passo")
            values = {key: str(value) for key, value in values.items()}
        except (ValueError, KeyError):
            return "contratto", f"riga non prevista: {line!r}"
        self.told[name] = values
        try:
            assert "errore" not in values, values["errore"]
            getattr(self, f"_check_{name}")(values)
            if name in PAYS_AFTER:
                self.hub.pay(self.told[PAYS_AFTER[name]]["url"])
        except (AssertionError, KeyError) as error:
            return name, f"{type(error).__name__}: {error}"[:WORDS_MAX]
        return name, None

    def _check_contratto(self, values: Values) -> None:
        assert values.get("operazioni", OPERATIONS) == OPERATIONS, values

    def _check_invia(self, values: Values) -> None:
        assert values == {"idSession": values["idSession"], "url": f"{self.hub.url}/paga/{values['idSession']}"}, values

    def _check_non_ancora(self, values: Values) -> None:
        assert values["codice"] == "PAA_PAGAMENTO_NON_INIZIATO", values
        assert values["descrizione"], values

    def _check_pagati(self, values: Values) -> None:
        pagati, _ = self._receipt()
        assert pagati["iud"] == self.iud and pagati["importo"] == "73.00", pagati
        assert values == pagati, f"letto {values}, vero {pagati}"

    def _check_ricevuta(self, values: Values) -> None:
        pagati, rt = self._receipt()
        assert values == pagati | {"rt_byte": str(len(rt))}, f"letto {values}, vero {pagati} e {len(rt)} byte di RT"

    def _check_rifiuto(self, values: Values) -> None:
        dovuti = base64.b64encode((self.folder / "rifiuto.xml").read_bytes()).decode()
        answer = self._call("paaSILInviaDovuti", f"<password>{PASSWORD}</password><dovuti>{dovuti}</dovuti>")
        true = {"codice": answer.findtext("fault/faultCode"), "descrizione": answer.findtext("fault/description")}
        assert true["codice"] == "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO" and true["descrizione"], true
        assert values == true, f"letto {values}, vero {true}"

    def _check_importa(self, values: Values) -> None:
        assert values == {"esito": "OK"}, values

    def _check_modifica(self, values: Values) -> None:
        assert len(values["identificativoUnivocoVersamento"]) == 17, values
        assert values["urlFileAvviso"].startswith(self.hub.url), values

    def _check_posizioni(self, values: Values) -> None:
        assert avviso_of(self.iud) in values["iud"].split(), values

    def _check_avvisi(self, values: Values) -> None:
        days = dict(zip(values["iud"].split(), values["giorni"].split(), strict=True))
        assert days.get(avviso_of(self.iud)) == self.today.isoformat(), values

    def _check_verifica(self, values: Values) -> None:
        self._check_invia(values)

    def _check_annulla(self, values: Values) -> None:
        assert values == {"esito": "OK"}, values

    def _check_registra(self, values: Values) -> None:
        key = f"<identificativoUnivocoDovuto>{esterno_of(self.iud)}</identificativoUnivocoDovuto>"
        paid = read_pagati(self._chiedi_con_ricevuta(key).findtext("pagati", ""))
        assert (paid["esito"], paid["importo"], paid["iur"]) == ("0", "40.50", "TESORERIA-17"), paid
        assert values == {"esito": "OK"}, values

    def _check_storico(self, values: Values) -> None:
        assert self.iud in values["iud"].split(), values
        assert values["dateTo"], values

    def _check_carrello(self, values: Values) -> None:
        id_session = values["idSessionCarrello"]
        assert values == {"idSessionCarrello": id_session, "url": f"{self.hub.url}/paga/{id_session}"}, values

    def _check_esito_carrello(self, values: Values) -> None:
        paid = dict(zip(values["enti"].split(), values["iud"].split(), strict=True))
        assert paid == {ente: in_carrello_of(self.iud, ente) for ente in CARRELLO}, values

    def _check_export(self, values: Values) -> None:
        assert values["requestToken"], values

    def _check_stato_export(self, values: Values) -> None:
        assert values["stato"] in STATI_EXPORT, values

    def _check_incrementale(self, values: Values) -> None:
        assert values["requestToken"] and values["dateTo"], values

    def _check_scaduti(self, values: Values) -> None:
        self._check_export(values)

    def _check_stato_scaduti(self, values: Values) -> None:
        self._check_stato_export(values)

    def _check_autorizza(self, values: Values) -> None:
        assert values["uploadUrl"].startswith(self.hub.url), values
        assert values["authorizationToken"] and values["requestToken"] and values["importPath"], values

    def _check_stato_import(self, values: Values) -> None:
        # The file was not sent: its token is not known yet. Source: pa-per-ente, 2.7.
        assert values["codice"] == "PAA_REQUEST_TOKEN_NON_VALIDO" and values["descrizione"], values

    def _receipt(self) -> tuple[Values, bytes]:
        """Return what `pagati` says and the RT, as a plain reader sees them."""
        key = f"<idSession>{self.told['invia']['idSession']}</idSession>"
        answer = self._chiedi_con_ricevuta(key)
        return read_pagati(answer.findtext("pagati", "")), base64.b64decode(answer.findtext("rt", ""))

    def _chiedi_con_ricevuta(self, key: str) -> etree._Element:
        fields = f"<codIpaEnte>{ENTE}</codIpaEnte><password>{PASSWORD}</password>{key}"
        return self._call("paaSILChiediPagatiConRicevuta", fields)

    def _call(self, operation: str, fields: str) -> etree._Element:
        """Call the hub without any toolkit; return the element of the answer."""
        envelope = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
            f'<h:intestazionePPT xmlns:h="{NS_ENTE}ppthead"><codIpaEnte>{ENTE}</codIpaEnte></h:intestazionePPT>'
            f'</s:Header><s:Body><e:{operation} xmlns:e="{NS_ENTE}">{fields}</e:{operation}></s:Body></s:Envelope>'
        )
        status, _, text = request("POST", self.hub.service, envelope, "text/xml; charset=utf-8")
        assert status == 200, text
        answer = etree.fromstring(text.encode("utf-8")).find(f".//{{{NS_ENTE}}}{operation}Risposta")
        assert answer is not None, text
        return answer
