"""How a conversation stands, after what was said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import conversation
from relay.conversation import ConversationState, Holder, Status, Words
from relay.messages import Role

NOW = 1_000.0
NEW = ConversationState()
TAKEN = replace(NEW, holder=Holder.AGENT, assignee="alex", holder_name="Alex", opener_id=1, opener_rank=2)
WITH_BOT = replace(NEW, holder=Holder.BOT, holder_name="Bo", bot_active=True)
DONE = replace(TAKEN, status=Status.RESOLVED, resolved_by="Alex")


def words(role: Role, number: int = 7, *, answers: bool = False) -> Words:
    return Words(role, f"{role}-{number}", str(role).title(), number, 500.0 + number, answers)


def spoken(now: ConversationState, role: Role, number: int = 7, *, answers: bool = False) -> ConversationState:
    return conversation.spoke(now, words(role, number, answers=answers), moment=NOW)


def test_the_customers_first_words_are_quoted_whoever_spoke_before() -> None:
    now = NEW
    for number, role in enumerate((Role.AGENT, Role.BOT, Role.UNKNOWN, Role.CUSTOMER, Role.CUSTOMER)):
        now = spoken(now, role, number)
    assert (now.opener_id, now.opener_sender, now.since) == (3, f"{Role.CUSTOMER}-3", 503.0)


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.UNKNOWN])
def test_a_customer_reopens_what_was_resolved_and_calls_the_channel(role: Role) -> None:
    now = spoken(DONE, role)
    assert (now.status, now.resolved_by, now.broadcast_from) == (Status.REOPENED, "", NOW)
    assert now.opener_id == 7


@pytest.mark.parametrize("role", [Role.AGENT, Role.BOT])
def test_nobody_else_reopens_it(role: Role) -> None:
    assert spoken(DONE, role, answers=True).status is Status.RESOLVED


def test_an_agents_answer_takes_a_chat_that_nobody_had() -> None:
    now = spoken(replace(NEW, broadcast_from=5.0), Role.AGENT)
    assert (now.holder, now.holder_name, now.broadcast_from) == (Holder.AGENT, "Agent", None)
    assert spoken(TAKEN, Role.AGENT).holder_name == "Alex"


def test_a_bot_has_it_if_it_answers_and_is_near_if_it_only_spoke() -> None:
    assert spoken(NEW, Role.BOT, answers=True).holder is Holder.BOT
    near = spoken(NEW, Role.BOT)
    assert (near.holder, near.bot_active) == (Holder.NOBODY, True)
    assert spoken(near, Role.CUSTOMER).bot_active
    assert not conversation.without_bot(near).bot_active


def test_a_bot_that_speaks_beside_an_agent_takes_nothing() -> None:
    assert spoken(TAKEN, Role.BOT, answers=True) == TAKEN


@pytest.mark.parametrize(
    ("before", "role", "holder", "calls"),
    [
        (NEW, Role.AGENT, Holder.AGENT, None),
        (NEW, Role.BOT, Holder.BOT, None),
        (TAKEN, Role.BOT, Holder.BOT, None),
        (TAKEN, Role.AGENT, Holder.AGENT, None),
        (WITH_BOT, Role.AGENT, Holder.AGENT, NOW),  # handed over: the channel should see it
    ],
)
def test_who_is_assigned_has_it(before: ConversationState, role: Role, holder: Holder, calls: float | None) -> None:
    now = conversation.assigned(before, role, user_id="sam", name="Sam", moment=NOW)
    assert (now.holder, now.assignee, now.holder_name) == (holder, "sam", "Sam")
    assert (now.broadcast_from, now.bot_active) == (calls, holder is Holder.BOT)


def test_a_bot_that_asks_for_a_person_lets_go_and_calls_the_channel() -> None:
    now = conversation.handed_over(WITH_BOT, moment=NOW)
    assert (now.holder, now.bot_active, now.broadcast_from) == (Holder.NOBODY, False, NOW)
    assert conversation.handed_over(TAKEN, moment=NOW) == TAKEN


def test_taking_and_releasing() -> None:
    now = conversation.taken(WITH_BOT, agent_id="alex", name="Alex", moment=1.0)
    assert (now.holder, now.assignee, now.bot_active) == (Holder.AGENT, "alex", False)
    free = conversation.released(now, moment=NOW)
    assert (free.holder, free.assignee, free.holder_name, free.broadcast_from) == (Holder.NOBODY, None, "", NOW)


def test_a_reply_takes_what_nobody_had_and_calls_nobody() -> None:
    assert conversation.answered(replace(NEW, broadcast_from=1.0), name="Alex") == replace(
        NEW, holder=Holder.AGENT, holder_name="Alex"
    )
    assert conversation.answered(replace(TAKEN, broadcast_from=1.0), name="Sam") == TAKEN


def test_who_resolved_it_is_kept_when_kommunicate_says_so_again_without_a_name() -> None:
    once = conversation.resolved(TAKEN, by="Alex")
    assert (once.status, once.resolved_by) == (Status.RESOLVED, "Alex")
    assert conversation.resolved(once, by="") == once
    assert conversation.resolved(once, by="Sam").resolved_by == "Sam"
    assert conversation.resolved(TAKEN, by="").resolved_by == ""


def test_only_what_was_resolved_is_reopened() -> None:
    assert conversation.reopened(DONE).status is Status.REOPENED
    assert conversation.reopened(TAKEN) == TAKEN


def test_the_card_shows_neither_a_bot_nearby_nor_when_the_channel_is_called() -> None:
    assert replace(TAKEN, bot_active=True, broadcast_from=3.0).card == TAKEN.card
    assert DONE.card != TAKEN.card


STEPS = st.sampled_from(
    [
        *(
            lambda now, role=role, answers=answers: spoken(now, role, answers=answers)
            for role in Role
            for answers in (0, 1)
        ),  # type: ignore[misc]
        lambda now: conversation.assigned(now, Role.AGENT, user_id="sam", name="Sam", moment=NOW),
        lambda now: conversation.assigned(now, Role.BOT, user_id="bo", name="Bo", moment=NOW),
        lambda now: conversation.handed_over(now, moment=NOW),
        lambda now: conversation.resolved(now, by="Alex"),
        conversation.reopened,
        lambda now: conversation.taken(now, agent_id="alex", name="Alex", moment=1.0),
        lambda now: conversation.answered(now, name="Alex"),
        conversation.without_bot,
        lambda now: conversation.released(now, moment=NOW),
    ]
)


@given(st.lists(STEPS, max_size=12))
def test_whatever_is_said_in_whatever_order_it_makes_sense(steps: list[object]) -> None:
    """Each step said twice says nothing new; nobody is named who does not have it."""
    now = NEW
    for step in steps:
        now = step(now)  # type: ignore[operator]
        assert step(now) == now  # type: ignore[operator]
        if now.holder is Holder.NOBODY:
            assert (now.assignee, now.holder_name) == (None, "")
        assert not (now.resolved_by and now.status is not Status.RESOLVED)
        assert not (now.is_resolved and now.broadcast_from is not None)
