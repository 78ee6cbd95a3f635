"""A message that its author took back for everyone is gone: from the thread, the card, what waits, and the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from relay.errors import Transient, Unsure
from relay.slack.client import Posted
from relay.store.db.rows import Claim, Send
from relay.store.db.tables import received
from tests.harness import words
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import everything_stored, rows

WITHDRAWN = "Withdrawn by its author"
FLAG = {"AL_DELETE_GROUP_MESSAGE_FOR_ALL": "true"}
SECRET = "my PIN is s3cr3t"


def say(desk: Desk, text: str, key: str, seconds: float = 3, **more: Any) -> None:
    send(desk, key, {"message": text, **more})
    desk.run(seconds)


def withdraw(desk: Desk, key: str, text: str = SECRET, **more: Any) -> str:
    """As Kommunicate says it: the message once more, with a mark; returns what the relay answers."""
    return send(desk, key, {"message": text, "metadata": FLAG, **more})


def send(desk: Desk, key: str, fields: dict[str, Any]) -> str:
    body = {"key": key, "from": "jane", "groupId": int(GROUP), "timeStamp": 1795690000000, **fields}
    token = {"Authentication": desk.sandbox.kommunicate.webhook.authentication()}
    response = desk.client.post("/kommunicate/webhook", json=body, headers=token)
    assert response.status_code == 200
    return str(response.json["status"])


def in_slack(desk: Desk) -> str:
    return json.dumps(desk.roots_and_replies())


def thread(desk: Desk) -> list[str]:
    """What each post of the thread says, without who says it."""
    return [words(one) for one in desk.roots_and_replies() if one["thread_ts"]]


def assert_forgotten(desk: Desk) -> None:
    assert "s3cr3t" not in in_slack(desk)
    assert "s3cr3t" not in everything_stored(desk.store)


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk that nobody has written to."""
    return make_desk()


def test_a_message_that_stands_alone(desk: Desk) -> None:
    """It opened the chat, so the card quotes it as well."""
    say(desk, SECRET, "5-k1")
    assert "s3cr3t" in in_slack(desk)
    assert withdraw(desk, "5-k1") == "accepted"
    desk.run(5)
    assert [WITHDRAWN in one for one in thread(desk)] == [True]
    assert_forgotten(desk)
    say(desk, "and now?", "5-k2")
    assert "and now?" in thread(desk)[-1]


def test_one_of_several_in_a_post(desk: Desk) -> None:
    """Only its part goes; the others keep their words and names."""
    say(desk, "hello", "5-k0")
    for key, text in (("5-k1", "first *of* <3"), ("5-k2", SECRET), ("5-k3", "last https://a.example/x")):
        send(desk, key, {"message": text})
    desk.run(5)
    assert thread(desk)[-1].splitlines() == ["first *of* <3", SECRET, "last https://a.example/x"]
    withdraw(desk, "5-k2")
    desk.run(5)
    assert [line for line in thread(desk)[-1].splitlines() if not line.startswith(("jane", "<!date"))] == [
        "first *of* <3",
        f"• {WITHDRAWN}",
        "last https://a.example/x",
    ]
    assert_forgotten(desk)
    withdraw(desk, "5-k1", "first *of* <3")
    desk.run(5)
    assert thread(desk)[-1].count(WITHDRAWN) == 2
    assert "last" in thread(desk)[-1]


