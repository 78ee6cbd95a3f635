"""What the client asks of Slack, and what it makes of the answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from slack_fakes import OK, PAYLOAD, fails, post

from relay.errors import OperatorNeeded, ThreadGone, Unsure
from relay.messages import Standing
from relay.slack.client import METHOD_SCOPES, Posted
from relay.slack.forms import SAVED_REPLIES
from relay.slack.identity import Identity
from relay.slack.manifest import template
from relay.slack.setup import SlackSetup
from relay.slack.thread_notices import SEND_TO_CUSTOMER
from relay.slack.users import Profile

MANIFEST = Path(__file__).parents[2] / "slack-manifest.yaml"


def test_it_posts_with_its_send_id_and_tells_where_it_landed(slack, client):
    """The send id travels as metadata; what Slack returns is what counts."""
    slack.answer("chat.postMessage", OK)
    assert post(client) == Posted("C1", "2.0", "1.0")
    metadata = {"event_type": "relay_message", "event_payload": {"d": "s1"}}
    assert slack.asked("chat.postMessage") == [{**PAYLOAD, "channel": "C1", "thread_ts": "1.0", "metadata": metadata}]


def test_it_tells_when_a_post_missed_its_thread(slack, client):
    """Under a parent that is gone Slack says ok and posts at the channel's root."""
    slack.answer("chat.postMessage", {**OK, "message": {"ts": "2.0"}})
    assert post(client).thread_ts is None


def test_it_begins_a_thread_without_naming_one(slack, client):
    """A root has no thread_ts, not even an empty one."""
    slack.answer("chat.postMessage", {**OK, "message": {"ts": "2.0"}})
    assert post(client, thread_ts=None).thread_ts is None
    assert "thread_ts" not in slack.asked("chat.postMessage")[0]


def test_it_updates_what_is_shown_and_nothing_else(slack, client):
    """Blocks that are left out would stay: an empty list removes them."""
    slack.answer("chat.update", {"ok": True})
    client.update("C1", "2.0", {"text": "x", "mrkdwn": False, "unfurl_links": False})
    assert slack.asked("chat.update") == [{"channel": "C1", "ts": "2.0", "text": "x", "blocks": [], "parse": "none"}]


def test_it_tells_one_member_alone(slack, client):
    """In the thread, or in the channel; what it says is not read as markup."""
    slack.answer("chat.postEphemeral", {"ok": True}, {"ok": True})
    client.post_ephemeral("C1", "U1", "not done: <x>", thread_ts="1.0")
    client.post_ephemeral("C1", "U1", "no", thread_ts=None)
    [in_thread, in_channel] = slack.asked("chat.postEphemeral")
    assert (in_thread["user"], in_thread["thread_ts"], in_thread["text"]) == ("U1", "1.0", "not done: &lt;x&gt;")
    assert in_thread["blocks"][0]["elements"] == [{"type": "plain_text", "text": "not done: <x>", "emoji": False}]
    assert "thread_ts" not in in_channel


def test_it_tells_when_the_root_to_update_is_gone(slack, client):
    """The card needs a new root then."""
    slack.answer("chat.update", {"ok": False, "error": "message_not_found"})
    fails(ThreadGone, client.update, "C1", "2.0", {"text": "x"})


def test_it_is_content_when_what_it_deletes_is_gone(slack, client):
    """Deleting twice is deleting once."""
    slack.answer("chat.delete", {"ok": True}, {"ok": False, "error": "message_not_found"})
    client.delete("C1", "2.0")
    client.delete("C1", "2.0")
    assert slack.asked("chat.delete") == [{"channel": "C1", "ts": "2.0"}] * 2


def test_it_asks_who_it_is_once(slack, client):
    """The answer cannot change under a token."""
    assert client.identity() == client.identity() == Identity("T1", "U1", "B1", None)
    assert len(slack.asked("auth.test")) == 1


def test_it_refuses_a_token_that_is_no_bots(slack, client):
    """Without a bot's id nobody's posts could be told from ours."""
    slack.script["auth.test"] = [{"ok": True, "team_id": "T1", "user_id": "U1"}]
    assert fails(OperatorNeeded, client.identity).scope == "workspace"


