"""The foreign keys that a statement makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrator.check.moment import Moment
from migrator.check.new_constraints import new_constraints
from migrator.sql.names import Name, name_of
from migrator.sql.parser import field_enum, strings


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key. `targets` is empty where the primary key is meant."""

    table: Name
    columns: tuple[str, ...]
    references: Name
    targets: tuple[str, ...]


def foreign_keys(moment: Moment) -> Iterator[ForeignKey]:
    """Yield the foreign keys that the statement makes."""
    for node, column in new_constraints(moment):
        if field_enum(node, "contype") == "CONSTR_FOREIGN":
            columns = (column,) if column else strings(node.fk_attrs)
            yield ForeignKey(name_of(moment.tree.relation), columns, name_of(node.pktable), strings(node.pk_attrs))
