"""What a webhook's message is, by one table: the first matching rule decides.

Source: `visibleMessage` in the vendor's web client (Kommunicate-Web-SDK, kommunicate.js): what it hides stays hidden,
except that assignment, status and rating become one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay.kommunicate import notices, rich
from relay.kommunicate.body import WebhookBody
from relay.kommunicate.notices import NOTIFICATION
from relay.kommunicate.text import flag, one_line
from relay.kommunicate.words import is_form_answer, is_hidden, message_words
from relay.messages import Assigned, MessageKind, News

HIDDEN, BLOCKED, CALL_SIGNAL, CALL_STATUS = 11, 13, 102, 103  # contentType
CALLS = (6, 7)  # type


@dataclass(frozen=True, slots=True)
class Ignore:
    """Not shown, and why.

    `partial` is a part of an answer that also arrives complete, `hand_over` asks for a person, and `withdrawn`
    withdraws the message with the same key. `of_customer` is how it is shown if its sender is a customer.
    """

    reason: str
    partial: bool = False
    hand_over: bool = False
    withdrawn: bool = False
    of_customer: Show | None = None


@dataclass(frozen=True, slots=True)
class Show:
    """Shown with this text, as a message or as one grey line; `news` is what it says about the conversation itself.

    `spoken` is the line if its sender is not on the team: their text, and no news.
    """

    words: Callable[[WebhookBody], str]
    kind: MessageKind = MessageKind.MESSAGE
    news: Callable[[WebhookBody], Assigned | News | None] = lambda _: None
    spoken: Callable[[WebhookBody], str] = message_words


def judge(body: WebhookBody) -> Ignore | Show:
    """Return what the first matching rule says."""
    return next(outcome for applies, outcome in RULES if applies(body))


def _is_silent(body: WebhookBody) -> bool:
    return not body.message.strip() and not body.file and not body.file_meta


def _is_streamed_piece(body: WebhookBody) -> bool:
    if body.token_message and not _says_false(body.token_message):
        return True
    marked = flag(body.metadata.get("firstToken")) or flag(body.metadata.get("lastToken"))
    stub = marked or bool(body.metadata.get("PLATFORM_MESSAGE_ID"))
    return stub and _is_silent(body) and not rich.is_rich(body.metadata)


def _says_false(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower() in ("", "false")


def _is_withdrawn(body: WebhookBody) -> bool:
    return flag(body.metadata.get("AL_DELETE_GROUP_MESSAGE_FOR_ALL"))


def _is_assignment(body: WebhookBody) -> bool:
    return bool(one_line(body.metadata.get("KM_ASSIGN")))


def _is_status(body: WebhookBody) -> bool:
    return bool(one_line(body.metadata.get("KM_STATUS")))


def _is_feedback(body: WebhookBody) -> bool:
    return any(notices.feedback_of(body.metadata))


def _asks_for_a_person(body: WebhookBody) -> bool:
    return any(body.metadata.get(name) is not None for name in ("KM_ASSIGN_TO", "KM_ASSIGN_TEAM"))


def _is_hand_over(body: WebhookBody) -> bool:
    return _asks_for_a_person(body) and _is_silent(body)


def _is_hand_over_to_somebody(body: WebhookBody) -> bool:
    return _is_hand_over(body) and bool(notices.handed_to(body).user_id)


def _hand_over(body: WebhookBody) -> Assigned | News | None:
    if not _asks_for_a_person(body):
        return None
    to = notices.handed_to(body)
    return to if to.user_id else News.HANDED_OVER


def _is_call_signal(body: WebhookBody) -> bool:
    return body.type in CALLS or body.content_type == CALL_SIGNAL


def _is_hidden_form_answer(body: WebhookBody) -> bool:
    return is_hidden(body.metadata) and is_form_answer(body.metadata)


def _is_hidden_words(body: WebhookBody) -> bool:
    return is_hidden(body.metadata) and not _is_silent(body) and not _is_call_signal(body)


def _is_hidden(body: WebhookBody) -> bool:
    return is_hidden(body.metadata) or body.content_type == HIDDEN


def _is_hidden_action(body: WebhookBody) -> bool:
    # No page lists contentType for the webhook: if it is absent, only the metadata decide.
    asked = bool(body.metadata.get("KM_TRIGGER_EVENT")) or flag(body.metadata.get("hide"))
    return asked and body.content_type in (NOTIFICATION, None)


def _is_call_status(body: WebhookBody) -> bool:
    return body.content_type == CALL_STATUS


def _is_summary(body: WebhookBody) -> bool:
    value = body.metadata.get("KM_SUMMARY")
    return bool(value) and not _says_false(value)


def _is_notification(body: WebhookBody) -> bool:
    return body.content_type in (NOTIFICATION, BLOCKED)


def _is_empty_notification(body: WebhookBody) -> bool:
    return _is_notification(body) and _is_silent(body) and not rich.is_rich(body.metadata)


def _always(_: WebhookBody) -> bool:
    return True


RULES: tuple[tuple[Callable[[WebhookBody], bool], Ignore | Show], ...] = (
    (_is_withdrawn, Ignore("withdrawn by its author", withdrawn=True)),
    (_is_streamed_piece, Ignore("piece of a streamed answer", partial=True)),
    (_is_assignment, Show(notices.assigned, MessageKind.NOTICE, notices.assignment)),
    (_is_status, Show(notices.status, MessageKind.NOTICE, notices.change_of_status)),
    (_is_feedback, Show(notices.rated, MessageKind.NOTICE, spoken=notices.rated)),
    (_is_hidden_form_answer, Show(message_words)),
    (_is_hidden_words, Ignore("hidden message", of_customer=Show(message_words))),
    (_is_hidden, Ignore("hidden message")),
    (_is_hidden_action, Ignore("hidden message")),
    (_is_call_signal, Ignore("call signalling")),
    (_is_hand_over_to_somebody, Show(notices.handed_over, MessageKind.NOTICE, _hand_over)),
    (_is_hand_over, Ignore("hand-over request without words", hand_over=True)),
    (_is_call_status, Show(notices.call, MessageKind.NOTICE, spoken=notices.call)),
    (_is_summary, Show(notices.summary, MessageKind.NOTICE)),
    (_is_empty_notification, Ignore("notification without words")),
    (_is_notification, Show(message_words, MessageKind.NOTICE)),
    (_always, Show(message_words, news=_hand_over)),
)