def test_it_finds_a_channel_by_name_on_any_page(slack, client):
    """Names are matched whole, with or without the #."""
    first = {"ok": True, "channels": [{"id": "C1", "name": "support-eu"}]}
    second = {"ok": True, "channels": [{"id": "C2", "name": "support"}]}
    slack.answer("conversations.list", {**first, "response_metadata": {"next_cursor": "n"}}, second)
    assert client.find_channel("#Support") == "C2"


def test_it_names_the_nearest_channel_for_a_wrong_name(slack, client):
    """Most wrong names are typing errors."""
    slack.answer("conversations.list", {"ok": True, "channels": [{"id": "C1", "name": "support"}]})
    error = fails(OperatorNeeded, client.find_channel, "#suport")
    assert (error.scope, error.code) == ("channel", "channel_not_found")
    assert "#support" in str(error)


def test_it_joins_and_links(slack, client):
    """Joining twice is joining once; a permalink is read as it comes."""
    slack.answer("conversations.join", {"ok": True, "warning": "already_in_channel"})
    slack.answer("chat.getPermalink", {"ok": True, "permalink": "https://x.slack.com/archives/C1/p2"})
    client.join("C1")
    assert client.permalink("C1", "2.0") == "https://x.slack.com/archives/C1/p2"
    assert slack.asked("chat.getPermalink") == [{"channel": "C1", "message_ts": "2.0"}]


def test_it_calls_the_methods_it_lists(slack, client):
    """The table of methods and scopes is what is really called."""
    for method in METHOD_SCOPES:
        slack.answer(
            method,
            {
                **OK,
                "file": {"id": "F1"},
                "file_id": "F1",
                "upload_url": "https://files.slack.test/u",
                "messages": [],
                "channels": [{"id": "C1", "name": "a"}],
                "channel": {"id": "C1", "name": "a"} if method == "conversations.info" else "C1",
                "permalink": "p",
                "bot": {"id": "B1", "app_id": "A1"},
                "user": {"id": "U1", "profile": {}},
            },
        )
    post(client)
    client.update("C1", "1.0", PAYLOAD)
    client.delete("C1", "1.0")
    client.find_posted("C1", "s1", thread_ts="1.0", oldest=None)
    assert client.whole_identity().app_id == "A1"
    client.join(client.find_channel("a"))
    client.permalink("C1", "1.0")
    assert client.profile("U1", "T1") == Profile("U1", "")
    assert client.find_user("ann@team.test", deadline=2.0) == ("U1", Standing.MEMBER)
    client.react("C1", "1.0", "x")
    client.unreact("C1", "1.0", "x")
    client.post_ephemeral("C1", "U1", "a sentence", thread_ts=None)
    client.files.begin("a.txt", 1)
    client.files.share("F1", "C1", "1.0")
    assert client.files.shares("F1", "C1") == []
    client.files.delete("F1")
    assert SlackSetup("xoxb-1", slack.url).channel("C1").name == "a"
    assert {method for method, _ in slack.calls} == set(METHOD_SCOPES)


def test_an_address_that_nobody_has_is_nobodys(slack, client):
    slack.script["users.lookupByEmail"] = [{"ok": False, "error": "users_not_found"}, {"ok": True, "user": {"id": ""}}]
    slack.answer("auth.test", {"ok": True, "team_id": "T1", "user_id": "U1", "bot_id": "B1"})
    assert client.find_user("ann@team.test", deadline=2.0) is None
    with pytest.raises(Unsure):
        client.find_user("ann@team.test", deadline=2.0)


def test_it_asks_for_the_scopes_it_uses_and_no_others():
    """The manifest and the calls agree."""
    manifest = yaml.safe_load(MANIFEST.read_text())
    asked = manifest["oauth_config"]["scopes"]["bot"]
    called = {scope for scopes in METHOD_SCOPES.values() for scope in scopes}
    offered = {"commands"} if manifest["features"]["shortcuts"] and manifest["features"]["slash_commands"] else set()
    assert sorted(asked) == sorted(called | offered)
    assert {one["callback_id"] for one in manifest["features"]["shortcuts"]} == {SAVED_REPLIES, SEND_TO_CUSTOMER}
    assert len(manifest["display_information"]["description"]) <= 140
    assert MANIFEST.read_text() == template()
