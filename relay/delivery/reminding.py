"""Customers who wait too long: a line in their thread that calls somebody, then again at growing intervals.

It is decided anew each minute from what the store has, by whichever process comes first: a restart forgets nothing, and
several workers post one line.
"""

from __future__ import annotations

import structlog

from relay.conversation import ConversationState, Holder, released
from relay.delivery.context import DeliveryContext
from relay.delivery.reminding_rules import FORGOTTEN, Reminding
from relay.store.conversations import waiting_chats
from relay.store.conversations.state import update_state
from relay.store.conversations.waiting_chats import WaitingChat
from relay.store.db.engine import Tx
from relay.store.queue.due import lock
from relay.vocabulary import ThreadNotice

BATCH = 200

log = structlog.get_logger()


def remind_all(context: DeliveryContext) -> None:
    """Post what is due."""
    rules, after, posted = context.reminding, 0, 0
    while rules.after is not None:
        with context.store.read() as tx:
            found = waiting_chats.chats_to_remind(tx, after, BATCH)
        if not found:
            break
        after = found[-1].id
        for chat in found:
            with context.store.begin("remind") as tx:
                posted += _remind(rules, chat, tx)
    if posted:
        log.info("chores.reminded", count=posted)


def give_back_stale(context: DeliveryContext) -> None:
    """Claims that stand still while their customers wait go back to everybody."""
    rules = context.reminding
    if rules.stale is None:
        return
    with context.store.read() as tx:
        now = tx.now
        found = waiting_chats.stale_claims(tx, now - rules.stale, BATCH)
    stale = [chat for chat in found if rules.later(_still_since(chat.state), rules.stale) <= now]
    given_back = 0
    for chat in stale:
        with context.store.begin("give_back") as tx:
            given_back += _give_back(chat, tx)
    if given_back:
        log.info("chores.given_back", count=given_back)


def _remind(rules: Reminding, chat: WaitingChat, tx: Tx) -> bool:
    due = chat.due
    if due is None:
        due = rules.later(chat.state.waits_since or tx.now, rules.after or 0.0)
        if tx.now - due > FORGOTTEN:  # nobody has minded it, and after an upgrade there are many such
            due = rules.following(tx.now, chat.reminders)
    elif due > tx.now:  # the clock has jumped back
        due = rules.following(tx.now, chat.reminders - 1)
    if due > tx.now:
        waiting_chats.decide_reminder(tx, chat, due)
        return False
    return waiting_chats.remind(tx, chat, rules.following(tx.now, chat.reminders))


def _give_back(chat: WaitingChat, tx: Tx) -> bool:
    lock(tx, chat.id)
    before, after = update_state(tx, chat.id, lambda now: _unless_changed(now, chat.state, tx.now))
    return after != before and waiting_chats.post_line(tx, chat.id, ThreadNotice.STALE)


def _unless_changed(now: ConversationState, seen: ConversationState, moment: float) -> ConversationState:
    same = (now.holder, now.assignee, now.held_since, now.waits_since)
    is_same = same == (seen.holder, seen.assignee, seen.held_since, seen.waits_since)
    return released(now, moment=moment) if is_same and now.holder is Holder.AGENT else now


def _still_since(state: ConversationState) -> float:
    return max(state.waits_since or 0.0, state.held_since or 0.0)
