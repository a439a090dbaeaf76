"""Names of tables and columns mean here what they mean to PostgreSQL."""

from __future__ import annotations

import pytest

from migrator.plan import identifiers
from migrator.plan.names import canonical


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("products", ("products",)),
        ("Shop.Products", ("shop", "products")),
        ('"Weird Table"', ("Weird Table",)),
        ('shop."a.b"."c""d"', ("shop", "a.b", 'c"d')),
        ("größe", ("größe",)),
        ("ÄRGER", ("Ärger",)),
        ("_a$1", ("_a$1",)),
    ],
)
def test_a_name_is_read_as_postgresql_reads_it(text: str, names: tuple[str, ...]) -> None:
    """Only ASCII letters are folded."""
    assert identifiers(text) == names


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "1a", "a b", "a;b", '"a', '""', "a-b", "a..b", "é" * 32, "a\n"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """Nothing else can reach a statement this way."""
    with pytest.raises(ValueError, match=r"PostgreSQL|quotes"):
        identifiers(text)


def test_all_spellings_of_a_name_have_one_canonical_form() -> None:
    """Names are compared in it."""
    assert {canonical(text) for text in ("A.B", 'a."b"', '"a".b')} == {"a.b"}
    assert canonical('"A"') == '"A"'
