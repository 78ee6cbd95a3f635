"""Golden files and a Slack that answers as told. Renew the golden files with RENEW_GOLDEN=1."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from slack_fakes import ScriptedSlack

from relay.slack.client import SlackClient

GOLDEN = Path(__file__).parents[1] / "golden" / "slack"


@pytest.fixture
def golden():
    """Compares payloads with the golden file of that name, or writes it when asked to."""

    def compare(name, posts):
        path = GOLDEN / f"{name}.json"
        text = json.dumps([post.payload() for post in posts], indent=2, ensure_ascii=False) + "\n"
        if os.environ.get("RENEW_GOLDEN"):
            path.write_text(text)
        assert text == path.read_text()

    return compare


@pytest.fixture
def slack():
    """A local server that answers each method as scripted and keeps what it was asked."""
    with ScriptedSlack() as scripted:
        yield scripted


@pytest.fixture
def client(slack):
    """A client of that server that waits as long as a busy machine takes."""
    return SlackClient("xoxb-secret", slack.url, deadline=30)


@pytest.fixture
def hasty(slack):
    """The same with a short deadline, for answers that never come."""
    return SlackClient("xoxb-secret", slack.url, deadline=0.5)
