"""Each rule of conformance: what respects it, what violates it, and that without evidence it says nothing."""

from __future__ import annotations

import pytest

from hub.domain.conformita import REGOLE, Esito, Regola, giudica
from hub.domain.conformita.prove import Prove
from hub.domain.conformita.regola import valuta
from tests.conformita.casi import CONTENUTO, IMPORTAZIONE, NOW, TRASPORTO
from tests.conformita.casi_dal_vivo import FLUSSI, IL_HUB, INOLTRO
from tests.conformita.casi_tempo import SESSIONI

CASI = TRASPORTO | CONTENUTO | IMPORTAZIONE | SESSIONI | INOLTRO | FLUSSI | IL_HUB
BY_CODICE = {regola.codice: regola for regola in REGOLE}


def test_every_rule_has_its_two_cases_and_no_rule_is_there_twice() -> None:
    assert list(BY_CODICE) == list(CASI)
    assert len(REGOLE) == len(BY_CODICE) == len({regola.requisito for regola in REGOLE})


@pytest.mark.parametrize("codice", CASI)
def test_what_respects_a_rule_is_told_as_respected(codice: str) -> None:
    verdetto = valuta(BY_CODICE[codice], CASI[codice][0])

    assert (verdetto.esito, verdetto.contrari) == (Esito.RISPETTATA, 0), verdetto.visti
    assert verdetto.casi >= 1 and verdetto.visti[0].dove


@pytest.mark.parametrize("codice", CASI)
def test_what_violates_a_rule_is_told_with_its_place(codice: str) -> None:
    regola = BY_CODICE[codice]

    verdetto = valuta(regola, CASI[codice][1])

    assert verdetto.esito is (Esito.AVVERTENZA if regola.consiglio else Esito.VIOLATA)
    assert verdetto.contrari >= 1 and all(visto.dove and visto.problema for visto in verdetto.visti)


def test_without_evidence_no_rule_says_anything() -> None:
    verdetti = giudica(Prove("C_PROVA", NOW))

    assert {verdetto.esito for verdetto in verdetti} == {Esito.NON_VISTA}


@pytest.mark.parametrize("regola", REGOLE, ids=lambda regola: regola.codice)
def test_every_rule_says_in_italian_what_is_required_where_from_and_how_to_mend_it(regola: Regola) -> None:
    for text in (regola.requisito, regola.fonte, regola.rimedio):
        assert len(text) > 3 and "/work" not in text and ".md" not in text
    assert regola.requisito.endswith(".") and regola.rimedio.endswith(".")


def test_many_violations_of_one_rule_are_counted_and_the_first_ones_shown() -> None:
    (call,) = TRASPORTO["TRA-12"][1].chiamate

    verdetto = valuta(BY_CODICE["TRA-12"], Prove("C_PROVA", NOW, chiamate=(call,) * 40))

    assert (verdetto.casi, verdetto.contrari, len(verdetto.visti)) == (40, 40, 5)
