"""The misbehaviour of the node, as a script of rules: which operation goes wrong, how, how often.

A rule is written as JSON (`POST /faults`) or as text on the command line:
`nodoInviaCarrelloRPT:lost_after,probability=0.3` or `nodoInviaRPT:fault=PPT_CANALE_TIMEOUT,times=1`.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

INVIA_CARRELLO = "nodoInviaCarrelloRPT"
INVIA_RPT = "nodoInviaRPT"
CHIEDI_STATO = "nodoChiediStatoRPT"
CHIEDI_PENDENTI = "nodoChiediListaPendentiRPT"
CHIEDI_COPIA = "nodoChiediCopiaRT"
INVIA_RT = "paaInviaRT"
VERIFY = "paVerifyPaymentNotice"
GET = "paGetPayment"
GET_V2 = "paGetPaymentV2"
SEND_RT = "paSendRT"
SEND_RT_V2 = "paSendRTV2"
VERIFICA = "paaVerificaRPT"
ATTIVA = "paaAttivaRPT"
CHIEDI_ELENCO_FLUSSI = "nodoChiediElencoFlussiRendicontazione"
CHIEDI_FLUSSO = "nodoChiediFlussoRendicontazione"
# Settlement flows over REST: a page of the list, the header of one, a page of its payments.
FDR_ELENCO, FDR_FLUSSO, FDR_PAGAMENTI = "fdr.elenco", "fdr.flusso", "fdr.pagamenti"
# Whoever pays at the PSP counter: what goes wrong there is no message.
SPORTELLO = "sportello"
# The REST services of the platform.
CARTS = "carts"
RECEIPTS = "receipts"
POSITIONS = "positions"
TUTTE = "*"

# Longest wait that a rule may ask for: past it every client has given up, and a thread would be held for nothing.
SECONDS_MAX = 600.0
# A script longer than this is a mistake of the caller.
RULES_MAX = 1000


class Kind(StrEnum):
    LATE = "late"
    LOST_BEFORE = "lost_before"
    LOST_AFTER = "lost_after"
    TWICE = "twice"
    GARBAGE = "garbage"
    CLOSE = "close"
    HTTP_500 = "http_500"
    HTTP_429 = "http_429"
    FAULT = "fault"
    SOAP_FAULT = "soap_fault"
    REFUSE_CONNECTION = "refuse_connection"
    GONE = "gone"
    RT_DUPLICATE = "rt_duplicate"
    RT_DELAY = "rt_delay"
    RT_EXTRA = "rt_extra"
    RT_LOST = "rt_lost"
    RT_CODES = "rt_codes"
    RT_REORDER = "rt_reorder"
    OTHER_AMOUNT = "other_amount"
    ABANDON = "abandon"
    TWO_PSPS = "two_psps"
    STAND_IN = "stand_in"
    UNKNOWN_NOTICE = "unknown_notice"


# What can befall an answer of the node (`gone`: the primitive is no more, the gateway says 404), and what a receipt on
# its way to the hub (`rt_lost`: it never arrives; who wants it asks for a copy).
# For paaInviaRT: `late` and `twice` are other names of rt_delay and rt_duplicate; `lost_after` sends and does not
# read the answer; `garbage` and `close` spoil the first sending; `refuse_connection` does not reach the hub.
OF_ANSWERS = frozenset(
    {Kind.LATE, Kind.LOST_BEFORE, Kind.LOST_AFTER, Kind.TWICE, Kind.GARBAGE, Kind.CLOSE, Kind.HTTP_500, Kind.HTTP_429}
    | {Kind.FAULT, Kind.SOAP_FAULT, Kind.REFUSE_CONNECTION, Kind.GONE}
)
OF_RECEIPTS = frozenset(
    {Kind.LATE, Kind.LOST_AFTER, Kind.TWICE, Kind.GARBAGE, Kind.CLOSE, Kind.REFUSE_CONNECTION}
    | {Kind.RT_DUPLICATE, Kind.RT_DELAY, Kind.RT_EXTRA}
)
# Of paSendRT and paSendRTV2 also: codes that nobody knows; held back until another receipt has overtaken it, or for so
# many seconds.
OF_RECEIPTS_PFN = OF_RECEIPTS | {Kind.RT_CODES, Kind.RT_REORDER}
# What befalls a question of the node: it comes late, comes twice, comes spoilt; its answer is not waited for.
OF_QUESTIONS = frozenset({Kind.LATE, Kind.TWICE, Kind.GARBAGE, Kind.LOST_AFTER, Kind.REFUSE_CONNECTION})
# What people and PSPs do: pay another amount than was told, go away after the get, pay at two PSPs; the platform
# answers in the hub's place; a receipt comes of a notice that nobody issued.
OF_PAYMENTS = frozenset({Kind.OTHER_AMOUNT, Kind.ABANDON, Kind.TWO_PSPS, Kind.STAND_IN, Kind.UNKNOWN_NOTICE})
# Operations that the hub calls, and those that the node calls: each with what can befall it.
_OF_NODE = dict.fromkeys(
    (TUTTE, INVIA_CARRELLO, INVIA_RPT, CHIEDI_STATO, CHIEDI_PENDENTI, CHIEDI_COPIA), OF_ANSWERS
)
_OF_HUB = (
    {INVIA_RT: OF_RECEIPTS | {Kind.RT_LOST}, SPORTELLO: OF_PAYMENTS}
    | dict.fromkeys((SEND_RT, SEND_RT_V2), OF_RECEIPTS_PFN)
    | dict.fromkeys((VERIFY, GET, GET_V2, VERIFICA, ATTIVA), OF_QUESTIONS)
)
_OF_FDR = dict.fromkeys((CHIEDI_ELENCO_FLUSSI, CHIEDI_FLUSSO, FDR_ELENCO, FDR_FLUSSO, FDR_PAGAMENTI), OF_ANSWERS)
# The REST services: no SOAP there, and a fault is a status.
OF_REST = OF_ANSWERS - {Kind.SOAP_FAULT, Kind.REFUSE_CONNECTION}
_OF_PLATFORM = dict.fromkeys((CARTS, RECEIPTS, POSITIONS), OF_REST)
_ALLOWED = _OF_NODE | _OF_HUB | _OF_FDR | _OF_PLATFORM
_CODE = re.compile(r"(PPT|PAA|CANALE)_[A-Z0-9_]{1,60}")
_STATUS = re.compile(r"HTTP_[45][0-9]{2}")


class GuastoNonValido(ValueError):
    """The rule cannot be read; the message says why, in Italian."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One rule. `times` None: always; `probability` 0..1; `seconds` of lateness, delay or refusal.

    `processed`: for fault, soap_fault, http_500, http_429: the request is carried out all the same.
    """

    operation: str
    kind: Kind
    code: str = ""
    seconds: float = 0.0
    times: int | None = None
    probability: float = 1.0
    processed: bool = False

    @property
    def label(self) -> str:
        return f"{self.kind}={self.code}" if self.code else str(self.kind)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"kind": str(self.kind)}


def rule_from_mapping(words: Mapping[str, Any]) -> FaultRule:
    """Read a rule from the JSON form.

    Raises: GuastoNonValido.

    >>> rule_from_mapping({"operation": "nodoInviaRPT", "kind": "fault", "code": "PPT_SEMANTICA", "times": 1}).label
    'fault=PPT_SEMANTICA'
    """
    unknown = set(words) - set(FaultRule.__slots__)
    if unknown:
        raise GuastoNonValido(f"chiavi sconosciute: {', '.join(sorted(unknown))}")
    operation = str(words.get("operation", TUTTE))
    if operation not in _ALLOWED:
        raise GuastoNonValido(f"operazione sconosciuta: {operation}")
    try:
        kind = Kind(str(words.get("kind", "")))
    except ValueError as error:
        raise GuastoNonValido(
            f"guasto sconosciuto: {words.get('kind')}; si può scegliere tra {', '.join(Kind)}"
        ) from error
    if kind not in _ALLOWED[operation]:
        raise GuastoNonValido(f"il guasto {kind} non riguarda {operation}")
    code = str(words.get("code") or "")
    shape = _STATUS if operation in _OF_PLATFORM else _CODE
    if kind is Kind.FAULT and not shape.fullmatch(code):
        raise GuastoNonValido(f"codice del guasto non valido: {code or 'assente'}")
    return FaultRule(
        operation,
        kind,
        code,
        _number(words, "seconds", 0.0, SECONDS_MAX),
        None if words.get("times") is None else int(_number(words, "times", 1, 1_000_000)),
        _number(words, "probability", 1.0, 1.0),
        bool(words.get("processed", False)),
    )


def rule_from_text(text: str) -> FaultRule:
    """Read a rule from the command-line form `operation:kind[=code][,name=value...]`.

    Raises: GuastoNonValido.

    >>> rule_from_text("nodoInviaCarrelloRPT:lost_after,probability=0.3").probability
    0.3
    """
    operation, found, rest = text.partition(":")
    if not found:
        raise GuastoNonValido(f"guasto non valido: {text}; la forma è operazione:guasto[=codice][,nome=valore...]")
    first, *others = rest.split(",")
    kind, _, code = first.partition("=")
    words: dict[str, Any] = {"operation": operation, "kind": kind}
    if code:
        words["code" if code.startswith(("PPT_", "PAA_", "CANALE_", "HTTP_")) else "seconds"] = code
    for other in others:
        name, _, value = other.partition("=")
        words[name.strip()] = value.strip().lower() == "true" if name.strip() == "processed" else value.strip()
    return rule_from_mapping(words)


def _number(words: Mapping[str, Any], name: str, default: float, highest: float) -> float:
    value = words.get(name)
    if value is None:
        return default
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise GuastoNonValido(f"{name} non è un numero: {value}") from error
    if not 0 <= number <= highest:
        raise GuastoNonValido(f"{name} dev'essere tra 0 e {highest:g}: {value}")
    return number


class FaultScript:
    """The rules in force. Safe for threads.

    Every rule draws from its own generator, made of the seed and of the rule's number: the pattern of hits of a rule
    is the same at every run with the same seed, whatever the other rules do.
    """

    def __init__(self, seed: int | None = None, rules: Iterable[FaultRule] = ()) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._rules: list[tuple[FaultRule, random.Random]] = []
        self._left: list[int | None] = []
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> None:
        """Put a rule after the others.

        Raises: GuastoNonValido (too many rules).
        """
        with self._lock:
            if len(self._rules) >= RULES_MAX:
                raise GuastoNonValido(f"più di {RULES_MAX} guasti")
            seed = None if self._seed is None else f"{self._seed}/{len(self._rules)}"
            self._rules.append((rule, random.Random(seed)))
            self._left.append(rule.times)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
            self._left.clear()

    def next(self, operation: str) -> FaultRule | None:
        """Return the first rule that strikes this message, and count it as used; None when all goes well."""
        with self._lock:
            for position, (rule, dice) in enumerate(self._rules):
                # `*` means every operation of the node; what the node itself calls goes wrong only when it is named.
                if rule.operation != operation and not (rule.operation == TUTTE and operation not in _OF_HUB):
                    continue
                left = self._left[position]
                if left == 0 or (rule.probability < 1 and dice.random() >= rule.probability):
                    continue
                if left is not None:
                    self._left[position] = left - 1
                return rule
        return None

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                rule.as_json() | {"times_left": left} for (rule, _), left in zip(self._rules, self._left, strict=True)
            ]
