"""Take over the configuration of another hub: enti, tipi, operators, and the counters past the last number issued.

All of it in one transaction, or nothing. A second time it changes what differs and moves no counter back.
Source: flows, 8 and 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.domain.configurazione import Configurazione, ConfigurazioneNonValida, Differenza
from hub.domain.errors import InvalidRequest
from hub.formats.configurazione_mypay import TabelleMypay, unknown_counters
from hub.formats.segreti import Cassaforte
from hub.store import enti, iuv, operatori, stazioni
from hub.store.database import Database, Session
from hub.usecases import apply_config
from hub.usecases.change_credenziale import draw_password
from hub.usecases.operatori import check_nome, hash_of
from hub.usecases.sync_credenziali import Passwords


@dataclass(frozen=True, slots=True)
class Importato:
    """`prossimi`: the number that each ente issues next; `password`: of each operator added, to be told once."""

    differenze: list[Differenza]
    prossimi: Mapping[str, int]
    password: Mapping[str, str]


def import_config(
    db: Database,
    tabelle: TabelleMypay,
    stazione: str,
    cassaforte: Cassaforte,
    now: datetime,
    *,
    is_trial: bool,
    margine: int,
    are_counters_known: bool = False,
    on_password: Callable[[], None] = lambda: None,
) -> Importato:
    """Bring the tables in. `is_trial`: only tell what would be done. `margine`: numbers skipped after the last issued.

    `are_counters_known`: no counter is wanted of enti that never issued a number. `on_password` is told each of
    `passwords_of` that is done: they are what takes the time.
    Raises: ConfigurazioneNonValida with every problem; Misconfigured (no number is left).
    """
    desired = Configurazione(enti=tuple(tabelle.enti))
    passwords = Passwords(on_password)
    with db.reading() as session:
        _check(session, tabelle, stazione, are_counters_known)
        differenze = apply_config.compare(session, desired, cassaforte, passwords, now)
        new = [one for one in tabelle.operatori if operatori.find_by_nome(session, one.nome) is None]
    differenze = [one for one in differenze if one.is_change]
    differenze += [Differenza("aggiunge", f"operatore {one.nome} (ente {one.cod_ipa_ente})") for one in new]
    wanted = _wanted(tabelle, margine)
    if is_trial:
        return Importato(differenze, wanted, {})
    clear = {one.nome: draw_password() for one in new}
    hashes = {}
    for one in tabelle.operatori:
        if one.nome in clear:
            hashes[one.nome] = hash_of(clear[one.nome])
        on_password()
    with db.transaction() as session:
        apply_config.write(session, desired, cassaforte, passwords, now)
        prossimi = {
            ente.cod_ipa_ente: iuv.move_past(
                session, ente.codice_fiscale, ente.codice_segregazione, wanted[ente.cod_ipa_ente] - 1
            )
            for ente in tabelle.enti
            if ente.cod_ipa_ente in wanted
        }
        for one in new:
            ente_id = enti.by_cod_ipa(session, one.cod_ipa_ente).id
            operatori.add(session, nome=one.nome, hash=hashes[one.nome], ente_id=ente_id, created_at=now)
    return Importato(differenze, prossimi, clear)


def passwords_of(tabelle: TabelleMypay, *, is_trial: bool) -> int:
    """Return how many passwords an import looks at, a tenth of a second each."""
    return sum(ente.password is not None for ente in tabelle.enti) + (0 if is_trial else len(tabelle.operatori))


def _wanted(tabelle: TabelleMypay, margine: int) -> dict[str, int]:
    """Return the next number by codIpaEnte; enti with one tax code and segregation code have one counter."""
    last: dict[tuple[str, str], int] = {}
    for ente in tabelle.enti:
        key = (ente.codice_fiscale, ente.codice_segregazione)
        if ente.cod_ipa_ente in tabelle.ultimi:
            last[key] = max(tabelle.ultimi[ente.cod_ipa_ente], last.get(key, 0))
    return {
        ente.cod_ipa_ente: last[ente.codice_fiscale, ente.codice_segregazione] + margine + 1
        for ente in tabelle.enti
        if (ente.codice_fiscale, ente.codice_segregazione) in last
    }


def _check(session: Session, tabelle: TabelleMypay, stazione: str, are_counters_known: bool) -> None:
    """Raises: ConfigurazioneNonValida."""
    problems = []
    if stazioni.find(session, stazione) is None:
        problems.append(("", f"la stazione {stazione} non è configurata: prima pontepa config apply con le stazioni"))
    for one in tabelle.operatori:
        try:
            check_nome(one.nome)
        except InvalidRequest as error:
            problems.append((f"operatore {one.nome}", str(error)))
    if not are_counters_known:
        problems += [
            (
                f"ente {code} ({nome})",
                "nessun contatore: senza l'ultimo progressivo emesso (contatori.csv o iuv.csv) si emetterebbero "
                "di nuovo IUV già dati; se l'ente non ne ha mai emessi, --senza-contatori",
            )
            for code, nome in unknown_counters(tabelle).items()
        ]
    if problems:
        raise ConfigurazioneNonValida(problems)
