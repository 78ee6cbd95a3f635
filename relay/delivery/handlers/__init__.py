"""One file for each kind of send. A handler has three functions; a new kind is one more file and a line in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from relay.delivery.context import DeliveryContext
from relay.delivery.handlers import card, clicks, corrections, fetches, files, marks, messages, replies, takeover
from relay.delivery.steps import Prepared, Result, Step
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.vocabulary import Lane, SendKind


class Handler(Protocol):
    """What differs between the kinds. `prepare` is in `PREPARE`, because it belongs to a lane rather than a kind."""

    def call(self, context: DeliveryContext, claim: Claim, send: Send) -> Any:
        """Make the one call and return its answer. Raises `DeliveryFailed`. Runs outside any transaction."""

    def settled(self, tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
        """Record the result and release the lane, or return what must be done first.

        The transaction holds the conversation (except for posts) and the lane; neither if the result is `TooLate`.
        """


HANDLERS: Mapping[SendKind, Handler] = {
    SendKind.ROOT: messages,
    SendKind.POST: messages,
    SendKind.REPLY: replies,
    SendKind.TAKEOVER: takeover,
    SendKind.CLICK: clicks,
    SendKind.CARD: card,
    SendKind.CORRECTION: corrections,
    SendKind.MARK: marks,
    SendKind.UPLOAD: files,
    SendKind.SHARE: files,
    SendKind.RECALL: files,
    SendKind.FETCH: fetches,
}

PREPARE: Mapping[Lane, Callable[[Tx, DeliveryContext, Claim], Prepared]] = {
    Lane.WORDS: messages.prepare,
    Lane.REPLIES: replies.prepare,
    Lane.FILES: files.prepare,
    Lane.FILES_BACK: fetches.prepare,
    Lane.CARD: corrections.prepare,
}
"""What a lane has to do next, made ready from what the store has; called in the transaction that takes the lane."""

GIVE_UP: Mapping[Lane, Callable[[Tx, DeliveryContext, Claim], Prepared]] = {
    Lane.REPLIES: replies.give_up,
    Lane.FILES: files.give_up_next,
    Lane.FILES_BACK: fetches.give_up_next,
    Lane.CARD: corrections.give_up_next,
}
"""The same where what comes next fails again and again by a mistake of ours. Words that wait are told as late."""

UNANSWERED: Mapping[SendKind, Callable[[Tx, DeliveryContext, Claim, Send], Step | None]] = {
    SendKind.ROOT: messages.unanswered,
    SendKind.POST: messages.unanswered,
    SendKind.REPLY: replies.unanswered,
    SendKind.SHARE: files.unanswered,
}
"""What to do about a send whose call has not been answered, where it may not simply be repeated."""
