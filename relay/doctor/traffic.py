"""When did something last arrive, and when was something last sent?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.doctor.told import ago
from relay.findings import Finding
from relay.store.operations.health import last_delivered, last_received
from relay.vocabulary import Source


def look(setup: Setup) -> Iterator[Finding]:
    """Both times, in words; and what to do if nothing has arrived yet."""
    with setup.store.read() as tx:
        received, delivered, now = last_received(tx, Source.KOMMUNICATE), last_delivered(tx), tx.now
    if received is None:
        hint = (
            "Write in the chat as a customer would, or try `relay simulate`. If that arrives but the chat does not, "
            "check the address in Kommunicate under Settings, Webhooks & Security."
        )
        yield Finding("nothing_received", "info", "Kommunicate has sent no message yet.", hint)
        return
    went = (
        "nothing has been delivered yet" if delivered is None else f"the last delivery was {ago(now - delivered)} ago"
    )
    yield Finding("traffic", "info", f"The last message came in {ago(now - received)} ago; {went}.")
