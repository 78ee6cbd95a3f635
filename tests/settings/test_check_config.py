"""The YAML file: every problem at once, each with its place and what to do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.findings import Finding
from relay.settings import Config, check_config

GOLDEN = Path(__file__).parent / "golden"
WORDS = st.sampled_from(
    ["channels", "routes", "delivery", "lease", "123", "C0X", "#x", "- ", ": ", "\n", "\n  ", "{", "}", "[", "]", "&a ",
     "*a", "!!x ", "'", '"', "\t", "---\n", "|\n", "? ", "\\U", "%", "~", "\ud800", "\x00", "0123", "12:30", "=", "<<"]
)  # fmt: skip


def findings(text: str) -> list[Finding]:
    return check_config(text, "c")[1]


def only(text: str) -> tuple[str, str]:
    """Code and place of the one finding there must be."""
    (finding,) = findings(text)
    return finding.code, finding.where


def test_it_tells_five_mistakes_at_once_with_place_and_remedy():
    config, found = check_config((GOLDEN / "five_mistakes.yaml").read_text(), "config.yaml")
    assert config is None
    assert len(found) == 5
    assert "\n".join(map(str, found)) + "\n" == (GOLDEN / "five_mistakes.txt").read_text()


def test_a_right_file_gives_a_config_and_no_findings():
    text = "channels: {123: C0SUPPORT}\ndelivery: {lease: 1m, retry: [1, 5m]}\nalerts: {channel: '#ops'}"
    config, found = check_config(text, "c")
    assert config is not None
    assert found == []
    assert (config.channels, config.alerts_channel) == ({"123": "C0SUPPORT"}, "#ops")
    assert (config.delivery.lease, config.delivery.retry) == (60, (1, 300))


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("", "empty_file", "c:1:1"),
        ("# nothing\n", "empty_file", "c:1:1"),
        ("- a", "not_a_mapping", "c:1:1"),
        ("words", "not_a_mapping", "c:1:1"),
        ("channels:\n\t1: C0X", "yaml_tab", "c:2:1"),
        ("a: b: c", "yaml_syntax", "c:1:5"),
        ("a: 'b\nc: d", "yaml_syntax", "c:1:4"),
        ("alerts: {channel: #ops}\n", "yaml_syntax", "c:2:1"),
        ("default_channel: @ops", "yaml_syntax", "c:1:18"),
        ('"\\UFFFFFFFF": 1', "yaml_syntax", "c:1:1"),
        ("default_channel: C0X\n*a : b", "yaml_alias", "c:2:1"),
        ("default_channel: C0X\n---\nretention: 7d", "several_documents", "c:2:1"),
        ("default_channel: !!python/name:os.system x", "yaml_tag", "c:1:18"),
        ("!!python/object:os.x {a: b}", "yaml_tag", "c:1:1"),
        ("default_channel: *a", "yaml_alias", "c:1:18"),
        ("[" * 1000, "too_deep", "c:1:21"),
        ("a: 1\x00", "bad_character", "c:1:5"),
        ('default_channel: "\\ud800"', "bad_character", "c:1:18"),
        ("default_channel: C0X\n? [a]\n: b", "bad_key", "c:2:3"),
        ("#" * 1_100_000, "too_big", "c:1:1"),
        ("default_channel:", "every_chat_waits", "c:1:1"),
    ],
)
def test_it_names_what_keeps_a_file_from_being_read(text, code, where):
    assert only(text) == (code, where)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("chanels: {}", "Did you mean `channels`?"),
        ("Channels: {}", "Did you mean `channels`?"),
        ("delivery: {leese: 30s}", "Did you mean `lease`?"),
        ("lease: 30s", "`lease` belongs under `delivery`."),
        ("slack_bot_token: xoxb-1", "Secrets stay in environment variables"),
        ("zzz: 1", "Known here: channels, routes"),
        ("broadcast: unclaimd", "Did you mean `unclaimed`?"),
        ("replies: {agents: everyone}", "Did you mean `anyone`?"),
    ],
)
def test_it_names_the_nearest_right_thing(line, hint):
    (finding,) = findings(f"default_channel: C0X\n{line}")
    assert finding.hint.startswith(hint)
    assert finding.where.startswith("c:2:")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("channels: [a]", "wrong_type"),
        ("channels: {'': C0X}", "not_text"),
        ("channels: {1: }", "bad_channel"),
        ("routes: {a: b}", "wrong_type"),
        ("routes: [{name: a, when: {title: b}}]", "missing"),
        ("routes: [{nam: a, when: {title: b}, channel: C0X}]", "unknown_key"),
        ("routes: [{name: a, when: {}, channel: C0X}]", "empty_when"),
        ("routes: [{name: a, when: {plan: b}, channel: C0X}]", "unknown_condition"),
        ("routes: [{name: a, when: {metadata.: b}, channel: C0X}]", "unknown_condition"),
        ("routes: [{name: a, when: {title: {b: c}}, channel: C0X}]", "not_text"),
        ("routes: [{name: a, when: {title: []}, channel: C0X}]", "empty_list"),
        ("alerts: C0OPS", "wrong_type"),
        ("kommunicate: {dashboard_url: 'http://d.example.com'}", "bad_url"),
        ("kommunicate: {dashboard_url: 'https://['}", "bad_url"),
        ("kommunicate: {file_hosts: ['https://f.example.com/x']}", "bad_host"),
        ("kommunicate: {bots: bot}", "wrong_type"),
        ("replies: {map: {jane: j@example.com}}", "bad_slack_user"),
        ("delivery: {posts_per_second: 0}", "bad_number"),
        ("delivery: {burst: 1.5}", "bad_number"),
        ("delivery: {retry: []}", "empty_list"),
        ("delivery: {retry: [1, 0]}", "must_be_positive"),
        ("delivery: {confirm_after: [10s, 2s]}", "not_ascending"),
        ("delivery: {confirm_after: 2s}", "wrong_type"),
        ("delivery: {lease: 15s}", "lease_too_short"),
        ("delivery: {call_deadline: 20s}", "lease_too_short"),
        ("retention: 0", "must_be_positive"),
    ],
)
def test_it_refuses_what_a_setting_cannot_be(line, code):
    assert only(f"default_channel: C0X\n{line}")[0] == code


def test_it_points_at_the_value_inside_nested_lists():
    text = "default_channel: C0X\ndelivery:\n  retry:\n    - 1s\n    - soon\n"
    assert only(text) == ("bad_duration", "c:5:7")


def test_it_refuses_two_routes_of_one_name():
    route = "  - {name: a, when: {title: b}, channel: C0X}\n"
    (finding,) = findings("routes:\n" + route * 2)
    assert (finding.code, finding.where) == ("duplicate_route", "c:3:12")
    assert "line 2" in finding.message


def test_it_reads_a_byte_order_mark_and_windows_line_ends():
    assert only("\ufeffdefault_channel: C0X\r\nretention: x\r\n") == ("bad_duration", "c:2:12")


def test_a_key_left_blank_is_as_if_left_out():
    blank = "\n".join(f"{key}:" for key in Config.model_fields)
    assert check_config(blank, "c")[0] == Config()


def test_a_bomb_of_references_is_refused_at_once():
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    started = time.monotonic()
    assert any(finding.code == "yaml_alias" for finding in findings("a0: &a0 x\n" + "\n".join(lines)))
    assert time.monotonic() - started < 5


def test_findings_come_in_the_order_of_the_lines():
    found = findings("retention: x\nchanels: {}\nchannels: {1_0: x}\nzzz: 1")
    assert [finding.where for finding in found] == ["c:1:12", "c:2:1", "c:3:12", "c:3:17", "c:4:1"]


@settings(deadline=None)
@given(st.text() | st.lists(WORDS).map("".join))
def test_it_never_raises_whatever_the_text(text):
    config, found = check_config(text, "c")
    assert (config is None) == any(finding.level == "error" for finding in found)
    assert all("\n" not in str(finding) and finding.where.startswith("c:") for finding in found)
