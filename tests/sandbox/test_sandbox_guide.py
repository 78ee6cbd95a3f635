"""What the demo's page suggests is ticked when it was done as it says, and not before."""

from __future__ import annotations

import pytest
import requests

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.guide import AT_ONCE, BY_API, guide
from relay.sandbox.story import CHECKOUT, MUG
from tests.sandbox.conftest import SteppedClock


@pytest.fixture
def told(server: SandboxServer) -> Sandbox:
    """The story has come to its end; whoever kills the relay kills nobody."""
    sandbox = server.sandbox
    sandbox.told, sandbox.kill_relay = True, lambda: None
    for group, name in ((MUG, "Jane Doe"), (CHECKOUT, "Tom Becker")):
        sandbox.kommunicate.customer_writes(group, "hello", name=name)
    return sandbox


def done(sandbox: Sandbox) -> list[str]:
    return [step["key"] for step in guide(sandbox) if step["done"]]


def answer(sandbox: Sandbox, group: str) -> None:
    """As by the relay."""
    account = sandbox.kommunicate
    account.add_line(account.conversation(group), account.people["alex@sandbox.test"], "hi", {}, source=BY_API)


def press(server: SandboxServer, path: str) -> None:
    requests.post(f"{server.url}/sandbox/{path}", json={}, timeout=9).raise_for_status()


def test_an_answer_to_somebody_else_is_not_toms(told: Sandbox) -> None:
    answer(told, MUG)
    assert done(told) == []
    answer(told, CHECKOUT)
    assert done(told) == ["answer"]


def test_another_card_taken_over_is_not_janes(told: Sandbox) -> None:
    told.slack.used.add("take_over")
    told.kommunicate.conversation(CHECKOUT).assignee = "alex@sandbox.test"
    assert done(told) == []
    told.kommunicate.conversation(MUG).assignee = "alex@sandbox.test"
    assert done(told) == ["take_over"]


def test_slack_broken_and_mended_shows_something_only_if_somebody_wrote_meanwhile(
    server: SandboxServer, told: Sandbox, clock: SteppedClock
) -> None:
    clock.seconds += 60
    for _ in range(2):
        press(server, "break/slack")
    assert done(told) == []
    press(server, "break/slack")
    told.kommunicate.customer_writes(MUG, "are you there?", name="Jane Doe")
    press(server, "break/slack")
    assert done(told) == ["break"]


def test_a_kill_shows_something_only_right_after_a_customers_words(
    server: SandboxServer, told: Sandbox, clock: SteppedClock
) -> None:
    clock.seconds += AT_ONCE + 1
    press(server, "kill")
    assert done(told) == []
    told.kommunicate.customer_writes(MUG, "are you there?", name="Jane Doe")
    press(server, "kill")
    assert done(told) == ["kill"]
