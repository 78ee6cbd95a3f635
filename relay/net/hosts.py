"""Where files may come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from relay.errors import Permanent
from relay.net.places import PORTS, Place, read_name, read_url

_ENTRY = re.compile(
    r"(?P<below>\*\.)?(?P<host>[^\s*/:?#@%\\\[\]]+)(?::(?P<port>[1-9][0-9]{0,4}))?(?:/(?P<part>[A-Za-z0-9._~-]+)/?)?"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    host: str
    below: bool  # only the names below it
    port: int
    part: str  # the first part of the path, "" for any

    def covers(self, place: Place) -> bool:
        named = place.host.endswith(f".{self.host}") if self.below else place.host == self.host
        return named and place.port == self.port and self.part in ("", place.first_part)


class Hosts:
    """Where files may be fetched from, according to the settings.

    An entry is "files.example.com", "*.example.com" (any name below it, but not itself), "files.example.com:8443", or
    "s3.amazonaws.com/kommunicate.io" (a host and the first part of its path). All of them mean https.
    """

    def __init__(self, entries: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        """`origins` are the operator's own addresses, including http or internal ones; their paths do not matter.

        Raises ValueError for an invalid entry or origin, with a message about it.
        """
        self._entries = tuple(map(_read_entry, entries))
        self._origins = frozenset(map(_read_origin, origins))

    def allows(self, url: str | Place) -> bool:
        """Whether a file may be fetched from there, and be shown from there."""
        place = _place(url)
        return place is not None and (self.lists(place) or place.origin in self._origins)

    def trusts(self, url: str | Place) -> bool:
        """Whether it is one of the operator's own addresses, which may be http and internal."""
        place = _place(url)
        return place is not None and place.origin in self._origins

    def lists(self, place: Place) -> bool:
        """Whether an entry covers it: over https, and by name."""
        is_candidate = place.scheme == "https" and not place.numeric
        return is_candidate and any(entry.covers(place) for entry in self._entries)


def _place(url: str | Place) -> Place | None:
    if isinstance(url, Place):
        return url
    try:
        return read_url(url)
    except Permanent:
        return None


def _read_entry(text: str) -> _Entry:
    found = _ENTRY.fullmatch(text)
    try:
        host = read_name(found["host"]) if found else ""
    except Permanent:
        host = ""
    port = int((found and found["port"]) or PORTS["https"])
    if found is None or not host or port > 65_535 or found["part"] in (".", ".."):
        raise ValueError(f'{text!r} is not a host that files may come from, such as "files.example.com"')
    if found["below"] and "." not in host:
        raise ValueError(f"{text!r} would let files come from anywhere below a top-level domain")
    return _Entry(host, bool(found["below"]), port, found["part"] or "")


def _read_origin(text: str) -> tuple[str, str, int]:
    place = _place(text)
    if place is None:
        raise ValueError(f'{text!r} is not an address such as "https://files.example.com:8443"')
    return place.origin


NOWHERE = Hosts()
