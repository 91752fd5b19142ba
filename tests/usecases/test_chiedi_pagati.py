"""paaSILChiediPagati and paaSILChiediPagatiConRicevuta: every row of their tables, and what others may not see.

Source: pa-per-ente, outcome operations (2.4.1, 2.4.2) and defects not reproduced (8).
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from hub.domain.errors import HubError
from hub.formats import schemi
from hub.formats.xml import parse
from hub.store import schema
from hub.usecases import expire_sessioni
from tests.factories import make_documento, make_iud, make_rt, make_voce
from tests.world import GRACE, TTL, World

PAY_I = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}"
NESSUNA = "00000000-0000-4000-8000-000000000000"


def code_of(deed: Any, *args: Any, **values: Any) -> str:
    try:
        deed(*args, **values)
    except HubError as error:
        assert str(error) and error.description
        return error.code
    return "OK"


def by_session(world: World, id_session: str, **values: Any) -> set[str]:
    """The codes of both operations: their tables by session are one."""
    return {code_of(world.esito, id_session, **values), code_of(world.ricevuta, id_session=id_session, **values)}


def paid(world: World, esito: int = 0, documento: Any = None, **values: Any) -> str:
    """A payment whose receipt has come and was applied; returns the idSession."""
    id_session = world.begin(documento, **values)
    tentativo = world.tentativo(id_session)
    world.receive(make_rt(bytes(tentativo.rpt), esito), tentativo)
    world.apply()
    return id_session


def read_pagati(text: str, levels: int = 2) -> Any:
    """The document inside the base64, valid against its schema."""
    data = text.encode()
    for _ in range(levels):
        data = base64.b64decode(data, validate=True)
    root = parse(data)
    assert schemi.schema(schemi.DOVUTI_PAGATI).check(root) == []
    return root


# By session.


@pytest.mark.parametrize(
    ("ente", "password"), [("C_NESSUNO", "Segreto12345"), ("C_PROVA", "Sbagliata123"), ("C_PROVA", "")]
)
def test_who_is_not_the_ente_is_refused(small_world, ente, password):
    id_session = small_world.invia()

    assert by_session(small_world, id_session, ente=ente, password=password) == {"PAA_ENTE_NON_VALIDO"}


def test_the_state_of_the_ente_counts_for_one_operation_only(small_world):
    assert code_of(small_world.esito, NESSUNA, ente="C_SPENTO") == "PAA_ENTE_NON_VALIDO"
    assert code_of(small_world.ricevuta, id_session=NESSUNA, ente="C_SPENTO") == "PAA_ID_SESSION_NON_VALIDO"


@pytest.mark.parametrize("id_session", [NESSUNA, "", "x" * 500, "' OR 1=1 --"])
def test_a_session_that_never_was_is_not_valid(small_world, id_session):
    assert code_of(small_world.esito, id_session) == "PAA_ID_SESSION_NON_VALIDO"


@pytest.mark.parametrize("seconds", [0, (TTL + GRACE).total_seconds() - 1])
def test_a_session_nobody_opened_has_not_begun_until_term_and_grace(world, seconds):
    id_session = world.invia()
    world.clock.advance(seconds)

    assert by_session(world, id_session) == {"PAA_PAGAMENTO_NON_INIZIATO"}


def test_a_session_nobody_opened_expires_even_before_the_job_comes(world):
    id_session = world.invia()
    world.clock.advance((TTL + GRACE).total_seconds())

    assert by_session(world, id_session) == {"PAA_PAGAMENTO_SCADUTO"}


def test_a_session_that_the_job_closed_is_expired(world):
    id_session = world.invia()
    world.clock.advance((TTL + GRACE).total_seconds() + 1)
    expire_sessioni.run_once(world.db, GRACE, world.clock())

    assert by_session(world, id_session) == {"PAA_PAGAMENTO_SCADUTO"}


@pytest.mark.parametrize(
    ("stato", "code"),
    [
        ("PREDISPOSTO", "PAA_PAGAMENTO_NON_INIZIATO"),
        ("PAGAM_IN_CORSO", "PAA_PAGAMENTO_IN_CORSO"),
        ("ABORT", "PAA_PAGAMENTO_ANNULLATO"),
        ("SCADUTO", "PAA_PAGAMENTO_SCADUTO"),
        ("SCADUTO_ELABORATO", "PAA_PAGAMENTO_SCADUTO"),
    ],
)
def test_a_carrello_without_outcome_answers_its_state(world, stato, code):
    id_session = world.begin()
    world.change(schema.carrelli, "id_session", id_session, stato=stato)

    assert by_session(world, id_session) == {code}


@pytest.mark.parametrize(
    ("esito", "stato"),
    [(0, "PAGATO"), (1, "NON_PAGATO"), (2, "PARZ_PAGATO"), (3, "DECORR_TERM"), (4, "DECORR_TERM_PARZ")],
)
def test_every_outcome_can_be_read(world, esito, stato):
    """Also PARZ_PAGATO, which the regional portal cannot read."""
    voci = make_voce(importo="12.50"), make_voce(importo="7.50")

    id_session = paid(world, esito, make_documento(*voci))

    assert world.carrello(id_session).stato == stato
    for answer in (world.esito(id_session), world.ricevuta(id_session=id_session)):
        dati = read_pagati(answer.pagati).find(f"{PAY_I}datiPagamento")
        assert dati.findtext(f"{PAY_I}codiceEsitoPagamento") == str(esito)
        iud = [item.text for item in dati.iter(f"{PAY_I}identificativoUnivocoDovuto")]
        wanted = {0: 2, 2: 2, 4: 2}.get(esito, 0)
        assert iud == [voce.iud for voce in voci][:wanted]


def test_the_two_operations_give_their_own_document(small_world):
    id_session = paid(small_world)

    answers = small_world.esito(id_session), small_world.ricevuta(id_session=id_session)

    assert [read_pagati(answer.pagati).tag for answer in answers] == [f"{PAY_I}Pagati", f"{PAY_I}PagatiConRicevuta"]


def test_the_receipt_is_given_back_byte_for_byte(world):
    id_session = world.begin()
    tentativo = world.tentativo(id_session)
    raw = make_rt(bytes(tentativo.rpt)).replace(b"?>", b"?>\n<!-- as the node wrote it -->\n", 1)
    world.receive(raw, tentativo)
    world.apply()

    assert world.ricevuta(id_session=id_session).rt == raw
    assert world.esito(id_session).rt is None


@pytest.mark.parametrize("levels", [1, 2])
def test_pagati_has_as_many_levels_of_base64_as_the_ente_wants(small_world, levels):
    small_world.change(schema.enti, "id", 1, livelli_base64_pagati=levels)

    id_session = paid(small_world)

    assert read_pagati(small_world.esito(id_session).pagati, levels).tag == f"{PAY_I}Pagati"


# What belongs to another ente does not exist.


def test_another_ente_does_not_see_the_session(world):
    id_session = paid(world)

    assert by_session(world, id_session, ente="C_VICINO") == {"PAA_ID_SESSION_NON_VALIDO"}


def test_another_ente_does_not_see_a_session_that_has_not_begun(world):
    id_session = world.invia()

    assert by_session(world, id_session, ente="C_VICINO") == {"PAA_ID_SESSION_NON_VALIDO"}


def test_another_ente_does_not_see_the_iuv(world):
    iuv = world.carrello(paid(world)).iuv

    assert code_of(world.ricevuta, ente="C_VICINO", iuv=iuv) == "PAA_IUV_NON_VALIDO"


def test_another_ente_does_not_see_the_iud(world):
    iud = world.dovuti(paid(world))[0].iud

    assert code_of(world.ricevuta, ente="C_VICINO", iud=iud) == "PAA_IUD_NON_VALIDO"


def test_the_answer_about_another_entes_key_is_that_of_a_key_that_never_was(small_world):
    iud = small_world.dovuti(paid(small_world))[0].iud

    def words(key: str) -> str:
        with pytest.raises(HubError) as caught:
            small_world.ricevuta(ente="C_VICINO", iud=key)
        return repr((str(caught.value), vars(caught.value))).replace(key, "*")

    assert words(iud) == words("IUD-" + "9" * 6)


def test_two_enti_with_the_same_iud_read_each_their_own(world):
    voce = make_voce()
    first = paid(world, 0, make_documento(voce))
    world.begin(make_documento(voce), ente="C_VICINO")

    assert read_pagati(world.ricevuta(iud=voce.iud).pagati) is not None
    assert code_of(world.ricevuta, ente="C_VICINO", iud=voce.iud) == "PAA_PAGAMENTO_IN_CORSO"
    assert world.carrello(first).stato == "PAGATO"


# The keys of ConRicevuta.


@pytest.mark.parametrize(
    "keys",
    [{}, {"id_session": "a", "iuv": "b"}, {"iuv": "a", "iud": "b"}, {"id_session": "a", "iuv": "b", "iud": "c"}],
)
def test_exactly_one_key_is_needed(small_world, keys):
    assert code_of(small_world.ricevuta, **keys) == "PAA_SYSTEM_ERROR"


def test_the_password_is_told_before_the_keys(small_world):
    assert code_of(small_world.ricevuta, password="Sbagliata123") == "PAA_ENTE_NON_VALIDO"


def test_a_blank_key_counts_as_absent(small_world):
    id_session = paid(small_world)

    assert small_world.ricevuta(id_session=id_session, iuv="", iud="").rt is not None


@pytest.mark.parametrize(("key", "code"), [("iuv", "PAA_IUV_NON_VALIDO"), ("iud", "PAA_IUD_NON_VALIDO")])
def test_an_unknown_key_is_not_valid(small_world, key, code):
    assert code_of(small_world.ricevuta, **{key: "99999999999999999"}) == code


# Live dovuti.


def lay_dovuto(world: World, stato: str, **values: Any) -> str:
    """A dovuto without a carrello, as an import would leave it; returns its IUD."""
    now = world.clock()
    iud = make_iud()
    row = {
        "id": iud,
        "ente_id": 1,
        "dominio": "12345678903",
        "posizione": 1,
        "iud": iud,
        "iuv": "01000000099999944",
        "tipo": "TARI",
        "importo_cent": 1250,
        "causale": "Tassa rifiuti",
        "dati_specifici": "9/0101101IM/",
        "scadenza": now.date() + timedelta(days=30),
        "stato": stato,
        "created_at": now,
        "updated_at": now,
    }
    row |= values
    world.lay(schema.dovuti, **row)
    return str(row["iud"])


@pytest.mark.parametrize(
    ("stato", "code"),
    [
        ("INSERIMENTO_DOVUTO", "PAA_PAGAMENTO_NON_INIZIATO"),
        ("PREDISPOSTO", "PAA_PAGAMENTO_NON_INIZIATO"),
        ("SCADUTO", "PAA_PAGAMENTO_SCADUTO"),
        ("PAGAMENTO_INIZIATO", "PAA_PAGAMENTO_IN_CORSO"),
    ],
)
def test_a_live_dovuto_answers_its_state(world, stato, code):
    iud = lay_dovuto(world, stato)

    assert code_of(world.ricevuta, iud=iud) == code
    assert code_of(world.ricevuta, iuv="01000000099999944") == code


@pytest.mark.parametrize("stato", ["INSERIMENTO_DOVUTO", "PREDISPOSTO"])
def test_a_dovuto_past_a_mandatory_due_date_says_so_in_the_words_that_clients_match(small_world, stato):
    yesterday = small_world.clock().date() - timedelta(days=2)
    iud = lay_dovuto(small_world, stato, tipo="SANZIONE", scadenza=yesterday)

    with pytest.raises(HubError) as caught:
        small_world.ricevuta(iud=iud)

    assert caught.value.code == "PAA_SYSTEM_ERROR"
    assert "dovuto scaduto" in caught.value.description


@pytest.mark.parametrize(("tipo", "days"), [("TARI", -2), ("SANZIONE", 2)])
def test_a_due_date_that_is_not_mandatory_or_not_past_does_not_count(small_world, tipo, days):
    iud = lay_dovuto(
        small_world, "INSERIMENTO_DOVUTO", tipo=tipo, scadenza=small_world.clock().date() + timedelta(days=days)
    )

    assert code_of(small_world.ricevuta, iud=iud) == "PAA_PAGAMENTO_NON_INIZIATO"


def test_a_payment_under_way_is_under_way_by_every_key(world):
    id_session = world.begin()

    keys = {"iuv": world.carrello(id_session).iuv, "iud": world.dovuti(id_session)[0].iud}

    assert {code_of(world.ricevuta, **{key: value}) for key, value in keys.items()} == {"PAA_PAGAMENTO_IN_CORSO"}


def test_the_live_dovuto_wins_over_the_processed_one(world):
    """After a failed attempt on a stored dovuto: by IUD it is to be paid, by session it has a negative outcome."""
    id_session = paid(world, 1)
    world.change(schema.dovuti, "carrello_id", world.carrello(id_session).id, attuale=False)
    lay_dovuto(world, "INSERIMENTO_DOVUTO", iuv=world.carrello(id_session).iuv)

    assert code_of(world.ricevuta, iuv=world.carrello(id_session).iuv) == "PAA_PAGAMENTO_NON_INIZIATO"
    assert code_of(world.ricevuta, id_session=id_session) == "OK"


# Processed dovuti.


@pytest.mark.parametrize(
    ("stato", "code"),
    [
        ("SCADUTO_ELABORATO", "PAA_PAGAMENTO_SCADUTO"),
        ("ABORT", "PAA_PAGAMENTO_ANNULLATO"),
        ("ANNULLATO", "PAA_PAGAMENTO_ANNULLATO"),
        ("COMPLETATO", "PAA_SYSTEM_ERROR"),
    ],
)
def test_a_processed_dovuto_without_carrello_answers_its_state(world, stato, code):
    iud = lay_dovuto(world, stato)

    assert code_of(world.ricevuta, iud=iud) == code


@pytest.mark.parametrize("esito", [0, 1, 2, 3, 4])
def test_a_processed_dovuto_gives_document_and_receipt_by_every_key(world, esito):
    id_session = paid(world, esito, make_documento(make_voce(), make_voce()))

    answers = [
        world.ricevuta(id_session=id_session),
        world.ricevuta(iuv=world.carrello(id_session).iuv),
        *(world.ricevuta(iud=row.iud) for row in world.dovuti(id_session)),
    ]

    assert all(answer == answers[0] for answer in answers)
    assert answers[0].rt is not None


@pytest.mark.parametrize(
    ("stato", "code"), [("SCADUTO_ELABORATO", "PAA_PAGAMENTO_SCADUTO"), ("ABORT", "PAA_PAGAMENTO_ANNULLATO")]
)
def test_several_dovuti_of_one_carrello_answer_its_state(world, stato, code):
    id_session = world.begin(make_documento(make_voce(), make_voce()))
    carrello = world.carrello(id_session)
    world.change(schema.carrelli, "id", carrello.id, stato=stato)
    world.change(schema.dovuti, "carrello_id", carrello.id, stato=stato)

    assert code_of(world.ricevuta, iuv=carrello.iuv) == code


def test_of_several_attempts_the_positive_one_is_given(world):
    positive = paid(world, 0)
    world.clock.advance(60)
    iud = world.dovuti(positive)[0].iud
    lay_dovuto(world, "ANNULLATO", attuale=False, iud=iud, id="x" * 32, created_at=world.clock())

    assert world.ricevuta(iud=iud) == world.ricevuta(id_session=positive)


def test_without_a_positive_attempt_the_latest_is_given(world):
    first = paid(world, 1)
    world.clock.advance(60)
    second = paid(world, 1)
    world.change(schema.dovuti, "carrello_id", world.carrello(first).id, attuale=False)
    world.change(schema.dovuti, "carrello_id", world.carrello(second).id, iuv=world.carrello(first).iuv)

    assert world.ricevuta(iuv=world.carrello(first).iuv) == world.ricevuta(id_session=second)


def test_a_completed_dovuto_stays_readable_for_years(small_world):
    id_session = paid(small_world)
    small_world.clock.advance(5 * 365 * 86_400)

    assert small_world.esito(id_session).pagati
    assert isinstance(small_world.ricevuta(id_session=id_session).rt, bytes)


def test_the_pagati_amount_is_that_of_the_receipt(small_world):
    """Not that of the dovuto: the ente reconciles with what was collected."""
    id_session = small_world.begin()
    tentativo = small_world.tentativo(id_session)
    small_world.receive(make_rt(bytes(tentativo.rpt), 0, importo_cent=1300), tentativo)
    small_world.apply()

    dati = read_pagati(small_world.esito(id_session).pagati).find(f"{PAY_I}datiPagamento")

    assert dati.findtext(f"{PAY_I}importoTotalePagato") == "13.00"
