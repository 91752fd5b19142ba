"""The configuration of a hub as MyPay keeps it, from its tables to the words of the configuration file.

Nothing is guessed: what a column says is read by the same rules as a configuration file, and what has no place here is
told. Source: flows, 8.1, 8.2 and 8.3 (tables), 4.2 and 4.3 (counters).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.domain.configurazione import Ente
from hub.domain.errors import IuvNonValido
from hub.domain.iuv import PROGRESSIVO_MAX, is_drawn, validate
from hub.formats.campi import Problemi
from hub.formats.configurazione import ConfigurazioneNonValida, read_ente
from hub.formats.importi import text_from_cent
from hub.formats.tabelle_mypay import RigaTabella, read_tabella

_ENTE = {
    "cod_ipa_ente": "codIpaEnte",
    "codice_fiscale_ente": "codice_fiscale",
    "de_nome_ente": "nome",
    "cd_stato_ente": "stato",
    "application_code": "codice_segregazione",
    "cod_rp_dati_vers_dati_sing_vers_iban_accredito": "iban",
    "ente_sil_invia_risposta_pagamento_url": "url_esito",
    "de_password": "password",
    "de_url_esterni_attiva": "url_archivio_esterno",
    "cod_codice_interbancario_cbill": "codice_cbill",
    "de_autorizzazione": "autorizzazione_stampa",
    "de_logo_ente": "logo",
}
# Of the columns about the beneficiary: the word in the name after the prefix, in the order of an address.
_BENEFICIARIO = "de_rp_ente_benef_"
_CONTATTI = {"telefono": "telefono", "email": "mail", "sito": "sito"}
_INDIRIZZO = ("indirizzo", "civico", "cap", "localita", "provincia")
_TIPO = {
    "cod_tipo": "codice",
    "de_tipo": "descrizione",
    "cod_tassonomico": "tassonomia",
    "iban_accredito_psp": "iban",
    "iban_accredito_pi": "iban_postale",
    "cod_conto_corrente_postale": "conto_postale",
    "de_intestatario_cc_postale": "intestatario_conto_postale",
    "de_settore_ente": "settore",
}
_TIPO_FLAGS = {
    "flg_attivo": ("attivo", True),
    "flg_cf_anonimo": ("anonimo", True),
    "flg_scadenza_obbligatoria": ("scadenza_obbligatoria", True),
    "flg_stampa_data_scadenza": ("stampa_data_scadenza", True),
    "flg_disabilita_stampa_avviso": ("stampa_avviso", False),
}
_FLAGS = {
    **dict.fromkeys(("t", "true", "1", "s", "si", "y"), True),
    **dict.fromkeys(("f", "false", "0", "n", "no"), False),
}
# What binds the rows of the tables to each other and says nothing by itself.
_KEYS = (
    "mygov_ente_id",
    "mygov_ente_tipo_dovuto_id",
    "version",
    "dt_creazione",
    "dt_ultima_modifica",
    "importo",
    "spontaneo",
)

ENTI, TIPI, OPERATORI, CONTATORI, IUV = "enti.csv", "tipi.csv", "operatori.csv", "contatori.csv", "iuv.csv"


@dataclass(frozen=True, slots=True)
class OperatoreMypay:
    """`nome`: as the console knows them."""

    nome: str
    cod_ipa_ente: str


@dataclass(slots=True)
class TabelleMypay:
    """What the tables say. `ultimi`: the last progressive number that was issued, by codIpaEnte.

    `lasciate`: columns that have a value and no place here, with the number of their rows.
    """

    enti: list[Ente] = field(default_factory=list)
    operatori: list[OperatoreMypay] = field(default_factory=list)
    ultimi: dict[str, int] = field(default_factory=dict)
    lasciate: Counter[str] = field(default_factory=Counter)


def read_tabelle(cartella: Path, stazione: str) -> TabelleMypay:
    """Read the tables of a folder; every ente gets `stazione`. Tables that are not there say nothing, but for enti.csv.

    Raises: ConfigurazioneNonValida with every problem and its place; OSError.
    """
    reading = _Reading(cartella, stazione)
    reading.run()
    reading.problems.raise_if_any()
    return reading.found


class _Reading:
    def __init__(self, cartella: Path, stazione: str) -> None:
        self._cartella, self._stazione = cartella, stazione
        self.problems, self.found = Problemi(), TabelleMypay()
        self._values: dict[str, dict[str, Any]] = {}
        # Where each part of an ente was read, and from which column: by codIpaEnte and path in the file's own words.
        self._posti: dict[str, dict[str, str]] = {}
        self._codes: dict[str, str] = {}

    def run(self) -> None:
        if not (self._cartella / ENTI).is_file():
            return self.problems.add(ENTI, f"manca nella cartella {self._cartella.name}")
        for row in self._rows(ENTI, ("cod_ipa_ente", "codice_fiscale_ente", "application_code")):
            self._ente(row)
        for row in self._rows(TIPI, ("cod_tipo",)):
            self._tipo(row)
        for row in self._rows(OPERATORI, ("email",)):
            self._operatore(row)
        for row in self._rows(CONTATORI, ("generatore", "progressivo")):
            self._contatore(row)
        for row in self._rows(IUV, ("iuv",)):
            self._iuv(row)
        for code, values in self._values.items():
            try:
                self.found.enti.append(read_ente(values))
            except ConfigurazioneNonValida as error:
                for path, sentence in error.problems:
                    self.problems.add(self._posto(code, path), sentence)

    def _rows(self, file: str, colonne: tuple[str, ...]) -> Iterator[RigaTabella]:
        path = self._cartella / file
        return read_tabella(path, colonne, self.problems) if path.is_file() else iter(())

    def _posto(self, code: str, path: str) -> str:
        """Return file, line and column of what a path of the configuration file means."""
        thing, _, key = path.rpartition(".")
        return f"{self._posti[code].get(thing, ENTI)}, {self._column(thing, path if not thing else key)}"

    def _column(self, thing: str, key: str) -> str:
        names = {own: theirs for theirs, own in (_TIPO if thing.startswith("tipi") else _ENTE).items()}
        return names.get(key, key)

    def _ente(self, row: RigaTabella) -> None:
        code = row.get("cod_ipa_ente")
        if code in self._values:
            return self.problems.add(row.posto, f"l'ente {code} c'è già")
        values: dict[str, Any] = {own: row.get(theirs) for theirs, own in _ENTE.items() if row.get(theirs)}
        values["stazione"] = self._stazione
        if "codice_segregazione" in values:
            values["codice_segregazione"] = values["codice_segregazione"].zfill(2)
        used = {*_ENTE, *self._beneficiario(row, values)}
        # Without a table of tipi nothing is said of them: those that are here stay.
        self._values[code] = {**values, "tipi": []} if (self._cartella / TIPI).is_file() else values
        self._posti[code] = {"": row.posto, "contatti": row.posto}
        if row.get("mygov_ente_id"):
            self._codes[row.get("mygov_ente_id")] = code
        self._leave(ENTI, row, used)

    def _beneficiario(self, row: RigaTabella, values: dict[str, Any]) -> set[str]:
        """Put what notices say of the beneficiary among the values; return the columns that had it."""
        columns = [column for column in row.valori if column.startswith(_BENEFICIARIO)]
        found = {
            word: column
            for word in ("denominazione", *_INDIRIZZO, *_CONTATTI)
            for column in columns
            if word in column.removeprefix(_BENEFICIARIO)
        }
        if "denominazione" in found:
            values["beneficiario"] = row.get(found["denominazione"])
        contatti = {own: row.get(found[word]) for word, own in _CONTATTI.items() if word in found}
        indirizzo = " ".join(row.get(found[word]) for word in _INDIRIZZO if word in found)
        if indirizzo:
            contatti["indirizzo"] = indirizzo
        if contatti:
            values["contatti"] = contatti
        return set(found.values())

    def _tipo(self, row: RigaTabella) -> None:
        code = self._code_of(row)
        if code is None:
            return
        values: dict[str, Any] = {own: row.get(theirs) for theirs, own in _TIPO.items() if row.get(theirs)}
        for theirs, (own, meaning) in _TIPO_FLAGS.items():
            if row.get(theirs):
                values[own] = self._flag(row, theirs) is meaning
        # Who may start a payment by himself; flows and services were never a matter of the tipo.
        if row.get("spontaneo"):
            values["modalita"] = ["base", "flussi", "ipe"] if self._flag(row, "spontaneo") else ["flussi", "ipe"]
        if row.get("importo"):
            values["importo"] = self._importo(row)
        tipi = self._values[code]["tipi"]
        self._posti[code][f"tipi[{len(tipi)}]"] = row.posto
        tipi.append(values)
        self._leave(TIPI, row, {*_TIPO, *_TIPO_FLAGS})

    def _operatore(self, row: RigaTabella) -> None:
        code = self._code_of(row)
        if code is None:
            return
        nome = row.get("email").lower()
        taken = {operatore.nome for operatore in self.found.operatori}
        # A person works for several enti: here each operator sees one.
        nome = f"{nome}.{code.lower()}" if nome in taken else nome
        if nome in taken:
            return self.problems.add(row.posto, f"l'operatore {nome} c'è già")
        self.found.operatori.append(OperatoreMypay(nome, code))
        self._leave(OPERATORI, row, {"email"})

    def _contatore(self, row: RigaTabella) -> None:
        code = self._code_of(row)
        if code is None or row.get("generatore").upper() != "IUV17":
            # The other generators number what this hub does not issue.
            return
        text = row.get("progressivo")
        if not (text.isascii() and text.isdigit() and len(text.lstrip("0")) <= len(str(PROGRESSIVO_MAX))):
            return self.problems.add(row.posto, f"progressivo {text[:20]!r} non ammesso: da 0 a {PROGRESSIVO_MAX}")
        self._issued(code, int(text))

    def _iuv(self, row: RigaTabella) -> None:
        code = self._code_of(row)
        if code is None:
            return
        iuv = row.get("iuv")
        if len(iuv) != 17:
            return  # of 15 or 25 characters: a numbering that this hub does not continue
        try:
            validate(iuv)
        except IuvNonValido as error:
            return self.problems.add(row.posto, str(error))
        if is_drawn(iuv) and iuv[:2] == self._values[code].get("codice_segregazione"):
            self._issued(code, int(iuv[4:15]))

    def _issued(self, code: str, number: int) -> None:
        self.found.ultimi[code] = max(number, self.found.ultimi.get(code, 0))

    def _code_of(self, row: RigaTabella) -> str | None:
        """Return the ente of a row of another table, by its code or by the number of its row."""
        code = row.get("cod_ipa_ente") or self._codes.get(row.get("mygov_ente_id"), "")
        if code in self._values:
            return code
        name = code or row.get("mygov_ente_id") or "senza codice"
        self.problems.add(row.posto, f"l'ente {name[:60]} non è in {ENTI}")
        return None

    def _flag(self, row: RigaTabella, column: str) -> bool:
        text = row.get(column)
        if text.lower() not in _FLAGS:
            self.problems.add(f"{row.posto}, {column}", f"{text[:20]!r} non ammesso: t o f")
        return _FLAGS.get(text.lower(), False)

    def _importo(self, row: RigaTabella) -> str:
        euro, _, cent = row.get("importo").replace(",", ".").partition(".")
        cent = (cent.rstrip("0") or "0").ljust(2, "0")
        if not (euro + cent).isdigit() or not (euro + cent).isascii() or len(cent) > 2 or len(euro) > 9:
            self.problems.add(f"{row.posto}, importo", f"{row.get('importo')[:20]!r} non ammesso: per esempio 16.00")
            return "0.01"
        return text_from_cent(int(euro + cent))

    def _leave(self, file: str, row: RigaTabella, used: set[str]) -> None:
        for column in row.valori:
            if column not in used and column not in _KEYS and column != "cod_ipa_ente":
                self.found.lasciate[f"{file}, {column}"] += 1


def unknown_counters(found: TabelleMypay) -> Mapping[str, str]:
    """Return codIpaEnte and name of the enti of which no table says what number was issued last."""
    known = {
        (ente.codice_fiscale, ente.codice_segregazione) for ente in found.enti if ente.cod_ipa_ente in found.ultimi
    }
    return {
        ente.cod_ipa_ente: ente.nome
        for ente in found.enti
        if (ente.codice_fiscale, ente.codice_segregazione) not in known
    }
