"""ALTER TABLE: every subcommand online by itself, in the order in which PostgreSQL would run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from migrator.sql.classify import classify
from migrator.sql.commands import key_of, phase_of, row_of
from migrator.sql.context import Context, is_live
from migrator.sql.online import subcommands
from migrator.sql.online.form import Answer, OnlineForm, Part, Refusal, brief
from migrator.sql.online.inline_constraints import unfolded
from migrator.sql.online.refusal import refusal
from migrator.sql.online.target import Target
from migrator.sql.parser import Tree, field_enum
from migrator.sql.statement import parse_one

STATEMENT = "alter_table_stmt"

Parts = tuple[Part, ...] | Refusal | None


@lru_cache(maxsize=1)
def _subcommands() -> Mapping[str, Callable[[Target, Tree], Parts]]:
    modules = [import_module(f"{subcommands.__name__}.{module.name}") for module in iter_modules(subcommands.__path__)]
    return {key: module.parts for module in modules for key in module.COMMANDS}


def rewrite(tree: Tree, context: Context) -> Answer:
    """Return the parts: subcommands that are done in an instant stay together, each other one gets its own."""
    target = Target(tree, context)
    if field_enum(tree, "objtype") != "OBJECT_TABLE" or not is_live(context, target.name):
        return _as_it_is(target, [node.alter_table_cmd for node in tree.cmds])
    commands = unfolded(target)
    if any(row_of(command) is None for command in commands):
        return None
    return _split(target, sorted(commands, key=phase_of))


def _split(target: Target, commands: list[Tree]) -> Answer:
    parts: list[Part] = []
    together: list[Tree] = []
    for command in commands:
        form = _subcommands().get(key_of(command))
        answer = form(target, command) if form else None
        answer = _as_it_is(target, [command]) if answer is None else answer
        if isinstance(answer, Refusal):
            return answer
        if answer is None:
            together.append(command)
            continue
        parts += _brief(target, together)
        together = []
        parts += answer
    if not parts or (len(commands) == len(parts) == 1 and parts[0].statements == (target.with_commands(commands),)):
        return None
    return OnlineForm((*parts, *_brief(target, together)))


def _brief(target: Target, commands: list[Tree]) -> list[Part]:
    return [brief(target.context, target.with_commands(commands))] if commands else []


def _as_it_is(target: Target, commands: list[Tree]) -> Refusal | None:
    statement = parse_one(target.with_commands(commands))
    return refusal(classify(statement, target.context), statement.tree, target.context)
