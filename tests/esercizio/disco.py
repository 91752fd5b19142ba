"""A file system of its own for an installation, real and small, that is filled to the last byte and emptied again."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.esercizio.carico import Carico
from tests.esercizio.scene import Prova, await_refusals, run, start_again
from tests.flows.carico import Mittente, write_flow
from tests.flows.plant import HTTP, Plant
from tests.tracciati import rows

_MIB = 1024 * 1024
# Below what the smallest of the file systems has free at the start; above what a flow of the proof needs.
ENVIRONMENT = {"PONTEPA_SPAZIO_MIN_MIB": "4"}


@contextmanager
def small_disk(place: Path, size_mib: int) -> Iterator[Path]:
    """Mount a file system in memory at `place`. Raises: PermissionError (only root mounts)."""
    if os.geteuid() != 0:
        raise PermissionError(errno.EPERM, "solo root monta un file system")
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0755", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        # A process that was killed may still be letting its files go.
        subprocess.run(["umount", "--lazy", str(place)], check=True)


class Zavorra:
    """A file that takes all the room there is, and goes on taking what others give back."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "zavorra"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._press, daemon=True)

    def fill(self) -> None:
        """Return when not one byte more fits."""
        self._grow()
        self._thread.start()

    def free(self) -> None:
        self._over.set()
        self._thread.join()
        self._file.unlink()

    def _press(self) -> None:
        while not self._over.wait(0.2):
            self._grow()

    def _grow(self) -> None:
        with self._file.open("ab", buffering=0) as file:
            for size in (_MIB, 4096, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC


def disk_full(plant: Plant, guasto: str, postgresql: Path | None = None) -> Prova:
    """Everything of an installation is on a disk that becomes full: database, archive, marks, logs.

    `postgresql`: where the server's files are, which is started again when it gave up, as its own unit would.
    """
    zavorra, mittente = Zavorra(plant.folder), Mittente(plant)
    flow = write_flow(plant.folder / "C_PROVA-PIENO-1_3.zip", rows(50, bad_every=0))
    permit = mittente.authorize()

    def fill(carico: Carico) -> int:
        zavorra.fill()
        await_refusals(plant, carico)
        ready = HTTP.request("GET", f"{plant.hub_url}/health/ready")
        assert ready.status == 503, ready.data
        assert "spazio" in ready.json()["motivo"] or postgresql is not None, ready.data
        fields = {"file": (flow.name, flow.read_bytes(), "application/zip")}
        headers = {"Authorization": f"Bearer {permit.authorization_token}"}
        refused = HTTP.request("POST", f"{plant.hub_url}/flussi/import", fields=fields, headers=headers, timeout=120)
        assert refused.status == 503 and refused.headers["Retry-After"], refused.data
        assert not list((plant.folder / "archivio").rglob("*PIENO*")), "nothing is left of the file"
        if postgresql is None:
            assert "spazio" in _doctor(plant)
            numbers = HTTP.request("GET", f"{plant.hub_url}/metrics").data.decode()
            assert 'pontepa_disk_free_bytes{dove="dati"} 0.0' in numbers, numbers[-2000:]
        return 1

    def free() -> None:
        zavorra.free()
        if postgresql is not None:
            start_again(plant, postgresql)

    prova = run(plant, guasto, fill, free)
    said = mittente.upload(permit, flow)
    assert "codice" not in said, said
    mittente.wait(permit.request_token)
    return prova


def _doctor(plant: Plant) -> str:
    command = [str(Path(sys.executable).with_name("pontepa")), "doctor"]
    done = subprocess.run(command, env=plant.environment, cwd=plant.folder, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    return done.stdout
