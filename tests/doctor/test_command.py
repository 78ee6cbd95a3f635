"""`relay doctor` as a person or a script runs it."""

from __future__ import annotations

import json

import pytest

from tests.doctor.conftest import Bench
from tests.harness import body, wait_for


def test_people_read_lines_that_say_what_to_do_and_where_more_is(bench: Bench) -> None:
    bench.env["RELAY_CONFIG_YAML"] = "default_channel: C0OLD\n"
    bench.sandbox.slack.scopes.discard("files:write")
    result = bench.doctor()
    first, second, *_, last = result.stdout.splitlines()
    assert result.exit_code == 1
    assert first == (
        "default_channel: error [channel_archived] The channel #old (C0OLD) is archived. Unarchive it in Slack, or "
        "name another channel: waiting chats then move there automatically. "
        "See docs/troubleshooting.md#channel_archived."
    )
    assert second.startswith("SLACK_BOT_TOKEN: warning [slack_scope] The app lacks files:write: without files:write ")
    assert last == "1 problem and 1 warning found. Start with the first: it may be the cause of the others."


def test_a_misspelt_channel_is_told_with_the_one_that_was_meant(bench: Bench) -> None:
    bench.env["RELAY_CONFIG_YAML"] = 'default_channel: "#suport"\n'
    assert bench.findings()[0]["message"] == "There is no channel #suport; did you mean #support?"


def test_a_warning_is_exit_0(bench: Bench) -> None:
    bench.sandbox.slack.scopes.discard("files:write")
    result = bench.doctor()
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        "It works. 1 warning to look at when there is time.",
    )


def test_settings_that_cannot_be_read_are_exit_2(bench: Bench) -> None:
    bench.env["SLACK_BOT_TOKEN"] = ""
    result = bench.doctor()
    assert result.exit_code == 2
    assert result.stdout.splitlines()[-1] == "1 problem with the settings: fix that first; nothing else was checked."


def test_a_mistake_in_the_file_is_exit_1(bench: Bench) -> None:
    bench.env["RELAY_CONFIG_YAML"] = "default_channel: general\n"
    result = bench.doctor("--json")
    assert result.exit_code == 1
    assert [one["code"] for one in json.loads(result.stdout)] == ["bad_channel"]


def test_json_has_the_page_of_each_finding(bench: Bench) -> None:
    found = bench.findings()
    assert all(set(one) == {"code", "level", "message", "hint", "where", "page"} for one in found)
    assert {one["level"] for one in found} == {"info"}


def test_it_stores_nothing_and_posts_nothing(bench: Bench) -> None:
    """Only what it learns of Slack and Kommunicate is asked of them."""
    bench.own_database()
    before = len(bench.sandbox.calls)
    bench.doctor()
    asked = {call["method"] for call in bench.sandbox.calls[before:]}
    assert asked == {"auth.test", "conversations.info", "/rest/ws/user/v2/detail"}


def test_the_log_of_a_relay_that_is_well_says_nothing_of_it(bench: Bench) -> None:
    before = bench.relay.log.read_text()
    bench.doctor()
    assert bench.relay.log.read_text() == before


def test_it_tells_what_came_in_and_went_out_last(bench: Bench) -> None:
    assert bench.relay.post(body("k1"), token=bench.env["KOMMUNICATE_WEBHOOK_TOKEN"]).status_code == 200
    assert wait_for(lambda: "the last delivery was" in bench.doctor().stdout, every=0.2)
    assert "The last message came in " in bench.doctor().stdout


def posts(bench: Bench) -> list[tuple[str, str]]:
    methods = ("chat.postMessage", "chat.delete")
    return [(call["method"], call["channel"]) for call in bench.sandbox.calls if call["method"] in methods]


def test_a_probe_posts_and_takes_away_in_each_channel(bench: Bench) -> None:
    before = len(posts(bench))
    found = {one["code"]: one for one in bench.findings("--probe")}
    assert found["probe_done"]["message"].endswith("in C0SUPPORT, C0VIP, C0GENERAL.")
    made = posts(bench)[before:]
    assert made[:2] == [("chat.postMessage", "C0SUPPORT"), ("chat.delete", "C0SUPPORT")]
    assert len(made) == 6


def test_a_probe_of_one_channel_leaves_the_others_alone(bench: Bench) -> None:
    before = len(posts(bench))
    assert "probe_done" in [one["code"] for one in bench.findings("--probe", "--channel", "C0VIP")]
    assert {channel for _, channel in posts(bench)[before:]} == {"C0VIP"}


PROBES = {
    "probe_failed": lambda bench: setattr(bench.sandbox.slack.channels["C0VIP"], "is_read_only", True),
    "probe_left": lambda bench: bench.sandbox.faults.add("chat.delete", "error", code="cant_delete_message"),
}


@pytest.mark.parametrize("code", PROBES)
def test_a_probe_says_what_slack_did_not_let_it_do(bench: Bench, code: str) -> None:
    PROBES[code](bench)
    first = bench.findings("--probe", "--channel", "C0VIP")[0]
    assert first["code"] == code
    assert first["where"] == "routes.vip"


def test_a_channel_that_is_not_configured_is_not_posted_to(bench: Bench) -> None:
    first = bench.findings("--probe", "--channel", "C0OPS")[0]
    assert first["code"] == "probe_no_channel"
    assert "C0VIP" in first["hint"]


def test_a_channel_without_a_probe_is_a_misuse(bench: Bench) -> None:
    assert bench.doctor("--channel", "C0VIP").exit_code == 2
