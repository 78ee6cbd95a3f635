"""The kinds of text in the YAML file, each with its rule."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from relay.owners import NAME, bare, owner_of
from relay.settings.wrong import shown, wrong

MAX_MENU_NAME = 75
_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]{1,200})?")


def parse_text(value: Any) -> str:
    """Text that is not blank, unchanged."""
    if not isinstance(value, str) or not value.strip():
        raise wrong("not_text", f"{shown(value)} is not allowed here; this must be text.", "Write one piece of text.")
    return value


def parse_url(value: Any) -> str:
    """A bare https address without a slash at its end."""
    if isinstance(value, str) and (url := _bare_https(value)):
        return url
    hint = "Write `https://dashboard.kommunicate.io`, without user name, `?` or `#`."
    raise wrong("bad_url", f"{shown(value)} is not an https address.", hint)


def parse_file_host(value: Any) -> str:
    """A host name in lower case, without `https://`; optionally with a leading `*.`, a port, or a path prefix."""
    host, slash, path = value.partition("/") if isinstance(value, str) else ("", "", "")
    if _HOST.fullmatch(text := host.lower() + slash + path):
        return text
    inside = re.fullmatch(r"https?://([a-z0-9.-]{1,253})(?:[:/?#][^@]*)?", str(value).lower())
    hint = f"Write the host alone: `{inside[1]}`." if inside else "Write a host name: `files.example.com`."
    raise wrong("bad_host", f"{shown(value)} is not a host name.", hint)


def parse_mentioned(value: Any) -> str:
    """Whom Slack can notify: a user's or user group's id, or `here` or `channel`; "" for `nobody`."""
    if value == "nobody":
        return ""
    if isinstance(value, str) and (value in ("here", "channel") or re.fullmatch(r"[UWS][A-Z0-9]{2,}", value)):
        return value
    hint = "Write a user's id (`U0123ABCD`), a user group's (`S0123ABCD`), `here`, `channel` or `nobody`."
    raise wrong("bad_mention", f"{shown(value)} is not somebody Slack can notify.", hint)


def parse_address(value: Any) -> str:
    """Any https address, unchanged."""
    if isinstance(value, str) and re.fullmatch(r"https://[^\s/?#]+[^\s]*", value) and "@" not in urlsplit(value).netloc:
        return value
    raise wrong("bad_url", f"{shown(value)} is not an https address.", "Write `https://example.com/page`.")


def parse_menu_name(value: Any) -> str:
    """A name that a Slack menu can show completely."""
    name = parse_text(value)
    if len(name) > MAX_MENU_NAME:
        raise wrong("too_long", f"{shown(value)} is too long for a name.", f"Write at most {MAX_MENU_NAME} characters.")
    return name


def parse_slack_user(value: Any) -> str:
    """A Slack user id, optionally with a workspace in front, unchanged."""
    if isinstance(value, str) and _SLACK_USER.fullmatch(bare(value) if NAME.fullmatch(owner_of(value)) else value):
        return value
    hint = "Write it as `U0123ABCD` (in Slack: profile, three dots, Copy member ID)."
    raise wrong("bad_slack_user", f"{shown(value)} is not a Slack user id.", hint)


def _bare_https(text: str) -> str | None:
    try:
        url = urlsplit(text)
        fits = url.scheme == "https" and url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        return None
    extra = url.query or url.fragment or "@" in url.netloc or re.search(r"\s", text)
    return text.rstrip("/") if fits and not extra else None


Text = Annotated[str, BeforeValidator(parse_text)]
DashboardUrl = Annotated[str, BeforeValidator(parse_url)]
FileHost = Annotated[str, BeforeValidator(parse_file_host)]
Mentioned = Annotated[str, BeforeValidator(parse_mentioned)]
WebAddress = Annotated[str, BeforeValidator(parse_address)]
MenuName = Annotated[str, BeforeValidator(parse_menu_name)]
SlackUserId = Annotated[str, BeforeValidator(parse_slack_user)]
