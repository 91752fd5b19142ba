#!/usr/bin/env python3
"""A program that sells permits for the restricted zones of two towns, paid together: the whole story, in one file.

One cart, one payment, two creditors: it sends both dovuti with `paaSILInviaCarrelloDovuti`, shows the address where the
driver pays, and asks with `paaSILChiediEsitoCarrelloDovuti` how it ended for each town. It needs only zeep
(`pip install zeep`), the published contract, and `mensa_client.py` beside it:

    python ztl_client.py --targa AB123CD --permesso C_PROVA:12345678903:35.00 --permesso C_VICINO:98765432103:20.00

Copy what you need of it into your own program.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import uuid
import webbrowser
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation

import requests
import zeep
import zeep.exceptions
from mensa_client import (
    TIMEOUT_S,
    WSDL,
    Pagato,
    Pasto,
    Rifiuto,
    dovuti_xml,
    make_transport,
    raise_fault,
    read_pagato,
    say,
)

# Before the driver confirms, and while the payment is under way; all the other states are final.
IN_CORSO = ("PREDISPOSTO", "PAGAMENTO IN CORSO")


@dataclass(frozen=True)
class Permesso:
    """What one town is owed for the permit. The IUD is the town's, and is never used twice."""

    cod_ipa_ente: str
    codice_fiscale_ente: str
    importo: Decimal
    iud: str = field(default_factory=lambda: f"ZTL-{uuid.uuid4().hex[:20]}")

    def documento(self, targa: str) -> bytes:
        """Return the `Dovuti` document of this part of the cart."""
        voce = Pasto(
            importo=self.importo,
            causale=f"Permesso ZTL, targa {targa}",
            tipo="ZTL",
            dati_specifici_riscossione="9/0105115AP/",
            iud=self.iud,
        )
        return dovuti_xml(voce)


@dataclass(frozen=True)
class Carrello:
    """What the hub gives back: `url` is the page where the driver pays everything at once."""

    id_session: str
    url: str


@dataclass(frozen=True)
class Esito:
    """How it ended for one town; `pagato` is its receipt, None when nothing was paid."""

    cod_ipa_ente: str
    stato: str
    pagato: Pagato | None


