"""Acceptance vectors of flows, 13, that concern imports: contract, upload, worker and status together."""

from __future__ import annotations

import pytest

from hub.domain.iuv import build_iuv
from hub.store import schema
from tests.flows.gestionale import Gestionale
from tests.tracciati import make_campi, make_csv
from tests.world import World

FIRST = build_iuv(1, 1)


@pytest.fixture
def gestionale(world: World) -> Gestionale:
    return Gestionale(world)


def scarti(gestionale: Gestionale, stato) -> list[tuple[str, str]]:
    """Return IUD and code of each refused row, the leading bar away."""
    return [(line[0], line[-2].removeprefix("|")) for line in gestionale.table(stato.urlFileScarti)[1:]]


def states(world: World, iud: str) -> list[tuple[str, bool]]:
    """Return state of every version of a dovuto and whether it is the present one, the oldest first."""
    rows = sorted(world.rows(schema.dovuti, iud=iud), key=lambda row: row.id)
    return [(row.stato, row.attuale) for row in rows]


# 1: the handshake.


def test_a_wrong_password_is_no_ente(gestionale):
    assert gestionale.authorize("Sbagliata123").fault.faultCode == "PAA_ENTE_NON_VALIDO"


def test_a_request_without_its_file_is_not_known(gestionale):
    permit = gestionale.authorize()

    assert gestionale.ask(permit.requestToken).fault.faultCode == "PAA_REQUEST_TOKEN_NON_VALIDO"


def test_a_token_brings_one_file_and_its_request_is_followed_to_the_end(gestionale):
    permit = gestionale.authorize()
    nome, csv = "C_PROVA-F1-1_3.zip", make_csv(make_campi())

    said = gestionale.upload(permit, nome, csv)

    assert said["fileName"] == nome and said["fileSize"].isdigit() and "codice" not in said
    assert "codice" in gestionale.upload(permit, "C_PROVA-F2-1_3.zip", csv)
    assert gestionale.ask(permit.requestToken).stato == "LOAD_IMPORT"
    gestionale.work()
    assert gestionale.ask(permit.requestToken).stato == "IMPORT_ESEGUITO"
    assert len(gestionale.world.rows(schema.flussi_import)) == 1


# 2: the name of the file.


@pytest.mark.parametrize(
    ("nome", "code"),
    [
        ("C_PROVA-A-FLUSSO-1_3.zip", "PAA_IMPORT_NOME_FILE_ERR(C_PROVA-A-FLUSSO-1_3.zip)"),
        ("C_PROVA-F1-1_45.zip", "PAA_IMPORT_FILE_VERSIONE_ERR(1_45)"),
    ],
)
def test_a_name_that_is_not_one_aborts_the_import(gestionale, nome, code):
    stato = gestionale.load(nome, make_campi())

    assert stato.stato == code
    assert (stato.urlFileScarti, stato.urlFileIUV, stato.urlFileAvvisi) == (None, None, None)
    assert gestionale.world.rows(schema.dovuti) == []


def test_a_name_that_was_refused_may_be_sent_again_and_one_that_was_loaded_may_not(gestionale):
    gestionale.load("C_PROVA-F1-1_45.zip", make_campi())
    assert gestionale.load("C_PROVA-F1-1_45.zip", make_campi()).stato == "PAA_IMPORT_FILE_VERSIONE_ERR(1_45)"
    assert gestionale.load("C_PROVA-F1-1_3.zip", make_campi()).stato == "IMPORT_ESEGUITO"

    said = gestionale.upload(gestionale.authorize(), "C_PROVA-F1-1_3.zip", make_csv(make_campi(IUD="ALTRO")))

    assert said["codice"] == "400"
    assert [row.iud for row in gestionale.world.rows(schema.dovuti)] == ["TARI-1"]


# 3: a bad row among good ones.


def test_a_bad_row_is_told_and_holds_back_no_other(gestionale):
    rows = [make_campi(IUD=f"T-{number}") for number in (1, 2, 3)]
    rows[1][3] = ""

    stato = gestionale.load("C_PROVA-F1-1_3.zip", *rows)

    assert stato.stato == "IMPORT_ESEGUITO"
    assert [row.iud for row in gestionale.world.rows(schema.dovuti)] == ["T-1", "T-3"]
    header, *refused = gestionale.table(stato.urlFileScarti)
    assert header[-2:] == ["cod_rifiuto", "de_rifiuto"]
    assert refused == [[*rows[1], "PAA_IMPORT_SINTASSI_CSV", "|CODICE_IDENTIFICATIVO_UNIVOCO NON PRESENTE"]]
    _, *accepted = gestionale.table(stato.urlFileIUV)
    assert [(line[0], line[1]) for line in accepted] == [("T-1", FIRST), ("T-3", build_iuv(1, 2))]
    assert set(gestionale.files(stato.urlFileAvvisi)) == {f"avviso_{line[1]}.pdf" for line in accepted}


# 4: the same IUD.


