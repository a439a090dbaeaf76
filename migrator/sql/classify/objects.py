"""What statements about triggers, policies, comments, publications, domains and the like do."""

from __future__ import annotations

from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.classify.tables import HANDLERS as TABLE_HANDLERS
from migrator.sql.effects import Object, WorkKind
from migrator.sql.lock_table import NO_RELATION, ON_RELATION
from migrator.sql.locks import LockMode
from migrator.sql.names import Name, name_of, named
from migrator.sql.parser import Tree, content, field_enum, find, kind_of, option_text, strings

_COMMENTED_RELATIONS = frozenset({
    "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE",
})  # fmt: skip


def _trigger(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["create_trig_stmt"]
    table = name_of(tree.relation)
    draft.kind = row.words
    draft.lock_tree(table, row.mode)
    draft.creates.append(Object("trigger", table, tree.trigname))
    if tree.HasField("constrrel"):
        draft.lock(name_of(tree.constrrel), LockMode.ACCESS_SHARE, "watched by the constraint trigger")


def _rule(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["rule_stmt"]
    draft.kind = row.words
    draft.lock(name_of(tree.relation), row.mode)
    draft.creates.append(Object("rule", name_of(tree.relation), tree.rulename))


def _create_policy(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["create_policy_stmt"]
    draft.kind = row.words
    draft.lock(name_of(tree.table), row.mode)
    draft.creates.append(Object("policy", name_of(tree.table), tree.policy_name))


def _alter_policy(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["alter_policy_stmt"]
    draft.kind = row.words
    draft.lock(name_of(tree.table), row.mode)


def _statistics(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["create_stats_stmt"]
    draft.kind = row.words
    for relation in tree.relations:
        draft.lock(name_of(relation.range_var), row.mode)


def _comment(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["comment_stmt" if tree.DESCRIPTOR.name == "CommentStmt" else "sec_label_stmt"]
    kind = field_enum(tree, "objtype")
    draft.kind = row.words
    if kind_of(tree.object) != "list":
        return
    parts = strings(tree.object.list.items)
    parts = parts[:-1] if kind == "OBJECT_COLUMN" else parts
    if kind in _COMMENTED_RELATIONS or kind == "OBJECT_COLUMN":
        draft.lock(named(parts), row.mode)


def _publication(tree: Tree, draft: Draft) -> None:
    kind = "create_publication_stmt" if tree.DESCRIPTOR.name == "CreatePublicationStmt" else "alter_publication_stmt"
    row = ON_RELATION[kind]
    draft.kind = row.words
    for table in find(tree, "PublicationTable"):
        draft.lock_tree(name_of(table.relation), row.mode)


def _domain(tree: Tree, draft: Draft) -> None:
    row = ON_RELATION["alter_domain_stmt"]
    draft.kind = row.words
    parts = strings(tree.type_name)
    domain = named(parts)
    if not _scans_users(tree):
        return
    users = draft.context.users_of(domain)
    why = f"values of domain {domain} are checked"
    if users is None:
        draft.lock(None, row.mode, f"tables that use domain {domain}")
        draft.add_work(WorkKind.SCAN, None, "domain-constraint", why, certain=False)
    for table in users or ():
        draft.lock(table, row.mode, f"uses domain {domain}")
        draft.add_work(WorkKind.SCAN, table, "domain-constraint", why)


def _scans_users(tree: Tree) -> bool:
    """Say whether the values already stored are checked: SET NOT NULL, VALIDATE, ADD without NOT VALID."""
    adds = tree.subtype == "C" and not content(getattr(tree, "def")).skip_validation
    return adds or tree.subtype in ("O", "V")


def _composite(tree: Tree, draft: Draft) -> None:
    draft.kind = NO_RELATION["composite_type_stmt"]
    draft.creates.append(Object("type", name_of(tree.typevar)))


def _type(tree: Tree, draft: Draft) -> None:
    kind = {"CreateEnumStmt": "create_enum_stmt", "CreateRangeStmt": "create_range_stmt"}.get(
        tree.DESCRIPTOR.name, "create_domain_stmt"
    )
    draft.kind = NO_RELATION[kind]
    parts = strings(tree.domainname if kind == "create_domain_stmt" else tree.type_name)
    what = "domain" if kind == "create_domain_stmt" else "type"
    draft.creates.append(Object(what, named(parts)))


def _schema(tree: Tree, draft: Draft) -> None:
    draft.kind = NO_RELATION["create_schema_stmt"]
    draft.creates.append(Object("schema", Name(tree.schemaname)))
    for element in tree.schema_elts:
        handler = {**TABLE_HANDLERS, **HANDLERS}.get(kind_of(element))
        if handler:
            handler(content(element), draft)
    draft.kind = NO_RELATION["create_schema_stmt"]


def _database(tree: Tree, draft: Draft) -> None:
    draft.transactional = not any(one.def_elem.defname == "tablespace" for one in tree.options)


def _subscription(tree: Tree, draft: Draft) -> None:
    """Record that the publisher is spoken to, which is refused in a transaction unless the options switch it off."""
    options = {one.def_elem.defname: option_text(one.def_elem) for one in tree.options}
    offline = {"create_slot", "connect", "refresh"} & {name for name, value in options.items() if value == "false"}
    altered = tree.DESCRIPTOR.name == "AlterSubscriptionStmt" and field_enum(tree, "kind")
    draft.transactional = bool(offline or (altered and not altered.endswith(("_PUBLICATION", "_REFRESH"))))


def _drop_subscription(tree: Tree, draft: Draft) -> None:
    draft.drops.append(Object("subscription", Name(tree.subname)))
    draft.transactional = False


HANDLERS: dict[str, Handler] = {
    "create_trig_stmt": _trigger,
    "rule_stmt": _rule,
    "create_policy_stmt": _create_policy,
    "alter_policy_stmt": _alter_policy,
    "create_stats_stmt": _statistics,
    "comment_stmt": _comment,
    "sec_label_stmt": _comment,
    "create_publication_stmt": _publication,
    "alter_publication_stmt": _publication,
    "alter_domain_stmt": _domain,
    "composite_type_stmt": _composite,
    "create_enum_stmt": _type,
    "create_range_stmt": _type,
    "create_domain_stmt": _type,
    "create_schema_stmt": _schema,
    "alter_database_stmt": _database,
    "create_subscription_stmt": _subscription,
    "alter_subscription_stmt": _subscription,
    "drop_subscription_stmt": _drop_subscription,
}
