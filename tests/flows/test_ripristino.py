"""Yesterday's copy of the database under real processes: none serves it before the operator has seen to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.copie import Copia
from tests.factories import make_documento
from tests.flows.plant import Plant


def iuv_of_payment(plant: Plant) -> str:
    """Send a dovuto, open its page, and return the IUV of the RPT that the node has got."""
    known = {rpt["iuv"] for rpt in plant.ledger()["rpt"]}
    id_session, _ = plant.send(make_documento())
    plant.open(id_session)
    plant.url_of_node(id_session, 60)
    (iuv,) = {rpt["iuv"] for rpt in plant.ledger()["rpt"]} - known
    return str(iuv)


def test_no_process_starts_over_an_older_copy_and_afterwards_no_iuv_is_issued_twice(
    database_url: str, tmp_path: Path
) -> None:
    with Plant(tmp_path, database_url) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")
        issued = [iuv_of_payment(plant)]
        copia = Copia(database_url, tmp_path / "copia")
        issued.append(iuv_of_payment(plant))
        for name in ("serve", "worker-1"):
            plant.kill(name)
        plant.up("serve", "worker-2")
        issued.append(iuv_of_payment(plant))
        for name in ("serve", "worker-2"):
            plant.kill(name)
        copia.restore()

        for command in ("serve", "worker"):
            with pytest.raises(RuntimeError, match="prima di ripartire eseguire `pontepa db restored`"):
                plant.run(command)
        plant.run("db", "restored", "--gap", "5000")
        said = (tmp_path / "comando-db-restored.txt").read_text()
        plant.up("serve", "worker-3")
        issued += [iuv_of_payment(plant), iuv_of_payment(plant)]

    assert re.search(r"12345678903 +01 +\d+ +\d{4,}", said), said
    assert len(set(issued)) == len(issued) == 5
    assert int(issued[3][4:15]) > int(issued[2][4:15]) + 5000
