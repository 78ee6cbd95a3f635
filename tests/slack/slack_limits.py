"""Slack's limits once more, written from its pages and from nothing in the relay."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote, urlsplit

import idna

AN_ADDRESS = r"(?i:https?)://[A-Za-z0-9][^\s<>|\"@]*"
OURS = re.compile(rf"<!date\^\d+\^[a-z_{{}} ]+\|[-0-9: ]+UTC>|<{AN_ADDRESS}\|(Open in Kommunicate|an earlier thread)>")
STYLES = {"bold", "italic", "strike", "code"}
LEAVES = {"text", "link", "date", "user"}


def units(text):
    return len(text.encode("utf-16-le")) // 2


def objects(value):
    """Every JSON object inside, outermost first."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        yield from objects(each)


def texts_of(kind, value):
    return [each["text"] for each in objects(value) if each.get("type") == kind]


def problems(payload):
    """What Slack would refuse, or show otherwise than it was meant; empty for a good payload."""
    json.dumps(payload, ensure_ascii=False).encode()
    found = [] if len(payload["text"]) < (3001 if payload.get("blocks") else 40_000) else ["text"]
    found += ["no text"] * (not payload["text"].strip())
    found += ["unescaped text"] * bool(re.search(r"[<>]|&(?!amp;|lt;|gt;)", payload["text"]))
    found += ["blocks"] * (len(payload.get("blocks", ())) > 50)
    everything = [each for each in objects(payload.get("blocks", ())) if not set(each) <= STYLES]
    found += [fault for each in everything for fault in faults(each)]
    total = sum(units(each.get(key, "")) for each in everything for key in ("text", "alt_text") if is_text(each, key))
    return found + ["total"] * (total > 12_000)


def is_text(each, key):
    return isinstance(each.get(key, ""), str)


def is_entry(each):
    return (
        units(each["text"]["text"]) <= 75 and 0 < units(each["value"]) <= 150 and len(each.get("url", "https")) <= 3000
    )


def opens(shown, url):
    """True where an address opens what one reads: as typed, or with what is beyond ASCII encoded."""
    if url.lower().startswith("mailto:"):
        return url.lower().removeprefix("mailto:") == shown.lower().removeprefix("mailto:")
    if url == shown:
        return url[:4].lower() == "http"
    shown = shown if "://" in shown else f"http://{shown}"
    read, opened = urlsplit(shown), urlsplit(url)
    host = idna.encode(read.hostname, uts46=True).decode()
    return (opened.hostname, opened.port) == (host, read.port) and unquote(opened.path) == unquote(read.path)


def faults(each):
    """What is wrong with one object."""
    check = {
        "plain_text": lambda: 0 < units(each["text"]) <= 3000 and each["emoji"] is False,
        "mrkdwn": lambda: OURS.fullmatch(each["text"]) and units(each["text"]) <= 3000,
        "text": lambda: 0 < units(each["text"]) <= 3000,
        "link": lambda: opens(each["text"], each["url"]) and units(each["url"]) <= 3000 and each["url"].isascii(),
        "user": lambda: each["user_id"] == "U0ALEX",  # whom the relay's own line names, never a customer's words
        "date": lambda: 0 <= each["timestamp"] < 2**40 and each["fallback"],
        "context": lambda: 0 < len(each["elements"]) <= 10,
        "rich_text": lambda: each["elements"],
        "rich_text_section": lambda: all(e["type"] in LEAVES for e in each["elements"]) and each["elements"],
        "rich_text_preformatted": lambda: [e["type"] for e in each["elements"]] == ["text"],
        "rich_text_list": lambda: (
            all(e["type"] == "rich_text_section" for e in each["elements"])
            and each["elements"]
            and 0 <= each["indent"] <= 8
            and each["style"] in ("ordered", "bullet")
            and each.get("offset", 1) > 0
        ),
        "rich_text_quote": lambda: all(e["type"] in LEAVES for e in each["elements"]) and each["elements"],
        "section": lambda: set(each) == {"type", "text", "accessory"},
        "users_select": lambda: 0 < len(each["placeholder"]["text"]) <= 150,
        "overflow": lambda: 0 < len(each["options"]) <= 5 and all(is_entry(option) for option in each["options"]),
        "image": lambda: each["image_url"].startswith("https://") and 0 < units(each["alt_text"]) <= 2000,
        "actions": lambda: 0 < len(each["elements"]) <= 25,
        "button": lambda: units(each["text"]["text"]) <= 75 and units(each.get("url", "")) <= 3000,
        None: lambda: set(each) == {"bold"} or is_entry(each),
    }.get(each.get("type"), lambda: False)
    return [] if check() else [f"{each.get('type')}: {str(each)[:200]}"]
