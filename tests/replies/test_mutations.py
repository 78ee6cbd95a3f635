"""20,000 bodies, each almost as the vendors send them, through both doors: refused or stored, and never a 5xx."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import ROOT
from tests.replies.desk import Desk
from tests.replies.test_endpoints import knock, mutated, signed

SAMPLES = sorted((ROOT / "tests/samples/kommunicate").glob("*.json"))
EACH = 125  # of 40 samples, on two databases: 10,000
OF_SLACK = 2500  # of an event and a click, on two databases: 10,000


@pytest.mark.long
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_webhooks(desk: Desk, sample: Path) -> None:
    headers = {
        "Content-Type": "application/json",
        "Authentication": desk.sandbox.kommunicate.webhook.authentication(),
    }
    found = {
        desk.client.post("/kommunicate/webhook", data=body, headers=headers).status_code
        for body in mutated(sample.read_bytes(), seed=11, count=EACH)
    }
    assert found <= {200, 400, 413, 422}


@pytest.mark.long
@pytest.mark.parametrize("kind", ["event", "click"])
def test_what_slack_has_signed(desk: Desk, kind: str) -> None:
    if kind == "event":
        desk.agent("hi there")
    else:
        desk.use("resolve")
    sent = desk.mail.pop()
    bodies = mutated(sent.body, seed=13, count=OF_SLACK)
    assert {knock(desk, sent, signed(desk, body), body) for body in bodies} <= {200, 400}
