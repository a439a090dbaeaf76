"""Settings come from four places, say from which, and never hold a surprise."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migrator.errors import MigratorError
from migrator.settings import (
    BadSettingError,
    MissingSettingError,
    SettingsError,
    SettingsFileError,
    UnknownSettingError,
    load_settings,
)

NOWHERE = Path("/nowhere/at/all")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def refused(
    flags: dict[str, object] | None = None, environ: dict[str, str] | None = None, cwd: Path = NOWHERE
) -> list[MigratorError]:
    with pytest.raises(SettingsError) as raised:
        load_settings(flags or {}, environ=environ or {}, cwd=cwd)
    return [raised.value, *raised.value.others]


def test_without_anything_the_defaults_hold() -> None:
    """Nothing has to be set, except the database."""
    settings = load_settings({}, environ={}, cwd=NOWHERE)
    assert settings.database_url is None
    assert (settings.alembic_ini, settings.plans) == (NOWHERE / "alembic.ini", NOWHERE / "plans")
    assert settings.alembic_name == "alembic"
    assert (settings.lock_timeout, settings.lock_wait) == (timedelta(seconds=2), timedelta(minutes=5))
    assert settings.build_wait == timedelta(hours=6)
    assert {settings.origin(name) for name in ("database_url", "plans", "lock_wait")} == {"default"}


def test_flags_win_over_the_environment_which_wins_over_the_file(tmp_path: Path) -> None:
    """And each value says where it came from."""
    write(
        tmp_path / "pyproject.toml",
        """
        [tool.migrator]
        lock_timeout = "1s"
        lock_wait = "1m"
        build_wait = "1h"
        """,
    )
    environ = {"MIGRATOR_LOCK_TIMEOUT": "2s", "MIGRATOR_LOCK_WAIT": "2m", "HOME": "/root"}
    flags = {"lock_timeout": "3s", "lock_wait": None, "plans": None}
    settings = load_settings(flags, environ=environ, cwd=tmp_path)
    assert (settings.lock_timeout, settings.origin("lock_timeout")) == (timedelta(seconds=3), "--lock-timeout")
    assert (settings.lock_wait, settings.origin("lock_wait")) == (
        timedelta(minutes=2),
        "environment MIGRATOR_LOCK_WAIT",
    )
    assert (settings.build_wait, settings.origin("build_wait")) == (
        timedelta(hours=1),
        "pyproject.toml [tool.migrator]",
    )
    assert settings.origin("alembic_name") == "default"


def test_the_special_name_of_the_database_wins_over_the_common_one() -> None:
    """DATABASE_URL often belongs to the application."""
    common = {"DATABASE_URL": "postgresql://a/b"}
    settings = load_settings({}, environ=common, cwd=NOWHERE)
    assert (settings.database_url, settings.origin("database_url")) == ("postgresql://a/b", "environment DATABASE_URL")
    both = {"MIGRATOR_DATABASE_URL": "postgresql://c/d", **common}
    assert load_settings({}, environ=both, cwd=NOWHERE).database_url == "postgresql://c/d"
    flags = {"database_url": "postgresql://e/f"}
    assert load_settings(flags, environ=both, cwd=NOWHERE).require_database_url() == "postgresql://e/f"


def test_a_variable_that_is_empty_is_not_set() -> None:
    """CI systems do that where a secret is missing."""
    assert load_settings({}, environ={"DATABASE_URL": "", "MIGRATOR_PLANS": ""}, cwd=NOWHERE).database_url is None


def test_a_command_that_needs_a_database_says_how_to_name_one() -> None:
    """`check` needs none, so it is not an error before."""
    with pytest.raises(MissingSettingError) as raised:
        load_settings({}, environ={}, cwd=NOWHERE).require_database_url()
    assert "DATABASE_URL" in raised.value.help


def test_paths_start_from_the_file_that_sets_them(tmp_path: Path) -> None:
    """A command works from every folder of a project."""
    write(
        tmp_path / "pyproject.toml",
        """
        [tool.migrator]
        database_url = "embedded:.migrator/pg"
        alembic_ini = "db/alembic.ini"
        """,
    )
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    settings = load_settings({}, environ={"MIGRATOR_PLANS": "my-plans"}, cwd=below)
    assert settings.database_url == f"embedded:{tmp_path}/.migrator/pg"
    assert settings.alembic_ini == tmp_path / "db" / "alembic.ini"
    assert settings.plans == below / "my-plans"
    assert settings.origin("alembic_ini") == "../../pyproject.toml [tool.migrator]"


def test_default_paths_start_from_the_project(tmp_path: Path) -> None:
    """The folder of the settings file is the project, whatever the file sets."""
    write(tmp_path / "migrator.toml", "")
    (tmp_path / "src").mkdir()
    assert load_settings({}, environ={}, cwd=tmp_path / "src").plans == tmp_path / "plans"


@pytest.mark.parametrize("url", ["embedded:/var/pg", "embedded:pg"])
def test_an_embedded_server_named_on_the_command_line_starts_from_the_current_folder(url: str) -> None:
    """As any other path on a command line."""
    settings = load_settings({"database_url": url}, environ={}, cwd=NOWHERE)
    assert settings.database_url == f"embedded:{NOWHERE / url.removeprefix('embedded:')}"


def test_the_nearest_settings_file_counts_and_migrator_toml_first(tmp_path: Path) -> None:
    """A pyproject.toml that does not mention migrator is somebody else's."""
    write(tmp_path / "pyproject.toml", '[tool.migrator]\nalembic_name = "outer"\n')
    inner = tmp_path / "inner"
    write(inner / "pyproject.toml", "[project]\nname = 'x'\n")
    assert load_settings({}, environ={}, cwd=inner).alembic_name == "outer"
    write(inner / "pyproject.toml", '[tool.migrator]\nalembic_name = "inner"\n')
    assert load_settings({}, environ={}, cwd=inner).alembic_name == "inner"
    write(inner / "migrator.toml", 'alembic_name = "own"\n')
    settings = load_settings({}, environ={}, cwd=inner)
    assert (settings.alembic_name, settings.origin("alembic_name")) == ("own", "migrator.toml")


