"""The class of a statement: what it locks, changes, creates and needs, with and without knowledge of the schema."""

from __future__ import annotations

import pytest

from migrator.sql.classify import classify
from migrator.sql.context import Column, Constraint, Facts, Index, Table, Volatility
from migrator.sql.effects import Effect, Object, Rename, Setting
from migrator.sql.lock_table import ALTER_TABLE, DROP, NO_RELATION, ON_RELATION, OPAQUE, RENAME
from migrator.sql.locks import LockMode
from migrator.sql.names import Name
from migrator.sql.statement import parse_one

T = Name("t", "public")
KNOWN = Facts(
    tables=(
        Table(
            T,
            columns=(Column("a", "integer", not_null=True), Column("b", "character varying(10)"), Column("c", "text")),
            constraints=(
                Constraint("c_set", "check", ("c",), validated=True, expression="((c IS NOT NULL) AND (c <> ''))"),
                Constraint("b_set", "check", ("b",), validated=False, expression="b IS NOT NULL"),
                Constraint("t_ref", "foreign key", ("a",), references=Name("ref", "public")),
            ),
            indexes=(Index(Name("t_b", "public"), T, ("b",)),),
        ),
        Table(Name("ref", "public"), referenced_by=(T,)),
    ),
    volatilities={Name("steady"): Volatility.STABLE, Name("restless"): Volatility.VOLATILE},
    timezone="UTC",
)


def effect(text: str, context: Facts = KNOWN) -> Effect:
    return classify(parse_one(text), context)


def locks(found: Effect) -> dict[str, str]:
    return {str(lock.relation) if lock.relation else lock.role: lock.mode.words for lock in found.locks}


@pytest.mark.parametrize(
    ("mode", "blocks"),
    [
        (LockMode.ACCESS_SHARE, ()),
        (LockMode.ROW_SHARE, ()),
        (LockMode.ROW_EXCLUSIVE, ()),
        (LockMode.SHARE_UPDATE_EXCLUSIVE, ("ddl",)),
        (LockMode.SHARE, ("writes", "ddl")),
        (LockMode.SHARE_ROW_EXCLUSIVE, ("writes", "ddl")),
        (LockMode.EXCLUSIVE, ("writes", "ddl")),
        (LockMode.ACCESS_EXCLUSIVE, ("reads", "writes", "ddl")),
    ],
)
def test_a_lock_mode_blocks_what_the_manual_says(mode: LockMode, blocks: tuple[str, ...]) -> None:
    assert mode.blocks == blocks


def test_conflicts_between_lock_modes_are_mutual() -> None:
    assert all((b in a.conflicts) == (a in b.conflicts) for a in LockMode for b in LockMode)


@pytest.mark.parametrize(
    "text",
    [
        "do $$ begin execute 'drop table t'; end $$",
        "call p()",
        "execute prepared",
        "drop owned by x",
        "alter table all in tablespace a set tablespace b",
        "drop schema s cascade",
        "drop type x cascade",
        "alter extension x update",
        "reindex database d",
        "explain analyze execute prepared",
        "create table x as execute prepared",
    ],
)
def test_what_runs_unseen_code_may_lock_anything(text: str) -> None:
    found = effect(text)
    assert found.locks_unknown
    assert found.strongest is LockMode.ACCESS_EXCLUSIVE
    assert not found.reads_only


def test_kinds_of_statement_stand_in_one_list_only() -> None:
    assert not set(NO_RELATION) & set(OPAQUE)
    assert not (set(NO_RELATION) | set(OPAQUE)) & set(ON_RELATION)
    assert all(row.mode > LockMode.ROW_EXCLUSIVE for table in (ALTER_TABLE, RENAME, DROP) for row in table.values())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("create index on t (a)", "CREATE INDEX"),
        ("alter table t add column x int, add column y int, drop column c", "ALTER TABLE … ADD COLUMN, DROP COLUMN"),
        ("alter table t alter a drop default", "ALTER TABLE … ALTER COLUMN DROP DEFAULT"),
        ("alter index t_b rename to x", "ALTER INDEX … RENAME"),
        ("drop materialized view v", "DROP MATERIALIZED VIEW"),
        ("drop index concurrently t_b", "DROP INDEX CONCURRENTLY"),
        ("vacuum full t", "VACUUM FULL"),
        ("analyze t", "ANALYZE"),
        ("create type mood as enum ('a')", "CREATE TYPE AS ENUM"),
        ("with x as (select 1) update t set a = 1", "UPDATE"),
        ("start transaction", "START"),
        ("rollback to savepoint x", "ROLLBACK TO"),
    ],
)
def test_a_statement_is_called_by_its_sql(text: str, kind: str) -> None:
    assert effect(text).kind == kind


