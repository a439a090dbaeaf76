"""The named statements of `queries.sql`, so that all bookkeeping SQL can be read and reviewed in one place."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import LiteralString


@cache
def _all() -> dict[str, str]:
    text = resources.files("migrator.postgres").joinpath("queries.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


def query(name: str) -> LiteralString:
    """Return the statement called `name`; a missing one is a bug and raises KeyError."""
    return _all()[name]
