"""Wording shared by several findings."""

from __future__ import annotations

from relay.errors import DeliveryFailed, StoreUnavailable, Unreachable
from relay.findings import Finding
from relay.net.call import why

DATABASE = "DATABASE_URL"


def of_store(error: StoreUnavailable) -> Finding:
    """Why the database does not work."""
    return Finding(error.code, "error", str(error), error.hint, DATABASE)


def why_away(error: DeliveryFailed) -> str:
    """Why something was not answered, as the end of a sentence."""
    if isinstance(error, Unreachable):
        return why(error.kind)
    said = {"deadline": "it did not answer in time", "connection_lost": "the connection broke"}
    return said.get(error.code, f"it answered {error.code or type(error).__name__}")


def counted(number: int, one: str, many: str = "") -> str:
    """`1 message`, `3 messages`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ago(seconds: float) -> str:
    """An age in words: `12 seconds`, `5 minutes`, `3 hours`, `4 days`."""
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (size == 86_400 and seconds >= size):
            return counted(int(seconds // size), name)
    return counted(int(max(0.0, seconds)), "second")
