"""A chat that was erased goes on, and what was erased does not come back, whoever had it in hand."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from relay.delivery.attempt import Attempt, Taking, carry_out, take
from relay.delivery.erasing import erase
from relay.delivery.owner import this_process
from relay.delivery.steps import Call
from relay.delivery.tracing import trace
from relay.store.db.file_tables import file_pieces
from relay.store.db.tables import received
from relay.store.queue.lanes import Fenced
from tests.harness import raw, timeline
from tests.purge.conftest import Purge
from tests.purge.test_erasing import PDF, chat, of_slack
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import everything_stored, rows

JANE = f"customer-{GROUP}"


def erased(desk: Desk, *, in_slack: bool = False) -> None:
    erase(desk.store, JANE, trace(desk.store, JANE), in_slack=in_slack)


def lanes_at_rest(desk: Desk) -> bool:
    """Nobody holds one, and nothing is due."""
    return {(row.due, row.lease_owner) for row in rows(desk.store, "lanes")} == {(None, None)}


def test_a_repeated_webhook_is_a_duplicate_and_shows_nothing(desk: Desk, purge: Purge) -> None:
    chat(desk)
    sent = [item for item in desk.sandbox.kommunicate.outbox.sent if item.body]
    bodies = [raw(f"{GROUP}-m{number}", GROUP, "jane-secret") for number in range(2)]
    desk.write("m0", "m1")
    desk.run(60)
    purge("--customer", JANE, "--slack", "--yes")
    shown = timeline(desk.server)
    for body in bodies:
        desk.write(*[text for text in ("m0", "m1") if text.encode() in body])
    desk.carry(*sent)
    desk.run(120)
    assert timeline(desk.server) == shown
    assert "jane-secret" not in everything_stored(desk.store)


def test_without_slack_the_chat_goes_on_in_its_thread(desk: Desk) -> None:
    chat(desk)
    erased(desk)
    desk.run(120)
    before = desk.roots()
    desk.customer("I am back")
    desk.run(60)
    assert [one["ts"] for one in desk.roots()] == [one["ts"] for one in before]
    assert "I am back" in desk.shown()[-1]
    desk.says("welcome")
    desk.run(30)
    assert desk.reached()[-1] == "welcome"
    assert lanes_at_rest(desk)


def test_with_slack_it_gets_a_new_thread(desk: Desk, purge: Purge) -> None:
    chat(desk)
    purge("--customer", JANE, "--slack", "--yes")
    desk.run(120)
    assert [one for one in desk.roots() if one["bot_id"]] == []
    desk.customer("I am back")
    desk.run(60)
    (root,) = [one for one in desk.roots() if one["bot_id"]]
    assert "I am back" in str(root["blocks"])
    assert "jane-secret" not in of_slack(desk)
    desk.says("welcome")
    desk.run(30)
    assert desk.reached()[-1] == "welcome"


def test_what_waits_is_not_sent(desk: Desk) -> None:
    """Neither to Slack, nor to the customer; and nothing can be sent again."""
    desk.customer("m1")
    desk.fault("error", times=None, code="is_archived")
    desk.write("jane-secret-waits")
    desk.agent("jane-secret-reply")
    desk.carry()
    desk.run(2)
    erased(desk)
    desk.sandbox.faults.clear()
    desk.run(600)
    assert "jane-secret-waits" not in of_slack(desk)
    assert desk.reached() == []
    assert desk.waiting() == desk.dead() == []
    assert lanes_at_rest(desk)


def test_a_reply_under_way_is_overtaken(desk: Desk) -> None:
    """Its echo is known by the id it bears, and its words do not come back with it."""
    desk.customer("m1")
    desk.agent("jane-secret-reply")
    desk.carry()
    desk.clock.advance(10)
    claim, send = desk.set_out()
    erased(desk)
    with pytest.raises(Fenced):
        carry_out(desk.out, Attempt(claim, Call(send), Taking()))
    assert desk.reached() == ["jane-secret-reply"]
    desk.carry()
    desk.run(120)
    assert "jane-secret" not in of_slack(desk)
    assert "jane-secret" not in everything_stored(desk.store)
    assert lanes_at_rest(desk)


def test_a_file_under_way_is_not_kept(desk: Desk) -> None:
    """However far its fetcher has come."""
    desk.customer("m1")
    paper = desk.sandbox.slack.cabinet.put("jane-secret-plan.pdf", content=PDF)
    desk.agent("here", files=(paper,))
    desk.carry()
    desk.clock.advance(10)
    while not any(row.state == "waiting" for row in rows(desk.store, "kept_files")):
        assert desk.worker.run_once()
    attempts = []
    while not (attempts and attempts[-1].claim.lane == "files_back"):
        attempts += take(desk.out, this_process(), Taking())
    fetching = attempts[-1]
    erased(desk)
    with pytest.raises(Fenced):
        carry_out(desk.out, Attempt(fetching.claim, fetching.step, Taking()))
    desk.run(120)
    desk.chores()
    with desk.store.read() as tx:
        assert tx.conn.execute(select(file_pieces.c.file_id)).all() == []
    assert "jane-secret" not in everything_stored(desk.store)


def test_a_customers_file_under_way_is_not_shown(desk: Desk) -> None:
    desk.customer("m1")
    file = desk.sandbox.kommunicate.files.public("jane-secret.pdf", PDF)
    desk.sandbox.kommunicate.customer_writes(GROUP, "jane-secret-file", file=file)
    desk.carry()
    while not any(row.kind == "upload" for row in rows(desk.store, "sends")):
        taken = take(desk.out, this_process(), Taking())
        for attempt in taken:
            if attempt.claim.lane == "files":
                break
            carry_out(desk.out, attempt)
    erased(desk, in_slack=True)
    with pytest.raises(Fenced):
        carry_out(desk.out, attempt)
    desk.run(300)
    assert "jane-secret" not in everything_stored(desk.store)
    assert not any(one["files"] for one in timeline(desk.server))


def test_words_in_another_customers_chat_are_taken_out_of_it(desk: Desk) -> None:
    """A second person wrote there: their words go as if they had taken them back, and nothing else does."""
    desk.customer("m1 mine")
    desk.write("m3", message="jane-secret-theirs", **{"from": "guest-1"})
    desk.write("m2 mine too", **{"from": JANE})
    desk.run(60)
    found = trace(desk.store, "guest-1")
    assert (found.conversations, len(found.elsewhere)) == ((), 1)
    erase(desk.store, "guest-1", found, in_slack=True)
    desk.run(60)
    assert "jane-secret" not in of_slack(desk) + everything_stored(desk.store)
    assert desk.told() == ["m1", "m2"]


def test_a_chat_that_nobody_was_seen_in_is_theirs_who_wrote_there(desk: Desk) -> None:
    """It waits for a channel, so no card says whose it is."""
    desk.restart(channels={}, default_channel=None)
    desk.write("jane-secret", group="5", **{"from": "guest-1"})
    desk.write("other", group="6", **{"from": "guest-2"})
    erase(desk.store, "guest-1", trace(desk.store, "guest-1"), in_slack=False)
    assert [row.body is None for row in rows(desk.store, received)] == [True, False]
    desk.restart(default_channel="C0GENERAL")
    desk.run(60)
    assert "jane-secret" not in of_slack(desk)
    assert len([one for one in desk.roots() if one["bot_id"]]) == 1