def test_the_second_row_of_an_iud_in_a_file_is_refused(gestionale):
    stato = gestionale.load("C_PROVA-F1-1_3.zip", make_campi(importoDovuto="1.00"), make_campi(importoDovuto="2.00"))

    assert scarti(gestionale, stato) == [("TARI-1", "PAA_IMPORT_IUD_DUPLICATO")]
    assert gestionale.world.one(schema.dovuti).importo_cent == 100


def test_a_cancelled_iud_may_be_used_again(gestionale):
    gestionale.load("C_PROVA-F1-1_3.zip", make_campi())
    cancelled = gestionale.load("C_PROVA-F2-1_3.zip", make_campi(azione="A"))
    assert cancelled.urlFileScarti is None and states(gestionale.world, "TARI-1") == [("ANNULLATO", False)]

    again = gestionale.load("C_PROVA-F3-1_3.zip", make_campi())

    assert again.urlFileScarti is None
    assert states(gestionale.world, "TARI-1") == [("ANNULLATO", False), ("INSERIMENTO_DOVUTO", True)]


def test_an_iud_that_is_in_use_is_refused_in_another_file_too(gestionale):
    gestionale.load("C_PROVA-F1-1_3.zip", make_campi())

    stato = gestionale.load("C_PROVA-F2-1_3.zip", make_campi())

    assert scarti(gestionale, stato) == [("TARI-1", "PAA_IMPORT_IUD_DUPLICATO")]


# 5: changes.


def test_a_change_takes_the_place_of_the_old_version(gestionale):
    gestionale.load("C_PROVA-F1-1_3.zip", make_campi())

    stato = gestionale.load("C_PROVA-F2-1_3.zip", make_campi(codIuv=FIRST, azione="M", importoDovuto="70.00"))

    assert stato.urlFileScarti is None
    now = gestionale.world.one(schema.dovuti, attuale=True)
    assert (now.iud, now.iuv, now.importo_cent) == ("TARI-1", FIRST, 7000)
    assert states(gestionale.world, "TARI-1") == [("ANNULLATO", False), ("INSERIMENTO_DOVUTO", True)]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"codIuv": build_iuv(1, 9, sistema=10)}, "PAA_IMPORT_IUV_DUPLICATO"),
        ({"codIuv": ""}, "PAA_IMPORT_IUV_NO_NULLABLE"),
        ({"codIuv": FIRST, "tipoDovuto": "MENSA"}, "PAA_IMPORT_TIPO_DOVUTO_NON_MODIFICABILE"),
    ],
)
def test_a_change_may_not_touch_iuv_and_tipo(gestionale, changed, code):
    gestionale.load("C_PROVA-F1-1_3.zip", make_campi())

    stato = gestionale.load("C_PROVA-F2-1_3.zip", make_campi(azione="M", importoDovuto="70.00", **changed))

    assert scarti(gestionale, stato) == [("TARI-1", code)]
    assert gestionale.world.one(schema.dovuti).importo_cent == 10_000


@pytest.mark.parametrize("azione", ["M", "A"])
def test_a_position_in_payment_is_not_touched(gestionale, azione):
    world = gestionale.world
    gestionale.load("C_PROVA-F1-1_3.zip", make_campi())
    world.start(world.verifica(FIRST))

    stato = gestionale.load("C_PROVA-F2-1_3.zip", make_campi(codIuv=FIRST, azione=azione))

    assert scarti(gestionale, stato) == [("TARI-1", "PAA_IMPORT_DOVUTO_NON_PRESENTE")]
    assert states(world, "TARI-1") == [("PAGAMENTO_INIZIATO", True)]


def test_what_was_never_there_cannot_be_changed(gestionale):
    stato = gestionale.load("C_PROVA-F1-1_3.zip", make_campi(azione="M"), make_campi(IUD="T-2", azione="A"))

    assert scarti(gestionale, stato) == [
        ("TARI-1", "PAA_IMPORT_DOVUTO_NON_PRESENTE"), ("T-2", "PAA_IMPORT_DOVUTO_NON_PRESENTE"),
    ]  # fmt: skip
    assert stato.urlFileIUV is None


# 7: the accounting breakdown.


@pytest.mark.parametrize(("second", "codes"), [("40.00", []), ("39.99", ["PAA_IMPORT_SINTASSI_CSV_BILANCIO"])])
def test_the_breakdown_adds_up_to_the_amount(gestionale, second, codes):
    accertamenti = "".join(
        f"<accertamento><codAccertamento>{number}</codAccertamento><importo>{importo}</importo></accertamento>"
        for number, importo in enumerate(("60.00", second), 1)
    )
    bilancio = f"<bilancio><capitolo><codCapitolo>1</codCapitolo>{accertamenti}</capitolo></bilancio>"

    stato = gestionale.load("C_PROVA-F1-1_3.zip", make_campi(bilancio=bilancio))

    assert stato.stato == "IMPORT_ESEGUITO"
    assert [code for _, code in (scarti(gestionale, stato) if codes else [])] == codes
    assert len(gestionale.world.rows(schema.dovuti)) == 1 - len(codes)
