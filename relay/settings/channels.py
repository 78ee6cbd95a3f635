"""How to name a Slack channel, and common mistakes."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from relay.owners import NAME, bare, owner_of
from relay.settings.wrong import looks_secret, shown, wrong

LONGEST_NAME = 80  # https://api.slack.com/methods/conversations.create: at most 80, lowercase, no spaces or full stops
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,}")

_NAME = re.compile(rf"#[\w-]{{1,{LONGEST_NAME}}}")
_USER_ID = re.compile(r"[UWD][A-Z0-9]{5,}")
_MEMBER = re.compile(r"<?@.*", re.DOTALL)
_WEBHOOK = re.compile(r"(https?://)?hooks\.slack\.com\b.*", re.DOTALL | re.IGNORECASE)
_INSIDE = re.compile(r"(?:https?://\S*/|<?#)([CG][A-Z0-9]{7,20})\b.*", re.DOTALL)
_FORMS = 'Write the channel\'s id, such as `C0123ABCD` (in Slack: channel name, About, at the bottom), or `"#name"`.'


def parse_channel(value: Any) -> str:
    """A channel id (`C...`, `G...`) or `#name`, optionally with a workspace in front (`acme/C...`), unchanged."""
    if isinstance(value, str) and _is_channel(bare(value) if NAME.fullmatch(owner_of(value)) else value):
        return value
    raise wrong("bad_channel", f"{shown(value)} is not a Slack channel.", _hint(value))


def _is_channel(text: str) -> bool:
    return bool(CHANNEL_ID.fullmatch(text)) or _is_name(text)


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and text == text.lower()


def _hint(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        return _FORMS
    for mistake, hint in _MISTAKES:
        if mistake.fullmatch(value):
            return hint
    if inside := _INSIDE.fullmatch(value):
        return f"Write the id alone: `{inside[1]}`."
    return _nearest(value)


_MISTAKES = (
    (_WEBHOOK, f"That is an incoming webhook's address, which is a secret; the relay posts as a bot. {_FORMS}"),
    (_USER_ID, f"That is the id of a person or a direct message; the relay posts into channels. {_FORMS}"),
    (_MEMBER, f"That is a person; the relay posts into channels. {_FORMS}"),
)


def _nearest(text: str) -> str:
    """The channel that was probably meant, if the text is close to one."""
    if len(text) > LONGEST_NAME + 1:
        return f"A channel's name has at most {LONGEST_NAME} characters. {_FORMS}"
    if CHANNEL_ID.fullmatch(text.strip().upper()) and re.search(r"[0-9]", text):
        return f"Did you mean `{text.strip().upper()}`?"
    name = "#" + re.sub(r"[\s.]+", "-", text.strip().lstrip("#").lower())
    return f'Did you mean `"{name}"`? {_FORMS}' if _is_name(name) and not looks_secret(text) else _FORMS


def parse_channel_or_none(value: Any) -> str:
    """The same, or "" for the word `none`: a chat that waits for a channel."""
    return "" if value == "none" else parse_channel(value)


_PATTERN = rf"^({NAME.pattern}/)?([CG][A-Z0-9]{{2,}}|#[^\sA-Z.#]{{1,80}})$"
_SCHEMA = {"type": "string", "pattern": _PATTERN}
Channel = Annotated[str, BeforeValidator(parse_channel), WithJsonSchema(_SCHEMA)]
ChannelOrNone = Annotated[
    str, BeforeValidator(parse_channel_or_none), WithJsonSchema({"anyOf": [_SCHEMA, {"const": "none"}]})
]
