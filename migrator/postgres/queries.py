"""The named statements of this package's SQL files, so that they can be read and reviewed in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def named(file: str) -> Mapping[str, str]:
    """Return the statements of `file`, each introduced by a line ``-- name: ...``, by their names."""
    text = resources.files("migrator.postgres").joinpath(file).read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


def query(name: str) -> str:
    """Return the bookkeeping statement called `name`; a missing one is a bug and raises KeyError."""
    return named("queries.sql")[name]
