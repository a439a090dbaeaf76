"""What this statement does is not written in it.

What it does
------------
Reports DO blocks that put statements together at run time or are not PL/pgSQL, `CALL`, `EXECUTE`, and statements that
the parser or its lock table do not know.

Why it is bad
-------------
It may lock or lose anything; nothing here can tell.

What to do instead
------------------
Write the statements out, or say that you looked: `-- migrator: allow opaque-sql because ...`.

When it does not apply
----------------------
DO blocks whose statements are written out: those are judged one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.blocks import is_opaque
from migrator.check.finding import Hazard, Severity
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report

HAZARD = Hazard.OPERABILITY
SEVERITY = Severity.WARNING
BAD = (
    Example(sql="DO $$ BEGIN EXECUTE 'ALTER TABLE ' || current_schema || '.orders ADD COLUMN a int'; END $$;"),
    Example(sql="CALL migrate_everything();"),
    Example(sql="DO LANGUAGE plpython3u $$ x = 1 $$;"),
)
GOOD = (
    Example(sql="DO $$ BEGIN EXECUTE 'CREATE TABLE a (b int)'; END $$;"),
    Example(sql="DO $$ BEGIN EXECUTE format('CREATE TABLE %I (b int)', 'a'); END $$;"),
    Example(sql="DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type) THEN CREATE TYPE m AS ENUM ('a'); END IF; END $$;"),
    Example(sql="SELECT 1;"),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the statement that cannot be looked into."""
    if moment.statement.kind == "do_stmt":
        if is_opaque(moment.statement):
            yield Report("the block sends SQL that is put together when it runs", "")
    elif moment.effect.locks_unknown and not moment.effect.drops:
        yield Report(f"{moment.effect.kind} can lock and change whatever it likes", "")
