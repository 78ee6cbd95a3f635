"""Slack's long lists, page by page: https://docs.slack.dev/apis/web-api/pagination"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relay.errors import Unsure
from relay.slack.web import Web, unreadable

MAX_PAGES = 50


def pages(web: Web, method: str, key: str, arguments: Mapping[str, Any], *, size: int) -> Iterator[Mapping[str, Any]]:
    """Yields every item of a list; a list that cannot be had whole ends in `Unsure`, never early."""
    cursor = ""
    for _ in range(MAX_PAGES):
        more = {"cursor": cursor} if cursor else {}
        body = web.read(method, {**arguments, "limit": size, **more})
        items = body.get(key)
        if not isinstance(items, list):
            raise unreadable(method)
        yield from (item for item in items if isinstance(item, Mapping))
        cursor = _next_cursor(body)
        if not cursor:
            if body.get("has_more") is True:
                raise unreadable(method)
            return
    raise Unsure(f"{method} has more than {MAX_PAGES} pages", code="too_many_pages")


def _next_cursor(body: Mapping[str, Any]) -> str:
    metadata = body.get("response_metadata")
    cursor = metadata.get("next_cursor") if isinstance(metadata, Mapping) else None
    return cursor if isinstance(cursor, str) else ""
