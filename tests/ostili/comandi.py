"""The doors that are commands: a file or words that somebody gives to `pontepa` by hand."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import yaml

from benchmarks.processes import START_TIMEOUT_S
from tests.flows.nursery import nursery
from tests.ostili.corpo import Ingresso
from tests.ostili.risposta import Risposta, code_of_trial
from tests.ostili.scena import Scena


def run(scena: Scena, arguments: Sequence[str]) -> Risposta:
    """Run a command of the installation to its end; it has no code but that of a JSON that it prints."""
    log = scena.folder / f"detto-{uuid.uuid4().hex}.txt"
    child = nursery().bear(arguments, env=scena.environment, cwd=scena.folder, log=log)
    stato = child.wait(START_TIMEOUT_S)
    told = log.read_bytes()
    log.unlink()
    return Risposta(stato, _code(told), told, is_http=False)


def _code(told: bytes) -> str:
    """The code of the first refusal in what `flusso check --json` prints; empty for other commands."""
    if not told.startswith(b'{"flusso"'):
        return ""
    try:
        said, _ = json.JSONDecoder().raw_decode(told.decode())
    except ValueError:
        return "NON_JSON"
    return code_of_trial(said)


def flusso(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a file of `pontepa flusso check`; an IUV or IUD in use and the tipi of the ente are looked at."""
    path = _written(scena, ingresso.con.get("nome", "C_PROVA-OSTILE-1_3.csv"), data)
    answer = run(scena, ["flusso", "check", "--json", "--ente", "C_PROVA", str(path)])
    shutil.rmtree(path.parent)
    return answer


def config(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a configuration file."""
    return _of_file(scena, ["config", ingresso.con.get("comando", "plan")], "installazione.yaml", data)


def tassonomia(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are a table of the taxonomy."""
    return _of_file(scena, ["tassonomia", "aggiorna", "--file"], "tavola", data)


def comando(scena: Scena, ingresso: Ingresso, data: bytes) -> Risposta:
    """The bytes are the words of a command, a YAML list."""
    return run(scena, [str(word) for word in yaml.safe_load(data)])


def _of_file(scena: Scena, words: Sequence[str], name: str, data: bytes) -> Risposta:
    path = _written(scena, name, data)
    answer = run(scena, [*words, str(path)])
    shutil.rmtree(path.parent)
    return answer


def _written(scena: Scena, name: str, data: bytes) -> Path:
    folder = scena.folder / uuid.uuid4().hex
    folder.mkdir()
    path = folder / name
    path.write_bytes(data)
    return path
