"""The body of a DO block or a function as PostgreSQL's own PL/pgSQL parser sees it; not what its statements do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from migrator.sql.names import quote
from migrator.sql.parser import Tree, option_text, parse_plpgsql


def parse_block(do: Tree) -> list[Any] | None:
    """Return the parse tree of a DO statement's body as nested dicts and lists; None where it is not PL/pgSQL."""
    options = {one.def_elem.defname: one.def_elem for one in do.args}
    if "language" in options and option_text(options["language"]) != "plpgsql":
        return None
    return parse_body(options["as"].arg.string.sval)


def parse_body(body: str, parameters: Iterable[str] = ()) -> list[Any] | None:
    """Return the parse tree of a body in PL/pgSQL as nested dicts and lists; None where it is not PL/pgSQL.

    The parser has to know what the body may RETURN, and the variables that it sets: its parameters, and NEW and OLD in
    a trigger's. It is read inside a block that declares them, as if it gave nothing back, a row or several.
    """
    known = "".join(f"{quote(name)} record; " for name in (*parameters, "new", "old"))
    inside = f"DECLARE {known}BEGIN {body.strip().rstrip(';')}; END"
    found = (
        parse_plpgsql(f"CREATE FUNCTION block() RETURNS {returned} LANGUAGE plpgsql AS {_MARK}{inside}{_MARK}")
        for returned in ("void", "record", "SETOF record")
    )
    return next((tree for tree in found if tree is not None), None)


_MARK = "$migrator$"
