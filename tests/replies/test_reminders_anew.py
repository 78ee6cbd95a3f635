"""When a customer is called for is decided anew where the settings, or the route of their chat, have changed."""

from __future__ import annotations

from collections.abc import Callable

from relay.wiring import build_context
from tests.harness import settings, words
from tests.replies.desk import Desk
from tests.replies.test_showing import customer, posts

Make = Callable[..., Desk]


def reminded(desk: Desk) -> int:
    desk.chores()
    desk.run(5)
    return sum("has been waiting since" in words(message) for message in posts(desk))


def test_an_edit_of_the_time_counts_for_those_who_wait_already(make_desk: Make) -> None:
    desk = make_desk(remind={"after": 7200.0})
    customer(desk, "m1 hello")
    assert reminded(desk) == 0
    desk.restart(remind={"after": 600.0})
    desk.run(700)
    assert reminded(desk) == 1
    desk.restart(remind={"after": 300.0})
    assert reminded(desk) == 1


def test_a_longer_time_counts_too(make_desk: Make) -> None:
    desk = make_desk(remind={"after": 600.0})
    customer(desk, "m1 hello")
    assert reminded(desk) == 0
    desk.restart(remind={"after": 7200.0})
    desk.run(700)
    assert reminded(desk) == 0


def test_a_chat_that_moved_is_called_for_as_its_route_says(make_desk: Make) -> None:
    route = {
        "name": "vip", "when": {"metadata.plan": "gold"}, "channel": "C0VIP", "follow": True, "remind": {"after": 300.0}
    }  # fmt: skip
    desk = make_desk(channels={}, default_channel="C0SUPPORT", routes=[route], remind={"after": 7200.0})
    customer(desk, "m1 hello")
    assert reminded(desk) == 0
    customer(desk, "m2 bought", plan="gold")
    desk.run(400)
    assert reminded(desk) == 1


def test_an_edit_while_the_relay_runs_counts_too(make_desk: Make) -> None:
    desk = make_desk(remind={"after": 7200.0})
    customer(desk, "m1 hello")
    assert reminded(desk) == 0
    desk.relay.use(settings(desk.server, channels={"123456": "C0SUPPORT"}, remind={"after": 600.0}).config)
    desk.housekeeping.use(build_context(desk.relay, desk.store), 86400.0)
    desk.run(700)
    assert reminded(desk) == 1
