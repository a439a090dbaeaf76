"""SET NOT NULL: proven by a constraint that is validated under a weak lock, so that no scan is left to do."""

from __future__ import annotations

from migrator.sql.checks import is_proven_not_null
from migrator.sql.commands import definition, key_of
from migrator.sql.default_names import object_name
from migrator.sql.names import quote
from migrator.sql.online.form import ADDED, Added, Part, brief, validate
from migrator.sql.online.subcommands.check_and_foreign_key import added_then_validated
from migrator.sql.online.target import Target
from migrator.sql.parser import Tree, strings

COMMANDS = ("AT_SetNotNull", "AT_AddConstraint:CONSTR_NOTNULL")
_NOT_NULL_CAN_BE_UNVALIDATED = 18


def parts(target: Target, command: Tree) -> tuple[Part, ...] | None:
    """Return the steps, or None where the column is known to hold no NULL."""
    if key_of(command) == "AT_SetNotNull":
        return not_null(target, command.name) or None
    column = strings(definition(command).keys)[0]
    if definition(command).skip_validation or is_proven_not_null(target.table, column):
        return None
    return added_then_validated(target, command)


def not_null(target: Target, column: str) -> tuple[Part, ...]:
    """Return the steps that make a column NOT NULL; none where it is known to hold no NULL."""
    if is_proven_not_null(target.table, column):
        return ()
    if target.context.pg_version >= _NOT_NULL_CAN_BE_UNVALIDATED:
        return (
            brief(target.context, target.alter(f"ADD NOT NULL {quote(column)} NOT VALID")),
            validate(target.context, target.validate(ADDED), Added(target.name)),
        )
    name = object_name(target.name.name, column, "migrator_not_null")
    check = f"ADD CONSTRAINT {quote(name)} CHECK ({quote(column)} IS NOT NULL) NOT VALID"
    settle = (f"ALTER COLUMN {quote(column)} SET NOT NULL", f"DROP CONSTRAINT {quote(name)}")
    return (
        brief(target.context, target.alter(check)),
        validate(target.context, target.validate(name)),
        brief(target.context, *(target.alter(one) for one in settle), proven=True),
    )
