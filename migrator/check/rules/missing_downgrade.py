"""A revision without a working downgrade cannot be rolled back.

What it does
------------
Reports a revision whose `downgrade` is missing, empty, or raises an error, although `upgrade` changes something.

Why it is bad
-------------
When the release goes wrong there is no way back but a restored backup.

What to do instead
------------------
Write the statements that undo `upgrade`, in reverse order. Where data is really gone, say so in the plan:
`irreversible: the reason`.

When it does not apply
----------------------
`upgrade` sends nothing that lasts: it reads, validates constraints, tidies up, or adds a label to an enum IF NOT
EXISTS. Revisions that a plan runs with `irreversible` or `archive`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.examples import example
from migrator.check.finding import Hazard, Place
from migrator.check.history import RecordedRevision
from migrator.check.rule import Report
from migrator.check.source import Piece
from migrator.sql.classify import classify
from migrator.sql.parser import field_enum
from migrator.sql.statement import Statement, parse_one

HAZARD = Hazard.IRREVERSIBLE
_UP = Piece(parse_one("CREATE TABLE a (b int)"), Place("x.py"))
BAD = (*(example([_UP], [], problem) for problem in ("it has no downgrade", "its downgrade is empty")),
       example([_UP], [], "its downgrade raises an error"))  # fmt: skip
GOOD = (
    example([_UP], [Piece(parse_one("DROP TABLE a"), Place("x.py"))]),
    example(
        [Piece(parse_one("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'x'"), Place("x.py"))], [], "its downgrade is empty"
    ),
    example([], [], "its downgrade is empty"),
    example([], []),
    example([Piece(parse_one("ALTER TABLE a VALIDATE CONSTRAINT c"), Place("x.py"))], [], "its downgrade is empty"),
    example([Piece(parse_one("REINDEX TABLE CONCURRENTLY a"), Place("x.py"))], [], "its downgrade is empty"),
)


def find_in_revision(revision: RecordedRevision) -> Iterator[Report]:
    """Yield why there is no way back."""
    up, problem = revision.upgrade, revision.downgrade.problem
    lasting = up.unseen or any(_leaves_something(one.statement) for one in up.pieces)
    if problem and (lasting or (up.pieces and "empty" not in problem)):
        yield Report(
            f"revision {revision.revision} cannot be rolled back: {revision.downgrade.problem}",
            "write a downgrade that undoes the upgrade, or run it in a plan with irreversible: <the reason>",
            place=revision.downgrade.place,
        )


def _leaves_something(statement: Statement) -> bool:
    """Say whether there is something to undo: not after reading, validating and maintenance."""
    if statement.kind == "alter_table_stmt":
        subtypes = {field_enum(one.alter_table_cmd, "subtype") for one in statement.tree.cmds}
        return bool(subtypes - _LEAVES_NOTHING)
    if statement.kind == "alter_enum_stmt" and statement.tree.skip_if_new_val_exists:
        return False  # a label cannot be dropped, and this one may be there when the upgrade runs again
    effect = classify(statement)
    quiet = effect.reads_only or effect.transaction_control or effect.changes_settings
    return not (quiet or statement.kind in _MAINTENANCE)


_LEAVES_NOTHING = frozenset({"AT_ValidateConstraint", "AT_SetStatistics", "AT_DetachPartitionFinalize"})
_MAINTENANCE = frozenset(
    {"vacuum_stmt", "reindex_stmt", "refresh_mat_view_stmt", "check_point_stmt", "comment_stmt", "lock_stmt"}
)
