"""What the relay sends to Kommunicate (a reply, a hand-over, a status) and what the responses say: values, no calls.

Outcomes of a hand-over: github.com/Kommunicate-io/kommunicate-mcp, main.py. Status codes: the vendor's sources agree on
2 for resolved and contradict each other on the rest; 3 is spam in docs.kommunicate.io/docs/api-detail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

from relay.errors import Permanent
from relay.kommunicate.body import message_key

ENGAGED = "AGENT_IS_ALREADY_ENGAGED"

Status = Literal["open", "resolved"]
_CODES: Mapping[Status, str] = {"open": "0", "resolved": "2"}

# A header cannot encode: what is no plain ASCII has no agreed meaning in it, and a line break would begin another.
_HEADER = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)
_HALF = re.compile(r"[\ud800-\udfff]")  # of a character
# What a response may say of a call that it calls a success: a code in capitals names a reason why it is none.
_REASON = re.compile(r"(?i:error)|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


class Assigned(StrEnum):
    """What a hand-over changed."""

    UPDATED = "updated"
    ALREADY = "already"


def reply(
    group_id: str, text: str, *, sender: str, relay_id: str, beside: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the JSON of one message, stamped so that its echo on the webhook is recognised.

    `beside` is the metadata of what is shown with the text.
    """
    # Metadata holds strings only.
    stamp = {**(beside or {}), "relay_origin": "slack", "relay_id": relay_id}
    return {"groupId": group_id, "message": text, "fromUserName": sender, "metadata": stamp}


def hand_over(group_id: str, assignee: str, *, take_over_from_bot: bool, notify: bool) -> dict[str, str]:
    """Return the query that assigns a conversation; raise `Permanent` if it cannot be written."""
    query = {"groupId": group_id, "assignee": assignee, "sendNotifyMessage": _word(notify)}
    return _sendable(query | {"takeOverFromBot": _word(take_over_from_bot)})


def change_status(group_id: str, status: Status, *, notify: bool) -> dict[str, str]:
    """Return the query that opens or resolves a conversation; raise `Permanent` if it cannot be written."""
    return _sendable({"groupId": group_id, "status": _CODES[status], "sendNotifyMessage": _word(notify)})


def on_behalf(user_id: str) -> dict[str, str]:
    """Return the header that names whom a call acts for; raise `Permanent` for an id that a header cannot contain."""
    if not _HEADER.fullmatch(user_id):
        raise _unwritable()
    return {"Of-User-Id": user_id}


def sent_key(content: Any) -> str | None:
    """Return the key of the sent message, without its `4-`/`5-`; None if the response has none."""
    for holder in (content, _inner(content)):
        if isinstance(holder, dict) and holder.get("messageKey"):
            try:
                return message_key(holder["messageKey"])
            except ValueError:
                return None
    return None


def change(content: Any) -> Assigned | None:
    """Return what a hand-over or a change of status did; None if the response does not confirm it."""
    said = _said(content)
    if said.lower() == "already updated":
        return Assigned.ALREADY
    done = said.lower() == "updated" or (_succeeded(content) and not _REASON.fullmatch(said))
    return Assigned.UPDATED if done else None


def is_engaged(content: Any) -> bool:
    """True if the agent accepts no more conversations, whether the envelope calls that an error or a success."""
    return _said(content) == ENGAGED


def links(buttons: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of buttons that open these addresses, by their labels."""
    return _template("3", [{"type": "link", "name": name, "url": url} for name, url in buttons.items()])


def suggestions(answers: Sequence[str]) -> dict[str, str]:
    """Return the metadata of answers that the customer can tap."""
    return _template("6", [{"title": one, "message": one} for one in answers])


def picture(url: str) -> dict[str, str]:
    """Return the metadata of a picture."""
    return _template("9", [{"url": url}])


def _template(number: str, payload: object) -> dict[str, str]:
    """https://docs.kommunicate.io/docs/message-types: everything is text, nested values as JSON."""
    return {"contentType": "300", "templateId": number, "payload": json.dumps(payload)}


def _succeeded(content: Any) -> bool:
    return isinstance(content, dict) and str(content.get("status")).lower() == "success"


def _inner(content: Any) -> Any:
    return content.get("response") if isinstance(content, dict) else None


def _said(content: Any) -> str:
    """Return the text of a response: the envelope's content if it is text, otherwise its status."""
    words = (_inner(content), content.get("status")) if isinstance(content, dict) else (content,)
    return next((word.strip() for word in words if isinstance(word, str) and word.strip()), "")


def _word(value: bool) -> str:  # noqa: FBT001  # what it says is all it takes
    return "true" if value else "false"


def _sendable(query: dict[str, str]) -> dict[str, str]:
    """Return the query if it can be sent: requests escapes all of it but what is no character."""
    if _HALF.search("".join(query.values())):
        raise _unwritable()
    return query


def _unwritable() -> Permanent:
    return Permanent(
        "Kommunicate cannot accept this user or conversation: the id contains unusual characters", code="bad_id"
    )
