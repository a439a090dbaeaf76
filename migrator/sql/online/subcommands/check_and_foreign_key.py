"""ADD CHECK and ADD FOREIGN KEY: first for new rows only (NOT VALID), then the old ones are read under a weak lock."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.sql.commands import definition, key_of
from migrator.sql.context import leaves
from migrator.sql.default_names import free_name, index_middle
from migrator.sql.online.form import ADDED, Added, Part, brief, validate
from migrator.sql.online.target import Target
from migrator.sql.parser import Tree, copied, strings

COMMANDS = ("AT_AddConstraint:CONSTR_CHECK", "AT_AddConstraint:CONSTR_FOREIGN")
_NOT_VALID_ON_PARTITIONED = 18


def parts(target: Target, command: Tree) -> tuple[Part, ...] | None:
    """Return the two steps; a constraint without a name gets the one PostgreSQL chooses for it."""
    constraint = definition(command)
    if constraint.skip_validation or not constraint.is_enforced:
        return None
    foreign = key_of(command) == COMMANDS[1]
    if foreign and target.partitioned and target.context.pg_version < _NOT_VALID_ON_PARTITIONED:
        return tuple(_per_partition(target, command))
    return added_then_validated(target, command)


def added_then_validated(target: Target, command: Tree) -> tuple[Part, ...]:
    """Return the constraint as NOT VALID, and its validation."""
    later = copied(command)
    definition(later).skip_validation = True
    definition(later).initially_valid = False
    name = definition(command).conname
    return (
        brief(target.context, target.with_commands([later])),
        validate(target.context, target.validate(name or ADDED), None if name else Added(target.name)),
    )


def _per_partition(target: Target, command: Tree) -> Iterator[Part]:
    """Yield the foreign key of each partition, which PostgreSQL then finds when the table gets its own."""
    named = copied(command)
    constraint = definition(named)
    columns = index_middle(strings(constraint.fk_attrs))
    constraint.conname = constraint.conname or free_name(target.name.name, columns, "fkey", target.taken)
    for leaf in leaves(target.context, target.name):
        yield from added_then_validated(target.on(leaf), named)
    yield brief(target.context, target.with_commands([named]), proven=True)
