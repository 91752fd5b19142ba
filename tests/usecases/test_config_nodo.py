"""What the configuration file says for the node's questions about notices: read, planned, applied once, given back."""

from __future__ import annotations

import pytest

from hub.domain.configurazione import ConfigurazioneNonValida
from hub.formats.configurazione import read_configurazione, render_configurazione
from hub.store import schema
from hub.store.database import Database
from hub.usecases.apply_config import apply, plan
from hub.usecases.export_config import export_config
from tests.usecases.test_config_inoltro import CASSAFORTE, FILE, NOW

SERVIZIO = """    servizi_avviso:
      - id_servizio: "00001"
        id_soggetto: "00002"
        tipo: TARI
        causale: Bollo auto
        campi: {codice_fiscale: codiceFiscale, anagrafica: nominativo, importo: importo}
"""
TESTO = FILE.replace("    tipi:\n", "    ripiego_archivio: memorizzato\n" + SERVIZIO + "    tipi:\n").replace(
    "        notifica_esito: true\n", '        notifica_esito: true\n        metadati: {canale: "tutti"}\n'
)


def problems(text: str) -> dict[str, str]:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        read_configurazione(text.encode())
    return dict(refusal.value.problems)


def test_what_is_applied_is_there_once_and_comes_back_the_same(db: Database) -> None:
    wanted = read_configurazione(TESTO.encode())

    apply(db, wanted, CASSAFORTE, NOW)

    again = read_configurazione(render_configurazione(export_config(db, NOW)).encode())
    assert not [one for one in plan(db, again, CASSAFORTE, NOW) if one.is_change]
    assert not [one for one in plan(db, wanted, CASSAFORTE, NOW) if one.is_change]
    with db.reading() as session:
        (ente,) = session.execute(schema.enti.select())
        (servizio,) = session.execute(schema.servizi_avviso.select())
        tari = next(row for row in session.execute(schema.tipi.select()) if row.codice == "TARI")
    assert (ente.ripiego_archivio, servizio.tipo, tari.metadati) == ("memorizzato", "TARI", {"canale": "tutti"})


def test_services_that_the_file_leaves_out_go_and_those_it_does_not_speak_of_stay(db: Database) -> None:
    apply(db, read_configurazione(TESTO.encode()), CASSAFORTE, NOW)

    silent = plan(db, read_configurazione(TESTO.replace(SERVIZIO, "").encode()), CASSAFORTE, NOW)
    none = TESTO.replace(SERVIZIO, "    servizi_avviso: []\n")
    found = [one for one in apply(db, read_configurazione(none.encode()), CASSAFORTE, NOW) if one.is_change]

    assert not [one for one in silent if one.is_change]
    assert [(one.campo, one.prima, one.dopo) for one in found] == [("servizi_avviso", "00001 00002 (TARI)", "")]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("memorizzato", "forse", "enti[0].ripiego_archivio"),
        ('"00001"', '"1"', "enti[0].servizi_avviso[0].id_servizio"),
        ("tipo: TARI", "tipo: BOLLO", "enti[0].servizi_avviso[0].tipo"),
        ("codice_fiscale: codiceFiscale, ", "", "enti[0].servizi_avviso[0].campi.codice_fiscale"),
        ("nominativo", "p:nominativo", "enti[0].servizi_avviso[0].campi.anagrafica"),
        ('canale: "tutti"', 'canale: ""', "enti[0].tipi[0].metadati"),
        ('canale: "tutti"', ", ".join(f'k{n}: "v"' for n in range(16)), "enti[0].tipi[0].metadati"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(old: str, new: str, path: str) -> None:
    assert path in problems(TESTO.replace(old, new))


def test_a_service_is_declared_once() -> None:
    twice = TESTO.replace(SERVIZIO, SERVIZIO + SERVIZIO.partition("\n")[2])

    assert problems(twice) == {"enti[0].servizi_avviso[1]": "il servizio 00001 00002 è già nella lista"}
