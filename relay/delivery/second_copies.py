"""The last look after a resend: if both copies arrived, the second one is deleted."""

from __future__ import annotations

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.gates import close_gate
from relay.errors import DeliveryFailed, HistoryUnreadable, OperatorNeeded, Permanent, RateLimited
from relay.failpoints import failpoint
from relay.owners import owner_of
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send
from relay.store.queue import copies
from relay.store.queue.gates import are_looks_blocked
from relay.vocabulary import SendKind

log = structlog.get_logger()

COPIES_AGAIN = 60.0  # seconds until a failed look for a second copy is repeated
COPIES_FOR = 3600.0  # seconds after the send for which that is tried


def look_for_copies(context: DeliveryContext, claim: Claim, send: Send) -> None:
    """A minute after a resend: if both copies arrived, delete the one whose `ts` is not saved."""
    with context.store.read() as tx:
        blocked = are_looks_blocked(tx, context.limits, workspace=owner_of(send.channel))
    if blocked:
        _copies_later(context, claim, send, COPIES_AGAIN)
        return
    try:
        if send.kind is SendKind.SHARE:
            if file := send.payload.get("file"):  # a purge of an earlier version may have erased it
                context.slack_at(send.channel).files.delete(file)
            context.write("copies", lambda tx: copies.check_copies_later(tx, claim, send, None))
            return
        found = context.look_for(send)
        keep = send.ts or ""
        if not send.is_root and found and keep not in {one.ts for one in found}:
            keep = min(one.ts for one in found)
        for one in found:
            if one.ts != keep:
                context.slack_at(send.channel).delete(send.channel, one.ts)
                failpoint("copy.deleted")
                log.info("copy.deleted", send=send.id, channel=send.channel)
    except DeliveryFailed as error:
        _copies_later(context, claim, send, COPIES_AGAIN, error)
        return
    context.write("copies", lambda tx: copies.one_copy_left(tx, claim, send, keep))


def _copies_later(
    context: DeliveryContext, claim: Claim, send: Send, wait: float, error: DeliveryFailed | None = None
) -> None:
    late = claim.at - (send.started_at or claim.at) > COPIES_FOR
    hopeless = error is not None and (late or isinstance(error, HistoryUnreadable | Permanent | OperatorNeeded))

    def work(tx: Tx) -> None:
        copies.check_copies_later(tx, claim, send, None if hopeless else wait)
        if isinstance(error, RateLimited):
            close_gate(tx, context, error, channel=send.channel)

    context.write("copies", work)
