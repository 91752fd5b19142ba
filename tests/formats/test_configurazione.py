"""The configuration file: every problem with its path, no secret in a refusal."""

from __future__ import annotations

import pytest

from hub.domain.configurazione import MODALITA, OPERAZIONI, ConfigurazioneNonValida
from hub.domain.stati import StatoEnte
from hub.formats.configurazione import SIZE_MAX_BYTES, read_configurazione, render_configurazione
from hub.formats.resources import resource
from hub.formats.xml import parse

GOOD = """
stazioni:
  - {id: "12345678903_01", intermediario: "12345678903", password: password01}
enti:
  - codIpaEnte: C_PROVA
    codice_fiscale: "12345678903"
    nome: Comune di Prova
    stato: PRE-ESERCIZIO
    stazione: "12345678903_01"
    codice_segregazione: "01"
    iban: it60 X054 2811 1010 0000 0123 456
    password: Segreto12345
    applicazioni:
      - {nome: tributi, password: TributiSegr1, tipi: [TARI], operazioni: ["*"]}
    tipi:
      - {codice: TARI, descrizione: Tassa rifiuti, tassonomia: 9/0101101IM/, importo: "16.00"}
"""


def _problems(text: str | bytes) -> dict[str, str]:
    with pytest.raises(ConfigurazioneNonValida) as refusal:
        read_configurazione(text.encode() if isinstance(text, str) else text)
    return dict(refusal.value.problems)


def test_a_good_file_becomes_words() -> None:
    configurazione = read_configurazione(GOOD.encode())

    (ente,) = configurazione.enti
    assert ente.stato is StatoEnte.PRE_ESERCIZIO
    assert ente.iban == "IT60X0542811101000000123456"
    assert ente.tipi is not None and (ente.tipi[0].modalita, ente.tipi[0].importo_cent) == (MODALITA, 1600)
    assert ente.applicazioni is not None
    assert (ente.applicazioni[0].tipi, ente.applicazioni[0].operazioni) == (("TARI",), None)


def test_the_file_of_the_demo_is_good() -> None:
    configurazione = read_configurazione(resource("examples", "demo.yaml").read_bytes())

    assert configurazione.enti[0].tipi is not None
    assert [tipo.codice for tipo in configurazione.enti[0].tipi] == ["TARI", "MENSA", "ZTL", "MULTE"]


