"""Parses a URL once and strictly, so that the code that uses it cannot read it differently from the code that checked
it.

What browsers repair is refused: backslashes, spaces, a user before the host, numbers in other notations.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote, unquote

import idna

from relay.errors import Permanent

LONGEST = 8192  # characters of a URL
PORTS = {"https": 443, "http": 80}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_URL = re.compile(
    r"https?://(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[^\[\]/?#:@%]{1,253})(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?",
    re.IGNORECASE | re.ASCII,  # beyond ASCII there is a letter that also folds to `s`
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a host that ends like this is an IPv4 address, whatever comes before
_BLANK = {"Cc", "Cs", "Zs", "Zl", "Zp"}  # Unicode control characters, surrogates, and spaces of every kind
_AS_IT_IS = "%/:@!$&'()*+,;=~?[]"  # unchanged in a path or a query, like letters and digits; the rest is encoded
_DOTS = re.compile(r"(?:^|[/\\])\.\.?(?:;[^/\\]*)?(?=[/\\]|$)")
_DECODINGS = 3  # as often as a chain of servers may decode a path


@dataclass(frozen=True, slots=True)
class Place:
    """The parts of a URL, in the one form in which they are compared, resolved, connected to and sent."""

    scheme: str  # "https" or "http"
    host: str  # ASCII, in lower case; an IPv6 address without brackets
    port: int
    target: str  # path and query, percent-encoded
    numeric: bool  # whether the host is an address

    @property
    def authority(self) -> str:
        """Host, and the port unless it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        """The whole URL, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def first_part(self) -> str:
        """The text between the path's first two slashes."""
        return self.target.partition("?")[0].split("/")[1]


def has_blanks(text: str) -> bool:
    """Whether it contains anything that URL parsers drop, repair or disagree about."""
    return "\\" in text or any(unicodedata.category(character) in _BLANK for character in text)


def read_url(url: str) -> Place:
    """The parts of an http or https URL; raises `Permanent` ("bad_url", "not_https" for other schemes)."""
    if len(url) > LONGEST or has_blanks(url):
        raise _bad()
    scheme = _SCHEME.match(url)
    if scheme and scheme[1].lower() not in PORTS:
        raise Permanent("the file's address does not begin with https://", code="not_https")
    found = _URL.fullmatch(url)
    if found is None:
        raise _bad()
    name = url[: url.index(":")].lower()
    host, numeric = _read_host(found["host"])
    port = int(found["port"] or PORTS[name])
    if port > 65_535:
        raise _bad()
    return Place(name, host, port, _target(found["path"] or "/", found["query"] or ""), numeric)


def read_name(text: str) -> str:
    """A host name in ASCII and lower case; raises `Permanent` ("bad_url"), also for an address."""
    host, numeric = _read_host(text)
    if numeric:
        raise _bad()
    return host


def _read_host(text: str) -> tuple[str, bool]:
    """The host, and whether it is an address."""
    if text.startswith("["):
        return _address(IPv6Address, text[1:-1]), True
    host = text.lower() if text.isascii() else _international(text)
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad()
    if _NUMBER.fullmatch(labels[-1]):
        return _address(IPv4Address, host), True
    return host, False


def _address(kind: type[IPv4Address | IPv6Address], text: str) -> str:
    """In its usual notation. For others of IPv4, some systems read `010` as 8 and some as 10."""
    try:
        return str(kind(text))
    except ValueError:
        raise _bad() from None


def _international(text: str) -> str:
    """A name in another script. Letters that merely look different from ASCII, and other dots, are not allowed."""
    try:
        return idna.encode(text.lower(), strict=True).decode("ascii")
    except UnicodeError:
        raise _bad() from None


def _target(path: str, query: str) -> str:
    """The request target; raises `Permanent` if a server could leave the path, however it is encoded."""
    decoded = path
    for _ in range(_DECODINGS):
        if _DOTS.search(decoded):
            raise _bad()
        decoded = unquote(decoded)
    return quote(path, safe=_AS_IT_IS) + quote(query, safe=_AS_IT_IS)


def _bad() -> Permanent:
    return Permanent("the file's address cannot be understood", code="bad_url")
