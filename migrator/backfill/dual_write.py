"""The triggers of a dual write: SQL that keeps the old and the new shape right, whoever writes.

Where both shapes are columns of one table, one trigger function holds both directions, so neither can set off the
other. It decides by what the writer changed: on UPDATE by comparing OLD and NEW; on INSERT a column counts as given
when it differs from its default. Where the new shape is another table, there is a trigger on each, and each silences
the other while it writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from migrator.postgres.tables import Table

SCHEMA = "migrator"
# Set to 'on' by a session whose writes need no dual write: the backfill, and each direction while it writes. The
# trigger's WHEN tests it, which costs nothing next to calling a function.
SILENCE = "migrator.backfill"
# Not as a setting of the function: to say one of a name that the server does not know is a superuser's right.
_SILENT = f"PERFORM set_config('{SILENCE}', 'on', true);"
_AS_BEFORE = f"PERFORM set_config('{SILENCE}', migrator_before, true);"


@dataclass(frozen=True, slots=True)
class DualWrite:
    """Forward computes the new columns from a row of `table`; backward the old ones from the new.

    Attributes:
        name: of the trigger; unique in the database. Triggers fire in the order of their names, so it sorts late.
        sources: the columns of `table` that the forward expressions read.
        search_path: under which the expressions are resolved, whatever the writer's is.
        into: the table that holds the new shape, where it is another; `key` maps its key columns to those of `table`.
    """

    name: str
    table: Table
    forward: dict[str, str]
    backward: dict[str, str]
    sources: frozenset[str]
    search_path: str
    into: Table | None = None
    key: dict[str, str] | None = None

    def install(self) -> list[sql.Composed]:
        """Return the statements that create functions and triggers. They are safe to repeat."""
        if self.into is None:
            return [
                self._function("", _within(self), definer=False),
                self._trigger(self.table, "", "BEFORE INSERT OR UPDATE"),
            ]
        statements = [
            self._function("_forward", _forward(self, self.into), definer=True),
            self._trigger(self.table, "_forward", "AFTER INSERT OR UPDATE OR DELETE"),
        ]
        if self.backward:
            statements += [
                self._function("_backward", _backward(self, self.into), definer=True),
                self._trigger(self.into, "_backward", "AFTER INSERT OR UPDATE OR DELETE"),
            ]
        return statements

    def remove(self) -> list[sql.Composed]:
        """Return the statements that drop triggers and functions; safe to repeat."""
        owners = self._owners()
        drops: list[sql.Composed] = [
            sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(sql.Identifier(name), table.identifier)
            for name, table in owners
        ]
        drops += [sql.SQL("DROP FUNCTION IF EXISTS {}()").format(sql.Identifier(SCHEMA, name)) for name, _ in owners]
        return drops

    @property
    def triggers(self) -> list[tuple[str, Table]]:
        """The names of the triggers that `install` makes, each with its table."""
        owners = self._owners()
        return owners if self.backward or self.into is None else owners[:1]

    def _owners(self) -> list[tuple[str, Table]]:
        if self.into is None:
            return [(self.name, self.table)]
        return [(f"{self.name}_forward", self.table), (f"{self.name}_backward", self.into)]

    def _function(self, suffix: str, body: str, *, definer: bool) -> sql.Composed:
        # As definer where another table is written: the application's role may have no rights on it.
        rights = sql.SQL("SECURITY DEFINER" if definer else "SECURITY INVOKER")
        return sql.SQL(
            "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql {} SET search_path = {} AS {}"
        ).format(sql.Identifier(SCHEMA, self.name + suffix), rights, _plain(self.search_path), sql.Literal(body))

    def _trigger(self, table: Table, suffix: str, event: LiteralString) -> sql.Composed:
        return sql.SQL(
            "CREATE OR REPLACE TRIGGER {} {} ON {} FOR EACH ROW "
            "WHEN (current_setting({}, true) IS DISTINCT FROM 'on') EXECUTE FUNCTION {}()"
        ).format(
            sql.Identifier(self.name + suffix),
            sql.SQL(event),
            table.identifier,
            sql.Literal(SILENCE),
            sql.Identifier(SCHEMA, self.name + suffix),
        )


def _within(dual: DualWrite) -> str:
    alias = _quoted(dual.table.name)
    old, new = list(dual.backward), list(dual.forward)
    shared = sorted(dual.sources - set(old) - set(new))
    return f"""
#variable_conflict use_column
DECLARE
    migrator_old boolean;
    migrator_new boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        migrator_old := true;
        migrator_new := {_given(dual.table, new)} AND NOT ({_given(dual.table, old)});
        IF {_given(dual.table, new)} AND {_given(dual.table, old)} THEN
            RETURN NEW;  -- the writer knows both shapes
        END IF;
    ELSE
        migrator_old := {_changed([*old, *shared])};
        migrator_new := {_changed(new)};
        IF migrator_new AND {_changed(old)} THEN
            RETURN NEW;
        END IF;
    END IF;
    IF migrator_new THEN
        {_assign(dual.backward, alias) or "NULL;"}
    ELSIF migrator_old THEN
        {_assign(dual.forward, alias)}
    END IF;
    RETURN NEW;
