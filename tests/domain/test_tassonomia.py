"""How a code stands on a day, and what a payment request says of it. Source: flows, 7.3; node, 7.3 and 7.4."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.domain.tassonomia import DATI_SPECIFICI_MAX, Tassonomia, Vigore, dati_rpt
from tests.tassonomie import voce

DAL, AL = date(2021, 3, 1), date(2026, 11, 30)
TABLE = Tassonomia(
    [voce("9/0101101IM/"), voce("9/0101100IM/"), voce("9/0101999AP/", DAL, AL), voce("9/0201133IM/")]
)
DAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("text", "day", "vigore"),
    [
        ("9/0101101IM/", DAY, Vigore.VALIDO),
        ("7/0101101IM/rata/1", DAY, Vigore.VALIDO),
        ("9/0101999AP/", DAL - timedelta(days=1), Vigore.NON_ANCORA_VALIDO),
        ("9/0101999AP/", DAL, Vigore.VALIDO),
        ("9/0101999AP/", AL - timedelta(days=30), Vigore.VALIDO),
        ("9/0101999AP/", AL - timedelta(days=29), Vigore.IN_SCADENZA),
        ("9/0101999AP/", AL, Vigore.IN_SCADENZA),
        ("9/0101999AP/", AL + timedelta(days=1), Vigore.SCADUTO),
        ("9/0109999IM/", DAY, Vigore.SCONOSCIUTO),
        ("2/1234", DAY, Vigore.FUORI_TASSONOMIA),
        ("", DAY, Vigore.FUORI_TASSONOMIA),
    ],
)
def test_a_code_is_valid_from_one_day_to_another(text: str, day: date, vigore: Vigore) -> None:
    assert TABLE.vigore(text, day, timedelta(days=30)) == vigore


@pytest.mark.parametrize("prefix", "6789")
def test_the_digit_before_a_code_is_not_part_of_it(prefix: str) -> None:
    found = TABLE.find(f"{prefix}/0101101IM/testo")

    assert found is not None and found.codice == "9/0101101IM/"


@pytest.mark.parametrize("prefix", "0123459")
def test_what_is_not_in_the_table_is_not_found(prefix: str) -> None:
    text = "9/0109999IM/" if prefix == "9" else f"{prefix}/0101101IM/"

    assert TABLE.find(text) is None


@pytest.mark.parametrize(
    ("given", "tipo", "said"),
    [
        # As it is: the tipo's own code, with whatever digit before and text after; one of the same type of creditor.
        ("9/0101101IM/saldo", "9/0101101IM/", "9/0101101IM/saldo"),
        ("7/0101101IM/a/b", "9/0101101IM/", "7/0101101IM/a/b"),
        ("9/0101100IM/", "9/0101101IM/", "9/0101100IM/"),
        ("9/0109999IM/", "9/0109999IM/", "9/0109999IM/"),
        # Replaced: unknown, of another type of creditor, ended, no code at all, the old categories.
        ("9/0109999IM/", "9/0101101IM/", "9/0101101IM/Tassa-rifiuti-citta"),
        ("9/0201133IM/", "9/0101101IM/", "9/0101101IM/Tassa-rifiuti-citta"),
        ("9/testo", "9/0101101IM/", "9/0101101IM/Tassa-rifiuti-citta"),
        ("0/1234", "9/0101101IM/", "9/0101101IM/Tassa-rifiuti-citta"),
        ("1/1234", "7/0101101IM/", "7/0101101IM/Tassa-rifiuti-citta"),
        ("2/1234", "9/0101101IM", "9/0101101IM/Tassa-rifiuti-citta"),
        # The tipo has no code to put in its place.
        ("2/1234", "2/9999", "2/1234"),
        ("2/1234", "", "2/1234"),
        ("9/0101101IM/", "", "9/0101101IM/"),
    ],
)
def test_a_request_carries_a_code_of_the_ente_or_that_of_the_tipo(given: str, tipo: str, said: str) -> None:
    assert dati_rpt(given, tipo, " Tassa rifiuti (città) ", TABLE, DAY) == said


def test_the_day_of_the_dovuto_decides_not_that_of_the_payment() -> None:
    assert dati_rpt("9/0101999AP/x", "9/0101101IM/", "Tari", TABLE, AL) == "9/0101999AP/x"
    assert dati_rpt("9/0101999AP/x", "9/0101101IM/", "Tari", TABLE, AL + timedelta(days=1)) == "9/0101101IM/Tari"


def test_a_long_name_is_cut_where_the_field_ends() -> None:
    said = dati_rpt("2/1234", "9/0101101IM/", "x" * 256, TABLE, DAY)

    assert len(said) == DATI_SPECIFICI_MAX and said.startswith("9/0101101IM/xxx")
