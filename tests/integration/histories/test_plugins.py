"""Operations that plugins register with Alembic are carried out as Alembic alone does."""

from __future__ import annotations

import pytest

from migrator.revisions.errors import StatementRefusedError
from tests.integration.histories.conftest import Move
from tests.integration.histories.twin import Twin

pytest.importorskip("alembic_utils")
pytest.importorskip("alembic_postgresql_enum")

START = """
op.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
op.execute("CREATE TABLE items (id int PRIMARY KEY, name text, mood mood DEFAULT 'good')")
op.execute("INSERT INTO items SELECT g, 'item', 'good' FROM generate_series(1, 5) g")
"""
ENTITIES = """
from alembic_utils.pg_function import PGFunction
from alembic_utils.pg_trigger import PGTrigger
from alembic_utils.pg_view import PGView
view = PGView("public", "named", "SELECT id, name FROM items WHERE name LIKE '%x%' OR true")
body = "BEGIN NEW.name := upper(NEW.name); RETURN NEW; END"
function = PGFunction("public", "shout()", f"RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
fires = "BEFORE UPDATE ON public.items FOR EACH ROW EXECUTE FUNCTION public.shout()"
trigger = PGTrigger("public", "shout", fires, on_entity="public.items")
"""
MAKE = (
    ENTITIES
    + """
op.create_entity(view)
op.create_entity(function)
op.create_entity(trigger)
op.execute("UPDATE items SET name = 'x'")
op.create_index("items_name", "items", ["name"])
"""
)
REPLACE = """
from alembic_utils.pg_view import PGView
op.replace_entity(PGView("public", "named", "SELECT id, name, mood FROM items"))
"""
DROP = (
    ENTITIES
    + """
op.drop_index("items_name", "items")
for entity in (trigger, function, view):
    op.drop_entity(entity)
"""
)
ENUM = """
import alembic_postgresql_enum
from alembic_postgresql_enum import TableReference
op.sync_enum_values(
    enum_schema="public",
    enum_name="mood",
    new_values=[{values}],
    affected_columns=[TableReference("items", "mood", table_schema="public", existing_server_default="'good'::mood")],
    enum_values_to_rename=[],
)
"""
MORE, FEWER = ENUM.format(values="'good', 'bad', 'ugly'"), ENUM.format(values="'good', 'bad'")


def test_functions_views_and_triggers_of_alembic_utils(twin: Twin) -> None:
    twin.project.revision("start", START, "pass")
    twin.project.revision("make", MAKE, DROP)
    twin.project.revision("replace", REPLACE, "op.execute('DROP VIEW named')\n" + ENTITIES + "op.create_entity(view)")
    twin.upgrade("head")
    assert "CREATE INDEX CONCURRENTLY items_name ON items USING btree (name)" in twin.sent
    twin.downgrade("start")


def test_enum_values_of_alembic_postgresql_enum_on_an_empty_table(twin: Twin) -> None:
    twin.project.revision("start", START + "op.execute('DELETE FROM items')", "pass")
    twin.project.revision("more", MORE, FEWER)
    twin.upgrade("head")
    twin.downgrade("start")


def test_enum_values_that_would_rewrite_a_table_with_rows_are_refused(twin: Twin, upgrade: Move) -> None:
    twin.project.revision("start", START, "pass")
    twin.project.revision("more", MORE, FEWER)
    with pytest.raises(StatementRefusedError, match="change-column-type"):
        upgrade(twin.project)
