"""History, replies, channels, people, reactions and files as Slack gives them."""

from __future__ import annotations

from slack_sdk import WebClient

from relay.sandbox import Sandbox

METADATA = {"event_type": "relay_message", "event_payload": {"d": "1"}}


def test_it_shows_metadata_only_on_request(slack: WebClient) -> None:
    """include_all_metadata, or none."""
    ts = slack.chat_postMessage(channel="C0OPS", text="x", metadata=METADATA)["ts"]
    bare = slack.conversations_replies(channel="C0OPS", ts=ts)["messages"][0]
    full = slack.conversations_replies(channel="C0OPS", ts=ts, include_all_metadata=True)["messages"][0]
    assert "metadata" not in bare
    assert full["metadata"] == METADATA


def test_it_pages_history_newest_first(slack: WebClient) -> None:
    """By cursor, until there is none."""
    for number in range(5):
        slack.chat_postMessage(channel="C0OPS", text=str(number))
    pages = [page["messages"] for page in slack.conversations_history(channel="C0OPS", limit=2)]
    assert [[message["text"] for message in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]


def test_it_keeps_replies_out_of_history_unless_broadcast(slack: WebClient) -> None:
    """Replies come oldest first, behind their parent."""
    root = slack.chat_postMessage(channel="C0OPS", text="root")["ts"]
    slack.chat_postMessage(channel="C0OPS", text="a", thread_ts=root)
    slack.chat_postMessage(channel="C0OPS", text="b", thread_ts=root, reply_broadcast=True)
    history = slack.conversations_history(channel="C0OPS")["messages"]
    replies = slack.conversations_replies(channel="C0OPS", ts=root)["messages"]
    assert [(each["text"], each.get("subtype")) for each in history] == [("b", "thread_broadcast"), ("root", None)]
    assert [each["text"] for each in replies] == ["root", "a", "b"]


def test_it_bounds_a_window_by_oldest_latest_and_inclusive(slack: WebClient) -> None:
    """The bounds themselves are outside unless asked for."""
    first, second, third = (slack.chat_postMessage(channel="C0OPS", text=word)["ts"] for word in "abc")

    def texts(**bounds) -> str:
        found = slack.conversations_history(channel="C0OPS", **bounds)["messages"]
        return "".join(message["text"] for message in found)

    assert texts(oldest=first, latest=third) == "b"
    assert texts(oldest=first, latest=third, inclusive=True) == "cba"
    assert texts(oldest=second) == "c"


def test_it_refuses_bad_cursors_and_bounds(slack: WebClient, refusal) -> None:
    """Each with its own code."""
    history = slack.conversations_history
    assert refusal(history, channel="C0OPS", cursor="nonsense")["error"] == "invalid_cursor"
    assert refusal(history, channel="C0OPS", oldest="yesterday")["error"] == "invalid_ts_oldest"
    assert refusal(history, channel="C0OPS", limit=0)["error"] == "invalid_limit"


def test_it_can_lag_behind_its_own_posts(sandbox: Sandbox, slack: WebClient, clock) -> None:
    """A post is in history only `history_lag` seconds later."""
    sandbox.slack.history_lag = 2.0
    slack.chat_postMessage(channel="C0OPS", text="x")
    assert slack.conversations_history(channel="C0OPS")["messages"] == []
    clock.seconds += 2
    assert len(slack.conversations_history(channel="C0OPS")["messages"]) == 1


def test_it_gives_unique_rising_timestamps_on_a_still_clock(slack: WebClient) -> None:
    """Six digits behind the dot, as Slack writes them."""
    stamps = [slack.chat_postMessage(channel="C0OPS", text="x")["ts"] for _ in range(3)]
    assert stamps == ["1712345678.000000", "1712345678.000100", "1712345678.000200"]


def test_it_reads_only_where_the_bot_is_a_member(sandbox: Sandbox, slack: WebClient, refusal) -> None:
    """Joining opens public channels; private ones stay unknown until an invitation."""
    sandbox.slack.add_channel("C0AWAY", "away", bot=False)
    assert refusal(slack.conversations_history, channel="C0AWAY")["error"] == "not_in_channel"
    assert refusal(slack.conversations_info, channel="G0PRIVATE")["error"] == "channel_not_found"
    answer = refusal(slack.conversations_join, channel="G0PRIVATE")
    assert answer["error"] == "method_not_supported_for_channel_type"
    slack.conversations_join(channel="C0AWAY")
    sandbox.slack.invite("G0PRIVATE")
    assert slack.conversations_history(channel="C0AWAY")["messages"] == []
    assert slack.conversations_info(channel="G0PRIVATE")["channel"]["is_private"]


def test_it_lists_private_channels_only_with_the_bot_inside(slack: WebClient) -> None:
    """And archived ones only if they are not excluded."""
    found = slack.conversations_list(types="public_channel,private_channel", exclude_archived=True)["channels"]
    assert [channel["id"] for channel in found] == ["C0SUPPORT", "C0VIP", "C0GENERAL", "C0OPS"]


def test_it_gives_the_address_of_a_person_only_with_the_scope(sandbox: Sandbox, slack: WebClient, refusal) -> None:
    """users:read alone shows the name."""
    assert slack.users_lookupByEmail(email="alex@sandbox.test")["user"]["id"] == "U0ALEX"
    sandbox.scopes.discard("users:read.email")
    assert "email" not in slack.users_info(user="U0ALEX")["user"]["profile"]
    assert refusal(slack.users_lookupByEmail, email="alex@sandbox.test")["error"] == "missing_scope"


def test_it_reacts_once(slack: WebClient, refusal) -> None:
    """A second time is already_reacted; removing twice is no_reaction."""
    target = {"channel": "C0OPS", "timestamp": slack.chat_postMessage(channel="C0OPS", text="x")["ts"], "name": "eyes"}
    slack.reactions_add(**target)
    assert refusal(slack.reactions_add, **target)["error"] == "already_reacted"
    slack.reactions_remove(**target)
    assert refusal(slack.reactions_remove, **target)["error"] == "no_reaction"


def test_it_shares_an_uploaded_file_in_the_thread(slack: WebClient) -> None:
    """The message's ts is in files.info only."""
    root = slack.chat_postMessage(channel="C0OPS", text="x")["ts"]
    file = slack.files_upload_v2(channel="C0OPS", thread_ts=root, filename="a.txt", content="hello")["file"]
    shares = slack.files_info(file=file["id"])["file"]["shares"]["public"]["C0OPS"]
    assert shares[0]["thread_ts"] == root
    assert slack.conversations_replies(channel="C0OPS", ts=root)["messages"][1]["files"][0]["id"] == file["id"]


def test_it_gives_a_permalink_for_what_exists(slack: WebClient, refusal) -> None:
    """Without any scope."""
    ts = slack.chat_postMessage(channel="C0OPS", text="x")["ts"]
    link = slack.chat_getPermalink(channel="C0OPS", message_ts=ts)["permalink"]
    assert link.endswith(f"/archives/C0OPS/p{ts.replace('.', '')}")
    assert refusal(slack.chat_getPermalink, channel="C0OPS", message_ts="1.2")["error"] == "message_not_found"
