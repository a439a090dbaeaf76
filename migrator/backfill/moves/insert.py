"""`into`: another table gets one row per row, which splits a table in two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from migrator.backfill.keyset import KeyRange
from migrator.backfill.move import Move, Use, text
from migrator.backfill.moves import Surroundings
from migrator.backfill.moves.assign import columns_of, conditions, overwritten
from migrator.plan import identifiers
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.tables import Table, named, raw

KEY = "into"


@dataclass(frozen=True, slots=True)
class Update:
    """What becomes of a row that is there already, by the unique columns `key`: `set` is what changes in it."""

    key: tuple[str, ...]
    set: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Insert(Move):
    """Inserts one row into `into` per row of `table`.

    Where there is such a row already, it stays, or is updated.
    """

    set: dict[str, str]
    into: Table
    update: Update | None = None

    @property
    def changed(self) -> Table:
        return self.into

    @property
    def knows_done(self) -> bool:
        return False

    @property
    def adds(self) -> bool:
        return True

    def shown(self) -> sql.Composable:
        pairs = [sql.SQL("{}, {}").format(text(column), raw(expression)) for column, expression in self.set.items()]
        return sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(pairs))

    def size(self) -> sql.Composable:
        return sql.SQL("pg_column_size(ROW({}))").format(sql.SQL(", ").join(map(raw, self.set.values())))

    def statement(self, within: KeyRange) -> sql.Composable:
        # The rows are locked against deletion, so that a copy cannot outlive its row; the lock does not stop updates
        # of other columns, and an update that comes in between has its own copy from the dual write: no conflict.
        # Where a copy that is there is overwritten, that must not be with what the row was before such an update.
        return sql.SQL(
            "INSERT INTO {into} AS {into_alias} ({columns}) OVERRIDING SYSTEM VALUE "
            "SELECT {values} FROM {table} AS {alias} WHERE {condition} "
            "FOR {strength} OF {alias} {conflict} RETURNING 1"
        ).format(
            into=self.into.named,
            into_alias=self.into.alias,
            columns=sql.SQL(", ").join(map(named, self.set)),
            values=sql.SQL(", ").join(raw(expression) for expression in self.set.values()),
            table=self.table.named,
            alias=self.table.alias,
            condition=self.condition(within),
            strength=sql.SQL("SHARE" if self.update else "KEY SHARE"),
            conflict=self._conflict(),
        )

    def _conflict(self) -> sql.Composable:
        if self.update is None:
            return sql.SQL("ON CONFLICT DO NOTHING")
        return sql.SQL("ON CONFLICT ({}) DO UPDATE SET {}").format(
            sql.SQL(", ").join(map(named, self.update.key)),
            sql.SQL(", ").join(sql.SQL("{} = {}").format(named(c), raw(e)) for c, e in self.update.set.items()),
        )


def make(step: Backfill, table: Table, around: Surroundings) -> Move:
    assert step.into
    return Insert(
        table=table,
        set=columns_of(step),
        where=step.where,
        into=around.find(step.into),
        update=_update(step),
    )


def uses(step: Backfill) -> list[Use]:
    assert step.into
    update = _update(step)
    written = [*columns_of(step), *(update.key if update else ()), *(update.set if update else ())]
    values = [*columns_of(step).values(), *conditions(step)]
    return [Use(step.table, [], values), Use(step.into, list(dict.fromkeys(written)))]


def losses(step: Backfill, look: Callable[[str], Table | None]) -> list[str]:
    assert step.into
    update = _update(step)
    return overwritten(look(step.into), update.set) if update else []


def _update(step: Backfill) -> Update | None:
    conflict = step.on_conflict
    if conflict is None:
        return None
    key = tuple(identifiers(column)[-1] for column in conflict.key)
    return Update(key, {identifiers(column)[-1]: expression for column, expression in conflict.update.items()})