def test_a_foreign_key_locks_both_tables() -> None:
    found = effect("alter table t add foreign key (b) references ref")
    assert locks(found) == {"public.t": "SHARE ROW EXCLUSIVE", "public.ref": "SHARE ROW EXCLUSIVE"}
    assert found.blocks == ("writes", "ddl")


def test_the_strongest_lock_of_several_subcommands_counts() -> None:
    found = effect("alter table t validate constraint b_set, add column x int")
    assert found.lock_on(Name("t")) is LockMode.ACCESS_EXCLUSIVE
    assert [work.rule for work in found.stalls] == ["validate-constraint"]


def test_validating_alone_stalls_nobody() -> None:
    found = effect("alter table t validate constraint b_set")
    assert [work.rule for work in found.scans] == ["validate-constraint"]
    assert found.stalls == ()


def test_dropping_an_index_locks_its_table() -> None:
    assert locks(effect("drop index t_b"))["public.t"] == "ACCESS EXCLUSIVE"
    assert "the table of index unheard" in locks(effect("drop index unheard"))


def test_dropping_a_table_locks_those_it_refers_to() -> None:
    assert locks(effect("drop table t")) == {"public.t": "ACCESS EXCLUSIVE", "public.ref": "ACCESS EXCLUSIVE"}
    assert "tables that foreign keys of unheard point to" in locks(effect("drop table unheard"))


@pytest.mark.parametrize(
    ("default", "rewrites", "certain"),
    [
        ("5", False, True),
        ("now()", False, True),
        ("current_timestamp", False, True),
        ("upper('x') || lower('Y')", False, True),
        ("steady()", False, True),
        ("random()", True, True),
        ("gen_random_uuid()", True, True),
        ("uuid_generate_v4()", True, True),
        ("nextval('s')", True, True),
        ("coalesce(5, restless())", True, True),
        ("unheard()", True, False),
        ("my.now()", True, False),
        ("pg_catalog.now()", False, True),
    ],
)
def test_a_volatile_default_rewrites_the_table(default: str, rewrites: bool, certain: bool) -> None:
    found = effect(f"alter table t add column x text default {default}")
    assert bool(found.rewrites) == rewrites
    assert all(work.certain == certain for work in found.rewrites)


@pytest.mark.parametrize(
    ("column", "scans"),
    [("a", False), ("c", False), ("b", True)],
)
def test_set_not_null_scans_unless_a_valid_constraint_proves_it(column: str, scans: bool) -> None:
    assert bool(effect(f"alter table t alter {column} set not null").scans) == scans


def test_without_knowledge_the_worst_is_assumed_and_said_to_be_a_guess() -> None:
    nothing = Facts()
    for text in ("alter table t alter b type text", "alter table t alter c set not null"):
        (work,) = effect(text, nothing).stalls
        assert not work.certain


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "select a, count(*) from t where b > now() group by a",
        "show lock_timeout",
        "explain delete from t",
        "copy t to stdout",
        "select to_regclass('t'), format_type(23, 4)",
    ],
)
def test_a_statement_that_only_reads_is_known_to(text: str) -> None:
    assert effect(text).reads_only


@pytest.mark.parametrize(
    "text",
    [
        "select nextval('s')",
        "select unheard(a) from t",
        "select pg_advisory_lock(1)",
        "select * from t for update",
        "select * into x from t",
        "with gone as (delete from t returning a) select * from gone",
        "explain analyze delete from t",
        "copy t to program 'cat'",
        "copy t from stdin",
        "insert into t values (1)",
        "set lock_timeout = 0",
    ],
)
def test_a_statement_that_may_change_something_is_not_called_reading(text: str) -> None:
    assert not effect(text).reads_only


