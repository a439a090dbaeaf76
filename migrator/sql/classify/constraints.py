"""What adding, validating, altering and dropping a table constraint cost."""

from __future__ import annotations

from migrator.sql.checks import is_proven_not_null
from migrator.sql.classify.draft import Draft
from migrator.sql.commands import definition
from migrator.sql.effects import Object, WorkKind
from migrator.sql.lock_table import FOREIGN_KEY_TARGET
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, strings

_BUILDS = {
    "CONSTR_UNIQUE": "add-unique-constraint",
    "CONSTR_PRIMARY": "add-primary-key",
    "CONSTR_EXCLUSION": "add-exclusion-constraint",
}


def lock_reference(constraint: Tree, table: Name, draft: Draft) -> None:
    """Record the lock on the table that a new foreign key points to."""
    target = name_of(constraint.pktable)
    if not target.same(table):
        draft.lock(target, FOREIGN_KEY_TARGET, "referenced by the foreign key")


def add_constraint(command: Tree, table: Name, draft: Draft) -> None:
    """Record what ADD CONSTRAINT costs: a scan for what is verified, a build for what needs an index."""
    constraint = definition(command)
    kind = field_enum(constraint, "contype")
    draft.creates.append(Object("constraint", table, constraint.conname or None))
    verified = not constraint.skip_validation
    if kind == "CONSTR_FOREIGN":
        lock_reference(constraint, table, draft)
        if verified and constraint.is_enforced:
            why = f"every row is looked up in {name_of(constraint.pktable)}, while writes to both tables wait"
            draft.add_work(WorkKind.SCAN, table, "add-foreign-key-valid", why)
    elif kind == "CONSTR_CHECK" and verified and constraint.is_enforced:
        draft.add_work(WorkKind.SCAN, table, "add-check-valid", "the check is verified for every row")
    elif kind == "CONSTR_NOTNULL" and verified:
        _not_null(constraint, table, draft)
    elif kind in _BUILDS and constraint.indexname:
        _using_index(constraint, table, draft)
    elif kind in _BUILDS:
        draft.add_work(WorkKind.BUILD, table, _BUILDS[kind], "an index is built")


def _not_null(constraint: Tree, table: Name, draft: Draft) -> None:
    column = strings(constraint.keys)[0]
    known = draft.context.table(table)
    if not is_proven_not_null(known, column):
        why = f"every row is read to see that {column} is not null"
        draft.add_work(WorkKind.SCAN, table, "set-not-null", why, certain=known is not None)


def _using_index(constraint: Tree, table: Name, draft: Draft) -> None:
    name = table.beside(constraint.indexname)
    draft.lock(name, LockMode.SHARE_UPDATE_EXCLUSIVE, "index")
    if field_enum(constraint, "contype") != "CONSTR_PRIMARY":
        return
    known, index = draft.context.table(table), draft.context.index(name)
    if known is None or index is None:
        nullable, certain = [f"columns of {constraint.indexname}"], False
    else:
        nullable, certain = [one for one in index.columns if not is_proven_not_null(known, one)], True
    for column in nullable:
        why = f"every row is read to see that {column} is not null"
        draft.add_work(WorkKind.SCAN, table, "primary-key-using-index-on-nullable", why, certain=certain)


def validate_constraint(command: Tree, table: Name, draft: Draft) -> None:
    """Record the scan that VALIDATE CONSTRAINT makes while reads and writes go on."""
    known = draft.context.table(table)
    constraint = known.constraint(command.name) if known else None
    if constraint is not None and constraint.validated:
        return
    if constraint is not None and constraint.references is not None:
        draft.lock(constraint.references, LockMode.ROW_SHARE, "referenced by the foreign key")
    elif constraint is None:
        draft.lock(None, LockMode.ROW_SHARE, f"the table that {command.name} points to, if it is a foreign key")
    why = f"every row is read to validate {command.name}"
    draft.add_work(WorkKind.SCAN, table, "validate-constraint", why)


def alter_constraint(command: Tree, table: Name, draft: Draft) -> None:
    """Record that a foreign key which becomes ENFORCED or not (18) locks both tables, and is verified if it does."""
    change = definition(command)
    if not change.alter_enforceability:
        return
    known = draft.context.table(table)
    constraint = known.constraint(change.conname) if known else None
    target = constraint.references if constraint else None
    draft.lock(target, LockMode.ACCESS_EXCLUSIVE, "" if target else f"the table that {change.conname} points to")
    if change.is_enforced:
        why = f"every row is read to enforce {change.conname}"
        draft.add_work(WorkKind.SCAN, table, "enforce-constraint", why)


def drop_constraint(command: Tree, table: Name, draft: Draft) -> None:
    """Record what DROP CONSTRAINT locks: for a foreign key, the other table as well."""
    draft.drops.append(Object("constraint", table, command.name))
    known = draft.context.table(table)
    constraint = known.constraint(command.name) if known else None
    if constraint is None:
        role = f"the table that {command.name} points to, if it is a foreign key"
        draft.lock(None, LockMode.ACCESS_EXCLUSIVE, role)
    elif constraint.references is not None:
        draft.lock(constraint.references, LockMode.ACCESS_EXCLUSIVE, f"{command.name} points to it")
    if field_enum(command, "behavior") == "DROP_CASCADE":
        for other in known.referenced_by if known else ():
            draft.lock_tree(other, LockMode.ACCESS_EXCLUSIVE, f"has a foreign key to {table}")
