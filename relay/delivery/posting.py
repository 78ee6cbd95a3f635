"""One frozen send goes out, and the store is told what became of it."""

from __future__ import annotations

import structlog

from relay.clock import monotonic
from relay.delivery.context import DeliveryContext
from relay.delivery.policy import (
    Bury,
    CloseChannel,
    Confirm,
    Degrade,
    Dissolve,
    NewThread,
    Retry,
    Situation,
    Verdict,
    WaitForOperator,
    WaitForSlot,
    decide,
)
from relay.errors import DeliveryFailed, OperatorNeeded, Permanent, RateLimited, Unsure
from relay.failpoints import failpoint
from relay.slack.client import Posted
from relay.store.conversations import threads
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.queue import copies, gates, refusals, sends
from relay.store.queue.lanes import Fenced, give_back, hold

log = structlog.get_logger()


def post(out: DeliveryContext, held: Claim, frozen: Send) -> None:
    """Send `frozen` to Slack if its channel has a slot, and settle."""
    with out.store.begin("start") as tx:
        send = sends.start(tx, held, frozen, lease=out.lease, pace=out.pace)
        if not isinstance(send, Send):
            give_back(tx, held, wait=send, attempts=held.attempts, spent=held.spent)
            return
    begun = monotonic()
    try:
        posted = out.slack.post(send.channel, send.payload, thread_ts=send.thread_ts, send_id=send.id)
        failpoint("post.answered")
    except DeliveryFailed as error:
        settle_failure(out, held, send, error, elapsed=monotonic() - begun)
    else:
        settle_posted(out, held, send, posted)


def settle_posted(out: DeliveryContext, held: Claim, send: Send, posted: Posted) -> None:
    """Slack took it: in its place, or, where the thread is gone, at the channel's root."""
    try:
        if send.is_root:
            _settle_root(out, held, send, posted.ts)
        elif posted.thread_ts != send.thread_ts:
            remove_stray(out, held, send, [posted.ts])
        else:
            with out.store.begin("settle") as tx:
                sends.settle(tx, held, send, posted.ts)
            log.info("post.delivered", send=send.id, channel=send.channel, resent=send.resent)
    except Fenced:
        with out.store.begin() as tx:
            copies.report_late(tx, held, send, posted.ts)
        raise


def _settle_root(out: DeliveryContext, held: Claim, send: Send, ts: str) -> None:
    with out.store.begin("root") as tx:
        saved = threads.save_root(tx, held, send, ts)
    if saved:
        log.info("root.delivered", send=send.id, channel=send.channel)
        return
    if _removed(out, held, send, [ts]):
        with out.store.begin() as tx:
            threads.drop_orphan_root(tx, held, send)


def remove_stray(out: DeliveryContext, held: Claim, send: Send, strays: list[str]) -> None:
    """The thread is gone, so Slack put the reply at the channel's root: take it away and open a new thread."""
    if not _removed(out, held, send, strays):
        return
    with out.store.begin("newthread") as tx:
        threads.give_up_thread(tx, held, send, "its thread is gone")
    log.info("thread.gone", conversation=held.conversation.id, channel=send.channel)


def _removed(out: DeliveryContext, held: Claim, send: Send, strays: list[str]) -> bool:
    """Delete what stands in the wrong place; False when the send stays unsure, for the next look to find it again."""
    try:
        for ts in strays:
            _delete(out, send.channel, ts)
            failpoint("stray.deleted")
    except DeliveryFailed as error:
        log.warning("stray.not_deleted", send=send.id, code=error.code)
        with out.store.begin() as tx:
            look_again(tx, out, held, send, error, "a stray copy could not be deleted")
        return False
    return True


def look_again(tx: Tx, out: DeliveryContext, held: Claim, send: Send, error: DeliveryFailed, cause: str) -> None:
    """A look, or what it led to, failed: again, without hurry; a limit or an operator error closes its gate."""
    hold(tx, held)
    wait, at_gate = out.schedule.delay(send.looks), True
    if isinstance(error, RateLimited):
        wait = gates.close_for_rate_limit(tx, "method", error.method, error.retry_after, pace=out.pace, code=error.code)
    elif isinstance(error, OperatorNeeded):
        name = gates.WORKSPACE if error.scope == "workspace" else send.channel
        wait = gates.close_for_operator(tx, error.scope, name, cause=str(error), code=error.code)
    else:
        at_gate = False
    sends.looked_in_vain(tx, held, send, wait, cause, at_gate=at_gate)


