"""What we fail over again and again, by a mistake of our own, ends at a person, and what is behind it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.delivery.handlers import card, clicks, corrections, fetches, files, marks, replies
from relay.delivery.stumbles import IN_A_ROW
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction
from relay.vocabulary import Lane
from tests.files.test_customers_files import PDF, sends, told
from tests.files.test_customers_files import files as shown_files
from tests.harness import words
from tests.replies.desk import Desk
from tests.replies.test_withdrawn import WITHDRAWN, in_slack, say, withdraw

POISON = "poison"


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk()
    desk.customer("m1")
    return desk


def work(desk: Desk, rounds: int) -> None:
    """As the worker's threads do, which outlive an error."""
    for _ in range(rounds):
        for _ in range(30):
            try:
                if not desk.worker.run_once():
                    break
            except ZeroDivisionError:
                continue
        desk.clock.advance(31)


def test_a_reply_that_cannot_be_read_is_given_up_and_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    read = replies.customer_text

    def stumbling(blocks: Any, text: str, names: Any) -> str:
        return read(blocks, str(1 // 0) if text == POISON else text, names)

    monkeypatch.setattr(replies, "customer_text", stumbling)
    desk.says(POISON, "and thank you")
    desk.clock.advance(10)
    work(desk, IN_A_ROW - 2)
    assert (desk.reached(), desk.marks()[POISON]) == ([], [])
    work(desk, 6)
    assert desk.reached() == ["and thank you"]
    assert desk.marks() == {POISON: ["failed"], "and thank you": ["sent"]}
    assert any("the relay has a bug" in one and POISON in one for one in desk.shown())
    monkeypatch.setattr(replies, "customer_text", read)
    desk.press(next(one["ts"] for one in desk.roots_and_replies() if "the relay has a bug" in words(one)), "send_again")
    desk.carry()
    desk.run(5)
    assert desk.reached() == ["and thank you", POISON]


def test_what_comes_after_something_that_was_taken_back_is_tried(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its author has deleted what we had failed over ten times."""
    read = replies.customer_text

    def stumbling(blocks: Any, text: str, names: Any) -> str:
        return read(blocks, str(1 // 0) if text == POISON else text, names)

    monkeypatch.setattr(replies, "customer_text", stumbling)
    poison = desk.agent(POISON)
    desk.carry()
    desk.clock.advance(10)
    work(desk, IN_A_ROW)
    desk.sandbox.slack.human_deletes("C0SUPPORT", poison.ts)
    desk.carry()
    # As a worker does that has threads: what leads to no step leads to no thread.
    assert [one.step for one in desk.worker._take(set(), 1, (Lane.REPLIES,))] == [None]
    desk.says("hello")
    desk.clock.advance(10)
    work(desk, 2)
    assert desk.reached() == ["hello"]


def test_a_click_that_cannot_be_read_is_given_up_and_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbling(_tx: Tx, _context: Any, _claim: Any, _action: AgentAction) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(clicks, "prepare", stumbling)
    desk.use("take_over")
    desk.carry()
    desk.says("hello")
    desk.clock.advance(10)
    work(desk, IN_A_ROW + 6)
    assert desk.reached() == ["hello"]
    assert any("What was pressed: not done" in one for one in desk.shown())


def fail(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError


def test_a_click_whose_call_fails_by_a_mistake_ends_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "call", fail)
    desk.use("take_over")
    desk.carry()
    desk.says("hello")
    desk.clock.advance(10)
    work(desk, IN_A_ROW + 6)
    assert desk.reached() == ["hello"]
    assert desk.whispers()[-1][1] == "Take over: not done, because the relay has a bug; its log says more."


@pytest.mark.parametrize("where", ["_of_file", "_upload"])
def test_a_file_that_we_fail_over_is_told_once_and_the_next_one_comes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Whether it cannot be prepared or not be fetched."""
    does = getattr(files, where)

    def stumbling(context: Any, what: Any, more: Any) -> Any:
        is_poison = POISON in str(what.body if where == "_of_file" else more.payload["name"])
        return fail() if is_poison else does(context, what, more)

    monkeypatch.setattr(files, where, stumbling)
    sends(desk, f"{POISON}.pdf", text="m2")
    sends(desk, "bill.pdf", text="m3")
    work(desk, IN_A_ROW + 6)
    work(desk, IN_A_ROW)
    assert (desk.told(), [name for name, _ in shown_files(desk)]) == (["m1", "m2", "m3"], ["bill.pdf"])
    assert told(desk) == ["• The file could not be fetched: the relay has a bug; its log says more. “poison.pdf”"]
    assert desk.dead() == ["the relay has a bug; its log says more"]


def test_an_agents_file_that_we_fail_over_is_not_fetched_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does its reply wait for it."""
    tries: list[int] = []
    monkeypatch.setattr(fetches, "_fetch", lambda *_: tries.append(1) or fail())
    desk.agent("see this", files=(desk.sandbox.slack.cabinet.put("plan.pdf", content=PDF),))
    desk.agent("and this")
    desk.carry()
    desk.clock.advance(10)
    work(desk, IN_A_ROW + 6)
    assert (desk.reached()[-1], desk.marks()) == ("and this", {"see this": ["partly"], "and this": ["sent"]})
    assert len(tries) == IN_A_ROW


def test_a_card_that_we_fail_over_says_how_the_chat_stands_and_lets_the_marks_be(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "last_words", fail)
    desk.use("resolve")
    desk.says("goodbye")
    desk.clock.advance(10)
    work(desk, IN_A_ROW + 6)
    assert "resolved by alex" in words(desk.roots()[-1])
    assert desk.marks() == {"goodbye": ["sent"]}


def test_a_mark_that_we_fail_over_holds_up_no_card(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "message_of", fail)
    desk.says("hello")
    desk.clock.advance(10)
    work(desk, IN_A_ROW + 6)
    monkeypatch.undo()
    desk.says("goodbye")
    desk.run(20)
    assert desk.marks() == {"hello": [], "goodbye": ["sent"]}


def test_what_was_withdrawn_goes_even_if_we_fail_over_its_post(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other posts stay as they are."""
    say(desk, "canary", "5-k1")
    say(desk, "m2", "5-k2")
    monkeypatch.setattr(corrections, "to_lines", fail)
    assert withdraw(desk, "5-k1", "canary") == "accepted"
    work(desk, IN_A_ROW + 6)
    assert (desk.told(), "canary" in in_slack(desk)) == (["m1", "m2"], False)
    assert WITHDRAWN in desk.shown()[1]
