"""The rules of carts and of multi-beneficiary carts, judged before anything leaves. Source: node, 2.1, 2.2, 4.4."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hub.domain.carrello_rpt import problem_of
from hub.domain.documenti import MarcaBollo, Organizzazione, Rpt, SingoloRpt, Soggetto
from hub.domain.pagamento_online import PagamentoOnline, RptPronta

STAZIONE, IUV = "12345678903_01", "01000000000000144"
PRIMO, SECONDO = "12345678903", "98765432103"
CARRELLO = f"{PRIMO}3{IUV}-00042"
IBAN = "IT60X0542811101000000123456"
LINE = SingoloRpt(1000, "/RFB/causale", "9/0101101IM/", IBAN)
MARCA = replace(LINE, iban_accredito=None, marca=MarcaBollo("01", "h" * 44, "RM"))
DAY = date(2026, 5, 4)


def rpt(dominio: str = PRIMO, **changes: Any) -> Rpt:
    given = Rpt(
        dominio=dominio,
        stazione=STAZIONE,
        id_messaggio=dominio,
        creata_at=datetime(2026, 5, 4, 10, tzinfo=UTC),
        pagatore=Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi"),
        ente=Organizzazione("G", dominio, "Comune"),
        data_esecuzione=DAY,
        tipo_versamento="BBT",
        iuv=IUV,
        ccp=CARRELLO,
        versamenti=(LINE,),
    )
    return replace(given, **changes)


def cart(*parti: Rpt, **changes: Any) -> PagamentoOnline:
    pronte = tuple(RptPronta(one, b"<RPT/>") for one in parti)
    return replace(
        PagamentoOnline("s", STAZIONE, PRIMO, "nodoInviaCarrelloRPT", CARRELLO, pronte, is_multibeneficiario=True),
        **changes,
    )


def multi(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **changes: Any) -> PagamentoOnline:
    return cart(rpt(**(first or {})), rpt(**({"dominio": SECONDO} | (second or {}))), **changes)


def plain(**changes: Any) -> PagamentoOnline:
    return cart(rpt(**changes), is_multibeneficiario=False)


GOOD = {
    "multi": multi(),
    "multi_of_five_lines": multi({"versamenti": (LINE,) * 4}),
    "one": plain(),
    "stamp": plain(versamenti=(LINE, MARCA)),
    "in_thirty_days": plain(data_esecuzione=DAY + timedelta(days=30)),
    "five": cart(*(rpt(ccp=f"c{n}") for n in range(5)), is_multibeneficiario=False),
    "of_two_enti": cart(rpt(), rpt(SECONDO, iuv="02000000000000233"), is_multibeneficiario=False),
}


@pytest.mark.parametrize("pagamento", GOOD.values(), ids=GOOD)
def test_a_good_cart_may_leave(pagamento):
    assert problem_of(pagamento, in_carrello=True) is None


BAD = {
    "none": (cart(is_multibeneficiario=False), "da 1 a 5"),
    "six": (cart(*(rpt(ccp=f"c{n}") for n in range(6)), is_multibeneficiario=False), "da 1 a 5"),
    "twice": (cart(rpt(), rpt(), is_multibeneficiario=False), "due volte"),
    "id_too_long": (multi(id_carrello="x" * 36), "35 caratteri"),
    "other_station": (plain(stazione="12345678903_02"), "stazione"),
    "no_line": (plain(versamenti=()), "datiSingoloVersamento"),
    "six_lines": (plain(versamenti=(LINE,) * 6), "datiSingoloVersamento"),
    "no_iban_no_stamp": (plain(versamenti=(replace(LINE, iban_accredito=None),)), "IBAN"),
    "iban_and_stamp": (plain(versamenti=(replace(MARCA, iban_accredito=IBAN),)), "IBAN"),
    "zero": (plain(versamenti=(replace(LINE, importo_cent=0),)), "importoTotaleDaVersare"),
    "too_much": (plain(versamenti=(replace(LINE, importo_cent=10**11),)), "importoTotaleDaVersare"),
    "yesterday": (plain(data_esecuzione=DAY - timedelta(days=1)), "dataEsecuzionePagamento"),
    "in_31_days": (plain(data_esecuzione=DAY + timedelta(days=31)), "dataEsecuzionePagamento"),
    "not_bbt": (plain(tipo_versamento="PO"), "BBT"),
    "multi_of_one": (cart(rpt()), "sono due"),
    "multi_of_three": (cart(rpt(), rpt(SECONDO), rpt("00000000000")), "sono due"),
    "multi_id_of_another_ente": (multi(id_carrello=f"{SECONDO}3{IUV}-00042"), "identificativoCarrello"),
    "multi_id_of_another_notice": (multi(id_carrello=f"{PRIMO}302000000000000233-00042"), "identificativoCarrello"),
    "multi_id_of_four_digits": (multi(id_carrello=CARRELLO[:-1]), "identificativoCarrello"),
    "multi_same_ente": (multi(second={"dominio": PRIMO, "ccp": "altro"}), "domini diversi"),
    "multi_other_iuv": (multi(second={"iuv": "02000000000000233"}), "stesso IUV"),
    "multi_other_ccp": (multi(second={"ccp": "altro"}), "il CCP"),
    "multi_other_ccp_first": (multi({"ccp": "altro"}), "il CCP"),
    "multi_second_of_two_lines": (multi(second={"versamenti": (LINE, LINE)}), "un solo versamento"),
    "multi_six_lines": (multi({"versamenti": (LINE,) * 5}), "al massimo 5"),
    "multi_other_day": (multi(second={"data_esecuzione": DAY + timedelta(days=1)}), "dataEsecuzionePagamento"),
    "multi_stamp": (multi({"versamenti": (LINE, MARCA)}), "marca da bollo"),
}


@pytest.mark.parametrize(("pagamento", "words"), BAD.values(), ids=BAD)
def test_a_broken_rule_is_named(pagamento, words):
    problem = problem_of(pagamento, in_carrello=True)

    assert problem is not None and words in problem


@pytest.mark.parametrize(
    "changes",
    [{"versamenti": (LINE, LINE)}, {"versamenti": (MARCA,)}, {"ccp": "n/a"}],
    ids=["two_lines", "stamp", "no_ccp"],
)
def test_model_three_sends_one_line_without_stamp_with_its_ccp(changes):
    good = plain(tipo_versamento="PO")

    assert problem_of(good, in_carrello=False) is None
    assert "PO" in (problem_of(plain(tipo_versamento="PO", **changes), in_carrello=False) or "")


def test_the_single_primitive_carries_one_rpt():
    assert "nodoInviaRPT" in (problem_of(multi(is_multibeneficiario=False), in_carrello=False) or "")
