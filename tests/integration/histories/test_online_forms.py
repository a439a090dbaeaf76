"""Every online form, up and down on tables with rows, leaves the schema that Alembic alone leaves: pg_dump compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.revisions.errors import StatementRefusedError
from tests.integration.histories.conftest import Move
from tests.integration.histories.twin import Twin
from tests.support.databases import Databases
from tests.support.project import Project
from tests.support.servers import ServerMaker
from tests.support.versions import RELEASES, binaries_of

START = """
CREATE TABLE ref (id int PRIMARY KEY, code text);
CREATE TABLE t (id int, a int, b varchar(20), c int NOT NULL DEFAULT 0, "Odd Name" text, d timestamp);
CREATE INDEX t_b ON t (b);
CREATE TABLE part (d int NOT NULL, x int, fk int) PARTITION BY RANGE (d);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (d);
CREATE TABLE part21 PARTITION OF part2 FOR VALUES FROM (10) TO (30);
CREATE TABLE inh (a int);
CREATE TABLE inh_child () INHERITS (inh);
CREATE MATERIALIZED VIEW seen AS SELECT 1 AS one;
CREATE UNIQUE INDEX seen_one ON seen (one);
INSERT INTO ref SELECT g, g FROM generate_series(1, 50) g;
INSERT INTO t SELECT g, g, g, g, g, '2026-05-01' FROM generate_series(1, 50) g;
INSERT INTO part SELECT g, g, 1 + g FROM generate_series(0, 29) g;
INSERT INTO inh VALUES (1);
INSERT INTO inh_child VALUES (2)
"""

FORMS = [
    ("CREATE INDEX ON t (a, b)", "DROP INDEX t_a_b_idx"),
    ('CREATE UNIQUE INDEX "My Index" ON t (b text_pattern_ops DESC) INCLUDE (a) WHERE a > 0', 'DROP INDEX "My Index"'),
    ("CREATE INDEX ON t (lower(b), (a + c))", "DROP INDEX IF EXISTS t_lower_expr_idx"),
    ("DROP INDEX t_b", "CREATE INDEX t_b ON t (b)"),
    ("REINDEX TABLE t", "REINDEX INDEX t_b"),
    ("CREATE INDEX on_part ON part (x)", "DROP INDEX on_part"),
    ("ALTER TABLE t ADD CHECK (a > 0)", "ALTER TABLE t DROP CONSTRAINT t_a_check"),
    ("ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0) NO INHERIT", "ALTER TABLE t DROP CONSTRAINT positive"),
    ("ALTER TABLE inh ADD CHECK (a > 0)", "ALTER TABLE inh DROP CONSTRAINT inh_a_check"),
    ("ALTER TABLE part ADD CHECK (d >= 0)", "ALTER TABLE part DROP CONSTRAINT part_d_check"),
    ("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES ref", "ALTER TABLE t DROP CONSTRAINT t_a_fkey"),
    (
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES ref ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
        "ALTER TABLE t DROP CONSTRAINT f",
    ),
    ("ALTER TABLE part ADD FOREIGN KEY (fk) REFERENCES ref", "ALTER TABLE part DROP CONSTRAINT part_fk_fkey"),
    ("ALTER TABLE t ADD UNIQUE (a, b)", "ALTER TABLE t DROP CONSTRAINT t_a_b_key"),
    ("ALTER TABLE t ADD CONSTRAINT u UNIQUE (a) INCLUDE (b) DEFERRABLE", "ALTER TABLE t DROP CONSTRAINT u"),
    ("ALTER TABLE part ADD UNIQUE (d, x)", "ALTER TABLE part DROP CONSTRAINT part_d_x_key"),
    ("ALTER TABLE t ADD PRIMARY KEY (id)", "ALTER TABLE t DROP CONSTRAINT t_pkey"),
    ('ALTER TABLE t ADD CONSTRAINT "The Key" PRIMARY KEY (id, a)', 'ALTER TABLE t DROP CONSTRAINT "The Key"'),
    ("ALTER TABLE part ADD PRIMARY KEY (d)", "ALTER TABLE part DROP CONSTRAINT part_pkey"),
    ("ALTER TABLE t ALTER a SET NOT NULL", "ALTER TABLE t ALTER a DROP NOT NULL"),
    ('ALTER TABLE t ALTER "Odd Name" SET NOT NULL', 'ALTER TABLE t ALTER "Odd Name" DROP NOT NULL'),
    ("ALTER TABLE part ALTER x SET NOT NULL", "ALTER TABLE part ALTER x DROP NOT NULL"),
    ("ALTER TABLE inh ALTER a SET NOT NULL", "ALTER TABLE inh ALTER a DROP NOT NULL"),
    ("ALTER TABLE t ADD z int NOT NULL DEFAULT 0 CHECK (z >= 0)", "ALTER TABLE t DROP z"),
    ("ALTER TABLE t ADD z int CONSTRAINT zr REFERENCES ref CONSTRAINT zu UNIQUE, ADD y text", "ALTER TABLE t DROP z"),
    ("ALTER TABLE t ALTER a SET NOT NULL, ADD CHECK (a > 0), ADD UNIQUE (a), DROP c", "ALTER TABLE t DROP b"),
    ("ALTER TABLE t ALTER b TYPE varchar(40), ALTER b SET DEFAULT 'q'", "ALTER TABLE t ALTER b DROP DEFAULT"),
    ("ALTER TABLE t ALTER b TYPE text", "COMMENT ON COLUMN t.b IS 'longer'"),
    ("ALTER TABLE t ADD z timestamptz DEFAULT current_date", "ALTER TABLE t RENAME z TO y"),
    ("ALTER TABLE part DETACH PARTITION part1", "CREATE TABLE part3 PARTITION OF part FOR VALUES FROM (90) TO (99)"),
    ("ALTER TABLE part DETACH PARTITION part2", "DROP TABLE part2"),
    ("REFRESH MATERIALIZED VIEW seen", "DROP MATERIALIZED VIEW seen"),
    ("CREATE TABLE n (LIKE t); CREATE INDEX ON n (a); ALTER TABLE n ADD UNIQUE (a)", "DROP TABLE n"),
]

REFUSED = [
    ("ALTER TABLE t ALTER id TYPE bigint", "change-column-type"),
    ("ALTER TABLE t ALTER b TYPE varchar(10)", "change-column-type"),
    ("ALTER TABLE t ADD z uuid DEFAULT gen_random_uuid()", "add-column-volatile-default"),
    ("ALTER TABLE t ADD z int GENERATED ALWAYS AS (a + 1) STORED", "generated"),
    ("ALTER TABLE t ADD z serial", "add-serial-column"),
    ("ALTER TABLE t ADD EXCLUDE USING btree (a WITH =)", "add-exclusion-constraint"),
    ("CLUSTER t USING t_b", "cluster"),
    ("VACUUM FULL t", "vacuum"),
]


@pytest.mark.parametrize(("up", "down"), FORMS, ids=[form[0] for form in FORMS])
def test_an_online_form_and_its_way_back_come_to_the_same(up: str, down: str, twin: Twin) -> None:
    _there_and_back(twin, up, down)


@pytest.mark.parametrize(("statement", "rule"), REFUSED, ids=[refused[0] for refused in REFUSED])
def test_what_has_no_online_form_is_refused_and_changes_nothing(
    statement: str, rule: str, twin: Twin, upgrade: Move
) -> None:
    twin.project.sql_revision("start", [START], [])
    twin.upgrade("head")
    twin.project.sql_revision("change", [statement], [])
    with pytest.raises(StatementRefusedError, match=rule) as refused:
        upgrade(twin.project)
    assert len(refused.value.notes) > 2
    twin.compare()


@pytest.mark.matrix
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", [version for version in RELEASES if version != max(RELEASES)])
def test_every_online_form_comes_to_the_same_on_every_version(
    version: int, session_base: Path, tmp_path: Path, moves: dict[str, Move]
) -> None:
    maker = ServerMaker(session_base, binaries_of(version))
    try:
        databases = Databases(maker.server().url, "forms")
        for number, (up, down) in enumerate(FORMS):
            folder = tmp_path / str(number)
            folder.mkdir()
            online, plain = databases.create(), databases.create()
            _there_and_back(Twin(Project(folder, online.url), online, plain, maker.binaries, moves), up, down)
            databases.drop(online)
            databases.drop(plain)
        databases.close()
    finally:
        maker.close()


def _there_and_back(twin: Twin, up: str, down: str) -> None:
    twin.project.sql_revision("start", [START], [])
    twin.project.sql_revision("change", [up], [down])
    twin.upgrade("head")
    twin.downgrade("start")
