"""What an operation gives back is written as XML that says the same, whatever characters are in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hub.soap.contract import load_contract
from hub.soap.shape import Child, Shape
from tests.soap.door import ENTE, ROOT

FAULT = Shape()
FAULT.add(Child("faultCode", "faultCode", False, True, None, None))
ANSWER = Shape()
ANSWER.add(Child("fault", "{urn:a}fault", False, False, None, FAULT))
ANSWER.add(Child("esito", "esito", True, False, None, None))
NAMES = {"{urn:a}fault": "a:fault", "faultCode": "faultCode", "esito": "esito"}
ILLEGAL = "\x00\x01\x0b\x1f\ufffe\uffff\ud800\udfff"


def is_surrogate(character: str) -> bool:
    return "\ud800" <= character < "\ue000"


def written(values: dict[str, object]) -> etree._Element:
    parts: list[str] = []
    ANSWER.write(parts, values, NAMES)
    return etree.fromstring(f'<r xmlns:a="urn:a">{"".join(parts)}</r>'.encode())


@given(st.text(st.characters() | st.sampled_from("&<>\"'\r\n\t" + ILLEGAL)))
def test_a_text_comes_back_as_it_was_but_for_what_xml_forbids(text):
    read = written({"esito": [text]}).findtext("esito")

    assert read == "".join(c for c in text if c in "\t\n\r" or not (c < " " or c in ILLEGAL or is_surrogate(c)))


def test_children_stand_in_the_order_of_the_contract_with_their_namespaces():
    root = written({"esito": ["OK", 1, True], "fault": {"faultCode": "PAA_X"}})

    assert [child.tag for child in root] == ["{urn:a}fault", "esito", "esito", "esito"]
    assert [child.text for child in root.findall("esito")] == ["OK", "1", "true"]
    assert root.findtext("{urn:a}fault/faultCode") == "PAA_X"


def test_none_is_left_out_and_a_name_that_the_contract_lacks_is_our_mistake():
    assert len(written({"fault": None, "esito": ["OK"]})) == 1

    with pytest.raises(KeyError):
        written({"ignoto": "x"})


def test_the_frame_of_every_answer_is_an_envelope_around_its_element():
    for verb in load_contract(ROOT / "wsdl" / "pa-per-ente.wsdl").by_request.values():
        opening, closing = verb.answer_frame

        (body,) = etree.fromstring(opening + closing)

        assert [child.tag for child in body] == [verb.response]
        assert body[0].nsmap["ente"] == ENTE
