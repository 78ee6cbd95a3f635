"""What the relay has posted is deleted at Slack's pace, whatever Slack says meanwhile; agents' own messages stay."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from relay.delivery.deleting import Deleter
from relay.delivery.erasing import erase
from relay.delivery.tracing import trace
from relay.errors import DeliveryFailed
from relay.sandbox.slack.sharing import delete_file
from relay.slack.client import Posted
from relay.store.db.tables import sends
from relay.store.operations.erased import count_standing
from relay.store.queue.lanes import Fenced
from tests.harness import timeline
from tests.purge.conftest import Purge, report
from tests.purge.test_erasing import chat, of_slack
from tests.replies.desk import GROUP, Desk
from tests.store.shelf import rows

JANE = f"customer-{GROUP}"


@pytest.fixture
def chatted(desk: Desk) -> Desk:
    """Jane's chat, with all that there can be in one."""
    assert chat(desk) == JANE
    return desk


def deleted(desk: Desk) -> Deleter:
    """Erase and delete in injected time."""
    erase(desk.store, JANE, trace(desk.store, JANE), in_slack=True)
    deleter = Deleter(desk.store, {"": desk.out.slack}, desk.clock.advance, lambda: None)
    deleter.delete_all()
    return deleter


def standing(desk: Desk) -> int:
    with desk.store.read() as tx:
        return count_standing(tx)


def test_what_is_gone_already_is_fine(chatted: Desk, purge: Purge) -> None:
    for message in timeline(chatted.server):
        if message["bot_id"]:
            chatted.sandbox.slack.human_deletes("C0SUPPORT", message["ts"])
    for file in chatted.sandbox.slack.cabinet.files.values():
        delete_file(chatted.sandbox.slack, file)
    result = purge("--customer", JANE, "--slack", "--yes", "--json")
    assert (result.exit_code, report(result)["stays_in_slack"], standing(chatted)) == (0, [], 0)


@pytest.mark.parametrize("retry_after", ["7", None, "soon"])
def test_a_limit_is_waited_out(chatted: Desk, retry_after: str | None) -> None:
    chatted.fault("ratelimited", "chat.delete", times=3, retry_after=retry_after)
    begun = chatted.clock.now()
    deleted(chatted)
    assert "jane" not in of_slack(chatted).lower()
    assert chatted.clock.now() - begun >= 3 * (7 if retry_after == "7" else 30)


