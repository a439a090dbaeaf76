"""Which version of PostgreSQL brought what a statement uses; only what migrations use, and only from 11 on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from migrator.sql.commands import definition
from migrator.sql.parser import Tree, field_enum, option, sorted_out
from migrator.sql.statement import Statement
from migrator.sql.volatility import function_name

_FUNCTIONS = MappingProxyType(
    {"gen_random_uuid": 13, "uuidv7": 18, "uuidv4": 18, "json_array": 16, "any_value": 16, "date_bin": 14}
)
_STATEMENTS = MappingProxyType({"merge_stmt": ("MERGE", 15)})
_SUBCOMMANDS = MappingProxyType(
    {
        "AT_DropExpression": ("DROP EXPRESSION", 13),
        "AT_SetExpression": ("SET EXPRESSION", 17),
        "AT_SetCompression": ("SET COMPRESSION", 14),
        "AT_SetAccessMethod": ("SET ACCESS METHOD", 15),
        "AT_DetachPartitionFinalize": ("DETACH PARTITION FINALIZE", 14),
    }
)


def features(statement: Statement) -> Iterator[tuple[str, int]]:
    """Yield what the statement uses, with the first version that has it."""
    tree = statement.tree
    if statement.kind in _STATEMENTS:
        yield _STATEMENTS[statement.kind]
    if statement.kind == "reindex_stmt" and option(tree.params, "concurrently"):
        parenthesised = (
            "(" in statement.text.split("CONCURRENTLY")[0].upper() or "(concurrently" in statement.text.lower()
        )
        yield "REINDEX (CONCURRENTLY)" if parenthesised else "REINDEX CONCURRENTLY", 14 if parenthesised else 12
    if statement.kind == "index_stmt" and tree.nulls_not_distinct:
        yield "NULLS NOT DISTINCT", 15
    if statement.kind == "view_stmt" and option(tree.options, "security_invoker"):
        yield "security_invoker", 15
    if statement.kind in ("create_publication_stmt", "alter_publication_stmt"):
        tables = [one.publication_obj_spec.pubtable for one in tree.pubobjects]
        if any(one.columns or one.HasField("where_clause") for one in tables):
            yield "a publication of some columns or rows", 15
    if statement.kind == "alter_table_stmt":
        yield from _of_alter_table(tree)
    nodes = sorted_out(tree)
    yield from _of_constraints(nodes["Constraint"])
    for call in nodes["FuncCall"]:
        name = function_name(call)
        if name.schema in (None, "pg_catalog") and name.name in _FUNCTIONS:
            yield f"{name.name}()", _FUNCTIONS[name.name]


def _of_alter_table(tree: Tree) -> Iterator[tuple[str, int]]:
    for node in tree.cmds:
        command = node.alter_table_cmd
        subtype = field_enum(command, "subtype")
        if subtype in _SUBCOMMANDS:
            yield _SUBCOMMANDS[subtype]
        if subtype == "AT_DetachPartition" and definition(command).concurrent:
            yield "DETACH PARTITION CONCURRENTLY", 14
        if subtype == "AT_AddConstraint" and field_enum(definition(command), "contype") == "CONSTR_NOTNULL":
            yield "ADD CONSTRAINT ... NOT NULL", 18


def _of_constraints(constraints: Iterable[Tree]) -> Iterator[tuple[str, int]]:
    for constraint in constraints:
        if constraint.nulls_not_distinct:
            yield "NULLS NOT DISTINCT", 15
        if field_enum(constraint, "contype") == "CONSTR_GENERATED":
            yield ("a VIRTUAL column", 18) if constraint.generated_kind == "v" else ("a STORED generated column", 12)
        kind = field_enum(constraint, "contype")
        enforceable = kind in ("CONSTR_CHECK", "CONSTR_FOREIGN")
        if kind == "CONSTR_ATTR_NOT_ENFORCED" or (enforceable and not constraint.is_enforced):
            yield "NOT ENFORCED", 18
