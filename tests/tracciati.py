"""Rows and files of the import tracciato: a good row, changed where a test wants it; flows of any length."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

from hub.domain.iuv import build_iuv
from hub.formats.tracciati.import_dovuti import VERSIONI, join

_ODD = {character: value for value, character in enumerate("BAKPLCQDREVOSFTGUHMINJWZYX")}
_DIGITS_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)

RIGA = {
    "IUD": "TARI-1", "tipoIdentificativoUnivoco": "F", "codiceIdentificativoUnivoco": "RSSMRA80A01H501U",
    "anagraficaPagatore": "Mario Rossi", "indirizzoPagatore": "Via Roma", "civicoPagatore": "1",
    "capPagatore": "20100", "localitaPagatore": "Milano", "provinciaPagatore": "MI", "nazionePagatore": "IT",
    "mailPagatore": "mario@example.org", "dataEsecuzionePagamento": "2030-06-30", "importoDovuto": "100.00",
    "tipoDovuto": "TARI", "tipoVersamento": "ALL", "causaleVersamento": "TARI 2026 saldo",
    "datiSpecificiRiscossione": "9/0101101IM/", "flgGeneraIuv": "true", "azione": "I",
}  # fmt: skip
SECONDARIO = {
    "flagMultiBeneficiario": "true", "codiceFiscaleEnteSecondario": "12345678903",
    "denominazioneEnteSecondario": "Ente Demo", "ibanAccreditoEnteSecondario": "IT60X0542811101000000123456",
    "datiSpecificiRiscossioneEnteSecondario": "9/0201102IM/", "causaleVersamentoEnteSecondario": "Quota TEFA",
    "importoVersamentoEnteSecondario": "5.00",
}  # fmt: skip


def make_campi(versione: str = "1_3", **changed: str) -> list[str]:
    """Return the fields of a row that nothing is wrong with but what is `changed`."""
    values = RIGA | changed
    colonne = [colonna.nome for colonna in VERSIONI[versione].colonne]
    assert set(changed) <= set(colonne)
    return [values.get(nome, "false" if nome == "flagMultiBeneficiario" else "") for nome in colonne]


def make_csv(*righe: list[str] | str, versione: str = "1_3", line_end: str = "\n") -> bytes:
    """Return a file: the canonical header and the rows, as fields or as written."""
    lines = [VERSIONI[versione].intestazione(), *(riga if isinstance(riga, str) else join(riga) for riga in righe)]
    return "".join(line + line_end for line in lines).encode()


def make_long_csv(count: int, **changed: str) -> bytes:
    """Return a file of rows that differ in their IUD alone: a long one, made quickly."""
    riga = join(make_campi(**changed | {"IUD": "@"}))
    return make_csv(*(riga.replace("@", f"L{number}", 1) for number in range(count)))


def make_zip(entries: Iterable[tuple[str, bytes]]) -> io.BytesIO:
    archivio = io.BytesIO()
    with zipfile.ZipFile(archivio, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in entries:
            opened.writestr(name, data)
    archivio.seek(0)
    return archivio


def make_codice_fiscale(number: int) -> str:
    """Return a valid tax code, another one for each number below twelve million."""
    letters = "".join(chr(65 + number // 26**power % 26) for power in range(3))
    base = f"RSS{letters}{number // 17576 % 100:02d}A{number % 28 + 1:02d}H501"
    odd = sum(_DIGITS_ODD[int(c)] if c.isdigit() else _ODD[c] for c in base[::2])
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in base[1::2])
    return base + chr(65 + (odd + even) % 26)


def rows(count: int, versione: str = "1_3", bad_every: int = 0, iuv: bool = False) -> Iterator[str]:
    """Give lines of a flow, every `bad_every`th one wrong in one of four ways; with `iuv` the ente's own numbers."""
    faults = (
        {"codiceIdentificativoUnivoco": ""}, {"importoDovuto": "12,50"}, {"datiSpecificiRiscossione": "x"},
        {"codiceIdentificativoUnivoco": "RSSMRA80A01H501X"},
    )  # fmt: skip
    for number in range(1, count + 1):
        changed = {
            "IUD": f"TARI-{number:09d}",
            "codiceIdentificativoUnivoco": make_codice_fiscale(number),
            "importoDovuto": f"{number % 900 + 1}.{number % 100:02d}",
            "indirizzoPagatore": f"Via Roma {number % 400}",
        }
        if iuv:
            changed |= {"codIuv": build_iuv(1, number, sistema=10), "flgGeneraIuv": "false"}
        if bad_every and number % bad_every == 0:
            changed |= faults[number // bad_every % len(faults)]
        yield join(make_campi(versione, **changed))
