"""The SFTP client over real sockets: what of a visit ends how, and that a file is there whole or not at all."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from adapters.sftp.client import Limiti, SftpClient
from adapters.sftp.fake import Guasto, SftpFinto
from hub.domain.delivery import Delivery, Outcome
from hub.domain.export_giornaliero import Recapito

LIMITI = Limiti(total_s=20.0, connect_s=5.0, answer_s=5.0)
NOME = "C_PROVA-7_ESTRAZIONE_DOVUTI.zip"
DATA = bytes(range(256)) * 1000


@pytest.fixture
def finto() -> Iterator[SftpFinto]:
    with SftpFinto() as finto:
        yield finto


def to(finto: SftpFinto, **values: Any) -> Recapito:
    recapito = Recapito("127.0.0.1", finto.utente, finto.chiave_host, finto.port, "in/pagati", finto.password)
    return replace(recapito, **values)


def leave(recapito: Recapito, tentativo: int = 1, limiti: Limiti = LIMITI, data: bytes = DATA) -> Delivery:
    return SftpClient(is_open=True, limiti=limiti).leave(recapito, NOME, io.BytesIO(data), len(data), tentativo)


def ask(recapito: Recapito, limiti: Limiti = LIMITI) -> Delivery:
    return SftpClient(is_open=True, limiti=limiti).ask(recapito, NOME, len(DATA))


def test_a_file_is_written_beside_its_place_and_renamed(finto: SftpFinto) -> None:
    assert leave(to(finto)) == Delivery(Outcome.DELIVERED)

    assert finto.files == {f"in/pagati/{NOME}": DATA}
    assert finto.commands == [f"rename in/pagati/.{NOME}.1.parte in/pagati/{NOME}"]


def test_an_empty_file_in_the_users_own_folder_is_left_too(finto: SftpFinto) -> None:
    assert leave(to(finto, cartella=""), data=b"").outcome == Outcome.DELIVERED

    assert finto.files == {NOME: b""}


def test_what_is_there_already_is_not_sent_again(finto: SftpFinto) -> None:
    finto.files[f"in/pagati/{NOME}"] = DATA

    assert leave(to(finto), 2) == Delivery(Outcome.DELIVERED)

    assert finto.commands == []


def test_another_file_of_the_name_is_left_alone(finto: SftpFinto) -> None:
    finto.files[f"in/pagati/{NOME}"] = b"altro"

    found = leave(to(finto))

    assert (found.outcome, found.code) == (Outcome.REFUSED, "FILE_DIVERSO")
    assert finto.files == {f"in/pagati/{NOME}": b"altro"}
    assert (ask(to(finto)).outcome, ask(to(finto)).code) == (Outcome.REFUSED, "FILE_DIVERSO")


def test_a_folder_that_is_not_there_is_told(finto: SftpFinto) -> None:
    found = leave(to(finto, cartella="altrove"))

    assert (found.outcome, found.code) == (Outcome.TRY_AGAIN, "CARTELLA_ASSENTE")
    assert "altrove" in found.detail
    assert (ask(to(finto, cartella="altrove")).code, ask(to(finto)).code) == ("CARTELLA_ASSENTE", "ASSENTE")


def test_a_key_other_than_the_pinned_one_is_shown_nothing(finto: SftpFinto) -> None:
    other = paramiko.ECDSAKey.generate()

    found = leave(to(finto, chiave_host=f"{other.get_name()} {other.get_base64()}"))

    assert (found.outcome, found.code) == (Outcome.REFUSED, "CHIAVE_HOST_DIVERSA")
    assert finto.files == {}


def test_a_server_without_a_key_of_the_pinned_kind_is_not_entered(finto: SftpFinto) -> None:
    rsa = paramiko.RSAKey.generate(2048)

    found = leave(to(finto, chiave_host=f"ssh-rsa {rsa.get_base64()}"))

    assert found.outcome == Outcome.TRY_AGAIN and finto.files == {}


def written(key: Any, form: PrivateFormat) -> str:
    return str(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode())


def public_of(key: Any) -> Any:
    kind, text = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()
    return paramiko.PKey.from_type_string(kind.decode(), base64.b64decode(text))


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (Ed25519PrivateKey.generate, PrivateFormat.OpenSSH),
        (Ed25519PrivateKey.generate, PrivateFormat.PKCS8),
        (lambda: generate_ec(SECP256R1()), PrivateFormat.PKCS8),
        (lambda: generate_ec(SECP256R1()), PrivateFormat.TraditionalOpenSSL),
        (lambda: generate_rsa(65537, 2048), PrivateFormat.OpenSSH),
        (lambda: generate_rsa(65537, 2048), PrivateFormat.TraditionalOpenSSL),
    ],
)
def test_a_private_key_opens_as_well_as_a_password(make: Callable[[], Any], form: PrivateFormat) -> None:
    key = make()
    with SftpFinto(password=None, chiave_utente=public_of(key), chiave=paramiko.RSAKey.generate(2048)) as finto:
        assert leave(to(finto, chiave_privata=written(key, form))).outcome == Outcome.DELIVERED
        other = leave(to(finto, chiave_privata=written(make(), form)))
        assert other.code == "AuthenticationException"
        assert leave(to(finto, chiave_privata="-----BEGIN X-----")).code == "CHIAVE_ILLEGGIBILE"


def test_wrong_credentials_may_be_mended_and_are_tried_again(finto: SftpFinto) -> None:
    found = leave(to(finto, password="Sbagliata"))

    assert (found.outcome, found.code) == (Outcome.TRY_AGAIN, "AuthenticationException")
    assert "Sbagliata" not in str(found)
    assert ask(to(finto, password="Sbagliata")).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize("guasto", [Guasto.RIFIUTA_SCRITTURA, Guasto.DISCO_PIENO, Guasto.RIFIUTA_RINOMINA])
def test_what_surely_failed_leaves_nothing_and_is_tried_again(finto: SftpFinto, guasto: Guasto) -> None:
    finto.guasto = guasto

    assert leave(to(finto)).outcome == Outcome.TRY_AGAIN

    assert finto.files == {}
    finto.guasto = None
    assert leave(to(finto), 2).outcome == Outcome.DELIVERED


def test_a_line_that_breaks_while_writing_is_tried_again_and_its_rest_is_cleared_away(finto: SftpFinto) -> None:
    finto.guasto = Guasto.CADE_SCRIVENDO

    assert leave(to(finto)).outcome == Outcome.TRY_AGAIN

    assert f"in/pagati/{NOME}" not in finto.files
    assert ask(to(finto)).outcome == Outcome.TRY_AGAIN
    finto.guasto = None
    assert leave(to(finto), 2).outcome == Outcome.DELIVERED
    assert finto.files == {f"in/pagati/{NOME}": DATA}


@pytest.mark.parametrize(
    ("guasto", "then"),
    [(Guasto.CADE_DOPO_RINOMINATO, Outcome.DELIVERED), (Guasto.CADE_PRIMA_DI_RINOMINARE, Outcome.TRY_AGAIN)],
)
def test_a_renaming_without_an_answer_is_unknown_until_it_is_asked(
    finto: SftpFinto, guasto: Guasto, then: Outcome
) -> None:
    finto.guasto = guasto
    assert leave(to(finto)).outcome == Outcome.UNKNOWN
    finto.guasto = None

    assert ask(to(finto)).outcome == then

    assert leave(to(finto), 2).outcome == Outcome.DELIVERED
    assert finto.files == {f"in/pagati/{NOME}": DATA}
    assert len(finto.commands) == (1 if then == Outcome.DELIVERED else 2)


def test_a_server_that_says_nothing_or_drips_is_not_waited_for(finto: SftpFinto) -> None:
    finto.guasto = Guasto.MUTO
    short = Limiti(total_s=1.5, connect_s=0.5, answer_s=0.5)
    assert (leave(to(finto), limiti=short).outcome, ask(to(finto), short).outcome) == (
        Outcome.TRY_AGAIN, Outcome.UNKNOWN,
    )  # fmt: skip
    finto.guasto = Guasto.LENTO

    found = leave(to(finto), limiti=Limiti(total_s=1.5, connect_s=1.0, answer_s=1.0), data=DATA * 4)

    assert (found.outcome, found.code) == (Outcome.TRY_AGAIN, "TEMPO_SCADUTO")


@pytest.mark.parametrize("guasto", [Guasto.ALTRO, Guasto.IMMONDIZIA])
def test_nonsense_in_place_of_a_server_is_tried_again(finto: SftpFinto, guasto: Guasto) -> None:
    finto.guasto = guasto

    assert (leave(to(finto)).outcome, ask(to(finto)).outcome) == (Outcome.TRY_AGAIN, Outcome.UNKNOWN)


def test_nobody_there_and_a_name_that_means_nothing_are_tried_again(finto: SftpFinto) -> None:
    with SftpFinto() as gone:
        pass

    assert leave(to(finto, porta=gone.port)).code == "ConnectionRefusedError"
    assert ask(to(finto, porta=gone.port)).outcome == Outcome.UNKNOWN
    assert leave(to(finto, host="nessuno.invalid")).code == "NOME_NON_RISOLTO"


def test_outside_the_workbench_a_private_address_is_not_called(finto: SftpFinto) -> None:
    found = SftpClient(is_open=False, limiti=LIMITI).leave(to(finto), NOME, io.BytesIO(DATA), len(DATA), 1)

    assert (found.outcome, found.code) == (Outcome.REFUSED, "INDIRIZZO_NON_AMMESSO")
    assert finto.visits == 0
