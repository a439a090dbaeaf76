"""PostgreSQL refuses the constraint, or refuses to let it go.

What it does
------------
Reports, as far as the schema, the history and the script tell:

- `ADD CONSTRAINT ... USING INDEX` with an index that is not unique, is partial or is over expressions;
- a foreign key to columns that nothing unique is over, or whose types cannot be compared;
- a second primary key, and `DROP NOT NULL` of a column in one, or of an identity;
- `DROP CONSTRAINT` of a key that foreign keys point to;
- `ALTER CONSTRAINT` of anything but a foreign key.

Why it is bad
-------------
The statement fails, and what was committed before it stays half done.

What to do instead
------------------
Make the index that the constraint needs, UNIQUE and over the plain columns; drop the foreign keys before the key that
they point to.

When it does not apply
----------------------
Tables and indexes of which nothing is known, `CASCADE`, and statements inside DO blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.afterwards import schema_with
from migrator.check.finding import Hazard
from migrator.check.foreign_keys import foreign_keys
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.column_type import read_type
from migrator.sql.commands import definition
from migrator.sql.context import Constraint, RelationKind, Table
from migrator.sql.names import name_of
from migrator.sql.parser import Tree, field_enum

HAZARD = Hazard.FAILS
_SETUP = (
    "CREATE TABLE p (id int PRIMARY KEY, n int CONSTRAINT n_ok CHECK (n > 0), t text); CREATE INDEX n_idx ON p (n); "
    "CREATE UNIQUE INDEX rare ON p (n) WHERE t IS NULL; CREATE UNIQUE INDEX n_key ON p (n); "
    "CREATE TABLE q (id int, p int CONSTRAINT q_fk REFERENCES p);"
)
BAD = (
    Example(sql="ALTER TABLE p ADD CONSTRAINT k UNIQUE USING INDEX n_idx;", setup=_SETUP),
    Example(sql="ALTER TABLE p ADD CONSTRAINT k UNIQUE USING INDEX rare;", setup=_SETUP),
    Example(sql="ALTER TABLE q ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p (t) NOT VALID;", setup=_SETUP),
    Example(sql="ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (t) REFERENCES p NOT VALID;", setup=_SETUP),
    Example(sql="ALTER TABLE p ADD u uuid; ALTER TABLE p ADD FOREIGN KEY (u) REFERENCES p NOT VALID;", setup=_SETUP),
    Example(sql="CREATE TABLE r (p uuid REFERENCES p);", setup=_SETUP),
    Example(sql="CREATE TABLE r (t text, FOREIGN KEY (t) REFERENCES p (t));", setup=_SETUP),
    Example(sql="ALTER TABLE p DROP CONSTRAINT p_pkey;", setup=_SETUP),
    Example(sql="ALTER TABLE p ADD PRIMARY KEY USING INDEX n_key;", setup=_SETUP),
    Example(sql="ALTER TABLE p ALTER id DROP NOT NULL;", setup=_SETUP),
    Example(sql="ALTER TABLE p VALIDATE CONSTRAINT p_pkey;", setup=_SETUP),
    Example(sql="ALTER TABLE q ADD FOREIGN KEY (id, p) REFERENCES p (n) NOT VALID;", setup=_SETUP),
    Example(sql="ALTER TABLE p ALTER CONSTRAINT n_ok DEFERRABLE;", setup=_SETUP),
)
GOOD = (
    Example(sql="ALTER TABLE p ADD CONSTRAINT k UNIQUE USING INDEX n_key;", setup=_SETUP),
    Example(sql="ALTER TABLE q ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p NOT VALID;", setup=_SETUP),
    Example(sql="ALTER TABLE q ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p (n) NOT VALID;", setup=_SETUP),
    Example(sql="CREATE TABLE r (id bigint PRIMARY KEY, p int REFERENCES p, r int REFERENCES r);", setup=_SETUP),
    Example(sql="ALTER TABLE q DROP CONSTRAINT q_fk; ALTER TABLE p DROP CONSTRAINT p_pkey;", setup=_SETUP),
    Example(sql="ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE;", setup=_SETUP),
    Example(
        sql="ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE, ADD PRIMARY KEY USING INDEX n_key, ALTER id DROP NOT NULL;",
        setup=_SETUP,
    ),
    Example(sql="ALTER TABLE q ALTER CONSTRAINT q_fk DEFERRABLE;", setup=_SETUP),
)
_FAMILIES = {
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar"), "text"),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "time"),
    **dict.fromkeys(("inet", "cidr"), "address"),
    **{one: one for one in ("uuid", "bool", "bytea", "jsonb")},
}
"""Types whose values PostgreSQL compares with each other."""


def find(moment: Moment) -> Iterator[Report]:
    """Yield each constraint that cannot be added, altered or dropped."""
    if moment.conditional:
        return
    for reason in (*_of_commands(moment), *_of_keys(moment)):
        yield Report(f"PostgreSQL refuses it: {reason}", "make what it needs, or drop what needs it, before")


def _of_commands(moment: Moment) -> Iterator[str]:
    table = moment.schema.table(name_of(moment.tree.relation)) if moment.statement.kind == "alter_table_stmt" else None
    if table is not None:
        for node in moment.tree.cmds:
            command = node.alter_table_cmd
            reasons = _REASONS.get(field_enum(command, "subtype"))
            yield from reasons(moment, table, command) if reasons else ()


def _of_added(moment: Moment, table: Table, command: Tree) -> Iterator[str]:
    added = definition(command)
    if added.indexname:
        yield from _of_index(moment, table, added.indexname)
    if field_enum(added, "contype") == "CONSTR_PRIMARY" and not _drops_key(moment, table):
        yield from (f"{table.name} has the primary key {one.name}" for one in _primary(table))


def _of_altered(_: Moment, table: Table, command: Tree) -> Iterator[str]:
    known = table.constraint(definition(command).conname)
    if known is not None and known.kind not in ("foreign key", "not null"):
        yield f"{known.name} is no foreign key"


def _of_validated(_: Moment, table: Table, command: Tree) -> Iterator[str]:
    known = table.constraint(command.name)
    if known is not None and known.kind not in ("foreign key", "check", "not null"):
        yield f"{known.name} is a {known.kind}, which is always valid"


def _of_dropped(moment: Moment, table: Table, command: Tree) -> Iterator[str]:
    known = table.constraint(command.name)
    cascades = field_enum(command, "behavior") == "DROP_CASCADE"
    if known is not None and known.kind in ("primary key", "unique") and not cascades:
        yield from (
            f"foreign key {key.name} of {other.name} points to it"
            for other in moment.schema.every()
            for key in other.constraints
            if key.references is not None and key.references.same(table.name) and _needs(key, known)
        )


def _of_nullable(moment: Moment, table: Table, command: Tree) -> Iterator[str]:
    if any(command.name in one.columns for one in _primary(table)) and not _drops_key(moment, table):
        yield f"{command.name} is in the primary key of {table.name}"
    elif (table.name.name, command.name) in moment.schema.identities:
        yield f"{command.name} is an identity"


_REASONS = {
    "AT_AddConstraint": _of_added,
    "AT_AlterConstraint": _of_altered,
    "AT_ValidateConstraint": _of_validated,
    "AT_DropConstraint": _of_dropped,
    "AT_DropNotNull": _of_nullable,
}


def _primary(table: Table) -> list[Constraint]:
    return [one for one in table.constraints if one.kind == "primary key"]


def _drops_key(moment: Moment, table: Table) -> bool:
    names = {one.name for one in _primary(table)}
    return any(command.name in names for _, command in moment.commands("AT_DropConstraint"))


def _needs(key: Constraint, target: Constraint) -> bool:
    return set(key.referenced) == set(target.columns) if key.referenced else target.kind == "primary key"


def _of_index(moment: Moment, table: Table, name: str) -> Iterator[str]:
    index = moment.schema.index(table.name.beside(name))
    if index is None:
        return
    if not index.unique:
        yield f"index {name} is not unique"
    if index.partial:
        yield f"index {name} is partial"
    if index.expressions:
        yield f"index {name} is over an expression"


def _of_keys(moment: Moment) -> Iterator[str]:
    made = tuple(foreign_keys(moment))
    schema = schema_with(moment) if made else moment.schema
    for key in made:
        target = schema.table(key.references)
        if target is None or not schema.is_whole(target.name) or target.kind is not RelationKind.TABLE:
            continue
        unique = [one.columns for one in target.indexes if one.unique and not (one.partial or one.expressions)]
        primary = next((one.columns for one in target.constraints if one.kind == "primary key"), None)
        columns = key.targets or primary
        if columns is None:
            yield f"{target.name} has no primary key"
        elif len(columns) != len(key.columns):
            yield f"it has {len(key.columns)} columns, and {len(columns)} in {target.name}"
        elif set(columns) not in map(set, unique) and primary != columns:
            yield f"no unique constraint of {target.name} is over ({', '.join(columns)})"
        for own, other in zip(key.columns, columns or (), strict=False):
            both = {_family(schema.known(key.table), own), _family(target, other)}
            if len(both) > 1 and "" not in both:
                yield f"{own} cannot be compared with {target.name}.{other}"


def _family(table: Table, name: str) -> str:
    column = table.column(name)
    known = read_type(column.type) if column is not None and column.type else None
    if known is None or known.array or not known.built_in:
        return ""
    return _FAMILIES.get(known.name, "")
