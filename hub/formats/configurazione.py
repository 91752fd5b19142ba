"""The configuration file of an installation: YAML <-> words.

Unknown keys, wrong codes and references to nothing are refused all together, each with its path. No aliases, no
duplicate keys, bounded bytes and depth. Secrets are never repeated in a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Never, TypeVar

import yaml

from hub.domain.configurazione import (
    CHIAMATE_AL_SECONDO_MAX,
    CHIAMATE_INSIEME_MAX,
    ESITO_CARRELLO,
    FLUSSO_BYTES_CEILING,
    FLUSSO_BYTES_MIN,
    IMPORT_RIPETUTO,
    MODALITA,
    OPERAZIONI,
    PROFILI,
    QUOTA_SECONDARIA,
    Applicazione,
    Configurazione,
    ConfigurazioneNonValida,
    Ente,
    Stazione,
    Tipo,
)
from hub.domain.credenziali import GENERI
from hub.domain.errors import InvalidRequest
from hub.domain.stati import StatoEnte
from hub.formats import iban
from hub.formats.campi import Campi, Problemi
from hub.formats.codice_fiscale import is_valid_partita_iva
from hub.formats.configurazione_certificato import read_certificato_stazione
from hub.formats.configurazione_export import read_export_giornaliero
from hub.formats.configurazione_fdr import read_fdr
from hub.formats.configurazione_inoltro import is_web_address, read_archivio, read_chiave_ritorno, read_endpoint
from hub.formats.configurazione_nodo import read_metadati, read_ripiego, read_servizi
from hub.formats.configurazione_rest import read_servizi_rest
from hub.formats.configurazione_stampa import CHIAVI_ENTE, CHIAVI_TIPO, read_stampa_ente, read_stampa_tipo
from hub.formats.configurazione_stazione import read_attese, read_indirizzi
from hub.formats.credenziali import CREDENZIALI, note_shared_certificates, read_credenziali
from hub.formats.importi import IMPORTO_MAX_CENT, cent_from_text, text_from_cent

# A thousand enti with fifty tipi each stay below it.
SIZE_MAX_BYTES = 32 * 1024 * 1024
# The deepest honest path is enti / applicazioni / certificati: six levels of nodes.
_DEPTH_MAX = 12

_IMPORTO = r"[0-9]{1,9}\.[0-9]{2}"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_T = TypeVar("_T")


class _Loader(_LOADER):
    """Refuses a key given twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"chiave {key} ripetuta", key_node.start_mark)
            seen.add(key)
        result: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return result


def _refuse(sentence: str) -> Never:
    raise ConfigurazioneNonValida([("", sentence)])


