"""Responsible for finding every error that migrator can raise; not for explaining it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import migrator
from migrator.errors import MigratorError, catalogue

_DEFINES_AN_ERROR = re.compile(r'^    code(?:: ClassVar\[str\])? = "MG\d{3}"$', re.MULTILINE)


def every_error() -> dict[str, type[MigratorError]]:
    """Return every error class by its code, in the order of the codes, after importing the modules that define one.

    Only those are imported: an Alembic ``env.py`` among the others would start to migrate.
    """
    root = Path(migrator.__file__).parent
    for path in root.rglob("*.py"):
        if _DEFINES_AN_ERROR.search(path.read_text(encoding="utf-8")):
            importlib.import_module(_module_name(path.relative_to(root.parent)))
    return dict(sorted((code, kind) for code, kind in catalogue().items() if kind is not MigratorError))


def _module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")
