"""Looks for a post that may or may not be in Slack; nothing is sent again before a look.

Found in its place: settled. Found outside its thread: a stray, which is deleted, and a new thread is opened. Not found,
even at the last look: the same payload is sent once more, and `second_copies` looks again a minute later. A failed look
is repeated a few times; then the message is sent again, marked as possibly repeated. Time in which Slack answers
nobody, or a gate is closed, does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.failures import NOT_A_MEMBER
from relay.delivery.gates import close_gate
from relay.delivery.handlers import files
from relay.delivery.handlers.corrections import redrawn
from relay.delivery.handlers.messages import delete, removed
from relay.delivery.policy import next_look
from relay.delivery.starting import seconds_until_start
from relay.delivery.steps import Call, Found, Step
from relay.errors import (
    DeliveryFailed,
    HistoryUnreadable,
    OperatorNeeded,
    RateLimited,
    Transient,
    Unreachable,
    Unsure,
)
from relay.failpoints import failpoint
from relay.slack.client import Found as Post
from relay.slack.client import Posted
from relay.slack.post import mark_repeated
from relay.store.conversations import threads
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.queue import refusals, sends
from relay.store.queue.due import lock
from relay.store.queue.lanes import give_back, hold, hold_again, put_off
from relay.vocabulary import GateScope, SendKind

log = structlog.get_logger()

FAILED_LOOKS = (2.0, 5.0, 15.0, 60.0)  # seconds after each failed look; the next failure is the last
NEVER_CONFIRMED = "Slack never confirmed it, and it cannot be found"
NEVER_LOOKED_FOR = "Slack did not answer, and the relay could not look for it"
UNREADABLE = "Slack did not answer, and the relay may not read the history to check"


def look(context: DeliveryContext, claim: Claim, send: Send) -> Step | None:
    """Look once for an unsure post; returns what to do next, None if the lane was released."""
    elapsed = max(0.0, claim.at - (send.started_at or claim.at))  # less than 0: the clock has jumped back
    first = context.schedule(send.kind).confirm_after[0]
    if elapsed < first:
        _look_later(context, claim, send, first - elapsed, "waiting before the first look")
        return None
    try:
        found = _find(context, send)
        failpoint("look.answered")
    except HistoryUnreadable:
        return _unreadable(context, claim, send, elapsed)
    except DeliveryFailed as error:
        in_the_end = partial(_give_up, claim=claim, send=send, error=error)
        _look_failed(context, claim, send, error, f"the look failed: {error}", in_the_end)
        return None
    return _seen(context, claim, send, found, elapsed)


def _find(context: DeliveryContext, send: Send) -> Sequence[Post]:
    if send.kind is SendKind.SHARE:
        return files.find(context, send)
    return context.look_for(send)


def _seen(context: DeliveryContext, claim: Claim, send: Send, found: Sequence[Post], elapsed: float) -> Step | None:
    in_place = [one.ts for one in found if _is_in_place(one, send)]
    strays = [one.ts for one in found if not _is_in_place(one, send)]
    if in_place:
        log.info("send.confirmed", send=send.id, channel=send.channel)
        # A second copy would be found by the last look a minute from now, see `second_copies`.
        return Found(send, Posted(send.channel, in_place[0], send.thread_ts))
    if strays:
        _remove_strays(context, claim, send, strays)
        return None
    wait = next_look(elapsed, context.schedule(send.kind).confirm_after)
    if wait is not None:
        _look_later(context, claim, send, wait, "not found yet")
        return None
    log.info("send.absent", send=send.id, channel=send.channel)
    if send.kind is SendKind.SHARE:
        _bring_anew(context, claim, send)
        return None

    def work(tx: Tx) -> Step | None:
        hold(tx, claim)
        if claim.spent > context.schedule(send.kind).give_up_after and not send.is_root:
            _bury(tx, claim, send, NEVER_CONFIRMED)
            return None
        return _resend(tx, context, claim, send, marked=False)

    return context.write("resend", work)


def _bring_anew(context: DeliveryContext, claim: Claim, send: Send) -> None:
    try:
        files.bring_anew(context, claim, send)
    except DeliveryFailed as error:
        in_the_end = partial(files.end_in_vain, claim=claim, send=send)
        _look_failed(context, claim, send, error, "a file that is not shown could not be deleted", in_the_end)


def _is_in_place(one: Post, send: Send) -> bool:
    """A root is in no thread but its own; a reply is in its thread."""
    return one.thread_ts in (None, one.ts) if send.is_root else one.thread_ts == send.thread_ts


def _look_later(context: DeliveryContext, claim: Claim, send: Send, wait: float, cause: str) -> None:
    def work(tx: Tx) -> None:
        hold(tx, claim)
        sends.mark_unsure(tx, sends.looked(send), wait, cause)
        give_back(tx, claim, wait=wait, looking=True, attempts=claim.attempts, spent=claim.spent + wait)

    context.write("looked", work)


def _resend(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, *, marked: bool) -> Step | None:
    """Send the same once more, at once if its channel has a slot. The lane is held."""
    send = redrawn(tx, context, claim, sends.as_stored(tx, send))
    again = sends.refreeze_for_resend(tx, send, mark_repeated(send.payload) if marked else send.payload)
    wait = seconds_until_start(tx, context, claim, again)
    if wait is not None:
        put_off(tx, claim, wait)
        return None
    hold_again(tx, claim, lease=context.lease)
    return Call(sends.start(tx, again))


def _remove_strays(context: DeliveryContext, claim: Claim, send: Send, strays: Sequence[str]) -> None:
    """The thread is gone, so Slack put the post at the channel's root: delete it and open a new thread."""

    def new_thread(tx: Tx) -> None:
        threads.give_up_thread(tx, claim, send, "its thread is gone")
        give_back(tx, claim)

    try:
        for ts in strays:
            delete(context, send.channel, ts)
    except DeliveryFailed as error:
        _look_failed(context, claim, send, error, "a stray copy could not be deleted", new_thread)
        return
    context.write("newthread", lambda tx: _locked(tx, claim, new_thread))
    log.info("thread.gone", channel=send.channel)


