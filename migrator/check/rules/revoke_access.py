"""Rights that are taken away are missing to the code that is running.

What it does
------------
Reports `REVOKE` on tables, schemas, sequences and functions, and row-level security that is switched on or forced,
and `DROP POLICY`.

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
`GRANT`, rights that the same transaction grants again, objects that the same script created, downgrades, row-level
security of a table that has a policy or gets one in the same script, and a policy that the same transaction replaces.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, kind_of, strings, without_locations

HAZARD = Hazard.BREAKS
BAD = (
    Example(sql="REVOKE SELECT ON customers FROM app;"),
    Example(sql="ALTER TABLE customers ENABLE ROW LEVEL SECURITY;"),
    Example(sql="REVOKE ALL ON SCHEMA public FROM PUBLIC;"),
    Example(sql="DROP POLICY own_rows ON customers;"),
    Example(sql="BEGIN; REVOKE ALL ON customers FROM app; GRANT SELECT ON customers TO app; COMMIT;"),
    Example(
        sql="CREATE POLICY p ON customers FOR SELECT USING (true); ALTER TABLE customers ENABLE ROW LEVEL SECURITY;"
    ),
)
GOOD = (
    Example(sql="GRANT SELECT ON customers TO PUBLIC;"),
    Example(
        sql="BEGIN; ALTER TABLE customers ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON customers USING (true); COMMIT;"
    ),
    Example(sql="CREATE POLICY p ON customers USING (true); ALTER TABLE customers ENABLE ROW LEVEL SECURITY;"),
    Example(sql="BEGIN; REVOKE ALL ON customers FROM app; GRANT ALL ON customers TO app; COMMIT;"),
    Example(sql="BEGIN; DROP POLICY p ON customers; CREATE POLICY p ON customers USING (id > 0); COMMIT;"),
    Example(sql="CREATE TABLE fresh (a int); REVOKE ALL ON fresh FROM PUBLIC;"),
)


_USED = frozenset({"OBJECT_TABLE", "OBJECT_SEQUENCE", "OBJECT_FUNCTION", "OBJECT_SCHEMA", "OBJECT_PROCEDURE"})


def find(moment: Moment) -> Iterator[Report]:
    """Yield each right that running code may be using."""
    if moment.statement.kind == "grant_stmt" and not moment.tree.is_grant and not moment.downgrade:
        tables = [name_of(one.range_var) for one in moment.tree.objects if kind_of(one) == "range_var"]
        used = field_enum(moment.tree, "objtype") in _USED
        if (
            used
            and not _granted_again(moment)
            and not (tables and all(moment.schema.is_new(one) for one in tables))
            and not _of_new_function(moment)
        ):
            yield Report(
                "running code that relies on these rights gets permission errors",
                f"1. release code that does without them, or connects with another role\n2. {moment.statement.text};",
            )
    for table, command in moment.commands("AT_EnableRowSecurity", "AT_ForceRowSecurity"):
        del command
        if not _is_let_through(moment, table):
            yield Report(
                f"running code finds no rows in {table} that no policy lets it see",
                f"BEGIN;\n{moment.statement.text};\nCREATE POLICY <name> ON {table} USING (...);\nCOMMIT;",
            )
    for one in moment.effect.drops if not moment.downgrade else ():
        if one.kind == "policy" and moment.live(one.name) and not _replaced(moment, one.name):
            yield Report(
                f"running code no longer finds the rows of {one.name} that {one.member} let it see",
                f"BEGIN;\n{moment.statement.text};\nCREATE POLICY <name> ON {one.name} USING (...);\nCOMMIT;",
            )


_COMMANDS = frozenset({"select", "insert", "update", "delete"})


def _is_let_through(moment: Moment, table: Name) -> bool:
    """Say whether policies of the table are for every command."""
    known = {command for (owner, _), command in moment.schema.policies.items() if owner == table.name}
    made = {
        later.tree.cmd_name
        for later in moment.following
        if later.kind == "create_policy_stmt" and name_of(later.tree.table).same(table)
    }
    return "all" in known | made or known | made >= _COMMANDS


def _replaced(moment: Moment, table: Name) -> bool:
    return any(
        later.kind == "create_policy_stmt" and name_of(later.tree.table).same(table)
        for later in moment.rest_of_transaction()
    )


def _granted_again(moment: Moment) -> bool:
    """Say whether the same transaction grants the roles as much on the same objects."""
    return any(
        later.kind == "grant_stmt" and later.tree.is_grant and _covers(later.tree, moment.tree)
        for later in moment.rest_of_transaction()
    )


def _covers(granted: Tree, revoked: Tree) -> bool:
    again, gone = ({one.access_priv.priv_name for one in tree.privileges} for tree in (granted, revoked))
    return _subject(granted) == _subject(revoked) and (not again or (bool(gone) and gone <= again))


def _subject(tree: Tree) -> tuple[bytes, ...]:
    parts = (*tree.objects, *tree.grantees)
    return tuple(without_locations(one).SerializeToString(deterministic=True) for one in parts)


def _of_new_function(moment: Moment) -> bool:
    functions = [strings(one.object_with_args.objname)[-1] for one in moment.tree.objects
                 if kind_of(one) == "object_with_args"]  # fmt: skip
    known = {name.name for name in moment.schema.volatilities}
    return bool(functions) and set(functions) <= known
