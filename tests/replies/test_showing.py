"""What of a chat its channel sees: everything, no bots' words, nothing before a person is needed, or the card alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from relay.store.db.tables import deliveries
from relay.vocabulary import DeliveryState
from tests.harness import picture, timeline, words
from tests.replies.desk import GROUP, Desk

Make = Callable[..., Desk]


def asks(desk: Desk, text: str, wait: float = 2.0) -> None:
    desk.sandbox.kommunicate.customer_writes(GROUP, text, name="Jane")
    desk.carry()
    desk.run(wait)


def bot(desk: Desk, text: str, wait: float = 2.0, **metadata: str) -> None:
    """A bot answers."""
    desk.sandbox.kommunicate.conversation(GROUP).bots.add("helper")
    desk.sandbox.kommunicate.staff_writes(GROUP, text, metadata={"KM_ANSWER_SOURCE": "faq", **metadata})
    desk.carry()
    desk.run(wait)


def posts(desk: Desk) -> list[dict[str, Any]]:
    """What stands in threads."""
    return [message for message in timeline(desk.server) if message["thread_ts"] not in (None, message["ts"])]


def said(desk: Desk) -> list[str]:
    """The words in the thread, in order, without their authors' names."""
    lines = [line for message in posts(desk) for line in words(message).splitlines()]
    return [line.split()[0] for line in lines if line[:1] in "mb" and line[1:2].isdigit()]


def talk(desk: Desk) -> None:
    for number in (1, 2, 3):
        asks(desk, f"m{number} question")
        bot(desk, f"b{number} answer")


def states(desk: Desk) -> set[str]:
    with desk.store.read() as tx:
        return set(tx.conn.execute(select(deliveries.c.state).where(deliveries.c.lane == "words")).scalars())


def test_everything_is_shown_unless_the_file_says_otherwise(make_desk: Make) -> None:
    desk = make_desk()
    talk(desk)
    assert said(desk) == ["m1", "b1", "m2", "b2", "m3", "b3"]


def test_customers_alone(make_desk: Make) -> None:
    """Bots' words are settled as ignored; what agents write in Kommunicate is shown."""
    desk = make_desk(show="customers")
    talk(desk)
    assert said(desk) == ["m1", "m2", "m3"]
    assert states(desk) == {DeliveryState.DELIVERED, DeliveryState.IGNORED}


def test_a_bot_alone_opens_no_thread_for_customers(make_desk: Make) -> None:
    desk = make_desk(show="customers")
    desk.webhook("bot", message="b1 welcome", metadata={"KM_ANSWER_SOURCE": "faq"})
    assert not desk.roots()


def test_the_card_alone(make_desk: Make) -> None:
    """It says who waits, and what they said last."""
    desk = make_desk(show="alerts")
    talk(desk)
    asks(desk, "m4 are you there?", wait=60)
    assert said(desk) == []
    assert "m4 are you there?" in words(desk.roots()[0])


