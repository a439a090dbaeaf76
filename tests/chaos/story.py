"""The plan that the chaos tests carry out, and what a database looks like after each of its stages, undisturbed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.content import Content, content_of
from tests.support.project import Project
from tests.support.victim import Victim

ROWS, CHUNK = 30_000, 250
NAME = "labels"

SCHEMA = f"""
CREATE TABLE owners (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO owners SELECT n, 'owner ' || n FROM generate_series(1, 50) n;
CREATE TABLE items (
    id bigint PRIMARY KEY, owner_id bigint NOT NULL, amount integer, labels_text text NOT NULL,
    code text NOT NULL
);
INSERT INTO items
SELECT n * 3, n % 50 + 1, CASE WHEN n % 7 > 0 THEN n % 1000 END,
       CASE WHEN n % 11 = 0 THEN '' ELSE 'a' || n || ',b,,"ü' || n % 5 END, 'code-' || n
FROM generate_series(1, {ROWS}) n;
CREATE TABLE log (what text);
VACUUM ANALYZE items;
"""

# An INSERT among the statements: repeating it would show.
EXPAND = [
    "ALTER TABLE items ADD COLUMN labels text[]",
    "ALTER TABLE items ADD COLUMN writes integer NOT NULL DEFAULT 0",
    "INSERT INTO log VALUES ('expanded')",
    "CREATE INDEX items_amount ON items (amount)",
    "ALTER TABLE items ADD CONSTRAINT items_owner FOREIGN KEY (owner_id) REFERENCES owners",
    "CREATE TABLE label_colours (label text PRIMARY KEY, colour text)",
    "ALTER TABLE items ADD CONSTRAINT items_amount_positive CHECK (amount >= 0)",
    "INSERT INTO label_colours VALUES ('b', 'blue')",
    "ALTER TABLE items ADD CONSTRAINT items_code UNIQUE (code)",
]
EXPAND_UNDONE = [
    "ALTER TABLE items DROP CONSTRAINT items_code",
    "ALTER TABLE items DROP CONSTRAINT items_amount_positive",
    "DROP TABLE label_colours",
    "ALTER TABLE items DROP CONSTRAINT items_owner",
    "DROP INDEX items_amount",
    "DELETE FROM log",
    "ALTER TABLE items DROP COLUMN writes",
    "ALTER TABLE items DROP COLUMN labels",
]
REQUIRED = [
    "ALTER TABLE items ALTER COLUMN labels SET NOT NULL",
    "CREATE INDEX items_labels ON items USING gin (labels)",
    "ALTER TABLE items ALTER COLUMN labels_text DROP NOT NULL",
]
REQUIRED_UNDONE = [
    "ALTER TABLE items ALTER COLUMN labels_text SET NOT NULL",
    "DROP INDEX items_labels",
    "ALTER TABLE items ALTER COLUMN labels DROP NOT NULL",
]
CONTRACT = ["INSERT INTO log VALUES ('contracted')", "ALTER TABLE items DROP COLUMN labels_text"]
CONTRACT_UNDONE = ["DELETE FROM log WHERE what = 'contracted'", "ALTER TABLE items ADD COLUMN labels_text text"]

# Without a `where`, and with a set that counts: a chunk done twice would show in its rows.
PLAN = f"""
expand:
  - revision: e0
  - dual_write:
      table: items
      forward: {{labels: "string_to_array(labels_text, ',')"}}
      backward: {{labels_text: "array_to_string(labels, ',')"}}
migrate:
  - backfill:
      table: items
      set: {{labels: "string_to_array(labels_text, ',')", writes: writes + 1}}
      chunk_rows: {CHUNK}
      fixed: true
  - verify:
      table: items
      none: labels IS DISTINCT FROM string_to_array(labels_text, ',') OR writes <> 1
  - gate: the application reads labels
contract:
  - revision: c0
  - revision: c1
    irreversible: labels_text can be rebuilt from labels
"""

APPLY_EXPAND = ("apply", NAME, "--to", "expand")
APPLY_MIGRATE = ("apply", NAME, "--to", "migrate")
APPROVE = ("approve", NAME)
BACKFILL = ("backfill", NAME)
APPLY = ("apply", NAME)
ROLL_BACK = ("rollback", NAME, "--yes")

DONE, AT_A_GATE = 0, 3


@dataclass(frozen=True, slots=True)
class Stages:
    """What the database holds when the story begins and after each of its stages."""

    beginning: Content
    expanded: Content
    filled: Content
    contracted: Content


def write(folder: Path, url: str) -> Project:
    """Write the project of the story into `folder`."""
    project = Project(folder, url)
    project.sql_revision("e0", EXPAND, EXPAND_UNDONE)
    project.sql_revision("c0", REQUIRED, REQUIRED_UNDONE)
    project.sql_revision("c1", CONTRACT, CONTRACT_UNDONE)
    project.plan(NAME, PLAN)
    return project


def fill(url: str) -> None:
    """Make the tables that the story begins with."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                connection.execute(statement)


def undisturbed(project: Project, connection: psycopg.Connection) -> Stages:
    """Carry out the whole story, and its rollback, and return what was there on the way."""
    contents = [content_of(connection)]
    for command, code in ((APPLY_EXPAND, DONE), (APPLY, AT_A_GATE), (APPROVE, DONE), (APPLY, DONE), (ROLL_BACK, DONE)):
        victim = Victim(project, *command)
        assert victim.wait() == code, victim.printed
        contents.append(content_of(connection))
    beginning, expanded, filled, _approved, contracted, rolled_back = contents
    assert rolled_back == beginning
    return Stages(beginning, expanded, filled, contracted)
