"""A revision that loses data is refused unless the plan says that this is meant, whenever that shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.engine import plan_report
from migrator.engine.losses import DataLossError
from tests.support.databases import Database
from tests.support.project import Project

PLAN = """\
expand:
  - revision: "1111"
"""


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    with database.connect() as connection:
        connection.execute("CREATE TABLE t (id bigint PRIMARY KEY, a int)")
    return Project(tmp_path, database.url)


def columns(database: Database) -> set[str]:
    with database.connect() as connection:
        rows = connection.execute("SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0")
        return {row[0] for row in rows}


def test_a_loss_that_cannot_be_foreseen_is_refused_when_it_would_happen(database: Database, project: Project) -> None:
    # What the revision reads back is not there before it runs, so it cannot be followed to the DROP beforehand.
    project.revision(
        "1111",
        """\
        op.execute("CREATE TABLE notes (a int)")
        op.get_bind().execute(sa.text("SELECT count(*) FROM notes")).scalar_one()
        op.execute("ALTER TABLE t DROP COLUMN a")
        """,
        'op.execute("DROP TABLE notes")',
    )
    with pytest.raises(DataLossError, match=r"column t\.a"):
        project.apply(project.plan("loss", PLAN))
    assert columns(database) == {"id", "a"}


def test_a_table_that_the_revision_made_itself_may_go_again(database: Database, project: Project) -> None:
    project.sql_revision("1111", ["CREATE TABLE scratch (a int)", "DROP TABLE scratch"], ["SELECT 1"])
    assert project.apply(project.plan("loss", PLAN)) == "complete"


def test_a_constraint_that_is_called_like_the_column_does_not_make_it_the_revisions_own(
    database: Database, project: Project
) -> None:
    change = ["ALTER TABLE t ADD CONSTRAINT a CHECK (id > 0) NOT VALID", "ALTER TABLE t DROP COLUMN a"]
    project.sql_revision("1111", change, ["ALTER TABLE t ADD COLUMN a int", "ALTER TABLE t DROP CONSTRAINT a"])
    with pytest.raises(DataLossError, match=r"column t\.a"):
        project.apply(project.plan("loss", PLAN))
    assert columns(database) == {"id", "a"}


@pytest.mark.parametrize("read", ["", "op.get_bind().execute(sa.text('SELECT count(*) FROM notes')).scalar_one()"])
def test_a_comment_beside_the_statement_accepts_it_as_it_does_for_the_gate(
    database: Database, project: Project, read: str
) -> None:
    change = f'op.execute("CREATE TABLE notes (a int)")\n{read}\n{{}}op.execute("ALTER TABLE t DROP COLUMN a")'
    remark = "# migrator: allow {} because nobody reads it\n"
    back = 'op.execute("DROP TABLE notes")'
    project.revision("1111", change.format(remark.format("truncate")), back)
    plan = project.plan("loss", PLAN)
    with pytest.raises(DataLossError):
        project.apply(plan)
    assert columns(database) == {"id", "a"}
    project.rewrite("1111", None, change.format(remark.format("drop-column")), back)

    assert project.apply(plan) == "complete"
    assert "a" not in columns(database)


def test_a_comment_accepts_that_there_is_no_way_back(project: Project) -> None:
    change = '# migrator: allow missing-downgrade because it is the first\nop.execute("CREATE TABLE notes (a int)")'
    project.revision("1111", change, "pass")

    assert project.apply(project.plan("loss", PLAN)) == "complete"


KEPT = """\
expand:
  - revision: "1111"
contract:
  - revision: "2222"
    archive: [{archive}]
"""


@pytest.mark.parametrize(
    ("statement", "archive", "advice"),
    [
        ("ALTER TABLE t DROP COLUMN a", "t.a", None),
        ("ALTER TABLE t DROP COLUMN a", "public.t.a", None),
        ("DROP TABLE t", "t", None),
        ("ALTER TABLE t DROP COLUMN a", "t", "cannot be undone: it loses column t.a; archive: [t.a] would keep it"),
        ("TRUNCATE t", "t", "cannot be undone: it loses all rows of t"),
    ],
)
def test_a_loss_that_the_step_archives_needs_no_reason_and_any_other_is_refused(
    database: Database, project: Project, statement: str, archive: str, advice: str | None
) -> None:
    project.sql_revision("1111", ["ALTER TABLE t ADD COLUMN b int"], ["ALTER TABLE t DROP COLUMN b"])
    project.sql_revision("2222", [statement], ["SELECT 1"])
    plan = project.plan("loss", KEPT.format(archive=archive))
    with project.target("plan") as target:
        step = plan_report.report(target, plan).steps[-1]
    assert step.reversible is (advice is None)
    assert any(note.startswith(advice) for note in step.notes) if advice else "until migrator purge" in step.notes[0]
    if advice:
        with pytest.raises(DataLossError, match=r"revision 2222 loses"):
            project.apply(plan)
        assert columns(database) == {"id", "a"}
    else:
        assert project.apply(plan) == "complete"
