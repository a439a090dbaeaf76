"""The ways in which `migrator check` cannot be asked; what it finds is no error."""

from __future__ import annotations

from migrator.errors import UsageError


class BadOptionError(UsageError):
    """An option of `migrator check` has a value that it cannot have.

    Nothing was checked. `migrator check --help` shows what each option takes, with examples.
    """

    code = "MG410"


class NothingToCheckError(UsageError):
    """A path given to `migrator check` does not exist, or there is nothing in it that could be checked.

    SQL files end in `.sql`, plans in `.yaml` or `.yml`, revisions in `.py`. A gate that checks nothing would pass for
    ever, so it is an error.
    """

    code = "MG411"


class BaselineError(UsageError):
    """The file given as `--baseline` is not one that `migrator check --write-baseline` wrote.

    Write it again, or correct the path. Nothing was accepted.
    """

    code = "MG412"


class UnknownRuleError(UsageError):
    """No rule has this name. `migrator explain rules` prints all rules with their first sentence."""

    code = "MG413"


class RangeError(UsageError):
    """The range of revisions cannot be read, or the git reference does not exist.

    Write `--revisions A:B` with identifiers of the project, `base` or `heads`; either side may be left out. `--since`
    takes anything that git can resolve, such as origin/main, and needs a git checkout.
    """

    code = "MG414"
