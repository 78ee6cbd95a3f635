"""Carries out what the policy decides about a failed call; `gates` closes what has to wait.

One transaction each, which locks conversation, lane and gates, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from relay.delivery import gates, policy
from relay.delivery.policy import VENDOR_OF, Verdict, decide
from relay.delivery.situations import situation
from relay.delivery.steps import Refused, Result, Step, TooLate, agent_of, workspace_of
from relay.delivery.waits import waits_at_gate
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited, ThreadGone, Transient, Unreachable, Unsure
from relay.failpoints import failpoint
from relay.messages import Form
from relay.net.call_times import status_of
from relay.owners import bare, is_named, owned
from relay.spans import fail, note
from relay.store.conversations import files, replies, threads
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.queue import lanes, refusals, sends
from relay.store.queue.due import lock
from relay.store.queue.lanes import Fenced, give_back, hold, put_off
from relay.vocabulary import GateScope, SendKind, Vendor

if TYPE_CHECKING:
    from relay.delivery.context import DeliveryContext

THREADS_IN_VAIN = 3  # consecutive new threads of one conversation that accepted no message
NOT_A_MEMBER, NO_CHANNEL = "not_in_channel", "channel_not_found"

Settled = Callable[[Tx, "DeliveryContext", Claim, Send, Result], Step | None]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call, in the transaction that records it."""

    tx: Tx
    context: DeliveryContext
    claim: Claim
    send: Send
    error: DeliveryFailed
    settled: Settled

    @property
    def cause(self) -> str:
        return str(self.error)


def apply(
    context: DeliveryContext, claim: Claim, send: Send, error: DeliveryFailed, settled: Settled, *, elapsed: float
) -> Step | None:
    """Carry out the policy for a call that failed after `elapsed` seconds; returns what to do next.

    Raises Fenced: the lane's new holder finds out what became of the call.
    """
    error = _seen_whole(context, send, error)
    done = ""

    def work(tx: Tx) -> Step | None:
        nonlocal done
        lock(tx, claim.conversation.id)
        hold(tx, claim)
        if send.kind is SendKind.REPLY and replies.has_echoed(tx, send):  # whatever the answer says, it has arrived
            done = "settle"
            replies.settle_sent(tx, claim, send, None)
            return None
        schedule = context.schedule(send.kind)
        verdict = decide(error, situation(tx, claim, send, elapsed, schedule), schedule)
        done, obey = _OBEY[type(verdict)]
        step = obey(Failure(tx, context, claim, send, error, settled), verdict)
        failpoint(f"{done}.before_commit")
        return step

    try:
        step = context.write("failure", work, done=lambda tx: lanes.is_ours(tx, claim) and sends.is_settled(tx, send))
    except Fenced:
        if isinstance(error, Unsure):  # a suspended process gives up waiting when it wakes, but still sends
            context.write("late report", lambda tx: settled(tx, context, claim, send, TooLate()))
        raise
    failpoint(f"{done}.after_commit")
    tell = log.info if isinstance(error, RateLimited) else log.warning  # a rate limit is routine
    tell("send.failed", send=send.id, kind=send.kind, error=type(error).__name__, code=error.code, then=done)
    note(outcome=status_of(error), code=error.code, then=done, retry_after=getattr(error, "retry_after", None))
    if not isinstance(error, RateLimited):
        fail(error)
    return step


def _seen_whole(context: DeliveryContext, send: Send, error: DeliveryFailed) -> DeliveryFailed:
    """The same failure, refined by what can be found out: the bot may join a channel; Slack may be down for all."""
    if error.code == NOT_A_MEMBER and context.join(send.channel):
        return Transient("the bot was not in the channel", code=NOT_A_MEMBER)
    passes = isinstance(error, Transient) and VENDOR_OF[send.kind] is Vendor.SLACK
    if passes and not isinstance(error, Unreachable) and not context.slack_in(workspace_of(send)).answers():
        return Unreachable(str(error), code=error.code)
    return error


def _retry(f: Failure, verdict: policy.Retry) -> Step | None:
    if f.send.kind is SendKind.MARK and f.send.channel != f.claim.conversation.channel_id:
        return _forget(f, policy.Forget())  # nobody looks for it in a channel that was left, and newer ones follow
    if f.send.kind is SendKind.UPLOAD:
        sends.forget(f.tx, f.send)
        files.put_off(f.tx, f.send.payload["delivery"], verdict.wait)
        give_back(f.tx, f.claim, wait=0.0)
        return None
    if f.send.kind in policy.STATES:  # the next try decides again what is wanted, and where
        sends.forget(f.tx, f.send)
    else:
        sends.freeze_again(f.tx, f.send, f.cause)
    spent = f.claim.spent + verdict.wait
    _note_wait(f, spent, f.context.schedule(f.send.kind).give_up_after - f.claim.spent)
    again = f.send.payload.get("again") if f.send.kind is SendKind.CORRECTION else None  # when the card is looked at
    wait = verdict.wait if again is None else min(verdict.wait, again)
    give_back(f.tx, f.claim, wait=wait, attempts=f.claim.attempts + 1, spent=spent)
    return None


