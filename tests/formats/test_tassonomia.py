"""The tables of the taxonomy in every form that they are handed out in. Source: flows, 7.3; node, 7.1."""

from __future__ import annotations

import json
from datetime import date

import pytest

from hub.formats.resources import resource
from hub.formats.tassonomia import RIGHE_MAX, TavolaNonLeggibile, bundled, read_tassonomia

JSON = {
    "CODICE TIPO ENTE CREDITORE": "01",
    "TIPO ENTE CREDITORE": "COMUNE",
    "PROGRESSIVO MACRO AREA PER ENTE CREDITORE": "01",
    "NOME MACRO AREA": "TRIBUTI",
    "DESCRIZIONE MACRO AREA": "I tributi",
    "CODICE TIPOLOGIA SERVIZIO": "101",
    "TIPO SERVIZIO": "Tassa rifiuti",
    "MOTIVO GIURIDICO DELLA RISCOSSIONE": "IM",
    "DESCRIZIONE TIPO SERVIZIO": "TARI",
    "VERSIONE TASSONOMIA": "34",
    "DATI SPECIFICI INCASSO": "9/0101101IM/",
    "DATA INIZIO VALIDITA": "01/03/2021",
    "DATA FINE VALIDITA": "31/12/2026",
}
CSV = (
    "CODICE TIPO ENTE CREDITORE;TIPO ENTE CREDITORE;# Progressivo Macro Area per Ente Creditore;NOME MACRO AREA;"
    "DESCRIZIONE MACRO AREA;CODICE TIPOLOGIA SERVIZIO;TIPO SERVIZIO;Motivo Giuridico della riscossione;"
    "DESCRIZIONE TIPO SERVIZIO;# VERSIONE TASSONOMIA;DATI SPECIFICI DI INCASSO;DATA INIZIO VALIDITA (mm/gg/aaaa);"
    "DATA FINE VALIDITA (mm/gg/aaaa);combinazione topic&subtopic;Flag_Nuova_Combinazione\r\n"
    "01;COMUNE;01;TRIBUTI;I tributi;101;\"Tassa\nrifiuti\";IM;TARI;34;9/0101101IM/;03/01/2021;12/31/2026;x;\r\n"
)


def changed(**values: str) -> bytes:
    return json.dumps([JSON | {key.replace("_", " "): value for key, value in values.items()}]).encode()


@pytest.mark.parametrize(
    "data",
    [
        CSV.encode(),
        b"\xef\xbb\xbf" + CSV.encode(),
        json.dumps([JSON]).encode(),
        json.dumps({"uuid": "1", "created": "2026-01-01", "taxonomyList": [JSON]}).encode(),
        changed(DATA_INIZIO_VALIDITA="2021-03-01T00:00:00", DATA_FINE_VALIDITA="2026-12-31"),
    ],
    ids=["csv", "csv-bom", "json", "json-metadata", "iso"],
)
def test_every_form_says_the_same(data: bytes) -> None:
    letta = read_tassonomia(data)

    assert letta.scartate == ()
    (voce,) = letta.voci
    assert (voce.codice, voce.creditore, voce.servizio) == ("9/0101101IM/", "01", "Tassa rifiuti")
    assert (voce.valido_dal, voce.valido_al, voce.versione) == (date(2021, 3, 1), date(2026, 12, 31), 34)


def test_the_shipped_table_is_whole() -> None:
    letta = read_tassonomia(resource("schemas", "tassonomia.csv").read_bytes())

    assert (len(letta.voci), letta.scartate, bundled().versione) == (623, (), 33)
    assert all(voce.tipo_ente and voce.macro_area and voce.servizio for voce in letta.voci)
    by_code = {voce.codice: voce for voce in letta.voci}
    assert by_code["9/0101107TS/"].valido_dal == date(2021, 2, 15)
    assert by_code["9/0115119AP/"].valido_al == date(2021, 12, 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "mancano le colonne"),
        (b"\xff\xfe", "UTF-8"),
        (b"<html>manutenzione</html>", "mancano le colonne"),
        (b"[1, 2]", "elenco"),
        (b'{"uuid": "1"}', "elenco"),
        (b"[" * 100_000, "JSON"),
        (b'[{"a": ', "JSON"),
        (b'a;"b', "CSV"),
        (CSV.replace("DATA FINE VALIDITA", "ALTRO").encode(), "datafinevalidita"),
        (json.dumps([JSON] * (RIGHE_MAX + 1)).encode(), "righe"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(TavolaNonLeggibile, match=reason):
        read_tassonomia(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed(DATI_SPECIFICI_INCASSO="9/01011IM"), "forma"),
        (changed(CODICE_TIPOLOGIA_SERVIZIO="102"), "colonne"),
        (changed(VERSIONE_TASSONOMIA="ultima"), "versione"),
        (changed(DATA_FINE_VALIDITA="mai"), "data"),
        (changed(DATA_FINE_VALIDITA="31/02/2026"), "data"),
        (changed(DATA_FINE_VALIDITA="01/01/2020"), "finisce prima"),
        (json.dumps([JSON, JSON]).encode(), "già"),
    ],
)
def test_a_row_that_does_not_hold_together_is_told(data: bytes, reason: str) -> None:
    letta = read_tassonomia(data)

    (scartata,) = letta.scartate
    assert scartata[0] == len(json.loads(data)) and reason in scartata[1]


def test_months_first_or_days_first_is_one_decision_for_a_table() -> None:
    rows = [JSON, JSON | {"DATI SPECIFICI INCASSO": "9/0101100IM/", "CODICE TIPOLOGIA SERVIZIO": "100"}]
    rows[0] = rows[0] | {"DATA INIZIO VALIDITA": "02/15/2021", "DATA FINE VALIDITA": "01/02/2080"}
    rows[1] = rows[1] | {"DATA INIZIO VALIDITA": "03/01/2021", "DATA FINE VALIDITA": "01/02/2080"}

    voci = read_tassonomia(json.dumps(rows).encode()).voci

    assert [voce.valido_dal for voce in voci] == [date(2021, 2, 15), date(2021, 3, 1)]
    assert {voce.valido_al for voce in voci} == {date(2080, 1, 2)}
