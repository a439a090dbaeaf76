"""ADD UNIQUE and ADD PRIMARY KEY: the index is built concurrently, then becomes the constraint in an instant."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.sql.commands import definition, key_of
from migrator.sql.context import leaves
from migrator.sql.default_names import free_name, index_middle, key_columns
from migrator.sql.online.form import Leftover, LeftoverKind, Part, Refusal, brief, concurrent
from migrator.sql.online.safer import SAFER
from migrator.sql.online.subcommands.not_null import not_null
from migrator.sql.online.target import Target
from migrator.sql.parser import Tree, copied, deparse, field_enum, parse_tree, strings

COMMANDS = ("AT_AddConstraint:CONSTR_UNIQUE", "AT_AddConstraint:CONSTR_PRIMARY")


def parts(target: Target, command: Tree) -> tuple[Part, ...] | Refusal | None:
    """Return the steps: columns of a primary key made NOT NULL, the index, the constraint.

    On a partitioned table each partition gets its own, which PostgreSQL then finds when the table gets the constraint.
    """
    constraint = definition(command)
    primary = field_enum(constraint, "contype") == "CONSTR_PRIMARY"
    last = brief(target.context, target.with_commands([command]), proven=True)
    if constraint.indexname:
        filled = _filled(target, _columns_of(target, constraint.indexname)) if primary else ()
        return (*filled, last) if filled else None
    if constraint.without_overlaps:
        rule, table = "add-exclusion-constraint", target.name.quoted()
        return Refusal(rule, f"an index without overlaps is built on {table}", SAFER[rule].format(table=table))
    filled = _filled(target, strings(constraint.keys)) if primary else ()
    if not target.partitioned:
        return (*filled, *_through_index(target, command, constraint.conname))
    below = (target.on(leaf) for leaf in leaves(target.context, target.name))
    return (*filled, *(part for leaf in below for part in _through_index(leaf, command, "")), last)


def _through_index(target: Target, command: Tree, name: str) -> Iterator[Part]:
    constraint = definition(command)
    name = name or _default_name(target, constraint)
    leftover = Leftover(LeftoverKind.INVALID_INDEX, target.name.beside(name))
    yield concurrent(target.context, _unique_index(target, constraint, name), leftover)
    yield brief(target.context, target.with_commands([_using_index(command, name)]), proven=True)


def _default_name(target: Target, constraint: Tree) -> str:
    """Return the name PostgreSQL gives to the constraint and its index."""
    table = target.name.name
    if field_enum(constraint, "contype") == "CONSTR_PRIMARY":
        return free_name(table, "", "pkey", target.taken)
    return free_name(table, index_middle(key_columns(constraint)), "key", target.taken)


def _unique_index(target: Target, constraint: Tree, name: str) -> str:
    statement = parse_tree(f"CREATE UNIQUE INDEX CONCURRENTLY i ON {target.name.quoted()} (c)").stmts[0].stmt
    index = statement.index_stmt
    element = copied(index.index_params[0])
    index.idxname = name
    index.nulls_not_distinct = constraint.nulls_not_distinct
    index.table_space = constraint.indexspace
    index.options.extend(constraint.options)
    del index.index_params[:]
    for columns, elements in (
        (constraint.keys, index.index_params),
        (constraint.including, index.index_including_params),
    ):
        for column in strings(columns):
            element.index_elem.name = column
            elements.append(element)
    return deparse(statement)


def _using_index(command: Tree, name: str) -> Tree:
    using = copied(command)
    constraint = definition(using)
    for field in ("keys", "including", "options", "indexspace", "nulls_not_distinct"):
        constraint.ClearField(field)
    constraint.conname = constraint.indexname = name
    return using


def _columns_of(target: Target, index: str) -> tuple[str, ...]:
    known = target.context.index(target.name.beside(index))
    return known.columns if known else ()


def _filled(target: Target, columns: tuple[str, ...]) -> tuple[Part, ...]:
    done = _made_not_null(target)
    return tuple(part for column in columns if column not in done for part in not_null(target, column))


def _made_not_null(target: Target) -> frozenset[str]:
    """Return the columns that other subcommands of the same ALTER TABLE make NOT NULL, all before any index."""
    found: set[str] = set()
    for node in target.tree.cmds:
        command = node.alter_table_cmd
        key = key_of(command)
        if key == "AT_SetNotNull":
            found.add(command.name)
        elif key == "AT_AddConstraint:CONSTR_NOTNULL":
            found.update(strings(definition(command).keys))
        elif key == "AT_AddColumn":
            column = definition(command)
            kinds = {field_enum(one.constraint, "contype") for one in column.constraints}
            found.update({column.colname} if "CONSTR_NOTNULL" in kinds else ())
    return frozenset(found)