def test_functions_that_may_do_more_than_compute_are_named() -> None:
    assert effect("select unheard(a), lower(b), my.f() from t").functions == (Name("unheard"), Name("f", "my"))


@pytest.mark.parametrize(
    ("text", "verb", "whole"),
    [
        ("update t set a = 1", "UPDATE", True),
        ("update t set a = 1 where b = 'x'", "UPDATE", False),
        ("delete from t", "DELETE", True),
        ("insert into t select * from t", "INSERT", False),
        ("truncate t", "TRUNCATE", True),
        ("copy t from stdin", "COPY", False),
        ("merge into t using ref on true when matched then delete", "MERGE", False),
        ("with x as (update t set a = 1 returning a) select * from x", "UPDATE", True),
    ],
)
def test_changes_of_data_are_seen_with_whether_anything_limits_them(text: str, verb: str, whole: bool) -> None:
    (change,) = effect(text).data_changes
    assert (change.verb, change.table.name, change.whole) == (verb, "t", whole)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("set lock_timeout = '2s'", Setting("lock_timeout", "2s")),
        ("set local statement_timeout to 500", Setting("statement_timeout", "500", local=True)),
        ("set search_path to a, b", Setting("search_path", "a, b")),
        ("reset role", Setting("role", None)),
        ("set lock_timeout to default", Setting("lock_timeout", None)),
        ("reset all", Setting("all", None)),
        ("set time zone 'UTC'", Setting("timezone", "UTC")),
        ("set session authorization x", Setting("session_authorization", "x")),
        ("set transaction isolation level serializable", Setting("transaction_isolation", "serializable", local=True)),
        ("select set_config('search_path', '', false)", Setting("search_path", "")),
        ("select pg_catalog.set_config('lock_timeout', '1s', true)", Setting("lock_timeout", "1s", local=True)),
    ],
)
def test_changes_of_settings_are_seen(text: str, setting: Setting) -> None:
    assert effect(text).changes_settings == (setting,)


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("begin", "BEGIN"),
        ("commit", "COMMIT"),
        ("rollback", "ROLLBACK"),
        ("savepoint x", "SAVEPOINT"),
        ("prepare transaction 'x'", "PREPARE TRANSACTION"),
        ("select 1", ""),
    ],
)
def test_transaction_control_is_told_apart(text: str, control: str) -> None:
    assert effect(text).transaction_control == control


def test_objects_made_lost_and_renamed_are_listed() -> None:
    assert effect("create table s.x (a int)").creates == (Object("table", Name("x", "s")),)
    assert effect("alter table t add column x int, drop column c").creates == (Object("column", Name("t"), "x"),)
    assert effect("alter table t add column x int, drop column c").drops == (Object("column", Name("t"), "c"),)
    assert effect("alter table t drop constraint k").drops == (Object("constraint", Name("t"), "k"),)
    assert effect("drop table a, s.b").drops == (Object("table", Name("a")), Object("table", Name("b", "s")))
    assert effect("drop trigger tr on s.b").drops == (Object("trigger", Name("b", "s"), "tr"),)
    assert effect("drop type s.mood").drops == (Object("type", Name("mood", "s")),)
    assert effect("drop function s.f(int)").drops == (Object("function", Name("f", "s")),)
    assert effect("alter table t rename to u").renames == (Rename(Object("table", Name("t")), "u"),)
    assert effect("alter table t rename a to z").renames == (Rename(Object("column", Name("t"), "a"), "z"),)
    assert effect("alter table t set schema s").renames == (Rename(Object("table", Name("t")), schema="s"),)
    assert effect("create or replace view v as select 1").creates == (Object("view", Name("v")),)


def test_a_virtual_column_costs_nothing_and_a_stored_one_a_rewrite() -> None:
    assert effect("alter table t add column x int generated always as (a + 1) virtual").work == ()
    (work,) = effect("alter table t add column x int generated always as (a + 1) stored").work
    assert work.rule == "add-generated-stored"


def test_a_check_that_is_not_enforced_is_not_verified() -> None:
    assert effect("alter table t add check (a > 0) not enforced").work == ()
    assert effect("alter table t add check (a > 0) not valid").work == ()
    assert [work.rule for work in effect("alter table t add check (a > 0)").stalls] == ["add-check-valid"]
