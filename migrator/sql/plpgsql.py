"""The body of a DO block or a function as PostgreSQL's own PL/pgSQL parser sees it; not what its statements do."""

from __future__ import annotations

from typing import Any

from migrator.sql.parser import Tree, option_text, parse_plpgsql


def parse_block(do: Tree) -> list[Any] | None:
    """Return the parse tree of a DO statement's body as nested dicts and lists; None where it is not PL/pgSQL."""
    options = {one.def_elem.defname: one.def_elem for one in do.args}
    if "language" in options and option_text(options["language"]) != "plpgsql":
        return None
    return parse_body(options["as"].arg.string.sval)


def parse_body(body: str) -> list[Any] | None:
    """Return the parse tree of a body in PL/pgSQL as nested dicts and lists; None where it is not PL/pgSQL."""
    mark = "$migrator$"
    return parse_plpgsql(f"CREATE FUNCTION block() RETURNS void LANGUAGE plpgsql AS {mark}{body}{mark}")