@pytest.mark.parametrize(
    ("good", "bad", "path", "words"),
    [
        ("nome: Comune di Prova", "nome: ''", "enti[0].nome", "non ammesso"),
        ("nome: Comune di Prova", "nome: P\n    flusso_bytes_max: 10", "enti[0].flusso_bytes_max", "fra 65536 e"),
        ("nome: Comune di Prova", "nome: P\n    flusso_bytes_max: 10 MB", "enti[0].flusso_bytes_max", "intero"),
        ("codIpaEnte: C_PROVA", "codIpaEnte: c-prova", "enti[0].codIpaEnte", "maiuscole"),
        ('codice_fiscale: "12345678903"', "codice_fiscale: 12345678903", "enti[0].codice_fiscale", "fra virgolette"),
        ('codice_fiscale: "12345678903"', 'codice_fiscale: "12345678900"', "enti[0].codice_fiscale", "11 cifre"),
        ('segregazione: "01"', "segregazione: 01", "enti[0].codice_segregazione", "fra virgolette"),
        ("PRE-ESERCIZIO", "ATTIVO", "enti[0].stato", "uno fra INSERITO"),
        ("0123 456", "0123 457", "enti[0].iban", "cifre di controllo"),
        ("    iban:", "    quota_secondaria: tolta\n    iban:", "enti[0].quota_secondaria", "uno fra originale"),
        ("    iban:", "    password_mypivot: corta\n    iban:", "enti[0].password_mypivot", "da 8 a 100"),
        ("    iban:", "    amministratore: forse\n    iban:", "enti[0].amministratore", "true o false"),
        ("    iban:", "    import_ripetuto: si\n    iban:", "enti[0].import_ripetuto", "uno fra rifiutato"),
        ("    iban:", "    codice_convenzione: CONV\n    iban:", "enti[0].codice_convenzione", "da 5 a 35"),
        ("    iban:", "    esito_carrello: testo\n    iban:", "enti[0].esito_carrello", "uno fra descrizione"),
        ('importo: "16.00"', "stampa_data_scadenza: 1", "enti[0].tipi[0].stampa_data_scadenza", "true o false"),
        ("iban:", "ibn:", "enti[0].ibn", "chiave sconosciuta (forse iban)"),
        ('stazione: "12345678903_01"', 'stazione: "12345678903_02"', "enti[0].stazione", "non è fra le stazioni"),
        ("tipi: [TARI]", "tipi: [TARES]", "enti[0].applicazioni[0].tipi", "TARES non è fra i tipi"),
        ('operazioni: ["*"]', "operazioni: [paaSILInviaDovut]", "enti[0].applicazioni[0].operazioni", "forse paaSIL"),
        ("tassonomia: 9/0101101IM/, ", "", "enti[0].tipi[0].tassonomia", "non può essere attivo"),
        ("9/0101101IM/", "5/0101101IM/", "enti[0].tipi[0].tassonomia", "non ammesso"),
        ('importo: "16.00"', "importo: 16.00", "enti[0].tipi[0].importo", "fra virgolette"),
        ("password: password01", "password: breve", "stazioni[0].password", "da 8 a 15"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(good: str, bad: str, path: str, words: str) -> None:
    assert good in GOOD

    problems = _problems(GOOD.replace(good, bad, 1) if good != "iban:" else GOOD.replace("    iban:", "    ibn:"))

    assert words in problems[path]


def test_all_the_problems_come_together() -> None:
    problems = _problems("stazioni: [{}]\nenti: [{tipi: [{}], applicazioni: [7]}]\nextra: 1\n")

    for path in ("extra", "stazioni[0].id", "enti[0].codIpaEnte", "enti[0].tipi[0].codice", "enti[0].applicazioni[0]"):
        assert path in problems


def test_the_same_ente_twice_is_refused() -> None:
    twice = GOOD + GOOD[GOOD.index("  - codIpaEnte") :]

    assert "è già in enti[0]" in _problems(twice)["enti[1].codIpaEnte"]


def test_two_administrators_are_refused() -> None:
    good = GOOD.replace("    iban:", "    amministratore: true\n    iban:")
    two = good + good[good.index("  - codIpaEnte") :].replace("C_PROVA", "C_VICINO")

    assert "uno solo, ed è già in enti[0]" in _problems(two)["enti[1].amministratore"]


def test_no_secret_gets_into_a_refusal() -> None:
    text = GOOD.replace("Segreto12345", "' spazi ai bordi '").replace("TributiSegr1", "corta").replace("nome:", "nme:")

    assert not {"spazi ai bordi ", "corta"} & set(str(_problems(text)).split("'"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "attese chiavi e valori"),
        (b"- 1", "attese chiavi e valori"),
        (b"\xff\xfe\x00", "non in UTF-8"),
        (b"enti: [", "non ben formato"),
        (b"a: &x [1]\nb: [*x, *x]", "alias"),
        (b"[" * 100_000, "livelli"),
        (b"enti: []\nenti: []", "ripetuta"),
        (b"!!python/object/apply:os.system ['true']", "non ben formato"),
        (b"? [a]\n: 1", "non ben formato"),
        (b" " * (SIZE_MAX_BYTES + 1), "troppo grande"),
    ],
)
def test_a_hostile_file_is_a_sentence(data: bytes, words: str) -> None:
    assert words in str(_problems(data))


def test_the_operations_are_those_of_the_contract() -> None:
    wsdl = parse(resource("wsdl", "pa-per-ente.wsdl").read_bytes())
    names = wsdl.findall(".//{http://schemas.xmlsoap.org/wsdl/}portType/{http://schemas.xmlsoap.org/wsdl/}operation")

    assert {str(name.get("name")) for name in names} == set(OPERAZIONI)


def test_the_rendered_text_reads_back_the_same() -> None:
    values = {"stazioni": [], "enti": [{"codice_segregazione": "01", "nome": "Forlì", "attivo": True}]}

    assert "Forlì" in render_configurazione(values)
    assert "codice_segregazione: '01'" in render_configurazione(values)
