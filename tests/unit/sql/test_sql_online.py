"""Statements are taken apart into steps that stall nobody, or refused with the safe way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.sql.context import Column, Facts, Index, RelationKind, Table
from migrator.sql.names import MAX_NAME_BYTES, Name, clip, quote
from migrator.sql.online import online
from migrator.sql.online.form import Answer, LeftoverKind, OnlineForm, Part, PartKind, Refusal
from migrator.sql.statement import parse_one

T, EMPTY, NEW, VIEW = (Name(name, "public") for name in ("t", "empty", "new", "mv"))
TABLES = (
    Table(T, columns=(Column("a", "integer"), Column("b", "character varying(10)"))),
    Table(EMPTY, columns=(Column("a", "integer"),), empty=True),
    Table(NEW, columns=(Column("a", "integer"),), new=True, indexes=(Index(Name("new_i", "public"), NEW, ("a",)),)),
    Table(VIEW, RelationKind.MATVIEW, indexes=(Index(Name("mv_id", "public"), VIEW, ("id",), unique=True),)),
)


def answer(text: str, version: int = 18) -> Answer:
    return online(parse_one(text), Facts(pg_version=version, tables=TABLES))


def parts(text: str, version: int = 18) -> tuple[Part, ...]:
    found = answer(text, version)
    assert isinstance(found, OnlineForm)
    return found.parts


def refused(text: str) -> Refusal:
    found = answer(text)
    assert isinstance(found, Refusal)
    return found


@pytest.mark.parametrize("table", ["empty", "new"])
@pytest.mark.parametrize(
    "text",
    [
        "create index on {} (a)",
        "alter table {} add unique (a)",
        "alter table {} add check (a > 0)",
        "alter table {} add foreign key (a) references t",
        "alter table {} alter a set not null",
        "alter table {} alter a type bigint",
        "alter table {} add column id bigserial",
        "reindex table {}",
        "vacuum full {}",
        "cluster {}",
    ],
)
def test_a_table_without_rows_keeps_the_plain_form(text: str, table: str) -> None:
    assert answer(text.format(table)) is None


@pytest.mark.parametrize(
    "text",
    [
        "create index concurrently on t (a)",
        "alter table t add column x int not null default 5",
        "alter table t alter b type varchar(20)",
        "alter table t add check (a > 0) not valid",
        "alter table t validate constraint x",
        "alter table t drop column a",
        "drop index new_i",
        "drop index x cascade",
        "drop table t",
        "update t set a = 1",
        "select 1",
        "do $$ begin end $$",
        "refresh materialized view mv with no data",
    ],
)
def test_what_is_brief_or_concurrent_already_stays_as_it_is(text: str) -> None:
    assert answer(text) is None


def test_an_index_is_built_concurrently_under_the_name_it_would_have() -> None:
    (part,) = parts("create unique index on t (lower(b) desc) where a > 0")
    assert part.sql == "CREATE UNIQUE INDEX CONCURRENTLY t_lower_idx ON t USING btree (lower(b) DESC) WHERE a > 0"
    assert part.kind is PartKind.CONCURRENT
    assert not part.transactional
    assert part.leftover is not None
    assert (part.leftover.kind, part.leftover.name) == (LeftoverKind.INVALID_INDEX, Name("t_lower_idx"))


def test_every_index_of_a_list_is_dropped_by_itself() -> None:
    found = parts("drop index if exists a.x, y, new_i")
    assert [part.sql for part in found] == [
        "DROP INDEX CONCURRENTLY IF EXISTS a.x",
        "DROP INDEX CONCURRENTLY IF EXISTS y",
        "DROP INDEX IF EXISTS new_i",
    ]


def test_a_named_check_is_added_then_validated() -> None:
    added, validated = parts("alter table only t add constraint positive check (a > 0)")
    assert added.sql == "ALTER TABLE ONLY t ADD CONSTRAINT positive CHECK (a > 0) NOT VALID"
    assert validated.sql == "ALTER TABLE ONLY t VALIDATE CONSTRAINT positive"
    assert (added.kind, validated.kind) == (PartKind.BRIEF, PartKind.VALIDATE)


def test_an_unnamed_constraint_is_validated_under_the_name_that_is_looked_up() -> None:
    _, validated = parts("alter table t add foreign key (a) references empty")
    assert validated.added is not None
    assert validated.added.table == Name("t")
    named = validated.named("t_a_fkey")
    assert named.sql == "ALTER TABLE t VALIDATE CONSTRAINT t_a_fkey"
    assert named.added is None


def test_set_not_null_goes_through_a_check_before_18() -> None:
    assert [part.statements for part in parts("alter table t alter a set not null", 17)] == [
        ("ALTER TABLE t ADD CONSTRAINT t_a_migrator_not_null CHECK (a IS NOT NULL) NOT VALID",),
        ("ALTER TABLE t VALIDATE CONSTRAINT t_a_migrator_not_null",),
        (
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
            "ALTER TABLE t DROP CONSTRAINT t_a_migrator_not_null",
        ),
    ]


def test_set_not_null_is_validated_itself_on_18() -> None:
    added, validated = parts("alter table t alter a set not null")
    assert added.sql == "ALTER TABLE t ADD NOT NULL a NOT VALID"
    assert validated.named("t_a_not_null").sql == "ALTER TABLE t VALIDATE CONSTRAINT t_a_not_null"


def test_a_unique_constraint_comes_from_an_index_with_all_its_options() -> None:
    build, constraint = parts(
        "alter table t add constraint u unique nulls not distinct (a) include (b)"
        " with (fillfactor = 70) using index tablespace fast deferrable initially deferred"
    )
    assert build.sql == (
        "CREATE UNIQUE INDEX CONCURRENTLY u ON t USING btree (a) INCLUDE (b) NULLS NOT DISTINCT"
        " WITH (fillfactor=70) TABLESPACE fast"
    )
    assert constraint.sql == "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u DEFERRABLE INITIALLY DEFERRED"


def test_constraints_inside_add_column_follow_it() -> None:
    found = parts("alter table t add column z int default 0 not null check (z > 0) references empty unique, add y int")
    assert [part.sql for part in found] == [
        "ALTER TABLE t ADD COLUMN z int DEFAULT 0 NOT NULL, ADD COLUMN y int",
        "CREATE UNIQUE INDEX CONCURRENTLY t_z_key ON t USING btree (z)",
        "ALTER TABLE t ADD CONSTRAINT t_z_key UNIQUE USING INDEX t_z_key",
        "ALTER TABLE t ADD CHECK (z > 0) NOT VALID",
        found[4].sql,
        "ALTER TABLE t ADD FOREIGN KEY (z) REFERENCES empty NOT VALID",
        found[6].sql,
    ]


def test_a_materialized_view_is_refreshed_concurrently_where_an_index_identifies_its_rows() -> None:
    (part,) = parts("refresh materialized view mv")
    assert part.sql == "REFRESH MATERIALIZED VIEW CONCURRENTLY mv"
    assert refused("refresh materialized view other").rule == "refresh-matview-blocking"


@pytest.mark.parametrize(
    ("text", "rule", "told"),
    [
        (
            "alter table t add x uuid default gen_random_uuid()",
            "add-column-volatile-default",
            "set x = gen_random_uuid()",
        ),
        ("alter table t add x bigserial", "add-serial-column", "ALTER COLUMN x SET DEFAULT nextval"),
        ("alter table t add x int generated always as identity", "add-identity-column", "x ADD GENERATED BY DEFAULT"),
        ("alter table t add x int generated always as (a + 1) stored", "add-generated-stored", "sets x to a + 1"),
        ("alter table t alter b type varchar(5)", "change-column-type", "ADD COLUMN b_new varchar(5)"),
        ("alter table t add y int, alter b type varchar(5)", "change-column-type", "ADD COLUMN b_new varchar(5)"),
        ("alter table t add exclude using gist (a with =)", "add-exclusion-constraint", "a table like public.t"),
        ("cluster t using i", "cluster", "pg_repack"),
        ("vacuum full t", "vacuum-full", "public.t"),
        ("alter table t set tablespace x", "set-tablespace", "public.t"),
        ("alter table t set logged", "set-logged", "public.t"),
        ("alter table t set unlogged", "set-unlogged", "public.t"),
        ("alter table t set access method x", "set-access-method", "public.t"),
        (
            "alter table p attach partition t for values from (1) to (2)",
            "attach-partition-scan",
            "ALTER TABLE t ADD",
        ),
        ("alter domain d add check (value > 0)", "domain-constraint", "NOT VALID"),
    ],
)
def test_what_has_no_online_form_is_refused_with_the_safe_way_in_the_users_names(
    text: str, rule: str, told: str
) -> None:
    found = refused(text)
    assert found.rule == rule
    assert told in found.safer


def test_one_refused_subcommand_refuses_the_whole_statement() -> None:
    assert refused("alter table t add check (a > 0), add column u uuid default uuidv7()").rule.endswith(
        "volatile-default"
    )


identifiers = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
    .map(lambda text: clip(text, MAX_NAME_BYTES))
    .filter(bool)
)


@given(
    table=identifiers,
    column=identifiers,
    statement=st.sampled_from(
        [
            "create index on {t} ({c})",
            "alter table {t} add unique ({c})",
            "alter table {t} add primary key ({c})",
            "alter table {t} add check ({c} > 0)",
            "alter table {t} add foreign key ({c}) references {t}",
            "alter table {t} alter {c} set not null",
            "alter table {t} add column {c} int unique check ({c} > 0)",
            "reindex table {t}",
        ]
    ),
    version=st.sampled_from([14, 18]),
)
def test_parts_are_sql_about_the_users_table_whatever_its_name(
    table: str, column: str, statement: str, version: int
) -> None:
    text = statement.format(t=quote(table), c=quote(column))
    found = online(parse_one(text), Facts(pg_version=version))
    assert isinstance(found, OnlineForm)
    for part in found.parts:
        assert Name(table) in [lock.relation for lock in part.effect.locks]
        assert not part.effect.stalls
