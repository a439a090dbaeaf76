"""DETACH PARTITION: concurrently, and without the check that PostgreSQL then leaves on the partition."""

from __future__ import annotations

from migrator.sql.commands import definition
from migrator.sql.names import name_of, quote
from migrator.sql.online.form import ADDED, Added, Leftover, LeftoverKind, Part, brief, concurrent
from migrator.sql.online.target import Target
from migrator.sql.parser import Tree, copied

COMMANDS = ("AT_DetachPartition",)


def parts(target: Target, command: Tree) -> tuple[Part, ...] | None:
    """Return the steps, or None where PostgreSQL cannot: it refuses while there is a default partition."""
    default = target.table.default_partition if target.table else None
    if definition(command).concurrent or default is not None:
        return None
    later = copied(command)
    definition(later).concurrent = True
    partition = name_of(definition(command).name)
    return (
        concurrent(target.context, target.with_commands([later]), Leftover(LeftoverKind.PENDING_DETACH, partition)),
        brief(
            target.context,
            f"ALTER TABLE {partition.quoted()} DROP CONSTRAINT {quote(ADDED)}",
            added=Added(partition, optional=True),
        ),
    )
