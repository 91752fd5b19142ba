"""The compiled schemas of the inner documents: each one once per process, at its first use."""

from __future__ import annotations

import threading

from hub.formats.resources import resource
from hub.formats.xml import Schema, compile_schema

DOVUTI_PAGATI = "PagInf_Dovuti_Pagati_6_2_0.xsd"
RPT_RT = "PagInf_RPT_RT_6_2_0.xsd"
FDR = "FlussoRiversamento_1_0_4.xsd"

_lock = threading.Lock()
_compiled: dict[str, Schema] = {}


def schema(name: str) -> Schema:
    """Return the compiled schema of a file of `schemas/`; any number of threads may ask at once."""
    found = _compiled.get(name)
    if found is None:
        with _lock:
            found = _compiled.get(name)
            if found is None:
                found = _compiled[name] = compile_schema(resource("schemas", name))
    return found
