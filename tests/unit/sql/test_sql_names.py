"""Names are read, cut and quoted as PostgreSQL does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.sql.default_names import free_name, object_name
from migrator.sql.errors import NameSyntaxError
from migrator.sql.names import MAX_NAME_BYTES, Name, clip, quote, split_name, split_parts
from migrator.sql.statement import parse_one

identifiers = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
    .map(lambda text: clip(text, MAX_NAME_BYTES))
    .filter(bool)
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("products", Name("products")),
        ("Shop.Products", Name("products", "shop")),
        ('"Shop"."Pro""ducts"', Name('Pro"ducts', "Shop")),
        ('"a.b"', Name("a.b")),
        (' shop . "Items" ', Name("Items", "shop")),
        ("order", Name("order")),
        ("Été", Name("Été")),
        ("x" * 70, Name("x" * 63)),
    ],
)
def test_a_name_is_folded_unless_quoted(text: str, name: Name) -> None:
    assert split_name(text) == name


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a b", "1a", '"', '""', "a.b.c", "a;b", 'a"b"', "a-b"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(NameSyntaxError):
        split_name(text)


def test_a_column_can_be_named_with_its_table_and_schema() -> None:
    assert split_parts('shop.products."Legacy Tags"') == ("shop", "products", "Legacy Tags")


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("products", "products"),
        ("a1_$x", "a1_$x"),
        ("Products", '"Products"'),
        ("order", '"order"'),
        ("user", '"user"'),
        ("between", '"between"'),
        ("left", '"left"'),
        ("name", "name"),
        ("with space", '"with space"'),
        ('in"side', '"in""side"'),
        ("été", '"été"'),
        ("1a", '"1a"'),
    ],
)
def test_names_are_quoted_only_where_sql_needs_it(name: str, sql: str) -> None:
    assert quote(name) == sql


@given(identifiers, st.none() | identifiers)
def test_a_quoted_name_is_read_as_the_same_name(name: str, schema: str | None) -> None:
    whole = Name(name, schema)
    assert split_name(whole.quoted()) == whole
    relation = parse_one(f"select from {whole.quoted()}").tree.from_clause[0].range_var
    assert (relation.relname, relation.schemaname or None) == (name, schema)


@given(identifiers, st.one_of(st.just(""), identifiers), st.sampled_from(["key", "pkey", "idx", "check", "not_null"]))
def test_a_default_name_fits_and_ends_in_its_label(table: str, middle: str, label: str) -> None:
    name = object_name(table, middle, label)
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name.endswith(label)


def test_the_longer_part_of_a_default_name_is_cut() -> None:
    assert object_name("t" * 40, "c" * 40, "key") == "t" * 29 + "_" + "c" * 29 + "_key"
    assert object_name("t" * 10, "c" * 60, "key") == "t" * 10 + "_" + "c" * 48 + "_key"
    assert object_name("t", "", "pkey") == "t_pkey"


def test_a_taken_default_name_is_numbered() -> None:
    assert free_name("t", "a", "idx", {"t_a_idx", "t_a_idx1"}.__contains__) == "t_a_idx2"


def test_names_are_the_same_relation_unless_their_schemas_differ() -> None:
    assert Name("t").same(Name("t", "public"))
    assert Name("t", "a").same(Name("t", "a"))
    assert not Name("t", "a").same(Name("t", "b"))
    assert not Name("t").same(Name("u"))
