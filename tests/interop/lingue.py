"""The languages of the example clients: how each of their programs is made ready and run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.node_packages import NodeAssente, install
from hub.formats.resources import resource
from tests.interop.hub import RunningHub

MENSA, TRIBUTI, FLUSSO, ZTL = "mensa", "tributi", "tributi_flusso", "ztl"

# Debian has each library of Mono in a package of its own.
_MONO_ZIP = Path("/usr/lib/mono/4.5/System.IO.Compression.dll")


class LinguaAssente(RuntimeError):
    """What the language needs is not on this machine; the message says what."""


# Given a folder to build in and the name of a program, the command that runs it.
Prepara = Callable[[Path, str], list[str]]


def _python(folder: Path, program: str) -> list[str]:
    return [sys.executable, str(resource("examples", f"{program}.py" if program == FLUSSO else f"{program}_client.py"))]


def _php(folder: Path, program: str) -> list[str]:
    _need("php", "php-cli php-soap php-zip")
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, timeout=30).stdout.lower().split()
    for module in ("soap", "zip") if program == FLUSSO else ("soap",):
        if module not in modules:
            raise LinguaAssente(f"php has no extension {module} (Debian: php-{module})")
    return ["php", str(resource("examples", f"php/{program}.php"))]


def _node(folder: Path, program: str) -> list[str]:
    try:
        return ["node", str(install(resource("examples", "node")) / f"{program}.js")]
    except NodeAssente as reason:
        raise LinguaAssente(str(reason)) from reason


def _java(folder: Path, program: str) -> list[str]:
    """Compiled with every warning an error."""
    _need("javac", "default-jdk-headless")
    sources = sorted(str(path) for path in resource("examples", "java").glob("*.java"))
    _build(["javac", "-Xlint:all", "-Werror", "-d", str(folder / "java"), *sources], folder / "java")
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", str(folder / "java"), _class(program)]


def _csharp(folder: Path, program: str) -> list[str]:
    """Compiled with every warning an error."""
    _need("mcs", "mono-mcs")
    _need("mono", "mono-runtime")
    wanted = ["System.Net.Http", "System.Xml.Linq"]
    if program == FLUSSO:
        if not _MONO_ZIP.exists():
            raise LinguaAssente("mono has no ZipArchive (Debian: libmono-system-io-compression4.0-cil)")
        wanted.append("System.IO.Compression")
    built = folder / "csharp" / f"{program}.exe"
    sources = [str(resource("examples", f"csharp/{name}.cs")) for name in ("Comune", _class(program))]
    _build(["mcs", "-warnaserror", *(f"-r:{name}" for name in wanted), f"-out:{built}", *sources], built)
    return ["mono", str(built)]


def _class(program: str) -> str:
    return "".join(word.capitalize() for word in program.split("_"))


def _need(program: str, packages: str) -> None:
    if shutil.which(program) is None:
        raise LinguaAssente(f"{program} is not installed (Debian: {packages})")


def _build(command: Sequence[str], made: Path) -> None:
    if made.exists():
        return
    made.parent.mkdir(exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr or done.stdout


LINGUE: Mapping[str, Prepara] = {"python": _python, "php": _php, "node": _node, "java": _java, "csharp": _csharp}
# Who reads the contract is told where the contract is; who writes the messages, where the service is.
_BY_ADDRESS = ("java", "csharp")


def command(
    lingua: str, folder: Path, program: str, hub: RunningHub, options: Mapping[str, str | list[str]]
) -> list[str]:
    """Return the command that runs a program with options. Raises: LinguaAssente."""
    where = {"servizio": hub.service} if lingua in _BY_ADDRESS else {"wsdl": hub.wsdl}
    # The only way to write an option that all of them read. PHP wants the equals sign, Java and C# none.
    separate = lingua in _BY_ADDRESS
    words = [*LINGUE[lingua](folder, program)]
    for name, given in {**where, **options}.items():
        for value in given if isinstance(given, list) else [given]:
            words += [f"--{name}", value] if separate else [f"--{name}={value}"]
    return words
