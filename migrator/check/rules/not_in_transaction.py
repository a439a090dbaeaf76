"""PostgreSQL refuses this statement inside a transaction.

What it does
------------
Reports `CREATE INDEX CONCURRENTLY`, `REINDEX CONCURRENTLY`, `VACUUM` and the like inside a transaction, that of an
Alembic revision included, and `DO` blocks that commit.

Why it is bad
-------------
The statement fails with SQLSTATE 25001 or 2D000, and the transaction with it.

What to do instead
------------------
Send it outside a transaction; in a revision:

    with op.get_context().autocommit_block():
        op.create_index(..., postgresql_concurrently=True)

When it does not apply
----------------------
What migrator runs: it takes such statements out of the revision's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.blocks import commits
from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.stalls import MADE_SAFE

HAZARD = Hazard.FAILS
BAD = (
    Example(sql="BEGIN; CREATE INDEX CONCURRENTLY i ON orders (note); COMMIT;"),
    Example(sql="BEGIN; REINDEX TABLE CONCURRENTLY orders; COMMIT;"),
    Example(sql="BEGIN; VACUUM orders; COMMIT;"),
    Example(sql="START TRANSACTION; DROP INDEX CONCURRENTLY i; COMMIT;"),
    Example(sql="BEGIN; DO $$ BEGIN LOOP UPDATE t SET a = 1 WHERE id = 1; COMMIT; END LOOP; END $$; COMMIT;"),
    Example(
        sql="BEGIN; CALL fill(); COMMIT;",
        setup=("CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET a = 1 WHERE id = 1; COMMIT; END $$;"),
    ),
)
GOOD = (
    Example(sql="CREATE INDEX CONCURRENTLY i ON orders (note);"),
    Example(sql="BEGIN; ANALYZE orders; COMMIT;"),
    Example(sql="BEGIN; SELECT 1; COMMIT; VACUUM orders;"),
    Example(sql="DO $$ BEGIN LOOP UPDATE t SET a = 1 WHERE id = 1; COMMIT; END LOOP; END $$;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the statement, where a transaction is open."""
    if not moment.transaction.open:
        return
    if commits(moment.statement, moment.schema):
        block = "DO block" if moment.statement.kind == "do_stmt" else "procedure"
        yield Report(
            f"PostgreSQL refuses the COMMIT of a {block} inside a transaction (2D000)",
            f"COMMIT;\n{moment.statement.text};   -- outside a transaction; in a revision: autocommit_block()",
        )
    if moment.effect.transactional:
        return
    safe = moment.by_itself and not moment.transaction.explicit
    yield Report(
        f"PostgreSQL refuses {moment.effect.kind} inside a transaction",
        f"COMMIT;\n{moment.statement.text};   -- outside a transaction; in a revision: autocommit_block()",
        Severity.INFO if safe else None,
        MADE_SAFE if safe else "",
    )
