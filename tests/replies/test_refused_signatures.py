"""A wrong signing secret makes replies vanish: people are told, and of a flood of forged requests only once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.store.operations.refused_events import RefusedEvents, read_refused_events
from relay.web import signatures
from tests.harness import timeline, words
from tests.replies.desk import SECRET, Desk
from tests.statements import listed

ALERTS = "C0OPS"


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(alerts={"channel": ALERTS})
    desk.customer("m1 my mug is broken")
    return desk


def told(desk: Desk) -> list[str]:
    desk.clock.advance(60)
    desk.chores()
    return [words(one) for one in timeline(desk.server) if one["channel"] == ALERTS]


def refused(desk: Desk) -> RefusedEvents:
    with desk.store.read() as tx:
        return read_refused_events(tx)


def agent_writes(desk: Desk, *texts: str) -> list[int]:
    for text in texts:
        desk.agent(text)
    return desk.carry()


def test_a_wrong_secret_is_told_and_that_it_is_right_again(desk: Desk) -> None:
    desk.rotate(("not-the-secret",))
    assert agent_writes(desk, "one", "two", "three") == [401] * 3
    (said,) = told(desk)
    assert "refuses Slack's events" in said
    assert "SLACK_SIGNING_SECRET" in said
    desk.rotate((SECRET,))
    assert agent_writes(desk, "four") == [200]
    assert "accepts Slack's events again" in told(desk)[-1]
    assert len(told(desk)) == 2


def test_a_few_strangers_in_between_are_nobodys_trouble(desk: Desk) -> None:
    for _ in range(5):
        desk.rotate((SECRET,))
        assert agent_writes(desk, "fine") == [200]
        desk.rotate(("not-the-secret",))
        assert agent_writes(desk, "forged", "forged") == [401] * 2
    assert told(desk) == []


def test_what_does_not_even_look_like_slack_is_not_counted(desk: Desk) -> None:
    for _ in range(10):
        assert desk.client.post("/slack/events", data=b"{}").status_code == 401
    assert (refused(desk).total, told(desk)) == (0, [])


def test_a_flood_of_forged_requests_writes_one_row_a_minute(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.rotate(("not-the-secret",))
    desk.agent("forged")
    forged = desk.mail.pop()
    with listed(desk.store.engine) as ran:
        assert set(desk.carry(*[forged] * 50)) == {401}
    assert len([one for one in ran if one.startswith(("INSERT", "UPDATE"))]) == 1
    assert refused(desk).total == 3
    monkeypatch.setattr(signatures, "EVERY", 0.0)
    desk.carry(forged)
    assert (refused(desk).total, len(told(desk))) == (51, 1)
