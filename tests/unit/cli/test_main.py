from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer

from migrator.cli import app, main
from migrator.cli.app import declared
from migrator.cli.bug import bug
from migrator.cli.options import SETTINGS
from migrator.settings import load_settings


def test_the_help_lists_the_commands_by_what_they_are_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    listed = re.findall(r"^  ([a-z]+)  ", capfd.readouterr().out.split("Carry out a plan:")[1], re.MULTILINE)
    assert listed[:5] == ["plan", "apply", "backfill", "approve", "rollback"]
    assert {"upgrade", "downgrade", "status", "history", "verify", "doctor"} <= set(listed)
    assert listed[-2:] == ["explain", "demo"]


def test_without_arguments_the_help_is_shown_and_the_exit_code_is_that_of_a_bad_invocation(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Usage: migrator")


@pytest.mark.parametrize("command", declared(), ids=lambda command: command.name)
def test_the_help_of_a_command_ends_with_two_examples(command: app.Command, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([command.name, "--help"]) == 0

    lines = capfd.readouterr().out.rstrip().splitlines()
    assert lines[-3] == "Examples:"
    assert [line.strip() for line in lines[-2:]] == list(command.examples)


@pytest.mark.parametrize("example", [example for command in declared() for example in command.examples])
def test_an_example_is_understood(example: str) -> None:
    name, subcommand, *arguments = shlex.split(example.split(" | ", maxsplit=1)[0])
    group = typer.main.get_command(app.build())

    assert name == "migrator"
    assert group.commands[subcommand].make_context(subcommand, arguments)  # type: ignore[attr-defined]


USAGE_ERRORS = [
    (["aply", "x"], "unknown command aply", "did you mean apply? See: migrator --help"),
    (["zzz"], "unknown command zzz", "valid commands: apply, approve,"),
    (["apply"], "missing argument 'PLAN'", "See: migrator apply --help"),
    (["apply", "x", "y"], "got unexpected extra argument(s) (y)", "See: migrator apply --help"),
    (["apply", "x", "--lok-wait", "3s"], "no such option: --lok-wait", "did you mean --lock-wait?"),
    (["apply", "x", "--to", "start"], "invalid value for '--to': 'start' is not one of", "See: migrator apply --help"),
    (["plan", "x", "--format", "xml"], "unknown format xml", "valid formats: json, text"),
    (["explain", "MG999"], "no error has the code MG999", "See: migrator explain list"),
    (["rollback", "x", "--to", "expand"], "rollback needs a confirmation", "migrator rollback x --to expand --yes"),
]


@pytest.mark.parametrize(("arguments", "message", "advice"), USAGE_ERRORS, ids=lambda value: str(value)[:24])
def test_a_command_line_that_cannot_be_understood_is_one_error_with_advice(
    arguments: list[str], message: str, advice: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    shown = capfd.readouterr()
    assert shown.out == ""
    assert re.match(rf"error\[MG10\d\]: {re.escape(message)}", shown.err)
    assert re.search(rf"^  help: .*{re.escape(advice)}", shown.err, re.MULTILINE)
    assert re.search(r"^  more: migrator explain MG10\d$", shown.err, re.MULTILINE)


def test_with_the_json_format_even_a_usage_error_is_an_object(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", "--format", "json"]) == 2

    shown = capfd.readouterr()
    assert json.loads(shown.out)["error"]["code"] == "MG101"
    assert shown.err.startswith("error[MG101]")


def test_a_plan_with_errors_is_refused_before_any_server_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("plan: x\nexpnd: []\n")

    assert main(["apply", "bad.yaml", "--database-url", "postgresql://nobody@127.0.0.1:1/x"]) == 2
    assert "--> bad.yaml:2:1" in capfd.readouterr().err


def test_a_code_is_explained_in_any_case(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "mg101"]) == 0

    assert capfd.readouterr().out.startswith("MG101: exit code 2\n\nThe command line cannot be understood")


def test_every_flag_for_a_setting_is_a_setting_and_so_is_its_variable(tmp_path: Path) -> None:
    values = {"lock_timeout": "3s", "lock_wait": "3m"}
    for setting in SETTINGS:
        value = values.get(setting.key, "x")
        by_flag = load_settings({setting.key: value}, environ={}, cwd=tmp_path)
        by_variable = load_settings({}, environ={setting.variable: value}, cwd=tmp_path)

        assert getattr(by_flag, setting.key) == getattr(by_variable, setting.key)
        assert by_flag.origin(setting.key) == setting.flag
        assert by_variable.origin(setting.key) == f"environment {setting.variable}"


def test_a_bug_keeps_its_traceback_without_passwords_and_exits_70(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        raise KeyError("postgresql://ann:secret@host/db")
    except KeyError as error:
        told = bug(error, {})

    (kept,) = tmp_path.iterdir()
    assert told.exit_code == 70
    assert told.message == "this is a bug in migrator: KeyError: 'postgresql://ann:***@host/db'"
    assert told.notes == (f"the traceback is in {kept}",)
    assert "Traceback" in kept.read_text()
    assert "secret" not in kept.read_text()
    assert capfd.readouterr().err == ""


def test_a_bug_prints_its_traceback_where_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    bug(ValueError("password=secret"), {"MIGRATOR_DEBUG": "1"})

    assert capfd.readouterr().err.endswith("ValueError: password=***\n")


def test_a_bug_is_told_even_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))

    (note,) = bug(ValueError("x"), {}).notes

    assert note.startswith("the traceback could not be kept")
