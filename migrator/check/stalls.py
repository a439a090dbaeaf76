"""Turns work that keeps users of a table waiting into reports; which work belongs to which rule is the rule's part."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.check.finding import Severity
from migrator.check.moment import Moment
from migrator.check.options import Runner
from migrator.check.rule import Report
from migrator.sql.effects import Work, WorkKind
from migrator.sql.online.form import OnlineForm, PartKind, Refusal
from migrator.sql.online.refusal import refuse

MADE_SAFE = "made safe by migrator"
_DOES = {
    WorkKind.REWRITE: "is written anew",
    WorkKind.SCAN: "is read from end to end",
    WorkKind.BUILD: "is read and indexed",
}


def stalls(moment: Moment, *rules: str, unsure: Severity = Severity.ERROR) -> Iterator[Report]:
    """Yield a report for each work of these kinds that users of a table would have to wait for.

    Args:
        rules: the names of the work, as `migrator.sql` gives them.
        unsure: the severity where the text alone does not tell, so that the worst is assumed.
    """
    for work in moment.works(*rules):
        message = _message(work)
        severity = None if work.certain else unsure
        if moment.by_itself and isinstance(moment.online, OnlineForm):
            yield Report(message, safer_text(moment, work), Severity.INFO, MADE_SAFE)
        else:
            yield Report(message, safer_text(moment, work), severity)


def _message(work: Work) -> str:
    table = work.relation.quoted() if work.relation else "a table"
    waits = "reads and writes" if work.mode.blocks_reads else "writes"
    doubt = "" if work.certain else " (the worst case: give --schema to let the present schema decide)"
    return f"{table} {_DOES[work.kind]} while {waits} of it wait: {work.why}{doubt}"


def safer_text(moment: Moment, work: Work) -> str:
    """Return the user's statement as migrator would run it, or the way around it where there is no such form."""
    answer = moment.online
    if isinstance(answer, OnlineForm):
        return revision_text(answer) if moment.options.runner is Runner.ALEMBIC else form_text(answer)
    if isinstance(answer, Refusal) and answer.rule == work.rule:
        return answer.safer
    return refuse(work, moment.tree, moment.schema).safer


def form_text(form: OnlineForm) -> str:
    """Return an online form as SQL with a remark on how each part has to be run."""
    remarks = {
        PartKind.BRIEF: "",
        PartKind.VALIDATE: "   -- in a transaction of its own",
        PartKind.CONCURRENT: "   -- outside a transaction",
    }
    return "\n".join(f"{statement};{remarks[part.kind]}" for part in form.parts for statement in part.statements)


def revision_text(form: OnlineForm) -> str:
    """Return an online form as the body of a revision that Alembic runs."""
    lines = []
    for part in form.parts:
        alone = part.kind is not PartKind.BRIEF
        lines += ["with op.get_context().autocommit_block():"] if alone else []
        lines += [f"{'    ' if alone else ''}op.execute({_literal(statement)})" for statement in part.statements]
    return "\n".join(lines)


def _literal(statement: str) -> str:
    plain = not {'"', "\\", "\n"} & set(statement)
    return f'"{statement}"' if plain else repr(statement)
