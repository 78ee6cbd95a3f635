"""Raw body -> message, or ignored with a reason; anything malformed is a `Rejected`, never another error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.errors import Rejected
from relay.jsontext import NotJson, decode, loads
from relay.kommunicate.attachments import attachment_of
from relay.kommunicate.body import WebhookBody, check_fields
from relay.kommunicate.kinds import Ignore, Show, judge
from relay.messages import ChatMessage, ConversationKey, IgnoredMessage

MAX_BODY = 262_144  # bytes; the endpoint refuses more before anything is parsed


def parse_webhook(body: bytes, *, account: str = "default") -> ChatMessage | IgnoredMessage:
    """Return what the webhook's body says; raise `Rejected` 400 (no JSON) or 422 (each wrong field named)."""
    fields = _object(body)
    _refuse_bot_webhook(fields)
    checked = check_fields(fields)
    outcome = judge(checked)
    return _shown(checked, outcome, account) if isinstance(outcome, Show) else _ignored(checked, outcome, account)


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
    # docs.kommunicate.io/docs/bot-custom-integration: Kommunicate waits there for the bot's words.
    has = {name for name in ("botId", "eventName", "createdAt", "timeStamp") if fields.get(name) is not None}
    if has & {"botId", "eventName"} or ("createdAt" in has and "timeStamp" not in has):
        raise Rejected(
            422,
            "wrong_webhook",
            "This is a bot's webhook; in Kommunicate, set the URL under Settings > Webhooks & Security "
            "instead of the bot's webhook field.",
        )


def _shown(body: WebhookBody, outcome: Show, account: str) -> ChatMessage:
    return ChatMessage(
        conversation=ConversationKey(account, body.group_id),
        key=body.key,
        sender=body.sender,
        sent_at=body.time_ms / 1000,
        text=outcome.words(body),
        kind=outcome.kind,
        attachment=attachment_of(body.file, body.file_meta),
        title=body.title,
        metadata=body.metadata,
        news=outcome.news(body),
    )


def _ignored(body: WebhookBody, outcome: Ignore, account: str) -> IgnoredMessage:
    # A piece of an answer may bear the whole answer's key, which must not be taken for a repetition of it.
    key = f"piece:{body.key}" if outcome.partial else body.key
    return IgnoredMessage(outcome.reason, ConversationKey(account, body.group_id), key, hand_over=outcome.hand_over)
