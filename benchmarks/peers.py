"""The servers that the hub is measured beside: each is started with the same database and does the same work.

One that cannot be had on this machine raises `PeerAssente`, and the benchmark says that it is missing.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from benchmarks.messages import PATH
from benchmarks.node_packages import NodeAssente, install
from benchmarks.processes import Installation, free_port
from hub.formats.resources import resource

FLOOR, NODE, PHP, JAXWS = "plain lxml", "node soap", "PHP SoapServer", "JAX-WS RI"
ROOT = Path(__file__).resolve().parent
# Threads and database connections of the JAX-WS server; children of PHP (eight were slower than four).
JAVA_THREADS = 8
PHP_CHILDREN = 4
# Debian: libjaxws-java, libpostgresql-jdbc-java, libxerial-sqlite-jdbc-java. The first jar names most of the others.
JAVA_FOLDER = Path("/usr/share/java")
JARS = ("jaxws-rt", "jaxb-core", "istack-commons-runtime", "txw2", "javax.activation", "postgresql", "sqlite-jdbc")
_JAVAC_TIMEOUT_S = 120


class PeerAssente(RuntimeError):
    """A peer cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server: its port, and the process ids whose processor time, with their children's, is its own."""

    port: int
    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the peers run; `processes`: as many as the hub has, for those whose process has one thread."""

    installation: Installation
    kind: str
    processes: int

    def sqlite_file(self, name: str) -> str:
        return str(self.installation.folder / f"{name}.db")

    def url(self) -> dict[str, str]:
        """Return the PostgreSQL address in parts, with libpq's names of variables."""
        url = make_url(self.installation.database_url)
        query = {name: str(value) for name, value in url.query.items()}
        given = {
            "PGHOST": query.get("host") or url.host,
            "PGPORT": query.get("port") or url.port or 5432,
            "PGUSER": url.username or query.get("user"),
            "PGPASSWORD": url.password,
            "PGDATABASE": url.database,
        }
        return {name: str(value) for name, value in given.items() if value}


def start_floor(place: Place) -> Peer:
    """Plain lxml on the hub's own server, without a framework."""
    port = free_port()
    is_sqlite = place.kind == "sqlite"
    environment = {
        "BENCH_PORT": str(port),
        # What one thread does best on SQLite: its writes are one after the other anyway.
        "BENCH_THREADS": "1" if is_sqlite else "4",
        "BENCH_PROCESSES": str(place.processes),
        "BENCH_DATABASE": place.sqlite_file("floor") if is_sqlite else place.installation.database_url,
        "PYTHONPATH": str(ROOT.parent),
    }
    command = [sys.executable, "-m", "benchmarks.floor"]
    return _started(place, "floor", command, f"http://127.0.0.1:{port}/", port, environment)


def start_node(place: Place) -> Peer:
    """node `soap`, in as many processes as the hub. Raises: PeerAssente."""
    try:
        folder = install(ROOT / "node")
    except NodeAssente as reason:
        raise PeerAssente(str(reason)) from None
    port = free_port()
    is_sqlite = place.kind == "sqlite"
    environment = {
        "BENCH_PORT": str(port),
        "BENCH_PROCESSES": str(place.processes),
        "BENCH_DATABASE": place.sqlite_file("node") if is_sqlite else "postgresql",
        **({} if is_sqlite else place.url()),
        **_contract(),
        "NODE_PATH": str(folder / "node_modules"),
        "NODE_ENV": "production",
    }
    command = ["node", str(folder / "server.js")]
    return _started(place, "node", command, f"http://127.0.0.1:{port}{PATH}?wsdl", port, environment)


def start_jaxws(place: Place) -> Peer:
    """JAX-WS RI as Debian has it, one process with threads. Raises: PeerAssente."""
    jars = [JAVA_FOLDER / f"{name}.jar" for name in JARS]
    missing = [str(jar) for jar in jars if not jar.exists()]
    if missing or not shutil.which("java") or not shutil.which("javac"):
        raise PeerAssente(f"needs a JDK and Debian's libjaxws-java, JDBC drivers: {', '.join(missing) or 'no javac'}")
    classpath = ":".join(map(str, jars))
    if place.kind == "sqlite":
        address = f"jdbc:sqlite:{place.sqlite_file('java')}"
    else:
        parts = place.url()
        if parts["PGHOST"].startswith("/"):
            raise PeerAssente("its JDBC driver knows no Unix sockets: give the address of a server that listens on TCP")
        secret = f"&password={parts['PGPASSWORD']}" if "PGPASSWORD" in parts else ""
        address = "jdbc:postgresql://{PGHOST}:{PGPORT}/{PGDATABASE}?user={PGUSER}".format(**parts) + secret
    port = free_port()
    environment = {"BENCH_PORT": str(port), "BENCH_THREADS": str(JAVA_THREADS), "BENCH_JDBC": address, **_contract()}
    # Without nodelay the JDK's HTTP server waits for the client's acknowledgement before the answer's second packet.
    command = ["java", "-Dsun.net.httpserver.nodelay=true", "-cp", f"{_compiled(classpath)}:{classpath}", "Server"]
    return _started(place, "java", command, f"http://127.0.0.1:{port}{PATH}?wsdl", port, environment)


