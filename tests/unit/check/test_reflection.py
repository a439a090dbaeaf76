"""Revisions that ask the database about its schema are answered from what the history has made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, ENUM, JSONB, TIMESTAMP
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.pool import NullPool

from migrator.check.finding import Place, Severity
from migrator.check.options import Runner
from migrator.check.source import Piece
from migrator.revisions.recording_dialect import RecordingConnection, register
from migrator.sql.statement import parse
from tests.support.revisions import reasons

INSPECT = "insp = sa.inspect(op.get_bind())\n"
HAS_LEGACY = 'if "legacy" in [c["name"] for c in insp.get_columns("customers")]:\n'
UNSEEN = "unseen-statements"


def rules(folder: Path, upgrade: str, downgrade: str = "pass\n", earlier: str | None = None) -> set[str]:
    """Return the rules that keep the gate shut after the base of the corpus."""
    before = {"earlier": earlier} if earlier else {}
    found = reasons(folder, {"upgrade": upgrade, "downgrade": downgrade, **before}, Runner.MIGRATOR)
    return {one.rule for one in found}


HIDDEN = {
    "a column that is there": INSPECT + HAS_LEGACY + '    op.drop_column("customers", "legacy")\n',
    "a column of the same revision": (
        'op.add_column("customers", sa.Column("a", sa.Text))\n'
        + INSPECT
        + 'if any(c["name"] == "a" for c in insp.get_columns("customers")):\n'
        + '    op.drop_column("customers", "legacy")\n'
    ),
    "a table": INSPECT + 'if insp.has_table("customers"):\n    op.drop_column("customers", "legacy")\n',
    "a table with its schema": (
        INSPECT + 'if insp.has_table("customers", schema="public"):\n    op.drop_column("customers", "legacy")\n'
    ),
    "a table by the dialect": (
        "bind = op.get_bind()\n"
        'if bind.dialect.has_table(bind, "customers"):\n    op.drop_column("customers", "legacy")\n'
    ),
    "a table by an engine": (
        'if sa.inspect(op.get_bind().engine).has_table("customers"):\n    op.drop_column("customers", "legacy")\n'
    ),
    "a table in the list": (
        INSPECT + 'if "customers" in insp.get_table_names():\n    op.drop_column("customers", "legacy")\n'
    ),
    "an index": (
        INSPECT + 'if insp.has_index("orders", "ix_orders_ref"):\n    op.drop_column("customers", "legacy")\n'
    ),
    "an index in the list": (
        INSPECT + 'if any(i["name"] == "ix_orders_ref" for i in insp.get_indexes("orders")):\n'
        '    op.drop_column("customers", "legacy")\n'
    ),
    "an enum": INSPECT + 'if insp.has_type("mood"):\n    op.drop_column("customers", "legacy")\n',
    "a view": INSPECT + 'if "open_orders" in insp.get_view_names():\n    op.drop_column("customers", "legacy")\n',
    "a type": (
        INSPECT + 'email = next(c for c in insp.get_columns("customers") if c["name"] == "email")\n'
        'if isinstance(email["type"], sa.String) and email["type"].length == 80:\n'
        '    op.drop_column("customers", "legacy")\n'
    ),
}


@pytest.mark.parametrize("upgrade", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_is_sent_where_the_schema_has_something_is_judged(upgrade: str, tmp_path: Path) -> None:
    found = rules(tmp_path, upgrade, 'op.add_column("customers", sa.Column("legacy", sa.Text, server_default="x"))\n')

    assert "drop-column" in found
    assert UNSEEN not in found


def test_a_table_that_is_loaded_from_the_database_has_its_columns(tmp_path: Path) -> None:
    upgrade = (
        'orders = sa.Table("orders", sa.MetaData(), autoload_with=op.get_bind())\n'
        'op.execute(orders.update().values({orders.c.status: "new"}))\n'
    )

    found = rules(tmp_path, upgrade)

    assert "unbatched-change" in found
    assert UNSEEN not in found


QUIET = {
    "a column is added where it is missing": (
        INSPECT + 'if "a" not in [c["name"] for c in insp.get_columns("customers")]:\n'
        '    op.add_column("customers", sa.Column("a", sa.Text))\n',
        INSPECT + 'if "a" in {c["name"] for c in insp.get_columns("customers")}:\n'
        '    op.drop_column("customers", "a")\n',
    ),
    "an enum is created where it is missing": (
        'sa.Enum("a", "b", name="flavour").create(op.get_bind(), checkfirst=True)\n',
        'sa.Enum(name="flavour").drop(op.get_bind(), checkfirst=True)\n',
    ),
    "a table is created where it is missing": (
        INSPECT + 'if not insp.has_table("t"):\n    op.create_table("t", sa.Column("id", sa.Integer))\n',
        INSPECT + 'if insp.has_table("t"):\n    op.drop_table("t")\n',
    ),
    "a table is created where it is not in the list": (
        INSPECT + 'if "t" not in insp.get_table_names():\n    op.create_table("t", sa.Column("id", sa.Integer))\n',
        INSPECT + 'if "t" in insp.get_table_names():\n    op.drop_table("t")\n',
    ),
    "all of some metadata is created": (
        'm = sa.MetaData()\nsa.Table("t", m, sa.Column("k", sa.Enum("a", name="kind")))\nm.create_all(op.get_bind())\n',
        'op.drop_table("t")\nop.execute("DROP TYPE kind")\n',
    ),
    "a table is created where it is not in the set, an enum likewise": (
        INSPECT + 'if "t" not in set(insp.get_table_names()):\n    op.create_table("t", sa.Column("id", sa.Integer))\n'
        'if "k" not in [e["name"] for e in insp.get_enums()]:\n    op.execute("CREATE TYPE k AS ENUM (\'a\')")\n',
        INSPECT + 'if "t" in set(insp.get_table_names()):\n    op.drop_table("t")\n'
        'if "k" in [e["name"] for e in insp.get_enums()]:\n    op.execute("DROP TYPE k")\n',
    ),
    "an index is created where it is missing": (
        INSPECT + 'if "ix_e" not in {i["name"] for i in insp.get_indexes("customers")}:\n'
        '    op.create_index("ix_e", "customers", ["email"])\n',
        INSPECT + 'if insp.has_index("customers", "ix_e"):\n    op.drop_index("ix_e", "customers")\n',
    ),
    "an index is created where it is missing, on a table that nobody created": (
        INSPECT + 'if not insp.has_index("ghosts", "ix"):\n    op.create_index("ix", "ghosts", ["a"])\n',
        'op.drop_index("ix", "ghosts")\n',
    ),
    "a sequence and a schema are created where they are missing": (
        INSPECT + 'if not insp.has_sequence("s"):\n    op.execute("CREATE SEQUENCE s")\n'
        'if not insp.has_schema("audit"):\n    op.execute("CREATE SCHEMA audit")\n',
        INSPECT + 'if insp.has_sequence("s"):\n    op.execute("DROP SEQUENCE s")\n'
        'if "audit" in insp.get_schema_names():\n    op.execute("DROP SCHEMA audit")\n',
    ),
}


@pytest.mark.parametrize(("upgrade", "downgrade"), QUIET.values(), ids=QUIET.keys())
def test_what_is_made_where_it_is_missing_is_followed(upgrade: str, downgrade: str, tmp_path: Path) -> None:
    assert rules(tmp_path, upgrade, downgrade) == set()


UNTOLD = {
    "a table nobody created": INSPECT + 'if insp.has_table("ghosts"):\n    op.drop_column("customers", "legacy")\n',
    "its columns": (
        INSPECT + 'try:\n    insp.get_columns("ghosts")\nexcept sa.exc.NoSuchTableError:\n    pass\n'
        "else:\n    op.drop_table('ghosts')\n"
    ),
    "a table nobody created, in the list": (
        INSPECT + 'if "ghosts" in insp.get_table_names():\n    op.drop_table("ghosts")\n'
    ),
    "a table that is not known whole": (
        'op.execute("CREATE TABLE copies AS SELECT id FROM orders")\n'
        + INSPECT
        + 'try:\n    insp.get_columns("copies")\nexcept sa.exc.NoSuchTableError:\n    pass\n'
    ),
    "all tables, beside some that nobody created": (
        'op.execute("ALTER TABLE ghosts ADD COLUMN a int")\n'
        + INSPECT
        + 'for name in insp.get_table_names():\n    op.execute(f"ALTER TABLE {name} ADD COLUMN z int")\n'
    ),
    "a table of another schema": INSPECT + 'insp.has_table("customers", schema="audit")\n',
    "a table that is there and another that is not": (
        INSPECT + 'insp.has_table("customers")\nif not insp.has_table("ghosts"):\n    pass\n'
    ),
    "a table that is dropped if it is there": (
        INSPECT + 'if insp.has_table("ghosts"):\n    op.drop_column("customers", "legacy")\n'
        'op.execute("DROP TABLE IF EXISTS ghosts")\n'
    ),
}


@pytest.mark.parametrize("upgrade", UNTOLD.values(), ids=UNTOLD.keys())
def test_what_the_history_does_not_tell_remains_unseen(upgrade: str, tmp_path: Path) -> None:
    assert UNSEEN in rules(tmp_path, upgrade)


def test_a_question_in_the_downgrade_that_nothing_tells_remains_unseen(tmp_path: Path) -> None:
    add = 'op.add_column("customers", sa.Column("a", sa.Text))\n'
    ask = INSPECT + 'insp.has_table("ghosts")\nop.drop_column("customers", "a")\n'

    assert UNSEEN in rules(tmp_path, add, ask)


def test_a_table_of_an_earlier_revision_is_there_and_one_it_dropped_is_not(tmp_path: Path) -> None:
    earlier = 'op.create_table("t", sa.Column("id", sa.Integer))\nop.drop_table("sessions")\n'
    upgrade = (
        INSPECT + 'if insp.has_table("t") and not insp.has_table("sessions"):\n'
        '    op.drop_column("customers", "legacy")\n'
    )

    found = rules(tmp_path, upgrade, earlier=earlier)

    assert "drop-column" in found
    assert UNSEEN not in found


def test_a_downgrade_does_not_change_what_later_revisions_see(tmp_path: Path) -> None:
    """The downgrade of the base drops every table."""
    earlier = INSPECT + 'assert insp.has_table("customers")\nop.create_table("t", sa.Column("id", sa.Integer))\n'
    upgrade = INSPECT + 'assert insp.has_table("t")\nif insp.has_table("orders"):\n    op.drop_table("orders")\n'

    found = rules(tmp_path, upgrade, INSPECT + 'assert not insp.has_table("orders")\n', earlier)

    assert "drop-table" in found
    assert UNSEEN not in found


def test_a_renamed_table_is_known_by_its_new_name(tmp_path: Path) -> None:
    earlier = (
        'op.rename_table("customers", "clients")\nop.alter_column("clients", "legacy", new_column_name="old")\n'
        'op.execute("ALTER TYPE mood RENAME TO moods")\n'
    )
    upgrade = (
        INSPECT + 'names = [c["name"] for c in insp.get_columns("clients")]\n'
        'key = insp.get_foreign_keys("orders")[0]["referred_table"]\n'
        'if "old" in names and key == "clients" and insp.has_type("moods") and not insp.has_type("mood"):\n'
        '    op.drop_column("clients", "old")\n'
    )

    found = rules(tmp_path, upgrade, earlier=earlier)

    assert "drop-column" in found
    assert UNSEEN not in found


HISTORY = """
CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE DOMAIN plate AS text CHECK (VALUE <> '');
CREATE TABLE shops (id serial PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'Corner');
CREATE TABLE t (
    a int, b bigint NOT NULL, c numeric(10, 2), d timestamptz(3) DEFAULT now(), e text[], f mood, g jsonb,
    h char(2), i boolean, j double precision, k nothing_known, shop int, l plate,
    CONSTRAINT pk_t PRIMARY KEY (a, b), CONSTRAINT uq_t UNIQUE (c), CONSTRAINT ck_t CHECK (a > 0),
    CONSTRAINT fk_t FOREIGN KEY (shop) REFERENCES shops ON DELETE CASCADE
);
CREATE INDEX ix_t ON t (a, c);
CREATE UNIQUE INDEX ix_lower ON t (lower(h));
CREATE VIEW v AS SELECT a FROM t;
CREATE SEQUENCE s;
CREATE SCHEMA audit;
CREATE TABLE audit.log (id int REFERENCES public.shops (id), at timestamp);
ALTER TABLE t ALTER COLUMN a TYPE bigint;
"""


@pytest.fixture
def inspector() -> Iterator[sa.Inspector]:
    """Return SQLAlchemy's inspector after the history."""
    register()
    engine = sa.create_engine("postgresql+recording://", creator=RecordingConnection, poolclass=NullPool)
    pieces = tuple(Piece(one, Place("")) for one in parse(HISTORY))
    with engine.connect() as connection:
        connection.dialect.known.keep(pieces)  # type: ignore[attr-defined]
        yield sa.inspect(connection)


