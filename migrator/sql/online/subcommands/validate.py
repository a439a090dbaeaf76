"""VALIDATE CONSTRAINT beside other subcommands: by itself, so that its scan is not made under their lock."""

from __future__ import annotations

from migrator.sql.online.form import Part, validate
from migrator.sql.online.target import Target
from migrator.sql.parser import Tree

COMMANDS = ("AT_ValidateConstraint",)


def parts(target: Target, command: Tree) -> tuple[Part, ...]:
    """Return the validation as a step of its own."""
    return (validate(target.context, target.with_commands([command])),)
