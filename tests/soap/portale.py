"""What the tests of the operations for portals share: the administrator ente, the calls, the documents inside."""

from __future__ import annotations

from typing import Any

from hub.formats import schemi
from hub.formats.segreti import hash_password
from hub.formats.xml import parse
from hub.store import schema
from tests.factories import CODICE_FISCALE
from tests.soap.door import Answer, envelope
from tests.soap.zeep_client import client_of, open_door
from tests.world import STAZIONE, World

ADMIN, ADMIN_PASSWORD = "R_PORTALE", "Portale12345"
PAY_I = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}"
LONG_NAME = "Unione dei Comuni dell'Alta Valle di Prova e Dintorni"
ALTRO_CODICE = "VRDGPP75B41F205M"
VICINO = {"ente_id": 2, "dominio": "98765432103"}


def lay_administrator(world: World) -> None:
    """An ente with a name longer than the contract holds, whose credential sees all."""
    ente = {
        "id": 9, "cod_ipa_ente": ADMIN, "codice_fiscale": "80000000000", "nome": LONG_NAME, "stato": "ESERCIZIO",
        "stazione_id": STAZIONE, "codice_segregazione": "09", "iban": "IT60X0542811101000000123456",
        "amministratore": True,
    }  # fmt: skip
    world.lay(schema.enti, **ente)
    world.lay(schema.credenziali, ente_id=9, hash=hash_password(ADMIN_PASSWORD), created_at=world.clock())


def lay_application(world: World, ente_id: int = 1, **grants: Any) -> str:
    hashed = hash_password("Sportello1234")
    world.lay(
        schema.credenziali, ente_id=ente_id, applicazione="sportello", hash=hashed, created_at=world.clock(), **grants
    )
    return "Sportello1234"


def persona(codice: str = CODICE_FISCALE, tipo: str = "F") -> dict[str, str]:
    return {"tipoIdentificativoUnivoco": tipo, "codiceIdentificativoUnivoco": codice}


def ask(world: World, operation: str, password: str = ADMIN_PASSWORD, **fields: Any) -> Any:
    """A call of a portal through zeep, the answer checked with the contract."""
    if operation != "paaSILChiediAvvisiPendenti":
        fields = {"identificativoUnivocoPersonaFG": persona()} | fields
    return getattr(client_of(world), operation)(password=password, **fields)


def send(world: World, operation: str, body: str) -> Answer:
    """A call written by hand; `body` is what stands in the operation's element."""
    text = f"<ente:{operation}>{body}</ente:{operation}>"
    answer = open_door(world).post("/ws/pa/PagamentiTelematiciDovutiPagati", envelope(text, ""), {})
    return Answer(answer.status, answer.headers, answer.body)


def code_of(answer: Answer) -> str | None:
    assert answer.status == 200, answer.body
    return answer.payload.findtext("fault/faultCode")


def read(data: bytes) -> Any:
    """The root of an inner document, valid for its schema; zeep has taken the one level of base64 off."""
    root = parse(data)
    assert data.startswith(b"<pay_i:") and schemi.schema(schemi.DOVUTI_PAGATI).check(root) == []
    return root


def text_of(root: Any, name: str) -> str | None:
    return root.findtext(f".//{PAY_I}{name}")
