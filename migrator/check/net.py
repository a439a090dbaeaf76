"""What a revision's two directions leave behind together: made and not removed, removed and not made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from migrator.check.source import Piece
from migrator.sql.classify import classify
from migrator.sql.commands import definition
from migrator.sql.effects import Object, Rename
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, field_enum, find, strings
from migrator.sql.statement import Statement

_COUNTED = frozenset({
    "schema", "table", "column", "view", "materialized view", "type", "domain", "sequence", "index", "function",
    "trigger", "policy",
})  # fmt: skip
_INSIDE = frozenset({"column", "index", "trigger", "policy"})
_ROUTINES = frozenset({"function", "procedure", "routine"})
_ALTERED = {
    "AT_AlterColumnType": "the type of",
    "AT_SetNotNull": "NOT NULL of",
    "AT_DropNotNull": "NOT NULL of",
    "AT_SetStorage": "the storage of",
    "AT_SetCompression": "the compression of",
}


@dataclass
class Net:
    """A tally of objects: made is +1, removed is -1."""

    tally: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    altered: set[tuple[str, str, str]] = field(default_factory=set)
    opaque: bool = False
    perhaps: set[tuple[str, str, str]] = field(default_factory=set)
    """What OR REPLACE may have made, or may have found."""
    cascades: bool = False
    columns_of_index: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    parts_of_index: dict[str, str] = field(default_factory=dict)
    """Indexes of partitions, with the index of the partitioned table that each belongs to."""
    partitions: dict[str, str] = field(default_factory=dict)
    """Tables that were made as partitions, with the table that each belongs to."""

    def add(self, statement: Statement) -> None:
        """Count what a statement makes, removes and renames."""
        effect = classify(statement)
        self.opaque = self.opaque or (effect.locks_unknown and not effect.drops)
        self.cascades = self.cascades or (bool(effect.drops) and "CASCADE" in statement.text.upper())
        made_here = (*effect.creates, *_routine(statement))
        if getattr(statement.tree, "replace", False) or (
            statement.kind == "create_schema_stmt" and statement.tree.if_not_exists
        ):
            self.perhaps |= {_key(made) for made in made_here}
            return
        for made in made_here:
            self._count(made, 1, statement)
        for dropped in effect.drops:
            self._count(dropped, -1, statement)
        for rename in effect.renames:
            if rename.what.kind in _COUNTED:
                self._count(rename.what, -1, statement)
                self._count(_renamed(rename.what, rename), 1, statement)
        self.parts_of_index |= dict(_attached(statement))
        if statement.kind == "create_stmt" and statement.tree.HasField("partbound"):
            parent = name_of(statement.tree.inh_relations[0].range_var)
            self.partitions[_full(name_of(statement.tree.relation))] = _full(parent)
        for index in _taken_by_constraints(statement):
            self.tally["index", index, ""] -= 1
        self.altered |= set(_alterations(statement))

    def _count(self, one: Object, step: int, statement: Statement) -> None:
        if _key(one)[0] not in _COUNTED or (
            statement.kind == "create_stmt" and statement.tree.relation.relpersistence == "t"
        ):
            return
        if one.kind == "index":
            if not one.name.name:
                return
            if step > 0 and statement.kind == "index_stmt":
                columns = frozenset(part.name for part in find(statement.tree, "IndexElem") if part.name)
                self.columns_of_index[one.name.name] = (_full(name_of(statement.tree.relation)), columns)
            self.tally["index", one.name.name, ""] += step
        else:
            self.tally[_key(one)] += step


def _key(one: Object) -> tuple[str, str, str]:
    return "function" if one.kind in _ROUTINES else one.kind, _full(one.name), one.member or ""


def _full(name: Name) -> str:
    return name.name if name.schema in (None, "public") else f"{name.schema}.{name.name}"


def _routine(statement: Statement) -> Iterator[Object]:
    """Yield the function or procedure that the statement makes."""
    if statement.kind == "create_function_stmt":
        yield Object("function", Name(strings(statement.tree.funcname)[-1]))


def _renamed(what: Object, rename: Rename) -> Object:
    if what.member:
        return Object(what.kind, what.name, rename.name)
    return Object(what.kind, Name(rename.name or what.name.name, rename.schema or what.name.schema))


def _alterations(statement: Statement) -> Iterator[tuple[str, str, str]]:
    if statement.kind != "alter_table_stmt":
        return
    for node in statement.tree.cmds:
        command: Tree = node.alter_table_cmd
        words = _ALTERED.get(field_enum(command, "subtype"))
        if words:
            yield words, _full(name_of(statement.tree.relation)), command.name


def _attached(statement: Statement) -> Iterator[tuple[str, str]]:
    """Yield the index that ALTER INDEX ... ATTACH PARTITION makes a part of another, with that one."""
    if statement.kind == "alter_table_stmt" and field_enum(statement.tree, "objtype") == "OBJECT_INDEX":
        for node in statement.tree.cmds:
            if field_enum(node.alter_table_cmd, "subtype") == "AT_AttachPartition":
                yield definition(node.alter_table_cmd).name.relname, statement.tree.relation.relname


def _taken_by_constraints(statement: Statement) -> Iterator[str]:
    """Yield the indexes that ADD CONSTRAINT USING INDEX makes a constraint's own."""
    for node in statement.tree.cmds if statement.kind == "alter_table_stmt" else ():
        if field_enum(node.alter_table_cmd, "subtype") == "AT_AddConstraint":
            index = definition(node.alter_table_cmd).indexname
            if index:
                yield index


