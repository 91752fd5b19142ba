"""The settings of the process of flows, read and checked by a process that then gives its place to it.

What reads settings takes ten MiB, of which loading a flow has no use. Run: python -m hub.impostazioni_flussi, with the
settings of the worker in the environment.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.config import Config

# What a pipe holds before anybody reads it. Source: pipe(7), "Pipe capacity".
_PIPE_BYTES = 65_536


@dataclass(frozen=True, repr=False)
class ImpostazioniFlussi:
    """What the process of flows is told, each under the name that it has in `Config`."""

    database_url: str
    data_dir: Path
    arrivals_dir: Path
    modelli_dir: Path
    s3_bucket: str
    s3_endpoint: str | None
    s3_region: str
    s3_access_key: str
    s3_secret_key: str
    flussi_pezzo_rows: int
    flussi_lease_s: float
    iuv_quindici_fino_al: date
    tick_s: float
    pulizia_archivio: bool
    conserva_export_giorni: int | None
    conserva_flussi_giorni: int | None
    log_format: str
    log_level: str
    is_produzione: bool

    @classmethod
    def of(cls, config: Config) -> ImpostazioniFlussi:
        return cls(**{field.name: getattr(config, field.name) for field in fields(cls)})

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), default=str).encode()

    @classmethod
    def from_json(cls, data: bytes) -> ImpostazioniFlussi:
        """Read back what `to_json` wrote."""
        values: dict[str, Any] = json.loads(data)
        values |= {name: Path(values[name]) for name in ("data_dir", "arrivals_dir", "modelli_dir")}
        values["iuv_quindici_fino_al"] = date.fromisoformat(values["iuv_quindici_fino_al"])
        return cls(**values)

    @classmethod
    def receive(cls, descriptor: int) -> ImpostazioniFlussi:
        """Read what the process before this one left in a pipe."""
        with os.fdopen(descriptor, "rb") as pipe:
            return cls.from_json(pipe.read())


def _give_place() -> None:
    """Read the settings and become the process of flows: same number, same standard input."""
    from hub.config_reading import load_config

    data = ImpostazioniFlussi.of(load_config(os.environ.get("PONTEPA_CONFIG"), os.environ)).to_json()
    assert len(data) < _PIPE_BYTES, "the settings do not fit a pipe"
    ours, theirs = os.pipe()
    os.write(theirs, data)
    os.close(theirs)
    os.set_inheritable(ours, True)
    os.execv(sys.executable, [sys.executable, "-m", "hub.app_flussi", str(ours)])


if __name__ == "__main__":
    _give_place()
