"""A signed message is taken once, whichever process it comes to."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hub.soap import ente
from hub.store import schema
from tests.certificates import make_identity, pin
from tests.soap.signing import SIGNER, post, signed, to_bytes
from tests.soap.zeep_client import open_door


def test_a_message_is_taken_once(world):
    pin(world, SIGNER)
    envelope = signed(world.clock())
    assert post(world, envelope)[1]["outcome"] == "ok"
    sessions = len(world.rows(schema.sessioni))

    answer, line = post(world, envelope)

    assert (answer.status, line["outcome"], line["reason"]) == (
        200, "PAA_ENTE_NON_VALIDO", "firma: messaggio già ricevuto",
    )  # fmt: skip
    assert len(world.rows(schema.sessioni)) == sessions


def test_an_id_signed_again_is_refused_and_that_of_another_signer_is_not(small_world):
    other = make_identity("Altra firma dell'ente")
    pin(small_world, SIGNER)
    pin(small_world, other)
    outcomes = [
        post(small_world, signed(small_world.clock(), message_id="urn:uno", identity=identity))[1]["outcome"]
        for identity in (SIGNER, SIGNER, other)
    ]

    assert outcomes == ["ok", "PAA_ENTE_NON_VALIDO", "ok"]


def test_of_eight_calls_at_once_with_one_message_one_is_answered(world):
    pin(world, SIGNER)
    body = to_bytes(signed(world.clock()))
    door = open_door(world)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: door.post(ente.PATH, body, {}), range(8)))

    assert sum(b"<esito>OK</esito>" in answer.body for answer in answers) == 1
    assert len(world.rows(schema.sessioni)) == 1


_SECOND_PROCESS = """
import sys
from hub.app import build_runtime, build_wsgi_app
from hub.config_reading import load_config
from tests.soap.zeep_client import Door
door = Door(build_wsgi_app(build_runtime(load_config(None, {
    "PONTEPA_AMBIENTE": "sviluppo", "PONTEPA_DATABASE_URL": sys.argv[1], "PONTEPA_PUBLIC_URL": "https://hub.example.org",
}))))
sys.stdout.buffer.write(door.post(sys.argv[2], sys.stdin.buffer.read(), {}).body)
"""


def test_a_message_is_taken_once_by_all_processes(world, database_url):
    pin(world, SIGNER)
    envelope = signed(world.clock())
    assert post(world, envelope)[1]["outcome"] == "ok"
    fresh = signed(world.clock())

    def elsewhere(message: Any) -> bytes:
        command = [sys.executable, "-c", _SECOND_PROCESS, database_url, ente.PATH]
        return subprocess.run(command, input=to_bytes(message), capture_output=True, check=True, timeout=60).stdout

    assert b"PAA_ENTE_NON_VALIDO" in elsewhere(envelope)
    assert b"<esito>OK</esito>" in elsewhere(fresh)
    assert post(world, fresh)[1]["reason"] == "firma: messaggio già ricevuto"