def remainders(upgrade: tuple[Piece, ...], downgrade: tuple[Piece, ...], known: tuple[str, ...] = ()) -> list[str]:
    """Return what is different after upgrade and downgrade, in words; nothing where not all of it can be seen.

    Args:
        known: the differences that the schema before and after shows, where it is known.
    """
    there, back = Net(), Net()
    for piece in upgrade:
        there.add(piece.statement)
    for piece in downgrade:
        back.add(piece.statement)
    if there.opaque or back.opaque:
        return []
    altered = [one for one in _not_altered(there, back) if not any(_subject(one) in other for other in known)]
    return list(dict.fromkeys((*_left(there, back), *altered, *known)))


def _subject(words: str) -> str:
    """Return the column that a remainder is about."""
    return next((word for word in words.split() if "." in word), words)


def _left(there: Net, back: Net) -> Iterator[str]:
    for key in dict.fromkeys((*there.tally, *back.tally)):
        kind, name, member = key
        total = there.tally[key] + back.tally[key]
        if total == 0 or _goes_with_another(key, there, back) or key in there.perhaps | back.perhaps:
            continue
        what = f"{kind} {name}.{member}" if member else f"{kind} {name}"
        if there.tally[key] > 0 > -total:
            yield f"{what} is still there"
        elif there.tally[key] < 0:
            yield f"{what} is not made again"
        elif back.tally[key] < 0:
            yield f"{what} is removed although the upgrade did not make it"
        else:
            yield f"{what} is made although the upgrade did not remove it"


def _goes_with_another(key: tuple[str, str, str], there: Net, back: Net) -> bool:
    """Say whether the table, or a column under it, comes and goes as a whole."""
    kind, name, _ = key
    schema, dot, _ = name.rpartition(".")
    if dot and back.tally["schema", schema, ""]:
        return True
    if kind == "table":
        return bool(back.tally["table", there.partitions.get(name, ""), ""])
    if kind == "index":
        return _index_goes_along(name, there, back)
    if kind in ("trigger", "policy") and back.cascades:
        return True
    return kind in _INSIDE and _moved("table", name, "", there, back)


def _index_goes_along(name: str, there: Net, back: Net) -> bool:
    if name in there.parts_of_index:
        return _moved("index", there.parts_of_index[name], "", there, back)
    table, columns = {**there.columns_of_index, **back.columns_of_index}.get(name, ("", frozenset()))
    if not table:
        return not back.tally["index", name, ""]  # an index that was dropped whose table the text does not name
    return any(_moved(kind, table, "", there, back) for kind in ("table", "materialized view")) or any(
        _moved("column", table, column, there, back) for column in columns
    )


def _moved(kind: str, name: str, member: str, there: Net, back: Net) -> bool:
    return bool(there.tally[kind, name, member] or back.tally[kind, name, member])


def _not_altered(there: Net, back: Net) -> Iterator[str]:
    for words, table, column in sorted(there.altered - back.altered):
        covered = _moved("column", table, column, there, back) or _moved("table", table, "", there, back)
        if not covered:
            yield f"{words} {table}.{column} stays changed"
