"""npm packages in a folder of the machine's temporary space, kept from one run to the next."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

# better-sqlite3 and libxmljs2 may have to be compiled.
_INSTALL_TIMEOUT_S = 400


class NodeAssente(RuntimeError):
    """There is no node here, or its packages cannot be had; the message says which."""


def install(source: Path) -> Path:
    """Return a folder with the files of `source` and its packages installed. Raises: NodeAssente."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise NodeAssente("node and npm are not on PATH")
    manifest = (source / "package.json").read_bytes()
    digest = hashlib.sha256(manifest).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"pontepa-npm-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise NodeAssente(f"{folder} belongs to somebody else")
    done = folder / ".installed"
    # Two test processes may want the same packages at once.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(folder, manifest, done)
    for script in source.glob("*.js"):
        shutil.copy(script, folder)
    return folder


def _install(folder: Path, manifest: bytes, done: Path) -> None:
    if done.exists():
        return
    (folder / "package.json").write_bytes(manifest)
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, timeout=_INSTALL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise NodeAssente(f"npm install took more than {_INSTALL_TIMEOUT_S} s") from None
    if result.returncode:
        raise NodeAssente(f"npm install failed: {result.stderr.decode(errors='replace')[-400:]}")
    done.touch()
