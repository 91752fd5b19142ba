"""The SOAP toolkits of the matrix: what each wants on the machine, and how its client is made from the served WSDL."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_string
from importlib import metadata
from pathlib import Path

from benchmarks.node_packages import NodeAssente, install
from hub.formats.resources import resource

CLIENTS = Path(__file__).parent

# Generating and compiling takes seconds; a loaded machine may want many of them.
BUILD_TIMEOUT_S = 180

# Where Debian has the jars. That of JAX-WS names in its manifest those that it needs, all but javax.activation.
JARS = Path("/usr/share/java")
JAXWS_JARS = ("jaxws-tools", "javax.activation")
AXIS_JARS = (
    "axis",
    "axis-jaxrpc",
    "axis-saaj",
    "wsdl4j",
    "commons-discovery",
    "commons-logging",
    *JAXWS_JARS[1:],
    "javax.mail",
)


class Assente(RuntimeError):
    """The toolkit is not on this machine; the message says what to install."""


class Guasto(RuntimeError):
    """The toolkit choked on the contract while it made the client; the message is what it wrote."""


@dataclass(frozen=True)
class Ready:
    """A client that can be run with `command` + WSDL, folder and steps."""

    command: tuple[str, ...]
    version: str
    runtime: str


@dataclass(frozen=True)
class Toolkit:
    """`prepare(folder, wsdl)` makes the client in an empty folder. Raises: Assente, Guasto."""

    name: str
    prepare: Callable[[Path, str], Ready]


def _zeep(folder: Path, wsdl: str) -> Ready:
    return _python("zeep", "zeep")


def _suds(folder: Path, wsdl: str) -> Ready:
    return _python("suds-community", "suds")


def _python(package: str, client: str) -> Ready:
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        raise Assente(f"manca il pacchetto Python {package} (pip install {package})") from None
    runtime = f"{platform.python_implementation()} {platform.python_version()}"
    return Ready((sys.executable, str(CLIENTS / client / "cliente.py")), version, runtime)


def _php(folder: Path, wsdl: str) -> Ready:
    php = _need("php", "php-cli php-soap")
    if "soap" not in _run([php, "-m"], folder).lower().split():
        raise Assente("php non ha l'estensione soap (Debian: php-soap)")
    version = _run([php, "-r", "echo PHP_VERSION;"], folder)
    return Ready((php, str(CLIENTS / "php" / "cliente.php")), version, f"PHP {version}")


def _node(folder: Path, wsdl: str) -> Ready:
    node = _need("node", "nodejs npm")
    try:
        packages = install(resource("examples", "node")) / "node_modules"
    except NodeAssente as reason:
        raise Assente(str(reason)) from None
    # Packages are looked for beside the script.
    (folder / "node_modules").symlink_to(packages)
    script = shutil.copy(CLIENTS / "node" / "cliente.js", folder)
    version = json.loads((packages / "soap" / "package.json").read_text(encoding="utf-8"))["version"]
    return Ready((node, str(script)), version, f"Node {_run([node, '--version'], folder).lstrip('v')}")


def _gsoap(folder: Path, wsdl: str) -> Ready:
    compiler = _need("g++", "g++")
    wsdl2h, soapcpp2 = _need("wsdl2h", "gsoap"), _need("soapcpp2", "gsoap")
    # A compiler that does not find a library gives its bare name back.
    if not Path(_run([compiler, "-print-file-name=libgsoap++.so"], folder)).is_absolute():
        raise Assente("manca la libreria gsoap++ (Debian: libgsoap-dev)")
    client = CLIENTS / "gsoap"
    _run([wsdl2h, "-c++11", "-L", "-t", str(client / "typemap.dat"), "-o", "contratto.h", wsdl], folder)
    imports = str(Path(soapcpp2).parents[1] / "share" / "gsoap" / "import")
    _run([soapcpp2, "-c++11", "-j", "-C", "-L", "-1", "-x", "-w", f"-I{imports}", "contratto.h"], folder)
    sources = [*map(str, sorted(folder.glob("soap*.cpp"))), str(client / "cliente.cpp")]
    # Without optimisation: the code is run once.
    _run([compiler, "-std=c++11", "-O0", "-I.", "-o", "cliente", *sources, "-lgsoap++"], folder)
    version = _run([wsdl2h, "-V"], folder)
    return Ready((str(folder / "cliente"),), version, f"g++ {_run([compiler, '-dumpfullversion'], folder)}")


def _soap_wsdl(folder: Path, wsdl: str) -> Ready:
    wsdl2perl = _need("wsdl2perl", "libsoap-wsdl-perl")
    _run([wsdl2perl, "-b", str(folder), wsdl], folder)
    return _perl(folder, "SOAP::WSDL", "libsoap-wsdl-perl", "soapwsdl")


def _soap_lite(folder: Path, wsdl: str) -> Ready:
    return _perl(folder, "SOAP::Lite", "libsoap-lite-perl", "soaplite")


def _perl(folder: Path, module: str, package: str, client: str) -> Ready:
    perl = _need("perl", "perl")
    try:
        version = _run([perl, f"-M{module}", "-e", f"print {module}->VERSION"], folder)
    except Guasto:
        raise Assente(f"manca il modulo Perl {module} (Debian: {package})") from None
    runtime = "Perl " + _run([perl, "-e", "printf '%vd', $^V"], folder)
    return Ready((perl, f"-I{folder}", str(CLIENTS / client / "cliente.pl")), version, runtime)


def _jaxws(folder: Path, wsdl: str) -> Ready:
    jars = _jars(JAXWS_JARS, "libjaxws-java")
    importer = ["com.sun.tools.ws.WsImport", "-quiet", "-Xnocompile", "-s", ".", "-d", "."]
    return _java(folder, wsdl, jars, importer, "jaxws")


def _axis(folder: Path, wsdl: str) -> Ready:
    jars = _jars(AXIS_JARS, "libaxis-java")
    # -W: see its client.
    return _java(folder, wsdl, jars, ["org.apache.axis.wsdl.WSDL2Java", "-W", "-o", "."], "axis")


def _jars(names: tuple[str, ...], package: str) -> list[Path]:
    jars = [JARS / f"{name}.jar" for name in names]
    if missing := [jar.name for jar in jars if not jar.exists()]:
        raise Assente(f"manca {missing[0]} (Debian: {package})")
    return jars


def _java(folder: Path, wsdl: str, jars: list[Path], importer: list[str], client: str) -> Ready:
    java, javac = _need("java", "default-jre-headless"), _need("javac", "default-jdk-headless")
    classpath = ":".join(map(str, jars))
    classes = folder / "classi"
    classes.mkdir()
    _run([java, "-cp", classpath, *importer, wsdl], folder)
    # All that was generated, package-info too, which nobody refers to and which says what is qualified.
    sources = [*map(str, sorted(folder.rglob("*.java"))), str(CLIENTS / client / "Cliente.java")]
    _run([javac, "-nowarn", "-proc:none", "-encoding", "UTF-8", "-cp", classpath, "-d", str(classes), *sources], folder)
    runtime = "OpenJDK " + _run([javac, "-version"], folder).split()[-1]
    return Ready((java, "-cp", f"{classes}:{classpath}", "Cliente"), _jar_version(jars[0]), runtime)


def _jar_version(jar: Path) -> str:
    with zipfile.ZipFile(jar) as content:
        manifest = content.read("META-INF/MANIFEST.MF").decode("utf-8")
    headers = message_from_string(manifest)
    return str(headers["Implementation-Version"] or headers["Bundle-Version"])


def _need(program: str, packages: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Assente(f"manca {program} (Debian: {packages})")
    return path


def _run(command: list[str], folder: Path) -> str:
    """Return what a program wrote. Raises: Guasto."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S)
    if done.returncode:
        raise Guasto(f"{Path(command[0]).name}: {(done.stderr or done.stdout).strip()[-1500:]}")
    return (done.stdout or done.stderr).strip()


TOOLKITS = (
    Toolkit("zeep", _zeep),
    Toolkit("suds-community", _suds),
    Toolkit("PHP SoapClient", _php),
    Toolkit("node soap", _node),
    Toolkit("gSOAP", _gsoap),
    Toolkit("Perl SOAP::WSDL", _soap_wsdl),
    Toolkit("Perl SOAP::Lite", _soap_lite),
    Toolkit("JAX-WS RI", _jaxws),
    Toolkit("Apache Axis 1", _axis),
)
