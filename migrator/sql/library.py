"""Imports the parts of postgast that are used here: the whole package takes 0.15 s longer, for classes of no use."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

_PACKAGES = ("postgast", "postgast.nodes")
_PARTS = {
    "postgast.parse": ("parse",),
    "postgast.deparse": ("deparse",),
    "postgast.scan": ("scan",),
    "postgast.plpgsql": ("parse_plpgsql",),
    "postgast.errors": ("PgQueryError",),
}


def load() -> Any:
    """Return the functions of the parser, by their names in postgast.

    Whoever imports postgast later gets it whole: a package that was not run yet is not left in `sys.modules`.
    """
    ours = [name for name in _PACKAGES if name not in sys.modules]
    for name in ours:
        spec = find_spec(name)
        assert spec, "postgast is a requirement"
        sys.modules[name] = _not_run(spec)
    try:
        found = {word: getattr(import_module(part), word) for part, words in _PARTS.items() for word in words}
    finally:
        for name in ours:
            del sys.modules[name]
    return SimpleNamespace(**found)


def _not_run(spec: ModuleSpec) -> ModuleType:
    """Return a package whose modules can be imported while it has not been imported itself."""
    package = ModuleType(spec.name)
    package.__path__ = list(spec.submodule_search_locations or ())
    package.__spec__ = spec
    return package
