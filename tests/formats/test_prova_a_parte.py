"""What the server and the process of a trial say to each other, cut anywhere by the pipe between them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime

import pytest

from hub.domain.errors import FlussoRifiutato, OutOfService
from hub.formats.prova_a_parte import (
    PEZZO,
    RIFIUTO,
    Cornici,
    Domanda,
    read_domanda,
    read_rifiuto,
    render_domanda,
    render_pezzo,
    render_rifiuto,
)

DOMANDA = Domanda(
    7, "C_PROVA-F1-1_3.csv", "C_PROVA", frozenset({"TARI", "MENSA"}), datetime(2026, 3, 1, tzinfo=UTC),
    date(2027, 1, 1), "postgresql://u:segreta@h/d", "json", "info",
)  # fmt: skip


@pytest.mark.parametrize("concessi", [None, frozenset(), frozenset({"TARI", "MENSA"})])
def test_the_question_arrives_as_it_was_put_in_one_line(concessi: frozenset[str] | None) -> None:
    put = dataclasses.replace(DOMANDA, concessi=concessi)

    line = render_domanda(put)

    assert line.count(b"\n") == 1 and read_domanda(line) == put
    assert "segreta" not in repr(put)


def test_half_a_question_is_none() -> None:
    with pytest.raises(ValueError):
        read_domanda(render_domanda(DOMANDA)[:40])


@pytest.mark.parametrize("block", [1, 3, 7, 1000])
def test_frames_are_put_together_whatever_the_cut(block: int) -> None:
    sent = render_pezzo("è uno") + render_pezzo("") + render_pezzo("tre\n")
    cornici, got = Cornici(), []

    for start in range(0, len(sent), block):
        cornici.add(sent[start : start + block])
        while (frame := cornici.take()) is not None:
            got.append(frame)

    assert got == [(PEZZO, "è uno".encode()), (PEZZO, b""), (PEZZO, b"tre\n")]


@pytest.mark.parametrize("error", [FlussoRifiutato("PAA_IMPORT_NO_CSV", "nello zip manca è.csv"), OutOfService("dopo")])
def test_a_refusal_is_the_same_on_the_other_side(error: FlussoRifiutato | OutOfService) -> None:
    cornici = Cornici()
    cornici.add(render_rifiuto(error))

    kind, text = cornici.take() or (b"", b"")

    told = read_rifiuto(text)
    assert kind == RIFIUTO and type(told) is type(error)
    assert (str(told), vars(told)) == (str(error), vars(error))