class TestHandoff:
    def test_nothing_is_shown_while_the_bot_answers(self, make_desk: Make) -> None:
        desk = make_desk(show="handoff")
        talk(desk)
        desk.run(3600)
        assert not desk.roots()
        assert states(desk) == {DeliveryState.IGNORED}

    @pytest.mark.parametrize("needed", ["hand over", "assigned", "agent writes"])
    def test_once_a_person_is_needed_all_of_it_is_there_in_order(self, make_desk: Make, needed: str) -> None:
        desk = make_desk(show="handoff")
        talk(desk)
        if needed == "hand over":
            bot(desk, "b4 I call somebody", KM_ASSIGN_TO="")
        elif needed == "assigned":
            desk.sandbox.kommunicate.notice(GROUP, "Assigned to Alex", {"KM_ASSIGN": "alex@sandbox.test"})
        else:
            desk.webhook("alex@sandbox.test", message="m5 hello from me")
        desk.carry()
        desk.run(10)
        expected = ["m1", "b1", "m2", "b2", "m3", "b3"]
        assert said(desk)[: len(expected)] == expected
        asks(desk, "m9 thank you", wait=40)
        assert said(desk)[-1] == "m9"
        assert len(desk.roots()) == 1

    def test_a_bot_that_does_not_answer_leaves_the_chat_to_people(self, make_desk: Make) -> None:
        """After 25 seconds, whether it has answered before or was never heard of."""
        desk = make_desk(show="handoff")
        asks(desk, "m1 hello?", wait=20)
        assert not desk.roots()
        desk.run(10)
        assert said(desk) == ["m1"]

    def test_a_bot_that_stops_answering_does_too(self, make_desk: Make) -> None:
        desk = make_desk(show="handoff")
        talk(desk)
        asks(desk, "m4 hello?", wait=20)
        assert not desk.roots()
        desk.run(10)
        assert said(desk) == ["m1", "b1", "m2", "b2", "m3", "b3", "m4"]
        assert "waiting since" in words(desk.roots()[0])

    def test_each_question_has_its_own_time(self, make_desk: Make) -> None:
        desk = make_desk(show="handoff")
        for number in range(4):
            asks(desk, f"m{number} question", wait=20)
            bot(desk, f"b{number} answer", wait=20)
        assert not desk.roots()

    def test_a_chat_given_back_to_the_bot_is_quiet_again(self, make_desk: Make) -> None:
        """What the bot says then is filled in when it hands over once more."""
        desk = make_desk(show="handoff")
        asks(desk, "m1 hello?", wait=30)
        desk.sandbox.kommunicate.notice(GROUP, "Assigned to Bot", {"KM_ASSIGN": "bot"})
        desk.carry()
        desk.run(5)
        bot(desk, "b1 look here")
        asks(desk, "m2 and this?")
        bot(desk, "b2 look here")
        desk.run(60)
        assert said(desk) == ["m1"]
        bot(desk, "b3 I call somebody", KM_ASSIGN_TO="")
        desk.run(10)
        assert said(desk) == ["m1", "b1", "m2", "b2", "b3"]

    def test_what_was_taken_back_meanwhile_is_not_filled_in(self, make_desk: Make) -> None:
        desk = make_desk(show="handoff")
        desk.webhook("jane", key="5-secret", message="m1 my secret")
        asks(desk, "m2 hello")
        bot(desk, "b1 answer")
        desk.webhook("jane", key="5-secret", metadata={"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"})
        bot(desk, "b2 I call somebody", KM_ASSIGN_TO="")
        desk.run(10)
        assert "secret" not in "".join(map(words, posts(desk)))
        assert said(desk) == ["m2", "b1", "b2"]

    def test_files_come_with_what_is_filled_in(self, make_desk: Make) -> None:
        desk = make_desk(show="handoff")
        desk.webhook("jane", message="m1 look", file=picture())
        asks(desk, "m2 nice?")
        bot(desk, "b1 nice")
        assert not desk.roots()
        bot(desk, "b2 I call somebody", KM_ASSIGN_TO="")
        desk.run(10)
        images = [block for message in posts(desk) for block in message["blocks"] if block["type"] == "image"]
        assert len(images) == 1


def test_a_route_says_it_for_its_chats(make_desk: Make) -> None:
    route: dict[str, Any] = {"name": "quiet", "when": {"group_id": GROUP}, "channel": "C0SUPPORT", "show": "customers"}
    desk = make_desk(channels={}, routes=[route])
    talk(desk)
    assert said(desk) == ["m1", "m2", "m3"]


def test_a_chatty_bot_is_gathered_and_nobody_else_waits(make_desk: Make) -> None:
    desk = make_desk(batch=5.0)
    asks(desk, "m1 hello")
    before = len(posts(desk))
    for number in (1, 2, 3):
        bot(desk, f"b{number} line", wait=1)
    assert said(desk) == ["m1"]
    desk.run(5)
    assert said(desk) == ["m1", "b1", "b2", "b3"]
    assert len(posts(desk)) == before + 1
    bot(desk, "b4 line", wait=1)
    asks(desk, "m2 wait", wait=2)
    assert said(desk)[-2:] == ["b4", "m2"]


@pytest.mark.parametrize(
    ("whom", "element"),
    [
        ("U0ALEX", {"type": "user", "user_id": "U0ALEX"}),
        ("S0TEAM", {"type": "usergroup", "usergroup_id": "S0TEAM"}),
        ("here", {"type": "broadcast", "range": "here"}),
    ],
)
def test_a_new_chat_of_a_route_calls_whom_it_names_once(make_desk: Make, whom: str, element: dict[str, str]) -> None:
    route = {"name": "vip", "when": {"group_id": GROUP}, "channel": "C0SUPPORT", "notify": whom}
    desk = make_desk(channels={}, routes=[route])
    asks(desk, "m1 hello")
    (root,) = desk.roots()
    assert element in root["blocks"][0]["elements"][0]["elements"]
    assert sum(element["type"] in str(message["blocks"]) for message in posts(desk)) == 0
    desk.use("take_over", user="U0ALEX")
    desk.carry()
    desk.run(5)
    assert element not in desk.roots()[0]["blocks"][0]["elements"][0]["elements"][:1]


