"""Rights that the login needs and may lack: what is missing, and what an administrator has to type."""

from __future__ import annotations

import psycopg
from psycopg import sql

from migrator.errors import RefusedError


class MissingRightError(RefusedError):
    """The server denies the login a right that the command needs.

    migrator keeps its ledger in schema `migrator` and its archives in `migrator_archive`, and creates both where they
    are missing, for which a login needs CREATE on the database. Where it is not to have that, somebody who has it
    creates the schemas for it, once: `CREATE SCHEMA migrator AUTHORIZATION login`, and the same for
    `migrator_archive`. What one login has made belongs to it: use the same one for all commands on a database. To
    change a table one must own it, as ever.
    """

    code = "MG312"


def create_schema(connection: psycopg.Connection, name: str) -> None:
    """Create the schema `name` of migrator's own unless it is there.

    Raises:
        MissingRightError
    """
    found = connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", [name]).fetchone()
    if found is not None:
        return
    identifier = sql.Identifier(name)
    try:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(identifier))
    except psycopg.errors.InsufficientPrivilege as error:
        login = sql.Identifier(connection.info.user)
        remedy = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(identifier, login).as_string(connection)
        raise MissingRightError(
            f"the login {connection.info.user} may not create the schema {name} in database {connection.info.dbname}",
            notes=["nothing was changed"],
            help=f"let an administrator of the database run: {remedy}",
        ) from error


def denied(error: psycopg.errors.InsufficientPrivilege) -> MissingRightError:
    """Return how to tell that the server denied a statement of ours."""
    return MissingRightError(
        f"the server says: {error.diag.message_primary or error}",
        notes=["what was committed before stays; nothing else was changed"],
        help="grant it, or use a login that has the right, and run the same command again",
    )
