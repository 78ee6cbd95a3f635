"""chat.* over HTTP: membership, scopes, sizes, pictures, pace and threads behave as Slack's do."""

from __future__ import annotations

import pytest
import requests
from slack_sdk import WebClient

from relay.sandbox import Sandbox, SandboxServer

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hi"}}
METADATA = {"event_type": "relay_message", "event_payload": {"d": "1"}}


def image(address: str) -> dict:
    return {"type": "image", "image_url": address, "alt_text": "x"}


REFUSED = [
    ("not_in_channel", {"channel": "C0AWAY", "text": "x"}),
    ("channel_not_found", {"channel": "G0PRIVATE", "text": "x"}),
    ("channel_not_found", {"channel": "C0NOWHERE", "text": "x"}),
    ("is_archived", {"channel": "C0OLD", "text": "x"}),
    ("no_text", {"channel": "C0OPS"}),
    ("invalid_blocks_format", {"channel": "C0OPS", "text": "x", "blocks": "{"}),
    ("invalid_blocks_format", {"channel": "C0OPS", "text": "x", "blocks": {"type": "divider"}}),
    (
        "msg_blocks_too_long",
        {"channel": "C0OPS", "text": "x", "blocks": [{"type": "markdown", "text": "x" * 6700}] * 2},
    ),
    ("invalid_metadata_schema", {"channel": "C0OPS", "text": "x", "metadata": {"event_type": "a"}}),
    ("invalid_metadata_format", {"channel": "C0OPS", "text": "x", "metadata": "[]"}),
    (
        "metadata_too_large",
        {"channel": "C0OPS", "text": "x", "metadata": METADATA | {"event_payload": {"d": "x" * 9000}}},
    ),
    ("missing_scope", {"channel": "C0OPS", "text": "x", "username": "Jane"}),
    ("invalid_arguments", {"channel": "C0OPS", "text": "\ud800"}),
]


@pytest.mark.filterwarnings("ignore:The top-level `text` argument:UserWarning")
@pytest.mark.parametrize(("code", "arguments"), REFUSED)
def test_it_refuses_a_post_with_slacks_code(sandbox: Sandbox, slack: WebClient, refusal, code, arguments) -> None:
    """And nothing is posted."""
    sandbox.slack.add_channel("C0AWAY", "away", bot=False)
    assert refusal(slack.chat_postMessage, **arguments)["error"] == code
    assert sandbox.slack.messages == []


def test_it_takes_names_in_chat_post_message_only(slack: WebClient, refusal) -> None:
    """Everywhere else a channel goes by its id."""
    assert slack.chat_postMessage(channel="#support", text="x")["channel"] == "C0SUPPORT"
    assert slack.chat_postMessage(channel="support", text="x")["channel"] == "C0SUPPORT"
    assert refusal(slack.conversations_info, channel="#support")["error"] == "channel_not_found"


def test_it_knows_its_token(server: SandboxServer, slack: WebClient, refusal) -> None:
    """None, a wrong one, and the right one, which also lists its scopes."""
    assert requests.post(f"{server.slack_api_url}auth.test", timeout=5).json()["error"] == "not_authed"
    assert refusal(slack.auth_test, token="xoxb-other")["error"] == "invalid_auth"
    answer = slack.auth_test()
    assert answer["bot_id"] == "B0RELAY"
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


def test_it_says_which_scope_is_missing(sandbox: Sandbox, slack: WebClient, refusal) -> None:
    """With what was needed and what the token has."""
    sandbox.scopes.discard("channels:history")
    answer = refusal(slack.conversations_history, channel="C0SUPPORT")
    assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:history")
    assert "channels:history" not in answer["provided"]