def test_columns_have_their_types_and_say_whether_they_take_null(inspector: sa.Inspector) -> None:
    columns = {one["name"]: one for one in inspector.get_columns("t")}
    types = {name: one["type"] for name, one in columns.items()}

    assert list(columns) == ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "shop", "l"]
    assert {name for name, one in columns.items() if not one["nullable"]} == {"a", "b"}
    assert isinstance(types["a"], sa.BigInteger)
    assert isinstance(types["c"], sa.Numeric)
    assert (types["c"].precision, types["c"].scale) == (10, 2)
    assert isinstance(types["d"], TIMESTAMP)
    assert (types["d"].timezone, types["d"].precision) == (True, 3)
    assert isinstance(types["e"], ARRAY)
    assert isinstance(types["e"].item_type, sa.Text)
    assert isinstance(types["f"], ENUM)
    assert types["f"].enums == ["ok", "bad"]
    assert isinstance(types["g"], JSONB)
    assert isinstance(types["h"], sa.CHAR)
    assert types["h"].length == 2
    assert isinstance(types["i"], sa.Boolean)
    assert isinstance(types["j"], sa.Double)
    assert isinstance(types["k"], sa.types.NullType)
    assert columns["d"]["default"] == "now()"
    name = next(one for one in inspector.get_columns("shops") if one["name"] == "name")
    assert isinstance(name["type"], sa.String)
    assert name["type"].length == 40
    assert name["default"] == "'Corner'"


