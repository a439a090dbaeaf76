"""Responsible for ``migrator approve``: a person says that what a gate asks for is true."""

from __future__ import annotations

import getpass
import os
import socket
from typing import Annotated

import typer

from migrator.cli.command import Group, command
from migrator.cli.invocation import Invocation
from migrator.cli.options import PlanArgument
from migrator.view import approval


def _whoever_types() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user number without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


@command(
    Group.RUN,
    4,
    examples=("migrator approve product-tags", 'migrator approve product-tags --note "release 42 is live"'),
)
def approve(
    invocation: Invocation,
    plan: PlanArgument,
    by: Annotated[str | None, typer.Option(help="Who approves. Default: user@host.", show_default=False)] = None,
    note: Annotated[str, typer.Option(help="Why, for the ledger.", show_default=False)] = "",
) -> int:
    """Approve the gate that PLAN waits at.

    Only the next gate is approved; where all were approved before, nothing is to do. Who, when and the note are kept
    in the ledger; `migrator history` shows them.
    """
    person = by or _whoever_types()
    with invocation.on_plan(plan) as (target, loaded):
        from migrator.engine import approvals  # noqa: PLC0415 - takes over a second to import

        gates = approvals.approve(target, loaded, by=person, note=note)
    invocation.answer(approval, approval.Approval(loaded.plan, tuple(gates), person, note))
    return 0
