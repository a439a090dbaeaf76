"""CREATE OR REPLACE FUNCTION can change neither what a function returns nor the names of its parameters.

What it does
------------
Reports `CREATE OR REPLACE FUNCTION` with the parameter types of a function that is known, and another return type or
other names.

Why it is bad
-------------
PostgreSQL refuses it: `cannot change return type of existing function`, `cannot change name of input parameter`.

What to do instead
------------------
Drop it and create it again in one transaction, with all that depends on it; or make a new function under another name
and let code move to it.

When it does not apply
----------------------
Functions that nothing told of, with OUT parameters, and parameters that had no name.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Hazard
from migrator.check.moment import Moment
from migrator.check.rule import Example, Report
from migrator.check.schema.types import signature_of
from migrator.sql.names import named
from migrator.sql.parser import strings

HAZARD = Hazard.FAILS
_SETUP = "CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';"
BAD = (
    Example(
        sql="CREATE OR REPLACE FUNCTION twice(n int) RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint';", setup=_SETUP
    ),
    Example(sql="CREATE OR REPLACE FUNCTION twice(m int) RETURNS int LANGUAGE sql AS 'SELECT m * 2';", setup=_SETUP),
    Example(sql="CREATE OR REPLACE FUNCTION twice(n int) RETURNS SETOF int LANGUAGE sql AS 'SELECT n';", setup=_SETUP),
)
GOOD = (
    Example(sql="CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n + n';", setup=_SETUP),
    Example(
        sql="CREATE OR REPLACE FUNCTION twice(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT n * 2';", setup=_SETUP
    ),
    Example(
        sql=(
            "BEGIN; DROP FUNCTION twice(int); "
            "CREATE OR REPLACE FUNCTION twice(m int) RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint'; COMMIT;"
        ),
        setup=_SETUP,
    ),
)


def find(moment: Moment) -> Iterator[Report]:
    """Yield the function that cannot be replaced so."""
    replaces = moment.statement.kind == "create_function_stmt" and moment.tree.replace and not moment.conditional
    made = signature_of(moment.tree) if replaces else None
    if made is None:
        return
    parts = strings(moment.tree.funcname)
    name = named(parts)
    for known in moment.schema.functions(name):
        if known.types != made.types:
            continue
        renamed = any(old and old != new for old, new in zip(known.names, made.names, strict=True))
        if known.result != made.result or renamed:
            what = f"it returns {known.result}" if known.result != made.result else "its parameters have other names"
            arguments = ", ".join(known.types)
            yield Report(
                f"PostgreSQL refuses it: there is a function {name}({arguments}), and {what}",
                f"BEGIN;\nDROP FUNCTION {name}({arguments});\n{moment.statement.text};\nCOMMIT;",
            )
