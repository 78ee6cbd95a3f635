"""Finds the web addresses in a text that may become links, and vouches for the ones we are given."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_URL = 3000

_CANDIDATE = re.compile(r"(?<![A-Za-z0-9])https?://[^\s<>\"]+", re.IGNORECASE)
# Scheme, host, port, then only what RFC 3986 allows. No user part: `http://bank.com@evil.com` goes to evil.com.
_URL = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?"
    r"(?:[/?#](?:[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9a-f]{2})*)?",
    re.IGNORECASE | re.ASCII,
)
_TRAILING = ".,;:!?'*"
_BRACKETS = {")": "(", "]": "["}


def find_links(text: str) -> Iterator[tuple[int, int]]:
    """Yields where each http(s) url starts and ends; what surrounds it in a sentence is not part of it."""
    for found in _CANDIDATE.finditer(text):
        url = _without_sentence_end(found.group())
        if is_url(url):
            yield found.start(), found.start() + len(url)


def is_url(text: str) -> bool:
    """Tells whether this is an http(s) url that Slack takes and that goes where it seems to go."""
    return len(text) <= MAX_URL and _URL.fullmatch(text) is not None


def is_https(url: str | None) -> bool:
    """Tells whether this is an https url that Slack takes; False for None and for `data:`."""
    return url is not None and url[:8].lower() == "https://" and is_url(url)


def _without_sentence_end(url: str) -> str:
    while url[-1] in _TRAILING or _closes_nothing(url):
        url = url[:-1]
    return url


def _closes_nothing(url: str) -> bool:
    opening = _BRACKETS.get(url[-1])
    return opening is not None and url.count(url[-1]) > url.count(opening)