def test_keys_and_constraints_are_told(inspector: sa.Inspector) -> None:
    assert inspector.get_pk_constraint("t")["constrained_columns"] == ["a", "b"]
    assert inspector.get_pk_constraint("t")["name"] == "pk_t"
    assert inspector.get_pk_constraint("log", schema="audit")["constrained_columns"] == []
    (key,) = inspector.get_foreign_keys("t")
    assert (key["name"], key["constrained_columns"]) == ("fk_t", ["shop"])
    assert (key["referred_schema"], key["referred_table"], key["referred_columns"]) == (None, "shops", ["id"])
    assert key["options"] == {"ondelete": "CASCADE"}
    (unique,) = inspector.get_unique_constraints("t")
    assert (unique["name"], unique["column_names"]) == ("uq_t", ["c"])
    (check,) = inspector.get_check_constraints("t")
    assert (check["name"], check["sqltext"]) == ("ck_t", "a > 0")
    assert inspector.get_table_comment("t") == {"text": None}


def test_indexes_are_told(inspector: sa.Inspector) -> None:
    indexes = {one["name"]: one for one in inspector.get_indexes("t")}

    assert set(indexes) == {"uq_t", "ix_t", "ix_lower"}
    assert indexes["ix_t"]["column_names"] == ["a", "c"]
    assert not indexes["ix_t"]["unique"]
    assert indexes["ix_lower"]["unique"]
    assert indexes["ix_lower"]["column_names"] == [None]
    assert indexes["uq_t"]["duplicates_constraint"] == "uq_t"


