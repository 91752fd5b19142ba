"""The visitors of the sandbox: operators of the console, enti and their applications with their own passwords.

Who entered with an ente's credential sees that ente alone. The node and the data are everybody's: they are for the
operators of the installation and, where the installation has one ente only, for that ente itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hub.domain.errors import EnteNonValido, Misconfigured
from hub.domain.operatore import Operatore
from hub.domain.visitatore import Visitatore
from hub.store import azzeramento, enti, stazioni
from hub.store.database import Database
from hub.store.failures import FailedPasswords
from hub.usecases import operatori
from hub.usecases.authenticate import Callers, Presentazione

# Of a codIpaEnte.
_CODICE_MAX = 35


def enter(
    db: Database, callers: Callers, failures: FailedPasswords, nome: str, password: str, source: str, now: datetime
) -> dict[str, Any] | None:
    """Return what is remembered of who enters, an operator by name or an ente by codIpaEnte; None: wrong.

    Raises: TroppiTentativi (this source guessed too often).
    """
    # One of the two is asked, so that a good password counts as no failure; which codes are of enti is no secret.
    if len(nome) > _CODICE_MAX or callers.anagrafe.find(nome, now) is None:
        operatore = operatori.enter(db, failures, nome, password, source)
        return None if operatore is None else {"sub": f"operatore:{operatore.id}", "segno": operatore.segno}
    try:
        chiamante = callers.authenticate(Presentazione(nome, password, source), None, now)
    except EnteNonValido:
        return None
    return {
        "sub": f"ente:{chiamante.ente.cod_ipa_ente}",
        "applicazione": chiamante.applicazione,
        "segno": chiamante.segno,
    }


def find_visitatore(db: Database, callers: Callers, claims: Mapping[str, Any], now: datetime) -> Visitatore | None:
    """Return who entered before; None when the operator or the credential is no more what it was."""
    kind, _, name = str(claims["sub"]).partition(":")
    segno = str(claims.get("segno", ""))
    if kind == "operatore":
        operatore = operatori.find_operatore(db, int(name), segno) if name.isdigit() else None
        return None if operatore is None else _operatore(db, operatore)
    applicazione = claims.get("applicazione")
    if not callers.is_still(name, applicazione, segno, now):
        return None
    is_alone = _is_alone(db)
    shown = name if applicazione is None else f"{name}, applicazione {applicazione}"
    return Visitatore(shown, None if is_alone else name, is_alone and applicazione is None)


def check_stazioni(db: Database, is_vero: Callable[[str], bool], piattaforma_url: str) -> None:
    """Refuse a sandbox over stations through which money moves. `is_vero`: says so of an address of the node.

    Raises: Misconfigured.
    """
    with db.reading() as session:
        rows = stazioni.all_rows(session)
    for row in rows:
        addresses = [str(one) for one in (row.indirizzi or {}).values()]
        if row.pagamento_online == "checkout":
            addresses.append(piattaforma_url)
        if any(is_vero(address) for address in addresses):
            raise Misconfigured(
                f"PONTEPA_SANDBOX=true con la stazione {row.id} sul nodo di produzione: la sandbox conserva e mostra "
                "ogni richiesta e si svuota da una pagina: non sta accanto a pagamenti veri"
            )


def azzera(db: Database) -> int:
    """Forget all payments of the installation in one transaction; return how many rows went. Counters stay."""
    with db.transaction() as session:
        return azzeramento.empty(session)


def _operatore(db: Database, operatore: Operatore) -> Visitatore:
    if operatore.ente_id is None:
        return Visitatore(operatore.nome, None, True)
    with db.reading() as session:
        ente = enti.by_id(session, operatore.ente_id)
    is_alone = _is_alone(db)
    return Visitatore(operatore.nome, None if is_alone else ente.cod_ipa_ente, is_alone)


def _is_alone(db: Database) -> bool:
    """Whether the installation has one ente: then what belongs to nobody is its own too."""
    with db.reading() as session:
        return enti.count(session) == 1
