"""What Slack says that people pressed and chose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from slack_bodies import BUTTON, CHANNEL, CLICKED, LATER, ROOT, TS, Workspace, form, without

from relay.messages import Ignored
from relay.sandbox.slack.values import TEAM_ID
from relay.slack.events import Click, event_key
from relay.slack.interactions import NO_ACTION, NO_MESSAGE, NOT_OUR_FORM, parse_interaction
from relay.slack.parse import OTHER_KIND

CLICK = Click(TEAM_ID, "U0ALEX", "alex.r", CHANNEL, TS, ROOT, "take", "7", LATER)


def clicked(**changes: Any) -> object:
    return parse_interaction(form({**CLICKED, **changes}))


ON_ROOT = {"type": "message", "ts": TS, "thread_ts": TS, "reply_count": 3}
OPTION = {"type": "overflow", "action_id": "more", "action_ts": LATER, "selected_option": {"value": "resolve"}}
CLICKS = {
    "a button": ({}, CLICK),
    "a button on a root": ({"message": ON_ROOT}, replace(CLICK, thread_ts=None)),
    "a button on a message alone": ({"message": {"ts": TS}}, replace(CLICK, thread_ts=None)),
    "a button only they see": (
        {"message": ..., "container": {**CLICKED["container"], "thread_ts": ROOT, "is_ephemeral": True}}, CLICK),
    "a button without value": ({"actions": [without(BUTTON, "value")]}, replace(CLICK, value="")),
    "a menu": ({"actions": [OPTION]}, replace(CLICK, action_id="more", value="resolve")),
    "a choice of people": ({"actions": [{**BUTTON, "value": None, "selected_user": "U0SAM"}]},
                           replace(CLICK, value="U0SAM")),
    "by somebody with an odd name": ({"user": {"id": "U0ALEX", "username": "\x00a\u202e\ud800"}},
                                     replace(CLICK, user_name="a")),
    "of an organization": ({"team": None}, CLICK),
    "by somebody of another workspace": (
        {"user": {"id": "U0ALEX", "name": "alex.r", "team_id": "T2"}}, replace(CLICK, comes_from_elsewhere=True)),
    "no place but the channel": ({"container": {"message_ts": TS}}, CLICK),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "click"), CLICKS.values(), ids=CLICKS)
def test_it_reads_clicks(changes: dict[str, Any], click: Click) -> None:
    assert clicked(**changes) == (click,)


def test_several_actions_are_several_clicks() -> None:
    other = {**BUTTON, "action_id": "a/b"}
    assert clicked(actions=[BUTTON, other]) == (CLICK, replace(CLICK, action_id="a/b"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "view_submission", "container": ...}, NOT_OUR_FORM),
        ({"type": "shortcut"}, OTHER_KIND),
        ({"container": {"type": "view", "view_id": "V1"}}, NO_MESSAGE),
        ({"container": None}, NO_MESSAGE),
        ({"actions": []}, NO_ACTION),
        ({"actions": None}, NO_ACTION),
    ],
)
def test_other_interactions_are_put_aside(changes: dict[str, Any], reason: str) -> None:
    assert clicked(**changes) == Ignored(reason)


def test_its_key_is_what_repetitions_have_in_common() -> None:
    assert event_key(CLICK) == f"{TEAM_ID}/{CHANNEL}/{TS}/take/U0ALEX/{LATER}"


@pytest.mark.parametrize("threaded", [False, True])
def test_it_reads_the_clicks_the_sandbox_sends(threaded: bool) -> None:
    workspace = Workspace()
    on = workspace.relay_posts(workspace.root.ts) if threaded else workspace.root
    workspace.agent_clicks(on)
    clicks = parse_interaction(workspace.last.body)
    assert isinstance(clicks, tuple)
    (click,) = clicks
    assert (click.channel, click.message_ts) == (CHANNEL, on.ts)
    assert click.thread_ts == (workspace.root.ts if threaded else None)
    assert (click.action_id, click.value, click.user_id, click.user_name) == ("take", "7", "U0ALEX", "alex")
