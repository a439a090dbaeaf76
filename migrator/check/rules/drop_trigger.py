"""What a trigger did is no longer done, and nothing fails to tell it.

What it does
------------
Reports `DROP TRIGGER`, `ALTER TABLE ... DISABLE TRIGGER`, and `session_replication_role = replica`, which switches off
the triggers of all tables and with them the foreign keys.

Why it is bad
-------------
Triggers keep time stamps, counters, audit trails, search columns and foreign keys right. Rows that are written without
them are wrong from then on, and no error says so.

What to do instead
------------------
Replace a trigger in one statement (`CREATE OR REPLACE TRIGGER`, from PostgreSQL 14) or in one transaction. Release code
that does what it did, or does not need it, before it is dropped. Switch a trigger off for one transaction at most.

When it does not apply
----------------------
Triggers that the same script created, or the same transaction creates or enables again; downgrades.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.sql.effects import Object
from migrator.sql.names import Name, name_of
from migrator.sql.parser import field_enum

HAZARD = Hazard.BREAKS
BAD = (
    Example(sql="DROP TRIGGER stamp ON orders;"),
    Example(sql="ALTER TABLE orders DISABLE TRIGGER stamp;"),
    Example(sql="ALTER TABLE orders DISABLE TRIGGER ALL; UPDATE orders SET n = 1 WHERE id = 1;"),
    Example(sql="SET session_replication_role = replica;"),
    Example(sql="DROP TRIGGER t ON orders; CREATE TRIGGER t BEFORE UPDATE ON orders EXECUTE FUNCTION stamp();"),
)
GOOD = (
    Example(
        sql="BEGIN; DROP TRIGGER t ON orders; CREATE TRIGGER t BEFORE UPDATE ON orders EXECUTE FUNCTION s(); COMMIT;"
    ),
    Example(sql="CREATE TRIGGER t BEFORE UPDATE ON orders EXECUTE FUNCTION s(); DROP TRIGGER t ON orders;"),
    Example(sql="DROP TRIGGER IF EXISTS t ON orders;", setup="CREATE TABLE orders (a int);", complete=True),
    Example(
        sql=(
            "BEGIN; ALTER TABLE orders DISABLE TRIGGER t; UPDATE orders SET n = 1 WHERE id = 1; "
            "ALTER TABLE orders ENABLE TRIGGER t; COMMIT;"
        )
    ),
)
_OFF = ("AT_DisableTrig", "AT_DisableTrigAll", "AT_DisableTrigUser")
_ON = frozenset({"AT_EnableTrig", "AT_EnableTrigAll", "AT_EnableTrigUser", "AT_EnableAlwaysTrig"})


def find(moment: Moment) -> Iterator[Report]:
    """Yield each trigger that was there before the script, and is not there after the transaction."""
    if moment.downgrade:
        return
    for one in moment.effect.drops:
        if one.kind == "trigger" and moment.live(one.name) and _was_there(moment, one) and not _replaced(moment, one):
            yield Report(
                f"what trigger {one.member} does when {one.name} is written is not done from now on",
                f"release code that needs no {one.member} before; where another takes its place:\n"
                f"BEGIN;\n{moment.statement.text};\nCREATE TRIGGER {one.member} ...;\nCOMMIT;",
            )
    for table, command in moment.commands(*_OFF):
        made = moment.schema.triggers.get((table.name, command.name))
        if not (made and made.new) and not _on_again(moment, table):
            which = f"trigger {command.name} does" if command.name else "its triggers do"
            yield Report(
                f"what {which} when {table} is written is not done from now on",
                f"BEGIN;\n{moment.statement.text};\n...\n"
                f"ALTER TABLE {table} ENABLE TRIGGER {command.name or 'ALL'};\nCOMMIT;",
            )
    for setting in moment.effect.changes_settings:
        if setting.name == "session_replication_role" and setting.value == "replica":
            yield Report(
                "rows are written without triggers and without a look at foreign keys",
                "leave it; for one table: ALTER TABLE <table> DISABLE TRIGGER <name>, enabled again before COMMIT",
            )


def _was_there(moment: Moment, one: Object) -> bool:
    """Say whether it was there before the script."""
    made = moment.schema.triggers.get((one.name.name, one.member or ""))
    missing = made is None and moment.schema.complete and moment.tree.missing_ok
    return not (made and made.new) and not missing


def _replaced(moment: Moment, one: Object) -> bool:
    return any(
        later.kind == "create_trig_stmt"
        and later.tree.trigname == one.member
        and name_of(later.tree.relation).same(one.name)
        for later in moment.rest_of_transaction()
    )


def _on_again(moment: Moment, table: Name) -> bool:
    return any(
        field_enum(node.alter_table_cmd, "subtype") in _ON
        for later in moment.rest_of_transaction()
        if later.kind == "alter_table_stmt" and name_of(later.tree.relation).same(table)
        for node in later.tree.cmds
    )
