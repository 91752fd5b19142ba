"""What the node asks about notices, through its contract: requests as zeep sends them, answers as it reads them."""

from __future__ import annotations

from typing import Any

from tests.soap.zeep_client import Door, open_door, pa_for_node_client
from tests.world import INTERMEDIARIO, STAZIONE, World

IUV = "01000000000000144"
AVVISO = "3" + IUV
SECONDARIO = {
    "codice_fiscale": "98765432103",
    "denominazione": "Provincia",
    "iban": "IT33X0542811101000000123457",
    "importo_cent": 250,
    "dati_specifici": "9/0201102IM/",
}


def request(avviso: str = AVVISO, **values: Any) -> dict[str, Any]:
    """A question about a notice of Comune di Prova, good unless `values` says otherwise; `fiscalCode` is qrCode's."""
    fiscal_code = values.pop("fiscalCode", values.get("idPA", INTERMEDIARIO))
    asked = {"idPA": INTERMEDIARIO, "idBrokerPA": INTERMEDIARIO, "idStation": STAZIONE}
    return asked | {"qrCode": {"fiscalCode": fiscal_code, "noticeNumber": avviso}} | values


class Nodo:
    """The node at the door `paForNode` of a world; every answer's bytes are valid or the call fails."""

    def __init__(self, world: World | None = None, door: Door | None = None) -> None:
        assert world is not None or door is not None
        self.door: Door = door or open_door(world)  # type: ignore[arg-type]
        self._client = pa_for_node_client(self.door)

    def ask(self, operation: str, avviso: str = AVVISO, **values: Any) -> Any:
        return getattr(self._client, operation)(**request(avviso, **values))

    def verify(self, avviso: str = AVVISO, **values: Any) -> Any:
        return self.ask("paVerifyPaymentNotice", avviso, **values)

    def code(self, operation: str, avviso: str = AVVISO, **values: Any) -> str:
        """The code of the fault, complete as the node wants it; OK when there is none."""
        answer = self.ask(operation, avviso, **values)
        if answer.outcome == "OK":
            assert answer.fault is None
            return "OK"
        assert self.door.last.status == 200
        assert answer.fault.faultString and answer.fault.id == values.get("idPA", INTERMEDIARIO)
        return str(answer.fault.faultCode)
