"""Responsible for naming what can be wrong with a plan file; not for finding it.

UsageError
└── PlanError                MG110
    ├── PlanNotFoundError    MG111
    ├── PlanUnreadableError  MG112
    ├── PlanSyntaxError      MG113
    ├── UnknownKeyError      MG114
    ├── DuplicateKeyError    MG115
    ├── BadValueError        MG116
    ├── MissingKeyError      MG117
    ├── StepKindError        MG118
    ├── MisplacedStepError   MG119
    ├── AmbiguousPlanError   MG120
    └── PlanConflictError    MG121
"""

from __future__ import annotations

from migrator.errors import UsageError


class PlanError(UsageError):
    """A plan file cannot be used. Nothing was sent to the server.

    All errors of a file are reported together, each with its line and column. Correct them and run the command again.
    """

    code = "MG110"


class PlanNotFoundError(PlanError):
    """No plan file is where the command looked for it.

    A plan is named by its path, its file name, its number (``0002``) or the name in its ``plan`` key. Names and numbers
    are looked up in the folder that the setting ``plans`` names.
    """

    code = "MG111"


class PlanUnreadableError(PlanError):
    """The file is there, but it is not a text that could be a plan.

    It is a folder, empty, not UTF-8, larger than 1 MB, or may not be read by this user. A plan is a YAML mapping with
    the key ``plan`` and at least one step under ``expand``, ``migrate`` or ``contract``.
    """

    code = "MG112"


class PlanSyntaxError(PlanError):
    """The file is not the plain YAML that plans are written in.

    Either it breaks the rules of YAML (a tab as indentation, an unclosed bracket, a colon inside an unquoted text), or
    it uses what plans do without because it hides what a plan does: anchors and aliases, merge keys, tags, several
    documents in one file, keys that YAML 1.1 takes for a boolean or a number. Quote texts and keys that contain colons
    or look like something else.
    """

    code = "MG113"


class UnknownKeyError(PlanError):
    """A key of the plan means nothing to migrator.

    It is refused rather than ignored, since a mistyped ``where`` would otherwise change every row. The help line names
    the nearest key that is valid in this place.
    """

    code = "MG114"


class DuplicateKeyError(PlanError):
    """The same key is written twice in one mapping, so that one of its values would be lost. Keep one of them."""

    code = "MG115"


class BadValueError(PlanError):
    """A key has a value that it cannot have: the wrong shape, an empty text, a number out of range, no duration.

    Durations are a whole number and a unit: ``500ms``, ``2s``, ``10m``, ``1h``, ``30d``.
    """

    code = "MG116"


class MissingKeyError(PlanError):
    """A key without which the plan or the step has no meaning is not there. The help line says what to add."""

    code = "MG117"


class StepKindError(PlanError):
    """A step does not say what it is, or says several things at once.

    Each entry of a phase has exactly one of the kind keys, such as ``revision`` or ``backfill``. Several things to do
    are several entries, in the order in which they are to happen.
    """

    code = "MG118"


class MisplacedStepError(PlanError):
    """Each step is right in itself, but not in this place of this plan.

    Expand adds the new shape, migrate fills and checks it, contract removes the old shape once nothing uses it. A step
    in the wrong phase, the same revision twice, or a plan that requires itself could not be carried out or undone.
    """

    code = "MG119"


class AmbiguousPlanError(PlanError):
    """Several plan files go by the name that was given. Use the path of the one that is meant."""

    code = "MG120"


class PlanConflictError(PlanError):
    """The plans of a folder contradict each other.

    Two of them have the same name, one requires a plan that does not exist, or they require each other in a circle, so
    that none of them could ever be first.
    """

    code = "MG121"
