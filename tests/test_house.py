"""The house stands as it was drawn: floors, rooms, sizes, and what the README and the wheel must say."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from sqlalchemy import text

from docs import guasti
from hub.config import Config
from hub.store import migrate
from hub.store.database import Database
from hub.store.schema import metadata

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# A longer file is two files.
LINES_MAX = 500

# What stands at the root; anything else was left there.
TOP = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "adapters",
    "benchmarks", "docs", "examples", "hub", "migrations", "publiccode.yml", "pyproject.toml", "schemas", "setup.cfg",
    "tests", "wsdl",
}  # fmt: skip

# Where a library may be imported: everything else of the house does not know it is there.
ROOMS = {
    "spyne": ("hub/soap",),
    "flask": ("hub/web",),
    "itsdangerous": ("hub/web",),
    "jwt": ("hub/formats", "adapters"),
    "prometheus_client": ("hub/web",),
    "sqlalchemy": ("hub/store", "migrations"),
    "alembic": ("hub/store", "migrations"),
    "psycopg": ("hub/store",),
    "lxml": ("hub/formats", "hub/soap", "examples"),
    "yaml": ("hub/formats",),
    "stdnum": ("hub/formats",),
    "iso3166": ("hub/formats",),
    "argon2": ("hub/formats",),
    "cryptography": ("hub/formats",),
    "typst": ("hub/formats",),
    "zxingcpp": ("hub/formats",),
    "PIL": ("hub/formats",),
    "apscheduler": ("hub/jobs",),
    "zeep": ("adapters", "examples"),
    "urllib3": ("adapters",),
    "obstore": ("adapters",),
    "xmlsec": ("adapters", "examples"),
    "paramiko": ("adapters/sftp",),
    "click": ("hub/cli",),
    "h11": ("hub/web",),
    "granian": ("hub/app.py", "hub/cli"),
}

# The type of a row may be named in the signatures of the deeds.
ROW = "from sqlalchemy import Row"

# `except Exception` stands where one bad message must not stop the rest.
CATCH_ALL = ("hub/soap/", "hub/jobs/", "hub/web/")


def _sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Give the line and the top name of each absolute import of a file, wherever it stands in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _setup() -> configparser.RawConfigParser:
    setup = configparser.RawConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _listed(*which: str) -> list[str]:
    """Return the paths of the files that git follows, or of those `which` says; elsewhere than in a clone, skip."""
    listed = subprocess.run(["git", "ls-files", "-z", *which], cwd=ROOT, capture_output=True)
    if listed.returncode != 0:
        pytest.skip("not a clone")
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_file_is_longer_than_the_limit() -> None:
    long = {
        _name(path): lines
        for path in _sources("hub", "adapters", "tests", "examples", "migrations", "benchmarks", "docs")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINES_MAX
    }

    assert long == {}


def test_the_root_holds_what_is_named_and_nothing_else() -> None:
    assert {Path(name).parts[0] for name in _listed()} == TOP


def test_imports_go_downwards_only() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.skip("import-linter comes with the extra dev")

    run = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr


def test_the_domain_is_standard_library_only() -> None:
    allowed = sys.stdlib_module_names | {"hub"}

    foreign = [
        f"{_name(path)}:{line} {name}"
        for path in _sources("hub/domain")
        for line, name in _imports(path)
        if name not in allowed
    ]

    assert foreign == []


def test_a_library_lives_in_one_room() -> None:
    strays = []
    for path in _sources("hub", "adapters", "examples", "migrations"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for line, name in _imports(path):
            is_at_home = name not in ROOMS or _name(path).startswith(ROOMS[name])
            is_row = lines[line - 1].strip() == ROW and _name(path).startswith("hub/usecases")
            if not is_at_home and not is_row:
                strays.append(f"{_name(path)}:{line} {name}")

    assert strays == []


def test_all_exceptions_are_caught_at_a_door_only() -> None:
    caught = []
    for path in _sources("hub", "adapters"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_all = isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            )
            if is_all and not _name(path).startswith(CATCH_ALL):
                caught.append(f"{_name(path)}:{node.lineno}")

    assert caught == []


def test_nothing_floats_where_money_is() -> None:
    floats = [
        f"{_name(path)}:{node.lineno}"
        for path in _sources("hub/domain", "hub/usecases", "hub/formats", "hub/store")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
        and "importo" in ast.unparse(node)
    ]

    assert floats == []


@pytest.mark.parametrize("name", sorted(Config.model_fields))
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"PONTEPA_{name.upper()}`" in README


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    known = {f"PONTEPA_{name.upper()}" for name in Config.model_fields} | {"PONTEPA_TEST_DATABASE_URL"}

    assert set(re.findall(r"PONTEPA_[A-Z0-9_]+", README)) <= known


def test_the_catalogue_of_faults_is_the_one_the_code_generates() -> None:
    """Written again with `make docs`."""
    assert guasti.FILE.read_text(encoding="utf-8") == guasti.render()
    assert "(docs/guasti.md)" in README


def test_every_command_is_in_the_readme() -> None:
    from hub.cli import main

    missing = [name for name in main.list_commands(click.Context(main)) if f"`pontepa {name}" not in README]

    assert missing == []


def test_every_command_is_where_the_table_says_and_none_brings_in_the_doors() -> None:
    """They would take most of a second of each command."""
    code = (
        "import sys, click; from hub.cli import main\n"
        "def walk(group):\n"
        "    for name in group.list_commands(click.Context(group)):\n"
        "        command = group.get_command(click.Context(group), name)\n"
        "        assert command.name == name, (command.name, name)\n"
        "        walk(command) if isinstance(command, click.Group) else None\n"
        "walk(main)\n"
        "print([name for name in ('spyne', 'zeep', 'flask', 'granian', 'typst') if name in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (run.stdout.strip(), run.returncode) == ("[]", 0), run.stderr


def test_models_and_migrations_are_equal(db: Database) -> None:
    assert migrate.differences(db) == []
    # Indexes of an expression are not compared on SQLite.
    if not db.is_postgresql:
        with db.reading() as session:
            made = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
            assert set(made.scalars()) == {index.name for table in metadata.tables.values() for index in table.indexes}


def test_the_packages_are_those_of_the_tree() -> None:
    listed = {name for name in _lines(_setup()["options"]["packages"]) if not name.startswith("hub._bundle.")}
    tree = {".".join(path.parent.relative_to(ROOT).parts) for path in _sources("hub", "adapters")}

    assert listed == tree


def test_the_libraries_that_are_imported_are_those_that_are_declared() -> None:
    names = {
        "yaml": "pyyaml", "jwt": "pyjwt", "stdnum": "python-stdnum", "argon2": "argon2-cffi",
        "zxingcpp": "zxing-cpp", "PIL": "pillow",
    }  # fmt: skip
    options = _setup()["options"]
    declared = {re.split(r"[\[<>=;]", line)[0].strip().lower() for line in _lines(options["install_requires"])}
    used = {name for path in _sources("hub", "adapters", "migrations") for _, name in _imports(path)}
    foreign = used - sys.stdlib_module_names - {"hub", "adapters"}
    needed = {names.get(name, name.replace("_", "-")).lower() for name in foreign}
    # Loaded by its name in a URL, by Spyne, by the example that the demo runs, by the server.
    unseen = {"psycopg", "legacy-cgi", "zeep", "uvloop"}

    assert needed <= declared and declared <= needed | unseen


def test_the_wheel_carries_contracts_migrations_and_examples(tmp_path: Path) -> None:
    if importlib.util.find_spec("build") is None:
        pytest.skip("build comes with the extra dev")
    # From a copy: setuptools leaves a build folder where it works.
    source = tmp_path / "source"
    for name in _listed("-co", "--exclude-standard"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist")]

    run = subprocess.run([*command, str(source)], capture_output=True, text=True, timeout=300)

    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    names = set(zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl"))).namelist())
    carried = {"wsdl": "*.wsdl", "schemas": "*.*", "migrations": "**/*.py", "examples": "*.*"}
    expected = {
        f"hub/_bundle/{_name(path)}"
        for folder, pattern in carried.items()
        for path in (ROOT / folder).glob(pattern)
    }
    pages = {_name(path) for part in ("templates", "static") for path in (ROOT / "hub/web" / part).rglob("*.*")}
    pages |= {_name(path) for path in (ROOT / "hub/formats/stampa").rglob("*.*")}
    assert expected and expected | pages | {"hub/_bundle/migrations/script.py.mako"} <= names
