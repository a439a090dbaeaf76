"""A column that a view, a generated column, a trigger or a policy reads can neither change its type nor be dropped.

What it does
------------
Reports `ALTER COLUMN ... TYPE` and `DROP COLUMN` without CASCADE on a column that one of them is known to name.

Why it is bad
-------------
PostgreSQL refuses the statement: they depend on the column.

What to do instead
------------------
Drop what reads it, change the column and make it again, all in one transaction; a stored generated column is computed
for every row then.

When it does not apply
----------------------
Nothing that reads it is known: not created by the script, and no `--schema` given.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import Name, quote
from migrator.sql.parser import field_enum

HAZARD = Hazard.FAILS
BAD = (
    Example(
        sql="ALTER TABLE orders ALTER COLUMN status TYPE varchar;",
        setup=(
            "CREATE TABLE orders (id int, status text); CREATE VIEW v AS SELECT id FROM orders WHERE status = 'open';"
        ),
    ),
    Example(
        sql="ALTER TABLE orders DROP COLUMN status;",
        setup="CREATE TABLE orders (status text); CREATE VIEW v AS SELECT * FROM orders;",
    ),
    Example(
        sql="ALTER TABLE orders ALTER COLUMN id TYPE bigint;",
        setup="CREATE TABLE orders (id int); CREATE MATERIALIZED VIEW v AS SELECT id FROM orders;",
    ),
    Example(
        sql="ALTER TABLE orders ALTER COLUMN ref TYPE varchar(40);",
        setup="CREATE TABLE orders (ref varchar(20), key text GENERATED ALWAYS AS (lower(ref)) STORED);",
    ),
    Example(
        sql="ALTER TABLE orders ALTER COLUMN ref TYPE text;",
        setup=(
            "CREATE TABLE orders (id int, ref varchar(20)); CREATE TRIGGER told AFTER UPDATE OF ref ON orders "
            "FOR EACH ROW EXECUTE FUNCTION tell();"
        ),
    ),
    Example(
        sql="ALTER TABLE bills DROP COLUMN holder;",
        setup=(
            "CREATE TABLE orders (owner name); CREATE POLICY own ON orders USING (owner = current_user); "
            "ALTER TABLE orders RENAME TO bills; ALTER TABLE bills RENAME owner TO holder;"
        ),
    ),
)
GOOD = (
    Example(
        sql="ALTER TABLE orders ALTER COLUMN note TYPE varchar;",
        setup="CREATE TABLE orders (id int, note text); CREATE VIEW v AS SELECT id FROM orders;",
    ),
    Example(
        sql=(
            "BEGIN; DROP VIEW v; ALTER TABLE orders ALTER COLUMN id TYPE bigint; "
            "CREATE VIEW v AS SELECT id FROM orders; COMMIT;"
        ),
        setup="CREATE TABLE orders (id int); CREATE VIEW v AS SELECT id FROM orders;",
    ),
    Example(sql="ALTER TABLE orders ALTER COLUMN note TYPE text;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each column with the view that holds on to it."""
    for table, command in moment.commands("AT_AlterColumnType", "AT_DropColumn"):
        dropped = field_enum(command, "subtype") == "AT_DropColumn"
        if dropped and field_enum(command, "behavior") == "DROP_CASCADE":
            continue
        name = quote(command.name)
        for view, reads in moment.schema.views.items():
            of_table = any(one.same(table) for one in reads.relations)
            if of_table and reads.columns & {command.name, "*"}:
                yield Report(
                    f"PostgreSQL refuses it: view {view} reads {table}.{name}",
                    f"BEGIN;\nDROP VIEW {view};\n{moment.statement.text};\nCREATE VIEW {view} AS ...;\nCOMMIT;",
                )
        for reader in _of_table(moment, table, command.name):
            yield Report(
                f"PostgreSQL refuses it: {reader} reads {table}.{name}",
                f"drop the {reader} before and make it again behind it, in one transaction",
            )


def _of_table(moment: Moment, table: Name, column: str) -> Iterator[str]:
    """Yield the triggers, policies and generated columns of the table that name the column and stay as they are."""
    gone = {command.name for _, command in moment.commands("AT_DropColumn")}
    for one in moment.schema.known(table).columns:
        if column in one.computed_from and one.name not in gone:
            yield f"generated column {quote(one.name)}"
    for (owner, words), columns in moment.schema.readers.items():
        if owner == table.name and column in columns:
            yield words