def remove_root(context: DeliveryContext, claim: Claim, send: Send, ts: str) -> None:
    """Delete a root that nobody needs."""
    try:
        delete(context, send.channel, ts)
    except DeliveryFailed as error:
        cause = "a second root could not be deleted"
        _look_failed(context, claim, send, error, cause, lambda tx: removed(tx, claim, send))
        return
    context.write("settle", lambda tx: _locked(tx, claim, lambda tx: removed(tx, claim, send)))


def _locked(tx: Tx, claim: Claim, work: Callable[[Tx], None]) -> None:
    lock(tx, claim.conversation.id)
    hold(tx, claim)
    work(tx)


def _look_failed(
    context: DeliveryContext,
    claim: Claim,
    send: Send,
    error: DeliveryFailed,
    cause: str,
    in_the_end: Callable[[Tx], None],
) -> None:
    """A look, or what followed from it, failed: repeat it, and `in_the_end` go on without it."""
    log.warning("look.failed", send=send.id, error=type(error).__name__, code=error.code)
    counts = _counts(context, send, error)
    is_member = error.code == NOT_A_MEMBER and context.join(send.channel)

    def work(tx: Tx) -> None:
        hold(tx, claim)
        failed = send.failed_looks + counts
        if failed > len(FAILED_LOOKS):
            in_the_end(tx)
            return
        wait = FAILED_LOOKS[failed - 1] if counts else 0.0
        sends.mark_unsure(tx, sends.looked(send, failed=failed), wait, cause)
        if (not is_member and isinstance(error, RateLimited | OperatorNeeded | Unreachable)) or not counts:
            close_gate(tx, context, error, channel=send.channel)
        spent = claim.spent + wait if counts else claim.spent
        give_back(tx, claim, wait=wait, looking=True, attempts=claim.attempts, spent=spent)

    context.write("looked", lambda tx: _locked(tx, claim, work))


def _counts(context: DeliveryContext, send: Send, error: DeliveryFailed) -> bool:
    """True for a failure of this look alone; not for a gate that holds back all of them, or a Slack outage."""
    match error:
        case RateLimited() | Unreachable():
            return False
        case OperatorNeeded():
            return error.scope is GateScope.CHANNEL
        case Transient() | Unsure():
            return context.slack_at(send.channel).answers()
    return True


def _give_up(tx: Tx, claim: Claim, send: Send, error: DeliveryFailed) -> None:
    """Nobody can find out what became of it: send it once more, where its conversation is now, and mark it."""
    if send.kind is SendKind.SHARE:
        files.cannot_look(tx, claim, send, error)
    elif send.is_root:
        refusals.take_back(tx, claim, send, NEVER_LOOKED_FOR)
    elif refusals.may_repeat(tx, send):
        refusals.bury(tx, claim, send, NEVER_LOOKED_FOR)
    else:
        refusals.repeat_marked(tx, claim, send, NEVER_LOOKED_FOR)
    give_back(tx, claim)


def _bury(tx: Tx, claim: Claim, send: Send, cause: str) -> None:
    refusals.bury(tx, claim, send, cause)
    give_back(tx, claim)


def _unreadable(context: DeliveryContext, claim: Claim, send: Send, elapsed: float) -> Step | None:
    """History cannot be read: send once more, marked; if that gets no answer either, it is a dead letter.

    A root is worth a second and a third try, but slowly: each may be in the channel.
    """
    log.warning("look.unreadable", send=send.id, channel=send.channel)
    pause = context.schedule(send.kind).delay(send.resent) if send.is_root and send.resent else 0.0
    if elapsed < pause:
        _look_later(context, claim, send, pause - elapsed, "its history may not be read")
        return None

    def work(tx: Tx) -> Step | None:
        hold(tx, claim)
        if send.resent == 0 or send.is_root:
            return _resend(tx, context, claim, send, marked=not send.is_root)
        _bury(tx, claim, send, UNREADABLE)
        return None

    return context.write("resend", work)
