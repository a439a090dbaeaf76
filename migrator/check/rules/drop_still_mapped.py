"""A column or table that the application still maps is dropped.

What it does
------------
Reports the last `DROP`, or rename, of a column or table that the `target_metadata` of the project's `env.py` still has,
when no later revision makes it again. `env.py` is run for it as far as its `context.configure`, with no server to
connect to, and only if something is dropped at all.

Why it is bad
-------------
The application that is running selects every column that it maps: from the drop on each query of the table fails, and
the release that is made from this code fails as well.

What to do instead
------------------
Take it out of the models, release that, and drop it in the release after it: in the contract phase of a plan.

When it does not apply
----------------------
`env.py` has no `target_metadata`, or cannot be run without a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migrator.check.examples import case
from migrator.check.finding import Hazard, Place
from migrator.check.history import History, Mapped, RecordedRevision
from migrator.check.rule import Report
from migrator.check.source import Piece
from migrator.sql.classify import classify

HAZARD = Hazard.BREAKS
_MAPPED = frozenset({Mapped("orders"), Mapped("orders", "note"), Mapped("cards", "pin", "billing")})


def _past(*upgrades: str) -> History:
    revisions = tuple(replace(case(sql, "SELECT 1"), revision=str(place)) for place, sql in enumerate(upgrades))
    return History(revisions, frozenset(one.revision for one in revisions), mapped=lambda: _MAPPED)


BAD = (
    _past("ALTER TABLE orders DROP COLUMN note"),
    _past("CREATE TABLE orders (note text)", "DROP TABLE orders"),
    _past("ALTER TABLE billing.cards DROP COLUMN pin"),
    _past("ALTER TABLE public.orders RENAME COLUMN note TO remark"),
)
GOOD = (
    _past("ALTER TABLE orders DROP COLUMN legacy"),
    _past("ALTER TABLE orders DROP COLUMN note", "ALTER TABLE orders ADD COLUMN note text"),
    _past("DROP TABLE orders; CREATE TABLE orders (note text)"),
    _past("ALTER TABLE cards DROP COLUMN pin"),
)


def find_in_history(past: History) -> Iterator[Report]:
    """Yield what is gone at the end and mapped all the same."""
    gone: dict[Mapped, tuple[RecordedRevision, Piece]] = {}
    for revision in past.revisions:
        for piece in revision.upgrade.pieces:
            _follow(gone, revision, piece)
    gone = {what: where for what, where in gone.items() if where[0].revision in past.selected}
    mapped = past.mapped() if gone else frozenset()
    for what, (revision, piece) in gone.items():
        if what in mapped:
            place = (
                replace(piece.place, revision=revision.revision, direction="upgrade") if piece.place.path else Place("")
            )
            yield Report(
                f"{what} is dropped, and the application's models still map it: its queries fail from then on",
                f"1. take {what} out of the models, and release that\n"
                f"2. drop it in the contract phase of a plan, with archive: [{what}]",
                place=place,
                statement=piece.statement.text,
            )


def _follow(gone: dict[Mapped, tuple[RecordedRevision, Piece]], revision: RecordedRevision, piece: Piece) -> None:
    """Note what a statement takes away; forget what it brings back."""
    effect = classify(piece.statement)
    lost = [(one.name, one.member) for one in effect.drops if one.kind in ("table", "column")]
    made = [(one.name, one.member) for one in effect.creates if one.kind in ("table", "column", "view")]
    for rename in effect.renames:
        if rename.what.kind == "column":
            lost.append((rename.what.name, rename.what.member))
            made.append((rename.what.name, rename.name))
        elif rename.what.kind == "table":
            made.append((rename.what.name.beside(rename.name or rename.what.name.name), None))
    for name, member in lost:
        gone[Mapped.of(name, member)] = revision, piece
    for name, member in made:
        brought = Mapped.of(name, member)
        for what in [one for one in gone if one == brought or (member is None and one.is_in(brought))]:
            del gone[what]
