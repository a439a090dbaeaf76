"""A statement of a plan is taken only where it certainly keeps to the keys of its chunk."""

from __future__ import annotations

import pytest

from migrator.errors import UsageError
from migrator.sql.bounded import parse_bounded
from migrator.sql.errors import BoundsError
from migrator.sql.names import Name

BOUNDED = "o.id BETWEEN :first AND :last"


def test_bounds_are_found_where_they_are_bounds_and_nowhere_else() -> None:
    text = f"UPDATE \"Ö\" AS o SET n = ':last'::int WHERE {BOUNDED} AND x[1:2] = $$:first$$ -- :last\n;"
    found = parse_bounded(text)
    assert found.bounds == ("first", "last")
    assert found.texts[0].endswith("o.id BETWEEN ")
    assert found.texts[2] == " AND x[1:2] = $$:first$$ -- :last\n"
    assert (found.verb, found.target, found.sets, found.key) == ("UPDATE", Name("Ö"), ("n",), ("id",))
    assert found.table == Name("Ö")


@pytest.mark.parametrize(
    ("text", "key", "sets"),
    [
        ("DELETE FROM t WHERE (a, b) >= :first AND :last >= (a, b) AND c", ("a", "b"), ()),
        ("INSERT INTO u (a) SELECT a FROM t WHERE id BETWEEN :first::bigint AND :last", ("id",), ()),
        (
            "INSERT INTO u SELECT a FROM t WHERE id BETWEEN :first AND :last ON CONFLICT (a) DO UPDATE SET b = 1",
            ("id",),
            ("b",),
        ),
        ("UPDATE t SET (a, b) = (1, 2) WHERE id BETWEEN :first AND :last RETURNING id", ("id",), ("a", "b")),
    ],
)
def test_what_is_bounded_is_taken(text: str, key: tuple[str, ...], sets: tuple[str, ...]) -> None:
    found = parse_bounded(text)
    assert (found.key, found.sets) == (key, sets)


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE t SET n = 1",
        "UPDATE t SET n = 1 WHERE id > :first AND id <= :last",
        "UPDATE t SET n = 1 WHERE id >= :last AND id <= :first",
        "UPDATE t SET n = 1 WHERE id >= :first AND other <= :last",
        "UPDATE t SET n = 1 WHERE id NOT BETWEEN :first AND :last",
        "UPDATE t SET n = 1 WHERE NOT (id BETWEEN :first AND :last)",
        "UPDATE t SET n = 1 WHERE id BETWEEN :first AND :last OR true",
        "UPDATE t SET n = 1 WHERE id + 1 BETWEEN :first AND :last",
        "UPDATE t SET n = 1 WHERE n IN (SELECT n FROM t WHERE id BETWEEN :first AND :last)",
        "UPDATE t SET n = 1 WHERE x.id BETWEEN :first AND :last",
        "UPDATE t SET n = 1 WHERE id BETWEEN :fist AND :last",
        "INSERT INTO t VALUES (:first, :last)",
        "INSERT INTO t SELECT 1 WHERE id BETWEEN :first AND :last UNION SELECT 2",
        "WITH a AS (DELETE FROM u RETURNING 1) UPDATE t SET n = 1 WHERE id BETWEEN :first AND :last",
        "MERGE INTO t USING u ON t.id = u.id AND t.id BETWEEN :first AND :last WHEN MATCHED THEN DELETE",
        "TRUNCATE t",
        "SELECT 1 WHERE id BETWEEN :first AND :last",
        "UPDATE t SET n = 1 WHERE id BETWEEN :first AND :last; DELETE FROM t",
        "",
    ],
)
def test_what_may_go_beyond_its_bounds_is_not(text: str) -> None:
    with pytest.raises(BoundsError):
        parse_bounded(text)


@pytest.mark.parametrize("text", ["UPDATE t SET", "UPDATE t SET n = 'x", "UPDATE t WHERE id BETWEEN :first AND :last"])
def test_what_is_no_sql_says_where(text: str) -> None:
    with pytest.raises(UsageError, match="line 1"):
        parse_bounded(text)
