"""The door compares what it answers with the catalogue of faults."""

from __future__ import annotations

import structlog

from hub.domain.errors import IudDuplicato
from hub.domain.guasti import is_known
from hub.soap import ente
from tests.soap.door import call, door, envelope
from tests.soap.zeep_client import open_door
from tests.world import World

BODY = (
    "<ente:paaSILChiediPagati><codIpaEnte>C_PROVA</codIpaEnte><password>Segreto12345</password>"
    "<idSession>x</idSession></ente:paaSILChiediPagati>"
)


def test_a_fault_that_the_catalogue_lacks_for_its_operation_is_told_in_the_log(uncatalogued):
    """It has the code for other operations; the caller gets his answer all the same."""

    def refused(*_):
        raise IudDuplicato("IUD 123 duplicato")

    with structlog.testing.capture_logs() as lines:
        answer = call(door({"paaSILChiediPagati": refused}), envelope(BODY, ""))

    assert answer.payload.findtext("fault/faultCode") == "PAA_IUD_DUPLICATO"
    assert is_known("paaSILInviaDovuti", "PAA_IUD_DUPLICATO")
    (line,) = [line for line in lines if line["event"] == "fault_not_in_catalogue"]
    assert (line["operation"], line["code"], line["log_level"]) == ("paaSILChiediPagati", "PAA_IUD_DUPLICATO", "error")
    assert uncatalogued == ["paaSILChiediPagati: PAA_IUD_DUPLICATO"]
    uncatalogued.clear()


def test_a_table_that_is_missing_is_told_to_the_operator_and_not_to_the_caller(small_world: World) -> None:
    """The caller can only come again; the log names the command that mends it."""
    with small_world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE sessioni RENAME TO altrove")

    with structlog.testing.capture_logs() as lines:
        answer = open_door(small_world).post(ente.PATH, envelope(BODY, ""), {})

    assert answer.status == 503 and b"il database non risponde: ripetere la richiesta" in answer.body
    assert b"upgrade" not in answer.body and b"tabelle" not in answer.body
    (line,) = [line for line in lines if line["event"] == "soap_request"]
    assert "mancano le tabelle" in line["reason"] and "`pontepa db upgrade`" in line["reason"]
