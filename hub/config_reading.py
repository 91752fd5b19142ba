"""How the settings of a process are read: once, checked all together, every problem told.

Each comes from a variable `PONTEPA_<NAME>` or from the TOML file of `--config` (same names, lower case, no prefix);
the variable wins. Nothing is read at import.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from hub.chiavi import KEY_MIN, keys_of
from hub.config import Ambiente, Config

PREFIX = "PONTEPA_"

# Read by the tests and by the command line, not by a running process.
_OTHER_PREFIXES = ("PONTEPA_TEST_", "PONTEPA_CONFIG", "PONTEPA_DEMO_", "PONTEPA_BENCH_")

# Words of a key that was copied from an example rather than drawn.
_SAMPLE_WORDS = (
    *("change", "cambia", "esempio", "example", "sample", "secret"),
    *("segret", "chiave", "password", "sviluppo", "pontepa", "1234567"),
)


class ConfigError(ValueError):
    """The settings cannot be used; `problems` lists every reason, one Italian sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def _secret_problem(config: Mapping[str, Any]) -> str | None:
    """Return why the secret key cannot sign in production, or None."""
    if config.get("ambiente", Ambiente.PRODUZIONE) != Ambiente.PRODUZIONE:
        return None
    name = f"{PREFIX}SECRET_KEY"
    mend = "generarne una con: openssl rand -hex 32"
    value = config.get("secret_key") or ""
    if not value:
        trial = "se è una prova, indicare con --config il file scritto da pontepa init"
        return f"{name} manca: in produzione serve una chiave segreta ({mend}); {trial}"
    if not isinstance(value, str) or len(value) < KEY_MIN:
        return f"{name} è troppo corta: almeno {KEY_MIN} caratteri ({mend})"
    keys = keys_of(value)
    if len({len(part.strip()) >= KEY_MIN for part in value.split(",")}) > 1:
        return f"{name}: fra le chiavi separate da virgole ce n'è una di meno di {KEY_MIN} caratteri ({mend})"
    if any(len(set(key)) < 8 or any(word in key.lower() for word in _SAMPLE_WORDS) for key in keys):
        return f"{name} è un valore di esempio: in produzione non si parte ({mend})"
    return None


def _cross_problems(config: Config) -> list[str]:
    problems = []
    if config.is_sqlite and config.workers > 1:
        problems.append(f"{PREFIX}WORKERS={config.workers} con SQLite: un solo processo può scrivere; usare PostgreSQL")
    if config.db_pool_size < config.blocking_threads:
        problems.append(
            f"{PREFIX}DB_POOL_SIZE={config.db_pool_size} è minore di {PREFIX}BLOCKING_THREADS={config.blocking_threads}"
        )
    if config.upload_ceiling_bytes < config.max_upload_bytes:
        problems.append(
            f"{PREFIX}UPLOAD_CEILING_BYTES={config.upload_ceiling_bytes} è minore di "
            f"{PREFIX}MAX_UPLOAD_BYTES={config.max_upload_bytes}"
        )
    if config.s3_bucket and not (config.s3_access_key and config.s3_secret_key):
        problems.append(f"{PREFIX}S3_BUCKET senza {PREFIX}S3_ACCESS_KEY e {PREFIX}S3_SECRET_KEY: non si apre")
    if not config.s3_bucket and (config.s3_endpoint or config.s3_access_key or config.s3_secret_key):
        problems.append(f"{PREFIX}S3_BUCKET manca: le altre impostazioni S3 non varrebbero nulla")
    if config.is_produzione and not config.tassonomia_url.startswith("https://"):
        problems.append(f"{PREFIX}TASSONOMIA_URL: in produzione deve iniziare con https://")
    if config.is_produzione and not config.piattaforma_url.startswith("https://"):
        problems.append(f"{PREFIX}PIATTAFORMA_URL: in produzione deve iniziare con https://")
    if config.proxy_cert_header and not config.trusted_proxies:
        problems.append(
            f"{PREFIX}PROXY_CERT_HEADER senza {PREFIX}TRUSTED_PROXIES: l'intestazione non sarebbe creduta a nessuno"
        )
    if (config.tls_cert is None) != (config.tls_key is None):
        problems.append(f"{PREFIX}TLS_CERT e {PREFIX}TLS_KEY vanno insieme")
    if config.tls_client_ca is not None and config.tls_cert is None:
        problems.append(f"{PREFIX}TLS_CLIENT_CA senza {PREFIX}TLS_CERT: non c'è TLS in cui chiedere un certificato")
    if config.node_port is not None and config.node_port in (config.port, config.tls_cert and config.tls_port):
        problems.append(f"{PREFIX}NODE_PORT={config.node_port} è già la porta di altro")
    if config.node_client_ca is not None and (config.node_port is None or config.tls_cert is None):
        problems.append(
            f"{PREFIX}NODE_CLIENT_CA vuole {PREFIX}NODE_PORT, {PREFIX}TLS_CERT e {PREFIX}TLS_KEY: il certificato si "
            "chiede sulla porta del nodo"
        )
    if config.node_client_subjects and config.node_client_ca is None and not config.proxy_cert_header:
        problems.append(
            f"{PREFIX}NODE_CLIENT_SUBJECTS vuole {PREFIX}NODE_CLIENT_CA o {PREFIX}PROXY_CERT_HEADER: nessuno "
            "verificherebbe il certificato"
        )
    if config.sandbox:
        problems += _sandbox_problems(config)
    if config.lease_s <= config.node_call_s:
        problems.append(
            f"{PREFIX}LEASE_S={config.lease_s:g} deve superare {PREFIX}NODE_CONNECT_TIMEOUT_S più il maggiore fra "
            f"{PREFIX}NODE_READ_TIMEOUT_S e {PREFIX}NODE_QUERY_TIMEOUT_S: un messaggio ancora in volo verrebbe ripreso "
            "da un altro worker"
        )
    return problems


