"""What Slack's composer writes, in short."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Node = dict[str, Any]

NAMES = {"U1": "Ann", "S1": "night-shift", "C1": "orders", "T1": "Acme"}


def text(words: str, **style: bool) -> Node:
    return {"type": "text", "text": words, "style": style} if style else {"type": "text", "text": words}


def link(url: str, label: str | None = None) -> Node:
    return {"type": "link", "url": url} if label is None else {"type": "link", "url": url, "text": label}


def user(identity: str = "U1") -> Node:
    return {"type": "user", "user_id": identity}


def section(*elements: Node | str, kind: str = "rich_text_section", **more: Any) -> Node:
    return {"type": kind, "elements": [text(one) if isinstance(one, str) else one for one in elements], **more}


def quote(*elements: Node | str, **more: Any) -> Node:
    return section(*elements, kind="rich_text_quote", **more)


def code(*elements: Node | str, **more: Any) -> Node:
    return section(*elements, kind="rich_text_preformatted", **more)


def bullets(*items: Node | str, style: str = "bullet", **more: Any) -> Node:
    entries = [
        section(item) if isinstance(item, str) or item["type"] != "rich_text_section" else item for item in items
    ]
    return {"type": "rich_text_list", "style": style, "elements": entries, "border": 0, **more}


def numbers(*items: Node | str, **more: Any) -> Node:
    return bullets(*items, style="ordered", **more)


def table(*rows: list[Node]) -> Node:
    return {"type": "table", "block_id": "t", "rows": list(rows)}


def rich(*parts: Node) -> Node:
    return {"type": "rich_text", "block_id": "b", "elements": list(parts)}


def typed(*elements: Node | str) -> list[Node]:
    """The blocks of a message of one paragraph."""
    return [rich(section(*elements))]


# Junk with a taste for what Slack writes.
_KEYS = st.sampled_from([
    "type", "elements", "text", "style", "url", "name", "unicode", "skin_tone", "user_id", "usergroup_id", "team_id",
    "channel_id", "range", "timestamp", "fallback", "label", "value", "indent", "offset", "border", "rows", "code",
])  # fmt: skip
_WORDS = st.sampled_from([
    "rich_text", "rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted", "table", "text",
    "raw_text", "link", "emoji", "user", "usergroup", "team", "channel", "broadcast", "date", "color", "citation",
    "message_mention", "ordered", "here", "U1", ">", ">>", "note:", "1f44d", "1f44d-zz", "d800", "ffffffff", "-",
    "mailto:", "tel:", "http://", "<@U1>", "<!date^1^x|y>", "<!date^^>", "<!>", "<#>", "<a:>", "\r", "\x00", "\ud83d",
])  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | _WORDS | st.text()


def _grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=4)
    fields = st.dictionaries(_KEYS, inner, max_size=3)
    nested = st.builds(lambda kind, more, within: {**more, "type": kind, "elements": within}, _WORDS, fields, several)
    return several | fields | nested


junk = st.recursive(_SCALARS, _grow, max_leaves=20)
junk_blocks = st.lists(junk | st.lists(junk, max_size=3).map(lambda some: rich(section(), *some)), max_size=3)
