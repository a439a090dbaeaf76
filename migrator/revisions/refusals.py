"""The errors for statements that are not run, with the safe way in the user's own names."""

from __future__ import annotations

from migrator.revisions.errors import StatementRefusedError
from migrator.sql.classify import classify
from migrator.sql.online.form import Refusal
from migrator.sql.statement import Statement, parse


def refuse_elsewhere(statement: str, *, pyformat: bool) -> None:
    """Refuse a statement over another connection than the revision's own, unless it only reads.

    Raises:
        StatementRefusedError
    """
    for one in parse(statement, pyformat=pyformat):
        effect = classify(one)
        if not (effect.reads_only or effect.transaction_control or effect.changes_settings):
            raise StatementRefusedError(
                "the revision sends this over a second connection, outside its own transaction",
                notes=[
                    f"statement: {_brief(one)}",
                    "nothing of it was run: it could neither be resumed nor taken back",
                ],
                help="send it through op.get_bind(), or say why not: # migrator: plain because REASON",
            )


def refused(statement: Statement, refusal: Refusal) -> StatementRefusedError:
    """Return the error for a statement that has no online form, with the safe way in the user's own names."""
    return StatementRefusedError(
        f"{refusal.rule}: {refusal.reason}",
        notes=[f"statement: {_brief(statement)}", "nothing of it was run", *refusal.safer.splitlines()],
        help="change the revision as shown, or run it where nobody is held up",
    )


def _brief(statement: Statement) -> str:
    return " ".join(statement.text.split())[:300]
