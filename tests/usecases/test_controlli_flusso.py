"""The rules of a row of a flow: each code with a row that breaks its rule, and what must pass.

Source: flows, 2.4; acceptance vector 7 (13).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import pytest

from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.iuv import build_rf
from hub.domain.scarto import SINTASSI, rifiuto
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.store import tipi
from hub.usecases.controlli_flusso import Regole
from tests.tracciati import SECONDARIO, make_campi
from tests.versamenti import own_iuv
from tests.world import World

ANONIMO = {"codiceIdentificativoUnivoco": "ANONIMO", "tipoDovuto": "DONAZIONI"}
NONE: Mapping[str, Any] = MappingProxyType({})


def make(versione: str = "1_3", **changed: str) -> DovutoImportato:
    found = VERSIONI[versione].read(3, make_campi(versione, **changed))
    assert isinstance(found, DovutoImportato), found
    return found


def codes(regole: Regole, versione: str = "1_3", **changed: str) -> list[str]:
    found = regole(make(versione, **changed))
    assert all(scarto.riga == 3 and scarto.campo and scarto.rimedio for scarto in found)
    return [scarto.codice.removeprefix(SINTASSI) for scarto in found]


@pytest.fixture
def regole(small_world: World) -> Regole:
    with small_world.db.reading() as session:
        configured = {tipo.codice: tipo for tipo in tipi.of_ente(session, 1)}
    return Regole(configured, "01", are_15_admitted=False)


def bilancio(*importi: str) -> str:
    inside = "".join(f"<accertamento><importo>{importo}</importo></accertamento>" for importo in importi)
    return f"<bilancio><capitolo><codCapitolo>1</codCapitolo>{inside}</capitolo></bilancio>"


@pytest.mark.parametrize("azione", ["I", "M", "A"])
def test_a_good_row_breaks_no_rule(regole: Regole, azione: str) -> None:
    assert codes(regole, azione=azione) == []
    assert codes(regole, "1_4", azione=azione, **SECONDARIO) == []


@pytest.mark.parametrize(
    ("changed", "codice"),
    [
        ({"IUD": "000123"}, "_IUD"),
        ({"tipoDovuto": "IGNOTO"}, "_TIPO_DOVUTO_INESISTENTE"),
        ({"tipoDovuto": "CHIUSO"}, "_TIPO_DOVUTO_NON_ATTIVO_PER_ENTE"),
        ({"tipoDovuto": "MARCA_BOLLO_DIGITALE"}, "_TIPO_DOVUTO_NON_VALIDO_MARCA_DA_BOLLO"),
        ({"tipoDovuto": "SANZIONE", "dataEsecuzionePagamento": ""}, "_DATA_SCADENZA_PAGAMENTO_NON_PRESENTE"),
        ({"tipoIdentificativoUnivoco": "X"}, "_ID_UNIV_FG"),
        ({"codiceIdentificativoUnivoco": "RSSMRA80A01H501X"}, "_COD_FISC"),
        ({"codiceIdentificativoUnivoco": "12345678900"}, "_COD_FISC"),
        ({"codiceIdentificativoUnivoco": "ANONIMO"}, "_COD_FISC"),
        ({"tipoIdentificativoUnivoco": "G"}, "_P_IVA"),
        ({**ANONIMO, "tipoIdentificativoUnivoco": "G"}, "_P_IVA"),
        ({"indirizzoPagatore": "Via Łódź 漢"}, "_INDIRIZZO"),
        ({"civicoPagatore": "1°"}, "_CIVICO"),
        ({"nazionePagatore": "ZZ"}, "_NAZ"),
        ({"provinciaPagatore": "XX"}, "_PROV"),
        ({"capPagatore": "20-100"}, "_CAP"),
        ({"mailPagatore": "mario"}, "_EMAIL"),
        ({"importoDovuto": "0.00"}, "_IMPORTO"),
        ({"importoDovuto": "-5.00"}, "_IMPORTO"),
        ({"importoDovuto": "1000000000.00"}, "_IMPORTO"),
        ({"commissioneCaricoPa": "1000000000.00"}, "_COMMISSIONI_PA"),
        ({"commissioneCaricoPa": "-1.00"}, "_COMMISSIONI_PA"),
        ({"tipoVersamento": "ALL|PO"}, "_TIPO_VERS"),
        ({"tipoVersamento": "XYZ"}, "_TIPO_VERS"),
        *(({"datiSpecificiRiscossione": f"{digit}/0101101IM/"}, "_DATI_RISCOSS") for digit in "345x"),
        ({"datiSpecificiRiscossione": "9/ab"}, "_DATI_RISCOSS"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("azione", ["I", "M", "A"])
def test_each_rule_has_its_code_whatever_the_action(
    regole: Regole, changed: dict[str, str], codice: str, azione: str
) -> None:
    assert codes(regole, azione=azione, **changed) == [codice]


@pytest.mark.parametrize(
    ("changed", "codice"),
    [
        ({"codiceFiscaleEnteSecondario": "12345678900"}, "_COD_FISC_ENTE_SECONDARIO"),
        ({"ibanAccreditoEnteSecondario": "IT61X0542811101000000123456"}, "_IBAN_ACCREDITO_ENTE_SECONDARIO"),
        ({"ibanAccreditoEnteSecondario": "DE89370400440532013000"}, "_IBAN_ACCREDITO_ENTE_SECONDARIO"),
        ({"indirizzoEnteSecondario": "漢"}, "_INDIRIZZO_ENTE_SECONDARIO"),
        ({"civicoEnteSecondario": "1°"}, "_CIVICO_ENTE_SECONDARIO"),
        ({"nazioneEnteSecondario": "ZZ"}, "_NAZ_ENTE_SECONDARIO"),
        ({"nazioneEnteSecondario": "IT", "provinciaEnteSecondario": "XX"}, "_PROV_ENTE_SECONDARIO"),
        ({"capEnteSecondario": "!"}, "_CAP_ENTE_SECONDARIO"),
        ({"datiSpecificiRiscossioneEnteSecondario": "9/0109999IM/"}, "_DATI_RISCOSS_ENTE_SECONDARIO"),
        ({"importoVersamentoEnteSecondario": "0.00"}, "_IMPORTO_VERS_ENTE_SECONDARIO"),
        ({"importoVersamentoEnteSecondario": "999999999.99"}, "_IMPORTO_VERS_ENTE_SECONDARIO"),
    ],
)
def test_each_rule_of_the_second_beneficiary_has_its_code(
    regole: Regole, changed: dict[str, str], codice: str
) -> None:
    assert codes(regole, "1_4", **SECONDARIO | changed) == [codice]


@pytest.mark.parametrize("digit", "0126789")
def test_every_category_of_2026_is_accepted(regole: Regole, digit: str) -> None:
    assert codes(regole, datiSpecificiRiscossione=f"{digit}/0101101IM/testo") == []


@pytest.mark.parametrize("digit", "6789")
@pytest.mark.parametrize(
    ("azione", "giorno", "found"),
    [
        ("I", date(2021, 5, 2), ["_DATI_RISCOSS_ENTE_SECONDARIO"]),
        ("I", date(2021, 5, 3), []),
        ("I", date(2021, 12, 1), []),
        ("I", date(2021, 12, 2), ["_DATI_RISCOSS_ENTE_SECONDARIO"]),
        ("M", date(2021, 12, 2), []),
        ("A", date(2021, 12, 2), []),
    ],
)
def test_the_code_of_the_second_beneficiary_is_in_force_when_the_dovuto_comes_to_be(
    digit: str, azione: str, giorno: date, found: list[str]
) -> None:
    regole = Regole(None, None, are_15_admitted=False, giorno=giorno)
    values = SECONDARIO | {"datiSpecificiRiscossioneEnteSecondario": f"{digit}/0115119AP/"}

    assert codes(regole, "1_4", azione=azione, **values) == found


def test_an_unknown_action_is_told_alone(regole: Regole) -> None:
    assert codes(regole, azione="X", importoDovuto="0.00") == ["_AZIONE"]
    assert codes(regole, azione="i") == ["_AZIONE"]


def test_all_broken_rules_are_told_each_with_its_bar(regole: Regole) -> None:
    found = regole(make(IUD="0001", codiceIdentificativoUnivoco="X", importoDovuto="0.00", mailPagatore="x"))

    codici, descrizioni = rifiuto(found)
    assert codici == "".join(f"|{SINTASSI}{codice}" for codice in ("_IUD", "_COD_FISC", "_EMAIL", "_IMPORTO"))
    assert descrizioni.count("|") == 4


def test_what_is_foreign_or_anonymous_or_accented_passes(regole: Regole) -> None:
    assert codes(regole, nazionePagatore="FR", provinciaPagatore="XX", capPagatore="SW1A1AA") == []
    assert codes(regole, tipoDovuto="DONAZIONI", codiceIdentificativoUnivoco="anonimo") == []
    assert codes(regole, indirizzoPagatore="Via Forlì 3", nazionePagatore="", provinciaPagatore="XX") == []
    assert codes(regole, tipoIdentificativoUnivoco="g", codiceIdentificativoUnivoco="12345678903") == []
    assert codes(regole, dataEsecuzionePagamento="", tipoVersamento="bbt|obep", importoDovuto="0.01") == []


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        (bilancio("60.00", "40.00"), True),
        (bilancio("60.00", "39.99"), False),
        (bilancio("60", "40.00"), False),
        (bilancio(), False),
        (bilancio("60.00", "40.00").replace("<bilancio>", '<bilancio xmlns="urn:x">'), False),
        (bilancio("100.00").replace("<codCapitolo>1", "<codCapitolo>1234567890123"), False),
        (bilancio("100.00") + "x", False),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + bilancio("100.00"), False),
        ("<bilancio>", False),
    ],
)
def test_a_breakdown_must_be_whole_and_add_up(regole: Regole, text: str, is_good: bool) -> None:
    """Vector 7: 60.00 and 40.00 on 100.00 pass, 60.00 and 39.99 do not."""
    assert codes(regole, bilancio=text) == ([] if is_good else ["_BILANCIO"])


@pytest.mark.parametrize(
    ("iuv", "changed", "is_good"),
    [
        (own_iuv(1), {}, True),
        (own_iuv(1)[:-1] + "0", {}, False),  # check digits
        (own_iuv(1, 2), {}, False),  # of another segregation code
        (own_iuv(1, 2), {"flgGeneraIuv": "true"}, True),
        ("01000000000000144", {}, False),  # the platform's own space
        ("01000000000000144", {"azione": "M"}, True),
        ("01000000000000144", {"azione": "A"}, True),
        ("0110000000000014A", {}, False),
        ("100000000000141", {}, False),
        ("0110000000000014", {}, False),
        (build_rf("019900000000000010000"), {}, True),
        (build_rf("010300000000000010000"), {}, False),
    ],
)
def test_an_iuv_must_make_a_notice_that_can_be_paid(
    regole: Regole, iuv: str, changed: dict[str, str], is_good: bool
) -> None:
    assert codes(regole, codIuv=iuv, **{"flgGeneraIuv": "false", **changed}) == ([] if is_good else ["_IUV"])


def test_new_numbers_of_fifteen_digits_are_taken_until_their_day(regole: Regole) -> None:
    iuv = "100000000000185"

    assert codes(Regole(NONE, "02", are_15_admitted=True), codIuv=iuv) == ["_TIPO_DOVUTO_INESISTENTE"]
    assert "_IUV" in codes(Regole(NONE, "02", are_15_admitted=False), codIuv=iuv)
    assert "_IUV" in codes(Regole(NONE, "01", are_15_admitted=True), codIuv=iuv)
    assert codes(Regole(None, None, are_15_admitted=True), codIuv=iuv) == []
    assert codes(Regole(None, None, are_15_admitted=False), codIuv=iuv) == ["_IUV"]


def test_without_a_database_what_an_ente_decides_is_not_asked() -> None:
    regole = Regole(None, None, are_15_admitted=False)

    assert codes(regole, tipoDovuto="QUALUNQUE", codiceIdentificativoUnivoco="ANONIMO", codIuv=own_iuv(1, 7)) == []
    assert codes(regole, tipoDovuto="MARCA_BOLLO_DIGITALE") == ["_TIPO_DOVUTO_NON_VALIDO_MARCA_DA_BOLLO"]


def test_a_refused_amount_is_shown_as_it_is_written(regole: Regole) -> None:
    assert [scarto.valore for scarto in regole(make(importoDovuto="-5.00"))] == ["-5.00"]
