"""A plan file that is wrong says everything that is wrong with it, and where."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from migrator.plan import Plan, load_plan
from migrator.plan.errors import (
    BadValueError,
    DuplicateKeyError,
    MisplacedStepError,
    MissingKeyError,
    PlanError,
    PlanNotFoundError,
    PlanSyntaxError,
    PlanUnreadableError,
    StepKindError,
    UnknownKeyError,
)

Read: TypeAlias = Callable[[str], Plan]
Refuse: TypeAlias = Callable[[str], list[PlanError]]
GATE = "plan: p\nexpand:\n  - gate: x\n"


def at(error: PlanError) -> tuple[type[PlanError], int, int]:
    """Return the class, line and column of an error."""
    return type(error), error.where.line, error.where.column


def in_step(lines: str) -> str:
    """Return a plan with one step in migrate, whose first line is line 3 of the file."""
    return "plan: p\nmigrate:\n" + "".join(f"  {line}\n" for line in lines.splitlines())


def test_all_errors_of_a_file_come_at_once_in_the_order_of_its_lines(refuse: Refuse) -> None:
    """Nobody wants to run a command once per error."""
    found = refuse(
        """\
        plan: Product Tags
        sumary: a
        lock_timeout: 2
        expand:
          - revison: ab
          - dual_write:
              table: t
              forward: {a: b}
            into: u
        migrate:
          - backfill:
              table: products
              chunk_rows: 10
              fixed: yes
              throttle: {replica_lg: 5s}
              table: other
          - verify: products
        contract:
          - dual_write: {table: a, forward: {b: c}}
        """
    )
    assert [at(error) for error in found] == [
        (BadValueError, 1, 7),
        (UnknownKeyError, 2, 1),
        (BadValueError, 3, 15),
        (StepKindError, 5, 5),
        (UnknownKeyError, 9, 5),
        (MissingKeyError, 12, 7),
        (BadValueError, 13, 19),
        (BadValueError, 14, 14),
        (UnknownKeyError, 15, 18),
        (DuplicateKeyError, 16, 7),
        (BadValueError, 17, 13),
        (MisplacedStepError, 19, 5),
    ]
    assert found[1].help == "did you mean summary?"
    assert found[2].help == "did you mean 2s?"
    assert found[3].help == "did you mean revision?"
    assert "below dual_write" in found[4].help
    assert found[8].help == "did you mean replica_lag?"
    assert found[8].where.context == "migrate, step 1: backfill products"
    assert found[8].where.excerpt == "      throttle: {replica_lg: 5s}"
    assert all(error.exit_code == 2 for error in found)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\n\n"])
def test_an_empty_file_says_how_to_begin(refuse: Refuse, text: str) -> None:
    """It is the first thing that people try."""
    (error,) = refuse(text)
    assert isinstance(error, PlanUnreadableError)
    assert "plan: NAME" in error.help


@pytest.mark.parametrize(
    ("text", "what"), [("- plan: p\n", "a list"), ("hello\n", "the text 'hello'"), ("[]", "a list")]
)
def test_a_file_that_is_no_mapping_is_refused(refuse: Refuse, text: str, what: str) -> None:
    """The error names what the file is instead."""
    (error,) = refuse(text)
    assert at(error) == (BadValueError, 1, 1)
    assert error.message == f"a plan is a mapping, not {what}"


@pytest.mark.parametrize("key", ["on", "yes", "No", "null"])
def test_a_key_that_yaml_takes_for_something_else_is_refused(refuse: Refuse, key: str) -> None:
    """Another YAML reader would lose such a column."""
    (error,) = refuse(in_step(f"- backfill: {{table: t, set: {{{key}: a}}}}"))
    assert at(error) == (PlanSyntaxError, 3, 32)
    assert error.help == f'quote it: "{key}"'


@pytest.mark.parametrize("key", ["12", "1.5", "~", "2024-01-01", "a b", '""'])
def test_a_key_that_cannot_be_a_column_is_refused(refuse: Refuse, key: str) -> None:
    """SQL would not take it without quotes of its own."""
    (error,) = refuse(in_step(f"- backfill: {{table: t, set: {{{key}: a}}}}"))
    assert at(error) == (BadValueError, 3, 32)


def test_a_boolean_as_a_key_is_told_what_it_could_mean(refuse: Refuse) -> None:
    """The nearest valid key is named together with what YAML made of it."""
    (error,) = refuse(in_step("- verify: {table: t, no: x}"))
    assert at(error) == (UnknownKeyError, 3, 24)
    assert error.help == "did you mean none?"
    assert error.notes == ("YAML 1.1 reads the key no as a boolean",)


def test_a_quoted_boolean_is_a_column(read: Read) -> None:
    """Quoting is the way out that the error offers."""
    plan = read(in_step('- backfill: {table: t, set: {"on": a}}'))
    assert plan.migrate[0].set == {"on": "a"}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("plan: p\n\texpand: []\n", 2, 1, "tab"),
        ("plan: p\nexpand: [\n", 3, 1, "YAML"),
        ("plan: a: b\n", 1, 8, "YAML"),
        ("plan: 'p\n", 2, 1, "YAML"),
        ("plan: p\x07\n", 1, 8, "U+0007"),
        (GATE + "---\nplan: q\n", 4, 1, "second document"),
        ("plan: !!python/object:os.system p\nexpand: [gate: x]\n", 1, 7, "tag"),
        ("plan: &a p\nexpand: [gate: x]\n", 1, 7, "anchors"),
        ("plan: p\nexpand: [gate: *a]\n", 2, 16, "anchors"),
        ("plan: p\n? [a, b]\n: c\nexpand: [gate: x]\n", 2, 3, "key must be a text"),
        ("plan: " + "[" * 100 + "]" * 100, 1, 27, "nested"),
    ],
)
def test_yaml_that_plans_do_without_is_refused_at_its_place(
    refuse: Refuse, text: str, line: int, column: int, words: str
) -> None:
    """Broken YAML and what hides the meaning of a plan are errors of the same kind."""
    found = refuse(text)
    assert at(found[0]) == (PlanSyntaxError, line, column)
    assert len(found) == 1
    assert words in found[0].message


def test_merge_keys_are_refused(refuse: Refuse) -> None:
    """What a step does stands in the step."""
    found = refuse(in_step("- backfill:\n    <<: *base\n    table: t\n    set: {a: b}"))
    assert [at(error) for error in found] == [(UnknownKeyError, 4, 7), (PlanSyntaxError, 4, 11)]


def test_a_bomb_of_aliases_is_refused_quickly(refuse: Refuse) -> None:
    """Nine levels of nine aliases stand for hundreds of millions of entries."""
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    assert {type(error) for error in refuse("\n".join(levels))} >= {PlanSyntaxError}


@pytest.mark.parametrize(
    ("step", "column", "words"),
    [
        ("- backfill: {table: t, set: {a: b}, chunk_rows: 99}", 51, "from 100 to 200000, not 99"),
        ("- backfill: {table: t, set: {a: b}, chunk_rows: 200001}", 51, "from 100 to 200000"),
        ("- backfill: {table: t, set: {a: b}, chunk_rows: 1e4}", 51, "whole number"),
        ("- backfill: {table: t, set: {a: b}, chunk_rows: '1000'}", 51, "whole number"),
        ("- backfill: {table: t, set: {a: b}, chunk_rows: 01000}", 51, "whole number"),
        ("- backfill: {table: t, set: {a: b}, chunk_target: 0s}", 53, "from 1ms"),
        ("- backfill: {table: t, set: {a: b}, chunk_target: 5 s}", 53, "a duration such as"),
        ("- backfill: {table: t, set: {a: b}, fixed: on}", 46, "true or false"),
        ("- backfill: {table: t, set: {a: b}, throttle: 5s}", 49, "must be a mapping"),
        ("- backfill: {table: t, set: {a: b}, where: }", 46, "must not be empty"),
        ("- backfill: {table: t, set: {a: b}, irreversible: ' '}", 53, "must not be empty"),
        ("- backfill: {table: t, set: {}}", 31, "at least one column"),
        ("- backfill: {table: t, set: [a]}", 31, "must be a mapping of columns, not a list"),
        ("- backfill: {table: t, set: {a: [b]}}", 35, "set.a must be a text, not a list"),
        ("- backfill: {table: t, set: {t.a: b}}", 32, "without their table"),
        ("- backfill: {table: t, set: {A: b, a: c}}", 38, "one column twice: A and a"),
        ("- backfill: {table: a.b.c, set: {a: b}}", 23, "must be a table"),
        ("- backfill: {table: t; drop, set: {a: b}}", 23, "must be a table"),
        ("- backfill: {table: " + "t" * 64 + ", set: {a: b}}", 23, "must be a table"),
        ("- revision: heads", 15, "id of one revision"),
        ("- revision: ab+1", 15, "id of one revision"),
        ("- revision: [ab]", 15, "must be a text, not a list"),
        ("- gate: ''", 11, "must not be empty"),
        ("- verify: {table: t, none: {a: b}}", 30, "must be a text, not a mapping"),
    ],
)
def test_a_value_that_its_key_cannot_have_is_refused_at_its_place(
    refuse: Refuse, step: str, column: int, words: str
) -> None:
    """The column is that of the value."""
    (error,) = refuse(in_step(step))
    assert at(error) == (BadValueError, 3, column)
    assert words in error.message


@pytest.mark.parametrize(
    ("step", "line", "column", "words"),
    [
        ("- dual_write: {table: t, forward: {a: b}, into: u}", 3, 51, "needs the key"),
        ("- dual_write: {table: t, forward: {a: b}, key: {c: d}}", 3, 50, "goes with into"),
        ("- dual_write: {table: t, forward: {a: b}, backward: {A: c}}", 3, 56, "computed forward already"),
    ],
)
def test_the_sides_of_a_dual_write_have_to_fit(refuse: Refuse, step: str, line: int, column: int, words: str) -> None:
    """Such a trigger could not find its row or would overwrite itself."""
    (error,) = refuse(in_step(step).replace("migrate", "expand"))
    assert at(error) == (BadValueError, line, column)
    assert words in error.message


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        ("- revision: a\n  gate: b", StepKindError, "several things: revision, gate"),
        ("- {}", StepKindError, "no keys"),
        ("- table: t", StepKindError, "it has table"),
        ("- do it", BadValueError, "a step is a mapping, not the text 'do it'"),
        ("- [gate]", BadValueError, "a step is a mapping, not a list"),
        ("-", BadValueError, "a step is a mapping, not nothing"),
    ],
)
def test_a_step_has_exactly_one_kind(refuse: Refuse, step: str, kind: type[PlanError], words: str) -> None:
    """The error says what the step is instead."""
    (error,) = refuse(in_step(step))
    assert isinstance(error, kind)
    assert words in error.message
    assert error.where.context == "migrate, step 1"


def test_missing_keys_are_named_with_what_they_are_for(refuse: Refuse) -> None:
    """Each is an error of its own, at the step."""
    found = refuse(in_step("- backfill: {where: x}"))
    assert [at(error) for error in found] == [(MissingKeyError, 3, 15)] * 2
    assert [error.message for error in found] == ["backfill does not say what it does", "backfill needs the key table"]
    assert found[1].help.startswith("add table: The table whose rows")


@pytest.mark.parametrize(
    ("keys", "column", "words"),
    [
        ("delete: true", 26, "needs where"),
        ("delete: false, where: a", 34, "delete must be true"),
        ("delete: true, where: a, set: {a: b}", 50, "has set, which does not go with delete"),
        ("delete: true, where: a, archive: [u]", 59, "archive must name the table"),
        ("from: u, set: {a: b}", 26, "needs join"),
        ("from: x.t, join: a, set: {a: b}", 32, "from must be another table"),
        ("set: {a: b}, join: c", 39, "has join, which does not go with set"),
        ("into: u, set: {a: b}, on_conflict: update", 61, "on_conflict must be nothing or"),
        ("into: u, set: {a: b}, on_conflict: {key: [], update: {a: b}}", 67, "key must name at least one column"),
        ("python: module, read: [a], write: [b]", 34, "python must be a function such as"),
        ("ste: {a: b}", 26, "unknown key ste"),
    ],
)
def test_keys_of_a_backfill_go_together(refuse: Refuse, keys: str, column: int, words: str) -> None:
    """What a step does is told by one of its keys, and the others have to fit to it."""
    (error,) = refuse(in_step(f"- backfill: {{table: t, {keys}}}"))
    assert (error.where.line, error.where.column) == (3, column)
    assert words in error.message


def test_a_plan_without_a_name_is_refused(refuse: Refuse) -> None:
    """Runs are recorded under the name."""
    (error,) = refuse("expand:\n  - gate: x\n")
    assert (type(error), error.message) == (MissingKeyError, "the plan needs the key plan")


@pytest.mark.parametrize("text", ["plan: p\n", "plan: p\nexpand: []\nmigrate:\n"])
def test_a_plan_without_steps_is_refused(refuse: Refuse, text: str) -> None:
    """Doing nothing is rarely what was meant."""
    (error,) = refuse(text)
    assert (type(error), error.message) == (MissingKeyError, "the plan has no steps")


@pytest.mark.parametrize("value", ["{gate: x}", "gate"])
def test_a_phase_is_a_list(refuse: Refuse, value: str) -> None:
    """A single step still needs its dash."""
    (error,) = refuse(f"plan: p\nexpand: {value}\n")
    assert at(error) == (BadValueError, 2, 9)
    assert error.message.startswith("expand must be a list, not")


@pytest.mark.parametrize(
    ("phase", "step", "words"),
    [
        ("migrate", "dual_write: {table: t, forward: {a: b}}", "move it to expand"),
        ("contract", "dual_write: {table: t, forward: {a: b}}", "move it to expand"),
        ("contract", "backfill: {table: t, set: {a: b}}", "move it to expand or migrate"),
        ("contract", "verify: {table: t, none: a}", "move it to expand or migrate"),
        ("contract", "verify: {table: t, nnoe: a}", "move it to expand or migrate"),
    ],
)
def test_a_step_in_a_phase_that_cannot_have_it_is_refused_with_the_reason(
    refuse: Refuse, phase: str, step: str, words: str
) -> None:
    """It is refused even where it has other errors."""
    error = refuse(f"plan: p\nrequires: [q]\n{phase}:\n  - {step}\n")[0]
    assert at(error) == (MisplacedStepError, 4, 5)
    assert error.help == words


@pytest.mark.parametrize("phase", ["expand", "migrate"])
def test_only_contract_has_something_to_archive(refuse: Refuse, phase: str) -> None:
    """Nothing is removed before."""
    (error,) = refuse(f"plan: p\n{phase}:\n  - revision: ab\n    archive: [t.c]\n")
    assert at(error) == (MisplacedStepError, 4, 14)


def test_a_revision_is_in_a_plan_once(refuse: Refuse) -> None:
    """It cannot be applied twice."""
    (error,) = refuse("plan: p\nexpand:\n  - revision: ab\ncontract:\n  - revision: ab\n")
    assert at(error) == (MisplacedStepError, 5, 5)
    assert error.help == "it is also on line 3"


def test_contract_does_not_come_first(refuse: Refuse, read: Read) -> None:
    """What it removes must have been replaced, here or by a plan before."""
    (error,) = refuse("plan: p\ncontract:\n  - revision: ab\n")
    assert at(error) == (MisplacedStepError, 2, 1)
    assert read("plan: p\nrequires: [q]\ncontract:\n  - revision: ab\n").step_count == 1


def test_a_plan_does_not_require_itself(refuse: Refuse) -> None:
    """It could never start."""
    (error,) = refuse("plan: p\nrequires: [q, p]\nexpand:\n  - gate: x\n")
    assert at(error) == (MisplacedStepError, 2, 15)


def test_a_missing_file_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """Most missing files are mistyped."""
    (tmp_path / "0002_product_tags.yaml").write_text(GATE)
    with pytest.raises(PlanNotFoundError) as raised:
        load_plan(tmp_path / "0002_product_tag.yaml")
    assert raised.value.help == f"did you mean {tmp_path / '0002_product_tags.yaml'}?"


def test_a_file_that_cannot_be_a_plan_is_refused(tmp_path: Path) -> None:
    """Folders, pipes, foreign encodings and data are refused before they are parsed."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"plan: p\nsummary: caf\xe9\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * 1_000_001)
    said = {}
    for path in (tmp_path, *tmp_path.iterdir()):
        with pytest.raises(PlanUnreadableError) as raised:
            load_plan(path)
        said[path] = raised.value
    assert "is a folder" in said[tmp_path].message
    assert "not a regular file" in said[tmp_path / "pipe.yaml"].message
    assert "larger than 1 MB" in said[tmp_path / "large.yaml"].message
    assert at(said[tmp_path / "latin.yaml"]) == (PlanUnreadableError, 2, 13)


@pytest.mark.parametrize("name", ["a\0b.yaml", "x" * 5000 + ".yaml", "~/nothing-here.yaml", "x.yaml/y.yaml"])
def test_impossible_paths_are_plain_errors(name: str) -> None:
    """Whatever a shell hands over."""
    with pytest.raises((PlanNotFoundError, PlanUnreadableError)):
        load_plan(Path(name))
