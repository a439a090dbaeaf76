"""The body of a DO block as PostgreSQL's own PL/pgSQL parser sees it; not what its statements do."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from migrator.sql.parser import option_text
from migrator.sql.statement import parse_one


def parse_block(do: str) -> list[Any] | None:
    """Return the parse tree of a DO statement's body as nested dicts and lists; None where it is not PL/pgSQL."""
    options = {one.def_elem.defname: one.def_elem for one in parse_one(do).tree.args}
    if "language" in options and option_text(options["language"]) != "plpgsql":
        return None
    body = options["as"].arg.string.sval
    mark = "$migrator$"
    postgast = import_module("postgast")
    try:
        parsed = postgast.parse_plpgsql(f"CREATE FUNCTION block() RETURNS void LANGUAGE plpgsql AS {mark}{body}{mark}")
    except postgast.PgQueryError:
        return None
    return cast("list[Any]", parsed)
