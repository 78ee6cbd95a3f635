"""Everything of one customer is erased from the store; what stands in Slack of it goes on the list of `deleting`.

Whoever is killed runs it again. Each step leaves what the steps before it were found by, so nothing is forgotten
half: what belongs to no conversation goes first, then the conversations, at last the name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from relay.delivery.patience import write_patiently
from relay.delivery.tracing import Traces
from relay.store.conversations import kept_files
from relay.store.db.engine import Store, Tx
from relay.store.intake.withdrawals import forget_message
from relay.store.operations import erasing
from relay.store.operations.customers import count_agents_messages
from relay.store.operations.erased import InSlack, count_in_slack
from relay.store.operations.tidying import mark_untidy


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is of a customer: conversations, messages and clicks that are kept, agents' files, names.

    `elsewhere` are their messages in other customers' chats; `in_slack` what the relay shows of their own chats, and
    `agents_messages` what agents wrote below it.
    """

    conversations: int
    messages: int
    files: int
    names: int
    elsewhere: int
    in_slack: InSlack
    agents_messages: int


def measure(store: Store, found: Traces) -> Extent:
    """How much there is, before it is erased."""
    with store.read() as tx:
        files = [kept_files.of_conversation(tx, one) for one in found.conversations]
        return Extent(
            conversations=len(found.conversations),
            messages=erasing.count_bodies(tx, found.conversations) + len(found.loose) + len(found.elsewhere),
            files=sum(map(len, files)),
            names=len(found.roles),
            elsewhere=len(found.elsewhere),
            in_slack=count_in_slack(tx, found.conversations),
            agents_messages=count_agents_messages(tx, found.conversations),
        )


def erase(store: Store, user_id: str, found: Traces, *, in_slack: bool) -> None:
    """Erase it; `in_slack`: what stands in Slack is to be deleted there."""
    for received_id in found.elsewhere:
        _do(store, partial(forget_message, received_id=received_id))
    _do(store, partial(erasing.forget_bodies, ids=found.loose))
    for one in found.conversations:
        _delete_files(store, one)
        _do(store, partial(erasing.erase_conversation, conversation_id=one, in_slack=in_slack))
        _delete_files(store, one)  # of replies that came meanwhile
    forget_name(store, user_id)


def forget_name(store: Store, user_id: str) -> None:
    """At the end once more: a look-up that was under way in a relay at work may have brought it back."""
    _do(store, partial(erasing.forget_name, user_id=user_id))


def _do(store: Store, work: Callable[[Tx], object]) -> None:
    def marked(tx: Tx) -> None:
        mark_untidy(tx)
        work(tx)

    write_patiently(store, "erase", marked)


def _delete_files(store: Store, conversation_id: int) -> None:
    with store.read() as tx:
        if not kept_files.of_conversation(tx, conversation_id):
            return
    _do(store, partial(erasing.revoke_files, conversation_id=conversation_id))
    with store.read() as tx:
        files, now = kept_files.of_conversation(tx, conversation_id), tx.now
    for file in files:
        write_patiently(store, "delete_file", partial(kept_files.delete_content, file=file, before=now))
