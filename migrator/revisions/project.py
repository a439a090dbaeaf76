"""An Alembic project as files: its configuration, its history, its revision modules. Never talks to a server."""

from __future__ import annotations

import ast
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError

from migrator.errors import Location, MigratorError
from migrator.revisions.errors import ProjectError, RevisionFileError, SeveralHeadsError, UnknownRevisionError
from migrator.revisions.plain_form import PlainForm, plain_form
from migrator.revisions.team_files import brief, place_of
from migrator.spelling import nearest


class Project:
    """The Alembic project that `ini` describes, in section `name`, with ``-x`` arguments `x`.

    `plain` holds the revisions that are to run as they are written, each with the reason.
    """

    def __init__(
        self, ini: Path, name: str = "alembic", x: Sequence[str] = (), plain: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        if not ini.is_file():
            raise ProjectError(
                f"there is no Alembic configuration at {ini}", help="say where it is: --alembic-ini path/to/alembic.ini"
            )
        self.ini = ini
        self.name = name
        self.x = tuple(x)
        self.plain = dict(plain)

    @property
    def key(self) -> str:
        """What tells this project from others in one database's ledger."""
        return f"{self.ini.name}:{self.name}"

    def config(self) -> Config:
        """Return a fresh configuration; `env.py` may change it."""
        from argparse import Namespace  # noqa: PLC0415 - the form in which Alembic carries -x

        options = Namespace(x=list(self.x)) if self.x else None
        return Config(str(self.ini), ini_section=self.name, stdout=io.StringIO(), cmd_opts=options)

    @cached_property
    def scripts(self) -> ScriptDirectory:
        try:
            return ScriptDirectory.from_config(self.config())
        except CommandError as error:
            raise ProjectError(f"{self.ini}: {error}", help="check script_location in that file") from error

    @cached_property
    def env_repeats(self) -> bool:
        """Whether `env.py`, by its text, may run the history more than once: for several schemas, or databases."""
        nodes = list(ast.walk(ast.parse(Path(self.scripts.env_py_location).read_text("utf-8"))))
        loops = any(isinstance(node, ast.For | ast.AsyncFor | ast.While) for node in nodes)
        functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
        running = {function.name for function in functions if "run_migrations" in ast.dump(function)}
        called = [node.func for node in nodes if isinstance(node, ast.Call)]
        calls = Counter(name.id for name in called if isinstance(name, ast.Name))
        return loops or any(calls[name] > 1 for name in running)

    def script(self, revision: str, where: Location | None = None) -> Script:
        """Return the revision that `revision` means, loading its file.

        Raises:
            UnknownRevisionError, SeveralHeadsError, RevisionFileError
        """
        try:
            found = self.scripts.get_revision(revision)
        except CommandError as error:
            if "multiple heads" in str(error).lower():
                raise self._several_heads(where) from error
            raise self._unknown(revision, str(error), where) from error
        except MigratorError:
            raise
        except Exception as error:
            raise self.file_error("a revision file", error) from error
        if found is None:
            raise self._unknown(revision, "it stands for the empty database", where)
        return found

    def plain_form(self, script: Script) -> PlainForm:
        """Return which statements of a revision are to run as they are written.

        Raises:
            NoReasonError
        """
        return plain_form(str(script.module.__file__), self._chosen.get(script.revision, ""))

    @cached_property
    def _chosen(self) -> dict[str, str]:
        return {self.script(revision).revision: reason for revision, reason in self.plain.items()}

    def _unknown(self, revision: str, reason: str, where: Location | None) -> UnknownRevisionError:
        guess = nearest(revision, (script.revision for script in self.scripts.walk_revisions()))
        return UnknownRevisionError(
            f"there is no revision {revision}",
            where=where,
            notes=[reason],
            help=f"{f'did you mean {guess}? ' if guess else ''}list them: alembic -c {self._shown} history",
        )

    @property
    def _shown(self) -> str:
        """The path of the configuration as a person in the current folder would type it."""
        return str(self.ini.relative_to(Path.cwd()) if self.ini.is_relative_to(Path.cwd()) else self.ini)

    def _several_heads(self, where: Location | None) -> SeveralHeadsError:
        heads = ", ".join(self.scripts.get_heads())
        return SeveralHeadsError(
            f"the history of revisions has several heads: {heads}",
            where=where,
            help=f"merge them: alembic -c {self._shown} merge heads",
        )

    def require_one_head(self, where: Location | None = None) -> None:
        """Refuse a history with several heads: what comes after what must not be a guess.

        Raises:
            SeveralHeadsError
        """
        if len(self.heads) > 1:
            raise self._several_heads(where)

    @cached_property
    def heads(self) -> tuple[str, ...]:
        try:
            return tuple(self.scripts.get_heads())
        except MigratorError:
            raise
        except Exception as error:
            raise self.file_error("a revision file", error) from error

    def file_error(self, subject: str, error: BaseException, notes: Sequence[str] = ()) -> RevisionFileError:
        """Return how to tell that a file of the project, called `subject`, raised `error`."""
        folders = [Path(self.scripts.dir), *map(Path, self.scripts._version_locations)]  # noqa: SLF001 - no public way
        return RevisionFileError(
            f"{subject} raised {brief(error)}",
            where=place_of(error, folders),
            notes=list(notes),
            help="correct the file, and run the same command again",
        )

    def ancestors(self, revisions: Sequence[str]) -> frozenset[str]:
        """Return `revisions` and everything they build on: what is applied where they are the heads."""
        seen: set[str] = set()
        pending = [revision for revision in revisions if self._exists(revision)]
        while pending:
            script = self.scripts.get_revision(pending.pop())
            if script.revision not in seen:
                seen.add(script.revision)
                pending.extend(script._all_down_revisions)  # noqa: SLF001 - the public one leaves out depends_on
        return frozenset(seen)

    def _exists(self, revision: str) -> bool:
        try:
            return self.scripts.get_revision(revision) is not None
        except CommandError:
            return False
