"""What transaction control, settings, LOCK and DISCARD do."""

from __future__ import annotations

from migrator.sql.classify.draft import Draft, Handler
from migrator.sql.effects import Setting
from migrator.sql.locks import LockMode
from migrator.sql.names import name_of
from migrator.sql.parser import Tree, constant_text, content, field_enum, kind_of

_OUTSIDE = frozenset({"COMMIT PREPARED", "ROLLBACK PREPARED"})


def _transaction(tree: Tree, draft: Draft) -> None:
    words = field_enum(tree, "kind").removeprefix("TRANS_STMT_").replace("_", " ")
    draft.kind = draft.transaction_control = {"PREPARE": "PREPARE TRANSACTION"}.get(words, words)
    draft.savepoint = tree.savepoint_name
    draft.transactional = draft.kind not in _OUTSIDE


def _set(tree: Tree, draft: Draft) -> None:
    kind = field_enum(tree, "kind")
    resets = kind in ("VAR_RESET", "VAR_RESET_ALL", "VAR_SET_DEFAULT")
    draft.kind = "RESET" if kind.startswith("VAR_RESET") else "SET"
    if kind == "VAR_SET_MULTI":
        settings = {one.def_elem.defname: constant_text(one.def_elem.arg) for one in tree.args if _is_option(one)}
        local = tree.name != "SESSION CHARACTERISTICS"
        draft.changes_settings += [Setting(name, value, local) for name, value in settings.items()]
    else:
        name = "all" if kind == "VAR_RESET_ALL" else tree.name.lower()
        value = None if resets else ", ".join(_value(argument) for argument in tree.args)
        draft.changes_settings.append(Setting(name, value, tree.is_local))


def _is_option(node: Tree) -> bool:
    return kind_of(node) == "def_elem" and node.def_elem.HasField("arg")


def _value(node: Tree) -> str:
    return constant_text(content(node).arg if kind_of(node) == "type_cast" else node)


def _show(tree: Tree, draft: Draft) -> None:
    del tree
    draft.kind = "SHOW"
    draft.reads_only = True


def _lock(tree: Tree, draft: Draft) -> None:
    draft.kind = "LOCK TABLE"
    mode = LockMode(tree.mode)
    for relation in tree.relations:
        variable = relation.range_var
        if variable.inh:
            draft.lock_tree(name_of(variable), mode)
        else:
            draft.lock(name_of(variable), mode)


def _discard(tree: Tree, draft: Draft) -> None:
    target = field_enum(tree, "target").removeprefix("DISCARD_")
    draft.kind = f"DISCARD {target}"
    if target == "ALL":
        draft.transactional = False
        draft.changes_settings.append(Setting("all", None))


HANDLERS: dict[str, Handler] = {
    "transaction_stmt": _transaction,
    "variable_set_stmt": _set,
    "variable_show_stmt": _show,
    "lock_stmt": _lock,
    "discard_stmt": _discard,
}
