"""`python`: a function of the team makes the new values of some rows at a time, for what SQL cannot say.

The function is given rows as mappings and returns as many results: mappings of the new values, or None for a row that
is to stay as it is. It may be called again for the same rows, so it must not do anything besides.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg import abc, sql
from psycopg.adapt import PyFormat, Transformer

from migrator.backfill.keyset import KeyRange
from migrator.backfill.move import Move, Use, columns_shown
from migrator.backfill.moves import Surroundings
from migrator.backfill.moves.assign import conditions, overwritten
from migrator.errors import Location, UsageError
from migrator.plan import identifiers
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.tables import Column, Table, named

KEY = "python"
Row: TypeAlias = Mapping[str, Any]
Results: TypeAlias = Iterable[Mapping[str, Any] | None]

# A row counts only in the version that the function was given: `xmin` changes with every update.
_WRITE = sql.SQL("""UPDATE {table} AS {alias} SET {assignments}
    FROM unnest(%(keys)s::text[], %(versions)s::text[], {arrays}) AS migrator_value (key, version, {names})
    WHERE {within} AND {matched} AND {version} = migrator_value.version::xid RETURNING 1""")


class BadFunctionError(UsageError):
    """The function of a `python:` backfill does not return what its step says.

    It is given a list of mappings, one per row, with the columns of `read`. It must return as many results in the same
    order: a mapping with exactly the columns of `write`, or None for a row that stays as it is.
    """

    code = "MG175"


class FunctionFailed(psycopg.errors.ExternalRoutineException):
    """The function raised an exception: for the database that is a row which an external routine refuses."""


@dataclass(frozen=True, slots=True)
class Values:
    """What is to be written: keys and versions of rows, and for each column its values as the server reads them."""

    keys: list[str]
    versions: list[str]
    columns: tuple[list[str | None], ...]

    def parameters(self) -> dict[str, Any]:
        """Return them as parameters of the statement."""
        arrays = {f"value_{place}": values for place, values in enumerate(self.columns)}
        return {"keys": self.keys, "versions": self.versions, **arrays}


@dataclass(frozen=True, kw_only=True)
class Function(Move):
    """Sets the columns `write` of rows to what `call`, known as `name`, makes of the columns `read` of them."""

    name: str
    call: Callable[[Sequence[Row]], Results]
    read: tuple[str, ...]
    write: tuple[Column, ...]
    location: Location

    @property
    def knows_done(self) -> bool:
        return False

    @property
    def writes(self) -> frozenset[str]:
        return frozenset(column.name for column in self.write)

    def shown(self) -> sql.Composable:
        return columns_shown(self.table, [column.name for column in self.write])

    def statement(self, within: KeyRange) -> sql.Composable:
        names = [sql.Identifier(f"value_{place}") for place in range(len(self.write))]
        value, array = sql.SQL("{} = migrator_value.{}::{}"), sql.SQL("{}::text[]")
        matched = sql.SQL("{} = (migrator_value.key::jsonb->>{})::{}")
        return _WRITE.format(
            table=self.table.named,
            alias=self.table.alias,
            assignments=sql.SQL(", ").join(
                value.format(named(column.name), name, _type(column))
                for column, name in zip(self.write, names, strict=True)
            ),
            arrays=sql.SQL(", ").join(
                array.format(sql.Placeholder(f"value_{place}")) for place in range(len(self.write))
            ),
            names=sql.SQL(", ").join(names),
            within=within.condition,
            matched=sql.SQL(" AND ").join(
                matched.format(named(self.table.called, column.name), sql.Literal(place), _type(column))
                for place, column in enumerate(self.table.key)
            ),
            version=named(self.table.called, "xmin"),
        )

    def rows(self, within: KeyRange, key: sql.Composable) -> sql.Composable:
        """Return the query for the rows in `within`: their `key`, version, and the columns that are read."""
        columns = sql.SQL(", ").join(named(self.table.called, name) for name in self.read)
        return sql.SQL("SELECT {}::text, {}::text, {} FROM {} AS {} WHERE {}").format(
            key, named(self.table.called, "xmin"), columns, self.table.named, self.table.alias, self.condition(within)
        )

    def values(self, connection: psycopg.Connection, found: Sequence[tuple[Any, ...]]) -> Values:
        """Let the function make new values of the rows `found` by the query of `rows`.

        Raises:
            FunctionFailed: it raised an exception.
            BadFunctionError: it returned something else than it should.
        """
        results = self._results(found) if found else []
        if len(results) != len(found):
            shown = f"{len(results):,} results for {len(found):,} rows"
            raise self._bad(f"returned {shown}, from key {_key(found[0])} to {_key(found[-1])}")
        changed = [(row, result) for row, result in zip(found, results, strict=True) if result is not None]
        wanted, written = {column.name for column in self.write}, Transformer(connection)
        for row, result in changed:
            if not isinstance(result, Mapping) or set(result) != wanted:
                shown = f"{sorted(map(str, result))}" if isinstance(result, Mapping) else f"{result!r:.100}"
                raise self._bad(f"returned {shown} for the row with key {_key(row)}, not {sorted(wanted)}")
        return Values(
            [row[0] for row, _ in changed],
            [row[1] for row, _ in changed],
            tuple(
                [self._written(written, column, result[column.name], row) for row, result in changed]
                for column in self.write
            ),
        )

    def _results(self, found: Sequence[tuple[Any, ...]]) -> list[Any]:
        given = [dict(zip(self.read, row[2:], strict=True)) for row in found]
        try:
            return list(self.call(given))
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            raise FunctionFailed(f"{self.name} raised {said} ({place.filename}, line {place.lineno})") from error

    def _written(self, written: abc.Transformer, column: Column, value: Any, row: tuple[Any, ...]) -> str | None:
        if value is None:
            return None
        try:
            if column.type in ("json", "jsonb"):
                return json.dumps(value, ensure_ascii=False)
            dumped = written.get_dumper(value, PyFormat.TEXT).dump(value)
        except psycopg.DataError as error:  # a value that no text of PostgreSQL can hold
            raise FunctionFailed(f"{self.name} returned for {column.name}: {error}") from error
        except (psycopg.ProgrammingError, TypeError, ValueError) as error:
            raise self._bad(f"returned {value!r:.100} for {column.name} of the row with key {_key(row)}") from error
        return bytes(dumped or b"").decode()

    def _bad(self, message: str) -> BadFunctionError:
        return BadFunctionError(
            f"{self.name} {message}",
            where=self.location,
            notes=["chunks before this one are committed, and nothing of this one"],
            help="let it return one mapping of the columns in `write` per row, or None, in the order of the rows",
        )


def make(step: Backfill, table: Table, around: Surroundings) -> Move:
    assert step.python
    write = [(name, table.column(name)) for name in _names(step.write)]
    return Function(
        table=table,
        where=step.where,
        name=step.python,
        call=around.load(step.python),
        read=_names(step.read),
        write=tuple(
            column or Column(name, "text", not_null=False, default=None, generated=False) for name, column in write
        ),
        location=step.location,
    )


def uses(step: Backfill) -> list[Use]:
    return [Use(step.table, list(dict.fromkeys([*_names(step.write), *_names(step.read)])), conditions(step))]


def losses(step: Backfill, look: Callable[[str], Table | None]) -> list[str]:
    return overwritten(look(step.table), _names(step.write))


def _names(columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(identifiers(column)[-1] for column in columns)


def _type(column: Column) -> sql.SQL:
    # Without its length, so that what is too long is refused and not cut off, as a cast would.
    return sql.SQL((column.plain_type or column.type).replace("%", "%%"))


def _key(row: tuple[Any, ...]) -> str:
    return ", ".join(map(str, json.loads(row[0])))
