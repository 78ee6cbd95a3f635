"""What the webhook shows of a reply, and what its call is answered: whichever comes first, and whoever hears of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.clock import monotonic
from relay.delivery import context as module
from relay.delivery.handlers import replies
from relay.errors import DeliveryFailed, Permanent, RateLimited, Transient
from relay.store.queue.lanes import Fenced
from relay.vocabulary import Vendor
from tests.delivery.test_outages import away, commits
from tests.replies.desk import Desk

REFUSALS = [
    Transient("busy", code="busy"),
    Permanent("no", code="no"),
    RateLimited(1.0, method="send", vendor=Vendor.KOMMUNICATE),
]


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A customer has written, and one reply is due."""
    desk = make_desk(replies={"undo_seconds": 0})
    desk.customer("m1")
    desk.agent("one")
    desk.carry(*[item for item in desk.mail if "/slack/" in item.url])
    desk.mail.clear()
    return desk


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("first", ["echo", "answer"])
def test_what_the_webhook_has_shown_is_not_sent_again_whatever_its_call_was_answered(
    desk: Desk, error: DeliveryFailed, first: str
) -> None:
    """A proxy may say no to what has arrived."""
    claim, send = desk.set_out()
    replies.call(desk.out, claim, send)
    if first == "echo":
        desk.carry()
        desk.fail(claim, send, error)
    else:
        desk.fail(claim, send, error)
        desk.carry()
    desk.run(120)
    assert (desk.reached(), desk.marks(), desk.waiting(), desk.dead()) == (["one"], {"one": ["sent"]}, [], [])


def test_a_known_answer_counts_though_somebody_else_has_given_up_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is away for longer than the lease, and whoever takes the lane next is faster."""
    claim, send = desk.set_out()
    key = replies.call(desk.out, claim, send)
    desk.mail.clear()  # its echo never comes
    others = [True]

    def refuse_once(commit: Callable[[], None]) -> None:
        if others:
            raise away(desk.store)
        commit()

    def meanwhile() -> float:
        if others and len(asked) == 1:
            others.clear()
            desk.clock.advance(desk.out.lease + 5)
            desk.run(40)
            assert desk.marks() == {"one": ["unsure"]}
        asked.append(1)
        return monotonic()

    asked: list[int] = []
    monkeypatch.setattr(module, "monotonic", meanwhile)
    with commits(desk.store, refuse_once), pytest.raises(Fenced):
        desk.succeed(claim, send, key)
    desk.run(40)
    assert (desk.reached(), desk.marks()) == (["one"], {"one": ["sent"]})


def test_what_an_archived_channel_owes_is_not_asked_of_the_next(desk: Desk) -> None:
    """The chat goes on elsewhere: there the card is right, and messages bear their marks."""
    desk.run(20)
    desk.says("two")
    desk.sandbox.slack.channels["C0SUPPORT"].is_archived = True
    desk.run(30)
    desk.customer("m2")
    desk.restart(channels={"123456": "C0VIP"}, replies={"undo_seconds": 0})
    desk.run(400)
    thread = next(root["ts"] for root in desk.roots() if root["channel"] == "C0VIP")
    desk.sandbox.slack.human_writes("C0VIP", "three", user="U0ALEX", thread_ts=thread)
    desk.carry()
    desk.run(700)
    assert (desk.reached()[-1], desk.marks()["three"]) == ("three", ["sent"])
    desk.sandbox.faults.clear()
    assert desk.waiting() == []


def test_a_mark_that_may_not_be_put_holds_up_no_card(desk: Desk) -> None:
    """The scope for emoji is missing: whatever is wanted meanwhile is done at once."""
    desk.fault("missing_scope", "reactions.add", code="reactions:write", times=None)
    desk.run(30)
    assert desk.marks() == {"one": []}
    desk.use("resolve")
    desk.carry()
    desk.run(10)
    assert "resolved by" in str(desk.roots()[-1]["blocks"])
    desk.sandbox.faults.clear()
    desk.run(400)
    assert desk.marks() == {"one": ["sent"]}
