"""The built wheel, installed in an empty folder on each supported Python that this machine has, runs the demo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13")


def find_python(version: str) -> str | None:
    """The address of an interpreter of this version that starts; a version manager's shim may not."""
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    own = [sys.executable] if sys.version.startswith(f"{version}.") else []
    for candidate in (*own, shutil.which(f"python{version}"), *map(str, managed)):
        if candidate is None:
            continue
        tried = subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True)
        if tried.returncode == 0:
            return candidate
    return None


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy: the build leaves its own folders beside the sources.
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, kept):
        target = folder / "tree" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(folder / "tree")]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_in_an_empty_folder_runs_the_demo(version: str, wheel: Path, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True, capture_output=True)
    bin_folder = tmp_path / "venv" / "bin"
    pip = [str(bin_folder / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    empty = tmp_path / "vuota"
    empty.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PONTEPA_", "PYTHON"))}

    done = subprocess.run(
        [str(bin_folder / "pontepa"), "demo", "--port", "0", "--simulator-port", "0"],
        cwd=empty, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "codiceEsitoPagamento>0<" in done.stdout
