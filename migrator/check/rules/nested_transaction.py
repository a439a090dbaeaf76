"""BEGIN inside a transaction starts none, and the first COMMIT ends the outer one.

What it does
------------
Reports `BEGIN` while a transaction is open, `COMMIT` while none is, and either inside the transaction of an Alembic
revision.

Why it is bad
-------------
PostgreSQL answers with a warning only. Statements after the first COMMIT run one by one, without a way back.

What to do instead
------------------
One BEGIN and one COMMIT; use `SAVEPOINT` for a part that may be undone.

When it does not apply
----------------------
Savepoints.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.blocks import commits_where_it_may_not
from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.transaction import BEGINS, ENDS

HAZARD = Hazard.OPERABILITY
BAD = (
    Example(sql="BEGIN; BEGIN; CREATE TABLE a (b int); COMMIT; COMMIT;"),
    Example(sql="CREATE TABLE a (b int); COMMIT;"),
    Example(sql="BEGIN; START TRANSACTION; COMMIT;"),
    Example(sql="DO $$ BEGIN LOOP BEGIN COMMIT; EXCEPTION WHEN others THEN NULL; END; END LOOP; END $$;"),
)
GOOD = (
    Example(sql="BEGIN; CREATE TABLE a (b int); COMMIT;"),
    Example(sql="BEGIN; SAVEPOINT s; RELEASE s; COMMIT;"),
    Example(sql="BEGIN; COMMIT; BEGIN; COMMIT;"),
    Example(sql="BEGIN; CREATE TABLE a (b int); COMMIT AND CHAIN; CREATE TABLE c (d int); COMMIT;"),
    Example(sql="DO $$ BEGIN LOOP BEGIN PERFORM 1; EXCEPTION WHEN others THEN NULL; END; COMMIT; END LOOP; END $$;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield each BEGIN that begins nothing and each COMMIT that ends nothing, or ends what the runner began."""
    if commits_where_it_may_not(moment.statement):
        yield Report(
            "PostgreSQL refuses COMMIT inside a block that catches errors",
            "BEGIN ... EXCEPTION ... END around the statements, and COMMIT behind it",
        )
    control = moment.effect.transaction_control
    if control in BEGINS and moment.transaction.open:
        yield Report(
            "a transaction is open already: the next COMMIT ends it, all that follows runs by itself",
            "one BEGIN, one COMMIT; SAVEPOINT and ROLLBACK TO for a part of it",
        )
    elif control in ENDS and not moment.transaction.open:
        yield Report(
            f"{control} without a transaction: what came before is committed already",
            f"BEGIN;\n...\n{moment.statement.text};",
        )
    elif control in ENDS and not moment.transaction.explicit:
        yield Report(
            f"{control} ends the transaction of the runner, which does not know of it",
            "with op.get_context().autocommit_block(): ...   # commits what came before, and begins anew behind it",
        )
