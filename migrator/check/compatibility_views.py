"""Views that a transaction puts in the place of a table, for code that knows its old names."""

from __future__ import annotations

from migrator.check.moment import Moment
from migrator.sql.names import Name, name_of
from migrator.sql.parser import Tree, find, kind_of
from migrator.sql.volatility import AGGREGATES, function_name


def view_in_place_of(moment: Moment, table: Name) -> Tree | None:
    """Return the query of the view that the rest of the transaction makes under the name."""
    views = (one.tree for one in moment.rest_of_transaction() if one.kind == "view_stmt")
    return next((one.query for one in views if name_of(one.view).same(table)), None)


def takes_writes(query: Tree) -> bool:
    """Say whether a view over the query is updatable by itself: over one relation, row by row."""
    select = query.select_stmt
    one = len(select.from_clause) == 1 and kind_of(select.from_clause[0]) == "range_var"
    gathered = select.distinct_clause or select.group_clause
    chosen = select.HasField("having_clause") or select.HasField("limit_count")
    calls = (call for target in select.target_list for call in find(target, "FuncCall"))
    return one and not (gathered or chosen) and not any(function_name(call).name in AGGREGATES for call in calls)