def test_it_reports_invalid_blocks_in_both_places(slack: WebClient, refusal) -> None:
    """`errors` and `response_metadata.messages`, with the JSON pointer."""
    blocks = [SECTION, {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    answer = refusal(slack.chat_postMessage, channel="C0OPS", text="x", blocks=blocks)
    words = "must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    assert (answer["error"], answer["errors"]) == ("invalid_blocks", [words])
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {words}"]


@pytest.mark.parametrize(
    "address",
    ["http://files.sandbox.test/receipt.png", "https://files.sandbox.test/none.png", "https://else.test/receipt.png"],
)
def test_it_cannot_download_every_picture(slack: WebClient, refusal, address: str) -> None:
    """A picture that fails takes the whole message with it."""
    answer = refusal(slack.chat_postMessage, channel="C0OPS", text="x", blocks=[SECTION, image(address)])
    assert answer["errors"] == ["downloading image failed [json-pointer:/blocks/1/image_url]"]


def test_it_shows_pictures_it_can_download(server: SandboxServer, sandbox: Sandbox, slack: WebClient) -> None:
    """The bytes behind files.sandbox.test are on the sandbox's own port."""
    fake = sandbox.pictures.add("words.png", b"not a picture")
    assert slack.chat_postMessage(channel="C0OPS", text="x", blocks=[image("https://files.sandbox.test/receipt.png")])[
        "ok"
    ]
    assert requests.get(f"{server.url}/files/receipt.png", timeout=5).headers["Content-Type"] == "image/png"
    assert not sandbox.pictures.fetchable(fake)


def test_it_lets_one_post_a_second_through_per_channel(sandbox: Sandbox, slack: WebClient, clock, refusal) -> None:
    """429 with a whole number of seconds, counted, and forgotten a second later."""
    sandbox.slack.pacing.pace = 1.0
    slack.chat_postMessage(channel="C0SUPPORT", text="1")
    answer = refusal(slack.chat_postMessage, channel="C0SUPPORT", text="2")
    slack.chat_postMessage(channel="C0VIP", text="another channel")
    clock.seconds += 1
    slack.chat_postMessage(channel="C0SUPPORT", text="2")
    assert (answer["status"], answer["error"], sandbox.slack.pacing.refused) == (429, "ratelimited", 1)


def test_it_names_the_wait_in_retry_after(sandbox: Sandbox, slack: WebClient, server: SandboxServer) -> None:
    """As an integer header."""
    sandbox.slack.pacing.pace = 1.0
    body, login = {"channel": "C0OPS", "text": "x"}, {"Authorization": "Bearer xoxb-sandbox"}
    answers = [
        requests.post(f"{server.slack_api_url}chat.postMessage", json=body, headers=login, timeout=5) for _ in "12"
    ]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["Retry-After"] == "1"


def test_it_posts_replies_to_an_unknown_parent_at_the_root(slack: WebClient) -> None:
    """With ok, and no thread_ts in the returned message."""
    answer = slack.chat_postMessage(channel="C0OPS", text="x", thread_ts="1712345678.999999")
    assert answer["ok"]
    assert "thread_ts" not in answer["message"]


def test_it_takes_a_replys_ts_for_its_parent(slack: WebClient) -> None:
    """The reply to a reply is in the same thread."""
    root = slack.chat_postMessage(channel="C0OPS", text="root")["ts"]
    reply = slack.chat_postMessage(channel="C0OPS", text="a", thread_ts=root)["ts"]
    assert slack.chat_postMessage(channel="C0OPS", text="b", thread_ts=reply)["message"]["thread_ts"] == root


def test_it_keeps_a_thread_alive_under_a_tombstone(slack: WebClient, refusal) -> None:
    """A parent with replies leaves a tombstone; it goes with the last reply."""
    root = slack.chat_postMessage(channel="C0OPS", text="root")["ts"]
    reply = slack.chat_postMessage(channel="C0OPS", text="a", thread_ts=root)["ts"]
    slack.chat_delete(channel="C0OPS", ts=root)
    found = slack.conversations_replies(channel="C0OPS", ts=root)["messages"]
    assert [each.get("subtype") for each in found] == ["tombstone", None]
    slack.chat_delete(channel="C0OPS", ts=reply)
    assert refusal(slack.conversations_replies, channel="C0OPS", ts=root)["error"] == "thread_not_found"


def test_it_refuses_replies_in_a_locked_thread(sandbox: Sandbox, slack: WebClient, refusal) -> None:
    """As an admin can do."""
    root = slack.chat_postMessage(channel="C0OPS", text="root")["ts"]
    sandbox.slack.lock_thread("C0OPS", root)
    answer = refusal(slack.chat_postMessage, channel="C0OPS", text="a", thread_ts=root)
    assert answer["error"] == "restricted_action_thread_locked"


def test_it_updates_and_deletes_own_messages_only(sandbox: Sandbox, slack: WebClient, refusal) -> None:
    """And an update beyond 4,000 characters is refused, not cut."""
    theirs = sandbox.slack.human_writes("C0OPS", "hello").ts
    own = slack.chat_postMessage(channel="C0OPS", text="x", blocks=[SECTION])["ts"]
    assert refusal(slack.chat_update, channel="C0OPS", ts=theirs, text="y")["error"] == "cant_update_message"
    assert refusal(slack.chat_delete, channel="C0OPS", ts=theirs)["error"] == "cant_delete_message"
    assert refusal(slack.chat_update, channel="C0OPS", ts=own, text="y" * 4001)["error"] == "msg_too_long"
    assert slack.chat_update(channel="C0OPS", ts=own, text="y")["message"]["blocks"][0]["text"] == SECTION["text"]


def test_it_cuts_a_text_beyond_40000_and_posts_it(sandbox: Sandbox, slack: WebClient) -> None:
    """Slack says so only in a warning."""
    answer = slack.chat_postMessage(channel="C0OPS", text="x" * 40_001)
    assert answer["warning"] == "message_truncated"
    assert len(sandbox.slack.messages[0].text) == 40_000


@pytest.mark.parametrize(
    ("arguments", "pings"),
    [
        ({"text": "<!channel> <@U0ALEX> <!subteam^S1|x>"}, ["<!channel>", "<@U0ALEX>", "<!subteam^S1|x>"]),
        ({"text": "&lt;!channel&gt; @here"}, []),
        ({"text": "@here", "link_names": True}, ["@here"]),
        ({"text": "@here", "parse": "full"}, ["@here"]),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<!here>"}}]}, ["<!here>"]),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "<!here>"}}]}, []),
    ],
)
def test_it_notes_whom_a_message_pings(server: SandboxServer, slack: WebClient, arguments, pings) -> None:
    """So that a test can say: nobody."""
    slack.chat_postMessage(channel="C0OPS", **arguments)
    assert requests.get(f"{server.url}/sandbox/timeline", timeout=5).json()[0]["pings"] == pings


@pytest.mark.parametrize("method", ["chat.delete", "files.delete"])
def test_it_deletes_fifty_times_a_minute(server: SandboxServer, sandbox: Sandbox, clock, method: str) -> None:
    """Whatever comes of it: then 429, in all channels, until there is room again."""
    sandbox.slack.pacing.pace = 1.0
    address, login = f"{server.slack_api_url}{method}", {"Authorization": "Bearer xoxb-sandbox"}

    def call(channel: str) -> requests.Response:
        body = {"channel": channel, "ts": "1712345678.000100", "file": "F0NONE"}
        return requests.post(address, json=body, headers=login, timeout=5)

    assert {call("C0OPS").json()["error"] for _ in range(50)} <= {"message_not_found", "file_not_found"}
    refused = call("C0VIP")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    clock.seconds += 2
    assert call("C0VIP").status_code == 200