def test_names_are_told_by_schema(inspector: sa.Inspector) -> None:
    assert set(inspector.get_table_names()) == {"shops", "t"}
    assert list(inspector.get_table_names(schema="audit")) == ["log"]
    assert list(inspector.get_view_names()) == ["v"]
    assert list(inspector.get_sequence_names()) == ["s"]
    assert {"audit", "public"} <= set(inspector.get_schema_names())
    assert inspector.has_table("v")
    assert not inspector.has_table("log")
    assert [(one["name"], one["labels"]) for one in inspector.get_enums()] == [("mood", ["ok", "bad"])]  # type: ignore[attr-defined]
    assert inspector.has_type("plate")  # type: ignore[attr-defined]


def test_a_table_nobody_created_is_not_there(inspector: sa.Inspector) -> None:
    with pytest.raises(NoSuchTableError):
        inspector.get_columns("ghosts")
    assert not inspector.has_index("ghosts", "ix")


def test_every_table_is_reflected_at_once(inspector: sa.Inspector) -> None:
    metadata = sa.MetaData()
    metadata.reflect(inspector.bind)
    metadata.reflect(inspector.bind, schema="audit")

    assert set(metadata.tables) == {"shops", "t", "audit.log"}
    assert {one.name for one in metadata.tables["t"].primary_key} == {"a", "b"}
    assert set(inspector.get_multi_columns()) == {(None, "shops"), (None, "t")}


