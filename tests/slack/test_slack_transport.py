"""One call over real sockets: sent once, answered within the deadline, never quoting what it carries."""

from __future__ import annotations

import socket
import threading
import time
import traceback

import pytest
from slack_fakes import OK, ScriptedSlack, drip, fails, hang_up, http, post, reset, silence, truncated

from relay.errors import RateLimited, SettingsError, Unreachable, Unsure
from relay.slack.client import Posted, SlackClient
from tests.harness import wait_for

UNSURE = {
    "reset": reset,
    "hung up": hang_up,
    "truncated": truncated,
    "bad gateway": http(502, "<html>the customer's words</html>"),
    "server error after accept": http(500, OK),
    "html": http(200, "<html>the customer's words</html>"),
    "no object": http(200, "[1]"),
    "null": http(200, "null"),
    "not UTF-8": http(200, b'{"ok": true, "ts": "\xff"}'),
    "login page": http(302, "", Location="http://127.0.0.1:9/"),
    "ok without ts": {"ok": True, "channel": "C1"},
    "unknown code": {"ok": False, "error": "something_new"},
    "a code that is a sentence": {"ok": False, "error": "the customer's words"},
}


@pytest.mark.parametrize("answer", UNSURE.values(), ids=UNSURE.keys())
def test_it_is_unsure_after_an_answer_that_proves_nothing_and_asks_once(slack, client, answer, capfd):
    """Whatever breaks after the request went out may have been done: nothing is sent again."""
    slack.answer("chat.postMessage", answer)
    error = fails(Unsure, post, client)
    assert len(slack.calls) == 1
    quotes_nothing(error, capfd)


def quotes_nothing(error, capfd):
    """Neither the token nor what the customer wrote."""
    told = "".join(traceback.format_exception(error)) + repr(error.__context__) + "".join(capfd.readouterr())
    assert "xoxb" not in told
    assert "words" not in told


@pytest.mark.parametrize("answer", [reset, hang_up, http(500, ""), http(503, "")])
def test_it_leaves_resending_to_others_however_much_time_there_is(slack, answer):
    """The SDK's own retries would post twice."""
    slack.answer("chat.postMessage", answer)
    fails(Unsure, post, SlackClient("xoxb-secret", slack.url, deadline=30))
    assert len(slack.calls) == 1


@pytest.mark.parametrize("answer", [drip, silence])
def test_it_keeps_its_deadline(slack, hasty, answer, capfd):
    """A server that sends a byte now and then is within every timeout for one read; it is asked once."""
    slack.answer("chat.postMessage", answer)
    began = time.monotonic()
    error = fails(Unsure, post, hasty)
    assert time.monotonic() - began < 5 * 0.5
    assert wait_for(lambda: slack.calls != [])  # it may be read after the client has given up
    assert (error.code, len(slack.calls)) == ("deadline", 1)
    quotes_nothing(error, capfd)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        *[("1", 1), ("30", 30), ("3600", 3600), ("1.5", 1.5), ("0", 0), ("9" * 15, 43_200), ("9" * 400, None)],
        *[(None, None), ("abc", None), ("-5", None), ("inf", None), ("1e3", None), ("", None)],
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_it_reads_how_long_to_wait(slack, client, said, seconds):
    """A number of seconds is taken, up to half a day; anything else is no answer."""
    headers = {} if said is None else {"Retry_After": said}
    slack.answer("chat.postMessage", http(429, {"ok": False, "error": "ratelimited"}, **headers))
    error = fails(RateLimited, post, client)
    assert (error.retry_after, error.method) == (seconds, "chat.postMessage")


def test_it_takes_the_other_rate_limit_for_the_same(slack, client):
    """`rate_limited` comes with status 200 and without a header."""
    slack.answer("chat.postMessage", {"ok": False, "error": "rate_limited"})
    assert fails(RateLimited, post, client).retry_after is None


def test_it_knows_that_nothing_was_sent_to_a_closed_port():
    """A refused connection is the one failure that is certain."""
    with socket.socket() as taken:  # bound all the while, or somebody else might listen there
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        fails(Unreachable, post, SlackClient("xoxb-secret", f"http://127.0.0.1:{port}/api/"))


def test_it_never_carries_the_token_to_another_host(slack, client):
    """A redirect is not followed."""
    with ScriptedSlack() as other:
        slack.answer("chat.postMessage", http(302, "", Location=other.url + "chat.postMessage"))
        fails(Unsure, post, client)
        assert other.calls == []


def test_it_asks_this_machine_without_a_proxy(slack, monkeypatch):
    """A proxy in the environment has no business between two processes of one machine."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert SlackClient("xoxb-secret", slack.url).identity().bot_id == "B1"


@pytest.mark.parametrize("token", ["", "xoxb\n", "xoxb-\u00e9", "xoxb a"])
def test_it_refuses_a_token_that_no_header_can_carry(token):
    """http.client would quote it in an error."""
    with pytest.raises(SettingsError) as caught:
        SlackClient(token, "http://127.0.0.1/")
    assert "xoxb" not in str(caught.value)


def test_it_serves_threads_side_by_side(slack, client):
    """One client is shared by all workers."""
    slack.answer("chat.postMessage", OK)
    results = []
    threads = [threading.Thread(target=lambda: results.append(post(client))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [Posted("C1", "2.0", "1.0")] * 8
