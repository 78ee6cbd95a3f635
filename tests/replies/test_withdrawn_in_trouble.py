"""Words that are taken back stay taken back, whatever else goes wrong meanwhile; and the others keep theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from relay.errors import Unsure
from relay.store.conversations.corrections import mark_outdated
from relay.store.db.engine import Store
from relay.store.operations.replay import replay_all
from relay.store.operations.retention import prune
from tests.harness import picture
from tests.replies.desk import GROUP, Desk
from tests.replies.test_mentions import ALEX, mentions
from tests.replies.test_withdrawn import FLAG, SECRET, assert_forgotten, posted, say, send, thread, under_way, withdraw
from tests.statements import noted
from tests.store.shelf import rows


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk that nobody has written to."""
    return make_desk(replies={"undo_seconds": 0})


def lose_sight_of(desk: Desk, lag: float) -> None:
    """A post arrives, nobody hears of it, and Slack's history shows it only later."""
    claim, post = under_way(desk)
    desk.sandbox.slack.history_lag = lag
    posted(desk, post)
    desk.sandbox.slack.history_lag = 0.0
    desk.fail(claim, post, Unsure("reset"))


def test_two_copies_stand_when_it_is_withdrawn(desk: Desk) -> None:
    """The one that is brought up to date is the one that stays."""
    lose_sight_of(desk, 60.0)
    desk.run(20)
    assert len(thread(desk)) == 3
    withdraw(desk, "5-k1")
    desk.run(200)
    assert len(thread(desk)) == 2
    assert_forgotten(desk)


@pytest.mark.parametrize(("lag", "is_lost_again"), [(60.0, False), (33.0, True)])
def test_the_first_copy_shows_after_the_second_was_sent(desk: Desk, lag: float, is_lost_again: bool) -> None:
    lose_sight_of(desk, lag)
    withdraw(desk, "5-k1")
    if is_lost_again:
        desk.fault("reset_before")
    desk.run(300)
    assert len(thread(desk)) == 2
    assert_forgotten(desk)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_slack_does_not_take_the_post_as_it_is(desk: Desk, times: int) -> None:
    """A neighbour's picture can be fetched no more; in the end the whole post goes rather than the words stay."""
    say(desk, "hello", "5-k0")
    send(desk, "5-k1", {"message": SECRET})
    send(desk, "5-k2", {"message": "see", "file": picture()})
    desk.run(5)
    desk.fault("error", method="chat.update", code="invalid_blocks", times=times + 2)  # the first two are the card's
    withdraw(desk, "5-k1")
    desk.run(600)
    assert ("see" in thread(desk)[-1]) == (times < 3)
    assert_forgotten(desk)


def test_slack_does_not_take_the_card_as_it_is(desk: Desk) -> None:
    say(desk, SECRET, "5-k1")
    desk.fault("error", method="chat.update", code="invalid_blocks")
    withdraw(desk, "5-k1")
    desk.run(600)
    assert_forgotten(desk)