def test_one_that_takes_several_posts(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    say(desk, SECRET + " and more " * 3000 + SECRET, "5-k1", seconds=20)
    assert len(thread(desk)) > 2
    withdraw(desk, "5-k1")
    desk.run(20)
    assert all(WITHDRAWN in one for one in thread(desk)[1:])
    assert_forgotten(desk)


def test_the_withdrawal_comes_first(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    assert withdraw(desk, "5-k1") == "ignored"
    assert send(desk, "5-k1", {"message": SECRET}) == "duplicate"
    desk.run(5)
    assert len(thread(desk)) == 1
    assert_forgotten(desk)


def test_it_comes_twice(desk: Desk) -> None:
    say(desk, SECRET, "5-k1")
    assert [withdraw(desk, "5-k1"), withdraw(desk, "4-k1"), send(desk, "5-k1", {"message": SECRET})] == [
        "accepted",
        "duplicate",
        "duplicate",
    ]
    desk.run(5)
    assert len(desk.times("chat.update")) == 2, "once the post, once the card"
    assert_forgotten(desk)
    assert withdraw(desk, "5-k1") == "duplicate"


def test_it_comes_twice_before_the_message(desk: Desk) -> None:
    assert [withdraw(desk, "5-k1"), withdraw(desk, "5-k1")] == ["ignored", "duplicate"]


def test_what_still_waits_is_never_shown(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    send(desk, "5-k1", {"message": SECRET})
    send(desk, "5-k2", {"message": "something else"})
    withdraw(desk, "5-k1")
    desk.run(5)
    assert WITHDRAWN not in in_slack(desk)
    assert "something else" in thread(desk)[-1]
    assert_forgotten(desk)
    assert desk.waiting() == []


def test_a_first_message_that_waits_opens_no_thread_with_its_words(desk: Desk) -> None:
    send(desk, "5-k1", {"message": SECRET})
    withdraw(desk, "5-k1")
    desk.run(5)
    assert desk.roots_and_replies() == []
    say(desk, "hello", "5-k2")
    assert "hello" in thread(desk)[-1]
    assert_forgotten(desk)


def under_way(desk: Desk) -> tuple[Claim, Send]:
    say(desk, "hello", "5-k0")
    send(desk, "5-k1", {"message": SECRET})
    send(desk, "5-k2", {"message": "something else"})
    return desk.set_out()


def posted(desk: Desk, post: Send) -> Posted:
    return desk.out.slack.post(post.channel, post.payload, thread_ts=post.thread_ts, send_id=post.id)


def test_a_post_that_is_under_way_and_arrives(desk: Desk) -> None:
    claim, post = under_way(desk)
    withdraw(desk, "5-k1")
    desk.run(3)  # the card's lane waits for it
    desk.succeed(claim, post, posted(desk, post))
    desk.run(5)
    assert WITHDRAWN in thread(desk)[-1]
    assert "something else" in thread(desk)[-1]
    assert_forgotten(desk)


def test_a_post_that_is_under_way_and_certainly_does_not_arrive(desk: Desk) -> None:
    claim, post = under_way(desk)
    withdraw(desk, "5-k1")
    desk.fail(claim, post, Transient("busy", code="service_unavailable"))
    desk.run(10)
    assert "something else" in thread(desk)[-1]
    assert WITHDRAWN not in in_slack(desk)
    assert_forgotten(desk)


def test_a_post_that_may_have_arrived_and_has(desk: Desk) -> None:
    claim, post = under_way(desk)
    withdraw(desk, "5-k1")
    posted(desk, post)
    desk.fail(claim, post, Unsure("reset"))
    desk.run(20)
    assert thread(desk)[-1].count(WITHDRAWN) == 1
    assert_forgotten(desk)


def test_a_post_that_may_have_arrived_and_has_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes out again under its own id, so that a copy that comes late is found; but not with those words."""
    claim, post = under_way(desk)
    desk.fail(claim, post, Unsure("reset"))
    withdraw(desk, "5-k1")
    said: list[str] = []
    really = desk.out.slack.post
    monkeypatch.setattr(desk.out.slack, "post", lambda *where, **how: said.append(str(where)) or really(*where, **how))
    desk.run(100)
    assert [("something else" in one, WITHDRAWN in one, "s3cr3t" in one) for one in said] == [(True, True, False)]
    assert_forgotten(desk)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_first_post_that_may_have_arrived(desk: Desk, arrives: bool) -> None:
    """The card of a new thread quotes it."""
    send(desk, "5-k1", {"message": SECRET})
    claim, root = desk.set_out()
    assert root.is_root
    if arrives:
        posted(desk, root)
    desk.fail(claim, root, Unsure("reset"))
    withdraw(desk, "5-k1")
    desk.run(100)
    assert_forgotten(desk)
    say(desk, "hello", "5-k2")
    assert "hello" in thread(desk)[-1]
    assert len(desk.roots()) == 1


def test_what_was_given_up_stays_so_without_its_words(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    desk.fault("error", times=None, code="invalid_blocks")
    say(desk, SECRET, "5-k1", seconds=30)
    desk.sandbox.faults.clear()
    withdraw(desk, "5-k1")
    desk.run(30)
    assert_forgotten(desk)
    assert desk.waiting() == []


def test_a_message_that_was_never_shown(desk: Desk) -> None:
    send(desk, "5-k1", {"message": SECRET, "metadata": {"category": "HIDDEN"}})
    assert withdraw(desk, "5-k1") == "accepted"
    assert_forgotten(desk)


def test_a_message_of_another_chat_is_not_touched(desk: Desk) -> None:
    say(desk, SECRET, "5-k1")
    assert withdraw(desk, "5-k1", groupId=999) == "ignored"
    desk.run(5)
    assert SECRET in thread(desk)[-1]


def test_a_post_that_is_gone_in_slack_ends_it(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    say(desk, SECRET, "5-k1")
    desk.sandbox.slack.human_deletes("C0SUPPORT", desk.roots_and_replies()[-1]["ts"])
    withdraw(desk, "5-k1")
    with capture_logs() as logs:
        desk.run(30)
    assert "message.not_corrected" not in [one["event"] for one in logs]
    assert [row.outdated for row in rows(desk.store, "sends") if row.outdated] == []
    assert_forgotten(desk)


def test_what_is_no_longer_stored_of_the_others_is_said(desk: Desk) -> None:
    say(desk, "hello", "5-k0")
    for key, text in (("5-k1", SECRET), ("5-k2", "an old neighbour")):
        send(desk, key, {"message": text})
    desk.run(5)
    with desk.store.begin() as tx:
        tx.conn.execute(update(received).where(received.c.key == "k2").values(body=None))
    withdraw(desk, "5-k1")
    desk.run(5)
    assert WITHDRAWN in thread(desk)[-1]
    assert "1 message could not be shown: its content is no longer stored." in thread(desk)[-1]


def test_a_correction_that_is_overtaken_by_another(desk: Desk) -> None:
    """A second one of the same post is taken back while the first correction is under way."""
    say(desk, "hello", "5-k0")
    for key in ("5-k1", "5-k2"):
        send(desk, key, {"message": f"{SECRET} {key}"})
    desk.run(5)
    withdraw(desk, "5-k1")
    claim, correction = desk.set_out()
    withdraw(desk, "5-k2")
    desk.out.slack.update(correction.channel, correction.thread_ts or "", correction.payload)
    desk.succeed(claim, correction, None)
    desk.run(5)
    assert thread(desk)[-1].count(WITHDRAWN) == 2
    assert_forgotten(desk)


def test_slack_is_away_meanwhile(desk: Desk) -> None:
    say(desk, SECRET, "5-k1")
    desk.fault("error", method="chat.update", times=4, code="internal_error")
    withdraw(desk, "5-k1")
    desk.run(600)
    assert_forgotten(desk)


def test_replies_go_on_as_before(desk: Desk) -> None:
    desk.customer("m1 hello")
    say(desk, SECRET, "5-k1")
    withdraw(desk, "5-k1")
    desk.says("r1 what can I do?")
    desk.run(10)
    assert desk.reached() == ["r1 what can I do?"]
    assert desk.marks() == {"r1 what can I do?": ["sent"]}
    assert_forgotten(desk)
