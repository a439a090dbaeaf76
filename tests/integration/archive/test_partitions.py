"""A partitioned table that contract drops comes back with its partitions, and all that hung on them."""

from __future__ import annotations

from pathlib import Path

from migrator.engine import purge
from migrator.engine.undoing import undoing
from migrator.postgres.server.binaries import Binaries
from tests.integration.archive.conftest import dump, prepared
from tests.support.databases import Database

MORE = """
CREATE SCHEMA parts;
CREATE TABLE events (id bigint, at date NOT NULL, code varchar(20) DEFAULT 'a' REFERENCES other, number serial,
    PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY RANGE (id);
CREATE TABLE events_1_a PARTITION OF events_1 FOR VALUES FROM (MINVALUE) TO (12);
CREATE TABLE parts."Events b" PARTITION OF events_1 (CONSTRAINT small CHECK (id < 9000))
    FOR VALUES FROM (12) TO (MAXVALUE);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_by_code ON events (code);
CREATE INDEX only_here ON events_rest (number) WHERE number > 3;
ALTER TABLE events_rest ADD CONSTRAINT to_t FOREIGN KEY (id) REFERENCES t;
CREATE VIEW rest AS SELECT id FROM events_rest;
CREATE VIEW all_events AS SELECT e.id, r.id AS other FROM events e LEFT JOIN rest r USING (id);
CREATE TRIGGER on_event BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION touched();
GRANT SELECT ON events, events_rest, rest TO pg_monitor;
COMMENT ON TABLE events_1_a IS 'a';
CREATE TABLE tickets (id bigint PRIMARY KEY, event bigint, at date, FOREIGN KEY (event, at) REFERENCES events);
INSERT INTO events SELECT g, date '2025-12-01' + g, 'b' FROM generate_series(1, 200) g;
INSERT INTO tickets SELECT 1, id, at FROM events WHERE id = 7;
"""
BACK = [
    "CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
    "CREATE TABLE events_rest PARTITION OF events DEFAULT",
]
READ = "SELECT tableoid::regclass::text, * FROM events ORDER BY id"


def test_it_comes_back_with_its_partitions(database: Database, tmp_path: Path, binaries: Binaries) -> None:
    project, plan = prepared(database, tmp_path, ["DROP TABLE events CASCADE"], BACK, "events", more=MORE)
    connection = database.connect()
    before, content = dump(database, binaries), connection.execute(READ).fetchall()
    assert project.apply(plan) == "complete"
    names = "SELECT to_regclass('events'), to_regclass('events_1_a'), to_regclass('rest')"
    assert connection.execute(names).fetchone() == (None, None, None)
    with project.target() as target:
        (archive,) = purge.archives(target, None, 0)
        assert (archive.what, archive.size > 8192) == ("table events", True)
        stakes = [stake for step in undoing(target, plan, "start").steps for stake in step.stakes]
        assert any(one.startswith("table events comes back from its archive: 200 rows") for one in stakes), stakes
    project.rollback(plan, to="migrate")
    assert dump(database, binaries) == before
    assert connection.execute(READ).fetchall() == content
    connection.execute("INSERT INTO events VALUES (300, '2025-06-01', 'b')")
    assert project.apply(plan) == "complete"
    project.rollback(plan, to="migrate")
    assert len(connection.execute(READ).fetchall()) == 201
    assert project.apply(plan) == "complete"
    assert project.run("purge", "--older-than", "0s", "--yes").returncode == 0
    assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'migrator_archive'").fetchone() == (0,)