def prova_elemento(password_stazione: str, codice_fiscale_ente: str) -> str:
    """Return what shows that the operator of the hub lets us collect for that town.

    It is made with the password of the station, which the operator gives to whom it trusts, and with the town's tax
    code: neither town learns the other's password.
    """
    text = f"paaSILInviaCarrelloDovuti-{password_stazione}-{codice_fiscale_ente}"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class Portale:
    """The hub, seen from who sells permits: two operations of the contract."""

    def __init__(self, wsdl: str, cod_ipa_ente: str, password: str, password_stazione: str) -> None:
        self._client = zeep.Client(wsdl, transport=make_transport())
        self.cod_ipa_ente, self.password, self._password_stazione = cod_ipa_ente, password, password_stazione

    def send(self, permessi: list[Permesso], targa: str, url_ritorno: str = "") -> Carrello:
        """Send the cart and return where it is paid. Raises: Rifiuto."""
        elementi = [
            {
                "codIpaEnte": permesso.cod_ipa_ente,
                "password": prova_elemento(self._password_stazione, permesso.codice_fiscale_ente),
                "dovuti": permesso.documento(targa),
            }
            for permesso in permessi
        ]
        answer = self._client.service.paaSILInviaCarrelloDovuti(
            password=self.password,
            listaDovuti={"elementoListaDovuti": elementi},
            enteSILInviaRispostaPagamentoUrl=url_ritorno,
            _soapheaders={"header": {"codIpaEnte": self.cod_ipa_ente}},
        )
        raise_fault(answer)
        return Carrello(answer.idSessionCarrello, answer.url)

    def ask(self, id_session: str) -> list[Esito] | None:
        """Return how the cart ended for each town, None while it has not. Raises: Rifiuto."""
        answer = self._client.service.paaSILChiediEsitoCarrelloDovuti(
            codIpaEnte=self.cod_ipa_ente, password=self.password, idSessionCarrello=id_session
        )
        raise_fault(answer)
        found = answer.listaCarrelli.rispostaCarrello
        if any(one.esito in IN_CORSO for one in found):
            return None
        return [
            Esito(one.codIpaEnte, one.esito, read_pagato(one.pagati, one.rt or b"") if one.pagati else None)
            for one in found
        ]

    def wait(self, id_session: str, timeout_s: float) -> list[Esito] | None:
        """Ask every second until the cart has ended; None when it did not in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            esiti = self.ask(id_session)
            if esiti is not None or time.monotonic() >= deadline:
                return esiti
            time.sleep(1.0)


def _permesso(text: str) -> Permesso:
    """Read CODIPAENTE:CODICE_FISCALE:IMPORTO."""
    try:
        code, codice_fiscale, importo = text.split(":")
        return Permesso(code, codice_fiscale, Decimal(importo))
    except (ValueError, InvalidOperation) as error:
        raise argparse.ArgumentTypeError("si scrive CODIPAENTE:CODICE_FISCALE:IMPORTO") from error


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Vende un permesso ZTL di due comuni con un pagamento solo.")
    parser.add_argument("--wsdl", default=WSDL, help="indirizzo del contratto (%(default)s)")
    parser.add_argument("--ente", default="C_PROVA", help="chi chiama (%(default)s)")
    parser.add_argument("--password", default="Segreto12345", help="password di chi chiama (quella della prova)")
    parser.add_argument("--password-stazione", default="password01", help="della stazione (quella della prova)")
    parser.add_argument(
        "--permesso", type=_permesso, action="append", required=True, metavar="ENTE:CODICE_FISCALE:EURO",
        help="che cosa spetta a un comune; una volta per comune",
    )  # fmt: skip
    parser.add_argument("--targa", default="AB123CD")
    parser.add_argument("--url-ritorno", default="", help="dove torna chi paga")
    parser.add_argument("--attesa", type=float, default=300, metavar="SECONDI", help="quanto aspettare (%(default)s)")
    parser.add_argument("--browser", action="store_true", help="apre la pagina di pagamento nel browser")
    parser.add_argument("--json", action="store_true", help="una riga JSON per ogni passo")
    return parser.parse_args(argv)


def _run(options: argparse.Namespace) -> int:
    portale = Portale(options.wsdl, options.ente, options.password, options.password_stazione)
    carrello = portale.send(options.permesso, options.targa, options.url_ritorno)
    total = sum(permesso.importo for permesso in options.permesso)
    sentence = f"Carrello {carrello.id_session}, {total} euro\nSi paga qui: {carrello.url}"
    say(options.json, "inviato", sentence, **asdict(carrello), iud=[permesso.iud for permesso in options.permesso])
    if options.browser:
        webbrowser.open(carrello.url)
    esiti = portale.wait(carrello.id_session, options.attesa)
    if esiti is None:
        print(f"Nessun esito dopo {options.attesa:g} secondi: riprovare più tardi con l'idSession", file=sys.stderr)
        return 1
    for esito in esiti:
        pagato = esito.pagato
        sentence = f"{esito.cod_ipa_ente}: {esito.stato}"
        values: dict[str, object] = {"ente": esito.cod_ipa_ente, "stato": esito.stato}
        if pagato is not None:
            sentence += f", {pagato.importo} euro, IUV {pagato.iuv}, IUR {pagato.iur or '-'}"
            values |= {"esito": pagato.esito, "importo": pagato.importo, "iud": pagato.iud, "iuv": pagato.iuv}
        say(options.json, "esito", sentence, **values)
    # The permit is worth something only if every town has been paid.
    return 0 if all(esito.pagato is not None and esito.pagato.is_paid for esito in esiti) else 1


def main(argv: list[str] | None = None) -> int:
    """Run the conversation; return 0 when every town is paid, 1 when it is refused or not paid."""
    options = _arguments(argv)
    try:
        return _run(options)
    except Rifiuto as refusal:
        print(f"Rifiutato. {refusal}", file=sys.stderr)
    except zeep.exceptions.Fault as fault:
        print(f"Il servizio ha risposto con un errore: {fault.message}", file=sys.stderr)
    except requests.RequestException as error:
        print(f"Il servizio non risponde entro {TIMEOUT_S} secondi: {type(error).__name__}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
