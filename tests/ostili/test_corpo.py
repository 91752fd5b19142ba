"""The corpus keeps its promises: how much there is of it, and that nothing in it is forgotten."""

from __future__ import annotations

from tests.ostili import dentro
from tests.ostili.corpo import CORPO, MANIFESTO, famiglie, files_of
from tests.ostili.porte import PORTE

_MIB = 1024 * 1024


def test_there_are_twenty_families_and_four_hundred_inputs() -> None:
    assert len(famiglie()) >= 20
    assert sum(len(famiglia.ingressi) for famiglia in famiglie()) >= 400


def test_every_file_is_an_input_of_its_family_and_every_input_a_file() -> None:
    for famiglia in famiglie():
        files = [ingresso.file for ingresso in famiglia.ingressi]
        assert sorted(files) == sorted(files_of(famiglia))


def test_every_family_has_a_manifest() -> None:
    assert [folder.name for folder in CORPO.iterdir() if not (folder / MANIFESTO).is_file()] == []


def test_every_input_says_where_it_goes_and_why_it_is_answered_so() -> None:
    for famiglia in famiglie():
        for ingresso in famiglia.ingressi:
            assert ingresso.perche and ingresso.stato is not None, ingresso.file
            known = dentro.PORTE if famiglia.is_dentro else PORTE
            assert ingresso.porta == "righe" or ingresso.porta in known, ingresso.file
            assert not ingresso.dovuti or ingresso.tollerato, f"{ingresso.file}: a refusal adds nothing"


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in CORPO.rglob("*") if path.is_file()) < 3 * _MIB
