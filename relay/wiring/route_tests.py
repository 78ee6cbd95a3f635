"""The `tests` of a YAML file: a webhook body each, and where it should go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from relay.errors import Rejected
from relay.kommunicate.parse import parse_webhook
from relay.messages import ChatMessage, Decision
from relay.owners import ACCOUNT
from relay.routing.rules import Router
from relay.settings import Config
from relay.settings.check import Remark
from relay.settings.schema import RouteTest
from relay.settings.wrong import shown
from relay.wiring.deciding import chat_facts

USUAL: Mapping[str, Any] = {
    "key": "test",
    "from": "customer",
    "groupId": "1",
    "groupName": "Conversation",
    "message": "Hello",
    "timeStamp": 1_736_942_400_000,
}
"""What a body says where a test does not: noon on Wednesday, 15 January 2025, UTC."""


def run_tests(config: Config) -> Iterator[Remark]:
    """The tests that fail."""
    router = Router(config)
    for number, test in enumerate(config.tests):
        if problem := _problem(config, router, test):
            name = shown(test.name) if test.name else f"Test {number + 1}"
            yield Remark(("tests", number), "route_test_failed", f"{name}: {problem}", _HINT)


_HINT = "Fix the route or the test; `relay route FILE` explains why, rule by rule."


def _problem(config: Config, router: Router, test: RouteTest) -> str:
    try:
        message = parse_webhook(json.dumps({**USUAL, **test.body}).encode(), account=test.account or ACCOUNT)
    except Rejected as error:
        return f"its body would be refused: {error}"
    if not isinstance(message, ChatMessage):
        return f"it would not be shown: {message.reason}"
    moment = message.sent_at if test.at is None else test.at
    decision = router.choose(chat_facts(config, message, moment))
    asked, goes = _compared(test, decision)
    return "" if asked == goes else f"it goes to {goes}, not to {asked}. {decision.why}"


def _compared(test: RouteTest, decision: Decision) -> tuple[str, str]:
    """What the test expects and what it got, in plain English."""
    if test.route is not None:
        return f"route {test.route}", decision.rule.replace("routes:", "route ")
    return test.channel or "no channel", decision.channel or "no channel"
