"""Responsible for turning YAML into texts, lists and mappings that know their places; not for what keys mean.

YAML's own guesses (``on`` is true, ``0123`` is 83, ``1e5`` is a float) are never made: every scalar stays the text in
the file. The parser's events are read instead of its nodes because only they show anchors, aliases and tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import yaml

from migrator.errors import Location
from migrator.plan.errors import DuplicateKeyError, PlanError, PlanSyntaxError, PlanUnreadableError
from migrator.plan.source import Source

Loc: TypeAlias = tuple[str | int, ...]
"""The keys and list indexes that lead from the top of the document to a value."""

MAX_DEPTH = 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_KEY_READ_AS = {
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "null": "nothing",
    "timestamp": "a date",
    "merge": "a merge key",
    "value": "a default value",
}


class Scalar(str):
    """The text of a YAML scalar as it stands in the file."""

    __slots__ = ("plain",)
    plain: bool
    """Whether it is written without quotes, so that other YAML readers may take it for a number or a boolean."""

    def __new__(cls, text: str, *, plain: bool = True) -> Self:
        """Make a scalar of its text."""
        made = super().__new__(cls, text)
        made.plain = plain
        return made


@dataclass
class Document:
    """The content of a plan file with the places of its keys and values.

    Attributes:
        root: what the file holds: a `Scalar`, a list or a dict.
        odd_keys: keys that YAML 1.1 does not read as text, with what it reads them as.
        problems: what is wrong whatever the keys mean.
    """

    source: Source
    root: Any = None
    keys: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    values: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    odd_keys: dict[Loc, str] = field(default_factory=dict)
    problems: list[PlanError] = field(default_factory=list)

    def where(self, loc: Loc, *, key: bool = False, context: str = "") -> Location:
        """Return the place of a value, or of its key, or else of the nearest value around it."""
        if key and loc in self.keys:
            return self.source.locate(*self.keys[loc], context)
        while loc and loc not in self.values:
            loc = loc[:-1]
        return self.source.locate(*self.values.get(loc, (1, 1)), context)


def read_document(source: Source) -> Document:
    """Read the one YAML document of a plan file.

    Raises:
        PlanSyntaxError: the text is not YAML, so that nothing else can be said about it.
        PlanUnreadableError: it holds nothing.
    """
    if control := _CONTROL.search(source.text):
        raise PlanSyntaxError(
            f"control character U+{ord(control[0]):04X} in the plan",
            where=source.locate_offset(control.start()),
            help="remove it",
        )
    document = Document(source)
    try:
        _Composer(document, yaml.parse(source.text, Loader=_LOADER)).compose()
    except yaml.YAMLError as error:
        raise _syntax_error(source, error) from error
    return document


def _syntax_error(source: Source, error: yaml.YAMLError) -> PlanSyntaxError:
    mark = getattr(error, "problem_mark", None)
    where = source.locate(mark.line + 1, mark.column + 1) if mark else source.locate(1, 1)
    what = getattr(error, "problem", None) or str(error)
    if where.excerpt[where.column - 1 :].startswith("\t") or re.match(r" *\t", where.excerpt):
        return PlanSyntaxError("a tab is used as indentation", where=where, help="indent with spaces")
    advice = 'put a text that contains ": " or " #" in quotes' if "mapping values" in what else ""
    return PlanSyntaxError(f"not YAML: {what}", where=where, help=advice)


class _Composer:
    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self._document = document
        self._events = events
        self._resolver = yaml.resolver.Resolver()

    def compose(self) -> None:
        document = self._document
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if document.root is not None:
                    self._refuse(event, "a second document starts here", "write one plan per file")
                    return
                document.root = self._value(next(self._events), ())
        if document.root is None or document.root == "":
            raise PlanUnreadableError(
                "the plan file is empty",
                where=Location(document.source.path),
                help='start with "plan: NAME" and at least one step under expand, migrate or contract',
            )

    def _refuse(self, event: Any, message: str, advice: str, kind: type[PlanError] = PlanSyntaxError) -> None:
        where = self._document.source.locate(event.start_mark.line + 1, event.start_mark.column + 1)
        self._document.problems.append(kind(message, where=where, help=advice))

    def _value(self, event: Any, loc: Loc) -> Any:
        if len(loc) > MAX_DEPTH:
            where = self._document.source.locate(event.start_mark.line + 1, event.start_mark.column + 1)
            raise PlanSyntaxError(f"nested deeper than {MAX_DEPTH} levels", where=where, help="a plan needs six")
        self._document.values[loc] = (event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor is not None:
            self._refuse(event, "anchors and aliases are not used in plans", "write the value out where it is needed")
        if getattr(event, "tag", None) is not None:
            self._refuse(event, f"the tag {event.tag} is not used in plans", "remove it; quote a text to keep it text")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(loc)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(loc)
        return Scalar(getattr(event, "value", ""), plain=getattr(event, "style", None) in {None, ""})

    def _list(self, loc: Loc) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*loc, len(found))))
        return found

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, loc)
            # A value nobody will ask for still has to be read; its place must not hide another one.
            aside = (*loc, f"\0{event.start_mark.index}")
            if key is None:
                self._value(next(self._events), aside)
            elif key in found:
                first = self._document.keys[*loc, key][0]
                self._refuse(event, f"the key {key} is here twice", f"it is also on line {first}", DuplicateKeyError)
                self._value(next(self._events), aside)
            else:
                self._document.keys[*loc, key] = (event.start_mark.line + 1, event.start_mark.column + 1)
                found[key] = self._value(next(self._events), (*loc, key))
        return found

    def _key(self, event: Any, loc: Loc) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(event, "a key must be a text", "quote it")
            self._value(event, (*loc, f"\0{event.start_mark.index}"))
            return None
        if event.style in {None, ""}:
            tag: str = self._resolver.resolve(yaml.ScalarNode, event.value, (True, False))  # type: ignore[no-untyped-call] # not in types-PyYAML
            read_as = _KEY_READ_AS.get(tag.rpartition(":")[2])
            if read_as:
                self._document.odd_keys[*loc, event.value] = read_as
        return str(event.value)


def plain_null(value: object) -> bool:
    """Tell whether a value is what people write for "nothing here"."""
    return isinstance(value, Scalar) and value.plain and value in {"", "~", "null"}


def kind_of(value: object) -> str:
    """Return what a value is, in the words of error messages."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return "nothing" if value == "" else f"the text {value!r}" if isinstance(value, str) else f"{value!r}"