def _wait_at_gate(f: Failure, _: policy.WaitAtGate) -> None:
    place = f.claim.conversation
    if f.error.code == NO_CHANNEL and f.send.channel == place.channel_id and is_named(place.channel or ""):
        f.context.channel_ids.pop(place.channel or "", None)
        threads.forget_channel(f.tx, place)
    sends.freeze_again(f.tx, f.send, f.cause)
    _note_wait(f, waits_at_gate(f.error), None)
    of, workspace = f.send.channel, workspace_of(f.send)
    where = owned(workspace, bare(of))
    seconds = gates.close_gate(f.tx, f.context, f.error, channel=where, account=of, agent=agent_of(f.send))
    only_agent = isinstance(f.error, OperatorNeeded) and f.error.scope is GateScope.AGENT
    elsewhere = VENDOR_OF[f.send.kind] is Vendor.SLACK and workspace != place.workspace  # of a chat that has moved
    put_off(f.tx, f.claim, seconds if only_agent or elsewhere else 0.0)  # the other gates hold the lane back themselves


def _confirm(f: Failure, verdict: policy.Confirm) -> None:
    wait, spent = verdict.wait, f.claim.spent + verdict.wait
    if f.send.kind is SendKind.REPLY:
        replies.mark_pending(f.tx, f.claim, f.send, f.cause)
        wait, spent = 0.0 if replies.has_echoed(f.tx, f.send) else wait, f.claim.spent
    else:
        sends.mark_unsure(f.tx, f.send, wait, f.cause)
    give_back(f.tx, f.claim, wait=wait, looking=True, attempts=f.claim.attempts, spent=spent)


def _new_thread(f: Failure, _: policy.NewThread) -> None:
    threads.give_up_thread(f.tx, f.claim, f.send, f.cause)
    if sends.roots_in_vain(f.tx, f.claim.conversation.id) >= THREADS_IN_VAIN:
        gates.close_in_vain(f.tx, f.send.channel)
    give_back(f.tx, f.claim)


def _dissolve(f: Failure, _: policy.Dissolve) -> None:
    refusals.dissolve(f.tx, f.claim, f.send, f.cause)
    give_back(f.tx, f.claim)


def _degrade(f: Failure, verdict: policy.Degrade) -> None:
    refusals.degrade(f.tx, f.claim, f.send, f.cause, verdict.form)
    give_back(f.tx, f.claim)


def _give_up(f: Failure, _: policy.GiveUp) -> Step | None:
    undocumented = f.send.kind is SendKind.POST and isinstance(f.error, Unsure)
    if undocumented and gates.note_undocumented(f.tx, f.send.channel, f.error):
        _close_channel(f, policy.CloseChannel())
        return None
    return f.settled(f.tx, f.context, f.claim, f.send, Refused(f.cause))


def _close_channel(f: Failure, _: policy.CloseChannel) -> None:
    if f.send.is_root:
        refusals.set_root_form(f.tx, f.claim, Form.FULL)
    refusals.take_back(f.tx, f.claim, f.send, f.cause)
    gates.close_channel(f.tx, f.send.channel, f.error)
    give_back(f.tx, f.claim)


def _forget(f: Failure, _: policy.Forget) -> Step | None:
    gone = isinstance(f.error, ThreadGone)
    return f.settled(f.tx, f.context, f.claim, f.send, Refused(f.cause, is_gone=gone))


_OBEY: Mapping[type[Verdict], tuple[str, Callable[[Failure, Any], Step | None]]] = {
    policy.Retry: ("retry", _retry),
    policy.WaitAtGate: ("gate", _wait_at_gate),
    policy.Confirm: ("confirm", _confirm),
    policy.NewThread: ("newthread", _new_thread),
    policy.Dissolve: ("dissolve", _dissolve),
    policy.Degrade: ("degrade", _degrade),
    policy.GiveUp: ("bury", _give_up),
    policy.CloseChannel: ("close_channel", _close_channel),
    policy.Forget: ("forget", _forget),
}
"""What is done for each verdict, and what that is called in the log."""


def _note_wait(f: Failure, waits: float, left: float | None) -> None:
    """Show the agent, on their own message, that it takes longer."""
    if f.send.kind in (SendKind.REPLY, SendKind.TAKEOVER, SendKind.CLICK):
        carried = sends.carried_deliveries(f.tx, f.send) or [f.send.payload["delivery"]]
        replies.note_wait(f.tx, f.claim, carried[0], f.cause, waits=waits, left=left)
