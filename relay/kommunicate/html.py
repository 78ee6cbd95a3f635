"""HTML as plain lines a person can read, whatever state the HTML is in, in linear time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser

from relay.kommunicate.text import link, web_url

MAX_TAGS = 10_000  # more (0.1 s of parsing) are a flood and not a letter: stripped without lines and links

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"article", "blockquote", "div", "footer", "header", "hr", "p", "pre", "section"}
_ROWS = {"dd", "dl", "dt", "li", "ol", "table", "tr", "ul"}
_LINE_TAGS = _HEADINGS | _BLOCKS | _ROWS
_SILENT_TAGS = {"script", "style", "title"}
_DECLARATION = re.compile(r"<[!?][^<>]*>")
_TAG = re.compile(r"<[^<>]*>")
_STRAY = re.compile(r"<(?!/?[a-zA-Z][^<>]*>)")


def to_text(html: str) -> str:
    """Return the words of HTML: blocks as lines, links as "label (url)", entities decoded; never raises."""
    html = _well_formed(html)
    if html.count("<") > MAX_TAGS:
        return " ".join(unescape(_TAG.sub(" ", html)).split())
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


def _well_formed(html: str) -> str:
    """Leave only complete tags: the library raises on some open constructs and takes quadratic time on others."""
    return _STRAY.sub("&lt;", _DECLARATION.sub("", _without_comments(html)))


def _without_comments(html: str) -> str:
    first, *rest = html.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in rest)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._silent = False
        self._link: tuple[int, str] | None = None  # where its label begins, and its address

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._silent = tag in _SILENT_TAGS
        if tag == "br":
            self._parts.append("\n")
        elif tag in _LINE_TAGS:
            self._new_line()
            self._parts.extend(["• "] if tag == "li" else [])
        elif tag == "a":
            self._end_link()
            self._link = (len(self._parts), dict(attrs).get("href") or "")
        elif tag == "img":
            self._parts.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent = self._silent and tag not in _SILENT_TAGS
        if tag == "a":
            self._end_link()
        elif tag in _LINE_TAGS:
            self._new_line()
        elif tag in ("td", "th"):
            self._parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """Return what was read so far, without blanks at the ends of lines and with at most one empty line."""
        self._end_link()
        lines = (line.strip() for line in re.sub(r" +", " ", "".join(self._parts)).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def _new_line(self) -> None:
        if self._parts and not self._parts[-1].endswith("\n"):
            self._parts.append("\n")

    def _end_link(self) -> None:
        if self._link is None:
            return
        begin, href = self._link
        self._link = None
        label = "".join(self._parts[begin:]).strip()
        url = web_url(href)
        if url and url not in label:
            del self._parts[begin:]
            self._parts.append(link(label, url))
