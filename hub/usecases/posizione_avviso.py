"""From the stored dovuti of a notice to the position that the node is told.

Source: node, paGetPayment (3.2), from a position to an RPT (4.4); flows, 7.3 (taxonomy code).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from hub.domain.archivio import PosizioneEsterna
from hub.domain.avviso import conto_from_iban
from hub.domain.documenti import MarcaBollo, QuotaSecondaria, Soggetto
from hub.domain.errors_nodo import NonRappresentabile
from hub.domain.posizione import TRASFERIMENTI_MAX, Posizione, Trasferimento
from hub.domain.tassonomia import Tassonomia, dati_rpt
from hub.formats import iban
from hub.formats.causale import causale_rpt
from hub.formats.codice_fiscale import is_valid_partita_iva
from hub.formats.importi import IMPORTO_MAX_CENT
from hub.formats.istanti import giorno_di
from hub.store.anagrafe import EnteConfigurato
from hub.usecases.controlli_nodo import Pagabile

# Of a dovuto whose tipo allows it. Source: node, 4.4 [P].
_ANONIMO = Soggetto("F", "ANONIMO", "ANONIMO")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TWO_CAPITALS = re.compile(r"[A-Z]{2}")


def build_posizione(
    pagabile: Pagabile, tassonomia: Tassonomia, attuale: PosizioneEsterna | None = None
) -> Posizione:
    """Return what the notice is worth now, line by line: the ente's own shares, then those of second beneficiaries.

    `attuale`: what the ente's archive says of it; its amount and due date count.
    Raises: NonRappresentabile (more lines than any answer carries, an amount that the lines cannot make).
    """
    configurato, rows = pagabile.configurato, pagabile.dovuti
    ente = configurato.ente
    importi = _own_amounts(rows, attuale, ente.codice_fiscale)
    lines = [_own(configurato, row, cent, pagabile.iuv, tassonomia) for row, cent in zip(rows, importi, strict=True)]
    lines += [line for row in rows for line in _secondary(row, pagabile.iuv)]
    if len(lines) > TRASFERIMENTI_MAX:
        raise NonRappresentabile(
            "l'avviso ha troppe voci",
            f"le voci sono {len(lines)}, al massimo {TRASFERIMENTI_MAX}",
            id=ente.codice_fiscale,
        )
    first = rows[0]
    tipo = configurato.tipi.get(first.tipo)
    return Posizione(
        dominio=ente.codice_fiscale,
        iuv=pagabile.iuv,
        causale=first.causale,
        scadenza=attuale.scadenza if attuale is not None and attuale.scadenza else first.scadenza,
        nome_ente=ente.nome,
        ufficio=(tipo.settore or "") if tipo is not None else "",
        debitore=Soggetto(**first.pagatore) if first.pagatore else _ANONIMO,
        trasferimenti=tuple(Trasferimento(numero, **line) for numero, line in enumerate(lines, 1)),
        metadati=tuple((tipo.metadati or {}).items()) if tipo is not None else (),
    )


def check_accettabile(posizione: Posizione) -> None:
    """Refuse what the node would reject in any answer: it would take it for a fault of the hub.

    Raises: NonRappresentabile. Source: node, 3.2, semantic checks on the answer.
    """
    reason = None
    if any(one.iban is not None and not iban.is_valid(one.iban) for one in posizione.trasferimenti):
        reason = "un conto di accredito non è un IBAN"
    elif any(not is_valid_partita_iva(one.beneficiario) for one in posizione.trasferimenti):
        reason = "il codice fiscale di un beneficiario non è quello di un ente"
    elif any(one.marca is not None and not _is_stamp(one.marca) for one in posizione.trasferimenti):
        reason = "i dati di una marca da bollo non rispettano il contratto"
    elif posizione.importo_cent > IMPORTO_MAX_CENT:
        reason = "l'importo totale supera 999999999.99"
    if reason is not None:
        raise NonRappresentabile("l'avviso non si può pagare con questa operazione", reason, id=posizione.dominio)


def _is_stamp(marca: MarcaBollo) -> bool:
    impronta = marca.hash_documento
    is_hash = _BASE64.fullmatch(impronta) is not None and 4 <= len(impronta) <= 72 and len(impronta) % 4 == 0
    return is_hash and marca.tipo_bollo == "01" and _TWO_CAPITALS.fullmatch(marca.provincia_residenza) is not None


def _own_amounts(rows: tuple[Row[Any], ...], attuale: PosizioneEsterna | None, dominio: str) -> list[int]:
    """Return the ente's own share of each dovuto; a new total changes the one there is, never someone else's share."""
    stored = [row.importo_cent for row in rows]
    shares = sum(QuotaSecondaria(**row.secondario).importo_cent for row in rows if row.secondario)
    if attuale is None or attuale.importo_cent == sum(stored) + shares:
        return stored
    own = attuale.importo_cent - shares
    if len(rows) > 1 or rows[0].marca is not None or own <= 0:
        raise NonRappresentabile(
            "l'importo dell'archivio non si divide fra le voci dell'avviso",
            "l'archivio dell'ente dice un importo che le voci conservate non possono fare",
            id=dominio,
        )
    return [own]


def _own(
    configurato: EnteConfigurato, row: Row[Any], importo_cent: int, iuv: str, tassonomia: Tassonomia
) -> dict[str, Any]:
    ente, tipo = configurato.ente, configurato.tipi.get(row.tipo)
    line = {
        "importo_cent": importo_cent,
        "beneficiario": ente.codice_fiscale,
        "nome": ente.nome,
        "causale": causale_rpt(iuv, importo_cent, row.causale),
        "tassonomia": row.dati_specifici
        if tipo is None
        else dati_rpt(row.dati_specifici, tipo.tassonomia, tipo.descrizione, tassonomia, giorno_di(row.created_at)),
    }
    if row.marca is not None:
        return line | {"marca": MarcaBollo(**row.marca)}
    conto = (tipo.iban if tipo is not None else None) or ente.iban
    postale = tipo.iban_postale if tipo is not None else None
    return line | {"iban": conto, "iban_postale": postale or _if_postale(conto)}


def _secondary(row: Row[Any], iuv: str) -> Iterator[dict[str, Any]]:
    if row.secondario is None:
        return
    quota = QuotaSecondaria(**row.secondario)
    yield {
        "importo_cent": quota.importo_cent,
        "beneficiario": quota.codice_fiscale,
        "nome": quota.denominazione,
        "causale": causale_rpt(iuv, quota.importo_cent, quota.causale or row.causale),
        "tassonomia": quota.dati_specifici,
        "iban": quota.iban,
        "iban_postale": _if_postale(quota.iban),
    }


def _if_postale(conto: str) -> str | None:
    return conto if conto_from_iban(conto) is not None else None
