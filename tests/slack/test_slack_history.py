"""Looking for a post whose fate is unknown: found means adopted, not found means sent again."""

from __future__ import annotations

import pytest
from slack_fakes import fails, truncated

from relay.errors import HistoryUnreadable, OperatorNeeded, Unsure
from relay.slack.client import Found


def ours(ts, send_id="s1", bot_id="B1", **more):
    metadata = {"event_type": "relay_message", "event_payload": {"d": send_id}}
    return {"ts": ts, "bot_id": bot_id, "metadata": metadata, **more}


def page(*messages, cursor=""):
    return {"ok": True, "messages": list(messages), "response_metadata": {"next_cursor": cursor}}


def test_it_finds_a_post_in_its_thread_and_astray(slack, client):
    """A broadcast stands in both places and is one post; the oldest comes first."""
    slack.answer("conversations.replies", page({"ts": "1.0"}, ours("5.0", thread_ts="1.0")))
    slack.answer("conversations.history", page(ours("5.0", thread_ts="1.0"), ours("4.0")))
    found = client.find_posted("C1", "s1", thread_ts="1.0", oldest="1.0")
    assert found == [Found("4.0", None), Found("5.0", "1.0")]
    asked = {"channel": "C1", "include_all_metadata": "1", "oldest": "1.0", "limit": "200"}
    assert slack.asked("conversations.history") == [asked]
    assert slack.asked("conversations.replies") == [{**asked, "ts": "1.0"}]


@pytest.mark.parametrize(
    "message",
    [
        ours("5.0", send_id="s2"),
        ours("5.0", bot_id="B2"),
        ours("5.0", bot_id=None),
        {"ts": "5.0", "bot_id": "B1"},
        {**ours("5.0"), "metadata": {"event_type": "other", "event_payload": {"d": "s1"}}},
        {**ours("5.0"), "metadata": {"event_type": "relay_message", "event_payload": ["s1"]}},
        ours("1.0"),
    ],
)
def test_it_adopts_no_message_of_others(slack, client, message):
    """Another send, another app, another kind of metadata, or too old."""
    slack.answer("conversations.history", page(message))
    assert client.find_posted("C1", "s1", thread_ts=None, oldest="1.0") == []


def test_it_takes_a_root_that_has_replies_for_a_root(slack, client):
    """Slack gives a parent its own ts as thread_ts."""
    slack.answer("conversations.history", page(ours("5.0", thread_ts="5.0")))
    assert client.find_posted("C1", "s1", thread_ts=None, oldest=None) == [Found("5.0", None)]


def test_it_reads_all_pages(slack, client):
    """The post may stand on the last one."""
    slack.answer("conversations.history", page(cursor="a"), page(cursor="b"), page(ours("5.0")))
    assert len(client.find_posted("C1", "s1", thread_ts=None, oldest=None)) == 1
    assert [asked.get("cursor") for asked in slack.asked("conversations.history")] == [None, "a", "b"]


@pytest.mark.parametrize("answer", [page(cursor="a"), {**page(), "has_more": True}, {"ok": True}, truncated])
def test_it_never_takes_an_incomplete_look_for_an_empty_one(slack, client, answer):
    """Not found means resend; so what was not read to its end is unsure."""
    slack.answer("conversations.history", answer)
    fails(Unsure, lambda: client.find_posted("C1", "s1", thread_ts=None, oldest=None))
    assert len(slack.asked("conversations.history")) <= 50


def test_it_finds_nothing_in_a_thread_that_is_gone(slack, client):
    """The post may still be astray in the channel."""
    slack.answer("conversations.replies", {"ok": False, "error": "thread_not_found"})
    slack.answer("conversations.history", page(ours("5.0")))
    assert client.find_posted("C1", "s1", thread_ts="1.0", oldest=None) == [Found("5.0", None)]


def test_it_tells_when_history_may_not_be_read(slack, client):
    """A missing scope is no reason to stop posting."""
    slack.answer("conversations.history", {"ok": False, "error": "missing_scope", "needed": "channels:history"})
    error = fails(HistoryUnreadable, lambda: client.find_posted("C1", "s1", thread_ts=None, oldest=None))
    assert "channels:history" in str(error)


def test_it_needs_membership_to_look(slack, client):
    """An invitation mends posting and looking alike."""
    slack.answer("conversations.history", {"ok": False, "error": "not_in_channel"})
    fails(OperatorNeeded, lambda: client.find_posted("C1", "s1", thread_ts=None, oldest=None))
