"""The Markdown that bots and agents write, as rich text: formatted as the vendor's clients show it.

A link shows its address, so that it hides none; Slack parses nothing in it, so that it pings nobody.
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from relay.slack.text import is_url, to_rich_text

Element = dict[str, Any]

_MAX_INDENT = 8  # Slack's own limit
_STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
_PLAIN = {"paragraph", "text", "softbreak", "hardbreak", "inline"}
_MAX_NUMBER = 1_000_000
_MAX_NESTING = 40
_LINE = "———"
PICTURE = "picture"


def to_parts(text: str) -> list[Element]:
    """Returns the parts of a rich text block: paragraphs, lists, quotes, code; none if the text contains no markup.

    The worst case takes quadratic time: pass no long texts.
    """
    tokens = _reader().parse(text)
    too_deep = any(token.level >= _MAX_NESTING - 2 for token in tokens)  # deeper nesting would be dropped
    if too_deep or not any(_is_markup(token) for token in tokens):
        return []
    return list(_spaced(list(_Parts(tokens).read())))


def without_markup(text: str) -> str:
    """Returns the text without markup, in one line."""
    return " ".join(_words_of(part) for part in to_parts(text)) or text


def _words_of(part: Element) -> str:
    inner = part.get("elements")
    if inner is None:
        return str(part.get("text") or part.get("url") or "")
    return (" " if part["type"] == "rich_text_list" else "").join(map(_words_of, inner))


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING})
    return reader.enable("strikethrough").disable("reference")  # a reference definition would be dropped


def _is_markup(token: Token) -> bool:
    kind = token.type.removesuffix("_open").removesuffix("_close")
    return kind not in _PLAIN or any(_is_markup(child) for child in token.children or ())


def _spaced(parts: Sequence[Element]) -> Iterator[Element]:
    """Slack draws paragraphs without a gap."""
    for number, part in enumerate(parts, 1):
        gap = number < len(parts) and part["type"] == parts[number]["type"] == "rich_text_section"
        yield _section([*part["elements"], {"type": "text", "text": "\n"}]) if gap else part


@dataclass(slots=True)
class _List:
    """A list being read; `said` is how many of its items are done."""

    style: str
    said: int


class _Parts:
    """Reads tokens, which arrive in sequence whatever their nesting."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._lists: list[_List] = []
        self._items: list[list[Element]] = []  # of the list being read
        self._fresh_item = False
        self._quotes: list[Element] | None = None
        self._quote_depth = 0
        self._heading = False

    def read(self) -> Iterator[Element]:
        """Yields the parts in order."""
        for token in self._tokens:
            if token.type.endswith("_list_open"):
                yield from self._end_of_list()
                self._lists.append(_list(token))
            elif token.type.endswith("_list_close"):
                yield from self._end_of_list()
                self._lists.pop()
            elif token.type in ("blockquote_open", "blockquote_close"):
                yield from self._quote(token.nesting)
            else:
                yield from self._leaf(token)

    def _leaf(self, token: Token) -> Iterator[Element]:
        match token.type:
            case "list_item_open":
                self._fresh_item = True
            case "heading_open" | "heading_close":
                self._heading = token.nesting > 0
            case "inline":
                yield from self._words(list(_inline(token.children or (), bold=self._heading)))
            case "fence" | "code_block":
                named = f"{token.info.strip()}\n" if " " in token.info.strip() else ""  # not the name of a language
                yield from self._code(named + token.content.removesuffix("\n"))
            case "hr":
                yield from self._words([{"type": "text", "text": _LINE}])

    def _words(self, elements: list[Element]) -> Iterator[Element]:
        if not elements:
            return
        if self._quotes is not None:
            self._quotes += ([{"type": "text", "text": "\n"}] if self._quotes else []) + elements
        elif not self._lists:
            yield _section(elements)
        elif self._fresh_item or not self._items:
            self._items.append(elements)
            self._fresh_item = False
        else:
            self._items[-1] += [{"type": "text", "text": "\n"}, *elements]

    def _code(self, code: str) -> Iterator[Element]:
        if not code.strip():
            return
        if self._quotes is not None:
            yield from self._words([{"type": "text", "text": code}])
            return
        yield from self._end_of_list()
        yield {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": code}]}

    def _end_of_list(self) -> Iterator[Element]:
        items, self._items = self._items, []
        if not items:
            return
        current, indent = self._lists[-1], min(len(self._lists) - 1, _MAX_INDENT)
        offset = {"offset": current.said} if current.style == "ordered" and current.said else {}
        sections = [_section(item) for item in items]
        yield {"type": "rich_text_list", "style": current.style, "indent": indent, **offset, "elements": sections}
        current.said += len(items)

    def _quote(self, nesting: int) -> Iterator[Element]:
        self._quote_depth += nesting
        self._quotes = self._quotes or []
        if self._quote_depth == 0:
            elements, self._quotes = self._quotes, None
            if elements:
                yield from self._end_of_list()
                yield {"type": "rich_text_quote", "elements": elements}


def _section(elements: list[Element]) -> Element:
    return {"type": "rich_text_section", "elements": elements}


def _list(token: Token) -> _List:
    first = token.attrGet("start")
    said = min(max(first - 1, 0), _MAX_NUMBER) if isinstance(first, int) else 0
    return _List("ordered" if token.type.startswith("ordered") else "bullet", said)


def _inline(tokens: Sequence[Token], *, bold: bool) -> Iterator[Element]:
    style = Counter({"bold": 1} if bold else {})
    opened: list[tuple[str, int]] = []  # each link's address, and where its label begins
    elements: list[Element] = []
    for token in tokens:
        match token.type:
            case "text":
                elements += [_styled(each, style) for each in to_rich_text(token.content)]
            case "softbreak" | "hardbreak":
                elements.append({"type": "text", "text": "\n"})
            case "code_inline":
                elements.append(_styled({"type": "text", "text": token.content}, style | Counter(code=1)))
            case "image":
                elements.append({"type": "text", "text": f"({PICTURE}: {token.content or 'no name'})"})
                elements += _address(str(token.attrGet("src") or ""))
            case "link_open":
                opened.append((str(token.attrGet("href") or ""), len(elements)))
            case "link_close":
                url, begun = opened.pop()
                label = "".join(each["text"] for each in elements[begun:])
                elements += _address("" if label == url.removeprefix("mailto:") else url)
            case _:
                style[_STYLES.get(token.tag, "")] += token.nesting
    return iter(elements)


def _address(url: str) -> list[Element]:
    """What a link or a picture opens, after its label: no label hides the target."""
    if not url:
        return []
    shown: Element = {"type": "link", "url": url, "text": url} if is_url(url) else {"type": "text", "text": url}
    return [{"type": "text", "text": " ("}, shown, {"type": "text", "text": ")"}]


def _styled(element: Element, style: Mapping[str, int]) -> Element:
    shown = {name: True for name, depth in style.items() if name and depth > 0}
    return {**element, "style": shown} if shown and element["type"] in ("text", "link") else element
