"""The server goes down without a warning; what it had not yet written is lost for the rows and the cursor alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import story
from tests.chaos.story import DONE, Stages
from tests.support.content import content_of
from tests.support.project import Project
from tests.support.servers import OwnServer, ServerMaker
from tests.support.victim import Victim

pytestmark = pytest.mark.chaos

UNAVAILABLE = 4


def test_a_run_goes_on_after_the_server_was_stopped_at_once(
    servers: ServerMaker, tmp_path: Path, undisturbed: Stages
) -> None:
    server = servers.server(fsync=True)
    story.fill(server.url)
    project = story.write(tmp_path, server.url)
    _crash(server, project, story.APPLY_EXPAND, event="statement", number=6)
    assert _content(server) == undisturbed.expanded
    _crash(server, project, story.BACKFILL, event="rows", number=20, again=False)
    _crash(server, project, story.BACKFILL, event="rows", number=50)
    assert Victim(project, *story.APPLY).wait() == story.AT_A_GATE
    assert _content(server) == undisturbed.filled
    assert Victim(project, *story.APPROVE).wait() == DONE
    _crash(server, project, story.APPLY, event="statement", number=3)
    assert _content(server) == undisturbed.contracted
    _crash(server, project, story.ROLL_BACK, event="rows", number=2)
    assert _content(server) == undisturbed.beginning


def _crash(
    server: OwnServer, project: Project, command: tuple[str, ...], *, event: str, number: int, again: bool = True
) -> None:
    """Stop the server at the `number`-th `event` of `command`, start it, and run the command again to its end."""
    victim = Victim(project, *command)
    assert victim.reaches(number, event), victim.printed
    server.kill_immediate()
    assert victim.wait() == UNAVAILABLE, victim.printed
    server.start()
    if again:
        after = Victim(project, *command)
        assert after.wait() == DONE, after.printed


def _content(server: OwnServer) -> object:
    with server.connect() as connection:
        return content_of(connection)
