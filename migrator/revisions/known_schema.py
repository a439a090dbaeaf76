"""The schema as the history has made it so far, learnt from what was recorded when a revision asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from migrator.check.schema.schema import Schema
from migrator.check.script import follow
from migrator.check.source import Piece
from migrator.sql.context import RelationKind, Table
from migrator.sql.effects import Object
from migrator.sql.names import Name

if TYPE_CHECKING:
    from migrator.revisions.recording_dialect import Noted
    from migrator.revisions.recording_place import Source

_VIEWS = (RelationKind.VIEW, RelationKind.MATVIEW)
_TEMPORARY = "pg_temp"
_NAMED_ALIKE = {
    **dict.fromkeys(("table", "view", "materialized view", "foreign table", "sequence", "index"), "relation"),
    **dict.fromkeys(("type", "domain"), "type"),
    "schema": "schema",
}
"""Kinds of objects, by what they share their names with."""
_ALWAYS = frozenset({"public", "information_schema", "pg_catalog"})

Answer = bool | None
"""None where the history does not tell."""


class Learnt:
    """What statements have made, and the names that they took away. A name without a schema is one in `public`."""

    def __init__(self, schema: Schema, gone: set[tuple[str, Name]]) -> None:
        self.schema = schema
        self._gone = gone

    def copied(self) -> Learnt:
        return Learnt(self.schema.copied(), set(self._gone))

    def learn(self, pieces: tuple[Piece, ...]) -> None:
        """Carry statements over."""
        for piece in pieces:
            if piece.told is not None:
                self.schema.believe(*piece.told)
            for effect in follow(self.schema, (piece.statement,)):
                self._gone |= _named(*effect.drops, *(rename.what for rename in effect.renames))
                self._gone -= _named(*effect.creates)

    def end_session(self) -> None:
        """Forget the temporary tables."""
        self.schema.tables = {
            name: [one for one in tables if one.name.schema != _TEMPORARY]
            for name, tables in self.schema.tables.items()
        }

    def table(self, name: Name) -> Table | None:
        """Return the relation of that name, if a statement of the history made it."""
        table = self._mentioned(name)
        return table if table is not None and _is_made(table) else None

    def _mentioned(self, name: Name) -> Table | None:
        known = self.schema.tables.get(name.name, ())
        places = (_TEMPORARY, "public") if name.schema is None else (name.schema,)
        return next((one for place in places for one in known if _full(one.name).schema == place), None)

    def whole(self, name: Name) -> Table | None:
        """Return the table, if all its columns and constraints are known."""
        table = self.table(name)
        return table if table and table.columns and not table.parents and self.schema.is_whole(table.name) else None

    def has_table(self, name: Name) -> Answer:
        return self.table(name) is not None or self._unless_gone("table", name)

    def has_index(self, table: Name, index: str) -> Answer:
        known = self._mentioned(table)
        if known is not None and any(one.name.name == index for one in known.indexes):
            return True
        return False if self.whole(table) else self._unless_gone("index", table.beside(index))

    def has_sequence(self, name: Name) -> Answer:
        return name.name in self.sequences(name.schema) or self._unless_gone("sequence", name)

    def has_schema(self, name: str) -> Answer:
        return name in self.schemas() or name in _ALWAYS or self._unless_gone("schema", Name(name))

    def has_type(self, name: Name) -> Answer:
        """Say whether there is a type; one in the schema `*` is in any."""
        made = (*self.schema.enums, *self.schema.types, *self.schema.bases)
        left = [one for one in made if self._unless_gone("type", one) is None]
        there = any(one.name == name.name and (name.schema == "*" or _full(one) == _full(name)) for one in left)
        return there or self._unless_gone("type", name)

    def sequences(self, schema: str | None) -> list[str]:
        return sorted(one.name for kind, one in self.schema.standing if kind == "sequence" and _is_in(one, schema))

    def schemas(self) -> list[str]:
        return sorted(one.name for kind, one in self.schema.standing if kind == "schema")

    def names(self, schema: str | None, *kinds: RelationKind) -> list[str]:
        """Return the names of the relations of these kinds in a schema."""
        every = (one for one in self.schema.every() if one.kind in kinds and _is_made(one))
        return [one.name.name for one in every if _is_in(one.name, schema)]

    @property
    def from_the_start(self) -> bool:
        """Whether the history made every relation that it uses, so that there are hardly any others."""
        return all(_is_made(one) for one in self.schema.every())

    def _unless_gone(self, kind: str, name: Name) -> Answer:
        return False if _named(Object(kind, name)) & self._gone else None


def _named(*objects: Object) -> set[tuple[str, Name]]:
    return {(_NAMED_ALIKE[one.kind], _full(one.name)) for one in objects if one.kind in _NAMED_ALIKE}


def _full(name: Name) -> Name:
    return Name(name.name, name.schema or "public")


def _is_in(name: Name, schema: str | None) -> bool:
    return _full(name).schema == (schema or "public")


def _is_made(table: Table) -> bool:
    """Say whether a statement made the relation; others are only mentioned."""
    return table.new or table.kind in _VIEWS


class KnownSchema:
    """Answers what there is; whatever no statement of the history told is not there, and is a question left open."""

    def __init__(self, pg_version: int) -> None:
        self._past = Learnt(Schema(pg_version=pg_version), set())
        self._waiting: list[tuple[Piece, ...]] = []
        self.begin(None, [])

    def keep(self, pieces: tuple[Piece, ...]) -> None:
        """Add an upgrade to the history."""
        self._waiting.append(pieces)

    def begin(self, source: Source | None, noted: list[Noted]) -> None:
        """Answer from now on for a direction, with what it has sent so far, which is in `noted`."""
        self._source, self._noted = source, noted
        self._seen = 0
        self._now: Learnt | None = None
        self._open: list[Callable[[Learnt], Answer]] = []
        self._unanswered = False

    def now(self) -> Learnt:
        """Return what is known at this moment."""
        if self._now is None:
            for pieces in self._waiting:
                self._past.learn(pieces)
                self._past.end_session()
            self._waiting.clear()
            self._now = self._past.copied()
        fresh = self._noted[self._seen :]
        if fresh and self._source is not None:
            self._seen += len(fresh)
            self._now.learn(self._source.pieces(fresh)[0])
        return self._now

    def ask(self, question: Callable[[Learnt], Answer]) -> bool:
        """Answer a question that is answered with None where nothing is known."""
        answer = question(self.now())
        if answer is None:
            self._open.append(question)
        return bool(answer)

    def whole(self, name: Name) -> Table | None:
        """Return a table with all its columns; None where there is none, or not all are known."""
        if not self.ask(lambda learnt: learnt.has_table(name)):
            return None
        table = self.now().whole(name)
        self._unanswered = self._unanswered or table is None
        return table

    def listed(self, names: Callable[[Learnt], list[str]], has: Callable[[Learnt, str], Answer]) -> Listed:
        """Return names as a list; whether one is in it is the question `has`, which the history may not tell."""
        return Listed(self, names, has)

    @property
    def left_open(self) -> bool:
        """Whether the direction asked for something that is neither known nor made by itself afterwards."""
        return self._unanswered or any(not question(self.now()) for question in self._open)


class Listed(list[str]):
    """Names of what the history made. Going through them asks whether there are others, `in` asks for one."""

    def __init__(
        self, known: KnownSchema, names: Callable[[Learnt], list[str]], has: Callable[[Learnt, str], Answer]
    ) -> None:
        super().__init__(names(known.now()))
        self._known, self._names, self._has = known, names, has

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._known.ask(lambda learnt: self._has(learnt, name))

    def __iter__(self) -> Iterator[str]:
        self._known.ask(lambda learnt: (bool(self._names(learnt)) and learnt.from_the_start) or None)
        return super().__iter__()
