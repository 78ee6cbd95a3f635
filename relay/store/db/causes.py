"""What a database error means for the operator: one table for PostgreSQL, one for SQLite.

PostgreSQL gives errors on an open connection a code (https://www.postgresql.org/docs/current/errcodes-appendix.html).
For a refused connection, the driver has only the text, which is English unless the server was set up in another
language; then the cause stays unnamed. SQLite's codes: https://www.sqlite.org/rescode.html. Our sentences never repeat
the address, because it contains a password.
"""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

LOCKED_OUT = ("55P03", "40P01")  # PostgreSQL's codes for a lock timeout and for a deadlock
NOT_PERMITTED = "42501"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a database does not work, and what to do about it; `code` is the finding's."""

    code: str
    message: str
    hint: str


TOO_BUSY = Cause(
    "database_busy",
    "The database is too busy: none of the relay's connections became free in time.",
    "Nothing is lost, and it resumes by itself. If it lasts, the database is too slow for this traffic.",
)
UNKNOWN = Cause(
    "database_unavailable",
    "The database cannot be reached or cannot commit ({kind}).",
    "Look into the database's own log for what it says about it.",
)
AT_IN_PASSWORD = Cause(
    "database_address",
    "DATABASE_URL holds more than one @, so what follows the first is taken for the host.",
    "In the password, write @ as %40, : as %3A, / as %2F, # as %23 and % as %25.",
)
HOST = Cause(
    "database_host",
    "The host in DATABASE_URL cannot be found.",
    "Correct it, after the @. If it is right, name resolution (DNS) on this machine does not work.",
)
REFUSED = Cause(
    "database_refused",
    "Nothing listens on the host and port in DATABASE_URL.",
    "Start PostgreSQL there, or correct the host and the port (5432 unless it was changed).",
)
SILENT = Cause(
    "database_silent",
    "PostgreSQL does not answer.",
    "Check that a firewall or the provider's list of allowed addresses lets this machine through to its port.",
)
LOGIN = Cause(
    "database_login",
    "PostgreSQL does not accept the user and password in DATABASE_URL.",
    "Copy the address again from where you got it. In a password, write @ as %40, : as %3A, / as %2F and % as %25.",
)
NO_PASSWORD = Cause(
    "database_no_password",
    "PostgreSQL asks for a password, but DATABASE_URL has none.",
    "Write postgresql://user:password@host/name.",
)
USER = Cause(
    "database_user",
    "PostgreSQL does not know the user that DATABASE_URL names.",
    "Correct it, after the //. Or create it: CREATE ROLE name LOGIN PASSWORD '...'.",
)
NAME = Cause(
    "database_name",
    "PostgreSQL has no database with the name at the end of DATABASE_URL.",
    "Correct the name after the last /, or create it: CREATE DATABASE name OWNER user.",
)
TLS_WANTED = Cause(
    "database_tls_wanted",
    "PostgreSQL accepts this machine only over TLS, or not at all.",
    "Add ?sslmode=require to DATABASE_URL. If it is still refused, let pg_hba.conf allow this user and address.",
)
TLS_MISSING = Cause(
    "database_tls_missing",
    "DATABASE_URL asks for TLS, but PostgreSQL does not offer it.",
    "Switch it on there (ssl = on). On a network nobody else can read, remove sslmode from DATABASE_URL.",
)
CERTIFICATE = Cause(
    "database_certificate",
    "This machine does not trust PostgreSQL's certificate for that host.",
    "Add the provider's root certificate with &sslrootcert=FILE, and use the host name in the certificate.",
)
NOT_ALLOWED = Cause(
    "database_not_allowed",
    "PostgreSQL does not allow this user, database and machine together.",
    "Add a line to pg_hba.conf, or this machine to the provider's allowed addresses.",
)
OPTION = Cause(
    "database_address",
    "DATABASE_URL has an option after the ? that PostgreSQL's library does not know.",
    "Compare it with your provider's address, or remove it.",
)
CONNECTIONS = Cause(
    "database_connections",
    "PostgreSQL has no connection left for the relay.",
    "Each relay process uses up to five. Stop other clients, run fewer processes, or use a larger plan.",
)
STARTING = Cause(
    "database_starting",
    "PostgreSQL is starting, stopping or recovering.",
    "Wait: the relay continues by itself. If it lasts, check PostgreSQL's log.",
)
PERMISSION = Cause(
    "database_permission",
    "The database user lacks permissions that the relay needs.",
    "Make the user of DATABASE_URL the owner of the database and of the relay's tables in it.",
)
STANDBY = Cause(
    "database_read_only",
    "The database is read-only.",
    "Point DATABASE_URL to the primary server, not to a standby. Providers also block writes when the plan is full.",
)
FULL = Cause(
    "database_full",
    "The database's disk is full.",
    "Free some space, or use a larger disk or plan; a shorter retention in the YAML file keeps it smaller. "
    "Webhooks get a 503 until then.",
)
LOCKED = Cause(
    "database_locked",
    "Another program holds a lock on the database, and did not let go of it in time.",
    "End whatever has a transaction open on it: a shell such as sqlite3 or psql, a backup, another program.",
)

