"""Durations and channels: what is taken, and what is suggested instead."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from relay.routing.per_route import remind_for
from relay.settings import Config, DeliveryConfig, Kommunicate, Replies, check_config
from relay.settings.hours import ALWAYS


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("10m", 600), ("72h", 259200), ("7d", 604800), ("1.5h", 5400), ("45", 45), ("0.5", 0.5), ("'5'", 5)],
)
def test_a_duration_is_read_as_seconds(written, seconds):
    config, _ = check_config(f"retention: {written}", "c")
    assert config is not None
    assert config.retention == seconds


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("30 days", "Did you mean `30d`?"),
        ("5 m", "Did you mean `5m`?"),
        ("5min", "Did you mean `5m`?"),
        ("2H", "Did you mean `2h`?"),
        ("007s", "Did you mean `7s`?"),
        ("1,5h", "Did you mean `1.5h`?"),
        ("-5s", "Write `30s`"),
        ("2 weeks", "Write `30s`"),
        ("12:30", "Write `30s`"),
        (".inf", "Write `30s`"),
        ("1e9", "Write `30s`"),
        ("99999d", "Write `30s`"),
        ("forever", "Write `30s`"),
        ("[1]", "Write `30s`"),
    ],
)
def test_a_wrong_duration_gets_the_right_form(written, hint):
    _, (finding,) = check_config(f"default_channel: C0X\nretention: {written}", "c")
    assert finding.code == "bad_duration"
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize("channel", ["C0SUPPORT", "G01234567", "C0X", "'#general'", "'#help-desk_2'", "'#équipe'"])
def test_a_channel_is_an_id_or_a_quoted_name(channel):
    config, findings = check_config(f"default_channel: {channel}", "c")
    assert findings == []
    assert config is not None
    assert config.default_channel == channel.strip("'")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("general", 'Did you mean `"#general"`?'),
        ("'#General'", 'Did you mean `"#general"`?'),
        ("'#help desk'", 'Did you mean `"#help-desk"`?'),
        ("c0support", "Did you mean `C0SUPPORT`?"),
        ("U012ABCDEF", "That is the id of a person or a direct message"),
        ("D012ABCDEF", "That is the id of a person or a direct message"),
        ("'@jane'", "That is a person"),
        ("'<@U012ABCDEF>'", "That is a person"),
        ("'<#C012ABCDEF|general>'", "Write the id alone: `C012ABCDEF`."),
        ("'#C012ABCDEF'", "Write the id alone: `C012ABCDEF`."),
        ("https://x.slack.com/archives/C012ABCDEF/p1", "Write the id alone: `C012ABCDEF`."),
        ("https://hooks.slack.com/services/T0/B0/x", "That is an incoming webhook's address, which is a secret"),
        ("'#" + "a" * 81 + "'", "A channel's name has at most 80 characters."),
        ("[C0X]", "Write the channel's id"),
        ("''", "Write the channel's id"),
        ("'?'", "Write the channel's id"),
    ],
)
def test_what_is_no_channel_gets_the_nearest_one(written, hint):
    _, (finding,) = check_config(f"default_channel: {written}", "c")
    assert (finding.code, finding.where) == ("bad_channel", "c:1:18")
    assert finding.hint.startswith(hint)


def test_code_may_build_a_config_from_plain_numbers():
    delivery = DeliveryConfig(call_deadline=0.4, lease=1.5, retry=(0.1,), burst=2, posts_per_second=100)
    config = Config(delivery=delivery, kommunicate=Kommunicate(file_hosts=("F.example.com",)))
    assert (config.delivery.lease, config.kommunicate.file_hosts) == (1.5, ("f.example.com",))


@pytest.mark.parametrize("value", [-1, True, float("nan"), float("inf")])
def test_code_is_held_to_the_same_rules(value):
    with pytest.raises(ValidationError):
        Config(retention=value)
    with pytest.raises(ValidationError):
        DeliveryConfig(burst=value)


def test_a_reply_may_go_out_without_time_to_undo():
    assert Replies(undo_seconds=0, map={"U012": "jane"}).undo_seconds == 0


CANARY = "c4n4ry0123456789abcdef0123456789ab"


@pytest.mark.parametrize(
    "text",
    [
        f"default_channel: https://hooks.slack.com/services/T0/B0/{CANARY}",
        f"default_channel: {CANARY}",
        f"default_channel: #{CANARY}",
        f"channels: {{xoxb-{CANARY}: x}}",
        f"xoxb-{CANARY}: 1",
        f"channels: {{xoxb-{CANARY}: C0X, xoxb-{CANARY}: C0X}}",
        f"kommunicate: {{dashboard_url: 'http://me:{CANARY}@d.example.com'}}",
        f"slack_bot_token: xoxb-{CANARY}",
        f"retention: xoxb-{CANARY}",
        f"broadcast: xoxb-{CANARY}",
        f"a: b: xoxb-{CANARY}",
    ],
)
def test_a_secret_pasted_into_the_file_is_never_printed(text):
    config, findings = check_config(text, "c")
    assert config is None
    assert CANARY not in str([finding.to_dict() for finding in findings])


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("after: soon", "bad_duration"),
        ("after: 0", "must_be_positive"),
        ("stale: 3x", "bad_duration"),
        ("hours: nine to five", "bad_hours"),
        ("mention: everyone", "bad_mention"),
        ("befor: 1m", "unknown_key"),
        ("[5m]", "wrong_type"),
    ],
)
@pytest.mark.parametrize("place", ["remind", "routes.remind"])
def test_a_wrong_reminder_is_one_finding_for_all_and_for_a_route(place, written, code):
    block = written if written.startswith("[") else f"{{{written}}}"
    route = f"routes: [{{name: a, when: {{group_id: '1'}}, channel: C0X, remind: {block}}}]"
    _, (finding,) = check_config("default_channel: C0X\n" + (route if "." in place else f"remind: {block}"), "c")
    assert (finding.code, place in finding.message) == (code, True)


def test_a_route_takes_what_it_does_not_say_of_reminders_from_all():
    """`never`, `nobody` and `always` undo what is set for all."""
    text = """
default_channel: C0X
remind: {after: 7m, mention: here, hours: Mon-Fri 09:00-18:00 UTC, stale: 30m}
routes:
  - {name: quick, when: {group_id: "1"}, channel: C0X, remind: {after: 1m}}
  - name: off
    when: {group_id: "2"}
    channel: C0X
    remind: {after: never, mention: nobody, hours: always, stale: never}
  - {name: blank, when: {group_id: "3"}, channel: C0X, remind: }
"""
    config, findings = check_config(text, "c")
    assert config is not None, findings
    quick, off, blank, other = (remind_for(config, f"routes:{name}") for name in ("quick", "off", "blank", "gone"))
    assert quick == config.remind.model_copy(update={"after": 60.0})
    assert (off.after, off.mention, off.hours, off.stale) == ("never", "", ALWAYS, "never")
    assert blank == other == config.remind