def _check_events(text: str) -> None:
    """Refuse aliases (a small file can unfold into gigabytes) and depth before anything is built."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse(f"riga {line}: ancore e alias YAML (& e *) non sono ammessi")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH_MAX:
                _refuse(f"riga {line}: troppi livelli annidati")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _load(data: bytes) -> Any:
    if len(data) > SIZE_MAX_BYTES:
        _refuse(f"file troppo grande: oltre {SIZE_MAX_BYTES // 1024 // 1024} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse("file non in UTF-8")
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"riga {mark.line + 1}: " if mark else ""
        # Only our own sentence is repeated: the library's may quote the line, and the line may hold a secret.
        reason = error.problem if error.problem and "ripetuta" in error.problem else "YAML non ben formato"
        _refuse(f"{where}{reason}")
    except (yaml.YAMLError, ValueError, RecursionError):
        _refuse("YAML non ben formato")


def read_configurazione(data: bytes, cartella: Path | None = None) -> Configurazione:
    """Return the configuration written in a YAML file; the paths in it begin in `cartella`, or are refused.

    Raises: ConfigurazioneNonValida with every problem and its path.
    """
    problems = Problemi()
    campi = Campi(_load(data), "", problems, ("stazioni", "enti"))
    stazioni = _many(campi, "stazioni", _read_stazione, lambda stazione: stazione.id, "id")
    enti = _many(campi, "enti", partial(_read_ente, cartella=cartella), lambda ente: ente.cod_ipa_ente, "codIpaEnte")
    known = {stazione.id for stazione in stazioni or ()}
    for ente, path in zip(enti or (), campi.paths("enti"), strict=False):
        if ente.stazione and ente.stazione not in known:
            problems.add(f"{path}.stazione", f"la stazione {ente.stazione} non è fra le stazioni del file")
    administrators = [
        path for ente, path in zip(enti or (), campi.paths("enti"), strict=False) if ente.amministratore
    ]
    for path in administrators[1:]:
        problems.add(f"{path}.amministratore", f"l'ente amministratore è uno solo, ed è già in {administrators[0]}")
    problems.raise_if_any()
    return Configurazione(stazioni or (), enti or ())


def read_ente(values: Mapping[str, Any]) -> Ente:
    """Return one ente given key by key as in the file. Raises: ConfigurazioneNonValida."""
    return _read_one(values, _read_ente)


def read_tipo(values: Mapping[str, Any]) -> Tipo:
    """Return one tipo dovuto given key by key as in the file. Raises: ConfigurazioneNonValida."""
    return _read_one(values, _read_tipo)


def read_applicazione(values: Mapping[str, Any]) -> Applicazione:
    """Return one application given key by key as in the file. Raises: ConfigurazioneNonValida."""
    return _read_one(values, _read_applicazione)


def render_configurazione(values: Mapping[str, Any]) -> str:
    """Return the YAML text of an exported configuration, keys in the order given."""
    return yaml.safe_dump(dict(values), allow_unicode=True, sort_keys=False, width=120, default_flow_style=False)


def _read_one(values: Mapping[str, Any], read: Callable[[Any, str, Problemi], _T]) -> _T:
    problems = Problemi()
    result = read(dict(values), "", problems)
    problems.raise_if_any()
    return result


def _many(
    campi: Campi, key: str, read: Callable[[Any, str, Problemi], _T], name: Callable[[_T], str], key_name: str
) -> tuple[_T, ...] | None:
    """Read a list of things of which no two have one name; None when the key is absent."""
    items = campi.items(key)
    if items is None:
        return None
    seen: dict[str, str] = {}
    result = []
    for path, item in items:
        thing = read(item, path, campi.problems)
        if name(thing) and name(thing) in seen:
            campi.problems.add(f"{path}.{key_name}", f"{name(thing)} è già in {seen[name(thing)]}")
        seen.setdefault(name(thing), path)
        result.append(thing)
    return tuple(result)


def _read_stazione(value: Any, path: str, problems: Problemi) -> Stazione:
    campi = Campi(value, path, problems, (
        "id", "intermediario", "password", "pagamento_online", "versione_primitive", "primitiva_rpt",
        "rileva_duplicati", "servizi_rest", "indirizzi", "attese", "fdr", "certificato",
    ))  # fmt: skip
    return Stazione(
        id=campi.text("id", pattern=r"[0-9]{11}_[0-9]{2}", rule="11 cifre, trattino basso, 2 cifre"),
        intermediario=campi.text("intermediario", check=is_valid_partita_iva, rule="codice fiscale di 11 cifre"),
        # stPassword of the node's contract: a longer one would make every message invalid.
        password=campi.secret("password", 8, 15) or "",
        pagamento_online=campi.choice("pagamento_online", PROFILI, PROFILI[0]),
        versione_primitive=campi.whole("versione_primitive", (1, 2), 2),
        primitiva_rpt=campi.choice("primitiva_rpt", ("nodoInviaCarrelloRPT", "nodoInviaRPT"), "nodoInviaCarrelloRPT"),
        rileva_duplicati=campi.flag("rileva_duplicati", True),
        servizi_rest=read_servizi_rest(campi),
        indirizzi=read_indirizzi(campi),
        attese=read_attese(campi),
        fdr=read_fdr(campi),
        certificato=read_certificato_stazione(campi),
    )


def _read_ente(value: Any, path: str, problems: Problemi, cartella: Path | None = None) -> Ente:
    campi = Campi(value, path, problems, (
        "codIpaEnte", "codice_fiscale", "nome", "stato", "stazione", "codice_segregazione", "iban", "url_esito",
        "livelli_base64_pagati", "quota_secondaria", "esito_carrello", "import_ripetuto", "amministratore",
        "autenticazione", "inoltro_esito", "chiave_ritorno", "url_archivio_esterno", "ripiego_archivio",
        "codice_convenzione", "servizi_avviso", *CHIAVI_ENTE, *CREDENZIALI,
        "password_mypivot", "flusso_bytes_max", "export_giornaliero", "pubblica_posizioni", "applicazioni", "tipi",
    ))
    before = len(problems.found)
    ente = Ente(
        cod_ipa_ente=campi.text("codIpaEnte", pattern=r"[A-Z0-9_]{1,35}", rule="al massimo 35 maiuscole, cifre o _"),
        codice_fiscale=campi.text("codice_fiscale", check=is_valid_partita_iva, rule="codice fiscale di 11 cifre"),
        nome=campi.text("nome", length_max=100),
        stato=StatoEnte(campi.choice("stato", tuple(StatoEnte), StatoEnte.INSERITO)),
        stazione=campi.text("stazione", length_max=35),
        codice_segregazione=campi.text("codice_segregazione", pattern=r"[0-9]{2}", rule="2 cifre"),
        iban=_iban(campi, required=True) or "",
        url_esito=campi.optional_text(
            "url_esito", check=is_web_address, rule="indirizzo http:// o https:// senza credenziali"
        ),
        livelli_base64_pagati=campi.whole("livelli_base64_pagati", (1, 2), 2),
        quota_secondaria=campi.choice("quota_secondaria", QUOTA_SECONDARIA, QUOTA_SECONDARIA[0]),
        esito_carrello=campi.choice("esito_carrello", ESITO_CARRELLO, ESITO_CARRELLO[0]),
        import_ripetuto=campi.choice("import_ripetuto", IMPORT_RIPETUTO, IMPORT_RIPETUTO[0]),
        amministratore=campi.flag("amministratore", False),
        autenticazione=campi.names("autenticazione", allowed=GENERI),
        inoltro_esito=campi.flag("inoltro_esito", False),
        chiave_ritorno=read_chiave_ritorno(campi),
        url_archivio_esterno=read_archivio(campi),
        ripiego_archivio=read_ripiego(campi),
        codice_convenzione=campi.optional_text(
            "codice_convenzione", pattern=r"\S.{3,33}\S", rule="da 5 a 35 caratteri"
        ),
        servizi_avviso=read_servizi(campi),
        **read_stampa_ente(campi, cartella),
        **read_credenziali(campi),
        password_mypivot=campi.secret("password_mypivot", 8, 100, required=False),
        flusso_bytes_max=campi.number("flusso_bytes_max", FLUSSO_BYTES_MIN, FLUSSO_BYTES_CEILING),
        export_giornaliero=read_export_giornaliero(campi),
        pubblica_posizioni=campi.flag("pubblica_posizioni", False),
        applicazioni=_many(campi, "applicazioni", _read_applicazione, lambda one: one.nome, "nome"),
        tipi=_many(campi, "tipi", _read_tipo, lambda one: one.codice, "codice"),
    )
    if len(problems.found) == before and ente.tipi is not None:
        known = {tipo.codice for tipo in ente.tipi}
        for one, one_path in zip(ente.applicazioni or (), campi.paths("applicazioni"), strict=True):
            for codice in sorted(set(one.tipi or ()) - known):
                problems.add(f"{one_path}.tipi", f"il tipo {codice} non è fra i tipi dell'ente")
        for servizio, path_of in zip(ente.servizi_avviso or (), campi.paths("servizi_avviso"), strict=True):
            if servizio.tipo not in known:
                problems.add(f"{path_of}.tipo", f"il tipo {servizio.tipo} non è fra i tipi dell'ente")
        exported = ente.export_giornaliero and ente.export_giornaliero.tipi
        for codice in sorted(set(exported or ()) - known):
            problems.add(f"{campi.prefix}export_giornaliero.tipi", f"il tipo {codice} non è fra i tipi dell'ente")
    if len(problems.found) == before:
        note_shared_certificates(ente, campi)
    return ente


def _read_applicazione(value: Any, path: str, problems: Problemi) -> Applicazione:
    campi = Campi(value, path, problems, (
        "nome", "software_house", *CREDENZIALI, "tipi", "operazioni", "chiamate_al_secondo", "chiamate_insieme",
    ))  # fmt: skip
    return Applicazione(
        nome=campi.text("nome", length_max=64),
        software_house=campi.optional_text("software_house", length_max=100),
        **read_credenziali(campi),
        tipi=campi.names("tipi"),
        operazioni=campi.names("operazioni", allowed=OPERAZIONI),
        chiamate_al_secondo=campi.number("chiamate_al_secondo", 1, CHIAMATE_AL_SECONDO_MAX),
        chiamate_insieme=campi.number("chiamate_insieme", 1, CHIAMATE_INSIEME_MAX),
    )


def _read_tipo(value: Any, path: str, problems: Problemi) -> Tipo:
    campi = Campi(value, path, problems, (
        "codice", "descrizione", "tassonomia", "modalita", "attivo", "scadenza_obbligatoria", "stampa_data_scadenza",
        "anonimo", "iban", "importo", "notifica_esito", *CHIAVI_TIPO, "metadati", "endpoint_esito",
    ))  # fmt: skip
    codice = campi.text("codice", pattern=r"\S{1,64}", rule="al massimo 64 caratteri senza spazi")
    attivo = campi.flag("attivo", True)
    tassonomia = campi.optional_text(
        "tassonomia", pattern=r"[0126789]/\S{3,33}", rule="una cifra fra 0, 1, 2, 6, 7, 8, 9, una barra, 3-33 caratteri"
    )
    if attivo and tassonomia is None and not problems.has(f"{campi.prefix}tassonomia"):
        problems.add(f"{campi.prefix}tassonomia", "manca: senza codice di tassonomia un tipo non può essere attivo")
    modalita = campi.names("modalita", allowed=MODALITA)
    return Tipo(
        codice=codice,
        descrizione=campi.text("descrizione", length_max=256),
        tassonomia=tassonomia or "",
        modalita=MODALITA if modalita is None else tuple(one for one in MODALITA if one in modalita),
        attivo=attivo,
        scadenza_obbligatoria=campi.flag("scadenza_obbligatoria", True),
        stampa_data_scadenza=campi.flag("stampa_data_scadenza", True),
        anonimo=campi.flag("anonimo", False),
        iban=_iban(campi, required=False),
        importo_cent=_importo(campi),
        notifica_esito=campi.flag("notifica_esito", False),
        **read_stampa_tipo(campi),
        metadati=read_metadati(campi),
        endpoint_esito=read_endpoint(campi),
    )


def _iban(campi: Campi, *, required: bool) -> str | None:
    rule = "IBAN con le cifre di controllo giuste"
    if not required:
        text = campi.optional_text("iban", check=iban.is_valid, rule=rule)
    else:
        text = campi.text("iban", check=iban.is_valid, rule=rule)
    if not text:
        return None
    try:
        return iban.validate(text)
    except InvalidRequest:
        return None  # already among the problems


def _importo(campi: Campi) -> int | None:
    text = campi.optional_text("importo", pattern=_IMPORTO, rule='importo fra virgolette, per esempio "16.00"')
    if not text or not re.fullmatch(_IMPORTO, text):
        return None
    importo_cent = cent_from_text(text)
    if not 0 < importo_cent <= IMPORTO_MAX_CENT:
        campi.problems.add(f"{campi.prefix}importo", f"{text_from_cent(importo_cent)} deve essere maggiore di zero")
    return importo_cent