def test_all_errors_come_at_once_with_their_lines(tmp_path: Path) -> None:
    """Those of the file and those of the environment."""
    path = write(
        tmp_path / "pyproject.toml",
        """\
        [tool.other]
        lock_wate = "1s"
        [tool.migrator]
        lock_timeout = 2
          lock_wate = "1m"
        build_wait = "1 h"
        "planz" = "p"
        """,
    )
    environ = {"MIGRATOR_LOK_TIMEOUT": "1s", "MIGRATOR_TEST_POSTGRES": "wheel", "OTHER": "x"}
    found = refused(environ=environ, cwd=tmp_path)
    places = {(type(error), error.where.line, error.where.column) for error in found if error.where}
    assert places == {
        (BadSettingError, 4, 1),
        (UnknownSettingError, 5, 3),
        (BadSettingError, 6, 1),
        (UnknownSettingError, 7, 1),
    }
    assert {error.where.path for error in found if error.where} == {path}
    assert {error.help for error in found if isinstance(error, UnknownSettingError)} == {
        "did you mean lock_wait?",
        "did you mean plans?",
        "did you mean MIGRATOR_LOCK_TIMEOUT?",
    }
    assert all(error.exit_code == 2 for error in found)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('tool.migrator.plan = "x"\n', 1),
        ('[tool]\nmigrator.plan = "x"\n', 2),
        ('[tool]\nmigrator = {plan = "x"}\n', 2),
        ("[tool.migrator.plan]\nx = 1\n", 1),
        ('[tool.migrator]\nalembic_name = """\nplan = 1"""\nplan = 2\n', 4),
    ],
)
def test_a_key_that_is_written_in_another_way_has_its_line_too(tmp_path: Path, text: str, line: int) -> None:
    """TOML has many spellings of a key."""
    write(tmp_path / "pyproject.toml", text)
    (error,) = refused(cwd=tmp_path)
    assert error.where
    assert (type(error), error.where.line) == (UnknownSettingError, line)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lock_timeout", "0s"),
        ("lock_timeout", "2h"),
        ("lock_timeout", "fast"),
        ("lock_wait", "-1s"),
        ("build_wait", "0s"),
        ("plans", " "),
        ("alembic_name", 5),
        ("alembic_ini", ["a"]),
        ("database_url", 5),
        ("lock_wait", True),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_refused_with_its_origin(name: str, value: object) -> None:
    """A lock timeout of nothing would wait for ever."""
    (error,) = refused({name: value})
    assert isinstance(error, BadSettingError)
    assert error.message.startswith(f"{name} must")
    assert error.notes == (f"it comes from --{name.replace('_', '-')}",)


