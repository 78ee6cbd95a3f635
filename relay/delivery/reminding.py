"""Customers who wait too long: a line in their thread notifies somebody, again at growing intervals. Chats whose agent
does nothing are released.

Decided each minute from the store, by whichever process comes first: a restart forgets nothing, and several workers
post one line. If both fall on the same moment, the line about the release is the reminder as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from relay.conversation import ConversationState, Holder, released
from relay.delivery.calling import MOMENT, free_from
from relay.delivery.context import DeliveryContext
from relay.delivery.reminding_rules import Reminding
from relay.store.conversations import waiting_chats
from relay.store.conversations.state import update_state
from relay.store.conversations.waiting_chats import WaitingChat
from relay.store.db.engine import Tx
from relay.store.queue.due import lock
from relay.vocabulary import ThreadNotice

BATCH, STEP = 200, 50  # chats read at a time, and decided in one transaction

Find = Callable[[Tx, int], Sequence[WaitingChat]]  # some of those with a greater id, in order

log = structlog.get_logger()


def remind_all(context: DeliveryContext) -> None:
    """Send the reminders that are due."""
    rules = _rules(context)
    meant = [name for name, one in rules.items() if one.after is not None]

    def find(tx: Tx, after: int) -> Sequence[WaitingChat]:
        return waiting_chats.chats_to_remind(tx, meant, after, BATCH)

    if meant:
        _go_through(context, "remind", find)


def give_back_stale(context: DeliveryContext) -> None:
    """Release chats whose agents let their customers wait too long."""
    rules = _rules(context)
    waits = {name: one.stale for name, one in rules.items() if one.stale is not None}

    def find(tx: Tx, after: int) -> Sequence[WaitingChat]:
        return waiting_chats.stale_claims(tx, list(waits), tx.now - min(waits.values()), after, BATCH)

    if waits:
        _go_through(context, "give_back", find, _is_stale)


def _rules(context: DeliveryContext) -> dict[str, Reminding]:
    """The settings for the waiting conversations, by the rule that chose their channel."""
    with context.store.read() as tx:
        return {rule: context.reminding(rule) for rule in waiting_chats.rules(tx)}


def _is_stale(rules: Reminding, chat: WaitingChat, now: float) -> bool:
    back = rules.goes_back(chat.state)
    return back is not None and back <= now


def _go_through(
    context: DeliveryContext,
    name: str,
    find: Find,
    concerns: Callable[[Reminding, WaitingChat, float], bool] = lambda rules, chat, now: True,
) -> None:
    after, done = 0, Counter[ThreadNotice | None]()
    while True:
        with context.store.read() as tx:
            found, now = find(tx, after), tx.now
        if not found:
            break
        after = found[-1].id
        concerned = [one for one in found if concerns(context.reminding(one.rule), one, now)]
        times = {one.id: _to_come(context.reminding(one.rule), one, now) for one in concerned}
        _decide(context, name, [(one, due) for one in concerned if (due := times[one.id]) is not None])
        for chat in concerned:
            if times[chat.id] is None:
                with context.store.begin(name) as tx:
                    done[_call(context.reminding(chat.rule), chat, tx)] += 1
    if done[ThreadNotice.REMINDER]:
        log.info("chores.reminded", count=done[ThreadNotice.REMINDER])
    if done[ThreadNotice.STALE]:
        log.info("chores.given_back", count=done[ThreadNotice.STALE])


def _to_come(rules: Reminding, chat: WaitingChat, now: float) -> float | None:
    """When its reminder is due, if that is all there is to decide now: after an upgrade there are many."""
    back = rules.goes_back(chat.state)
    due = rules.next_due(now, chat.state, chat.reminders, chat.due)
    return due if due is not None and due > now and (back is None or back > now) else None


def _decide(context: DeliveryContext, name: str, decided: Sequence[tuple[WaitingChat, float]]) -> None:
    for first in range(0, len(decided), STEP):
        with context.store.begin(name) as tx:
            for chat, due in decided[first : first + STEP]:
                waiting_chats.decide_reminder(tx, chat, due)


def _call(rules: Reminding, chat: WaitingChat, tx: Tx) -> ThreadNotice | None:
    """Queue one line for everything that is due now and allowed to notify people; returns its topic."""
    free, back = free_from(tx, chat.id, chat.state), rules.goes_back(chat.state)
    if back is not None and back <= tx.now:
        return _give_back(rules, chat, tx) if free <= tx.now else None
    due = rules.next_due(tx.now, chat.state, chat.reminders, chat.due)
    if due is None:
        return None
    if due <= tx.now:
        one_line = back if back is not None and back - tx.now <= MOMENT else 0.0  # one line covers both
        due = max(due, free, one_line)
    if due > tx.now:
        waiting_chats.decide_reminder(tx, chat, due)
        return None
    lock(tx, chat.id)
    won = waiting_chats.count_reminder(tx, chat, rules.following(tx.now, chat.reminders))
    return _say(tx, chat, ThreadNotice.REMINDER) if won else None


def _give_back(rules: Reminding, chat: WaitingChat, tx: Tx) -> ThreadNotice | None:
    lock(tx, chat.id)
    before, after = update_state(tx, chat.id, lambda now: _unless_changed(now, chat.state, tx.now))
    if after == before:
        return None
    due = rules.next_due(tx.now, chat.state, chat.reminders, chat.due)
    if due is not None and due <= tx.now + MOMENT:
        waiting_chats.count_reminder(tx, chat, rules.following(tx.now, chat.reminders))
    return _say(tx, chat, ThreadNotice.STALE)


def _say(tx: Tx, chat: WaitingChat, topic: ThreadNotice) -> ThreadNotice | None:
    return topic if waiting_chats.post_line(tx, chat.id, topic) else None


def _unless_changed(now: ConversationState, seen: ConversationState, moment: float) -> ConversationState:
    same = (now.holder, now.assignee, now.held_since, now.waits_since)
    is_same = same == (seen.holder, seen.assignee, seen.held_since, seen.waits_since)
    return released(now, moment=moment) if is_same and now.holder is Holder.AGENT else now
