"""Configuration: plan says what apply does, apply does it once, export gives it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from hub.domain.configurazione import INVARIATO, Applicazione, Configurazione, ConfigurazioneNonValida, Ente, Tipo
from hub.domain.errors import Conflict, InvalidRequest, NotFound
from hub.formats.configurazione import read_configurazione, render_configurazione
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte, verify_password
from hub.store import credenziali, depositati, enti, stazioni, tipi
from hub.store.database import Database
from hub.usecases.add_ente import add_ente, add_tipo
from hub.usecases.apply_config import apply, plan
from hub.usecases.change_credenziale import add_credenziale, new_password, revoke_credenziale, rotate_credenziale
from hub.usecases.export_config import export_config

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CASSAFORTE = Cassaforte("9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2)


@pytest.fixture(scope="module")
def demo() -> Configurazione:
    return read_configurazione(resource("examples", "demo.yaml").read_bytes())


@pytest.fixture
def configured(db: Database, demo: Configurazione) -> Database:
    apply(db, demo, CASSAFORTE, NOW)
    return db


def _with_ente(demo: Configurazione, change: Callable[[Ente], Ente]) -> Configurazione:
    return replace(demo, enti=(change(demo.enti[0]),))


def _passwords(db: Database, applicazione: str | None, clear: str, now: datetime = LATER) -> int:
    """Count the credentials in force that this password opens."""
    with db.reading() as session:
        ente = enti.by_cod_ipa(session, "C_PROVA")
        rows = credenziali.attive(session, ente.id, now)
    return sum(row.applicazione == applicazione and verify_password(row.hash, clear) for row in rows)


def test_plan_writes_nothing(db: Database, demo: Configurazione) -> None:
    found = plan(db, demo, CASSAFORTE, NOW)

    assert {difference.azione for difference in found} == {"aggiunge"}
    with db.reading() as session:
        assert not enti.all_rows(session)


def test_apply_does_what_plan_said_and_a_second_time_nothing(db: Database, demo: Configurazione) -> None:
    planned = plan(db, demo, CASSAFORTE, NOW)

    assert apply(db, demo, CASSAFORTE, NOW) == planned
    assert apply(db, demo, CASSAFORTE, LATER) == []


def test_an_ente_keeps_its_tax_code_once_it_has_dovuti(configured: Database, demo: Configurazione) -> None:
    moved = _with_ente(demo, lambda ente: replace(ente, codice_fiscale="00488410010"))
    assert "codice_fiscale" in {difference.campo for difference in plan(configured, moved, CASSAFORTE, NOW)}
    with configured.transaction() as session:
        depositati.add(
            session, id="a", ente_id=1, dominio="12345678903", posizione=1, iud="A", tipo="TARI", importo_cent=1,
            causale="x", dati_specifici="9/0101101IM/", stato="INSERIMENTO_DOVUTO", created_at=NOW, updated_at=NOW,
        )  # fmt: skip

    with pytest.raises(ConfigurazioneNonValida, match="ha già dovuti"):
        apply(configured, moved, CASSAFORTE, NOW)

    assert apply(configured, demo, CASSAFORTE, NOW) == []


def test_secrets_are_not_kept_in_clear(configured: Database) -> None:
    with configured.reading() as session:
        stazione = stazioni.by_id(session, "12345678903_01")
        rows = credenziali.attive(session, enti.by_cod_ipa(session, "C_PROVA").id, NOW)

    assert "password01" not in stazione.password_cifrata
    assert CASSAFORTE.open(stazione.password_cifrata) == "password01"
    assert all(row.hash.startswith("$argon2id$") for row in rows)


def test_what_is_exported_applies_without_change(configured: Database) -> None:
    text = render_configurazione(export_config(configured, LATER))

    assert "Segreto12345" not in text and "password01" not in text
    assert apply(configured, read_configurazione(text.encode()), CASSAFORTE, LATER) == []


def test_the_switches_of_ente_and_tipo_go_there_and_back(configured: Database, demo: Configurazione) -> None:
    tipo = Tipo("NUOVO", "Nuovo", tassonomia="9/0101101IM/", stampa_data_scadenza=False)
    switched = {
        "quota_secondaria": "inclusa", "esito_carrello": "codice", "import_ripetuto": "riconosciuto",
        "codice_convenzione": "CONV_01",
    }  # fmt: skip
    wanted = _with_ente(demo, lambda ente: replace(ente, **switched, tipi=(tipo,)))

    apply(configured, wanted, CASSAFORTE, LATER)

    (ente,) = read_configurazione(render_configurazione(export_config(configured, LATER)).encode()).enti
    switches = (ente.quota_secondaria, ente.esito_carrello, ente.import_ripetuto)
    assert switches == ("inclusa", "codice", "riconosciuto") and ente.codice_convenzione == "CONV_01"
    assert ente.tipi is not None
    assert {one.codice: one.stampa_data_scadenza for one in ente.tipi}["NUOVO"] is False


def test_the_limit_of_uploads_goes_there_and_back_and_away(configured: Database, demo: Configurazione) -> None:
    apply(configured, _with_ente(demo, lambda ente: replace(ente, flusso_bytes_max=100_000_000)), CASSAFORTE, LATER)

    (ente,) = read_configurazione(render_configurazione(export_config(configured, LATER)).encode()).enti
    assert ente.flusso_bytes_max == 100_000_000
    (gone,) = apply(configured, demo, CASSAFORTE, LATER)
    assert (gone.campo, gone.dopo) == ("flusso_bytes_max", "")


def test_a_changed_field_is_one_difference(configured: Database, demo: Configurazione) -> None:
    wanted = _with_ente(demo, lambda ente: replace(ente, nome="Comune di Prova Alta"))

    (difference,) = apply(configured, wanted, CASSAFORTE, LATER)

    assert str(difference) == "modifica ente C_PROVA: nome Comune di Prova -> Comune di Prova Alta"
    with configured.reading() as session:
        assert enti.by_cod_ipa(session, "C_PROVA").nome == "Comune di Prova Alta"


def test_a_new_password_shuts_the_old_one_out(configured: Database, demo: Configurazione) -> None:
    found = apply(configured, _with_ente(demo, lambda ente: replace(ente, password="Nuovo123456")), CASSAFORTE, LATER)

    assert "Nuovo123456" not in str(found)
    assert (_passwords(configured, None, "Nuovo123456"), _passwords(configured, None, "Segreto12345")) == (1, 0)


def test_a_mypivot_password_is_kept_as_a_hash_and_stays_when_it_is_not_spoken_of(
    configured: Database, demo: Configurazione
) -> None:
    wanted = _with_ente(demo, lambda ente: replace(ente, password_mypivot="Mypivot12345"))

    (difference,) = apply(configured, wanted, CASSAFORTE, LATER)

    assert (difference.campo, difference.dopo) == ("password_mypivot", INVARIATO)
    with configured.reading() as session:
        hash = enti.by_cod_ipa(session, "C_PROVA").password_mypivot_hash
    assert hash is not None and hash.startswith("$argon2id$") and verify_password(hash, "Mypivot12345")
    for again in (wanted, demo, _with_ente(demo, lambda ente: replace(ente, password_mypivot=INVARIATO))):
        assert apply(configured, again, CASSAFORTE, LATER) == []
    assert export_config(configured, LATER)["enti"][0]["password_mypivot"] == INVARIATO


def test_the_administrator_moves_from_one_ente_to_another(configured: Database, demo: Configurazione) -> None:
    (first,) = demo.enti
    second = replace(first, cod_ipa_ente="C_VICINO", nome="Comune Vicino")

    def administrators(*enti_wanted: Ente) -> list[str]:
        apply(configured, replace(demo, enti=enti_wanted), CASSAFORTE, LATER)
        with configured.reading() as session:
            return [row.cod_ipa_ente for row in enti.all_rows(session) if row.amministratore]

    assert administrators(first, second) == []
    assert administrators(replace(first, amministratore=True), second) == ["C_PROVA"]
    assert export_config(configured, LATER)["enti"][0]["amministratore"] is True
    assert administrators(replace(second, amministratore=True), first) == ["C_VICINO"]
    with pytest.raises(ConfigurazioneNonValida, match="amministratore è già C_VICINO"):
        administrators(replace(first, amministratore=True))


def test_the_database_admits_one_administrator(configured: Database, demo: Configurazione) -> None:
    second = replace(demo.enti[0], cod_ipa_ente="C_VICINO", amministratore=True)
    apply(configured, replace(demo, enti=(*demo.enti, second)), CASSAFORTE, LATER)

    with pytest.raises(IntegrityError), configured.transaction() as session:
        enti.change(session, enti.by_cod_ipa(session, "C_PROVA").id, amministratore=True)


def test_an_application_left_out_is_revoked_and_a_tipo_switched_off(configured: Database, demo: Configurazione) -> None:
    def without(ente: Ente) -> Ente:
        assert ente.tipi is not None
        return replace(ente, applicazioni=(), tipi=ente.tipi[1:])

    found = apply(configured, _with_ente(demo, without), CASSAFORTE, LATER)

    assert sorted(difference.azione for difference in found) == ["disattiva", "revoca"]
    assert _passwords(configured, "tributi", "TributiSegr1") == 0
    with configured.reading() as session:
        tipo = tipi.find(session, enti.by_cod_ipa(session, "C_PROVA").id, "TARI")
    assert tipo is not None and not tipo.attivo


def test_what_the_file_does_not_speak_of_stays(configured: Database, demo: Configurazione) -> None:
    silent = _with_ente(demo, lambda ente: replace(ente, password=None, applicazioni=None, tipi=None))

    assert apply(configured, silent, CASSAFORTE, LATER) == []
    assert [difference.azione for difference in apply(configured, Configurazione(), CASSAFORTE, LATER)] == [
        "lascia"
    ] * 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ente: replace(ente, password=INVARIATO), "non è ancora registrata"),
        (lambda ente: replace(ente, applicazioni=(Applicazione("x", INVARIATO),)), "non è ancora registrata"),
        (lambda ente: replace(ente, password_mypivot=INVARIATO), "password_mypivot .* non è ancora registrata"),
        (lambda ente: replace(ente, password=None, applicazioni=()), "nessuna credenziale"),
    ],
)
def test_a_configuration_that_cannot_work_writes_nothing(
    db: Database, demo: Configurazione, change: Callable[[Ente], Ente], words: str
) -> None:
    with pytest.raises(ConfigurazioneNonValida, match=words):
        apply(db, _with_ente(demo, change), CASSAFORTE, NOW)

    with db.reading() as session:
        assert not stazioni.all_rows(session)


def test_another_secret_key_seals_the_station_again(configured: Database, demo: Configurazione) -> None:
    other = Cassaforte("0123456789abcdef" * 4)

    (difference,) = apply(configured, demo, other, LATER)

    assert difference.campo == "password"
    with configured.reading() as session:
        assert other.open(stazioni.by_id(session, "12345678903_01").password_cifrata) == "password01"


def test_a_rotation_leaves_the_old_password_for_a_while(configured: Database) -> None:
    nuova = new_password()
    clear = nuova.chiaro or ""

    rotate_credenziale(configured, "C_PROVA", "tributi", nuova, timedelta(hours=24), NOW)

    assert (_passwords(configured, "tributi", clear), _passwords(configured, "tributi", "TributiSegr1")) == (1, 1)
    tomorrow = NOW + timedelta(hours=25)
    assert _passwords(configured, "tributi", "TributiSegr1", tomorrow) == 0
    assert _passwords(configured, "tributi", clear, tomorrow) == 1


def test_a_rotation_keeps_what_the_application_may_do(configured: Database) -> None:
    rotate_credenziale(configured, "C_PROVA", "tributi", new_password(), timedelta(0), NOW)

    (applicazione,) = export_config(configured, LATER)["enti"][0]["applicazioni"]
    assert applicazione["tipi"] == ["TARI", "MULTE"]


def test_a_drawn_password_fits_the_contract(configured: Database) -> None:
    nuova = new_password()
    add_credenziale(configured, "C_PROVA", "anagrafe", nuova, None, None, NOW)

    assert nuova.chiaro and len(nuova.chiaro) == 15
    assert _passwords(configured, "anagrafe", nuova.chiaro) == 1


def test_a_revoked_credential_is_shut_out_at_once(configured: Database) -> None:
    assert revoke_credenziale(configured, "C_PROVA", "tributi", NOW) == 1

    assert _passwords(configured, "tributi", "TributiSegr1") == 0


def test_credentials_of_nobody_are_refused(configured: Database) -> None:
    with pytest.raises(NotFound, match="C_NIENTE"):
        add_credenziale(configured, "C_NIENTE", None, new_password(), None, None, NOW)
    with pytest.raises(NotFound, match="anagrafe"):
        revoke_credenziale(configured, "C_PROVA", "anagrafe", NOW)
    with pytest.raises(Conflict, match="rotate"):
        add_credenziale(configured, "C_PROVA", "tributi", new_password(), None, None, NOW)
    with pytest.raises(InvalidRequest, match="IMU"):
        add_credenziale(configured, "C_PROVA", "anagrafe", new_password(), ("IMU",), None, NOW)


def test_an_ente_and_a_tipo_are_added_once(configured: Database, demo: Configurazione) -> None:
    ente = replace(demo.enti[0], cod_ipa_ente="C_VICINO", nome="Comune Vicino", password="Segreto54321")

    add_ente(configured, ente, NOW)
    add_tipo(configured, "C_VICINO", Tipo("TARI", "Tassa rifiuti", "9/0101101IM/"))

    with pytest.raises(Conflict, match="C_VICINO"):
        add_ente(configured, ente, NOW)
    with pytest.raises(Conflict, match="TARI"):
        add_tipo(configured, "C_VICINO", Tipo("TARI", "Tassa rifiuti", "9/0101101IM/"))
    with pytest.raises(NotFound, match="stazione 12345678903_09"):
        add_ente(configured, replace(ente, cod_ipa_ente="C_ALTRO", stazione="12345678903_09"), NOW)
