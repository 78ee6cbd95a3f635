"""Untrusted text, made safe to show in Slack without changing a word.

Lengths are counted in UTF-16 units: Slack does not say which it counts, and these are the larger number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import idna
from linkify_it import LinkifyIt

from relay.keys import without_invisible
from relay.messages import Person, Role

MAX_NAME = 60
MAX_URL = 3000
MAX_LINKS = 500  # in one message
NAMELESS = "no name"
ELLIPSIS = "…"
REPLACEMENT = "\ufffd"

# NUL and most control characters, lone surrogates, noncharacters: Slack or UTF-8 refuses them.
_UNTAKEABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BRACKETS = {"Ps": "[", "Pe": "]"}
_DOT = re.compile("(?<= )[\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff65](?= )")  # we write one between the parts of a card
_JOINERS = "\u200c\u200d"
# Slack draws these as nothing at all, although Unicode classes them as letters and symbols.
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
_ROLE_MARKS = {
    Role.CUSTOMER: "customer",
    Role.BOT: "bot",
    Role.AGENT: "agent",
    Role.UNKNOWN: "unknown sender",
}
_MAX_CLUSTER = 64

# Scheme, host, port, then only what RFC 3986 allows. No user part: `http://bank.com@evil.com` goes to evil.com.
_URL = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?"
    r"(?:[/?#](?:[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9a-f]{2})*)?",
    re.IGNORECASE | re.ASCII,
)
# Directly after an address, they belong to the sentence: quotes, and full stops of scripts without spaces.
_BEHIND_A_URL = re.compile(
    "[\u00ab\u00bb\u2018-\u201f\u2025\u2026\u2039\u203a\u3001\u3002\u3008-\u3011\uff01\uff0c\uff0e\uff1a\uff1b\uff1f\uff5e]"
)
_ENDS_A_URL = "/-_=&#%~"  # punctuation with which an address may well end
_OPENING = {")": "(", "]": "[", "\uff09": "\uff08"}
_HINT = re.compile(r"://|@|www\.|mailto:", re.IGNORECASE)  # most messages have none, and so no address
WWW, MAIL = "www.", "mailto:"
_MAIL = re.compile(r"mailto:[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9.-]+[a-z0-9]", re.IGNORECASE | re.ASCII)
_IN_A_URL = "%/:?#[]@!$&'()*+,;=~"


def units(text: str) -> int:
    """Returns the length of text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Returns the text with "\n" line ends, U+FFFD for what Slack cannot accept, and without invisible characters."""
    return _UNTAKEABLE.sub(REPLACEMENT, without_invisible(text).replace("\r\n", "\n").replace("\r", "\n"))


def clean_line(text: str, limit: int = MAX_NAME) -> str:
    """Returns one visible line of at most `limit` units: no control characters, no bidi marks; "" if nothing
    is left.
    """
    visible = "".join(char if _is_visible(char) else " " if char.isspace() else "" for char in text)
    return shorten(" ".join(visible.split()), limit)


def clean_name(name: str) -> str:
    """Returns a name that can be shown beside a role, and on a card, without imitating what we write there."""
    # The only round brackets in an author line are those around the role, and we write those.
    line = "".join(_BRACKETS.get(unicodedata.category(char), char) for char in _DOT.sub("-", clean_line(name)))
    return line if any(_leaves_ink(char) for char in line) else NAMELESS


def author_of(person: Person) -> str:
    """Returns name and role as in "Jane (customer)"; the role is always ours and always last."""
    return f"{clean_name(person.name)} ({_ROLE_MARKS[person.role]})"


def escape(text: str) -> str:
    """Escapes Slack's three control characters: https://docs.slack.dev/messaging/formatting-message-text"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, limit: int) -> str:
    """Cuts clean text to `limit` units, with an ellipsis if something was left out."""
    if units(text) <= limit:
        return text
    end = _cluster_start(text, 0, _furthest(text, 0, limit - 1))
    return text[:end].rstrip() + ELLIPSIS


def to_rich_text(text: str, *, goes_on: bool = False) -> list[dict[str, Any]]:
    """Turns clean text into rich text elements, which Slack never parses; addresses become links.

    `goes_on`: the text was cut in the middle of a word, so an address that touches the cut is not a link.
    """
    elements: list[dict[str, Any]] = []
    position = 0
    for start, end, url in find_links(text):
        if goes_on and end == len(text):
            break
        elements += _plain(text[position:start])
        elements.append({"type": "link", "url": url, "text": text[start:end]})
        position = end
    return elements + _plain(text[position:])


def split(text: str, limit: int) -> list[str]:
    """Cuts clean text into pieces of at most `limit` units whose concatenation is the text; no text, no pieces.

    Prefers the end of a line in a piece's second half, then the last gap between words, then whole characters.
    """
    pieces: list[str] = []
    start = 0
    while start < len(text):
        furthest = max(start + 1, _furthest(text, start, limit))
        end = furthest if furthest == len(text) else _best_cut(text, start, furthest)
        pieces.append(text[start:end])
        start = end
    return pieces


