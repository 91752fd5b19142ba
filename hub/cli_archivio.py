"""The command that asks an ente's external archive."""

from __future__ import annotations

from typing import Any

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_json, print_table
from hub.domain.archivio import PosizioneEsterna
from hub.domain.delivery import Outcome
from hub.formats.importi import text_from_cent
from hub.usecases.ask_archivio import Modello, ask_archivio


@click.command("prova-archivio")
@click.argument("cod_ipa_ente", metavar="CODIPAENTE")
@click.argument("iuv")
@click.option("--modello", type=click.Choice([str(one) for one in Modello]), default=str(Modello.UNICO),
              show_default=True, help="Quale domanda: dell'avviso, o del modello precedente.")  # fmt: skip
@json_option
@pass_settings
def prova_archivio(settings: Settings, cod_ipa_ente: str, iuv: str, modello: str, as_json: bool) -> None:
    """Chiede all'archivio esterno dell'ente che cosa è dovuto per lo IUV; non scrive nulla."""
    # The assembly brings in every door and adapter, which the other commands do without.
    from hub import app_uscite

    with settings.database() as db:
        risposta = ask_archivio(db, app_uscite.build_archivio(settings.config), cod_ipa_ente, iuv, Modello(modello))
    if risposta.posizione is None:
        words = f": {risposta.detail}" if risposta.detail else ""
        raise Refusal(f"{_ENDS[risposta.outcome]} ({risposta.code}){words}")
    values = _row(risposta.posizione)
    if as_json:
        print_json(values)
        return
    shown = [{"key": key, "value": value} for key, value in values.items() if value not in (None, "")]
    print_table({"key": "campo", "value": "valore"}, shown, False)


_ENDS = {
    Outcome.REFUSED: "l'archivio ha rifiutato",
    Outcome.TRY_AGAIN: "l'archivio non è raggiungibile",
    Outcome.UNKNOWN: "l'archivio non ha dato una risposta leggibile",
    Outcome.DELIVERED: "risposta senza posizione",
}


def _row(posizione: PosizioneEsterna) -> dict[str, Any]:
    return {
        "importo": text_from_cent(posizione.importo_cent),
        "causale": posizione.causale,
        "scadenza": posizione.scadenza,
        "iban": posizione.iban,
        "bic": posizione.bic,
        "codice_fiscale": posizione.codice_fiscale,
        "ente": posizione.nome_ente,
        "ufficio": posizione.ufficio,
        "dettaglio": posizione.dettaglio,
        "tutti_ccp": posizione.tutti_ccp,
    }
