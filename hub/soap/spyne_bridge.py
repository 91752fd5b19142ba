"""What frozen Spyne 2.14 needs to run on today's Python, and to run quietly.

* Its bundled six 1.14 has a finder without `find_spec`, which Python 3.12 no longer asks; `_SixMoves` gives it one.
  (From 3.13 on it also imports `cgi`, which the distribution legacy-cgi supplies.)
* It calls gc.collect() once a second inside requests, and logs whole requests, secrets included.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import logging
import sys
import warnings
from types import ModuleType
from typing import Any

_SIX = "spyne.util.six"
_MOVES = _SIX + ".moves"


class _SixMoves(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `spyne.util.six.moves` and what is below it through Spyne's own table."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != _MOVES and not fullname.startswith(_MOVES + "."):
            return None
        six = sys.modules.get(_SIX)
        if six is None or fullname not in six._importer.known_modules:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=six._importer.is_package(fullname))

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = sys.modules[_SIX]._importer.load_module(spec.name)
        spec.loader_state = getattr(module, "__spec__", None)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give a module of the standard library, reached by its six name, its own spec back."""
        own = module.__spec__.loader_state if module.__spec__ is not None else None
        if own is not None:
            module.__spec__ = own


def install() -> None:
    """Make `import spyne` work and keep it quiet; harmless when called again."""
    if not any(isinstance(finder, _SixMoves) for finder in sys.meta_path):
        sys.meta_path.insert(0, _SixMoves())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import spyne.const
        import spyne.protocol.soap.soap11
    spyne.const.MIN_GC_INTERVAL = float("inf")
    # Spyne logs requests and tracebacks of refusals. The door writes its own line: no record of Spyne's is wanted.
    root = logging.getLogger("spyne")
    root.setLevel(logging.CRITICAL + 1)
    root.propagate = False
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("spyne."):
            logging.getLogger(name).setLevel(logging.NOTSET)
    logging.getLogger("spyne.protocol.soap.soap11.invalid").disabled = True