def _sandbox_problems(config: Config) -> list[str]:
    """Return why this cannot be a sandbox: it shows what it is sent, and may be emptied."""
    wrong = "la sandbox conserva e mostra ogni richiesta e si svuota da una pagina: non sta accanto a pagamenti veri"
    problems = []
    if config.is_produzione:
        problems.append(f"{PREFIX}SANDBOX=true con {PREFIX}AMBIENTE=produzione: {wrong}")
    if config.node_url and is_nodo_di_produzione(config.node_url):
        problems.append(f"{PREFIX}SANDBOX=true con {PREFIX}NODE_URL del nodo di produzione: {wrong}")
    return problems


def is_nodo_di_produzione(url: str) -> bool:
    """Say whether an address is of the platform where money moves; those of its trial environments have one more word.

    >>> [is_nodo_di_produzione(f"https://api.{name}") for name in ("platform.pagopa.it/x", "uat.platform.pagopa.it")]
    [True, False]
    """
    return (urlsplit(url).hostname or "") == "api.platform.pagopa.it"


_LIMITS = {
    "greater_than": ("gt", "maggiore di"),
    "greater_than_equal": ("ge", "almeno"),
    "less_than_equal": ("le", "al massimo"),
    "less_than": ("lt", "minore di"),
}


def _sentence(error: Mapping[str, Any], origin: str) -> str:
    """Return one problem of pydantic in Italian, without the value: it may be a secret."""
    context = error.get("ctx", {})
    kind = error["type"]
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return f"{origin}: deve essere {words} {context[key]}"
    if kind == "value_error":
        return f"{origin}: {context['error']}"
    if kind in ("literal_error", "enum"):
        return f"{origin}: valore non ammesso; ammessi: {str(context['expected']).replace(' or ', ', ')}"
    if kind.startswith(("int", "float")):
        return f"{origin}: deve essere un numero"
    return f"{origin}: valore non valido"


def _from_file(path: str) -> tuple[dict[str, Any], list[str]]:
    try:
        # A settings file is a few dozen lines; anything bigger is the wrong file.
        with open(path, "rb") as file:
            content = file.read(1024 * 1024 + 1)
    except OSError as error:
        return {}, [f"{path}: file di configurazione non leggibile ({error.strerror})"]
    if len(content) > 1024 * 1024:
        return {}, [f"{path}: file di configurazione troppo grande (oltre 1 MiB)"]
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        return {}, [f"{path}: file di configurazione non in UTF-8"]
    except tomllib.TOMLDecodeError as error:
        return {}, [f"{path}: file di configurazione non in TOML ({error})"]
    unknown = sorted(set(values) - set(Config.model_fields))
    problems = [f"{path}: chiave {name!r} sconosciuta{_suggestion(name)}" for name in unknown]
    return {name: value for name, value in values.items() if name in Config.model_fields}, problems


def _suggestion(name: str, prefix: str = "") -> str:
    close = difflib.get_close_matches(name.lower(), Config.model_fields, n=1, cutoff=0.8)
    if not close:
        return ""
    return f" (forse {prefix}{close[0].upper() if prefix else close[0]})"


def _from_env(env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    problems = []
    for variable, value in env.items():
        if not variable.startswith(PREFIX) or variable.startswith(_OTHER_PREFIXES):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in Config.model_fields:
            if value.strip():
                values[name] = value.strip()
        elif suggestion := _suggestion(name, PREFIX):
            # Only a slip of the pen is refused: a variable of another release must not stop this one.
            problems.append(f"variabile {variable} sconosciuta{suggestion}")
    return values, problems


def load_config(path: str | None, env: Mapping[str, str]) -> Config:
    """Return the settings of a process from a TOML file and the environment; an empty variable counts as absent.

    Raises: ConfigError with all the problems at once.
    """
    from_file, file_problems = _from_file(path) if path else ({}, [])
    from_env, env_problems = _from_env(env)
    values = {**from_file, **from_env}
    problems = file_problems + env_problems
    if secret_problem := _secret_problem(values):
        problems.append(secret_problem)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            name = str(item["loc"][0]) if item["loc"] else "configurazione"
            origin = f"{PREFIX}{name.upper()}" if name in from_env or not path else f"{path}: {name}"
            problems.append(_sentence(item, origin))
        raise ConfigError(problems) from None
    problems += _cross_problems(config)
    if problems:
        raise ConfigError(problems)
    return config
