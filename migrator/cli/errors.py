"""Responsible for naming what can be wrong on the command line; not for noticing it."""

from __future__ import annotations

from migrator.errors import AnswerIsNo, MigratorError, UsageError


class CommandLineError(UsageError):
    """The command line cannot be understood: an unknown command or option, or a value that an option cannot have.

    Nothing was read or written. `migrator COMMAND --help` shows what the command takes, with examples.
    """

    code = "MG101"


class ConfirmationNeededError(UsageError):
    """The command wants a person to confirm, and there is no terminal to ask on.

    Nothing was changed. In a pipeline, where the decision was made elsewhere, give `--yes`.
    """

    code = "MG102"


class UnknownCodeError(UsageError):
    """No error of migrator has this code. `migrator explain list` prints all of them with their first sentence."""

    code = "MG103"


class DemoMissingError(UsageError):
    """`migrator demo` found no project that it could show itself on, or several.

    A demonstration is registered by an installed package as an entry point of the group `migrator.demo`. In a checkout
    of migrator itself, `make demo` installs the catalog, which has one.
    """

    code = "MG104"


class NotConfirmedError(AnswerIsNo):
    """The question was answered with no. Nothing was changed, and the same command will ask again."""

    code = "MG490"


class Bug(MigratorError):  # noqa: N818 - a bug, whoever sees it
    """Something happened that migrator has no answer to: a bug in migrator, not in the plan or the database.

    What was committed is in the ledger, so `migrator status` is still right, and the same command goes on from there.
    The traceback was written to the file that the message names; a report of the bug needs it. With `MIGRATOR_DEBUG=1`
    in the environment it is printed as well.
    """

    code = "MG900"
    exit_code = 70
