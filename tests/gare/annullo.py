"""Cancel against verify against pay: the ente, the node and two payers want the same notice in the same instant.

Whoever is refused is refused with a code of his contract; what is left is a legal end, to the cent: a payment that
happened counts, whatever the ente wanted; what was cancelled and not paid cannot be paid any more.
Source: pa-per-ente, paaSILImportaDovuto (2.5); node, order of checks (3.0.4), locking (3.0.5).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from hub.formats.importi import text_from_cent
from hub.store import schema
from tests.factories import make_rt
from tests.flows.plant import Plant
from tests.gare import chiamate
from tests.gare.campo import Campo, Chiamata, Esito, at_once, send_at_once
from tests.ricevute import make_ricevuta, make_token, make_transfer

_FIRST_CENT = 20_001
_REFUSALS = {
    "annulla": {"PAA_SYSTEM_ERROR"},
    "paVerifyPaymentNotice": {"PAA_PAGAMENTO_ANNULLATO", "PAA_PAGAMENTO_DUPLICATO", "PAA_PAGAMENTO_IN_CORSO"},
    "paGetPaymentV2": {"PAA_PAGAMENTO_ANNULLATO", "PAA_PAGAMENTO_DUPLICATO", "PAA_PAGAMENTO_IN_CORSO"},
    "paga allo sportello": set[str](),
}
# The reason that the ente reads when what it wants to cancel is being paid, or is paid.
_NOT_PAYABLE = "si modifica o annulla solo ciò che è ancora da pagare"


@dataclass
class Giro:
    """One round: who raced for one notice, and what each was answered."""

    iuv: str
    importo_cent: int
    id_session: str | None
    told: dict[str, str]

    @property
    def is_paid_at_counter(self) -> bool:
        return "paga allo sportello" in self.told


def race(campo: Campo, plant: Plant, *, rounds: int) -> Esito:
    """Play so many rounds: the counter pays in two of three, a payer begins online in every second one."""
    esito = Esito("annullo contro verifica contro pagamento", rounds)
    giri = [_round(campo, plant, number, esito) for number in range(rounds)]
    started = time.monotonic()
    campo.world.relay()
    _receipts_of_attempts(campo, plant, giri)
    _apply_all(campo)
    esito.recovery_s = time.monotonic() - started
    for giro in giri:
        _check(campo, giro, esito)
    return esito


def _round(campo: Campo, plant: Plant, number: int, esito: Esito) -> Giro:
    importo_cent = _FIRST_CENT + number
    (iuv,) = campo.lay(1, importo_cent)
    importo = text_from_cent(importo_cent)
    calls: dict[str, Chiamata] = {
        "annulla": chiamate.annullo(f"IUD-{iuv}", iuv, importo),
        "paVerifyPaymentNotice": chiamate.domanda("paVerifyPaymentNotice", iuv),
        "paGetPaymentV2": chiamate.domanda("paGetPaymentV2", iuv),
    }
    if number % 3:
        transfer = make_transfer(importo=importo)
        raw = make_ricevuta(receipt_id=make_token(), iuv=iuv, importo=importo, transfers=(transfer,))
        calls["paga allo sportello"] = chiamate.ricevuta(raw)
    id_session = campo.world.verifica(iuv) if number % 2 else None
    if id_session is not None:
        calls["paga in rete"] = chiamate.apre(id_session)
    # Who comes first changes from round to round.
    names = [*calls][number % len(calls) :] + [*calls][: number % len(calls)]
    answers = dict(zip(names, send_at_once(plant, [calls[name] for name in names]), strict=True))
    # Receipts are applied while the next rounds are raced for.
    at_once([campo.world.apply, campo.world.apply])
    told = {name: chiamate.code_of(*answer) for name, answer in answers.items() if name != "paga in rete"}
    _check_answers(answers, told, importo, iuv, esito)
    return Giro(iuv, importo_cent, id_session, told)


def _check_answers(
    answers: dict[str, tuple[int, bytes]], told: dict[str, str], importo: str, iuv: str, esito: Esito
) -> None:
    for name, code in told.items():
        body = answers[name][1]
        if code == "OK" and name.startswith("pa") and " " not in name and chiamate.importo_of(body) != importo:
            esito.lost.append(f"{iuv}, {name}: importo {chiamate.importo_of(body)}, atteso {importo}")
        is_refusal = code in _REFUSALS[name] and (name != "annulla" or _NOT_PAYABLE in body.decode())
        if code != "OK" and not is_refusal:
            esito.lost.append(f"{iuv}, {name}: {code}")
    if "paga in rete" in answers and answers["paga in rete"][0] not in (200, 303, 409):
        esito.lost.append(f"{iuv}, paga in rete: HTTP {answers['paga in rete'][0]}")


def _receipts_of_attempts(campo: Campo, plant: Plant, giri: list[Giro]) -> None:
    """Whoever has begun online pays at the node as well: his receipts come last."""
    for giro in giri:
        for row in campo.rows(schema.tentativi, "iuv", [giro.iuv]):
            answers = send_at_once(plant, [chiamate.rt(row.dominio, row.iuv, row.ccp, make_rt(bytes(row.rpt)))])
            giro.told["ricevuta del pagamento in rete"] = chiamate.code_of(*answers[0])


def _apply_all(campo: Campo) -> None:
    while any(at_once([campo.world.apply, campo.world.apply])):
        pass


def _check(campo: Campo, giro: Giro, esito: Esito) -> None:
    """What is left of one notice is an end that the contract knows, and fits what everybody was told."""
    iuv, cent = giro.iuv, giro.importo_cent
    is_paid_online = "ricevuta del pagamento in rete" in giro.told
    payments = giro.is_paid_at_counter + is_paid_online
    rows = campo.rows(schema.dovuti, "iuv", [iuv])
    done = [row for row in rows if row.stato == "COMPLETATO" and row.codice_esito == 0]
    receipts = campo.rows(schema.rt_ricevute, "iuv", [iuv])
    if is_paid_online and giro.told["ricevuta del pagamento in rete"] != "OK":
        esito.lost.append(f"{iuv}: ricevuta in rete {giro.told['ricevuta del pagamento in rete']}")
    esito.count(f"{iuv}: ricevute", len(receipts), payments)
    esito.count(f"{iuv}: dovuti pagati", len(done), min(payments, 1))
    surplus = sum(row.stato == "ECCEDENZA" for row in receipts)
    esito.count(f"{iuv}: eccedenze", surplus, max(payments - 1, 0))
    if any(row.importo_pagato_cent != cent for row in done) or any(row.importo_cent != cent for row in rows):
        esito.lost.append(f"{iuv}: centesimi diversi da {cent}")
    is_cancelled = giro.told["annulla"] == "OK"
    if is_cancelled and not any(row.stato == "ANNULLATO" for row in rows):
        esito.lost.append(f"{iuv}: annullo confermato e non tenuto")
    left = [row.stato for row in rows if row.attuale]
    if not payments and left != ([] if is_cancelled else ["INSERIMENTO_DOVUTO"]):
        esito.lost.append(f"{iuv}: non pagato, annullo {giro.told['annulla']}, resta {left}")
