"""The page of the sandbox: who sees what, what is shown is text, files, faults of the node, all data forgotten."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from hub.domain.prove_nodo import PROVE
from hub.store import azzeramento, chiamate_sandbox, schema
from hub.store.anagrafe import Anagrafe
from hub.store.schema import metadata
from hub.usecases.authenticate import Callers
from hub.usecases.operatori import revoke_operatore
from tests.sandbox.pagina import PASSWORD_OPERATORE, Visita, add_operator, simulated_node
from tests.sandbox.test_registrazione import SOAP, chiedi, kept
from tests.soap.zeep_client import open_door
from tests.world import PASSWORD_REFEZIONE, PASSWORDS, World


def lay(world: World, ente: str | None = "C_PROVA", **values: Any) -> int:
    """A call as the hub keeps it; its number."""
    row: dict[str, Any] = {
        "istante": world.clock(), "applicazione": None, "cod_ipa_ente": ente, "canale": "ENTE",
        "operazione": "paaSILInviaDovuti", "richiesta": b"<a/>", "risposta": b"<b/>", "stato_http": 200, "esito": "OK",
        "durata_us": 1500, "correlazione": "c" * 32, "spiegazione": "Va bene.",
    }  # fmt: skip
    with world.db.transaction() as session:
        return chiamate_sandbox.add(session, **row | values)


def as_operator(world: World) -> Visita:
    add_operator(world)
    visita = Visita(world)
    assert visita.enter("olga", PASSWORD_OPERATORE).status_code == 303
    return visita


def as_ente(world: World, ente: str = "C_PROVA", password: str | None = None) -> Visita:
    visita = Visita(world)
    assert visita.enter(ente, password or PASSWORDS[ente]).status_code == 303
    return visita


def test_outside_of_a_sandbox_there_is_no_such_page(small_world: World) -> None:
    visita = Visita(small_world)

    paths = ("/sandbox", "/sandbox/accesso", "/sandbox/chiamate.json", "/sandbox/chiamate/1")
    assert [visita.get(path).status_code for path in paths] == [404] * 4
    assert "Sandbox di prova" not in visita.get("/console/accesso").text


def test_every_page_of_a_sandbox_says_what_it_is(piccolo: World) -> None:
    visita = Visita(piccolo)

    for path in ("/sandbox/accesso", "/console/accesso", "/paga/00000000-0000-4000-8000-000000000001"):
        assert "Sandbox di prova: nessun pagamento è vero." in visita.get(path).text


def test_nobody_looks_without_having_entered(piccolo: World) -> None:
    number, visita = lay(piccolo), Visita(piccolo)

    for path in ("", "/chiamate.json", "/chiamate.zip", f"/chiamate/{number}", f"/chiamate/{number}.zip"):
        answer = visita.get("/sandbox" + path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sandbox/accesso")
    assert visita.enter("C_PROVA", "sbagliata").status_code == 401
    assert visita.enter("C_NESSUNO", PASSWORDS["C_PROVA"]).status_code == 401
    assert visita.get("/sandbox").status_code == 303


@pytest.mark.parametrize("nome", ["C_PROVA", "nessuno"])
def test_who_guesses_is_slowed(piccolo: World, nome: str) -> None:
    few = replace(piccolo.runtime, callers=Callers(piccolo.runtime.callers.anagrafe, 2))
    piccolo.runtime = replace(few, config=few.config.model_copy(update={"auth_failures_max": 2}))
    visita = Visita(piccolo)

    assert [visita.enter(nome, f"sbagliata {n}").status_code for n in range(3)] == [401, 401, 429]


def test_an_ente_sees_its_own_calls_alone(banco: World) -> None:
    own, other, nobody = lay(banco), lay(banco, "C_VICINO", operazione="paaSILVicino"), lay(banco, None)
    visita = as_ente(banco)

    page = visita.get("/sandbox").text
    assert f'data-id="{own}"' in page and f'data-id="{other}"' not in page and "paaSILVicino" not in page
    assert [one["id"] for one in json.loads(visita.get("/sandbox/chiamate.json?dopo=0").text)["chiamate"]] == [own]
    for number in (other, nobody, 2**63 + 1):
        for path in ("", ".zip", "/richiesta", "/risposta"):
            assert visita.get(f"/sandbox/chiamate/{number}{path}").status_code == 404
    with zipfile.ZipFile(io.BytesIO(visita.get("/sandbox/chiamate.zip").data)) as zipped:
        assert {name.split("/")[0] for name in zipped.namelist()} == {f"{own:08d}-paaSILInviaDovuti"}


def test_an_application_enters_for_its_ente_whatever_it_may_call(piccolo: World) -> None:
    other, own = lay(piccolo), lay(piccolo, "C_VICINO")
    with piccolo.db.transaction() as session:
        of_refezione = schema.credenziali.c.applicazione == "refezione"
        session.execute(schema.credenziali.update().where(of_refezione).values(operazioni=["paaSILVerificaAvviso"]))

    visita = as_ente(piccolo, "C_VICINO", PASSWORD_REFEZIONE)

    page = visita.get("/sandbox").text
    assert "C_VICINO, applicazione refezione" in page
    assert f'data-id="{own}"' in page and f'data-id="{other}"' not in page


def test_who_entered_is_out_when_the_credential_is(piccolo: World) -> None:
    ente, operatore = as_ente(piccolo, "C_VICINO", PASSWORD_REFEZIONE), as_operator(piccolo)
    with piccolo.db.transaction() as session:
        session.execute(delete(schema.credenziali).where(schema.credenziali.c.applicazione == "refezione"))
    # What another process would read.
    piccolo.runtime.callers.anagrafe = Anagrafe(piccolo.db)
    revoke_operatore(piccolo.db, "olga", piccolo.clock())

    assert [visita.get("/sandbox").status_code for visita in (ente, operatore)] == [303, 303]


def test_calls_are_filtered(piccolo: World) -> None:
    good = lay(piccolo, applicazione="tributi")
    bad = lay(piccolo, esito="PAA_SEMANTICA", operazione="paaSILVerificaAvviso")
    visita = as_ente(piccolo)

    def shown(query: str) -> list[int]:
        return [one["id"] for one in json.loads(visita.get(f"/sandbox/chiamate.json?{query}").text)["chiamate"]]

    assert shown("esito=ok") == [good] and shown("esito=rifiutate") == [bad]
    assert shown("applicazione=tributi") == [good] and shown("operazione=paaSILVerificaAvviso") == [bad]
    assert shown("operazione=%00'%20or%201=1") == [] and shown("dopo=99999999999999999999&esito=x") == [good, bad]


def test_one_call_is_shown_with_its_reason_and_given_as_files(piccolo: World) -> None:
    open_door(piccolo).post(SOAP, chiedi(), {})
    (row,) = kept(piccolo)
    visita = as_ente(piccolo)

    page = visita.get(f"/sandbox/chiamate/{row.id}").text
    assert "PAA_ID_SESSION_NON_VALIDO" in page and "Rimedio: controllare" in page
    assert "&lt;password&gt;***&lt;/password&gt;" in page
    body = visita.get(f"/sandbox/chiamate/{row.id}/richiesta")
    assert body.data == bytes(row.richiesta) and body.mimetype == "application/octet-stream"
    assert body.headers["Content-Disposition"] == f'attachment; filename="richiesta-{row.id}.xml"'
    with zipfile.ZipFile(io.BytesIO(visita.get(f"/sandbox/chiamate/{row.id}.zip").data)) as zipped:
        files = {name.rpartition("/")[2]: zipped.read(name) for name in zipped.namelist()}
    assert set(files) == {"richiesta.xml", "risposta.xml", "chiamata.json"}
    assert json.loads(files["chiamata.json"])["spiegazione"] == row.spiegazione


HOSTILE = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>../../../etc/passwd'


def test_what_others_wrote_is_text_and_names_no_file(piccolo: World) -> None:
    words = {"operazione": HOSTILE[:64], "applicazione": HOSTILE[:64], "correlazione": HOSTILE[:64]}
    bodies = {"richiesta": HOSTILE.encode(), "risposta": b"\xff\0<x"}
    number = lay(piccolo, **words, **bodies, esito="<b>KO</b>", spiegazione=HOSTILE)
    visita = as_ente(piccolo)

    pages = [visita.get(path) for path in ("/sandbox", f"/sandbox/chiamate/{number}", "/sandbox/chiamate.json")]
    for page in pages:
        markup = page.json["chiamate"][0]["riga"] if page.is_json else page.text
        assert "<script>alert" not in markup and "<img" not in markup and "<b>KO" not in markup
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    with zipfile.ZipFile(io.BytesIO(visita.get("/sandbox/chiamate.zip").data)) as zipped:
        assert all(".." not in name and name.count("/") == 1 for name in zipped.namelist())
    assert visita.get(f"/sandbox/chiamate/{number}/..%2f..%2fetc").status_code == 404
    assert visita.get(f"/sandbox/chiamate/{number}/spiegazione").status_code == 404


def test_a_form_of_another_site_does_nothing(piccolo: World) -> None:
    lay(piccolo)
    visita = as_operator(piccolo)
    base = piccolo.runtime.config.public_url

    for path in ("/sandbox/azzera", "/sandbox/guasti", "/sandbox/guasti-via", "/sandbox/uscita"):
        answer = visita.client.post(path, data={"conferma": "si", "csrf": "0" * 64}, base_url=base)
        assert answer.status_code == 403
    assert len(kept(piccolo)) == 1 and visita.get("/sandbox").status_code == 200


def test_faults_of_the_node_are_switched_on_and_off(piccolo: World) -> None:
    with simulated_node(piccolo) as node:
        visita = as_operator(piccolo)
        assert "Nessun guasto è acceso." in visita.get("/sandbox").text

        assert visita.post("/sandbox/guasti", prova="rifiuto", volte="tre").status_code == 303
        (rule,) = node.simulator.faults.as_json()
        assert (rule["operation"], rule["code"], rule["times_left"]) == ("nodoInviaCarrelloRPT", "PPT_SEMANTICA", 3)
        assert "<code>fault=PPT_SEMANTICA</code>, ancora 3 volte" in visita.get("/sandbox").text

        assert visita.post("/sandbox/guasti", prova="inventato", volte="tre").status_code == 422
        assert visita.post("/sandbox/guasti-via").status_code == 303
        assert node.simulator.faults.as_json() == []


def test_every_fault_to_choose_is_one_that_the_simulator_takes(piccolo: World) -> None:
    with simulated_node(piccolo) as node:
        assert piccolo.runtime.simulatore is not None
        assert [prova.nome for prova in PROVE if not piccolo.runtime.simulatore.accendi(prova, 1)] == []
        assert len(node.simulator.faults.as_json()) == len(PROVE)


def test_a_node_that_is_no_simulator_is_told(piccolo: World) -> None:
    visita = as_operator(piccolo)

    assert "Il nodo non è il simulatore di PontePA, o non risponde" in visita.get("/sandbox").text
    assert visita.post("/sandbox/guasti", prova="rifiuto", volte="una").status_code == 502
    assert visita.post("/sandbox/guasti-via").status_code == 502


def test_the_reset_forgets_payments_and_never_a_counter(banco: World) -> None:
    banco.begin()
    id_session = banco.begin()
    banco.relay()
    banco.conclude(id_session, 0)
    lay(banco)
    counters = banco.rows(schema.iuv_blocchi)
    issued = {row.iuv for row in banco.rows(schema.tentativi)}

    with simulated_node(banco) as node:
        node.simulator.ledger.note_message("nodoInviaRPT", "k", b"x", "c", banco.clock())
        visita = as_operator(banco)
        assert visita.post("/sandbox/azzera").status_code == 422
        assert len(banco.rows(schema.sessioni)) == 2
        assert visita.post("/sandbox/azzera", conferma="si").status_code == 303
        assert node.simulator.ledger.as_json(None)["messaggi"] == []

    full = {name for name in azzeramento.SVUOTATE if banco.rows(metadata.tables[name])}
    assert full == set()
    assert counters and banco.rows(schema.iuv_blocchi) == counters
    assert len(banco.rows(schema.enti)) == 3 and banco.rows(schema.credenziali) and banco.rows(schema.operatori)
    banco.begin()
    assert issued.isdisjoint({row.iuv for row in banco.rows(schema.tentativi)})


def test_the_reset_knows_every_table() -> None:
    assert azzeramento.SVUOTATE | azzeramento.RESTANO == set(metadata.tables)
    assert azzeramento.SVUOTATE & azzeramento.RESTANO == set()


@pytest.mark.parametrize("ente", ["C_PROVA", None])
def test_who_owns_one_ente_of_several_only_looks(piccolo: World, ente: str | None) -> None:
    number = lay(piccolo)
    visita = Visita(piccolo)
    if ente is None:
        add_operator(piccolo, "bruno", "C_PROVA")
        visita.enter("bruno", PASSWORD_OPERATORE)
    else:
        visita.enter(ente, PASSWORDS[ente])

    assert "Cancella i dati" not in visita.get("/sandbox").text
    assert visita.post("/sandbox/azzera", conferma="si").status_code == 403
    assert visita.post("/sandbox/guasti", prova="rifiuto", volte="una").status_code == 403
    assert [row.id for row in kept(piccolo)] == [number]


def test_the_only_ente_of_an_installation_sees_what_is_nobodys_and_owns_the_rest(piccolo: World) -> None:
    with piccolo.db.transaction() as session:
        for table in (schema.credenziali, schema.tipi):
            session.execute(delete(table).where(table.c.ente_id != 1))
        session.execute(delete(schema.enti).where(schema.enti.c.id != 1))
    nobody = lay(piccolo, None)
    visita = as_ente(piccolo)

    page = visita.get("/sandbox").text
    assert f'data-id="{nobody}"' in page and "Cancella i dati" in page
    assert visita.post("/sandbox/azzera", conferma="si").status_code == 303
    assert kept(piccolo) == []
