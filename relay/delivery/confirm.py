"""Looks for a send that may or may not stand in Slack; nothing is ever sent again without one.

In its place: settled. Outside its thread: a stray, deleted, and a new thread opened. Nowhere, also at the last
look: the same frozen payload goes out once more, and a minute later a last look deletes a second copy.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.policy import next_look
from relay.delivery.posting import look_again, remove_stray, settle_posted
from relay.errors import DeliveryFailed, HistoryUnreadable, Permanent, RateLimited
from relay.failpoints import failpoint
from relay.slack.client import Found, Posted
from relay.slack.render import mark_repeated
from relay.store.db.rows import Claim, Send
from relay.store.queue import copies, gates, refusals, sends

log = structlog.get_logger()

COPIES_AGAIN = 60.0  # seconds until the look for a second copy is tried again when it failed


def confirm(out: DeliveryContext, held: Claim, send: Send) -> Send | None:
    """Look for an unsure send; returns it, frozen again, when it must go out once more, else None."""
    elapsed = max(0.0, held.at - (send.started_at or held.at))  # less than 0: the clock has jumped back
    if elapsed < out.schedule.confirm_after[0]:
        _look_later(out, held, send, out.schedule.confirm_after[0] - elapsed, "waiting before the first look")
        return None
    try:
        found = out.slack.find_posted(send.channel, send.id, thread_ts=send.thread_ts, oldest=send.since_ts)
        failpoint("look.answered")
    except HistoryUnreadable:
        return _unreadable(out, held, send, elapsed)
    except DeliveryFailed as error:
        _look_failed(out, held, send, error)
        return None
    return _found(out, held, send, found, elapsed)


def _found(out: DeliveryContext, held: Claim, send: Send, found: Sequence[Found], elapsed: float) -> Send | None:
    in_place = [one.ts for one in found if _is_in_place(one, send)]
    strays = [one.ts for one in found if not _is_in_place(one, send)]
    if in_place:
        log.info("send.confirmed", send=send.id, channel=send.channel)
        # A second copy would be found by the last look a minute from now, see `check_copies`.
        settle_posted(out, held, send, Posted(send.channel, in_place[0], send.thread_ts))
        return None
    if strays:
        remove_stray(out, held, send, strays)
        return None
    wait = next_look(elapsed, out.schedule.confirm_after)
    if wait is not None:
        _look_later(out, held, send, wait, "not found yet")
        return None
    log.info("send.absent", send=send.id, channel=send.channel)
    with out.store.begin("resend") as tx:
        if held.spent > out.schedule.give_up_after and not send.is_root:
            refusals.bury(tx, held, send, "Slack never confirmed it, and it is nowhere to be found")
            return None
        return sends.refreeze_for_resend(tx, held, send, send.payload)


def _is_in_place(one: Found, send: Send) -> bool:
    """A root stands in no thread but its own; a reply stands in its thread."""
    return one.thread_ts in (None, one.ts) if send.is_root else one.thread_ts == send.thread_ts


def _look_later(out: DeliveryContext, held: Claim, send: Send, wait: float, cause: str) -> None:
    with out.store.begin("looked") as tx:
        sends.looked_in_vain(tx, held, send, wait, cause)


def _look_failed(out: DeliveryContext, held: Claim, send: Send, error: DeliveryFailed) -> None:
    with out.store.begin() as tx:
        look_again(tx, out, held, send, error, f"the look failed: {error}")
    log.warning("look.failed", send=send.id, error=type(error).__name__, code=error.code)


def _unreadable(out: DeliveryContext, held: Claim, send: Send, elapsed: float) -> Send | None:
    """History cannot be read: once more, marked; silence after that is a dead letter.

    A root is worth a second one, and a third, but without hurry: each may stand in the channel.
    """
    log.warning("look.unreadable", send=send.id, channel=send.channel)
    pause = out.schedule.delay(send.resent) if send.is_root and send.resent else 0.0
    if elapsed < pause:
        _look_later(out, held, send, pause - elapsed, "its history may not be read")
        return None
    with out.store.begin("resend") as tx:
        if send.resent == 0 or send.is_root:
            payload = send.payload if send.is_root else mark_repeated(send.payload)
            return sends.refreeze_for_resend(tx, held, send, payload)
        refusals.bury(tx, held, send, "Slack did not answer, and its history may not be read to see what became of it")
    return None


def check_copies(out: DeliveryContext, held: Claim, send: Send) -> None:
    """A minute after a resend: if both copies arrived, delete the later one (of two roots, the one not saved)."""
    with out.store.begin() as tx:
        if gates.are_looks_blocked(tx):
            copies.check_copies_later(tx, held, send, COPIES_AGAIN)
            return
    try:
        found = out.slack.find_posted(send.channel, send.id, thread_ts=send.thread_ts, oldest=send.since_ts)
        keep = send.ts or ""
        if not send.is_root and found:
            keep = min(one.ts for one in found)
        for one in found:
            if one.ts != keep:
                out.slack.delete(send.channel, one.ts)
                failpoint("copy.deleted")
                log.info("copy.deleted", send=send.id, channel=send.channel)
    except DeliveryFailed as error:
        hopeless = isinstance(error, HistoryUnreadable | Permanent)
        with out.store.begin() as tx:
            copies.check_copies_later(tx, held, send, None if hopeless else COPIES_AGAIN)
            if isinstance(error, RateLimited):
                gates.close_for_rate_limit(
                    tx, "method", error.method, error.retry_after, pace=out.pace, code=error.code
                )
        return
    with out.store.begin() as tx:
        copies.one_copy_left(tx, held, send, keep)