def test_a_neighbour_whose_rest_went_out_plain_keeps_its_words(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    send(desk, "5-k1", {"message": SECRET})
    send(desk, "5-k2", {"message": "NEIGHBOUR " * 1500})
    desk.fault("error", code="invalid_blocks", after=1)  # the first post goes through, the second is refused
    desk.run(60)
    before = thread(desk)[1].count("NEIGHBOUR")
    withdraw(desk, "5-k1")
    desk.run(60)
    assert thread(desk)[1].count("NEIGHBOUR") == before > 500


def test_many_in_one_post(desk: Desk) -> None:
    """It takes no more blocks than before."""
    say(desk, "hello", "5-k0", seconds=120)
    for number in range(40):
        send(desk, f"5-x{number}", {"message": f"words of {number}."})
    desk.run(5)
    for number in range(1, 40, 2):
        withdraw(desk, f"5-x{number}")
    desk.run(100)
    assert [number for number in range(40) if f"words of {number}." in thread(desk)[-1]] == list(range(0, 40, 2))


def test_another_opens_the_chat_meanwhile(desk: Desk) -> None:
    say(desk, SECRET, "5-k1", **{"from": "helper"})
    desk.customer("m2 hello")
    withdraw(desk, "5-k1", **{"from": "helper"})
    desk.run(60)
    assert_forgotten(desk)


def test_the_chat_has_moved_and_its_old_card_quotes_it(desk: Desk) -> None:
    say(desk, SECRET, "5-k1")
    desk.fault("error", code="restricted_action", times=None)
    send(desk, "5-k2", {"message": "anybody?"})
    desk.run(60)
    desk.sandbox.faults.clear()
    desk.restart(channels={GROUP: "C0VIP"})
    desk.run(60)
    withdraw(desk, "5-k1")
    desk.run(60)
    assert_forgotten(desk)


@pytest.mark.parametrize("how", ["archived", "put out"])
def test_an_old_channel_that_takes_nothing_stops_neither_card_nor_marks(
    make_desk: Callable[..., Desk], how: str
) -> None:
    desk = make_desk(replies={"undo_seconds": 0})
    desk.customer("m0 hello")
    say(desk, SECRET, "5-k1")
    slack = desk.sandbox.slack
    if how == "archived":
        slack.archive("C0SUPPORT")
    else:
        slack.kick("C0SUPPORT")
        slack.channels["C0SUPPORT"].is_private = True
    send(desk, "5-k2", {"message": "anybody?"})
    desk.run(60)
    desk.restart(channels={GROUP: "C0VIP"}, replies={"undo_seconds": 0})
    desk.run(60)
    withdraw(desk, "5-k1")
    slack.human_writes("C0VIP", "r1 an answer", user="U0ALEX", thread_ts=str(desk.roots()[-1]["ts"]))
    desk.carry()
    desk.run(600)
    assert (desk.reached(), desk.marks()) == (["r1 an answer"], {"r1 an answer": ["sent"]})


def test_a_click_brings_the_card_along(desk: Desk) -> None:
    """Slack sends the message that was clicked."""
    desk.customer(SECRET)
    key = rows(desk.store, "received")[0].key
    desk.use("resolve")
    desk.carry()
    desk.run(10)
    withdraw(desk, key)
    desk.run(60)
    assert_forgotten(desk)


def test_a_notice_whose_message_was_shown_after_all(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    desk.fault("error", times=2, code="invalid_blocks")
    say(desk, SECRET, "5-k1", seconds=30)
    with desk.store.begin() as tx:
        assert replay_all(tx) == 1
    desk.run(30)
    withdraw(desk, "5-k1")
    desk.run(300)
    assert_forgotten(desk)


def test_pieces_of_a_streamed_answer(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    send(desk, "5-k1", {"message": SECRET, "from": "robot", "tokenMessage": True})
    more = {"PLATFORM_MESSAGE_ID": "abc"}
    send(desk, "5-k1", {"message": SECRET, "from": "robot", "metadata": more})
    desk.run(5)
    send(desk, "5-k1", {"message": "", "from": "robot", "metadata": {**more, **FLAG}})
    desk.run(30)
    assert_forgotten(desk)


def test_a_quote_whose_own_words_are_no_longer_stored(desk: Desk) -> None:
    say(desk, SECRET, "5-k1")
    say(desk, "that one", "5-k2", metadata={"AL_REPLY": "5-k1"})
    say(desk, "later", "5-k3")
    desk.run(100)
    with desk.store.begin() as tx:
        prune(tx, 50)
    withdraw(desk, "5-k1")
    desk.run(60)
    assert_forgotten(desk)


def test_a_reply_that_names_the_key_is_not_touched(desk: Desk) -> None:
    desk.customer("m1 hello")
    say(desk, SECRET, "5-agpzfmFwcGxv")
    desk.agent("your message is 5-agpzfmFwcGxv")
    desk.carry()
    claim, reply = desk.set_out()
    sent = {"sender": reply.payload["sender"], "relay_id": reply.id, "deadline": 5.0}
    desk.out.way_back().kommunicate.send(GROUP, reply.payload["text"], **sent)
    desk.fail(claim, reply, Unsure("reset"))
    withdraw(desk, "5-agpzfmFwcGxv")
    for _ in range(20):
        desk.run(10)
        desk.carry()
    assert [row.state for row in rows(desk.store, "sends", kind="reply")] == ["delivered"]


def test_a_chat_without_a_channel_still_goes_where_its_metadata_say(make_desk: Callable[..., Desk]) -> None:
    """Its first message was withdrawn, the second says the same of it."""
    desk, tier = make_desk(channels={}, default_channel=None), {"tier": "vip"}
    send(desk, "5-k1", {"message": SECRET, "metadata": tier})
    send(desk, "5-k2", {"message": "something else", "metadata": tier})
    withdraw(desk, "5-k1", metadata={**tier, **FLAG})
    route = {"name": "vip", "when": {"metadata.tier": "vip"}, "channel": "C0VIP"}
    desk.restart(channels={}, routes=[route], default_channel="C0GENERAL")
    desk.run(30)
    assert [one["channel"] for one in desk.roots()] == ["C0VIP"]


def assigned(desk: Desk, key: str) -> None:
    """An agent is given the chat; she waits to be mentioned."""
    notice = {"contentType": 10, "metadata": {"KM_ASSIGN": ALEX, "LOCALIZATION_VALUE": "Alex"}}
    send(desk, key, {"message": "", "from": "admin@sandbox.test", **notice})


@pytest.fixture
def with_alex(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(replies={"undo_seconds": 0}, kommunicate={"agents": ["admin@sandbox.test", ALEX]})
    users = desk.sandbox.slack.users
    users["U0ALEX"] = replace(users["U0ALEX"], email=ALEX)
    desk.customer("m1 hello")
    return desk


def test_a_mention_in_a_post_that_was_not_taken(with_alex: Desk) -> None:
    desk = with_alex
    send(desk, "5-k1", {"message": SECRET})
    assigned(desk, "5-a1")
    desk.fault("ratelimited", retry_after="5")
    desk.run(1)
    withdraw(desk, "5-k1")
    desk.run(60)
    assert mentions(desk) == [["U0ALEX"]]


def test_a_mention_in_a_post_that_went_out_singly(with_alex: Desk) -> None:
    desk = with_alex
    send(desk, "5-k1", {"message": "something"})
    assigned(desk, "5-a1")
    desk.fault("error", code="invalid_blocks")
    desk.run(60)
    assert mentions(desk) == [["U0ALEX"]]


def test_a_mention_in_a_post_that_is_drawn_again(with_alex: Desk) -> None:
    desk = with_alex
    send(desk, "5-k1", {"message": SECRET})
    assigned(desk, "5-a1")
    desk.run(60)
    withdraw(desk, "5-k1")
    desk.run(60)
    assert mentions(desk) == [["U0ALEX"]]
    assert_forgotten(desk)


def test_the_channel_is_called_by_what_goes_out_instead(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    desk.run(700)
    send(desk, "5-k1", {"message": SECRET})
    send(desk, "5-k2", {"message": "is nobody there?"})
    desk.fault("ratelimited", retry_after="5")
    desk.run(1)
    withdraw(desk, "5-k1")
    desk.run(60)
    assert [one["text"] for one in desk.roots_and_replies() if one["broadcast"]] != []


def test_links_that_slack_does_not_tell_are_not_asked_for_one_by_one(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    for number in range(30):
        send(desk, f"5-q{number}", {"message": f"q{number}"})
        desk.run(2)
    desk.run(60)
    for number in range(30):
        send(desk, f"5-r{number}", {"message": f"r{number}", "metadata": {"AL_REPLY": f"5-q{number}"}})
    desk.fault("ratelimited", method="chat.getPermalink", times=None, retry_after="30")
    desk.run(5)
    assert len(desk.times("chat.getPermalink")) == 1
    assert "r29" in thread(desk)[-1]


def test_what_is_drawn_again_after_a_late_call_locks_its_conversation_first(store: Store, desk: Desk) -> None:
    say(desk, SECRET, "5-k1")
    seen: list[str] = []
    with noted(store.engine, lambda statement, *_: seen.append(statement)), store.begin() as tx:
        mark_outdated(tx, 1, rows(store, "sends", kind="post")[0].id)
    changes = [one for one in seen if "conversations" in one or one.startswith("UPDATE sends")]
    assert "conversations" in changes[0]
