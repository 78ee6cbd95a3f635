"""YAML's traps are findings, and a key is the text that was written."""

from __future__ import annotations

import pytest

from relay.settings import check_config

KEYS = ["0123", "12:30", "1_000", "0x1F", "yes", "No", "null", "~", "1.5", "2024-01-01", "true", "+5", "<<"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_yaml_would_misread_is_told_and_read_as_written(key):
    config, (finding,) = check_config(f"channels:\n  {key}: C0X", "c")
    assert config is not None
    assert config.channels == {key: "C0X"}
    assert (finding.code, finding.level, finding.where) == ("yaml_trap", "warning", "c:2:3")
    assert f'"{key}"' in finding.hint


@pytest.mark.parametrize("key", [f'"{key}"' for key in KEYS] + ["123456", "0", "-1", "a-b", "'12:30'"])
def test_a_key_in_quotes_or_beyond_doubt_is_no_finding(key):
    config, findings = check_config(f"channels:\n  {key}: C0X", "c")
    assert findings == []
    assert config is not None
    assert config.channels == {key.strip("\"'"): "C0X"}


@pytest.mark.parametrize("value", ["yes", "0123", "1_000", "2024-01-01"])
def test_a_condition_yaml_would_misread_is_told(value):
    text = f"routes:\n- name: a\n  channel: C0X\n  when: {{metadata.plan: {value}}}"
    _, (finding,) = check_config(text, "c")
    assert (finding.code, finding.where) == ("yaml_trap", "c:4:25")


@pytest.mark.parametrize("value", ["true", "3", "1.5", "enterprise", "'yes'"])
def test_a_condition_that_json_writes_the_same_way_is_no_finding(value):
    text = f"routes:\n- name: a\n  channel: C0X\n  when: {{metadata.plan: {value}}}"
    assert check_config(text, "c")[1] == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("channels:\n  123: #support", "c:2:3"),
        ("channels:\n  123:   #support # the help desk\r\n  124: C0X", "c:2:3"),
        ("default_channel: #general\n", "c:1:1"),
        ("alerts:\n  channel: #ops\n", "c:2:3"),
        ("routes:\n- name: a\n  when: {title: b}\n  channel: #vip\n", "c:4:3"),
    ],
)
def test_a_name_that_became_a_comment_is_told_with_its_remedy(text, where):
    config, (finding,) = check_config(text, "c")
    assert config is None
    assert (finding.code, finding.where) == ("name_is_a_comment", where)
    assert finding.hint.startswith('Put it in quotes: "#')


def test_a_comment_behind_an_empty_value_is_no_trap():
    config, _ = check_config("default_channel:   # none yet\nalerts:  # see below\n  channel:", "c")
    assert config is not None


@pytest.mark.parametrize(
    ("text", "where", "first"),
    [
        ("channels:\n  1: C0X\n  2: C0Y\n  1: C0Z", "c:4:3", "line 2"),
        ("channels:\n  '1': C0X\n  1: C0X", "c:3:3", "line 2"),
        ("default_channel: C0X\nretention: 7d\nretention: 8d", "c:3:1", "line 2"),
    ],
)
def test_a_key_given_twice_is_told_at_the_second_place_naming_the_first(text, where, first):
    config, (finding,) = check_config(text, "c")
    assert config is None
    assert (finding.code, finding.where) == ("duplicate_key", where)
    assert first in finding.message


def test_a_block_given_twice_is_checked_in_both_places():
    text = "channels:\n  1: bad\nchannels:\n  2: worse\n  1: C0X"
    codes = [finding.where for finding in check_config(text, "c")[1]]
    assert codes == ["c:3:1", "c:4:6", "c:5:3"]
