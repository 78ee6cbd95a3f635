"""The files of a reply: whether they are available, and what the customer gets of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relay.delivery.steps import LOCK, Need
from relay.files import FilesBack
from relay.kommunicate import payloads
from relay.slack.agent_files import AgentFile
from relay.store.conversations import kept_files
from relay.store.conversations.kept_files import KeptFile
from relay.store.conversations.replies import SOON, note_wait
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction, Claim
from relay.vocabulary import KeptState

REFUSED = "files are not sent to customers here (`files_back: refuse`)"
FOLLOWS = "(a file follows)"
UNDER_WAY = "its files are being fetched"
NO_ADDRESS = "the relay does not know its own address yet"
NOWHERE = "customers have no address to open it at: RELAY_PUBLIC_URL is not set"
LONGEST = 75.0  # seconds that a message waits for its files, whatever delays those
TOO_LATE = "it could not be fetched in time"
AGAIN = 30.0  # seconds; a file that becomes available wakes its reply
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True)
class HandedOn:
    """What is sent with the text: lines below it, metadata of what is shown beside it, and what is missing.

    `missing` names each file that cannot be sent, and why.
    """

    lines: tuple[str, ...] = ()
    template: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def still_shared(tx: Tx, action: AgentAction, files: Sequence[AgentFile]) -> tuple[AgentFile, ...]:
    """The files of a message that its author has not deleted since."""
    gone = kept_files.taken_out(tx, action.id)
    return tuple(one for one in files if one.id not in gone)


def hand_on(
    tx: Tx, claim: Claim, action: AgentAction, shared: Sequence[AgentFile], how: FilesBack, address: str | None
) -> HandedOn | Need | float:
    """What the customer gets of the files an agent shared; or what must be done, or waited for, first.

    Links begin with `address`; None: the address at which Slack reached the relay; "": there are none.
    """
    found = kept_files.files_of(tx, action.id)
    if all(one.link for one in shared):
        return _given(found, shared, None, how)
    if not found or any(one.state is KeptState.WAITING for one in found):
        if not claim.locked:
            return Need(LOCK)
        if not found or tx.now - found[0].created_at <= LONGEST:
            return _wait(tx, claim, action, shared, found)
        kept_files.give_up_waiting(tx, claim.conversation.id, action.id, TOO_LATE)
        found = kept_files.files_of(tx, action.id)
    return _given(found, shared, kept_files.public_url(tx) if address is None else address, how)


def _wait(tx: Tx, claim: Claim, action: AgentAction, shared: Sequence[AgentFile], found: Sequence[KeptFile]) -> float:
    if not found:
        wanted = [(one.id, one.name, one.reason) for one in shared if not one.link]
        kept_files.queue(tx, claim.conversation.id, action.id, wanted)
        return SOON
    waited = tx.now - min(one.created_at for one in found)
    note_wait(tx, claim, action.id, UNDER_WAY, waits=waited + SOON, left=None)
    return min(AGAIN, max(1.0, LONGEST - waited))


def _given(found: Sequence[KeptFile], shared: Sequence[AgentFile], address: str | None, how: FilesBack) -> HandedOn:
    lines = [f"{one.name}: {one.link}" for one in shared if one.link]
    missing = [f"{one.name} ({one.cause})" for one in found if one.state is not KeptState.KEPT]
    kept = [one for one in found if one.state is KeptState.KEPT]
    if not address:
        why = NO_ADDRESS if address is None else NOWHERE
        return HandedOn(tuple(lines), missing=(*missing, *(f"{one.name} ({why})" for one in kept)))
    urls = [f"{address}/files/{one.token}" for one in kept]
    lines += [f"{one.name}: {url}" for one, url in zip(kept, urls, strict=True)]
    shows = how is FilesBack.AUTO and len(kept) == 1 and kept[0].content_type in PICTURES
    template = payloads.picture(urls[0]) if shows and address.startswith("https:") else {}
    return HandedOn(tuple(lines), template, tuple(missing))