def test_after_a_long_silence_a_chat_goes_on_in_a_new_thread(make_desk: Make) -> None:
    """It links back, what is written in the old one still reaches the customer, and only one is opened."""
    desk = make_desk(new_thread_after=7 * 86400.0)
    asks(desk, "m1 hello")
    desk.run(6 * 86400.0)
    asks(desk, "m2 still there?")
    assert len(desk.roots()) == 1
    old = desk.thread
    desk.run(7 * 86400.0 + 60)
    asks(desk, "m3 back again", wait=30)
    asks(desk, "m4 and more", wait=30)
    assert len(desk.roots()) == 2
    assert [message["thread_ts"] == old for message in posts(desk)] == [True, True, False, False]
    assert "Continued from" in words(desk.roots()[1])
    assert words(desk.roots()[0]).startswith("Jane · continues in")
    assert f"/archives/C0SUPPORT/p{desk.thread.replace('.', '')}" in words(desk.roots()[0])
    desk.sandbox.slack.human_writes("C0SUPPORT", "from the old thread", user="U0ALEX", thread_ts=old)
    desk.carry()
    desk.run(20)
    assert desk.reached() == ["from the old thread"]


def test_without_the_setting_a_thread_lasts(make_desk: Make) -> None:
    desk = make_desk()
    asks(desk, "m1 hello")
    desk.run(30 * 86400.0)
    asks(desk, "m2 still there?")
    assert len(desk.roots()) == 1


def test_a_muted_chat_calls_nobody_until_it_is_resolved(make_desk: Make) -> None:
    """Its words are in the thread all the same, and the card says so."""
    desk = make_desk(remind={"after": 600.0})
    asks(desk, "m1 hello")
    desk.use("mute", user="U0ALEX")
    desk.carry()
    desk.run(5)
    assert "muted" in words(desk.roots()[0])
    for _ in range(3):
        desk.run(1200)
        desk.chores()
        asks(desk, "m2 anybody?", wait=40)
    assert said(desk) == ["m1", "m2", "m2", "m2"]
    assert not any(message.get("broadcast") or "has been waiting since" in words(message) for message in posts(desk))
    desk.use("unmute", user="U0ALEX")
    desk.carry()
    desk.run(1200)
    desk.chores()
    desk.run(5)
    assert "muted" not in words(desk.roots()[0])
    assert any("has been waiting since" in words(message) for message in posts(desk))


def test_resolving_ends_the_silence(make_desk: Make) -> None:
    desk = make_desk()
    asks(desk, "m1 hello")
    for action in ("mute", "resolve"):
        desk.use(action, user="U0ALEX")
        desk.carry()
        desk.run(5)
    asks(desk, "m2 again?", wait=40)
    assert "muted" not in words(desk.roots()[0])


def customer(desk: Desk, text: str, **metadata: str) -> None:
    desk.sandbox.kommunicate.customer_writes(GROUP, text, name="Jane", metadata=metadata)
    desk.carry()
    desk.run(30)


@pytest.fixture
def followed(make_desk: Make) -> Desk:
    """A chat in C0SUPPORT that goes to C0VIP once its customer has bought something."""
    vip = {"name": "vip", "when": {"metadata.plan": "gold"}, "channel": "C0VIP", "follow": True}
    rude = {"name": "other", "when": {"metadata.plan": "silver"}, "channel": "C0OPS"}
    desk = make_desk(channels={}, default_channel="C0SUPPORT", routes=[vip, rude])
    customer(desk, "m1 hello")
    return desk


def test_a_route_that_follows_moves_a_chat_when_its_data_change(followed: Desk) -> None:
    """With a new thread there; each card leads to the other, and nothing is shown twice."""
    customer(followed, "m2 I have bought it", plan="gold")
    customer(followed, "m3 thanks so far")
    old, new = followed.roots()
    assert (old["channel"], new["channel"]) == ("C0SUPPORT", "C0VIP")
    assert [(message["channel"], said_in(message)) for message in posts(followed)] == [
        ("C0SUPPORT", "m1"), ("C0VIP", "m2"), ("C0VIP", "m3"),
    ]  # fmt: skip
    assert f"/archives/C0VIP/p{new['ts'].replace('.', '')}" in words(old)
    assert f"/archives/C0SUPPORT/p{old['ts'].replace('.', '')}" in words(new)


def said_in(message: dict[str, Any]) -> str:
    return next(line.split()[0] for line in words(message).splitlines() if line[:1] == "m" and line[1:2].isdigit())


def test_what_agents_write_in_either_thread_reaches_the_customer(followed: Desk) -> None:
    customer(followed, "m2 I have bought it", plan="gold")
    for root in followed.roots():
        followed.sandbox.slack.human_writes(
            root["channel"], f"from {root['channel']}", user="U0ALEX", thread_ts=root["ts"]
        )
        followed.carry()
        followed.run(20)
    assert sorted(followed.reached()) == ["from C0SUPPORT", "from C0VIP"]


def test_other_routes_move_nothing(followed: Desk) -> None:
    customer(followed, "m2 I have bought it", plan="silver")
    assert len(followed.roots()) == 1


def test_only_what_customers_say_moves_a_chat(followed: Desk) -> None:
    bot(followed, "b1 you could buy it", plan="gold")
    assert len(followed.roots()) == 1
