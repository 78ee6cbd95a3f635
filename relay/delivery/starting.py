"""Whether a send may start now: the last check of its place and its gates, in the transaction that takes it."""

from __future__ import annotations

from relay.delivery.context import DeliveryContext
from relay.delivery.gates import close_for_missing_key
from relay.delivery.policy import VENDOR_OF
from relay.delivery.steps import agent_of, workspace_of
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Draft, Send
from relay.store.queue.gates import seconds_closed, seconds_for_file, take_slot
from relay.vocabulary import FILE_LANES, GateScope, SendKind, Vendor

POSTS = (SendKind.ROOT, SendKind.POST)
PLACED = (*POSTS, SendKind.SHARE)


def is_overtaken(claim: Claim, send: Send) -> bool:
    """True if it was prepared for a different place than its conversation has now."""
    place = claim.conversation
    return send.kind in PLACED and (send.channel, send.thread_ts) != (place.channel_id, place.thread_ts)


def seconds_until_start(tx: Tx, context: DeliveryContext, claim: Claim, what: Draft | Send) -> float | None:
    """Seconds to wait for a gate; None if it may start, in which case a post takes its channel's slot."""
    if what.kind in POSTS:
        return take_slot(tx, what.channel, context.limits)
    if claim.lane in FILE_LANES:
        return seconds_for_file(tx, what.channel, context.limits, workspace=workspace_of(what))
    if VENDOR_OF[what.kind] is Vendor.SLACK:
        return None
    if context.replying(claim.conversation) is None:
        return _close_for(tx, context, claim)
    return seconds_closed(tx, GateScope.AGENT, agent_of(what))


def wait_for_account(tx: Tx, context: DeliveryContext, claim: Claim) -> float | None:
    """A send for an account that is no longer named waits until it is named again; None if it is named."""
    return _close_for(tx, context, claim) if context.of(claim.conversation.key.account).is_gone else None


def _close_for(tx: Tx, context: DeliveryContext, claim: Claim) -> float:
    account = claim.conversation.key.account
    close_for_missing_key(tx, account, f"{context.of(account).lacks}, and a reply waits for it")
    return 0.0  # until that gate opens


def why_read_only(context: DeliveryContext, claim: Claim) -> str:
    """Why nothing reaches this customer, as its agent is told."""
    return f"{context.of(claim.conversation.key.account).lacks}, so nothing reaches the customer"
