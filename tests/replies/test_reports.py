"""What an engineer on call sees of the way back: the totals, and what waits for whom, and why."""

from __future__ import annotations

from relay.store.operations.reports import Kind, Which, list_deliveries
from relay.store.operations.totals import totals
from relay.vocabulary import DeliveryState
from tests.replies.desk import Desk

SEND = "/rest/ws/message/v2/send"


def rows(desk: Desk) -> list[tuple[str, str]]:
    """Each delivery, newest first: what it is, and its state."""
    with desk.store.read() as tx:
        return [(row["kind"], row["state"]) for row in list_deliveries(tx, Which.ALL, desk.out.limits)]


def test_messages_replies_clicks_and_lines_are_told_apart(desk: Desk) -> None:
    desk.says("hi", "note: for us")
    desk.run(60)
    desk.use("take_over")
    desk.carry()
    desk.run(60)
    file = desk.sandbox.kommunicate.files.public("bill.pdf", b"%PDF-1.7 words")
    desk.sandbox.kommunicate.customer_writes("123456", "", name="Jane", file=file)
    desk.carry()
    desk.run(20)
    assert rows(desk) == [
        ("file", "delivered"),
        ("message", "delivered"),
        ("line", "delivered"),
        ("click", "delivered"),
        ("reply", "ignored"),
        ("reply", "delivered"),
        ("message", "delivered"),
    ]
    with desk.store.read() as tx:
        found = totals(tx).delivered
    assert {kind: found.get((kind, DeliveryState.DELIVERED), 0) for kind in Kind} == {
        **dict.fromkeys(Kind, 1),
        Kind.MESSAGE: 2,
    }


def test_what_waits_for_kommunicate_says_so_and_not_what_slack_has(desk: Desk) -> None:
    desk.sandbox.faults.add(SEND, "status", status=401, times=None)
    desk.says("one", "two")
    desk.run(60)
    causes = {cause for _, cause in desk.waiting()}
    assert len(causes) == 1
    assert "KOMMUNICATE_API_KEY" in causes.pop()


def test_what_waits_for_one_agent_says_so_and_what_waits_behind_it_has_only_its_turn(desk: Desk) -> None:
    desk.sandbox.faults.add(SEND, "status", status=403, times=None)
    desk.says("one", "two")
    desk.run(60)
    first, second = [cause for _, cause in desk.waiting()]
    assert ("this agent" in first, second) == (True, "")


def told(desk: Desk, kind: Kind) -> list[tuple[str, str, str]]:
    """Of each delivery of a kind, the newest first: cause, what was in its way, and what it chose."""
    with desk.store.read() as tx:
        found = list_deliveries(tx, Which.ALL, desk.out.limits)
    return [(row["cause"], row["held_up_by"], row["target"]) for row in found if row["kind"] == kind]


def test_what_a_click_chose_is_no_cause(desk: Desk) -> None:
    """Nor is whoever pressed; why one was not done is."""
    desk.use("take_over")
    desk.press(desk.thread, "assign", value="U0KIM")
    del desk.sandbox.kommunicate.people["sam@sandbox.test"]
    desk.press(desk.thread, "assign", value="U0SAM")
    desk.carry()
    desk.run(30)
    refused, assigned, taken = told(desk, Kind.CLICK)
    assert (taken, assigned) == (("", "", ""), ("", "", "kim"))
    assert refused[0].startswith("Assign to: not done, because Kommunicate knows no agent with their")


def test_what_was_not_sent_with_a_reply_is_told_as_its_cause(desk: Desk) -> None:
    """It was not in its way."""
    desk.agent("see this", files=(desk.sandbox.slack.cabinet.put("plan", kind="canvas"),))
    desk.carry()
    desk.run(30)
    ((cause, held_up_by, _),) = told(desk, Kind.REPLY)
    assert (bool(cause), held_up_by) == (True, "")
