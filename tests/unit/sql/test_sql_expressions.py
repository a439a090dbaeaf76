"""A plan's expression is one value computed from one row, or is refused."""

from __future__ import annotations

import pytest

from migrator.sql.errors import ExpressionError
from migrator.sql.expression import ColumnRef, parse_expression
from migrator.sql.names import Name


def test_an_expression_names_its_columns_and_functions() -> None:
    found = parse_expression("""string_to_array(legacy_tags, ',') || t."Odd Name" """)
    assert found.columns == (ColumnRef("legacy_tags"), ColumnRef("Odd Name", "t"))
    assert found.functions == (Name("string_to_array"),)


def test_columns_of_a_subquery_are_kept_apart() -> None:
    found = parse_expression("(select c.name from categories c where c.id = category_id and count > 0)")
    assert found.columns == ()
    assert [column.column for column in found.inner_columns] == ["name", "id", "category_id", "count"]


@pytest.mark.parametrize(
    "text",
    [
        "tags IS NULL",
        "a + 1 > 2 AND NOT b",
        "(select count(*) from t)",
        "CASE WHEN a THEN 1 ELSE 2 END",
        "a::numeric(12, 2) / 100",
        "row(a, b)",
        "exists (select 1 from t where t.id = a)",
        "current_date - created",
    ],
)
def test_anything_that_a_row_can_answer_is_an_expression(text: str) -> None:
    assert parse_expression(text).sql == text


def test_comments_are_taken_out_of_the_sql() -> None:
    assert parse_expression("tags IS NULL -- not filled").sql == "tags IS NULL"
    assert parse_expression("a /* x */ + 1").sql == "a + 1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "-- nothing",
        "a, b",
        "a b",
        "a AS b",
        "a; drop table t",
        "a;",
        "1) + (2",
        "a FROM t",
        "a WHERE b",
        "a GROUP BY a",
        "a HAVING b",
        "a ORDER BY a",
        "a LIMIT 1",
        "a FOR UPDATE",
        "a UNION SELECT 1",
        "a WINDOW w AS ()",
        "DISTINCT a",
        "ALL a",
        "select 1",
        "*",
        "t.*",
        "$1",
        "DEFAULT",
        "count(*)",
        "sum(a)",
        "max(a) + 1",
        "array_agg(distinct a)",
        "string_agg(a, ',' order by b)",
        "row_number() over ()",
        "sum(a) filter (where b)",
    ],
)
def test_more_or_less_than_one_value_of_one_row_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)


def test_the_place_of_a_mistake_counts_characters_of_the_expression() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression("'é' || sum(a)")
    assert caught.value.column == 8
    with pytest.raises(ExpressionError) as caught:
        parse_expression("'é' || b c")
    assert caught.value.column == 10
