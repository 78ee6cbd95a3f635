"""For how long something waits that a gate holds back, as far as anybody can tell; and the gate of names."""

from __future__ import annotations

from relay.errors import DeliveryFailed, RateLimited
from relay.owners import owned
from relay.store.conversations import replies
from relay.vocabulary import GateScope

NAMES = "kommunicate user detail"


def waits_at_gate(error: DeliveryFailed) -> float:
    """How long something waits, in seconds, for all anybody knows: a person takes long, a limit a little."""
    return replies.LONG if isinstance(error, RateLimited) else 2 * replies.LONG


def names_gate(account: str) -> tuple[GateScope, str]:
    """The gate of look-ups of names in an account."""
    return GateScope.ACCOUNT, owned(account, NAMES)
