"""Sends the generated tables to a database in one transaction; generates nothing.

The order is that of a dump restored: rows first, then secondary indexes and foreign keys, which are put aside
meanwhile and come back as they were. Checking a foreign key once for all rows costs a fiftieth of checking it per row.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from psycopg import Connection, sql

from catalog_schema.seed.tables import Sizes, TableBlocks, table_blocks

_REPORT_SECONDS = 1.0
_TABLES = ("categories", "products", "variants", "prices", "reviews")

_FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])
    ORDER BY conrelid::regclass::text, conname
"""
_SECONDARY_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE NOT indisunique AND indrelid = ANY (%s::regclass[])
    ORDER BY indexrelid::regclass::text
"""

Report = Callable[[str], None]


class NotEmptyError(Exception):
    """The catalog holds rows already; generated ones would mix with them."""


def load(
    connection: Connection,
    sizes: Sizes,
    seed: int,
    *,
    analyze: bool = True,
    report: Report = lambda _line: None,
) -> None:
    """Fill the empty catalog of `connection`'s database, all or nothing.

    Args:
        connection: to a database whose schema is at the baseline.
        sizes: rows per table.
        seed: the same seed gives the same rows.
        analyze: collect statistics afterwards, so that the first plans are good ones.
        report: is given one line of progress at a time.

    Raises:
        NotEmptyError: a table holds rows.
    """
    with connection.transaction():
        _require_empty(connection)
        with _constraints_put_aside(connection, report):
            for data in table_blocks(sizes, seed):
                _copy(connection, data, report)
        if analyze:
            connection.execute(sql.SQL("ANALYZE {}").format(_names(_TABLES)))


def _require_empty(connection: Connection) -> None:
    """Make sure there are no rows, and let the server know: it may then write rows frozen, with no vacuum to follow."""
    connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_names(_TABLES)))
    for table in _TABLES:
        found = connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table))).fetchone()
        if found is not None:
            raise NotEmptyError(f"table {table} is not empty: seed a fresh catalog")
    connection.execute(sql.SQL("TRUNCATE {}").format(_names(_TABLES)))


@contextmanager
def _constraints_put_aside(connection: Connection, report: Report) -> Iterator[None]:
    foreign_keys = connection.execute(_FOREIGN_KEYS, [list(_TABLES)]).fetchall()
    indexes = connection.execute(_SECONDARY_INDEXES, [list(_TABLES)]).fetchall()
    for table, name, _ in foreign_keys:
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(table), sql.Identifier(name)))
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
    yield
    report(f"building {len(indexes)} indexes, checking {len(foreign_keys)} foreign keys")
    for _, definition in indexes:
        connection.execute(definition)
    for table, name, definition in foreign_keys:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                sql.SQL(table), sql.Identifier(name), sql.SQL(definition)
            )
        )


def _copy(connection: Connection, data: TableBlocks, report: Report) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FREEZE)").format(sql.Identifier(data.table), _names(data.columns))
    started = reported = monotonic()
    sent = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in data.blocks:
            copy.write(block.text)
            sent += block.rows
            if monotonic() - reported > _REPORT_SECONDS:
                reported = monotonic()
                report(f"{data.table}: {sent:,} of {data.rows:,}")
    _continue_numbering(connection, data.table)
    seconds = monotonic() - started
    report(f"{data.table}: {sent:,} rows in {seconds:.1f} s, {sent / seconds:,.0f} rows/s")


def _continue_numbering(connection: Connection, table: str) -> None:
    """Let the next inserted row get the number after the last one sent."""
    connection.execute(
        sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), coalesce(max(id), 0) + 1, false) FROM {}").format(
            sql.Literal(table), sql.Identifier(table)
        )
    )


def _names(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
