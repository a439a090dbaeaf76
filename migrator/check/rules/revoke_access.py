"""Rights that are taken away are missing to the code that is running.

What it does
------------
Reports `REVOKE` on tables, schemas, sequences and functions, and row-level security that is switched on or forced.

Why it is bad
-------------
Queries fail with a permission error; with row-level security and no policy for the role they find no rows, without
any error.

What to do instead
------------------
Find out who uses the right (`pg_stat_activity`, application names), release, then revoke. Create the policies in the
same transaction that enables row-level security.

When it does not apply
----------------------
`GRANT`, objects that the same script created, downgrades, and row-level security with a policy in the same script.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import name_of
from migrator.sql.parser import field_enum, kind_of, strings

HAZARD = Hazard.BREAKS
BAD = (
    Example(sql="REVOKE SELECT ON customers FROM app;"),
    Example(sql="ALTER TABLE customers ENABLE ROW LEVEL SECURITY;"),
    Example(sql="REVOKE ALL ON SCHEMA public FROM PUBLIC;"),
)
GOOD = (
    Example(sql="GRANT SELECT ON customers TO PUBLIC;"),
    Example(
        sql="BEGIN; ALTER TABLE customers ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON customers USING (true); COMMIT;"
    ),
    Example(sql="CREATE TABLE fresh (a int); REVOKE ALL ON fresh FROM PUBLIC;"),
)


_USED = frozenset({"OBJECT_TABLE", "OBJECT_SEQUENCE", "OBJECT_FUNCTION", "OBJECT_SCHEMA", "OBJECT_PROCEDURE"})


def find(moment: Moment) -> Iterator[Report]:
    """Yield each right that running code may be using."""
    if moment.statement.kind == "grant_stmt" and not moment.tree.is_grant and not moment.downgrade:
        tables = [name_of(one.range_var) for one in moment.tree.objects if kind_of(one) == "range_var"]
        used = field_enum(moment.tree, "objtype") in _USED
        if used and not (tables and all(moment.schema.is_new(one) for one in tables)) and not _of_new_function(moment):
            yield Report(
                "running code that relies on these rights gets permission errors",
                f"1. release code that does without them, or connects with another role\n2. {moment.statement.text};",
            )
    for table, command in moment.commands("AT_EnableRowSecurity", "AT_ForceRowSecurity"):
        del command
        if not any(one.kind == "create_policy_stmt" for one in moment.following):
            yield Report(
                f"running code finds no rows in {table} that no policy lets it see",
                f"BEGIN;\n{moment.statement.text};\nCREATE POLICY <name> ON {table} USING (...);\nCOMMIT;",
            )


def _of_new_function(moment: Moment) -> bool:
    functions = [strings(one.object_with_args.objname)[-1] for one in moment.tree.objects
                 if kind_of(one) == "object_with_args"]  # fmt: skip
    known = {name.name for name in moment.schema.volatilities}
    return bool(functions) and set(functions) <= known
