"""Runs a team's unmodified Alembic revisions, with every statement intercepted on its way to the server."""

import sys
from importlib import import_module

if "mako.exceptions" not in sys.modules:
    # Alembic imports Mako, whose error pages would like to be coloured: that alone takes 0.15 s to import, for nothing.
    sys.modules["mako.ext.pygmentplugin"] = None  # type: ignore[assignment]  # Python's way to say: not to be had
    try:
        import_module("mako.exceptions")
    finally:
        del sys.modules["mako.ext.pygmentplugin"]
