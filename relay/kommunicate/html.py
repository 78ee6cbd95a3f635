"""HTML as readable plain lines, however broken the HTML is, in linear time.

No field of a webhook reliably says whether its text is HTML, so that is decided from the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

from relay.kommunicate.text import link, one_line, web_url

PICTURE = "picture"
MAX_TAGS = 10_000  # more (0.1 s of parsing) is abuse: stripped without lines and links

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"article", "blockquote", "div", "footer", "header", "hr", "p", "pre", "section"}
_ROWS = {"dd", "dl", "dt", "li", "ol", "table", "tr", "ul"}
_LINE_TAGS = _HEADINGS | _BLOCKS | _ROWS
_SILENT_TAGS = {"script", "style", "title"}
_VOID_TAGS = {"br", "hr", "img", "wbr"}
_INLINE_TAGS = {
    "a", "abbr", "b", "big", "center", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "label", "mark", "q",
    "s", "small", "span", "strike", "strong", "sub", "sup", "tt", "u",
}  # fmt: skip
_FRAME_TAGS = {"body", "caption", "figcaption", "figure", "html", "main", "nav", "tbody", "td", "tfoot", "th", "thead"}
_PAIRED_TAGS = _LINE_TAGS | _INLINE_TAGS | _FRAME_TAGS
_LAYOUT_TAGS = _LINE_TAGS | _FRAME_TAGS | {"br"}
_NAMED = re.compile(r"<(/?)([a-z][a-z0-9]*)(?=[\s/>])[^<>]*>", re.IGNORECASE)
_DECLARATION = re.compile(r"<[!?][^<>]*>")
_TAG = re.compile(r"<[^<>]*>")
_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]{1,31}|#[0-9]{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)
_KEPT = "\x1f"  # a space inside <pre>; other spaces are collapsed
_STRAY = re.compile(r"<(?!/?[a-zA-Z][^<>]*>)")


def read(text: str, *, declared: bool = False) -> str:
    """Return text as a person reads it: rendered if it contains real markup, otherwise as typed.

    `declared`: the sender says it is HTML, so entities count even without tags.
    """
    tags = _tags(text)
    if tags:
        return to_text(text, keeps_lines=not tags & _LAYOUT_TAGS) or text
    return unescape(text) if declared and _ENTITY.search(text) else text


def _tags(text: str) -> set[str]:
    """Return the tags of real markup: known ones that are closed, or need not be; not "<name@host>" or "<3"."""
    if "<" not in text:
        return set()
    found: tuple[set[str], set[str]] = (set(), set())
    for slash, name in _NAMED.findall(text):
        found[bool(slash)].add(name.lower())
    opened, closed = found
    return opened & (closed & _PAIRED_TAGS | _VOID_TAGS)


def to_text(html: str, *, keeps_lines: bool = False) -> str:
    """Return the text of HTML: blocks as lines, links as "label (url)", entities decoded; never raises.

    `keeps_lines`: its own line breaks count, because it has no tags for them.
    """
    html = _well_formed(html.replace(_KEPT, " "))
    if html.count("<") > MAX_TAGS:
        return " ".join(unescape(_TAG.sub(" ", html)).split())
    reader = _Reader(keeps_lines=keeps_lines)
    reader.feed(html)
    reader.close()
    return reader.text()


def _well_formed(html: str) -> str:
    """Keep only complete tags: the library raises on some open constructs and takes quadratic time on others."""
    return _STRAY.sub("&lt;", _DECLARATION.sub("", _without_comments(html)))


def _without_comments(html: str) -> str:
    first, *rest = html.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in rest)


class _Reader(HTMLParser):
    def __init__(self, *, keeps_lines: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._keeps_lines = keeps_lines
        self._preformatted = 0
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
            self._picture(dict(attrs))
        self._preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._silent = self._silent and tag not in _SILENT_TAGS
        if tag == "a":
            self._end_link()
        elif tag in _LINE_TAGS:
            self._new_line()
            self._preformatted = max(0, self._preformatted - (tag == "pre"))
        elif tag in ("td", "th"):
            self._parts.append(" ")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._preformatted:
            self._parts.append(data.expandtabs().replace(" ", _KEPT))
        elif self._keeps_lines:
            self._parts.append(re.sub(r"[^\S\n]+", " ", data))
        else:
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """Return what was read so far, without trailing spaces and with at most one empty line."""
        self._end_link()
        lines = (line.strip(" ") for line in re.sub(r" +", " ", "".join(self._parts)).split("\n"))
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(" \n")
        return text.replace(_KEPT, " ")

    def _picture(self, attrs: dict[str, str | None]) -> None:
        name = one_line(attrs.get("alt") or "")
        self._parts.append(f" ({PICTURE}: {name}) " if name else "")

    def _new_line(self) -> None:
        if self._parts and not self._parts[-1].endswith("\n"):
            self._parts.append("\n")

    def _end_link(self) -> None:
        if self._link is None:
            return
        begin, href = self._link
        self._link = None
        label = "".join(self._parts[begin:]).strip()
        url = _address(href)
        if url and url not in label:
            del self._parts[begin:]
            self._parts.append(link(label, url))


def _address(href: str) -> str | None:
    """Return what a link opens, as people write it; None if nobody can open it."""
    scheme, _, rest = href.strip().partition(":")
    if scheme.lower() in ("mailto", "tel"):
        return one_line(unquote(rest.partition("?")[0])) or None
    return web_url(href)