@pytest.mark.parametrize(
    ("content", "line"), [(b"a = \n", 1), (b"[tool\n", 1), (b"x = 1\nx = 2\n", 2), (b"a = '\xff'", 0), (b'a = """', 1)]
)
def test_a_file_that_is_not_toml_is_refused_at_its_place(tmp_path: Path, content: bytes, line: int) -> None:
    """As far as the parser can tell."""
    (tmp_path / "migrator.toml").write_bytes(content)
    (error,) = refused(cwd=tmp_path)
    assert error.where
    assert (type(error), error.where.line) == (SettingsFileError, line)


def test_what_is_wrong_with_the_limits_of_a_throttle_has_its_line(tmp_path: Path) -> None:
    """A plan is refused for it before anything runs."""
    from migrator.engine.throttling import bad_throttle

    text = """
        plans = "plans"  # not wal_rat
        [throttle]
        replica_lag = "5x"
        wal_rat = "20MB/s"
        bloat = 20
    """
    write(tmp_path / "migrator.toml", text)
    found = list(bad_throttle(load_settings({}, environ={}, cwd=tmp_path)))
    assert [(type(error), error.where.line) for error in found if error.where] == [
        (UnknownSettingError, 5),
        (BadSettingError, 4),
        (BadSettingError, 6),
    ]
    inline = load_settings({}, environ={"MIGRATOR_THROTTLE": "bloat=20"}, cwd=NOWHERE)
    assert [(error.where, error.notes) for error in bad_throttle(inline)] == [
        (None, ("it comes from environment MIGRATOR_THROTTLE",))
    ]


def test_passwords_are_not_shown() -> None:
    """Neither by the settings nor by an error about them."""
    settings = load_settings({"database_url": "postgresql://u:geheim@h/d"}, environ={}, cwd=NOWHERE)
    assert "geheim" not in repr(settings)


@example({"plans": "~nobody-of-this-name/plans"})
@given(
    st.dictionaries(st.sampled_from(["lock_timeout", "plans", "x y", "tool"]), st.integers() | st.text(), max_size=3)
)
def test_any_file_gives_settings_or_errors_that_point_into_it(content: dict[str, object]) -> None:
    """Whatever types it has."""
    text = "\n".join(f"{name!r} = {value!r}" for name, value in content.items())
    places: list[int] = []
    with TemporaryDirectory() as folder:
        (Path(folder) / "migrator.toml").write_bytes(text.encode("utf-8", "replace"))
        try:
            load_settings({}, environ={}, cwd=Path(folder))
        except SettingsError as error:
            places = [one.where.line for one in (error, *error.others) if one.where]
    assert all(0 <= line <= text.count("\n") + 1 for line in places)


def test_settings_load_nothing_but_the_standard_library() -> None:
    """Every command waits for them."""
    program = "import sys, migrator.settings; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-Sc", f"import sys; sys.path.insert(0, '.')\n{program}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    foreign = set(done.stdout.split()) - sys.stdlib_module_names - {"migrator"}
    assert {name for name in foreign if not name.startswith("_")} == set()
