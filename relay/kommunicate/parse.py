"""Raw body -> message, or ignored with a reason; anything malformed is a `Rejected`, never another error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from relay.errors import Rejected
from relay.jsontext import NotJson, decode, loads, loads_leniently
from relay.keys import PIECE
from relay.kommunicate.body import WebhookBody, check_fields, message_key
from relay.kommunicate.kinds import Ignore, Show, judge
from relay.kommunicate.text import one_line, web_url
from relay.kommunicate.words import UNSEEN, is_hidden, unseen_words, without_secrets
from relay.messages import Attachment, ChatMessage, ConversationKey, IgnoredMessage, MessageKind

MAX_BODY = 262_144  # bytes; the endpoint refuses larger bodies before parsing
SHORT = 4096  # bytes of a body that is cached
ENCRYPTED = "AWS-ENCRYPTED-"  # prefix of the name of a file whose link must be signed first
MAX_NAME = 255
_BLOB = re.compile(r"/rest/ws/(?:aws/file|attachment)/([^/]+)\Z")
_BLOB_KEY = re.compile(r"[\w.=@+-][\w./=@+-]{0,500}", re.ASCII)
_FIELDS = ("name", "url", "contentType", "size", "thumbnailUrl", "blobKey")


def parse_webhook(body: bytes, *, account: str = "default") -> ChatMessage | IgnoredMessage:
    """Return what the webhook's body says; raise `Rejected` 400 (not JSON) or 422 (each wrong field named).

    A body is read on arrival, when it is shown, and again beside the next message: the latest ones are cached.
    """
    return _parsed(body, account) if len(body) <= SHORT else _parse(body, account)


def _parse(body: bytes, account: str) -> ChatMessage | IgnoredMessage:
    fields = _object(body)
    _refuse_bot_webhook(fields)
    checked = check_fields(fields)
    outcome = judge(checked)
    return _shown(checked, outcome, account) if isinstance(outcome, Show) else _ignored(checked, outcome, account)


_parsed = lru_cache(maxsize=512)(_parse)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = loads(decode(body))
    except NotJson as error:
        raise Rejected(400, "bad_json", f"The body cannot be read: {error}.") from None
    if not isinstance(value, dict):
        problem = {"field": "body", "message": "must be a JSON object"}
        raise Rejected(422, "invalid_body", "The body must be a JSON object.", [problem])
    return value


def _refuse_bot_webhook(fields: Mapping[str, Any]) -> None:
    # docs.kommunicate.io/docs/bot-custom-integration: there, Kommunicate waits for the bot's answer.
    has = {name for name in ("botId", "eventName", "createdAt", "timeStamp") if fields.get(name) is not None}
    if has & {"botId", "eventName"} or ("createdAt" in has and "timeStamp" not in has):
        raise Rejected(
            422,
            "wrong_webhook",
            "This is a bot's webhook; in Kommunicate, set the URL under Settings > Webhooks & Security "
            "instead of the bot's webhook field.",
        )


def _shown(body: WebhookBody, outcome: Show, account: str) -> ChatMessage:
    text, unseen = outcome.words(body), unseen_words(body)
    if is_hidden(body.metadata):  # the answers of a form
        answers = unseen.removeprefix(UNSEEN).strip()
        text, unseen = "", "\n".join(part for part in (UNSEEN, without_secrets(text), answers) if part)
    return ChatMessage(
        conversation=ConversationKey(account, body.group_id),
        key=body.key,
        sender=body.sender,
        sent_at=body.time_ms / 1000,
        text=text,
        unseen=unseen,
        spoken=outcome.spoken(body) if outcome.kind is MessageKind.NOTICE else None,
        kind=outcome.kind,
        attachment=attachment_of(body.file, body.file_meta),
        title=body.title,
        client_group_id=body.client_group_id,
        metadata=body.metadata,
        news=outcome.news(body),
        quotes=_quoted(body),
    )


def _quoted(body: WebhookBody) -> str:
    try:
        return message_key(body.metadata.get("AL_REPLY"))
    except ValueError:  # missing, or not usable as a key
        return ""


def _ignored(body: WebhookBody, outcome: Ignore, account: str) -> IgnoredMessage:
    # A part of an answer may have the whole answer's key, which must not count as its duplicate.
    key = PIECE + body.key if outcome.partial else body.key
    place = ConversationKey(account, body.group_id)
    return IgnoredMessage(
        outcome.reason,
        place,
        key,
        hand_over=outcome.hand_over,
        sender=body.sender,
        withdrawn=outcome.withdrawn,
        of_customer=None if outcome.of_customer is None else _shown(body, outcome.of_customer, account),
    )


def attachment_of(*candidates: Any) -> Attachment | None:
    """Return the first candidate that describes a file (an object, or a string with one); otherwise None."""
    for candidate in candidates:
        value = loads_leniently(candidate)
        if isinstance(value, dict) and any(value.get(name) not in (None, "") for name in _FIELDS):
            return _clean(value)
    return None


def _clean(file: Mapping[str, Any]) -> Attachment:
    url, name = web_url(file.get("url")), file.get("name")
    return Attachment(
        name=_name(name),
        content_type=_content_type(file.get("contentType")),
        size=_size(file.get("size")),
        url=url,
        thumbnail_url=web_url(file.get("thumbnailUrl"), ("https",)),
        key=_blob_key(file.get("blobKey"), url),
        is_private=isinstance(name, str) and ENCRYPTED in name,
    )


def _blob_key(named: Any, url: str | None) -> str:
    """Return Kommunicate's id of the file: stated, or the end of one of its own addresses."""
    in_address = _BLOB.search(urlsplit(url).path) if url else None
    key = named if isinstance(named, str) else (in_address[1] if in_address else "")
    return key if _BLOB_KEY.fullmatch(key) else ""


def _name(value: Any) -> str:
    base = re.split(r"[/\\]", one_line(value) if isinstance(value, str) else "")[-1]
    name = base.strip().removeprefix(ENCRYPTED)[:MAX_NAME].strip()
    return name if name.strip(".") else "file"


def _content_type(value: Any) -> str:
    return one_line(value, MAX_NAME) if isinstance(value, str) else ""


def _size(value: Any) -> int | None:
    """Return bytes; None unless it is a whole number from 0 that fits a database column."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,18}\s*", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**63:
        return None
    return int(value) if float(value).is_integer() else None
