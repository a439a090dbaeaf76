"""A connection that breaks at any moment, the first ones too, is told as that, and never as a bug."""

from __future__ import annotations

import pytest

from migrator.cli.main import main
from tests.support.project import Project
from tests.support.proxy import TcpProxy
from tests.support.sessions import wait_for_the_end


@pytest.mark.parametrize(
    ("command", "others"),
    [
        (["status"], {0}),
        (["plan", "sizes"], {0}),
        (["apply", "sizes"], {3}),
        (["doctor"], {0, 1}),
        (["upgrade", "head"], {0}),
    ],
)
def test_a_connection_that_breaks_is_told_as_that(
    command: list[str],
    others: set[int],
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project.folder)
    seen: set[int] = set()
    for after in (1, 800, 1600, 2400, 4800, 9600):
        with TcpProxy(project.url) as proxy:
            proxy.cut(after_bytes=after)
            monkeypatch.setenv("DATABASE_URL", proxy.url)
            seen.add(main(command))
        wait_for_the_end(project.url)  # or the next may find the lock of this one still held
        capsys.readouterr()
    assert 4 in seen
    assert seen <= {4, *others}
