"""Settlement flows as the platform's REST service writes them: lists, header, payments by page, and the package of one.

A package is a ZIP with the answers as they came: `flusso.json`, then `pagamenti-00001.json` and so on, a page each. It
is read page by page, as the same words that FlussoRiversamento is read into. Numbers are decimals, never floats.
Source: node, 2.12; payStatus and codiceEsitoSingoloPagamento, 2.12.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from types import TracebackType
from typing import Any, BinaryIO, NoReturn

from hub.domain.acquisizione_fdr import FlussoElencato
from hub.domain.rendicontazione import Istituto, Riga, Riversamento
from hub.formats.fdr import RendicontazioneNonLeggibile
from hub.formats.importi import IMPORTO_MAX_CENT
from hub.formats.istanti import giorno_di, read_giorno, read_istante
from hub.formats.testi import clean

# A thousand payments with long names take 300 kB.
PAGINA_BYTES_MAX = 4 * 1024 * 1024
# Of a thousand payments each; the longest XML flow that is taken holds fewer.
PAGINE_MAX = 1000
# Of one flow or of one list: who reads them has understood before.
OSSERVAZIONI_MAX = 10
VERSIONE = "REST"

_TESTATA = "flusso.json"
_ESITI = {"EXECUTED": "0", "REVOKED": "3", "STAND_IN": "4", "STAND_IN_NO_RPT": "8", "NO_RPT": "9"}
_TIPI = {"LEGAL_PERSON": "G", "ABI_CODE": "A", "BIC_CODE": "B"}


def pagina(numero: int) -> str:
    """The name of a page of payments inside a package."""
    return f"pagamenti-{numero:05d}.json"


class Pacchetto:
    """A package while it is written, to a stream that cannot go back."""

    def __init__(self, target: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)

    def __enter__(self) -> Pacchetto:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        # Of what broke off nothing counts: the end that is missing says so.
        if kind is None:
            self._zip.close()

    def add_testata(self, data: bytes) -> None:
        self._zip.writestr(_TESTATA, data)

    def add_pagina(self, numero: int, data: bytes) -> None:
        self._zip.writestr(pagina(numero), data)


def read_pacchetto(source: BinaryIO) -> tuple[Riversamento, Iterator[Riga]]:
    """Return what a flow says of itself and its payments, which are read while they are asked for.

    Raises: RendicontazioneNonLeggibile, here or while the payments are asked for.
    """
    try:
        archive = zipfile.ZipFile(source)
        names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise RendicontazioneNonLeggibile("pacchetto non leggibile") from error
    if _TESTATA not in names:
        raise RendicontazioneNonLeggibile("pacchetto senza testata")
    return read_testata(_entry(archive, _TESTATA)), _righe(archive, names)


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as entry:
            data = entry.read(PAGINA_BYTES_MAX + 1)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise RendicontazioneNonLeggibile(f"{name}: non leggibile") from error
    if len(data) > PAGINA_BYTES_MAX:
        raise RendicontazioneNonLeggibile(f"{name}: oltre {PAGINA_BYTES_MAX} byte")
    return data


def _righe(archive: zipfile.ZipFile, names: set[str]) -> Iterator[Riga]:
    da = 1
    for numero in range(1, len(names)):
        if pagina(numero) not in names:
            raise RendicontazioneNonLeggibile(f"pacchetto senza la pagina {numero} dei pagamenti")
        righe = read_pagamenti(_entry(archive, pagina(numero)), da)
        yield from righe
        da += len(righe)


def read_elenco(data: bytes) -> tuple[tuple[FlussoElencato, ...], int, tuple[str, ...]]:
    """Return the flows of a page of a list, how many pages there are, and a sentence for each entry that is no flow.

    Raises: RendicontazioneNonLeggibile.
    """
    page = _object(data, "elenco")
    flussi, skipped = [], []
    for number, item in enumerate(_list(page, "data", "elenco"), 1):
        try:
            flussi.append(_elencato(_Voce(item, f"flusso {number}")))
        except RendicontazioneNonLeggibile as error:
            skipped.append(error.reason)
    return tuple(flussi), pagine_of(data), tuple(skipped[:OSSERVAZIONI_MAX])


def pagine_of(data: bytes) -> int:
    """Return how many pages there are, as one of them says.

    Raises: RendicontazioneNonLeggibile (also when they are more than may be).
    """
    page = _object(data, "pagina")
    metadata = _Voce(page.get("metadata"), "metadata")
    pages = metadata.whole("totPage")
    if pages > PAGINE_MAX:
        raise RendicontazioneNonLeggibile(f"oltre {PAGINE_MAX} pagine")
    return pages


def stato_of(data: bytes) -> str:
    """Return the state of a flow: CREATED, INSERTED, PUBLISHED. Raises: RendicontazioneNonLeggibile."""
    return _Voce(_object(data, "testata"), "testata").text("status", 35)


def read_testata(data: bytes) -> Riversamento:
    """Return what a flow says of itself. Raises: RendicontazioneNonLeggibile."""
    voce = _Voce(_object(data, "testata"), "testata")
    sender, receiver = voce.inner("sender"), voce.inner("receiver")
    kind = sender.text("type", 35)
    if kind not in _TIPI:
        sender.refuse("type", f"atteso {' o '.join(_TIPI)}")
    # The tax code of the ente is `organizationId`; `id` is what the PSP wrote of it.
    ente = receiver.text("organizationId", 35)
    if not receiver.is_empty("id") and receiver.text("id", 35) != ente:
        voce.tell("receiver.id diverso da organizationId")
    return Riversamento(
        versione=VERSIONE,
        iuf=voce.text("fdr", 35),
        generato_at=voce.instant("fdrDate"),
        trn=voce.text("regulation", 35),
        regolato=voce.day("regulationDate"),
        mittente=Istituto(_TIPI[kind], sender.text("id", 35), sender.name("pspName")),
        ricevente=Istituto("G", ente, receiver.name("organizationName")),
        righe=voce.whole("totPayments"),
        importo_cent=voce.cents("sumPayments"),
        bic_riversamento=None if voce.is_empty("bicCodePouringBank") else voce.text("bicCodePouringBank", 35),
        osservazioni=voce.told(),
        calcolati=(voce.whole("computedTotPayments"), voce.cents("computedSumPayments")),
    )


def read_pagamenti(data: bytes, da: int = 1) -> list[Riga]:
    """Return the payments of a page, numbered from `da`. Raises: RendicontazioneNonLeggibile."""
    items = _list(_object(data, "pagina"), "data", "pagina")
    return [_riga(_Voce(item, f"pagamento {numero}"), numero) for numero, item in enumerate(items, da)]


def _elencato(voce: _Voce) -> FlussoElencato:
    return FlussoElencato(
        iuf=voce.text("fdr", 64),
        generato_at=voce.instant("flowDate"),
        psp=voce.text("pspId", 35),
        revisione=voce.whole("revision"),
        pubblicato_at=voce.instant("published"),
    )


def _riga(voce: _Voce, numero: int) -> Riga:
    status = voce.text("payStatus", 35)
    if status not in _ESITI:
        voce.refuse("payStatus", f"atteso {' o '.join(_ESITI)}")
    importo_cent = voce.cents("pay")
    if importo_cent <= 0:
        voce.tell("pay: atteso un importo maggiore di zero")
    indice = None if voce.is_empty("idTransfer") else voce.whole("idTransfer")
    if indice is not None and not 1 <= indice <= 5:
        voce.refuse("idTransfer", "atteso da 1 a 5")
    return Riga(
        numero=numero,
        iuv=voce.text("iuv", 35),
        iur=voce.text("iur", 35),
        importo_cent=importo_cent,
        esito=_ESITI[status],
        data_esito=giorno_di(voce.instant("payDate")),
        indice=indice,
        osservazioni=voce.told(),
    )


class _Voce:
    """A JSON object whose fields are read one by one; what is missing or wrong is refused in one sentence."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise RendicontazioneNonLeggibile(f"{where}: atteso un oggetto")
        self._values: Mapping[str, Any] = value
        self._where = where
        self._told: list[str] = []

    def is_empty(self, name: str) -> bool:
        return self._values.get(name) in (None, "")

    def inner(self, name: str) -> _Voce:
        return _Voce(self._values.get(name), f"{self._where}, {name}")

    def text(self, name: str, length_max: int) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value.strip():
            self.refuse(name, "manca o è vuoto")
        text = value.strip()
        if len(text) > length_max or not text.isprintable():
            self.refuse(name, f"oltre {length_max} caratteri, o caratteri non ammessi")
        return text

    def name(self, name: str) -> str | None:
        """A name decides nothing: whatever it is, it is shown to people."""
        value = self._values.get(name)
        return clean(value, 140) or None if isinstance(value, str) else None

    def whole(self, name: str) -> int:
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
            self.refuse(name, "atteso un numero intero")
        return value

    def cents(self, name: str) -> int:
        """Cents, with their sign: `10`, `10.5`, `10.50`, `1.05E+1` are the same kind of number."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            self.refuse(name, "atteso un numero")
        number = Decimal(value)
        # Looked at before it is multiplied: 1E+999999 is a few bytes here and a megabyte as a whole number.
        if not number.is_finite() or number.adjusted() > 15:
            self.refuse(name, "importo non leggibile")
        cent = number.scaleb(2)
        if cent != cent.to_integral_value():
            self.refuse(name, "più di due decimali")
        if abs(cent) > IMPORTO_MAX_CENT:
            self.tell(f"{name}: oltre il massimo del contratto")
        return int(cent)

    def instant(self, name: str) -> datetime:
        try:
            return read_istante(self.text(name, 64))
        except ValueError:
            self.refuse(name, "data e ora non leggibili")

    def day(self, name: str) -> Any:
        try:
            return read_giorno(self.text(name, 64))
        except ValueError:
            self.refuse(name, "data non leggibile")

    def refuse(self, name: str, rule: str) -> NoReturn:
        raise RendicontazioneNonLeggibile(f"{self._where}: {name}: {rule}")

    def tell(self, sentence: str) -> None:
        if len(self._told) < OSSERVAZIONI_MAX:
            self._told.append(sentence)

    def told(self) -> tuple[str, ...]:
        return tuple(self._told)


def _object(data: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(data, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise RendicontazioneNonLeggibile(f"{where}: JSON non leggibile") from error
    if not isinstance(value, dict):
        raise RendicontazioneNonLeggibile(f"{where}: atteso un oggetto")
    return value


def _list(values: Mapping[str, Any], name: str, where: str) -> list[Any]:
    value = values.get(name)
    if not isinstance(value, list):
        raise RendicontazioneNonLeggibile(f"{where}: {name}: attesa una lista")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
