"""Erases everything about one customer from the store, and puts their posts in Slack on the list of `deleting`.

After a kill, run it again. Each step keeps what the earlier steps were found by, so nothing is half erased: first what
belongs to no conversation, then the conversations, finally the name.
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
    """How much there is about a customer: conversations, stored messages and clicks, agents' files, names.

    `elsewhere` are their messages in other customers' chats; `in_slack` the relay's posts of their own chats, and
    `agents_messages` what agents wrote in those threads.
    """

    conversations: int
    messages: int
    files: int
    names: int
    elsewhere: int
    in_slack: InSlack
    agents_messages: int


def measure(store: Store, found: Traces) -> Extent:
    """How much there is, before erasing it."""
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
    """Erase it; `in_slack`: put the posts in Slack on the list."""
    for received_id in found.elsewhere:
        _do(store, partial(forget_message, received_id=received_id))
    _do(store, partial(erasing.forget_bodies, ids=found.loose))
    for one in found.conversations:
        _delete_files(store, one)
        _do(store, partial(erasing.erase_conversation, conversation_id=one, in_slack=in_slack))
        _delete_files(store, one)  # of replies that arrived meanwhile
    forget_name(store, user_id)


def forget_name(store: Store, user_id: str) -> None:
    """Once more at the end: a look-up in a running relay may have stored the name again."""
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
