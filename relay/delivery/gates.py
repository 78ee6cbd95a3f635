"""Decides which gate a failure closes, and for how long; the only place that closes gates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from relay.delivery.waits import names_gate
from relay.errors import DeliveryFailed, OperatorNeeded, RateLimited
from relay.owners import owned, owner_of
from relay.slack.limits import POSTING
from relay.store.db.engine import Tx
from relay.store.queue import closing
from relay.store.queue.gates import gate_of_workspace
from relay.vocabulary import GateScope, Vendor

if TYPE_CHECKING:
    from relay.delivery.context import DeliveryContext

NAMES_PAUSE = 30.0  # seconds without look-ups after one failed
NAMES_PAUSE_FOR_OPERATOR = 300.0  # the same when the key was refused
RUNAWAY = (3600.0, 6 * 3600.0)  # seconds between tries that each open a thread in vain: the first, and the longest
CROWD = 3  # channels, or agents, after which the problem is not theirs alone
CROWD_SECONDS = 10.0
LATELY = 60.0  # seconds
IN_A_ROW = 2  # consecutive messages refused with an undocumented code: the messages are not at fault
IN_VAIN = "threads_in_vain"
MISTAKE = "mistake"  # in the edited configuration


def close_gate(
    tx: Tx, context: DeliveryContext, error: DeliveryFailed, *, channel: str = "", account: str = "", agent: str = ""
) -> float:
    """Close the gate that `error` concerns, and the larger one if others agree; returns for how many seconds."""
    workspace = owner_of(channel)
    match error:
        case RateLimited():
            return _close_for_limit(tx, context, error, channel=channel, account=account)
        case OperatorNeeded():
            of_slack = {GateScope.WORKSPACE: gate_of_workspace(workspace), GateScope.CHANNEL: channel}
            name = {**of_slack, GateScope.ACCOUNT: account, GateScope.AGENT: agent or account}[error.scope]
            return _close_with_others(tx, error, name, account)
        case _:
            return closing.close_for_vendor(tx, workspace, str(error), error.code)


def _close_for_limit(tx: Tx, context: DeliveryContext, error: RateLimited, *, channel: str, account: str) -> float:
    workspace = owner_of(channel)
    scope, name = GateScope.METHOD, owned(workspace, error.method)
    if error.vendor is Vendor.KOMMUNICATE:
        scope, name = GateScope.ACCOUNT, account
    elif error.method in POSTING:
        scope, name = GateScope.CHANNEL, channel
    close = partial(closing.close_for_rate_limit, tx, vendor=error.vendor, pace=context.limits.pace, code=error.code)
    seconds = close(scope, name, error.retry_after)
    if scope is GateScope.CHANNEL and closing.count_limited(tx, CROWD_SECONDS, workspace) >= CROWD:
        close(GateScope.METHOD, owned(workspace, error.method), seconds)
    return seconds


def _close_with_others(tx: Tx, error: OperatorNeeded, name: str, account: str) -> float:
    """If the vendor does not say whether one channel or all are affected, several must have seen the error.

    Not if a post got through recently: then it affects only these channels.
    """
    close = partial(closing.close_for_operator, tx, cause=str(error), code=error.code)
    if not error.shared:
        return close(error.scope, name)
    of_channel = error.scope is GateScope.CHANNEL
    owner = owner_of(name)
    whole = (GateScope.WORKSPACE, gate_of_workspace(owner)) if of_channel else (GateScope.ACCOUNT, account)
    closing.lock(tx, [(error.scope, name), whole])
    seconds = close(error.scope, name)
    agree = closing.count_closed(tx, error.scope, error.code, owner) >= CROWD
    if agree and not (of_channel and closing.posted_within(tx, LATELY, owner)):
        close(*whole)
    return seconds


def close_channel(tx: Tx, channel: str, error: DeliveryFailed) -> None:
    """Close a channel until an operator has looked at it."""
    closing.close_for_operator(tx, GateScope.CHANNEL, channel, cause=str(error), code=error.code)


def close_in_vain(tx: Tx, channel: str) -> None:
    """Close a channel in which new threads accept no messages."""
    cause = "new threads are opened repeatedly, and none accepts a message: find out what deletes them"
    closing.close_for_operator(tx, GateScope.CHANNEL, channel, cause=cause, code=IN_VAIN, recheck=RUNAWAY)


def note_undocumented(tx: Tx, channel: str, error: DeliveryFailed) -> bool:
    """Count a message refused with an undocumented code; True once so many in a row blame the channel."""
    return closing.count_undocumented(tx, channel, error.code) >= IN_A_ROW


def reopen_in_vain(tx: Tx) -> None:
    """Let channels be tried again in which threads were opened in vain."""
    closing.open_closed_for(tx, IN_VAIN)


def tell_mistake(tx: Tx, file: str, mistake: str) -> None:
    """Report that the edited configuration is invalid; "" reports that it is valid again."""
    if mistake:
        closing.close_for_operator(tx, GateScope.CONFIG, file, cause=mistake, code=MISTAKE)
    else:
        closing.open_closed_for(tx, MISTAKE)


def close_for_missing_key(tx: Tx, account: str, cause: str) -> None:
    """Nothing can be sent to an account without its key: what is on its way there waits."""
    closing.close_for_operator(tx, GateScope.ACCOUNT, account, cause=cause, code="no_key")


def pause_names(tx: Tx, account: str, error: DeliveryFailed) -> None:
    """Stop name look-ups for a while; a refused key waits for a person."""
    gate = names_gate(account)
    if isinstance(error, OperatorNeeded):
        closing.close_for_failure(tx, *gate, NAMES_PAUSE_FOR_OPERATOR, cause=str(error), operator=True)
        return
    asked = error.retry_after or 0.0 if isinstance(error, RateLimited) else 0.0
    closing.close_for_failure(tx, *gate, max(NAMES_PAUSE, asked), cause="names could not be looked up")
