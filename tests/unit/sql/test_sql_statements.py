"""Text becomes statements with their place, or an error with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.sql.errors import OneStatementError, SqlError
from migrator.sql.statement import parse, parse_one


def test_each_statement_has_its_own_text_and_place() -> None:
    first, second = parse("select 1;\n  drop table t ;\n")
    assert (first.text, first.offset, first.line, first.column) == ("select 1", 0, 1, 1)
    assert (second.text, second.offset, second.line, second.column) == ("drop table t", 12, 2, 3)
    assert (first.kind, second.kind) == ("select_stmt", "drop_stmt")


def test_comments_around_a_statement_are_left_out_and_those_inside_stay() -> None:
    (statement,) = parse("-- before\n/* and */ select /* inside */ 1 -- after\n")
    assert statement.text == "select /* inside */ 1"
    assert (statement.line, statement.column) == (2, 11)


@pytest.mark.parametrize("text", ["", "  \n", ";;", "-- nothing", "/* nothing */;"])
def test_text_without_a_statement_gives_none(text: str) -> None:
    assert parse(text) == ()


def test_places_count_characters_and_not_bytes() -> None:
    text = "select 'é;ü'; select 'naïve'"
    first, second = parse(text)
    assert first.text == "select 'é;ü'"
    assert text[second.offset :] == second.text


def test_a_semicolon_in_a_dollar_quoted_body_ends_no_statement() -> None:
    assert len(parse("do $$ begin perform 1; perform 2; end $$; select 1")) == 2


@given(st.lists(st.sampled_from(["select 'ü;'", "drop table é", 'select "a;b"', "select $$;$$"]), max_size=6))
def test_statements_are_exact_slices_of_the_text(statements: list[str]) -> None:
    text = " ;\n -- é\n".join(statements)
    found = parse(text)
    assert [one.text for one in found] == statements
    assert [text[one.offset : one.offset + len(one.text)] for one in found] == statements


@given(st.text())
def test_any_text_is_parsed_or_refused_with_a_place(text: str) -> None:
    try:
        found = parse(text)
    except SqlError as error:
        places = [(error.line, error.column)]
    else:
        places = [(one.line, one.column) for one in found]
        assert all(text[one.offset :].startswith(one.text) for one in found)
    assert all(line >= 1 and column >= 1 for line, column in places)


def test_many_statements_are_split_in_time_that_grows_with_them() -> None:
    found = parse("select 'é';\n" * 20_000)
    assert (len(found), found[-1].line, found[-1].column, found[-1].offset) == (20_000, 20_000, 1, 12 * 19_999)


def test_a_syntax_error_names_line_and_column_in_characters() -> None:
    with pytest.raises(SqlError) as caught:
        parse("select 1;\nselect 'é' frm x where")
    assert (caught.value.line, caught.value.column) == (2, 16)
    assert caught.value.excerpt == "select 'é' frm x where"
    assert caught.value.notes[1].index("^") == 15
    assert caught.value.exit_code == 2


def test_commands_of_psql_are_not_sql() -> None:
    with pytest.raises(SqlError) as caught:
        parse("select 1;\n\\d products\n")
    assert "psql" in caught.value.help


@pytest.mark.parametrize("text", ["select 1 \0; drop table t", "select '\ud800'"])
def test_characters_that_sql_cannot_hold_are_refused_and_hide_nothing(text: str) -> None:
    with pytest.raises(SqlError):
        parse(text)


@pytest.mark.parametrize("text", ["", "select 1; select 2"])
def test_exactly_one_statement_can_be_asked_for(text: str) -> None:
    with pytest.raises(OneStatementError):
        parse_one(text)


def test_placeholders_of_psycopg_become_the_servers() -> None:
    statement = parse_one("select %(a)s, '100%%', %(b)s, %(a)s", pyformat=True)
    assert statement.text == "select $1, '100%', $2, $1"


def test_percent_signs_are_left_alone_without_parameters() -> None:
    assert parse_one("select 5 % 2 where x like '%%a'").text == "select 5 % 2 where x like '%%a'"
