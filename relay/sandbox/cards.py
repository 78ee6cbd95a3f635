"""Files as the page shows them, on both sides: a picture or a card, and where their bytes are."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from relay.sandbox.kommunicate.files import PRIVATE
from relay.sandbox.kommunicate.values import ChatLine
from relay.sandbox.pictures import HOST, kind_of
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.slack.workspace import SlackWorkspace

WEB = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
SLACK, KOMMUNICATE = "slack", "kommunicate"  # the folders below /files/
NOTES = {"external": "kept outside of Slack", "tombstone": "deleted", "hidden_by_limit": "hidden by the plan's limit"}


def bytes_of(sandbox: Sandbox, side: str, name: str) -> bytes | None:
    """The bytes behind `/files/<name>`, a picture, or `/files/<side>/<name>`."""
    if side == SLACK:
        file = sandbox.slack.cabinet.files.get(name)
        return file.content if file is not None and file.readable else None
    if side == KOMMUNICATE:
        kept = sandbox.kommunicate.files.stored(name)
        return None if kept is None else kept.content
    return None if side else sandbox.pictures.get(name)


def _card(name: str, kind: str, size: Any, link: str | None, *, picture: bool, note: str = "") -> dict[str, Any]:
    return {"name": name, "type": kind, "size": size, "link": link, "picture": picture and bool(link), "note": note}


def card_of_slack(slack: SlackWorkspace, told: dict[str, Any]) -> dict[str, Any]:
    """A file of a message in Slack; `told` is the file as the message describes it."""
    file = slack.cabinet.files.get(str(told.get("id")))
    if file is None:
        return _card(str(told.get("name", "file")), "", None, None, picture=False)
    mode = "tombstone" if file.deleted else str(told.get("mode", ""))
    link = f"/files/{SLACK}/{file.id}" if file.readable and mode not in NOTES else None
    if mode == "external":
        link = web_address(told.get("url_private"))
    shows = mode not in NOTES and bool(kind_of(file.content or b""))
    card = _card(file.title or file.name, file.mimetype, file.length, link, picture=shows, note=NOTES.get(mode, ""))
    return card | {"id": "" if mode == "tombstone" else file.id}


def card_of_customer(line: ChatLine) -> dict[str, Any] | None:
    """The file of a message in Kommunicate, if it has one."""
    told, kept = line.file, line.attached
    if told is None:
        return None
    name, kind = str(told.get("name", "")).removeprefix(PRIVATE), str(told.get("contentType", ""))
    if kept is None:
        link = web_address(told.get("url"))
        known = str(link).startswith(HOST)
        link = f"/files/{quote(str(link).removeprefix(HOST))}" if known else link
        return _card(name, kind, told.get("size"), link, picture=known and bool(told.get("thumbnailUrl")))
    link = None if kept.deleted else f"/files/{KOMMUNICATE}/{kept.stored}"
    note = "deleted" if kept.deleted else "private" if kept.private else ""
    return _card(name, kind, told.get("size"), link, picture=bool(kind_of(kept.content)), note=note)


def rich_pictures(line: ChatLine) -> list[dict[str, str]]:
    """The pictures in Kommunicate's rich template 9 that have a web address."""
    if (line.metadata.get("contentType"), line.metadata.get("templateId")) != ("300", "9"):
        return []
    try:
        payload = json.loads(line.metadata.get("payload") or "")
    except (TypeError, ValueError, RecursionError):
        return []
    listed = [each for each in payload if isinstance(each, dict)] if isinstance(payload, list) else []
    found = [(web_address(each.get("url")), str(each.get("caption") or "")) for each in listed]
    return [{"url": url, "caption": caption} for url, caption in found if url]


def web_address(value: Any) -> str | None:
    """An http or https address, or None."""
    return value if isinstance(value, str) and WEB.fullmatch(value) else None
