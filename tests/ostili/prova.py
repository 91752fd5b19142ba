"""One family of hostile inputs, sent one after the other to a running installation, and what must hold afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import NOT_IN_CATALOGUE, below
from tests.flows.plant import HTTP, until
from tests.ostili import comandi, porte, righe
from tests.ostili.corpo import Famiglia, Ingresso
from tests.ostili.risposta import Risposta
from tests.ostili.scena import PERSONALI, SEGRETI, Scena
from tests.soap.hostile import SEGNO

Row = tuple[str, int, int, int, int, int]
_DETTO_MAX = 300
# An answer to a hostile input says what is wrong, or is a page of ours.
_ANSWER_MAX = 256 * 1024


@dataclass
class Esito:
    """What became of a family: `rossi` says what is wrong, of an input or of the whole."""

    famiglia: Famiglia
    rifiutati: int = 0
    tollerati: int = 0
    cresciuta_mib: int = 0
    rossi: list[str] = field(default_factory=list)

    @property
    def row(self) -> Row:
        inputs = len(self.famiglia.ingressi)
        return (self.famiglia.titolo, inputs, self.rifiutati, self.tollerati, len(self.rossi), self.cresciuta_mib)


def run(scena: Scena, famiglia: Famiglia) -> Esito:
    """Send every input of a family and look at what is left."""
    esito = Esito(famiglia)
    logs = {path: path.stat().st_size for path in scena.folder.glob("*.log")}
    paid = scena.paid()
    memoria = Memoria(scena.by_name["serve"].pid)
    tried = _rows(scena, famiglia) if famiglia.is_of_rows else ((one, _try(scena, one)) for one in famiglia.ingressi)
    for ingresso, problems in tried:
        esito.rossi += [f"{ingresso.file.name}: {problem}" for problem in problems]
        esito.tollerati += bool(ingresso.tollerato and not problems)
        esito.rifiutati += not ingresso.tollerato and not problems
    esito.cresciuta_mib = memoria.grown_mib()
    if esito.cresciuta_mib > famiglia.limite_mib:
        esito.rossi.append(f"memoria: {esito.cresciuta_mib} MiB in più, al massimo {famiglia.limite_mib}")
    if famiglia.has_ricevute:
        until(lambda: scena.waiting_receipts() == 0 or None, 60)
    esito.rossi += _left(scena, logs, paid)
    return esito


def _rows(scena: Scena, famiglia: Famiglia) -> Iterator[tuple[Ingresso, list[str]]]:
    """Load all rows of a family at once; give what is wrong with what came of each."""
    before = scena.counts()["dovuti"]
    answers = righe.send(scena, famiglia)
    grown = scena.counts()["dovuti"] - before
    wanted = sum(ingresso.dovuti for ingresso in famiglia.ingressi)
    for ingresso, risposta in answers.items():
        yield ingresso, judge(ingresso, risposta)
    if grown != wanted:
        yield famiglia.ingressi[-1], [f"dovuti scritti dal flusso: {grown}, attesi {wanted}"]


def _try(scena: Scena, ingresso: Ingresso) -> list[str]:
    """Send one input; return what is wrong with what came of it."""
    scena.begin()
    # What it needs is made before the rows are counted.
    scena.fill(ingresso.data)
    if ingresso.porta == "rt":
        scena.word("CCP")
    before = scena.counts()
    risposta = porte.send(scena, ingresso)
    after = scena.counts()
    problems = judge(ingresso, risposta)
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    if grown != ingresso.scritte and not ingresso.tollerato:
        problems.append(f"righe scritte per un rifiuto: {grown}, attese {ingresso.scritte}")
    if ingresso.tollerato and after["dovuti"] - before["dovuti"] != ingresso.dovuti:
        problems.append(f"dovuti scritti: {after['dovuti'] - before['dovuti']}, attesi {ingresso.dovuti}")
    if scena.has_been_called():
        problems.append("un indirizzo scritto nel documento è stato seguito")
    return problems


def judge(ingresso: Ingresso, risposta: Risposta) -> list[str]:
    problems = []
    detto = risposta.testo[-_DETTO_MAX:].decode(errors="replace")
    if risposta.is_crash:
        problems.append(f"guasto nostro: {risposta} {detto}")
    if (risposta.stato, risposta.codice) != (ingresso.stato, ingresso.codice):
        wanted = f"{ingresso.stato} {ingresso.codice!r}"
        problems.append(f"risposto {risposta.stato} {risposta.codice!r}, atteso {wanted}: {detto}")
    if ingresso.testo.encode() not in risposta.testo:
        problems.append(f"manca {ingresso.testo!r}: {detto}")
    if risposta.is_accolto != bool(ingresso.tollerato):
        is_taken = risposta.is_accolto
        problems.append("accolto, ed era da rifiutare" if is_taken else "rifiutato, e il contratto lo tollera")
    if len(risposta.testo) > _ANSWER_MAX:
        problems.append(f"risposta di {len(risposta.testo)} byte")
    for secret in (*SEGRETI, SEGNO, "root:x:0:0"):
        if secret.encode() in risposta.testo:
            problems.append(f"la risposta dice {secret!r}")
    return problems


def _left(scena: Scena, logs: dict[Path, int], paid: int) -> list[str]:
    """What is wrong with the installation after a family: processes, health, rows, logs."""
    problems = [f"{name} è morto" for name, process in scena.by_name.items() if process.poll() is not None]
    if not problems and HTTP.request("GET", f"{scena.hub_url}/health/live").status != 200:
        problems.append("il server non risponde")
    if scena.paid() != paid:
        problems.append(f"dovuti pagati: {scena.paid()}, prima {paid}")
    verified = comandi.run(scena, ["verify", "--file"])
    if verified.stato != 0:
        problems.append(f"pontepa verify: {verified.testo[-_DETTO_MAX:].decode(errors='replace')}")
    for path in scena.folder.glob("*.log"):
        with path.open("rb") as log:
            log.seek(logs.get(path, 0))
            problems += [f"{path.name}: {problem}" for problem in _problems_of_log(scena, log.read())]
    return problems


def _problems_of_log(scena: Scena, text: bytes) -> list[str]:
    secrets = (*SEGRETI, *PERSONALI, SEGNO, *scena.used)
    problems = [f"dice {secret[:40]!r}" for secret in secrets if secret.encode() in text]
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            problems.append(f"riga che non è JSON: {line[:_DETTO_MAX]!r}")
            continue
        if said.get("event") in ("soap_unexpected_error", "http_request_crashed", "port_request_crashed"):
            problems.append(f"guasto nostro: {line[:_DETTO_MAX].decode(errors='replace')}")
        if NOT_IN_CATALOGUE in line:
            problems.append(f"codice che docs/guasti.md non ha: {line[:_DETTO_MAX].decode(errors='replace')}")
    return problems


class Memoria:
    """The memory of a process and of all below it (Linux): what it has now, and the most that it had since."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before_kb: dict[int, int] = {}
        for one in below([pid]):
            # From here on the peak is a new one. Source: Linux, proc(5), clear_refs.
            Path(f"/proc/{one}/clear_refs").write_text("5")
            self._before_kb[one] = _kb(one, "VmRSS")

    def grown_mib(self) -> int:
        grown_kb = (_kb(one, "VmHWM") - self._before_kb[one] for one in below([self._pid]) if one in self._before_kb)
        return max(0, sum(grown_kb) // 1024)


def _kb(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
