"""Finds a team's own Python functions, as Alembic finds what `env.py` imports."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from migrator.engine.target import Target
from migrator.errors import MigratorError, UsageError
from migrator.plan import Step
from migrator.revisions.team_files import brief, place_of


class FunctionNotFoundError(UsageError):
    """The function that a `python:` backfill names cannot be imported.

    Its module is looked for in what `prepend_sys_path` of the Alembic configuration says, beside that configuration, in
    the folder of the plans, and where this Python finds its packages.
    """

    code = "MG176"


def load_function(target: Target, step: Step, name: str) -> Callable[..., Any]:
    """Return the function that ``module:name`` means.

    Raises:
        FunctionNotFoundError: it is not there, or its module raises an error.
    """
    module_name, _, function_name = name.partition(":")
    folders = _folders(target, step)
    sys.path[:0] = [str(folder) for folder in folders if str(folder) not in sys.path]
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise _broken(step, module_name, error, folders) from error
        raise FunctionNotFoundError(
            f"there is no module {error.name}",
            where=step.location,
            notes=[f"looked for in {folder}" for folder in folders],
            help="correct the name, or put the module beside the plan",
        ) from error
    except Exception as error:
        raise _broken(step, module_name, error, folders) from error
    found = getattr(module, function_name, None)
    if not callable(found):
        what = "no function" if found is None else "something that is no function, called"
        raise FunctionNotFoundError(f"module {module_name} has {what} {function_name}", where=step.location)
    function: Callable[..., Any] = found
    return function


def _folders(target: Target, step: Step) -> list[Path]:
    settings = target.settings
    _ = target.project.scripts  # which makes Alembic prepend what its configuration says
    beside = [settings.alembic_ini.parent, settings.plans, *([step.location.path.parent] if step.location.line else [])]
    return list(dict.fromkeys(folder.resolve() for folder in beside))


def _broken(step: Step, module: str, error: BaseException, folders: list[Path]) -> MigratorError:
    place = place_of(error, folders)
    return FunctionNotFoundError(
        f"module {module} raised {brief(error)}",
        where=step.location,
        notes=[f"in {place.path}, line {place.line}"] if place else [],
        help="correct the module, and run the same command again",
    )