GUARD = INSPECT + 'there = "{column}" in [c["name"] for c in insp.get_columns("customers")]\n'


@pytest.mark.parametrize(("column", "expected"), [("note", {"incomplete-downgrade"}), ("fresh", set())])
def test_a_column_that_a_guard_finds_there_is_not_the_revisions_to_drop(
    column: str, expected: set[str], tmp_path: Path
) -> None:
    guard = GUARD.format(column=column)
    upgrade = guard + f'if not there:\n    op.add_column("customers", sa.Column("{column}", sa.Text))\n'
    downgrade = f'op.drop_column("customers", "{column}")\n'

    assert rules(tmp_path, upgrade, downgrade) == expected


@pytest.mark.parametrize(
    ("upgrade", "severity"),
    [
        ('op.execute("SELEC 1")\n', Severity.ERROR),
        ("undefined_name()\n", Severity.ERROR),
        ('op.drop_constraint(None, "orders")\n', Severity.ERROR),
        ("import datetime\ndatetime.date(2026, 13, 1)\n", Severity.ERROR),
        ('op.drop_colum("orders", "ref")\n', Severity.ERROR),
        ('op.get_bind().execute(sa.text("SELECT id FROM orders")).fetchone()[0]\n', Severity.WARNING),
        ('int(op.get_bind().scalar(sa.text("SHOW server_version_num")))\n', Severity.WARNING),
        ("op.get_bind().connection.cursor().execute(object())\n", Severity.WARNING),
        ("import re\nre.match('a', op.get_bind().connection.cursor().mogrify('SELECT 1'))\n", Severity.WARNING),
    ],
)
def test_what_fails_on_any_database_is_an_error_and_what_hangs_on_rows_a_warning(
    upgrade: str, severity: Severity, tmp_path: Path
) -> None:
    found = reasons(tmp_path, {"upgrade": upgrade, "downgrade": "pass\n"}, Runner.MIGRATOR)

    assert {one.severity for one in found if one.rule == UNSEEN} == {severity}


