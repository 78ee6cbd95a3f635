"""What the Slack stand-in sends to an app: signed events and clicks."""

from __future__ import annotations

import json

import requests
from slack_sdk.signature import Clock, SignatureVerifier

from relay.sandbox import Sandbox


def test_it_tells_the_app_of_an_agents_words_signed(server, sandbox: Sandbox, receiver) -> None:
    """As Slack stores them: entities in the text, rich_text in the blocks."""
    body = {"channel": "C0OPS", "text": "a < b", "user": "U0SAM"}
    assert requests.post(f"{server.url}/sandbox/slack/messages", json=body, timeout=5).ok
    assert sandbox.wait_idle()
    path, headers, raw = receiver.got[0]
    frozen = Clock()
    frozen.now = sandbox.core.now
    assert SignatureVerifier("sandbox-signing-secret", frozen).is_valid_request(raw, headers)
    event = json.loads(raw)["event"]
    assert (path, event["text"], event["user"]) == ("/slack/events", "a &lt; b", "U0SAM")


def test_it_tells_the_app_of_its_own_posts_too(slack, sandbox: Sandbox, receiver) -> None:
    """With bot_id and app_id: an echo guard has something to guard against."""
    ts = slack.chat_postMessage(channel="C0OPS", text="x")["ts"]
    slack.chat_delete(channel="C0OPS", ts=ts)
    assert sandbox.wait_idle()
    posted, deleted = (body["event"] for body in receiver.bodies)
    assert (posted["bot_id"], posted["app_id"]) == ("B0RELAY", "A0RELAY")
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


def test_it_sends_a_click_whose_trigger_opens_one_modal(server, slack, sandbox, receiver, clock, refusal) -> None:
    """Within three seconds, once."""
    control = {"type": "button", "action_id": "go", "value": "7", "text": {"type": "plain_text", "text": "Go"}}
    ts = slack.chat_postMessage(channel="C0OPS", text="x", blocks=[{"type": "actions", "elements": [control]}])["ts"]
    click = {"channel": "C0OPS", "ts": ts, "action_id": "go"}
    trigger = requests.post(f"{server.url}/sandbox/slack/clicks", json=click, timeout=5).json()["trigger_id"]
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
    assert slack.views_open(trigger_id=trigger, view=view)["ok"]
    assert refusal(slack.views_open, trigger_id=trigger, view=view)["error"] == "exchanged_trigger_id"
    assert sandbox.wait_idle()
    assert [path for path, _, _ in receiver.got].count("/slack/interactions") == 1
