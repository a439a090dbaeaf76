"""Refuses a statement that stalls others and has no online form, and says what to do instead with the user's names."""

from __future__ import annotations

from migrator.sql.commands import definition, key_of
from migrator.sql.context import Context, is_live
from migrator.sql.effects import Effect, Work
from migrator.sql.names import Name, name_of, quote
from migrator.sql.online.form import Refusal
from migrator.sql.online.safer import SAFER
from migrator.sql.parser import Tree, deparse, field_enum, find, parse_tree, strings
from migrator.sql.partition_bound import as_sql, required


def refusal(effect: Effect, tree: Tree, context: Context) -> Refusal | None:
    """Return the refusal for the first work of the statement that stalls users of a table with rows."""
    for work in effect.stalls:
        if work.relation is None or is_live(context, work.relation):
            return refuse(work, tree, context)
    return None


def refuse(work: Work, tree: Tree, context: Context) -> Refusal:
    """Return the refusal of a statement for this work."""
    template = SAFER.get(
        work.rule, "Run it in a maintenance window, or on a copy of the table that then takes its place."
    )
    return Refusal(work.rule, work.why, template.format_map(_fields(work, tree, context)), work.certain)


def _fields(work: Work, tree: Tree, context: Context) -> dict[str, str]:
    """Return the words that templates can use; those that the statement does not have stay in angle brackets."""
    fields = _Fields(table=work.relation.quoted() if work.relation else "<table>")
    command = _culprit(work, tree)
    if command is None:
        return fields
    if command.name:
        fields["column"] = fields["constraint"] = quote(command.name)
    if command.HasField("def"):
        fields |= _described(definition(command))
    if key_of(command) == "AT_AttachPartition":
        fields |= _bounds(name_of(tree.relation), command, context)
    return fields


class _Fields(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def _culprit(work: Work, tree: Tree) -> Tree | None:
    """Return the subcommand whose work this is: the reason names its column, if it is one of several."""
    commands = [node.alter_table_cmd for node in tree.cmds] if tree.DESCRIPTOR.name == "AlterTableStmt" else []
    return commands[0] if len(commands) == 1 else next((one for one in commands if _named_in(one, work)), None)


def _named_in(command: Tree, work: Work) -> bool:
    names = [command.name, *(column.colname for column in find(command, "ColumnDef"))]
    return any(name and name in work.why for name in names)


def _described(node: Tree) -> dict[str, str]:
    kind = node.DESCRIPTOR.name
    found: dict[str, str] = {}
    if kind == "ColumnDef":
        found["type"] = _sql_of_type(node.type_name)
        if node.colname:
            found["column"] = quote(node.colname)
        for one in node.constraints:
            if field_enum(one.constraint, "contype") in ("CONSTR_DEFAULT", "CONSTR_GENERATED"):
                found["value"] = _sql_of(one.constraint.raw_expr)
    elif kind == "Constraint":
        found["columns"] = ", ".join(quote(column) for column in strings(node.keys))
        if node.conname:
            found["constraint"] = quote(node.conname)
    return {key: value for key, value in found.items() if value}


def _sql_of(expression: Tree) -> str:
    select = parse_tree("SELECT 1").stmts[0].stmt
    select.select_stmt.target_list[0].res_target.val.CopyFrom(expression)
    return deparse(select).removeprefix("SELECT ")


def _sql_of_type(type_name: Tree) -> str:
    select = parse_tree("SELECT NULL::int").stmts[0].stmt
    select.select_stmt.target_list[0].res_target.val.type_cast.type_name.CopyFrom(type_name)
    return deparse(select).removeprefix("SELECT NULL::")


def _bounds(parent: Name, command: Tree, context: Context) -> dict[str, str]:
    known = context.table(parent)
    conditions = required(definition(command).bound, known) if known else None
    partition = name_of(definition(command).name)
    found = {"partition": partition.quoted(), "parent": parent.quoted()}
    return found | ({"bounds": as_sql(conditions)} if conditions else {})
