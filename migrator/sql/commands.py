"""The subcommands of an ALTER TABLE in the parse tree: which row of the lock table they are, what they carry."""

from __future__ import annotations

from migrator.sql.lock_table import ALTER_TABLE, STRICT_OPTIONS, Phase, Subcommand
from migrator.sql.locks import LockMode
from migrator.sql.parser import Tree, content, field_enum, find


def key_of(command: Tree) -> str:
    """Return the command's key in the lock table: its subtype, with the kind of the constraint it adds."""
    subtype = field_enum(command, "subtype")
    if subtype == "AT_AddConstraint":
        return f"{subtype}:{field_enum(definition(command), 'contype')}"
    return subtype


def definition(command: Tree) -> Tree:
    """Return what the command carries: a ColumnDef, Constraint, PartitionCmd, ..."""
    return content(getattr(command, "def"))


def row_of(command: Tree) -> Subcommand | None:
    """Return the command's row of the lock table with the exact mode, or None for a command that is not there."""
    row = ALTER_TABLE.get(key_of(command))
    if row is None:
        return None
    subtype = field_enum(command, "subtype")
    if subtype == "AT_ColumnDefault" and not command.HasField("def"):
        return row._replace(words="ALTER COLUMN DROP DEFAULT")
    if subtype in ("AT_SetRelOptions", "AT_ResetRelOptions"):
        names = {option.defname for option in find(command, "DefElem")}
        return row._replace(mode=LockMode.ACCESS_EXCLUSIVE) if names & STRICT_OPTIONS else row
    if subtype == "AT_DetachPartition" and definition(command).concurrent:
        return Subcommand("DETACH PARTITION CONCURRENTLY", LockMode.SHARE_UPDATE_EXCLUSIVE)
    return row


def phase_of(command: Tree) -> Phase:
    """Return the pass in which PostgreSQL runs the command."""
    row = ALTER_TABLE.get(key_of(command))
    return row.phase if row else Phase.OTHER