def start_php(place: Place) -> Peer:
    """PHP's SoapServer behind nginx and php-fpm. Raises: PeerAssente."""
    fpm = next((path for path in map(shutil.which, _fpm_names()) if path), None)
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if fpm is None or nginx is None:
        raise PeerAssente("needs nginx and php-fpm")
    modules = set(subprocess.run([fpm, "-m"], capture_output=True, text=True, timeout=10).stdout.split())
    missing = {"soap", "dom", "pdo_sqlite" if place.kind == "sqlite" else "pdo_pgsql"} - modules
    if missing:
        raise PeerAssente(f"php-fpm has no {', '.join(sorted(missing))}")
    folder = place.installation.folder / "php"
    folder.mkdir()
    socket, port = folder / "fpm.sock", free_port()
    if place.kind == "sqlite":
        dsn, user = f"sqlite:{place.sqlite_file('php')}", ""
    else:
        parts = place.url()
        dsn, user = "pgsql:host={PGHOST};port={PGPORT};dbname={PGDATABASE}".format(**parts), parts.get("PGUSER", "")
    variables = {"BENCH_DSN": dsn, "BENCH_USER": user, **_contract()}
    owner = _owner()
    (folder / "fpm.conf").write_text(
        f"[global]\nerror_log = {folder}/fpm.log\ndaemonize = no\n[www]\nlisten = {socket}\n"
        + f"user = {owner}\ngroup = {owner}\nlisten.owner = {owner}\nlisten.group = {owner}\n"
        + f"pm = static\npm.max_children = {PHP_CHILDREN}\nclear_env = no\n"
        + f"php_admin_value[soap.wsdl_cache_dir] = {folder}\nphp_admin_value[opcache.validate_timestamps] = 0\n"
        + "".join(f'env[{name}] = "{value}"\n' for name, value in variables.items() if value)
    )
    (folder / "nginx.conf").write_text(
        _NGINX.format(folder=folder, socket=socket, port=port, script=ROOT / "php" / "server.php", owner=owner)
    )
    root = ["-R"] if os.geteuid() == 0 else []
    children = place.installation.start("php-fpm", [fpm, "-F", *root, "-y", str(folder / "fpm.conf")], None)
    front = [nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]
    peer = _started(place, "nginx", front, f"http://127.0.0.1:{port}{PATH}", port, {})
    return Peer(port, (*peer.pids, children.pid))


_NGINX = """user {owner}; daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 2m; client_body_buffer_size 64k;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{
      fastcgi_pass unix:{socket};
      fastcgi_param SCRIPT_FILENAME {script}; fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param HTTP_SOAPACTION $http_soapaction;
    }}
  }}
}}
"""

PEERS: dict[str, Callable[[Place], Peer]] = {
    FLOOR: start_floor,
    NODE: start_node,
    PHP: start_php,
    JAXWS: start_jaxws,
}


def _started(place: Place, name: str, command: list[str], ready: str, port: int, environment: dict[str, str]) -> Peer:
    try:
        process = place.installation.start(name, command, ready, environment)
    except RuntimeError as error:
        raise PeerAssente(f"it does not start: {str(error)[-300:]}") from None
    return Peer(port, (process.pid,))


def _contract() -> dict[str, str]:
    return {
        "BENCH_WSDL": str(resource("wsdl", "pa-per-ente.wsdl")),
        "BENCH_XSD": str(resource("schemas", "PagInf_Dovuti_Pagati_6_2_0.xsd")),
    }


def _compiled(classpath: str) -> Path:
    """Return the folder of the Java server's classes, compiled at the first use. Raises: PeerAssente."""
    source = ROOT / "java" / "Server.java"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"pontepa-java-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PeerAssente(f"{folder} belongs to somebody else")
    if not (folder / ".compiled").exists():
        command = ["javac", "-cp", classpath, "-d", str(folder), str(source)]
        done = subprocess.run(command, capture_output=True, timeout=_JAVAC_TIMEOUT_S)
        if done.returncode:
            raise PeerAssente(f"it does not compile: {done.stderr.decode(errors='replace')[-300:]}")
        (folder / ".compiled").touch()
    return folder


def _fpm_names() -> list[str]:
    return [str(path) for path in sorted(Path("/usr/sbin").glob("php-fpm*"))] + ["php-fpm"]


def _owner() -> str:
    """The account that runs this: nginx and php-fpm change to another one unless they are told."""
    return pwd.getpwuid(os.geteuid()).pw_name