BY_STATE: Mapping[str, Cause] = {
    "28P01": LOGIN,
    "28000": NOT_ALLOWED,
    "3D000": NAME,
    NOT_PERMITTED: PERMISSION,
    "53100": FULL,
    "53300": CONNECTIONS,
    "57P01": STARTING,
    "57P02": STARTING,
    "57P03": STARTING,
    "25006": STANDBY,
    **dict.fromkeys(LOCKED_OUT, LOCKED),
}

# The first match: for a name with several addresses, the driver reports an error for each of them. From PostgreSQL's
# auth.c, hba.c, postinit.c and fe-connect.c, and PgBouncer's client.c.
BY_WORDS: tuple[tuple[re.Pattern[str], Cause], ...] = tuple(
    (re.compile(words, re.IGNORECASE), cause)
    for words, cause in (
        (r"no password supplied", NO_PASSWORD),
        (r"password authentication failed|(peer|ident|SASL) authentication failed|empty password", LOGIN),
        (r"role .* does not exist|no such user", USER),
        (r"database .* does not exist|no such database", NAME),
        (r"pg_hba\.conf .*(SSL encryption|SSL on|GSS encryption)|not currently accepting", NOT_ALLOWED),
        (r"pg_hba\.conf|(SSL|TLS)( connection is)? required(?!,)", TLS_WANTED),
        (r"does not support SSL", TLS_MISSING),
        (r"certificate", CERTIFICATE),
        (r"too many (connections|clients)|remaining connection slots|no more connections", CONNECTIONS),
        (r"database system is|shutting down|server login has been failing", STARTING),
        (r"permission denied", PERMISSION),
        (r"translate host name|resolve host|name resolution|not known|nodename nor servname", HOST),
        (r"connection refused|accepting connections on that socket|no such file", REFUSED),
        (r"timeout|timed out|no route|unreachable", SILENT),
        (r"invalid (connection option|sslmode|.* value)|connection option", OPTION),
    )
)

_FILE = "Let the relay's user read and write the file and its folder."
FOLDER = Cause(
    "database_folder",
    "The folder {folder} for the SQLite file does not exist.",
    "Make it, or name another file in DATABASE_URL: sqlite:///relay.db is one in the folder where the relay starts, "
    "sqlite:////var/lib/relay/relay.db, with four slashes, one in /var/lib/relay.",
)
NO_FILE = Cause("database_file", "{path} is a folder, not a file.", "Name a file in it: add /relay.db to DATABASE_URL.")
CLOSED_FILE = Cause("database_permission", "The relay is not allowed to open the SQLite file {path}.", _FILE)
READ_ONLY_FILE = Cause("database_read_only", "The relay is not allowed to write to the SQLite file {path}.", _FILE)
NO_SQLITE = Cause(
    "database_file",
    "{path} is not a SQLite database.",
    "Correct the path in DATABASE_URL; if the file should be one, restore a backup of it.",
)
DAMAGED = Cause(
    "database_damaged",
    "The SQLite file {path} is damaged.",
    "Stop the relay, keep a copy of the file, and restore a backup, or save what can be read with sqlite3's .recover.",
)
DISK = Cause(
    "database_disk",
    "The disk cannot read or write the SQLite file {path}.",
    "Check the system log for disk errors. SQLite needs a local disk, not a network share.",
)

BY_NUMBER: Mapping[int, Cause] = {
    sqlite3.SQLITE_READONLY: READ_ONLY_FILE,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_NOTADB: NO_SQLITE,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_IOERR: DISK,
    sqlite3.SQLITE_PERM: CLOSED_FILE,
    sqlite3.SQLITE_AUTH: CLOSED_FILE,
}

# The same for the file system, for the lock file beside SQLite's file.
BY_ERRNO: Mapping[int, Cause] = {errno.EROFS: READ_ONLY_FILE, errno.ENOSPC: FULL, errno.EDQUOT: FULL}