def _plain(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text else []


def _furthest(text: str, start: int, limit: int) -> int:
    # "ignore" drops a pair that the limit would split.
    halves = text[start : start + limit].encode("utf-16-le", "replace")[: 2 * limit]
    return start + len(halves.decode("utf-16-le", "ignore"))


def _best_cut(text: str, start: int, end: int) -> int:
    line = text.rfind("\n", start + (end - start) // 2, end) + 1
    if line and not _joins(text, line):
        return line
    for cut in range(end, start, -1):
        if text[cut - 1].isspace() and not _joins(text, cut):
            return cut
    return _cluster_start(text, start, end)


def _cluster_start(text: str, start: int, end: int) -> int:
    """Moves a cut back to the beginning of a visible character, unless that would be absurdly long."""
    for cut in range(end, max(start, end - _MAX_CLUSTER), -1):
        if not _joins(text, cut):
            return cut
    return end


def _joins(text: str, cut: int) -> bool:
    """True if the characters on both sides of the cut are drawn as one."""
    before, after = text[cut - 1], text[cut]
    return (
        unicodedata.category(after).startswith("M")
        or before == "\u200d"
        or after == "\u200d"
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or (_is_flag_half(before) and _is_flag_half(after))
    )


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_visible(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _leaves_ink(char: str) -> bool:
    return char not in _JOINERS + _BLANK_LETTERS and unicodedata.category(char)[0] in "LNPS"


def find_links(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields where each address starts and ends, and what it opens; surrounding punctuation is excluded."""
    for found in (_finder().match(text) or ()) if _HINT.search(text) else ():
        typed = _without_sentence_end(found.raw)
        url = _opened(typed, found.schema)
        if url is not None:
            yield found.index, found.index + len(typed), url


def is_flood(text: str) -> bool:
    """True if a message contains more addresses than anybody reads, which would take a second to find."""
    return text.count("://") + text.count(WWW) > MAX_LINKS


@cache
def _finder() -> LinkifyIt:
    """Finds web addresses, those without a scheme if they begin with "www.", and e-mail addresses; no file names."""
    finder = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": True, "fuzzy_ip": False})
    behind = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]{2,63}(?::[0-9]{1,5})?" + finder.re["src_path"], re.IGNORECASE)

    def rest(_: LinkifyIt, text: str, position: int) -> int:
        found = behind.match(text, position)
        return found.end() - position if found else 0

    finder.tlds("[a-z]{2,63}|xn--[a-z0-9-]{1,59}")  # mail can go to internal hosts too
    return finder.add("ftp:", None).add("//", None).add(WWW, {"validate": rest, "normalize": lambda *_: None})


def _opened(typed: str, scheme: str) -> str | None:
    """Returns what Slack opens for an address, with non-ASCII letters encoded; None if it differs from what
    one reads.
    """
    if scheme == MAIL:
        address = typed if typed[: len(MAIL)].lower() == MAIL else MAIL + typed
        return address if _MAIL.fullmatch(address) and len(address) <= MAX_URL else None
    address = f"http://{typed}" if scheme == WWW else typed
    if not all(_is_visible(char) for char in address):
        return None
    url = address if _URL.fullmatch(address) else _encoded(address)
    return url if is_url(url) else None


def _encoded(url: str) -> str:
    """Returns an address with its host in IDNA and the rest percent-encoded; "" if that is impossible."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:  # includes idna's errors
        return ""
    if "@" in parts.netloc:
        return ""
    rest = {name: quote(getattr(parts, name), _IN_A_URL) for name in ("path", "query", "fragment")}
    return parts._replace(netloc=host + port, **rest).geturl()


def is_url(text: str) -> bool:
    """True for an http(s) url that Slack accepts and that goes where it seems to go."""
    return len(text) <= MAX_URL and _URL.fullmatch(text) is not None


def is_https(url: str | None) -> bool:
    """True for an https url that Slack accepts; False for None and for `data:`."""
    return url is not None and url[:8].lower() == "https://" and is_url(url)


def _without_sentence_end(url: str) -> str:
    behind = _BEHIND_A_URL.search(url)
    url = url[: behind.start()] if behind else url
    while url and (_closes_nothing(url) or _is_sentence_end(url[-1])):
        url = url[:-1]
    return url


def _is_sentence_end(char: str) -> bool:
    return unicodedata.category(char).startswith("P") and char not in _ENDS_A_URL and char not in _OPENING


def _closes_nothing(url: str) -> bool:
    opening = _OPENING.get(url[-1])
    return opening is not None and url.count(url[-1]) > url.count(opening)