def test_it_is_called_fifty_times_a_minute_at_most(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The running relay has the same limit, and needs some of it."""
    monkeypatch.setattr("relay.delivery.deleting.monotonic", desk.clock.now)
    for number in range(60):
        desk.sandbox.kommunicate.customer_writes(GROUP, f"m{number}", name="Jane")
        desk.carry()
        desk.run(3)
    refused = desk.sandbox.slack.pacing.refused
    deleted(desk)
    assert len(desk.times("chat.delete")) == 61
    assert desk.sandbox.slack.pacing.refused == refused


@pytest.mark.parametrize("code", ["cant_delete_message", "compliance_exports_prevent_deletion"])
def test_what_slack_refuses_is_named_and_the_rest_goes(chatted: Desk, purge: Purge, code: str) -> None:
    chatted.fault("error", "chat.delete", after=1, code=code)  # the first is of a file that is deleted
    result = purge("--customer", JANE, "--slack", "--yes", "--json")
    (stays,) = report(result)["stays_in_slack"]
    assert (result.exit_code, stays["channel"], stays["why"]) == (1, "C0SUPPORT", code)
    assert [one["ts"] for one in timeline(chatted.server) if one["bot_id"]] == [stays["ts"]]
    again = purge("--customer", JANE, "--slack", "--yes")
    assert (again.exit_code, again.stderr) == (1, f"There is no customer {JANE}.\n")


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "reset_after"}, {"kind": "html"}])
@pytest.mark.parametrize("method", ["chat.delete", "files.delete"])
def test_slack_may_stumble(chatted: Desk, fault: dict[str, Any], method: str) -> None:
    chatted.sandbox.faults.add(method, times=2, **fault)
    deleted(chatted)
    assert ("jane" in of_slack(chatted).lower(), standing(chatted)) == (False, 0)


def test_where_slack_is_away_the_rest_stays_on_the_list(chatted: Desk, purge: Purge) -> None:
    """The words are gone from the store all the same, and the next run finishes."""
    chatted.fault("error", "chat.delete", after=2, times=None, code="token_revoked")
    result = purge("--customer", JANE, "--slack", "--yes", "--json")
    assert (result.exit_code, "Run the same command again" in report(result)["unfinished"]) == (2, True)
    assert standing(chatted) > 0
    without = purge("--customer", JANE, "--yes")
    assert (without.exit_code, "run it with --slack" in without.stderr) == (1, True)
    chatted.sandbox.faults.clear()
    assert purge("--customer", JANE, "--slack", "--yes").exit_code == 0
    assert ("jane" in of_slack(chatted).lower(), standing(chatted)) == (False, 0)


def test_a_run_without_slack_forgets_nothing_of_the_list(chatted: Desk, purge: Purge) -> None:
    """They have written again before the first run was finished."""
    chatted.fault("error", "chat.delete", after=2, times=None, code="token_revoked")
    assert purge("--customer", JANE, "--slack", "--yes").exit_code == 2
    chatted.sandbox.faults.clear()
    chatted.customer("jane-secret-more")
    before = standing(chatted)
    assert purge("--customer", JANE, "--yes").exit_code == 0
    assert standing(chatted) == before
    assert purge("--customer", JANE, "--slack", "--yes").exit_code == 0
    shown = [one for one in timeline(chatted.server) if one["bot_id"]]
    assert [one for one in shown if "jane-secret-more" not in str(one)] == []


def test_a_channel_that_the_bot_was_removed_from_is_named_and_tried_again(chatted: Desk, purge: Purge) -> None:
    chatted.fault("error", "chat.delete", times=None, code="channel_not_found")
    result = purge("--customer", JANE, "--slack", "--yes", "--json")
    assert result.exit_code == 1
    assert {one["why"] for one in report(result)["stays_in_slack"]} == {"channel_not_found"}
    chatted.sandbox.faults.clear()
    assert purge("--customer", JANE, "--slack", "--yes").exit_code == 0
    assert "jane" not in of_slack(chatted).lower()


def test_a_file_whose_id_is_no_longer_kept_is_found_by_its_message(chatted: Desk) -> None:
    with chatted.store.begin() as tx:
        tx.conn.execute(update(sends).values(payload="{}"))
    assert deleted(chatted).deleted.files == 1
    assert "jane" not in of_slack(chatted).lower()


def in_flight(desk: Desk) -> tuple[Any, Any]:
    """A post that has set out and has not been answered."""
    desk.customer("jane-secret-first")
    desk.write("jane-secret-late")
    return desk.set_out()


@pytest.mark.parametrize("arrives", [True, False])
def test_a_post_under_way_is_looked_for(desk: Desk, arrives: bool) -> None:
    """Its worker is overtaken, so nobody else would know where it stands."""
    claim, send = in_flight(desk)
    answer = Posted("C0SUPPORT", "1712345678.000001", send.thread_ts)
    if arrives:
        answer = desk.out.slack.post("C0SUPPORT", send.payload, thread_ts=send.thread_ts, send_id=send.id)
    begun = desk.clock.now()
    deleted(desk)
    assert desk.clock.now() - begun >= 12
    assert "jane" not in of_slack(desk).lower()
    with pytest.raises(Fenced):
        desk.succeed(claim, send, answer)
    desk.run(120)
    assert "jane" not in of_slack(desk).lower()
    assert {row.state for row in rows(desk.store, "sends")} <= {"delivered", "void"}
    assert {row.due for row in rows(desk.store, "lanes")} == {None}


def test_where_it_cannot_be_looked_for_that_is_said(desk: Desk) -> None:
    in_flight(desk)
    desk.fault("missing_scope", "conversations.*", times=None, code="channels:history")
    done = deleted(desk)
    assert [why for _, _, why in done.deleted.stays] == ["missing_scope"]


def test_nothing_that_fails_afterwards_brings_it_back(desk: Desk) -> None:
    claim, send = in_flight(desk)
    deleted(desk)
    with pytest.raises(Fenced):
        desk.fail(claim, send, DeliveryFailed("reset", code="reset"))
    desk.run(120)
    assert of_slack(desk) == "[]"
