"""What we fail over again and again, by a mistake of our own, ends at a person, and what is behind it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.delivery.handlers import clicks, replies
from relay.delivery.stumbles import IN_A_ROW
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction
from tests.harness import words
from tests.replies.desk import Desk

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
    assert any("a mistake in it" in one and POISON in one for one in desk.shown())
    monkeypatch.setattr(replies, "customer_text", read)
    desk.press(next(one["ts"] for one in desk.roots_and_replies() if "a mistake in it" in words(one)), "send_again")
    desk.carry()
    desk.run(5)
    assert desk.reached() == ["and thank you", POISON]


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
