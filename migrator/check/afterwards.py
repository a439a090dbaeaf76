"""The schema as a statement leaves it, and as it is when its transaction commits."""

from __future__ import annotations

from migrator.check.moment import Moment
from migrator.check.schema.changes import apply
from migrator.check.schema.schema import Schema
from migrator.sql.classify import classify


def schema_with(moment: Moment) -> Schema:
    """Return the schema after the statement."""
    after = moment.schema.copied()
    apply(after, moment.statement, moment.effect)
    return after


def schema_at_commit(moment: Moment) -> Schema:
    """Return the schema that others see: after all that commits together with the statement."""
    after = schema_with(moment)
    for later in moment.rest_of_transaction():
        apply(after, later, classify(later, after))
    return after
