"""Responsible for ``migrator check``: the gate that a CI job runs; not for any rule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation

FOUND = 1


@command(
    Group.ASK,
    5,
    examples=("migrator check --since origin/main --format github", "migrator check migration.sql --pg-version 15"),
    formats=("github", "gitlab", "junit", "sarif"),
)
def check(  # noqa: PLR0917 - Typer makes an option of each parameter
    invocation: Invocation,
    path: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="SQL files, revisions, plans, folders.", show_default=False),
    ] = None,
    plan: Annotated[str | None, typer.Option(metavar="PLAN", help="One plan and its revisions.")] = None,
    revisions: Annotated[str, typer.Option(metavar="A:B", help="The revisions after A, up to B.")] = "",
    since: Annotated[str, typer.Option(metavar="GIT_REF", help="What was added since, such as origin/main.")] = "",
    pg_version: Annotated[str | None, typer.Option(metavar="VERSION", help="The server's version, such as 15.")] = None,
    for_: Annotated[
        Literal["migrator", "alembic", "psql"] | None,
        typer.Option("--for", help="Who runs it. [default: psql for SQL files, migrator for revisions]"),
    ] = None,
    runner_sets_timeouts: Annotated[
        bool, typer.Option("--runner-sets-timeouts", help="The runner sets lock and statement timeouts.")
    ] = False,
    schema: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A dump (pg_dump -s) of the present schema.")
    ] = None,
    fail_on: Annotated[Literal["error", "warning"], typer.Option(help="What makes it return 1.")] = "error",
    baseline: Annotated[Path | None, typer.Option(metavar="FILE", help="Accept the findings written there.")] = None,
    write_baseline: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all findings there.")] = None,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="RULE", help="Also apply this rule.")] = None,
    without: Annotated[list[str] | None, typer.Option(metavar="RULE", help="Do not apply this rule.")] = None,
) -> int:
    """Find what would lose data, stall traffic, break running code or have no way back.

    Needs no database. Without PATH it checks every revision and plan of the project. Returns 1 if there is an error.
    `migrator explain RULE` tells the whole story of a finding.
    """
    settings = invocation.settings()
    from migrator.check.baseline import write_baseline as write  # noqa: PLC0415 - `--help` needs no SQL
    from migrator.cli.checking import options_for, plan_path  # noqa: PLC0415 - as above
    from migrator.engine.check import judge  # noqa: PLC0415 - as above
    from migrator.engine.check_files import Request  # noqa: PLC0415 - as above
    from migrator.view import check as view  # noqa: PLC0415 - as above

    files, recorded = options_for(
        pg_version or settings.pg_version, for_, timeouts=runner_sets_timeouts, wanted=with_, unwanted=without
    )
    request = Request(
        files,
        recorded,
        paths=tuple(path or ()),
        plan=plan_path(plan, settings),
        between=revisions,
        since=since,
        schemas=tuple(schema or ()),
        baseline=baseline,
    )
    report = judge(settings, request, settings.allow)
    invocation.answer(view, report)
    if write_baseline is not None:
        write(write_baseline, report.findings)
        return 0
    return FOUND if report.fails(on_warning=fail_on == "warning") else 0
