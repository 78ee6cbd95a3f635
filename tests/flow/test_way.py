"""How many files a person passes who follows one message, or one reply, to the other vendor: not one more."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import relay
from tests.replies.conftest import make_desk
from tests.replies.desk import Desk

__all__ = ["make_desk"]

HOUSE = str(Path(relay.__file__).parent)
MESSAGE, REPLY = 66, 65  # files; a reply passes those that decide whether it is one: `slack/notes`, `slack/asking`


@contextmanager
def passed() -> Iterator[set[str]]:
    """The files of ours in which something was called meanwhile; the sandbox is not ours here."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(HOUSE) and code.co_name != "<module>":
            found.add(code.co_filename[len(HOUSE) + 1 :])

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)
        found -= {name for name in found if name.startswith("sandbox/")}


def test_the_way_of_a_message_is_no_longer_than_it_was(make_desk: Callable[..., Desk]) -> None:
    """From the webhook to its place in a thread."""
    desk = make_desk(replies={"undo_seconds": 0})
    desk.customer("m1")
    desk.sandbox.kommunicate.customer_writes("123456", "m2", name="Jane")
    with passed() as files:
        desk.carry(*[item for item in desk.mail if "/slack/" not in item.url])
        desk.worker.run_once()
    assert desk.told() == ["m1", "m2"]
    assert len(files) <= MESSAGE, sorted(files)


def test_the_way_of_a_reply_is_no_longer_than_it_was(make_desk: Callable[..., Desk]) -> None:
    """From Slack's event to the customer."""
    desk = make_desk(replies={"undo_seconds": 0})
    desk.customer("m1")
    desk.says("one")
    desk.run(10)
    desk.agent("two")
    with passed() as files:
        desk.carry(*[item for item in desk.mail if "/slack/" in item.url])
        desk.worker.run_once()
    assert desk.reached() == ["one", "two"]
    assert len(files) <= REPLY, sorted(files)
