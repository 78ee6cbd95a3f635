"""One grey line for what is not chat: assigned, resolved, rated, called, summarised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.jsontext import loads_leniently
from relay.kommunicate.body import WebhookBody
from relay.kommunicate.text import flag, one_line
from relay.kommunicate.words import message_words
from relay.messages import Assigned, News

NOTIFICATION = 10  # contentType of the system's own messages
MAX_VALUE = 200  # characters of a name or status in metadata

# SDKs write open, closed, resolved and waiting in several spellings; numbers only where all sources agree.
_STATUS: Mapping[str, tuple[str, News | None]] = {
    "open": ("Conversation opened", News.OPENED),
    "opened": ("Conversation opened", News.OPENED),
    "reopened": ("Conversation reopened", News.OPENED),
    "0": ("Conversation opened", News.OPENED),
    "close": ("Conversation resolved", News.RESOLVED),
    "closed": ("Conversation resolved", News.RESOLVED),
    "resolved": ("Conversation resolved", News.RESOLVED),
    "2": ("Conversation resolved", News.RESOLVED),
    "waiting": ("Conversation is waiting", News.OPENED),
    "spam": ("Conversation marked as spam", News.RESOLVED),
}


def assigned(body: WebhookBody) -> str:
    """Return "Assigned to Jane": the display name if there is one, otherwise the id."""
    name = one_line(body.metadata.get("LOCALIZATION_VALUE"), MAX_VALUE)
    return _with_words(f"Assigned to {name or one_line(body.metadata.get('KM_ASSIGN'), MAX_VALUE)}", body)


def assignment(body: WebhookBody) -> Assigned:
    """Return the assignee of a conversation."""
    user_id = one_line(body.metadata.get("KM_ASSIGN"), MAX_VALUE)
    return Assigned(user_id, one_line(body.metadata.get("LOCALIZATION_VALUE"), MAX_VALUE))


def handed_to(body: WebhookBody) -> Assigned:
    """Return the target of a bot's hand-over; "" for a team, or if Kommunicate chooses."""
    return Assigned(one_line(body.metadata.get("KM_ASSIGN_TO"), MAX_VALUE), "")


def handed_over(body: WebhookBody) -> str:
    """Return "Handed over to jane@example.com"."""
    return f"Handed over to {handed_to(body).user_id}"


def status(body: WebhookBody) -> str:
    """Return "Conversation resolved" and the like; an unknown status is named as received."""
    word = one_line(body.metadata.get("KM_STATUS"), MAX_VALUE)
    said, _ = _STATUS.get(word.lower(), (f"Conversation status: {word}", None))
    return _with_words(said, body)


def change_of_status(body: WebhookBody) -> News | None:
    """Return what a status means for the conversation; None if it is unknown."""
    word = one_line(body.metadata.get("KM_STATUS"), MAX_VALUE)
    return _STATUS.get(word.lower(), ("", None))[1]


def rated(body: WebhookBody) -> str:
    """Return "Rated 5 of 5: great" from the customer's rating and comments."""
    rating, comments = feedback_of(body.metadata)
    if not rating:
        return _with_words(f"Feedback: {comments}", body)
    scale = " of 5" if rating in {"1", "2", "3", "4", "5"} else ""
    return _with_words(f"Rated {rating}{scale}" + (f": {comments}" if comments else ""), body)


def feedback_of(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """Return (rating, comments) as lines; both empty if there is no readable feedback."""
    value = loads_leniently(metadata.get("feedback"), times=2)
    if not isinstance(value, dict):
        return "", ""
    comments = value.get("comments")
    lines = [one_line(comment) for comment in (comments if isinstance(comments, list) else [comments])]
    return one_line(value.get("rating"), MAX_VALUE), "; ".join(line for line in lines if line)


def summary(body: WebhookBody) -> str:
    """Return "Summary: ..." from the message, or from the metadata if the message is empty."""
    value = body.metadata.get("KM_SUMMARY")
    return f"Summary: {message_words(body).strip() or ('' if flag(value) else one_line(value))}"


def call(body: WebhookBody) -> str:
    """Return one line for a missed call or another call status."""
    return _with_words("Missed call or call status", body)


def _with_words(line: str, body: WebhookBody) -> str:
    # A notification's text is the system's own wording of the same; any other text is somebody's, and kept.
    words = "" if body.content_type == NOTIFICATION else message_words(body).strip()
    return line if words in ("", line) else f"{line}: {words}"
