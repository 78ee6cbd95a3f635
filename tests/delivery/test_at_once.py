"""What Slack waits for three seconds: nobody waits for its end, so the log is all that can tell."""

from __future__ import annotations

from structlog.testing import capture_logs

from relay.delivery.at_once import AtOnce


def test_whatever_it_fails_with_is_in_the_log_without_a_word_of_anybodys() -> None:
    def draw() -> None:
        raise LookupError("what a customer wrote")

    at_once = AtOnce("xoxb-nobody", "http://127.0.0.1:9/")
    with capture_logs() as logs:
        at_once.do("show_home", draw)
        at_once._threads.shutdown(wait=True)
    told = {"event": "at_once.failed", "call": "show_home", "error": "LookupError", "code": ""}
    assert logs == [{**told, "log_level": "warning"}]
