"""How long a gate delays something, as far as it can be estimated; and the gate of name look-ups."""

from __future__ import annotations

from relay.errors import DeliveryFailed, RateLimited
from relay.owners import owned
from relay.store.conversations import replies
from relay.vocabulary import GateScope

NAMES = "kommunicate user detail"


def waits_at_gate(error: DeliveryFailed) -> float:
    """The estimated delay in seconds: a person takes long, a rate limit takes little."""
    return replies.LONG if isinstance(error, RateLimited) else 2 * replies.LONG


def names_gate(account: str) -> tuple[GateScope, str]:
    """The gate of name look-ups in an account."""
    return GateScope.ACCOUNT, owned(account, NAMES)