@pytest.mark.parametrize(
    "upgrade",
    [
        "with op.get_bind().connection.cursor() as cursor:\n    cursor.execute('SELECT 1')\n    list(cursor)\n",
        "import psycopg.sql as s\nop.get_bind().connection.cursor().execute(s.SQL('ANALYZE {}').format(s.SQL('a')))\n",
        'op.bulk_insert(sa.table("outbox", sa.column("body")), [{"body": {"a": 1}}])\n',
    ],
)
def test_what_a_driver_can_do_is_no_error(upgrade: str, tmp_path: Path) -> None:
    found = reasons(tmp_path, {"upgrade": upgrade, "downgrade": "raise NotImplementedError\n"}, Runner.MIGRATOR)

    assert not [one for one in found if one.rule == UNSEEN and one.severity is Severity.ERROR]


def test_values_are_judged_and_not_told(tmp_path: Path) -> None:
    """A revision may take them from where nobody is to see them."""
    upgrade = (
        'made = op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("p", sa.String(4)))\n'
        'op.bulk_insert(made, [{"id": 1, "p": "hunter2"}, {"id": 1, "p": "hunter3"}])\n'
    )

    found = reasons(tmp_path, {"upgrade": upgrade, "downgrade": 'op.drop_table("users")\n'}, Runner.MIGRATOR)

    assert [one.rule for one in found] == ["value-refused"] * 2
    assert "hunter" not in "".join(f"{one.message}{one.statement}{one.safer}" for one in found)


def test_batches_that_go_up_to_the_largest_key_are_followed(tmp_path: Path) -> None:
    upgrade = (
        'top = op.get_bind().execute(sa.text("SELECT coalesce(max(id), 0) FROM orders")).scalar()\n'
        "for low in range(0, top + 1, 100):\n"
        '    op.execute("UPDATE orders SET ref = upper(ref)")\n'
    )

    assert "unbatched-change" in rules(tmp_path, upgrade)


@pytest.mark.parametrize(("table", "fails"), [("orders", True), ("ghosts", False)])
def test_an_enum_that_nothing_created_is_missed_where_the_history_made_the_table(
    table: str, fails: bool, tmp_path: Path
) -> None:
    add = f'op.add_column("{table}", sa.Column("channel", sa.Enum("web", name="channel")))\n'
    drop = f'op.drop_column("{table}", "channel")\n'

    assert (UNSEEN in rules(tmp_path, add, drop)) is fails
    assert UNSEEN not in rules(tmp_path, "op.execute(\"CREATE TYPE channel AS ENUM ('web')\")\n" + add, drop)


def test_what_a_block_of_an_earlier_revision_did_is_known(tmp_path: Path) -> None:
    """The usual way to add a label that may be there."""
    earlier = (
        "op.execute(\"DO $$ BEGIN ALTER TYPE mood ADD VALUE 'meh'; \"\n"
        '    "EXCEPTION WHEN duplicate_object THEN NULL; END $$")\n'
    )
    upgrade = 'op.alter_column("shipments", "state", server_default="meh")\n'
    downgrade = 'op.alter_column("shipments", "state", server_default=None)\n'

    assert rules(tmp_path, upgrade, downgrade, earlier) == set()
    assert rules(tmp_path, upgrade, downgrade) == {"default-refused"}


def test_a_function_made_again_in_the_schema_that_it_was_in_is_back(tmp_path: Path) -> None:
    made = "CREATE FUNCTION {} RETURNS int LANGUAGE sql AS 'SELECT 1'"
    earlier = f'op.execute("{made.format("one()")}")\n'
    upgrade = 'op.execute("DROP FUNCTION one()")\n'

    same = rules(tmp_path, upgrade, f'op.execute("{made.format("public.one()")}")\n', earlier)
    other = rules(tmp_path, upgrade, f'op.execute("{made.format("public.two()")}")\n', earlier)

    assert other - same == {"incomplete-downgrade"}