END
"""


def _forward(dual: DualWrite, into: Table) -> str:
    assert dual.key
    alias, target = _quoted(dual.table.name), f"{_quoted(into.schema)}.{_quoted(into.name)}"
    keys, columns = list(dual.key), list(dual.forward)
    matched = " AND ".join(f"{_quoted(key)} = OLD.{_quoted(source)}" for key, source in dual.key.items())
    values = [f"NEW.{_quoted(source)}" for source in dual.key.values()] + [f"({e}\n)" for e in dual.forward.values()]
    excluded = ", ".join(f"{_quoted(column)} = EXCLUDED.{_quoted(column)}" for column in columns)
    differs = " OR ".join(f"migrator_row.{_quoted(c)} IS DISTINCT FROM EXCLUDED.{_quoted(c)}" for c in columns)
    sources = sorted(dual.sources)
    return _silencing(f"""
    IF TG_OP = 'DELETE' THEN
        {_SILENT}
        DELETE FROM {target} WHERE {matched};
        {_AS_BEFORE}
        RETURN NULL;
    END IF;
    -- A writer of the new shape leaves the old columns alone and makes the other row itself.
    IF TG_OP = 'INSERT' AND NOT ({_given(dual.table, sources)})
       OR TG_OP = 'UPDATE' AND NOT ({_changed(sources)}) THEN
        RETURN NULL;
    END IF;
    {_SILENT}
    INSERT INTO {target} AS migrator_row ({", ".join(map(_quoted, keys + columns))})
    SELECT {", ".join(values)} FROM (SELECT (NEW).*) AS {alias}
    ON CONFLICT ({", ".join(map(_quoted, keys))}) DO UPDATE SET {excluded} WHERE {differs};
    {_AS_BEFORE}
""")


def _backward(dual: DualWrite, into: Table) -> str:
    assert dual.key
    alias, target = _quoted(into.name), f"{_quoted(dual.table.schema)}.{_quoted(dual.table.name)}"
    columns = list(dual.backward)
    where = {
        row: " AND ".join(f"migrator_row.{_quoted(s)} = {row}.{_quoted(k)}" for k, s in dual.key.items())
        for row in ("NEW", "OLD")
    }
    names = ", ".join(map(_quoted, columns))
    values = ", ".join(f"({expression}\n) AS {_quoted(column)}" for column, expression in dual.backward.items())
    computed = ", ".join(f"migrator_value.{_quoted(column)}" for column in columns)
    current = ", ".join(f"migrator_row.{_quoted(column)}" for column in columns)
    defaults = ", ".join("DEFAULT" for _ in columns)
    return _silencing(f"""
    {_SILENT}
    IF TG_OP = 'DELETE' THEN
        UPDATE {target} AS migrator_row SET ({names}) = ROW({defaults}) WHERE {where["OLD"]};
    ELSE
        UPDATE {target} AS migrator_row SET ({names}) = ROW({computed})
        FROM (SELECT {values} FROM (SELECT (NEW).*) AS {alias}) AS migrator_value
        WHERE {where["NEW"]} AND ROW({current}) IS DISTINCT FROM ROW({computed});
    END IF;
    {_AS_BEFORE}
""")


def _silencing(body: str) -> str:
    """Return a trigger function with this body, between whose `_SILENT` and `_AS_BEFORE` no dual write fires."""
    return f"""
#variable_conflict use_column
DECLARE
    migrator_before text := coalesce(current_setting('{SILENCE}', true), '');
BEGIN
{body}
    RETURN NULL;
END
"""


def _given(table: Table, columns: Iterable[str]) -> str:
    tests = []
    for name in columns:
        column = table.column(name)
        default = column.default if column else None
        if default is None or "(" not in default:
            tests.append(f"NEW.{_quoted(name)} IS DISTINCT FROM {default or 'NULL'}")
        # a default that calls a function may give another value each time: it is no evidence either way
    return f"({' OR '.join(tests)})" if tests else "false"


def _changed(columns: Iterable[str]) -> str:
    tests = [f"NEW.{_quoted(name)} IS DISTINCT FROM OLD.{_quoted(name)}" for name in columns]
    return f"({' OR '.join(tests)})" if tests else "false"


def _assign(expressions: dict[str, str], alias: str) -> str:
    if not expressions:
        return ""
    values = ", ".join(f"({expression}\n)" for expression in expressions.values())
    targets = ", ".join(f"NEW.{_quoted(column)}" for column in expressions)
    return f"SELECT {values} INTO {targets} FROM (SELECT (NEW).*) AS {alias};"


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()


def _plain(text: str) -> sql.SQL:
    return sql.SQL(text.replace("%", "%%"))
