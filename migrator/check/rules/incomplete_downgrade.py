"""A downgrade that does not undo what its upgrade did leaves another schema behind.

What it does
------------
Reports tables, columns, indexes, views, types, sequences, column types and NOT NULL that are different after
`upgrade` and `downgrade` from what they were before. An `upgrade` that finds its column there and leaves it alone
did not make it: a `downgrade` that drops it takes it from whoever did.

Why it is bad
-------------
Rolling back seems to work, and the next upgrade, or the old code, fails on what is left or missing.

What to do instead
------------------
Undo every statement of `upgrade`, in reverse order. Prove it on a private server: `migrator upgrade`,
`migrator downgrade -1`, with `--database-url embedded:DIR`.

When it does not apply
----------------------
One of the two sends what cannot be looked into, and what goes along with a table or a column that is removed as a
whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.examples import case
from migrator.check.finding import Hazard
from migrator.check.history import RecordedRevision
from migrator.check.net import remainders
from migrator.check.rule import Report

HAZARD = Hazard.IRREVERSIBLE
BAD = (
    case("CREATE TABLE a (b int); CREATE TABLE c (d int)", "DROP TABLE a"),
    case("ALTER TABLE a ADD COLUMN b int", "ALTER TABLE a ADD COLUMN c int"),
    case("SELECT 1", "ALTER TABLE a DROP COLUMN b"),
    case("ALTER TABLE a DROP COLUMN b; ALTER TABLE a DROP COLUMN c", "ALTER TABLE a ADD COLUMN b int"),
    case("CREATE INDEX i ON a (b); ALTER TABLE a ALTER c TYPE bigint", "DROP INDEX i"),
)
GOOD = (
    case("CREATE TABLE a (b int); CREATE INDEX i ON a (b)", "DROP TABLE a"),
    case("ALTER TABLE a ADD COLUMN b int; CREATE INDEX i ON a (b)", "ALTER TABLE a DROP COLUMN b"),
    case("ALTER TABLE a RENAME b TO c; ALTER TABLE a ALTER d SET NOT NULL",
         "ALTER TABLE a ALTER d DROP NOT NULL; ALTER TABLE a RENAME c TO b"),
    case("INSERT INTO a VALUES (1)", "DELETE FROM a WHERE b = 1"),
)  # fmt: skip


def find_in_revision(revision: RecordedRevision) -> Iterator[Report]:
    """Yield what the downgrade leaves different."""
    up, down = revision.upgrade, revision.downgrade
    if down.problem or any(one.unseen or one.reads or one.unreadable for one in (up, down)):
        return
    left = remainders(up.pieces, down.pieces, revision.different)
    if left:
        yield Report(
            f"downgrade of {revision.revision} does not undo its upgrade: {', '.join(left)}",
            "undo every statement of the upgrade, in reverse order",
            place=down.place,
        )
