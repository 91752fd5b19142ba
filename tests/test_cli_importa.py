"""The configuration of another hub is taken over whole, or not at all, and no number is issued twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.domain.iuv import build_iuv
from hub.formats.configurazione_mypay import read_tabelle
from hub.formats.segreti import Cassaforte
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.usecases.import_config import import_config, passwords_of
from tests.test_cli import Shell
from tests.test_cli_operatore import may_enter

STAZIONE = "12345678903_01"
IBAN = "IT60X0542811101000000123456"
ENTI = (
    "mygov_ente_id;cod_ipa_ente;codice_fiscale_ente;de_nome_ente;cd_stato_ente;application_code;"
    "cod_rp_dati_vers_dati_sing_vers_iban_accredito;de_password;lingua_aggiuntiva;"
    "de_rp_ente_benef_indirizzo_beneficiario;de_rp_ente_benef_civico_beneficiario;de_rp_ente_benef_email_beneficiario"
)
UNO = f"7;C_UNO;12345678903;Comune Uno;ESERCIZIO;1;{IBAN};Segreto12345;de;Via Roma;3;tributi@uno.example"
TIPI = (
    "mygov_ente_id;cod_tipo;de_tipo;cod_tassonomico;flg_attivo;flg_cf_anonimo;importo;spontaneo;"
    "flg_scadenza_obbligatoria"
)


@pytest.fixture
def shell(database_url: str) -> Shell:
    return Shell(database_url)


@pytest.fixture
def cartella(shell: Shell, tmp_path: Path) -> Path:
    """A folder with the tables of one ente, and its station configured."""
    stazioni = tmp_path / "stazioni.yaml"
    stazioni.write_text(f'stazioni: [{{id: "{STAZIONE}", intermediario: "12345678903", password: password01}}]')
    shell.good("config", "apply", str(stazioni))
    folder = tmp_path / "tabelle"
    folder.mkdir()
    (folder / "enti.csv").write_text(f"{ENTI}\n{UNO}\n", encoding="utf-8-sig")
    (folder / "tipi.csv").write_text(
        f"{TIPI}\n7;TARI;Tassa rifiuti;9/0101101IM/;t;f;;f;t\n7;CARTA;Carta d'identità;9/0105107TS/;t;t;22,2;t;f\n"
    )
    (folder / "contatori.csv").write_text("cod_ipa_ente,generatore,progressivo\nC_UNO,IUV17,41\nC_UNO,IUV25,900\n")
    return folder


def run(cartella: Path, *more: str) -> tuple[str, ...]:
    return ("config", "import", str(cartella), "--stazione", STAZIONE, *more)


def drawn(shell: Shell, codice_fiscale: str = "12345678903", segregazione: str = "01") -> str:
    db = Database.open(shell.url)
    try:
        return IuvBlocks(db, 1).draw(codice_fiscale, segregazione)
    finally:
        db.close()


def test_an_ente_comes_with_its_tipi_and_issues_the_number_after_the_last(shell: Shell, cartella: Path) -> None:
    shell.good(*run(cartella, "--margine", "0"))

    ente = json.loads(shell.good("ente", "show", "C_UNO", "--json"))
    assert (ente["nome"], ente["stato"], ente["codice_segregazione"]) == ("Comune Uno", "ESERCIZIO", "01")
    assert ente["contatti"] == {"indirizzo": "Via Roma 3", "mail": "tributi@uno.example"}
    tipi = {tipo["codice"]: tipo for tipo in ente["tipi"]}
    assert (tipi["CARTA"]["importo"], tipi["CARTA"]["anonimo"]) == ("22.20", True)
    listed = {tipo["codice"]: tipo for tipo in json.loads(shell.good("tipo", "list", "C_UNO", "--json"))}
    assert listed["TARI"]["modalita"] == ["flussi", "ipe"] and listed["CARTA"]["modalita"] == ["base", "flussi", "ipe"]
    assert drawn(shell) == build_iuv(1, 42)


def test_a_trial_tells_and_writes_nothing(shell: Shell, cartella: Path) -> None:
    told = shell.good(*run(cartella, "--prova"))

    assert "aggiunge ente C_UNO" in told and "almeno 10042" in told and "non è stato scritto nulla" in told
    assert json.loads(shell.good("ente", "list", "--json")) == []
    assert drawn(shell) == build_iuv(1, 1)


def test_a_second_time_nothing_changes_and_no_counter_goes_back(shell: Shell, cartella: Path) -> None:
    shell.good(*run(cartella))
    first = drawn(shell)

    told = shell.good(*run(cartella, "--margine", "0"))

    assert "nessun cambiamento" in told
    assert first == build_iuv(1, 10_042) and drawn(shell) == build_iuv(1, 10_043)


def test_the_highest_iuv_counts_and_enti_of_one_tax_code_share_it(shell: Shell, cartella: Path) -> None:
    due = UNO.replace("7;C_UNO", "8;C_DUE", 1)
    (cartella / "enti.csv").write_text(f"{ENTI}\n{UNO}\n{due}\n")
    own, other = "01110000000000072", build_iuv(2, 999)
    issued = [build_iuv(1, 70), build_iuv(1, 69), own, other, "100000000000185"]
    (cartella / "iuv.csv").write_text("mygov_ente_id\tiuv\n" + "".join(f"8\t{iuv}\n" for iuv in issued))

    told = shell.bad(*run(cartella, "--margine", "0"))
    assert "iuv.csv riga 4" in told and own in told  # its check digits are wrong
    text = (cartella / "iuv.csv").read_text().replace(f"8\t{own}\n", "")
    (cartella / "iuv.csv").write_text(text)
    said = json.loads(shell.good(*run(cartella, "--margine", "0", "--json")))

    assert said["prossimi"] == {"C_UNO": 71, "C_DUE": 71}
    assert drawn(shell) == build_iuv(1, 71)


def test_an_ente_without_a_counter_is_refused_unless_it_never_issued(shell: Shell, cartella: Path) -> None:
    (cartella / "contatori.csv").unlink()

    assert "C_UNO" in (told := shell.bad(*run(cartella))) and "--senza-contatori" in told
    assert json.loads(shell.good("ente", "list", "--json")) == []
    shell.good(*run(cartella, "--senza-contatori"))
    assert drawn(shell) == build_iuv(1, 1)


def test_a_counter_that_no_iuv_could_reach_is_refused(shell: Shell, cartella: Path) -> None:
    (cartella / "contatori.csv").write_text("cod_ipa_ente;generatore;progressivo\nC_UNO;IUV17;0999999999999\n")

    assert "contatori.csv riga 2" in shell.bad(*run(cartella, "--prova"))


def test_operators_get_a_password_once_and_a_name_for_each_ente(shell: Shell, cartella: Path) -> None:
    due = UNO.replace("7;C_UNO;12345678903", "8;C_DUE;98765432103", 1)
    (cartella / "enti.csv").write_text(f"{ENTI}\n{UNO}\n{due}\n")
    (cartella / "contatori.csv").write_text("cod_ipa_ente;generatore;progressivo\nC_UNO;IUV17;1\nC_DUE;IUV17;2\n")
    (cartella / "operatori.csv").write_text(
        "cod_ipa_ente;email;ruolo\nC_UNO;Ada@uno.example;A\nC_DUE;ada@uno.example;\n"
    )

    said = json.loads(shell.good(*run(cartella, "--json")))

    assert sorted(said["password"]) == ["ada@uno.example", "ada@uno.example.c_due"]
    assert all(may_enter(shell, nome, password) for nome, password in said["password"].items())
    assert said["lasciate"] == {"enti.csv, lingua_aggiuntiva": 2, "operatori.csv, ruolo": 1}
    assert json.loads(shell.good(*run(cartella, "--json")))["password"] == {}


def test_the_passwords_that_take_the_time_are_counted_on_stderr_but_not_beside_json(
    shell: Shell, cartella: Path
) -> None:
    (cartella / "operatori.csv").write_text("cod_ipa_ente;email;ruolo\nC_UNO;ada@uno.example;\n")
    tabelle, done = read_tabelle(cartella, STAZIONE), list[int]()
    db = Database.open(shell.url)
    try:
        import_config(
            db, tabelle, STAZIONE, Cassaforte("k" * 64), datetime.now(UTC), is_trial=True, margine=0,
            on_password=lambda: done.append(1),
        )  # fmt: skip
    finally:
        db.close()
    assert len(done) == passwords_of(tabelle, is_trial=True) == 1
    assert passwords_of(tabelle, is_trial=False) == 2

    told = shell.run(*run(cartella))
    again = shell.run(*run(cartella, "--json"))

    assert (told.exit_code, again.exit_code) == (0, 0)
    assert "password: 2 da preparare" in told.stderr and "password: 2" not in told.stdout
    assert "da preparare" not in again.stderr and json.loads(again.stdout)["differenze"] == []


def test_every_problem_is_told_at_once_with_file_line_and_column_and_nothing_is_written(
    shell: Shell, cartella: Path
) -> None:
    bad = UNO.replace(IBAN, "IT00X").replace("Segreto12345", "corta").replace("C_UNO;12345678903", "C_UNO;12345678900")
    (cartella / "enti.csv").write_text(f"{ENTI}\n{bad}\n")
    (cartella / "tipi.csv").write_text(
        f"{TIPI}\n7;TARI;Tassa;9/0101101IM/;forse;f;;f;t\n9;X;X;;f;f;;f;f\n7;MULTE;Multe;;t;f;1,234;f;t\n"
    )
    (cartella / "contatori.csv").write_text("cod_ipa_ente;generatore;progressivo\nC_UNO;IUV17;molti\n")

    told = shell.bad(*run(cartella))

    for place in (
        "enti.csv riga 2, codice_fiscale_ente:",
        "enti.csv riga 2, cod_rp_dati_vers_dati_sing_vers_iban_accredito:",
        "enti.csv riga 2, de_password:",
        "tipi.csv riga 2, flg_attivo: 'forse'",
        "tipi.csv riga 3: l'ente 9 non è in enti.csv",
        "tipi.csv riga 4, importo:",
        "tipi.csv riga 4, cod_tassonomico: manca",
        "contatori.csv riga 2: progressivo 'molti'",
    ):
        assert place in told, told
    assert "corta" not in told
    assert json.loads(shell.good("ente", "list", "--json")) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "mancano le colonne"),
        (b"cod_ipa_ente;codice_fiscale_ente;application_code\nC_\xe0;1;1\n", "0xe0"),
        (b'cod_ipa_ente;codice_fiscale_ente;application_code\n"C_UNO;1;1\n', "non è CSV"),
        (b"cod_ipa_ente;codice_fiscale_ente;application_code\nC_UNO;1\n", "ha 2 colonne"),
        (b"cod_ipa_ente;cod_ipa_ente;codice_fiscale_ente;application_code\n", "due volte"),
        (b"cod_ipa_ente;codice_fiscale_ente;application_code\n" + b"x" * 3_000_000 + b";1;1\n", "campo troppo lungo"),
        (b"cod_ipa_ente;codice_fiscale_ente;application_code\nC_\x00;1;1\n", "enti.csv riga 2"),
        (f"{ENTI}\n{UNO}\n{UNO}\n".encode(), "C_UNO c'è già"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(shell: Shell, cartella: Path, data: bytes, said: str) -> None:
    (cartella / "enti.csv").write_bytes(data)

    assert said in shell.bad(*run(cartella))


def test_a_folder_without_enti_or_a_station_that_is_not_there_is_refused(shell: Shell, cartella: Path) -> None:
    assert "12345678903_09" in shell.bad("config", "import", str(cartella), "--stazione", "12345678903_09")
    (cartella / "enti.csv").unlink()
    assert "enti.csv: manca" in shell.bad(*run(cartella))
