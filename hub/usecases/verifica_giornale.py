"""What must hold of the journal: no event was changed, removed, moved, and the end is where it was signed.

Each event holds the hash of its own content and that of the one before: who changes one is found at it; who changes it
and all that follow, at the next signed head. What is lawfully gone, because of its age, is below a signed cut.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.giornale import ORIGINE, SENZA_ENTE, Genere, Riga, impronta_of
from hub.domain.verifica import Rilievo
from hub.formats.firma_giornale import is_signed_by
from hub.store import giornale as kept
from hub.store.lettura import Lettura

_TABELLA, _CATENE, _FIRME = "giornale", "giornale_catene", "giornale_firme"
# A head is signed every day; a worker may have been down for one.
_SENZA_FIRMA = timedelta(hours=48)
# Broken events of a chain that are held against each other, to tell which were swapped.
_SCAMBI_MAX = 50
_CAMBIATO = "l'evento è stato cambiato: non ha l'impronta che aveva"


@dataclass
class _Esame:
    """One chain while it is looked over: the last number, its hash (None: nobody knows), when it was.

    `teste`: the signed heads that are still ahead, in order; `rotti`: events that do not have their own hash.
    `firmata_fino`: the number of the last signed head; `scoperto_at`: of the first event after it.
    """

    catena: Row[Any]
    teste: list[Row[Any]]
    numero: int
    impronta: bytes | None
    firmata_fino: int
    at: datetime | None = None
    scoperto_at: datetime | None = None
    rotti: list[Row[Any]] = field(default_factory=list)

    def rilievo(self, numero: int | str, words: str, tabella: str = _TABELLA) -> Rilievo:
        return Rilievo(tabella, f"{self.catena.nome}/{numero}", words, self.catena.ente_id)


def giornale(lettura: Lettura) -> Iterator[Rilievo]:
    """Every chain is whole, from its signed cut to its signed head. Source: node, event log."""
    catene = kept.catene(lettura.session)
    yield from _count(lettura, catene)
    for catena in catene:
        firme = list(kept.firme(lettura.session, catena.id))
        yield from _signatures(catena, firme, lettura.chiavi)
        yield from _catena(lettura, catena, firme)


def _count(lettura: Lettura, catene: Sequence[Row[Any]]) -> Iterator[Rilievo]:
    """There are as many chains as the signed head of the one without ente has counted."""
    senza = next((row for row in catene if row.nome == SENZA_ENTE), None)
    signed = 0 if senza is None else max((row.catene for row in kept.firme(lettura.session, senza.id)), default=0)
    if signed > len(catene):
        words = f"le catene sono {len(catene)}, la testa firmata ne contava {signed}: di un ente manca il giornale"
        yield Rilievo(_CATENE, SENZA_ENTE, words)


def _signatures(catena: Row[Any], firme: list[Row[Any]], chiavi: Collection[bytes] | None) -> Iterator[Rilievo]:
    for row in firme:
        where = f"{catena.nome}/{row.numero}"
        if not is_signed_by(bytes(row.chiave), bytes(row.firma), kept.sigillo_of(row).testo):
            yield Rilievo(_FIRME, where, f"la firma ({row.genere}) non è di ciò che la riga dice", catena.ente_id)
        elif chiavi is not None and bytes(row.chiave) not in chiavi:
            words = "la firma è di una chiave che non è di questa installazione (PONTEPA_GIORNALE_CHIAVI)"
            yield Rilievo(_FIRME, where, words, catena.ente_id)


def _catena(lettura: Lettura, catena: Row[Any], firme: list[Row[Any]]) -> Iterator[Rilievo]:
    cut = max((row for row in firme if row.genere == Genere.TAGLIO), key=lambda row: row.numero, default=None)
    start, follows = (0, ORIGINE) if cut is None else (cut.numero, bytes(cut.impronta))
    teste = [row for row in firme if row.genere == Genere.TESTA and row.numero > start]
    esame = _Esame(catena, teste, start, follows, max((row.numero for row in teste), default=start))
    for row in kept.all_of(lettura, catena.id, start):
        yield from _event(esame, row)
    yield from _swapped(esame)
    yield from _end(esame)
    if esame.at is not None and esame.scoperto_at is not None and esame.at - esame.scoperto_at > _SENZA_FIRMA:
        words = f"eventi di più di {_SENZA_FIRMA.days} giorni dopo l'ultima testa firmata: il worker non firma"
        yield esame.rilievo(esame.numero, words)


def _event(esame: _Esame, row: Row[Any]) -> Iterator[Rilievo]:
    if row.numero != esame.numero + 1:
        yield esame.rilievo(_span(esame.numero + 1, row.numero - 1), "eventi che mancano: sono stati tolti")
        esame.impronta = None
    riga, impronta = kept.riga_of(row, esame.catena.nome), bytes(row.impronta)
    is_itself = impronta_of(riga) == impronta
    if not is_itself:
        if len(esame.rotti) < _SCAMBI_MAX:
            esame.rotti.append(row)
        else:
            yield esame.rilievo(row.numero, _CAMBIATO)
    elif esame.impronta is not None and riga.precedente != esame.impronta:
        words = "l'evento non segue quello che lo precede: uno dei due è stato riscritto con la sua impronta"
        yield esame.rilievo(row.numero, words)
    while esame.teste and esame.teste[0].numero <= row.numero:
        testa = esame.teste.pop(0)
        if testa.numero == row.numero and is_itself and bytes(testa.impronta) != impronta:
            words = f"la catena fin qui non è quella firmata il {testa.giorno.isoformat()}: è stata riscritta"
            yield esame.rilievo(row.numero, words)
    if row.numero > esame.firmata_fino and esame.scoperto_at is None:
        esame.scoperto_at = row.at
    # What comes after a changed one follows what stood there, which nobody knows now.
    esame.numero, esame.impronta, esame.at = row.numero, impronta if is_itself else None, row.at


def _swapped(esame: _Esame) -> Iterator[Rilievo]:
    """Say of each broken event whether it is one that stands in the place of another."""
    for row in esame.rotti:
        riga, impronta = kept.riga_of(row, esame.catena.nome), bytes(row.impronta)
        true = next((other.numero for other in esame.rotti if _is(riga, other.numero, impronta)), None)
        words = _CAMBIATO if true is None else f"al suo posto c'è l'evento {true}: sono stati scambiati"
        yield esame.rilievo(row.numero, words)


def _is(riga: Riga, numero: int, impronta: bytes) -> bool:
    return impronta_of(kept.renamed(riga, numero)) == impronta


def _end(esame: _Esame) -> Iterator[Rilievo]:
    """The last event is the one that the chain and its signed heads say."""
    last = esame.catena.ultimo_numero
    signed = max((head.numero for head in esame.teste), default=0)
    if max(last, signed) > esame.numero:
        which = f"firmata il {esame.teste[-1].giorno.isoformat()}" if signed > esame.numero else "scritta nella catena"
        span = _span(esame.numero + 1, max(last, signed))
        yield esame.rilievo(span, f"la coda manca: la testa {which} è più avanti")
    elif last < esame.numero:
        yield esame.rilievo(last, f"la catena dice di finire qui, ma ha eventi fino a {esame.numero}", _CATENE)
    elif esame.impronta is not None and bytes(esame.catena.ultima_impronta) != esame.impronta:
        yield esame.rilievo(last, "l'ultimo evento non è quello con cui la catena finiva", _CATENE)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