def _delete(out: DeliveryContext, channel: str, ts: str) -> None:
    """Delete a copy; one that Slack will never let us delete must not hold up what comes after it."""
    try:
        out.slack.delete(channel, ts)
    except Permanent as error:
        log.error("copy.not_deletable", channel=channel, ts=ts, code=error.code)


def settle_failure(out: DeliveryContext, held: Claim, send: Send, error: DeliveryFailed, *, elapsed: float) -> None:
    """Slack did not take it, or did not say: do what the policy says."""
    if error.code == "not_in_channel" and _joined(out, send.channel):
        with out.store.begin() as tx:
            sends.retry_later(tx, held, send, out.schedule.delay(held.attempts), "the bot was not in the channel")
        return
    try:
        with out.store.begin() as tx:
            verdict = decide(error, situation(tx, held, send, elapsed), out.schedule)
            _obey(tx, out, held, send, error, verdict)
            kind = type(verdict).__name__
            failpoint(f"{kind.lower()}.before_commit")
    except Fenced:
        if isinstance(error, Unsure):  # a process that was stopped gives up waiting as it wakes, and sends all the same
            with out.store.begin() as tx:
                copies.report_late(tx, held, send, None)
        raise
    failpoint(f"{kind.lower()}.after_commit")
    log.warning(
        "post.failed",
        send=send.id,
        channel=send.channel,
        error=type(error).__name__,
        code=error.code,
        verdict=kind,
    )


def situation(tx: Tx, held: Claim, send: Send, elapsed: float) -> Situation:
    """What the policy needs to know about a send."""
    carried = refusals.carried_deliveries(tx, send)
    form = held.conversation.root_form if send.is_root or not carried else refusals.current_form(tx, carried[0])
    return Situation(send.is_root, len(carried), form, held.attempts, held.spent, send.resent, elapsed)


def _obey(tx: Tx, out: DeliveryContext, held: Claim, send: Send, error: DeliveryFailed, verdict: Verdict) -> None:
    cause = str(error)
    match verdict:
        case Retry(wait):
            sends.retry_later(tx, held, send, wait, cause)
        case WaitForSlot(seconds):
            sends.wait_at_gate(tx, held, send, cause)
            gates.close_for_rate_limit(tx, "channel", send.channel, seconds, pace=out.pace, code=error.code)
        case WaitForOperator(scope):
            name = gates.WORKSPACE if scope == "workspace" else send.channel
            sends.wait_at_gate(tx, held, send, cause)
            gates.close_for_operator(tx, scope, name, cause=cause, code=error.code)
        case Confirm(wait):
            sends.mark_unsure(tx, held, send, wait, cause)
        case NewThread():
            threads.give_up_thread(tx, held, send, cause)
        case _:
            _take_refusal(tx, held, send, error, verdict)


def _take_refusal(tx: Tx, held: Claim, send: Send, error: DeliveryFailed, verdict: Verdict) -> None:
    cause = str(error)
    match verdict:
        case Dissolve():
            refusals.dissolve(tx, held, send, cause)
        case Degrade(form) if send.is_root:
            refusals.degrade_root(tx, held, send, cause, form)
        case Degrade(form):
            refusals.degrade(tx, held, send, cause, form)
        case Bury():
            refusals.bury(tx, held, send, cause)
        case CloseChannel():
            refusals.close_channel_for_root(tx, held, send, cause, error.code)


def _joined(out: DeliveryContext, channel: str) -> bool:
    """Enter a public channel the bot is not in; False where only a person can invite it."""
    try:
        out.slack.join(channel)
    except DeliveryFailed as error:
        log.info("channel.not_joined", channel=channel, code=error.code)
        return False
    return True
