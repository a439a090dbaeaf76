"""Runs a change on a real server and notes what it did while it kept users of a table out."""

from __future__ import annotations

import re

import psycopg

from migrator.sql.statement import Statement, parse
from migrator.sql.volatility import function_name

_WORK = re.compile(
    r'(?:(rewriting|verifying) table "(?P<table>[^"]+)"|(building) index "[^"]+" on table "(?P<on>[^"]+)")'
)
_WORDS = {"rewriting": "rewrite", "verifying": "scan", "building": "build"}
_STRONG = ("ShareLock", "ShareRowExclusiveLock", "AccessExclusiveLock")
_MANY = 100
_MORE_THAN_A_CHUNK = 1000
"""Rows that are changed at once; a chunk of some hundred is no burden."""
_LOCKED = """
    select c.relnamespace::regnamespace || '.' || c.relname from pg_locks l join pg_class c on c.oid = l.relation
    where l.pid = pg_backend_pid() and l.mode = any(%s) and l.locktype = 'relation'
"""
_READ = """
    select schemaname || '.' || relname, seq_tup_read, n_tup_upd + n_tup_del from pg_stat_xact_user_tables
    where schemaname not in ('pg_toast')
"""
_USERS_TABLES = """
    select relnamespace::regnamespace || '.' || relname, relfilenode from pg_class where relkind in ('r', 'p', 'm')
    and relnamespace::regnamespace::text in ('public', 'billing')
"""


class Witness:
    """What one session does, statement by statement."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.error: psycopg.Error | None = None
        self._said: list[str] = []
        connection.add_notice_handler(lambda said: self._said.append(said.message_primary or ""))
        self._tables = {row[0]: row[1] for row in connection.execute(_USERS_TABLES)}
        self._emptied: set[str] = set()
        connection.execute("set client_min_messages = debug1")

    def run(self, sql: str) -> set[str]:
        """Return what was done to tables in use while others had to wait, and `fails` where the server refused."""
        seen: set[str] = set()
        own = False
        for statement in parse(sql):
            try:
                words = statement.text.upper()
                if words.startswith(("BEGIN", "START")):
                    own = True
                seen |= self._one(statement, own=own)
                if words.startswith(("COMMIT", "ROLLBACK", "END", "ABORT")) and " TO" not in words:
                    own = words.endswith("AND CHAIN")
            except psycopg.Error as error:
                seen.add("fails")
                self.error = error
                break
        return seen

    def _one(self, statement: Statement, *, own: bool) -> set[str]:
        apart = statement.kind == "lock_stmt" or self._commits(statement)
        alone = not own and not apart and _runs_in_a_transaction(statement)
        if alone:
            self._connection.execute("begin")
        before = self._counts() if own or alone else {}
        self._said.clear()
        self._connection.execute(statement.text.encode())
        seen: set[str] = set()
        if (own or alone) and self._connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS:
            seen = self._work() | self._read(before)
            if "TRUNCATE" in statement.text:
                self._emptied |= {name for name in self._tables if name.partition(".")[2] in statement.text}
        if alone:
            self._connection.execute("commit")
        elif not own:
            seen |= self._rewritten()
            if statement.kind == "reindex_stmt" and "CONCURRENTLY" not in statement.text.upper():
                # Of a whole schema: each table in a transaction of its own, whose locks are gone by now.
                seen |= {"build" for one in map(_WORK.match, self._said) if one and one[3]}
        return seen

    def _commits(self, statement: Statement) -> bool:
        """Say whether a block or procedure ends transactions, so that none may be open around it."""
        text = statement.text if statement.kind == "do_stmt" else ""
        if statement.kind == "call_stmt":
            name = function_name(statement.tree.funccall).name
            sources = self._connection.execute("select prosrc from pg_proc where proname = %s", [name]).fetchall()
            text = " ".join(source for (source,) in sources)
        return "COMMIT" in text.upper()

    def _work(self) -> set[str]:
        locked = {name.partition(".")[2] for name in self._locked()}
        found = [_WORK.search(one) for one in self._said]
        return {_WORDS[one[1] or one[3]] for one in found if one and (one["table"] or one["on"]) in locked}

    def _rewritten(self) -> set[str]:
        now = {row[0]: row[1] for row in self._connection.execute(_USERS_TABLES)}
        changed = any(
            node != now[name] for name, node in self._tables.items() if name in now and name not in self._emptied
        )
        return {"rewrite"} if changed else set()

    def _read(self, before: dict[str, tuple[int, int]]) -> set[str]:
        seen: set[str] = set()
        locked = self._locked()
        for name, (read, changed) in self._counts().items():
            was = before.get(name, (0, 0))
            if not self._in_use(name):
                continue
            if changed - was[1] >= _MORE_THAN_A_CHUNK:
                seen.add("long")
            if read - was[0] >= _MANY and locked:
                seen.add("scan")
        return seen

    def _in_use(self, table: str) -> bool:
        return table in self._tables and table not in self._emptied

    def _locked(self) -> set[str]:
        rows = self._connection.execute(_LOCKED, [list(_STRONG)])
        return {row[0] for row in rows if self._in_use(row[0])}

    def _counts(self) -> dict[str, tuple[int, int]]:
        return {name: (read or 0, changed or 0) for name, read, changed in self._connection.execute(_READ)}


def _runs_in_a_transaction(statement: Statement) -> bool:
    from migrator.sql.classify import classify

    effect = classify(statement)
    return effect.transactional and not effect.transaction_control
