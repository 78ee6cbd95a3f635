"""What a driver error means: an outage or a bug of ours, and the cause to report."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from relay.errors import StoreBusy, StoreUnavailable
from relay.store.db.causes import (
    AT_IN_PASSWORD,
    BY_ERRNO,
    BY_NUMBER,
    BY_STATE,
    BY_WORDS,
    CLOSED_FILE,
    FOLDER,
    LOCKED_OUT,
    NO_FILE,
    NOT_PERMITTED,
    TOO_BUSY,
    UNKNOWN,
    Cause,
)
from relay.store.db.statements import NOT_PREPARED

BROKEN_FILE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
OUTAGES = ("OperationalError", "InterfaceError", "InternalError")


def unavailable(error: Exception, url: URL) -> StoreUnavailable:
    """The error to raise for a driver or file system error at the database of `url`."""
    return told(cause_of(error, url), StoreBusy if _state(error) in LOCKED_OUT else StoreUnavailable)


def told(cause: Cause, kind: type[StoreUnavailable] = StoreUnavailable) -> StoreUnavailable:
    """The error to raise for a cause."""
    return kind(cause.message, code=cause.code, hint=cause.hint)


def is_outage(error: SQLAlchemyError) -> bool:
    """True if the database is unavailable, full, busy or closed to us; False if the statement itself is at fault."""
    if isinstance(error, PoolTimeout) or type(error).__name__ in OUTAGES:
        return True
    return _state(error) in (*NOT_PREPARED, NOT_PERMITTED) or _number(error) in BROKEN_FILE


def cause_of(error: Exception, url: URL) -> Cause:
    """Why the database of `url` failed."""
    if isinstance(error, PoolTimeout):
        return TOO_BUSY
    if url.get_backend_name() == "sqlite":
        return _of_file(error, Path(url.database or "").absolute())
    if "@" in (url.host or ""):
        return AT_IN_PASSWORD
    state = _state(error)
    if state is not None:
        return BY_STATE.get(state) or _unnamed(error)
    said = str(getattr(error, "orig", error))
    return next((cause for words, cause in BY_WORDS if words.search(said)), _unnamed(error))


def _of_file(error: Exception, path: Path) -> Cause:
    number = _number(error)
    cause = BY_NUMBER.get(number) if number is not None else BY_ERRNO.get(getattr(error, "errno", None) or 0)
    if cause is None and (number == sqlite3.SQLITE_CANTOPEN or isinstance(error, OSError)):
        cause = _cannot_open(path)
    found = cause or _unnamed(error)
    message = found.message.replace("{path}", str(path)).replace("{folder}", str(path.parent))
    return replace(found, message=message)


def _cannot_open(path: Path) -> Cause:
    """SQLite does not say why; the file system does."""
    if not os.access(path.parent, os.X_OK, effective_ids=True):
        return CLOSED_FILE if _exists(path.parent) else FOLDER
    return NO_FILE if path.is_dir() else CLOSED_FILE


def _exists(folder: Path) -> bool:
    try:
        return folder.exists()
    except PermissionError:  # a folder above it is not accessible
        return True


def _unnamed(error: Exception) -> Cause:
    kind = " ".join(filter(None, (type(error).__name__, _state(error))))
    return replace(UNKNOWN, message=UNKNOWN.message.format(kind=kind))


def _state(error: Exception) -> str | None:
    """PostgreSQL's code for an error."""
    code: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return code


def _number(error: Exception) -> int | None:
    """SQLite's primary code for an error."""
    code: int | None = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
