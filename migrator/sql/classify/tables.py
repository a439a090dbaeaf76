"""What CREATE TABLE, CREATE VIEW, CREATE SEQUENCE, RENAME and SET SCHEMA do."""

from __future__ import annotations

from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.classify.queries import relations_in
from migrator.sql.effects import Object, Rename, WorkKind
from migrator.sql.lock_table import FOREIGN_KEY_TARGET, INHERITANCE_PARENT, ON_RELATION, PARTITION_PARENT, RENAME
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, find, kind_of, strings
from migrator.sql.partition_bound import is_excluded


def _create(tree: Tree, draft: Draft) -> None:
    table = name_of(tree.relation)
    draft.kind = "CREATE TABLE … PARTITION OF" if tree.HasField("partbound") else "CREATE TABLE"
    existing = tree.if_not_exists and draft.context.table(table) is not None
    if existing:
        return
    draft.creates.append(Object("table", table))
    for constraint in find(tree, "Constraint"):
        if constraint.HasField("pktable") and not name_of(constraint.pktable).same(table):
            draft.lock(name_of(constraint.pktable), FOREIGN_KEY_TARGET, "referenced by a foreign key")
    for clause in find(tree, "TableLikeClause"):
        draft.lock(name_of(clause.relation), LockMode.ACCESS_SHARE, "its columns are copied")
    for parent in tree.inh_relations:
        if tree.HasField("partbound"):
            _partition_of(name_of(parent.range_var), tree.partbound, draft)
        else:
            draft.lock(name_of(parent.range_var), INHERITANCE_PARENT, "inherited from")


def _partition_of(parent: Name, bound: Tree, draft: Draft) -> None:
    draft.lock(parent, PARTITION_PARENT, "gains a partition")
    known = draft.context.table(parent)
    lock_foreign_keys(parent, draft)
    default = known.default_partition if known else None
    if known is None:
        draft.lock(None, PARTITION_PARENT, f"the default partition of {parent}, if it has one")
    elif default is not None:
        draft.lock(default, PARTITION_PARENT, "default partition")
    if default is not None and not is_excluded(bound, known, draft.context.table(default)):
        why = f"rows of the default partition {default} may belong to the new one"
        draft.add_work(WorkKind.SCAN, default, "create-partition-with-default", why)


def lock_foreign_keys(table: Name, draft: Draft) -> None:
    """Record the locks on the tables that the foreign keys of a partitioned table point to: partitions get them too."""
    known = draft.context.table(table)
    for constraint in known.constraints if known else ():
        if constraint.references is not None:
            draft.lock(constraint.references, FOREIGN_KEY_TARGET, "referenced by a foreign key")


def _foreign_table(tree: Tree, draft: Draft) -> None:
    draft.kind = "CREATE FOREIGN TABLE"
    draft.creates.append(Object("foreign table", name_of(tree.base_stmt.relation)))
    for parent in tree.base_stmt.inh_relations:
        if tree.base_stmt.HasField("partbound"):
            _partition_of(name_of(parent.range_var), tree.base_stmt.partbound, draft)
        else:
            draft.lock(name_of(parent.range_var), INHERITANCE_PARENT, "inherited from")


def _view(tree: Tree, draft: Draft) -> None:
    view = name_of(tree.view)
    draft.kind = "CREATE VIEW"
    for name in relations_in(tree.query):
        draft.lock(name, LockMode.ACCESS_SHARE, "read by the view")
    if tree.replace:
        row = ON_RELATION["view_stmt:replace"]
        draft.kind = row.words
        draft.lock(view, row.mode)
    draft.creates.append(Object("view", view))


def _sequence(tree: Tree, draft: Draft) -> None:
    draft.kind = "CREATE SEQUENCE"
    draft.creates.append(Object("sequence", name_of(tree.sequence)))


def _alter_sequence(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["alter_seq_stmt"]
    draft.kind = row.words
    draft.lock(name_of(tree.sequence), row.mode)


def _rename(tree: Tree, draft: Draft) -> None:
    kind = field_enum(tree, "rename_type")
    words = kind.removeprefix("OBJECT_").replace("_", " ")
    row = RENAME.get(kind)
    draft.kind = row.words if row else f"ALTER {words} … RENAME"
    if not tree.HasField("relation"):
        parts = _object_name(tree.object)
        draft.renames.append(Rename(Object(words.lower(), parts), tree.newname))
        return
    relation = name_of(tree.relation)
    member = tree.subname if kind in _MEMBERS else None
    what = {"OBJECT_TABCONSTRAINT": "constraint", "OBJECT_MATVIEW": "materialized view"}.get(kind, words.lower())
    draft.renames.append(Rename(Object(what, relation, member), tree.newname))
    if row and kind in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_ATTRIBUTE"):
        draft.lock_tree(relation, row.mode)
    elif row:
        draft.lock(relation, row.mode)


_MEMBERS = frozenset({
    "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_ATTRIBUTE", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE",
})  # fmt: skip


def _object_name(node: Tree) -> Name:
    parts = strings(node.list.items) if kind_of(node) == "list" else ()
    if not parts:
        parts = tuple(one.sval for one in find(node, "String"))
    return Name(parts[-1] if parts else "", parts[-2] if len(parts) > 1 else None)


def _set_schema(tree: Tree, draft: Draft) -> None:
    words = field_enum(tree, "object_type").removeprefix("OBJECT_").replace("_", " ")
    draft.kind = f"ALTER {words} … SET SCHEMA"
    if tree.HasField("relation"):
        relation = name_of(tree.relation)
        draft.lock(relation, ON_RELATION["alter_object_schema_stmt"].mode)
        draft.renames.append(Rename(Object(words.lower(), relation), schema=tree.newschema))
    else:
        draft.renames.append(Rename(Object(words.lower(), _object_name(tree.object)), schema=tree.newschema))


HANDLERS: dict[str, Handler] = {
    "create_stmt": _create,
    "create_foreign_table_stmt": _foreign_table,
    "view_stmt": _view,
    "create_seq_stmt": _sequence,
    "alter_seq_stmt": _alter_sequence,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _set_schema,
}
