"""Taking in, claiming and settling cost the same however much lies in the store: no history is read through."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from relay.owners import ACCOUNT
from relay.store.conversations import threads, waiting_chats
from relay.store.conversations.thread_notices import redraw_lines
from relay.store.db.engine import Store
from relay.store.intake.recording import held_in_vain, ignore_old_changes
from relay.store.intake.withdrawals import forget_message
from relay.store.operations import alerts, backlog, browsing, customers, erased, health, timeline, versions
from relay.store.operations.bodies import last_bodies
from relay.store.operations.erasing import erase_conversation
from relay.store.operations.hiding import make_ready_anew
from relay.store.operations.history import ended_so_far, history, times_since
from relay.store.operations.minutes import roll_up
from relay.store.operations.refused import note_refused
from relay.store.operations.reports import Which, list_deliveries, show_delivery
from relay.store.operations.retention import prune
from relay.store.operations.totals import totals
from relay.store.queue import closing, lost, refusals, sends
from relay.store.queue.due import check_claimable, lease_owners
from relay.store.queue.waiting import waiting
from relay.vocabulary import GateScope, Refusal, Source
from tests.statements import noted
from tests.store.planned import MANY, THROUGH
from tests.store.shelf import LEASE, LIMITS, MAPPED, claimed, give_back, holding, settle, started, take_in

COUNTED = f"INSERT INTO counts VALUES ('received', {MANY}, '{{}}'), ('deliveries', {MANY}, '{{}}')"


def one_message(store: Store) -> None:
    take_in(store, "new")
    take_in(store, "new")


def one_post(store: Store) -> None:
    """Claimed, rendered, stored and settled."""
    held = claimed(store)
    with store.read() as tx:
        rows = waiting(tx, held)
    settle(store, held, started(store, held, [(row.id, 0) for row in rows]))


def one_refusal(store: Store) -> None:
    held = claimed(store)
    send = started(store, held)
    holding(store, held, lambda tx: refusals.dissolve(tx, held, send, "invalid_blocks"))


def one_look(store: Store) -> None:
    held = claimed(store)
    send = started(store, held)
    holding(store, held, lambda tx: sends.mark_unsure(tx, send, 2.0, "reset"))


def one_idle_moment(store: Store) -> None:
    give_back(store, claimed(store))
    with store.read() as tx:
        check_claimable(tx, lease=LEASE, limits=LIMITS)
        lease_owners(tx)


def one_round_of_chores(store: Store) -> None:
    with store.begin() as tx:
        prune(tx, 86400.0)
        closing.close_for_operator(tx, GateScope.CHANNEL, "C0SUPPORT", cause="archived", code="is_archived")
        for one in threads.undecided(tx, 0, 200):
            threads.move(tx, one, MAPPED)
        held_in_vain(tx, 200)
        ignore_old_changes(tx)
        waiting_chats.rules(tx)
        for some in waiting_chats.to_be_called(tx):
            waiting_chats.decide_anew(tx, some)
        make_ready_anew(tx)


def one_alert(store: Store) -> None:
    with store.begin() as tx:
        for why in Refusal:
            note_refused(tx, why, 3)
        alerts.take_news(tx, "a post", lag=60.0, besides="", accounts=[ACCOUNT])


def one_recovery(store: Store) -> None:
    held = claimed(store)
    send = started(store, held)
    with store.begin() as tx:
        sends.is_settled(tx, send)
        lost.release_lost(tx, "me", working_on=(), lost={tx.now})
        closing.posted_within(tx, 60.0, "")
        sends.roots_in_vain(tx, held.conversation.id)


def one_scrape(store: Store) -> None:
    with store.begin() as tx:
        tx.conn.execute(text(COUNTED))
    with store.read() as tx:
        totals(tx)
        ended_so_far(tx)


def one_look_at_the_charts(store: Store) -> None:
    with store.begin() as tx:
        tx.conn.execute(text(COUNTED))
        roll_up(tx)
    with store.read() as tx:
        history(tx, since=tx.now - 86400.0, step=900.0)


def one_list(store: Store) -> None:
    with store.read() as tx:
        for which in (Which.WAITING, Which.DEAD, Which.REJECTED):
            list_deliveries(tx, which, LIMITS)


def one_page_of_everything(store: Store) -> None:
    """What the status page asks for."""
    with store.read() as tx:
        backlog.backlog(tx)
        backlog.gates_now(tx)
        backlog.last_received_at(tx)
        times_since(tx, tx.now - 86400.0, 10)
        browsing.latest(tx, None, 10)
        browsing.find(tx, 20)
        browsing.by_group(tx, "g20", 10)
        browsing.by_customer(tx, "jane", None, 10, str)
        browsing.searched_since(tx)
        list(browsing.newest_words(tx))
        found = timeline.came_in(tx, 1, None, 10)
        timeline.tasks_of(tx, [one.id for one in found])
        versions.versions_of(tx, [f"T0TEAM/C0VIP/17.{number}" for number in range(versions.AT_ONCE)])
        timeline.thread_sends(tx, 20, "C0VIP", "17.20")
        timeline.dead_letters(tx, None, 10)


def one_doctor(store: Store) -> None:
    with store.read() as tx:
        for source in Source:
            health.last_received(tx, source)
            health.last_received(tx, source, ACCOUNT)
        health.last_delivered(tx)
        health.backlog(tx)
        last_bodies(tx, 10)


def one_customer_traced(store: Store) -> None:
    """Their messages alone are looked for in everything."""
    with store.read() as tx:
        customers.bodies(tx, 700, 100, loose=False)
        customers.bodies(tx, 700, 100, loose=True)
        customers.opened_by(tx, "jane")
        customers.count_agents_messages(tx, [20, 30])
        erased.count_in_slack(tx, [20, 30])
        erased.count_standing(tx)
        erased.still_standing(tx)


def one_delivery_in_full(store: Store) -> None:
    with store.read() as tx:
        assert show_delivery(tx, 20, LIMITS)


def one_withdrawn_message(store: Store) -> None:
    with store.begin() as tx:
        assert forget_message(tx, 21)


def one_line_drawn_again(store: Store) -> None:
    with store.begin() as tx:
        redraw_lines(tx, 20, 20)


def one_chat_erased(store: Store) -> None:
    with store.begin() as tx:
        erase_conversation(tx, 20, in_slack=True)


STEPS = [
    one_message,
    one_post,
    one_refusal,
    one_look,
    one_idle_moment,
    one_round_of_chores,
    one_recovery,
    one_scrape,
    one_look_at_the_charts,
    one_alert,
    one_doctor,
    one_customer_traced,
    one_withdrawn_message,
    one_line_drawn_again,
    one_chat_erased,
    one_list,
    one_page_of_everything,
    one_delivery_in_full,
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_it_reads_no_history_through(full: Store, plans: list[str], step: Callable[[Store], None]) -> None:
    step(full)
    assert plans
    assert [plan for plan in plans if THROUGH.search(plan)] == []


def test_a_claim_does_not_walk_through_the_sends_of_a_long_conversation(full: Store, plans: list[str]) -> None:
    """Half of the history is one conversation's; what is open or to be looked at has indexes of its own."""
    claimed(full)
    (looked_up,) = (plan for plan in plans if "FROM sends" in plan)
    assert set(re.findall(r"sends_open|sends_to_look_at", looked_up)) == {"sends_open", "sends_to_look_at"}


def test_whether_a_conversation_has_replies_is_asked_of_its_lanes_alone(full: Store) -> None:
    """However many other conversations there are."""
    plans: list[str] = []
    explain = "EXPLAIN QUERY PLAN" if full.on_sqlite else "EXPLAIN"

    def note(statement: str, values: Any, connection: Any) -> None:
        if statement.startswith("INSERT INTO conversations"):
            found = connection.execute(f"{explain} {statement}", values).fetchall()
            plans.append("\n".join(str(row[-1]) for row in found))

    with noted(full.engine, note):
        take_in(full, "new")
    assert plans
    assert [plan for plan in plans if re.search(r"(SCAN|Seq Scan on) lanes", plan)] == []
